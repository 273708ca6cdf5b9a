"""The server's half of Anthropic's dialect: what it writes is read back the same, by our decoder and by the official SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.anthropic.decoder import DIALECT
from bourn.dialects.base import HttpCall, WireError
from bourn.events import (
    Citation,
    Event,
    Finish,
    FinishReason,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    ServerToolCall,
    ServerToolResult,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.messages import Message, Request
from bourn.response import Response
from bourn.testing.strategies import KINDS, Kind, event_runs, json_arguments, json_values, names, notes, texts, usages
from bourn.wire.sse import SSEFramer
from tests.recordings import decode

REQUEST = Request("claude-x", (Message("user", "hi"),))

TOLD = ("input_tokens", "output_tokens")
starts = st.builds(Start, id=names, model=names)
finishes = st.builds(
    lambda word, usage: Finish(word[0], word[1], usage),
    st.sampled_from([("stop", "end_turn"), ("stop", "stop_sequence"), ("length", "max_tokens"), ("tool_calls", "tool_use"),
                     ("content_filter", "refusal"), ("other", "pause_turn"), ("other", None), ("other", "mood")]),
    st.sampled_from([TOLD, (*TOLD, "cached_tokens"), (*TOLD, "cache_write_tokens", "reasoning_tokens")]).flatmap(
        lambda fields: usages(fields, optional=False)
    ),
)  # fmt: skip
blocks: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        lambda kind, content: Other(kind, {**content, "type": kind}),
        st.sampled_from(["compaction", "mood_block"]),
        st.dictionaries(names.filter(lambda name: name != "type"), json_values, max_size=3),
    ),
    st.builds(ServerToolCall, id=names, name=names, arguments=json_arguments),
    st.builds(ServerToolResult, id=names, name=st.none() | names, content=json_values, is_error=st.booleans()),
)


SIGNED: tuple[Kind, ...] = ("reasoning",)


def runs(layout: Any, **more: Any) -> st.SearchStrategy[list[Event]]:
    """What the dialect can express: no refusals, no ids of reasoning, signatures on thinking only, blocks as ``Other``."""
    return event_runs(
        kinds=("text", "reasoning", "tool_call"),
        layout=layout,
        custom_tools=False,
        reasoning_ids=False,
        signed=SIGNED,
        start=starts,
        other=blocks,
        finish=finishes,
        **more,
    )


def encode(events: list[Event]) -> bytes:
    encoder = DIALECT.encoder(REQUEST)
    return b"".join(encoder.encode(event) for event in events)


@given(runs("one_by_one") | runs("interleaved", redacted=False))
def test_what_is_written_is_read_back_the_same(events: list[Event]) -> None:
    """Every legal run that the dialect can express survives its wire, also parts that interleave."""
    out = decode(DIALECT, [encode(_without_strewn_in(events))])
    assert out.error is None
    assert out.events == _without_strewn_in(events)


_cited = st.builds(Citation, url=texts, title=st.none() | texts, quote=st.none() | texts) | st.builds(
    Citation, title=st.none() | texts, id=names | st.integers(0, 9).map(str), quote=st.none() | texts
)


@given(st.data())
def test_citations_are_read_back(data: st.DataObject) -> None:
    """In a text, wherever in it they stand; on the web or in a document."""
    events: list[Event] = []
    for event in data.draw(runs("one_by_one")):
        events.append(event)
        if isinstance(event, TextStart | TextDelta) and data.draw(st.booleans()):
            events.append(msgspec.structs.replace(data.draw(_cited), index=event.index))
    assert decode(DIALECT, [encode(_without_strewn_in(events))]).events == _without_strewn_in(events)


def _without_strewn_in(events: list[Event]) -> list[Event]:
    """``events``, without a block of the server's between the start and the end of thinking that is redacted as a whole."""
    out: list[Event] = []
    for event in events:
        if type(event) is ReasoningEnd and event.redacted:
            while type(out[-1]) in (Other, ServerToolCall, ServerToolResult):
                out.pop()
        out.append(event)
    return out


foreign = st.builds(Other, st.sampled_from(["usage", "container", "logprobs", "text"]), json_values)


