"""Mistral's dialect: what it does otherwise than OpenAI chat, both ways, and what Mistral's own SDK makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn import dialects
from bourn.dialects.base import WireError
from bourn.dialects.mistral import DIALECT
from bourn.dialects.openai_chat.decoder import ChatDecoder
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart, ToolCallDelta, ToolCallStart, Usage
from bourn.messages import Message, Options, Reasoning, Request, Text
from bourn.mock import MockServer, error, faults, finish, http_error, reasoning, serve, text, tool_call, usage
from bourn.response import Response
from bourn.testing.strategies import Kind, event_runs, names, usages
from tests.recordings import decode, needs_corpus, recordings

REQUEST = Request("m", (Message("user", "hi"),), stream=True)


def body(request: Request) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(DIALECT.call(request).body)
    return value


def written(events: list[Event]) -> list[dict[str, Any]]:
    """The chunks of an answer, without the last mark."""
    encoder = DIALECT.encoder(REQUEST)
    whole = b"".join(map(encoder.encode, events))
    return [json.loads(line[6:]) for line in whole.split(b"\n\n") if line.startswith(b"data: {")]


def test_the_dialect_is_found_by_its_name() -> None:
    """Its answers are read as OpenAI chat's; the mock serves it beside that, under a root of its own."""
    assert dialects.get("mistral") is DIALECT
    assert (DIALECT.decoder, DIALECT.root, DIALECT.paths) == (ChatDecoder, "/mistral/v1", ("/chat/completions",))


def test_a_request_has_mistrals_words_and_no_others() -> None:
    """The seed has its own name, no stream options are sent, thoughts go back among the parts of the content."""
    thought = Message("assistant", (Reasoning("Hm."), Text("Yes.")))
    told = body(Request("m", (Message("user", "hi"), thought), Options(seed=3), stream=True))
    assert told["random_seed"] == 3
    assert told.keys() == {"model", "messages", "random_seed", "stream"}
    assert told["messages"][1]["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Yes."},
    ]


def test_a_request_is_read_back() -> None:
    """Both halves agree."""
    request = Request("m", (Message("system", "Be kind."), Message("user", "hi")), Options(seed=3, max_tokens=5), stream=True)
    again = DIALECT.parse(DIALECT.call(request))
    assert (again.messages, again.options, again.stream) == (request.messages, request.options, True)


