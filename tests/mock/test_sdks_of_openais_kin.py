"""SDKs of services that speak OpenAI chat, unchanged, pointed at the mock: text, calls, thoughts, usage and errors are read."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any

import pytest

from bourn.mock import MockServer, error, faults, http_error, reasoning, serve, text, tool_call, usage

SAID = (
    reasoning("Let me think.")
    + text("Hello, wörld!")
    + tool_call("get_weather", {"city": "Zürich"}, id="c1")
    + tool_call("now", {}, id="c2")
    + usage(11, 7)
)
MESSAGES = [{"role": "user", "content": "hi"}]


class Kin:
    """An SDK: its module, how its client is made for a server, and how it is asked for a stream."""

    module = ""
    errors: tuple[str, str] = ("", "")  # of a refusal, and in mid-stream

    def client(self, sdk: Any, server: MockServer) -> AbstractAsyncContextManager[Any]:
        raise NotImplementedError

    async def chunks(self, client: Any) -> list[Any]:
        stream = await client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        return [chunk async for chunk in stream]


class Groq(Kin):
    """Groq's adds ``/openai/v1`` to its base URL, and knows no option for the usage: Groq tells it unasked."""

    module = "groq"
    errors = ("RateLimitError", "APIError")

    def client(self, sdk: Any, server: MockServer) -> AbstractAsyncContextManager[Any]:
        client: AbstractAsyncContextManager[Any] = sdk.AsyncGroq(base_url=server.url, api_key="k", max_retries=0)
        return client

    async def chunks(self, client: Any) -> list[Any]:
        asked: dict[str, Any] = {"model": "m", "messages": MESSAGES, "extra_body": {"stream_options": {"include_usage": True}}}
        return [chunk async for chunk in await client.chat.completions.create(stream=True, **asked)]


class Cerebras(Kin):
    """Cerebras's adds ``/v1``, and would knock at the server first."""

    module = "cerebras.cloud.sdk"
    errors = ("RateLimitError", "APIStatusError")

    def client(self, sdk: Any, server: MockServer) -> AbstractAsyncContextManager[Any]:
        client: AbstractAsyncContextManager[Any] = sdk.AsyncCerebras(
            base_url=server.url, api_key="k", max_retries=0, warm_tcp_connection=False
        )
        return client


class HuggingFace(Kin):
    """The client of Hugging Face's router."""

    module = "huggingface_hub"
    errors = ("errors.HfHubHTTPError", "errors.TextGenerationError")

    def client(self, sdk: Any, server: MockServer) -> AbstractAsyncContextManager[Any]:
        client: AbstractAsyncContextManager[Any] = sdk.AsyncInferenceClient(base_url=server.base_url(), token="k")
        return client

    async def chunks(self, client: Any) -> list[Any]:
        stream = await client.chat_completion(MESSAGES, model="m", stream=True, stream_options={"include_usage": True})
        return [chunk async for chunk in stream]


every_sdk = pytest.mark.parametrize("kin", [Groq(), Cerebras(), HuggingFace()], ids=lambda kin: kin.module)


async def read(kin: Kin, server: MockServer) -> list[Any]:
    """The chunks that the SDK gives."""
    async with kin.client(pytest.importorskip(kin.module), server) as client:
        return await kin.chunks(client)


def raised(kin: Kin, at: int) -> Any:
    """The SDK's class of a refusal (0), or of an error in mid-stream (1)."""
    found: Any = pytest.importorskip(kin.module)
    for name in kin.errors[at].split("."):
        found = getattr(found, name, None) or import_module(f"{kin.module}.{name}")
    return found


def field(value: Any, *names: str) -> Any:
    """A field of a field; Cerebras's SDK leaves as dicts what it finds stranger than its own service."""
    for name in names:
        value = getattr(value, name) if hasattr(value, name) else dict(value or {}).get(name)
    return value


def deltas(chunks: list[Any]) -> list[Any]:
    return [field(choice, "delta") for chunk in chunks for choice in chunk.choices]


def joined(chunks: list[Any], name: str) -> str:
    return "".join(field(delta, name) or "" for delta in deltas(chunks))


@every_sdk
async def test_it_reads_an_answer(kin: Kin) -> None:
    """Text, thoughts, calls in pieces, the reason and the usage."""
    async with serve(SAID) as server:
        chunks = await read(kin, server)
    assert (joined(chunks, "content"), joined(chunks, "reasoning_content")) == ("Hello, wörld!", "Let me think.")
    calls: dict[int, list[str]] = {}
    for piece in (piece for delta in deltas(chunks) for piece in field(delta, "tool_calls") or ()):
        call = calls.setdefault(field(piece, "index"), ["", "", ""])
        for at, names in enumerate((("id",), ("function", "name"), ("function", "arguments"))):
            call[at] += field(piece, *names) or ""
    assert list(calls.values()) == [["c1", "get_weather", '{"city":"Zürich"}'], ["c2", "now", "{}"]]
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert reasons[-1] == "tool_calls"
    assert [(chunk.usage.prompt_tokens, chunk.usage.completion_tokens) for chunk in chunks if chunk.usage] == [(11, 7)]


@every_sdk
async def test_a_refusal_is_its_own_error(kin: Kin) -> None:
    """With the status and the message."""
    async with serve(http_error(429, "no, thank you")) as server:
        with pytest.raises(raised(kin, 0), match="no, thank you") as refused:
            await read(kin, server)
    assert refused.value.response.status_code == 429


@every_sdk
async def test_an_error_in_mid_stream_is_its_own_error(kin: Kin) -> None:
    """With the message."""
    async with serve(text("Well") + error("no more")) as server:
        with pytest.raises(raised(kin, 1), match="no more"):
            await read(kin, server)


@every_sdk
async def test_a_cut_is_passed_over_in_silence(kin: Kin) -> None:
    """What ends early is an answer to it, without a reason: why there is the contract's section 10."""
    async with serve(text("Well, well, well").broken(faults.CleanEnd(event=3))) as server:
        chunks = await read(kin, server)
    assert "Well, well, well".startswith(joined(chunks, "content"))
    assert {choice.finish_reason for chunk in chunks for choice in chunk.choices} == {None}


@every_sdk
async def test_a_reset_is_an_error(kin: Kin) -> None:
    """It passes through as the HTTP library's own: none of the three has a class for it in mid-stream."""
    async with serve(text("Well, well, well").broken(faults.Reset(event=3))) as server:
        with pytest.raises(Exception) as lost:  # noqa: PT011 -- httpx's or httpx2's, which is not ours to import
            await read(kin, server)
    assert type(lost.value).__name__ == "ReadError"