@given(event_runs(kinds=KINDS, other=notes | foreign))
def test_every_legal_run_can_be_written(events: list[Event]) -> None:
    """Also what Anthropic has no words for makes a whole answer, in which no text, reasoning or argument is missing."""
    out = decode(DIALECT, [encode(events)])
    expected = Response()
    for event in events:
        expected.fold(event)
    assert out.error is None
    assert out.response.complete
    assert out.response.reasoning == expected.reasoning
    assert sorted(out.response.text) == sorted(expected.text + (expected.refusal or ""))
    assert [call.arguments for call in out.response.tool_calls] == [call.arguments for call in expected.tool_calls]
    whole = json.loads(DIALECT.encode_whole(REQUEST, events))
    tools = sum(isinstance(event, ServerToolCall | ServerToolResult) for event in events)
    assert len(whole["content"]) == len(expected.parts) - len(expected.media) + tools


ANSWER: list[Event] = [
    Start("msg_1", "claude-y"),
    ReasoningStart(0),
    ReasoningDelta(0, "Let me "),
    ReasoningDelta(0, "think."),
    ReasoningEnd(0, "c2lnbmVk"),
    ReasoningStart(1),
    ReasoningEnd(1, "b3BhcXVl", redacted=True),
    TextStart(2),
    TextDelta(2, "Grüße\u2028"),
    TextDelta(2, "!"),
    TextEnd(2),
    ToolCallStart(3, "toolu_1", "weather"),
    ToolCallDelta(3, '{"city": "Sa'),
    ToolCallDelta(3, 'n José"}'),
    ToolCallEnd(3),
    ToolCallStart(4, "toolu_2", "now"),
    ToolCallEnd(4),
    Finish("tool_calls", "tool_use", Usage(100, 20, 30, 40, 5)),
]
"""Everything at once, in the order in which Anthropic would say it."""


def written(events: list[Event]) -> list[dict[str, Any]]:
    """The payloads that the encoder wrote; each is named by its type."""
    frames = SSEFramer().feed(encode(events))
    payloads: list[dict[str, Any]] = [json.loads(frame.data) for frame in frames]
    assert [frame.event for frame in frames] == [payload["type"] for payload in payloads]
    return payloads


def test_an_answer_is_written_in_anthropics_order() -> None:
    """Start, ping, each block with its own index from start to stop, the delta of the message, the stop."""
    payloads = written(ANSWER)
    assert [payload["type"] for payload in payloads[:2]] == ["message_start", "ping"]
    assert [payload["type"] for payload in payloads[-2:]] == ["message_delta", "message_stop"]
    starts = [payload for payload in payloads if payload["type"] == "content_block_start"]
    assert [(block["index"], block["content_block"]["type"]) for block in starts] == [
        (0, "thinking"),
        (1, "redacted_thinking"),
        (2, "text"),
        (3, "tool_use"),
        (4, "tool_use"),
    ]
    assert payloads[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {
            "input_tokens": 30,
            "cache_creation_input_tokens": 40,
            "cache_read_input_tokens": 30,
            "output_tokens": 20,
            "output_tokens_details": {"thinking_tokens": 5},
        },
    }


def test_an_event_is_written_at_once() -> None:
    """Nothing waits for what comes later, but the start of thinking, which may turn out to be redacted."""
    encoder = DIALECT.encoder(REQUEST)
    silent = [type(event).__name__ for event in ANSWER if not encoder.encode(event)]
    assert silent == ["ReasoningStart", "ReasoningStart"]


def test_a_call_that_was_cut_has_no_stop() -> None:
    """A call without its end is left open on the wire, and read back as not complete."""
    cut: list[Event] = [Start("m", "x"), ToolCallStart(0, "t", "f"), ToolCallDelta(0, '{"a'), Finish("length", "max_tokens")]
    assert "content_block_stop" not in [payload["type"] for payload in written(cut)]
    assert [call.complete for call in decode(DIALECT, [encode(cut)]).response.tool_calls] == [False]


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        ("stop", None, "end_turn"),
        ("stop", "stop_sequence", "stop_sequence"),
        ("stop", "STOP", "end_turn"),
        ("length", "MAX_TOKENS", "max_tokens"),
        ("tool_calls", "stop", "tool_use"),
        ("content_filter", None, "refusal"),
        ("other", "pause_turn", "pause_turn"),
        ("error", None, None),
    ],
)
def test_the_stop_reason_is_anthropics_word(reason: FinishReason, raw: str | None, word: str | None) -> None:
    """The raw word is kept where it is Anthropic's; another dialect's becomes the word of its reason."""
    assert written([Start(), Finish(reason, raw)])[-2]["delta"]["stop_reason"] == word