def test_a_call_is_written_whole_and_usage_with_the_reason() -> None:
    """As recorded: no type, an index, the arguments as text; and the usage beside the finish reason, unasked."""
    answer: list[Event] = [Start("i", "m"), ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"x"'), ToolCallDelta(0, ":1}")]
    chunks = written([*answer, Finish("length", usage=Usage(3, 5))])
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"x":1}'}, "index": 0}]},
        {"content": ""},
    ]
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["usage"] == {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


def test_an_answer_that_told_no_end_has_none() -> None:
    """Neither a finish reason nor the last mark is made up."""
    encoder = DIALECT.encoder(REQUEST)
    events: list[Event] = [Start("i", "m"), TextStart(0), TextDelta(0, "a"), TextEnd(0), Finish("stop", verified=False)]
    assert b"[DONE]" not in b"".join(map(encoder.encode, events))
    assert decode(DIALECT, [b"".join(map(DIALECT.encoder(REQUEST).encode, events))], verified=False).response.verified is False


COUNTED = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
KINDS: tuple[Kind, ...] = ("text", "reasoning", "tool_call")
runs = event_runs(
    kinds=KINDS,
    empty=KINDS[2:],
    layout="one_by_one",
    signed=(),
    redacted=False,
    reasoning_ids=False,
    custom_tools=False,
    start=st.builds(Start, id=names, model=names),
    other=None,
    finish=st.builds(
        lambda reason, usage: Finish(reason, reason, usage),
        st.sampled_from(["stop", "length", "tool_calls", "error"]),
        usages(COUNTED, optional=False),
    ),
)


@given(runs)
def test_what_is_written_is_read_back(events: list[Event]) -> None:
    """Text, thoughts, calls, reason and usage come back; parts of one kind in a row are one."""
    told, meant = decode(DIALECT, map(DIALECT.encoder(REQUEST).encode, events)), Response()
    for event in events:
        meant.fold(event)
    said = told.response
    assert told.error is None
    assert (said.id, said.model, said.text, said.reasoning) == (meant.id, meant.model, meant.text, meant.reasoning)
    assert [(c.id, c.name, c.arguments) for c in said.tool_calls] == [(c.id, c.name, c.arguments) for c in meant.tool_calls]
    assert (said.finish_reason, said.usage) == (meant.finish_reason, meant.usage)


@pytest.mark.parametrize("status", [400, 429, 503])
def test_an_error_is_written_flat_and_read_back(status: int) -> None:
    """With the status beside it, as recorded."""
    said = WireError("Invalid model: x", "invalid_model", "1500")
    data = DIALECT.encode_error(status, said)
    assert json.loads(data)["raw_status_code"] == status
    assert DIALECT.read_error(status, {}, data) == said


@needs_corpus
def test_the_shapes_are_those_that_were_recorded() -> None:
    """Every key that we write in a chunk was seen, and those of an error are the same."""
    ours = written([Start("i", "m"), ToolCallStart(0, "c", "f"), Finish("tool_calls", usage=Usage(3, 5))])
    seen: set[str] = set()
    for one in recordings("mistral"):
        for line in one.body.splitlines():
            if line.startswith(b"data: {"):
                seen |= keys(json.loads(line[6:]))
    assert set().union(*map(keys, ours)) <= seen
    flat = [json.loads(one.body) for one in recordings("mistral-errors") if one.body.startswith(b'{"object"')]
    assert set().union(*(error.keys() for error in flat)) == json.loads(DIALECT.encode_error(400, WireError("x"))).keys()


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


# --- Mistral's own SDK ------------------------------------------------------------------------------------------------------

SAID = (
    reasoning("Let me think.")
    + text("Hello, wörld!")
    + tool_call("get_weather", {"city": "Zürich"}, id="c1")
    + tool_call("now", {}, id="c2")
    + usage(11, 7)
)
CALLS = [("c1", "get_weather", '{"city":"Zürich"}'), ("c2", "now", "{}")]
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def client(server: MockServer) -> Any:
    """Mistral's client, which adds ``/v1`` by itself."""
    sdk = pytest.importorskip("mistralai.client")
    return sdk.Mistral(api_key="k", server_url=server.base_url("mistral").removesuffix("/v1"))


async def streamed(server: MockServer) -> list[Any]:
    """The choices of a streamed answer, and the usage at its end."""
    async with client(server) as mistral:
        stream = await mistral.chat.stream_async(**ASKED)
        chunks = [event.data async for event in stream]
    return [*(chunk.choices[0] for chunk in chunks), chunks[-1].usage]


async def test_the_sdk_reads_a_stream() -> None:
    """Thoughts, text, whole calls, the reason and the usage."""
    async with serve(SAID) as server:
        *choices, told = await streamed(server)
    contents = [choice.delta.content for choice in choices]
    assert "".join(part for part in contents if isinstance(part, str)) == "Hello, wörld!"
    lists = [part for content in contents if isinstance(content, list) for part in content]
    assert "".join(thought.text for part in lists for thought in part.thinking) == "Let me think."
    calls = [call for choice in choices for call in choice.delta.tool_calls or ()]
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == CALLS
    assert choices[-1].finish_reason == "tool_calls"
    assert (told.prompt_tokens, told.completion_tokens, told.total_tokens) == (11, 7, 18)


async def test_the_sdk_reads_a_whole_answer() -> None:
    """The same, not streamed."""
    async with serve(SAID) as server, client(server) as mistral:
        answer = await mistral.chat.complete_async(**ASKED)
    (choice,) = answer.choices
    thought, said = choice.message.content
    assert (thought.thinking[0].text, said.text) == ("Let me think.", "Hello, wörld!")
    assert [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls] == CALLS
    assert (choice.finish_reason, answer.usage.total_tokens) == ("tool_calls", 18)


async def test_the_sdk_reads_a_length_limit() -> None:
    """The reason is Mistral's word."""
    async with serve(text("We") + finish("length")) as server:
        *choices, _ = await streamed(server)
    assert choices[-1].finish_reason == "length"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_the_sdk_raises_its_own_error(status: int) -> None:
    """With the status and the message of a refusal."""
    errors = pytest.importorskip("mistralai.client.errors")
    async with serve(http_error(status, "no, thank you")) as server, client(server) as mistral:
        with pytest.raises(errors.SDKError, match="no, thank you") as refused:
            await mistral.chat.complete_async(**ASKED)
        assert refused.value.status_code == status


async def test_the_sdk_raises_in_mid_stream() -> None:
    """An error inside a 200 stream is no chunk to it, and what it raises has the bytes."""
    errors = pytest.importorskip("mistralai.client.errors")
    async with serve(text("Well") + error("no more")) as server:
        with pytest.raises(errors.MistralError) as failed:
            await streamed(server)
    assert "no more" in failed.value.body


async def test_the_sdk_passes_over_a_cut_in_silence() -> None:
    """A body that ends early is an answer to it; ours is the one that says so."""
    async with serve(text("Well, well, well").broken(faults.CleanEnd(event=3))) as server:
        *choices, _ = await streamed(server)
    assert choices[-1].finish_reason is None
