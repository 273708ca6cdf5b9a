"""The official SDKs, unchanged, pointed at the mock: what the scenario says comes out right, streamed and not."""

from __future__ import annotations

from typing import Any

import pytest

import bourn
from bourn.mock import MockServer, error, finish, http_error, reasoning, serve, text, tool_call, turns, usage

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

SAID = (
    reasoning("Let me think.", signature="sig")
    + text("Hello, wörld!")
    + tool_call("get_weather", {"city": "Zürich"}, id="c1")
    + tool_call("now", {}, id="c2")
    + usage(11, 7, cached_tokens=3, reasoning_tokens=2)
)
CALLS = [("c1", "get_weather", '{"city":"Zürich"}'), ("c2", "now", "{}")]


def chat(server: MockServer, **options: Any) -> Any:
    """OpenAI's client, without retries."""
    return openai.AsyncOpenAI(base_url=server.base_url("openai-chat"), api_key="k", max_retries=0, **options)


def claude(server: MockServer) -> Any:
    """Anthropic's client, without retries."""
    return anthropic.AsyncAnthropic(base_url=server.base_url("anthropic"), api_key="k", max_retries=0)


ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


async def test_the_shortest_useful_test():
    async with serve(text("Hello")) as server:
        stream = bourn.stream("openai/any", "hi", base_url=server.base_url(), api_key="any")
        assert (await stream.collect()).text == "Hello"


async def test_openai_chat_streamed():
    async with serve(SAID) as server, chat(server) as client:
        async with client.chat.completions.stream(**ASKED, stream_options={"include_usage": True}) as stream:
            async for _ in stream:
                pass
            answer = await stream.get_final_completion()
        _check_chat(answer)


async def test_openai_chat_whole():
    async with serve(SAID) as server, chat(server) as client:
        _check_chat(await client.chat.completions.create(**ASKED))


def _check_chat(answer: Any) -> None:
    (choice,) = answer.choices
    assert choice.message.content == "Hello, wörld!"
    assert choice.message.reasoning_content == "Let me think."
    assert [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls] == CALLS
    assert choice.finish_reason == "tool_calls"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (11, 7, 18)
    assert answer.usage.prompt_tokens_details.cached_tokens == 3
    assert answer.usage.completion_tokens_details.reasoning_tokens == 2


async def test_openai_responses_streamed():
    async with serve(SAID) as server, chat(server) as client, client.responses.stream(model="m", input="hi") as stream:
        async for _ in stream:
            pass
        _check_response(await stream.get_final_response())


async def test_openai_responses_whole():
    async with serve(SAID) as server, chat(server) as client:
        _check_response(await client.responses.create(model="m", input="hi"))


def _check_response(answer: Any) -> None:
    assert answer.output_text == "Hello, wörld!"
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [(call.call_id, call.name, call.arguments) for call in calls] == CALLS
    assert answer.status == "completed"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (11, 7)
    (thought,) = (item for item in answer.output if item.type == "reasoning")
    assert thought.summary[0].text == "Let me think."


async def test_anthropic_streamed():
    async with serve(SAID) as server, claude(server) as client, client.messages.stream(max_tokens=9, **ASKED) as stream:
        assert "".join([piece async for piece in stream.text_stream]) == "Hello, wörld!"
        _check_message(await stream.get_final_message())


async def test_anthropic_whole():
    async with serve(SAID) as server, claude(server) as client:
        _check_message(await client.messages.create(max_tokens=9, **ASKED))


def _check_message(answer: Any) -> None:
    thought, said, *calls = answer.content
    assert (thought.thinking, thought.signature, said.text) == ("Let me think.", "sig", "Hello, wörld!")
    assert [(call.id, call.name, call.input) for call in calls] == [
        ("c1", "get_weather", {"city": "Zürich"}),
        ("c2", "now", {}),
    ]
    assert answer.stop_reason == "tool_use"
    # Anthropic counts cached tokens apart from the others
    assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens, answer.usage.output_tokens) == (8, 3, 7)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((400, "BadRequestError"), (401, "AuthenticationError"), (403, "PermissionDeniedError")),
        *((404, "NotFoundError"), (429, "RateLimitError"), (500, "InternalServerError")),
    ],
)
async def test_an_http_error_is_the_sdks_own_error(status: int, kind: str) -> None:
    async with serve(http_error(status, "no, thank you")) as server, chat(server) as client, claude(server) as other:
        for sdk, call in (
            (openai, client.chat.completions.create(**ASKED)),
            (openai, client.responses.create(model="m", input="hi", stream=True)),
            (anthropic, other.messages.create(max_tokens=9, **ASKED)),
        ):
            with pytest.raises(getattr(sdk, kind), match="no, thank you") as caught:
                await call
            assert caught.value.request_id.startswith("req_")


async def test_an_error_in_mid_stream_is_the_sdks_own_error():
    async with serve(text("Well") + error("no more")) as server, chat(server) as client, claude(server) as other:
        with pytest.raises(openai.APIError, match="no more"):
            async for _ in await client.chat.completions.create(**ASKED, stream=True):
                pass
        with pytest.raises(anthropic.APIStatusError, match="no more"):
            async for _ in await other.messages.create(max_tokens=9, **ASKED, stream=True):
                pass


@pytest.mark.parametrize(
    ("reason", "in_chat", "in_messages"), [("length", "length", "max_tokens"), ("content_filter", "content_filter", "refusal")]
)
async def test_finish_reasons_are_in_each_providers_words(reason: Any, in_chat: str, in_messages: str) -> None:
    async with serve(text("We") + finish(reason)) as server, chat(server) as client, claude(server) as other:
        answer = await client.chat.completions.create(**ASKED)
        assert answer.choices[0].finish_reason == in_chat
        assert (await other.messages.create(max_tokens=9, **ASKED)).stop_reason == in_messages


async def test_an_sdk_retries_after_the_time_it_is_told():
    scenario = turns(http_error(429, retry_after=7), text("at last"))
    async with serve(scenario) as server, chat(server).with_options(max_retries=1) as client:
        answer = await client.chat.completions.create(**ASKED)
        assert answer.choices[0].message.content == "at last"
        first, second = server.journal.exchanges
        assert second.at - first.at == pytest.approx(7, abs=0.5)