def test_what_the_dialect_has_no_word_for_is_changed_as_documented() -> None:
    """A refusal is text, a missing id and model are made up, and kinds of other dialects are not written."""
    out = decode(
        DIALECT,
        [encode([Start(), RefusalStart(0), RefusalDelta(0, "No."), RefusalEnd(0), Other("logprobs", [1]), Finish("stop")])],
    )
    assert (out.response.text, out.response.model) == ("No.", "claude-x")
    assert out.response.id
    assert [other.kind for other in out.response.others] == []
    assert written([Start(), ToolCallStart(0, None, "f")])[2]["content_block"]["id"] == "toolu_0"


def test_fields_of_the_message_and_citations_are_written_where_they_belong() -> None:
    """They come back as the same ``Other``s, the message's own at its end."""
    citation = {"type": "page_location", "cited_text": "x", "document_index": 0, "start_page_number": 3}
    mcp = {"type": "mcp_tool_use", "id": "m", "name": "ask", "server_name": "s", "input": {}}
    events: list[Event] = [
        Start("msg_1", "claude-y"),
        TextStart(0),
        Citation(0, id="0", quote="x", raw=citation),
        TextDelta(0, "x"),
        TextEnd(0),
        ServerToolCall("m", "ask", '{"q":1}', mcp),
        Other("stop_sequence", "is"),
        Other("container", {"id": "c"}),
        Other("context_management", {"applied_edits": []}),
        Other("usage", {"inference_geo": "eu"}),
        Finish("stop", "stop_sequence", Usage(1, 2), service_tier="standard"),
    ]
    assert decode(DIALECT, [encode(events)]).events == events
    whole = json.loads(DIALECT.encode_whole(REQUEST, events))
    assert whole["content"] == [{"type": "text", "text": "x", "citations": [citation]}, {**mcp, "input": {"q": 1}}]
    assert (whole["stop_sequence"], whole["container"]) == ("is", {"id": "c"})
    assert (whole["usage"]["service_tier"], whole["usage"]["inference_geo"]) == ("standard", "eu")


def test_an_answer_is_written_whole_for_who_did_not_ask_for_a_stream() -> None:
    """One message with the same blocks; input that was cut, which is no JSON, becomes an empty object."""
    server: Event = ServerToolCall("s", "n")
    whole = json.loads(
        DIALECT.encode_whole(REQUEST, [*ANSWER[:-1], server, ToolCallStart(5, None, "f"), ToolCallDelta(5, "{")])
    )
    assert whole["content"] == [
        {"type": "thinking", "thinking": "Let me think.", "signature": "c2lnbmVk"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "text", "text": "Grüße\u2028!"},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "San José"}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
        {"type": "server_tool_use", "id": "s", "name": "n", "input": {}},
        {"type": "tool_use", "id": "toolu_f", "name": "f", "input": {}},
    ]
    assert (whole["id"], whole["model"], whole["stop_reason"]) == ("msg_1", "claude-y", None)


def test_an_error_in_mid_stream_is_read_back() -> None:
    """It is an ``error`` event; without a type it is an overload, the one that the documentation shows."""
    encoder = DIALECT.encoder(REQUEST)
    out = decode(DIALECT, [encoder.encode(ANSWER[0]), encoder.error(WireError("Overloaded"))])
    assert (str(out.error), getattr(out.error, "type", "")) == ("Overloaded", "overloaded_error")


@pytest.fixture
def sdk() -> Callable[[int, bytes, str], Any]:
    """Makes a client of the official SDK that is answered with the given status, body and content type."""
    anthropic = pytest.importorskip("anthropic", reason="the official SDK is in the dependency group sdk")
    httpx2 = pytest.importorskip("httpx2", reason="the official SDK brings httpx2")

    def client(status: int, body: bytes, content_type: str) -> Any:
        def answer(request: Any) -> Any:
            parsed = DIALECT.parse(_call(request))
            assert parsed.messages == (Message("user", "hi"),)
            return httpx2.Response(status, content=body, headers={"content-type": content_type, "request-id": "req_1"})

        transport = httpx2.MockTransport(answer)
        return anthropic.AsyncAnthropic(
            api_key="k", max_retries=0, http_client=anthropic.DefaultAsyncHttpxClient(transport=transport)
        )

    return client


