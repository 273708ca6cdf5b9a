"""The official SDKs as front ends: whatever model answers, they read it in their own format."""

from __future__ import annotations

from typing import Any

import pytest

from bourn.frontends import to_sse
from bourn.mock import Reply, Scenario, serve
from tests.frontends.answers import ALL, BROKEN, stream
from tests.frontends.browser import collected

ASKING: dict[str, Any] = {"api_key": "k", "max_retries": 0}


async def served(scenario: Scenario, protocol: str, **options: Any) -> Reply:
    body = to_sse(stream(scenario), protocol, **options)
    data = await collected(body)
    return Reply(200, dict(body.headers), data)


async def test_openai_reads_anthropics_answer() -> None:
    """Text, calls, finish reason and usage, through OpenAI's own SDK."""
    openai = pytest.importorskip("openai")
    reply = await served(ALL, "openai-chat", include_usage=True)
    async with serve(lambda _: reply) as server, openai.AsyncOpenAI(base_url=server.url, **ASKING) as client:
        messages = [{"role": "user", "content": "hi"}]
        async with client.chat.completions.stream(model="m", messages=messages) as answer:
            async for _ in answer:
                pass
            whole = await answer.get_final_completion()
    (choice,) = whole.choices
    assert (choice.message.content, choice.finish_reason) == ("Hello, wörld!", "tool_calls")
    assert [call.function.arguments for call in choice.message.tool_calls] == ['{"city":"Zürich"}', "{}"]
    assert whole.usage.completion_tokens == 7


async def test_openai_raises_what_failed() -> None:
    """A failure in mid-stream is an error to OpenAI's SDK, in words for people."""
    openai = pytest.importorskip("openai")
    reply = await served(BROKEN, "openai-chat")
    async with serve(lambda _: reply) as server, openai.AsyncOpenAI(base_url=server.url, **ASKING) as client:
        answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], stream=True)
        with pytest.raises(openai.APIError, match="The model reported an error"):
            async for _ in answer:
                pass


async def test_anthropic_reads_it_too() -> None:
    """The same answer, through Anthropic's SDK."""
    anthropic = pytest.importorskip("anthropic")
    reply = await served(ALL, "anthropic")
    async with serve(lambda _: reply) as server, anthropic.AsyncAnthropic(base_url=server.url, **ASKING) as client:
        messages = [{"role": "user", "content": "hi"}]
        async with client.messages.stream(model="m", max_tokens=9, messages=messages) as answer:
            whole = await answer.get_final_message()
    assert [block.type for block in whole.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert (whole.content[1].text, whole.stop_reason) == ("Hello, wörld!", "tool_use")
