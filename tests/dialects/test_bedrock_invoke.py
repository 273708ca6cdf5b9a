"""Anthropic's format inside Bedrock's ``invoke``: its events out of their messages, its requests, and the server's half."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.anthropic import decoder as anthropic
from bourn.dialects.base import HttpCall, WireError
from bourn.dialects.bedrock.invoke import DIALECT, FAMILIES, InvokeDecoder
from bourn.errors import BournError, InputError, ModelError, PayloadError, TruncatedError
from bourn.events import (
    Event,
    Finish,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.messages import Image, Message, Options, Request, Schema, Text, Tool, ToolResult
from bourn.mock import serve, text, tool_call, usage
from bourn.testing.strategies import chunkings, event_runs
from bourn.wire.eventstream import EventStreamFrame, EventStreamFramer
from tests.dialects import anthropic_wire as wire
from tests.dialects.bedrock_wire import chunk, exception, frame, frames
from tests.recordings import decode

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
REQUEST = Request(CLAUDE, (Message("user", "hi"),))


def chunks(*payloads: dict[str, Any]) -> list[bytes]:
    return [chunk(payload) for payload in payloads]


METRICS = {"inputTokenCount": 3, "outputTokenCount": 4}
ANSWER = chunks(
    wire.begin(usage={"input_tokens": 3}),
    wire.block(0, type="thinking", thinking=""),
    wire.delta(0, "thinking_delta", thinking="日本\u2028"),
    wire.delta(0, "signature_delta", signature="sig"),
    wire.stop(0),
    *[{**payload, "index": 1} for payload in wire.TEXT],
    wire.end(usage={"output_tokens": 4})[0],
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS},
)
SAID: list[Event] = [
    Start("msg_1", "claude-x"),
    ReasoningStart(0),
    ReasoningDelta(0, "日本\u2028"),
    ReasoningEnd(0, "sig"),
    TextStart(1),
    TextDelta(1, "Hé"),
    TextDelta(1, "llo"),
    TextEnd(1),
    Other("amazon-bedrock-invocationMetrics", METRICS),
    Finish("stop", "end_turn", Usage(3, 4)),
]


@given(chunkings(b"".join(ANSWER)))
def test_the_events_are_anthropics(pieces: list[bytes]) -> None:
    """The same as without Bedrock around them, and its metrics before the finish; at any cut."""
    assert decode(DIALECT, pieces).events == SAID


@pytest.mark.parametrize("spaces", [(",", ":"), (", ", ": ")])
def test_the_name_of_an_event_need_not_come_first(spaces: tuple[str, str]) -> None:
    """Keys in another order, or with spaces, are read as well."""
    payloads = [wire.begin(), *wire.TEXT, *wire.end()]
    turned = [dict(reversed(payload.items())) for payload in payloads]
    made = [chunk(json.dumps(payload, separators=spaces).encode()) for payload in turned]
    assert decode(DIALECT, made).events == [Start("msg_1", "claude-x"), *wire.SPOKEN, wire.STOPPED]


def test_an_event_may_stand_bare_in_its_message() -> None:
    """As servers that imitate Bedrock (aimock) send it, without base64 around it."""
    bare = [frame(payload, event_type="chunk", message_type="event") for payload in (wire.begin(), *wire.TEXT, *wire.end())]
    assert decode(DIALECT, bare).events == [Start("msg_1", "claude-x"), *wire.SPOKEN, wire.STOPPED]


def test_the_stop_reason_ends_the_answer() -> None:
    """As in Anthropic's own stream either mark will do, and later messages are nothing."""
    decoder, framer = InvokeDecoder(), EventStreamFramer()
    for one in framer.feed(b"".join(ANSWER[:-1])):
        decoder.feed(one)
    assert (decoder.ended, decoder.done, decoder.usage) == (True, False, Usage(3, 4))
    [last] = framer.feed(ANSWER[-1])
    assert list(decoder.feed(last)) == SAID[-2:]
    assert [*decoder.feed(last), *decoder.close()] == []


@pytest.mark.parametrize("count", range(len(ANSWER) - 2))
def test_an_answer_that_is_cut_off_is_truncated(count: int) -> None:
    """Before the stop reason; unless the service is known to send none, and something had come."""
    assert isinstance(decode(DIALECT, ANSWER[:count]).error, TruncatedError)
    assert isinstance(decode(DIALECT, ANSWER[:count], verified=False).error, TruncatedError) is (count == 0)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (exception("throttlingException", {"message": "Slow"}), ("Slow", "throttlingException", True)),
        (exception("modelTimeoutException", {"message": "Late"}), ("Late", "modelTimeoutException", True)),
        (exception("validationException", {"message": "Bad"}), ("Bad", "validationException", False)),
        (
            chunk({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
            ("Overloaded", "overloaded_error", True),
        ),
    ],
)
def test_an_error_is_raised_whoever_sent_it(message: bytes, expected: tuple[str, str, bool]) -> None:
    """Bedrock's exceptions, and errors of the model's own server inside a chunk; what came before stays."""
    out = decode(DIALECT, [*ANSWER[:7], message])
    assert isinstance(out.error, ModelError)
    assert (out.error.message, out.error.type, out.error.retryable) == expected
    assert out.response.text == "Hé"