def _call(request: Any) -> HttpCall:
    assert request.url.path == DIALECT.paths[0]
    assert "anthropic-version" in request.headers
    return HttpCall(request.url.path, request.content, dict(request.headers))


ASKED: dict[str, Any] = {"model": "claude-y", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}


def assert_same(message: Any) -> None:
    """The SDK's message says what ``ANSWER`` says."""
    assert [block.type for block in message.content] == ["thinking", "redacted_thinking", "text", "tool_use", "tool_use"]
    thinking, redacted, text, call, bare = message.content
    assert (thinking.thinking, thinking.signature) == ("Let me think.", "c2lnbmVk")
    assert redacted.data == "b3BhcXVl"
    assert text.text == "Grüße\u2028!"
    assert (call.id, call.name, call.input) == ("toolu_1", "weather", {"city": "San José"})
    assert (bare.id, bare.input) == ("toolu_2", {})
    assert (message.id, message.model, message.stop_reason) == ("msg_1", "claude-y", "tool_use")
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (30, 30, 40)
    assert (usage.output_tokens, usage.output_tokens_details.thinking_tokens) == (20, 5)


async def test_the_sdks_stream_helper_sees_the_same_answer(sdk: Callable[..., Any]) -> None:
    """``messages.stream()`` folds our bytes into the message that the events describe."""
    async with (
        sdk(200, encode(ANSWER), "text/event-stream") as client,
        client.messages.stream(**ASKED) as stream,
    ):
        assert "".join([piece async for piece in stream.text_stream]) == "Grüße\u2028!"
        assert_same(await stream.get_final_message())


async def test_the_sdks_raw_stream_sees_every_event(sdk: Callable[..., Any]) -> None:
    """``messages.create(stream=True)`` yields each event but the pings, with its pieces as they were."""
    async with sdk(200, encode(ANSWER), "text/event-stream") as client:
        got = [event async for event in await client.messages.create(**ASKED, stream=True)]
    assert [event.type for event in got] == [payload["type"] for payload in written(ANSWER) if payload["type"] != "ping"]
    pieces = [event.delta for event in got if event.type == "content_block_delta"]
    assert [piece.partial_json for piece in pieces if piece.type == "input_json_delta"] == ["", '{"city": "Sa', 'n José"}', ""]


async def test_the_sdk_reads_the_whole_message(sdk: Callable[..., Any]) -> None:
    """Without a stream it gets the same message."""
    async with sdk(200, DIALECT.encode_whole(REQUEST, ANSWER), "application/json") as client:
        assert_same(await client.messages.create(**ASKED))


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (413, "RequestTooLargeError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (529, "OverloadedError"),
    ],
)
async def test_the_sdk_raises_the_error_of_its_status(sdk: Callable[..., Any], status: int, name: str) -> None:
    """A refusal as we write it has the SDK's type and our words."""
    import anthropic

    async with sdk(status, DIALECT.encode_error(status, WireError("Not today")), "application/json") as client:
        with pytest.raises(getattr(anthropic, name), match="Not today") as refused:
            await client.messages.create(**ASKED, stream=True)
    assert refused.value.type == json.loads(DIALECT.encode_error(status, WireError("")))["error"]["type"]
    assert refused.value.request_id == "req_1"


async def test_the_sdk_raises_the_error_in_mid_stream(sdk: Callable[..., Any]) -> None:
    """An error event after a 200 is an exception there too, after the text that came before."""
    import anthropic

    encoder = DIALECT.encoder(REQUEST)
    body = b"".join(encoder.encode(event) for event in ANSWER[:9]) + encoder.error(WireError("Overloaded"))
    text = ""
    async with sdk(200, body, "text/event-stream") as client, client.messages.stream(**ASKED) as stream:
        with pytest.raises(anthropic.APIStatusError, match="Overloaded") as failed:
            async for piece in stream.text_stream:
                text += piece
    assert text == "Grüße\u2028"
    assert failed.value.type == "overloaded_error"