def test_an_exception_after_the_stop_reason_changes_nothing() -> None:
    """The answer is whole by then."""
    out = decode(DIALECT, [*ANSWER[:-1], exception("throttlingException", {"message": "Slow"})])
    assert (out.error, out.events[-2:]) == (None, [Other("throttlingException", "Slow"), SAID[-1]])


def test_what_is_not_known_is_told() -> None:
    """Events of another name, chunks of another type, and keys of Bedrock's."""
    odd = [
        frame({"a": 1}, event_type="news", message_type="event"),
        chunk({"type": "mood", "glad": True}),
        chunk({"amazon-x": 1}),
    ]
    assert decode(DIALECT, [ANSWER[0], *odd]).response.others == [
        Other("news", {"a": 1}), Other("mood", {"type": "mood", "glad": True}), Other("message", {"amazon-x": 1}),
    ]  # fmt: skip


@pytest.mark.parametrize("key", FAMILIES)
def test_another_format_is_named(key: str) -> None:
    """Its first payload gives it away; once a message of Anthropic's began, the same key is only an oddity."""
    out = decode(DIALECT, [chunk({key: "x"})])
    assert isinstance(out.error, PayloadError)
    assert out.error.message == (
        f"the answer is in the format of {FAMILIES[key]}, and bedrock-invoke reads Anthropic's only; "
        "use the dialect bedrock-converse"
    )
    assert decode(DIALECT, [ANSWER[0], chunk({key: "x"})]).response.others == [Other("message", {key: "x"})]


@pytest.mark.parametrize(
    ("payload", "raw"),
    [
        (b"{", b"{"),
        (b'{"bytes":"?"}', b'{"bytes":"?"}'),
        (b'{"bytes":7}', b'{"bytes":7}'),
        (b'{"bytes":"ew=="}', b"{"),
        (b'{"bytes":"W10="}', b"[]"),
        (b'{"bytes":"eyJ0eXBlIjoi"}', b'{"type":"'),
    ],
)
@pytest.mark.parametrize("begun", [False, True])
def test_an_undecodable_chunk_is_an_error_with_its_bytes(payload: bytes, raw: bytes, begun: bool) -> None:
    """Of the chunk, or of what is in it."""
    out = decode(DIALECT, [*ANSWER[:begun], frame(payload, event_type="chunk", message_type="event")])
    assert isinstance(out.error, PayloadError)
    assert out.error.raw == raw


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"{}", b'{"type":"message_start"}', b'{"type":"x"}']), max_size=4))
def test_no_junk_escapes_the_tree(payloads: list[bytes]) -> None:
    """Whatever the chunks hold, only errors of the tree are raised."""
    out = decode(DIALECT, [chunk(payload) for payload in payloads])
    assert out.error is None or isinstance(out.error, BournError)


# Requests


def sent(request: Request) -> tuple[dict[str, Any], tuple[str, ...]]:
    call = DIALECT.call(request)
    assert (call.method, call.headers) == ("POST", {})
    body: dict[str, Any] = json.loads(call.body)
    return body, call.warnings


def test_a_request_is_anthropics_with_the_model_in_the_path() -> None:
    """Model and stream are not in the body, the version is."""
    call = DIALECT.call(REQUEST)
    assert call.path == "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream"
    assert json.loads(call.body) == {
        "anthropic_version": "bedrock-2023-05-31",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 4096,
    }
    assert DIALECT.call(Request("m", REQUEST.messages, stream=False)).path == "/model/m/invoke"


def test_options_are_written_as_anthropic_writes_them() -> None:
    """Each one is where ``anthropic`` has it; ``extra`` goes over everything, even over what is taken out."""
    options = Options(
        max_tokens=9, temperature=0.5, tools=(Tool("f"),), reasoning=2000, schema=Schema({}), seed=1, stop=("x",),
        extra={"anthropic_beta": ["b"], "anthropic_version": "other", "model": "mine"},
    )  # fmt: skip
    body, warnings = sent(Request(CLAUDE, REQUEST.messages, options))
    theirs = anthropic.DIALECT.call(Request(CLAUDE, REQUEST.messages, options))
    assert body == {name: value for name, value in json.loads(theirs.body).items() if name != "stream"}
    assert body["anthropic_version"] == "other"
    assert warnings == theirs.warnings


def test_images_by_url_are_left_out_with_a_warning() -> None:
    """Bedrock refuses them (``test-anthropic-images-36dc02``), also in a tool's result."""
    link, data = Image("https://x/y.png"), Image(data=b"x", media_type="image/png")
    body, (warning,) = sent(
        Request("m", (Message("user", (Text("a"), link, data)), Message("tool", (ToolResult("t", (link, Text("b"))),))))
    )
    assert "https://x" not in json.dumps(body)
    assert [block["type"] for block in body["messages"][0]["content"]] == ["tool_result", "text", "image"]
    assert warning == "an image by URL is left out: Bedrock takes bytes; pass its data="


def parse(body: Any, path: str = "/model/m/invoke-with-response-stream") -> Request:
    return DIALECT.parse(HttpCall(path, body if isinstance(body, bytes) else json.dumps(body).encode()))


BODY = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}


def test_a_request_is_read() -> None:
    """The path says which model, and whether a stream is wanted."""
    assert parse(BODY) == Request("m", (Message("user", "hi"),), Options(max_tokens=10))
    assert parse(BODY, "/model/a%3Ab/invoke") == Request("a:b", (Message("user", "hi"),), Options(max_tokens=10), stream=False)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Malformed input request, please reformat your input and try again."),
        (b"[]", "Malformed input request, please reformat your input and try again."),
        (
            BODY | {"model": "m"},
            "Malformed input request: #: extraneous key [model] is not permitted, please reformat your input and try again.",
        ),
        (
            BODY | {"stream": True},
            "Malformed input request: #: extraneous key [stream] is not permitted, please reformat your input and try again.",
        ),
        (BODY | {"anthropic_version": None}, "anthropic_version: Field required; for example 'bedrock-2023-05-31'"),
        (BODY | {"messages": []}, "messages: at least one message is required"),
        (BODY | {"max_tokens": "many"}, "max_tokens: Input should be a valid integer"),
    ],
)
def test_a_wrong_request_is_refused(body: Any, message: str) -> None:
    """By Bedrock, or by Anthropic's server behind it, in its words."""
    with pytest.raises(InputError) as refused:
        parse(body)
    assert refused.value.message == message


# The server's half


def encode(events: list[Event]) -> bytes:
    encoder = DIALECT.encoder(REQUEST)
    return b"".join(encoder.encode(event) for event in events)


@given(event_runs())
def test_an_answer_is_the_one_that_anthropic_writes(events: list[Event]) -> None:
    """Event by event, but for pings, which Bedrock has not; read back it means the same."""
    theirs = anthropic.DIALECT.encoder(REQUEST)
    plain = decode(anthropic.DIALECT, [theirs.encode(event) for event in events])
    assert decode(DIALECT, [encode(events)]).events == plain.events
    assert DIALECT.encode_whole(REQUEST, events) == anthropic.DIALECT.encode_whole(REQUEST, events)


def test_chunks_are_written_as_bedrock_writes_them() -> None:
    """Bytes in base64 with padding beside them, no ping, and each event at once."""
    calls: list[Event] = [ToolCallStart(0, "t", "f"), ToolCallDelta(0, "{}"), ToolCallEnd(0)]
    told = EventStreamFramer().feed(encode([Start("i", "m"), *calls, Finish("tool_calls", "tool_use", Usage(1, 2))]))
    assert {str(one.headers[":event-type"]) for one in told} == {"chunk"}
    payloads = [json.loads(one.payload) for one in told]
    assert all(set(payload) == {"bytes", "p"} for payload in payloads)
    assert b"ping" not in b"".join(one.payload for one in told)
    assert len(told) == 7


def test_an_error_in_mid_stream_is_an_exception() -> None:
    """As in Converse."""
    out = decode(
        DIALECT, [encode([Start("i", "m")]), DIALECT.encoder(REQUEST).error(WireError("Oops", "InternalServerException"))]
    )
    assert isinstance(out.error, ModelError)
    assert (out.error.message, out.error.type) == ("Oops", "internalServerException")


def test_frames_of_converse_are_not_taken_for_chunks() -> None:
    """The other dialect's events, read by this one, are told and end in a truncated answer, not in an empty one."""
    out = decode(DIALECT, frames(("messageStart", {"role": "assistant"}), ("messageStop", {"stopReason": "end_turn"})))
    assert isinstance(out.error, TruncatedError)
    assert [other.kind for other in out.response.others] == ["messageStart", "messageStop"]
    assert list(InvokeDecoder().feed(EventStreamFrame({":event-type": "chunk"}, b'{"bytes":"e30="}'))) == [
        Start(), Other("message", {}),
    ]  # fmt: skip


async def test_anthropics_own_client_for_bedrock_reads_an_answer() -> None:
    """It sends the date of its API's version where AWS's pages have ``bedrock-2023-05-31``, and is answered all the same."""
    sdk = pytest.importorskip("anthropic")
    said = text("Hello, w\u00f6rld!") + tool_call("f", {"x": 1}, id="c1") + usage(11, 7)
    keys = {"aws_region": "us-east-1", "aws_access_key": "AKID", "aws_secret_key": "s"}
    async with serve(said) as server, sdk.AsyncAnthropicBedrock(base_url=server.url, max_retries=0, **keys) as claude:
        asked = {"model": "anthropic.claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
        async with claude.messages.stream(**asked) as stream:
            answer = await stream.get_final_message()
    told, called = answer.content
    assert (told.text, called.name, called.input) == ("Hello, w\u00f6rld!", "f", {"x": 1})
    assert (answer.stop_reason, answer.usage.output_tokens) == ("tool_use", 7)
