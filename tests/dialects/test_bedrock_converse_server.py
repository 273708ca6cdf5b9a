"""The server's half of Bedrock's Converse dialect: what it writes is read back the same, by our decoder and by boto3."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.base import WireError
from bourn.dialects.bedrock.converse import DIALECT
from bourn.errors import ModelError
from bourn.events import (
    Citation,
    Event,
    Finish,
    FinishReason,
    MediaDelta,
    MediaEnd,
    MediaStart,
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
from bourn.testing.strategies import KINDS, Kind, event_runs, json_arguments, json_values, names, notes, settled, usages
from bourn.wire.eventstream import EventStreamFramer
from tests.recordings import decode

REQUEST = Request("m", (Message("user", "hi"),))

TOLD = ("input_tokens", "output_tokens")
SIGNED: tuple[Kind, ...] = ("reasoning",)
EMPTY: tuple[Kind, ...] = ("tool_call",)
finishes = st.builds(
    lambda word, usage: Finish(word[0], word[1], usage),
    st.sampled_from([("stop", "end_turn"), ("stop", "stop_sequence"), ("length", "max_tokens"), ("tool_calls", "tool_use"),
                     ("content_filter", "guardrail_intervened"), ("error", "malformed_tool_use"), ("other", None),
                     ("other", "mood")]),
    st.sampled_from([TOLD, (*TOLD, "cached_tokens"), (*TOLD, "cached_tokens", "cache_write_tokens")]).flatmap(
        lambda fields: usages(fields, optional=False)
    ),
)  # fmt: skip
json_objects = st.dictionaries(names, json_values, min_size=1, max_size=3)
blobs = st.binary(min_size=1).map(lambda data: base64.b64encode(data).decode())
blocks: st.SearchStrategy[Event] = st.one_of(
    st.builds(ServerToolCall, id=names, name=names, arguments=json_arguments),
    st.builds(
        ServerToolResult,
        id=names,
        name=st.none() | names,
        content=st.lists(json_objects, min_size=1),
        is_error=st.booleans(),
    ),
)


def runs(layout: Any = "interleaved", **more: Any) -> st.SearchStrategy[list[Event]]:
    """What the dialect can express: no refusals, no ids, signatures on thinking only, no part without a word."""
    return event_runs(
        kinds=("text", "reasoning", "tool_call"),
        layout=layout,
        empty=EMPTY,
        custom_tools=False,
        reasoning_ids=False,
        signed=SIGNED,
        start=st.just(Start()),
        other=blocks,
        finish=finishes,
        **more,
    ).map(_as_bytes)


def _as_bytes(events: list[Event]) -> list[Event]:
    """``events``, with what is redacted in base64, as it is on the wire."""
    return [
        msgspec.structs.replace(event, signature=base64.b64encode((event.signature or "").encode()).decode())
        if isinstance(event, ReasoningEnd) and event.redacted
        else event
        for event in events
    ]


METRICS = Other("metrics", {"latencyMs": 0})


def encode(events: list[Event]) -> bytes:
    encoder = DIALECT.encoder(REQUEST)
    return b"".join(encoder.encode(event) for event in events)


def said(events: list[Event]) -> list[Event]:
    """``events`` as their wire tells them: a part begins with its first word, and metrics come at the end."""
    out: list[Event] = []
    waiting: dict[int, Event] = {}
    for event in events:
        index = getattr(event, "index", None)
        if type(event) in (TextStart, ReasoningStart) and index is not None:
            waiting[index] = event
            continue
        if index in waiting:
            out.append(waiting.pop(index))
        out.append(event)
    return [*out[:-1], METRICS, out[-1]]


def renumbered(events: list[Event]) -> list[Event]:
    """``events``, with the indexes of parts in the order in which they begin."""
    order: dict[int, int] = {}
    out: list[Event] = []
    for event in events:
        index = getattr(event, "index", None)
        if index is None:
            out.append(event)
        else:
            changed: Any = event
            out.append(msgspec.structs.replace(changed, index=order.setdefault(index, len(order))))
    return out


@given(runs("one_by_one") | runs("interleaved") | runs("ends_last"))
def test_what_is_written_is_read_back_the_same(events: list[Event]) -> None:
    """Every legal run that the dialect can express survives its wire, also parts that interleave."""
    out = decode(DIALECT, [encode(events)])
    assert out.error is None
    assert out.events == settled(renumbered(said(events)))


foreign = st.builds(
    Other, st.sampled_from(["usage", "metrics", "trace", "citation", "toolUse", "toolResult", "image"]), json_values
)


@given(event_runs(kinds=KINDS, other=notes | foreign))
def test_every_legal_run_can_be_written(events: list[Event]) -> None:
    """Also what Bedrock has no words for makes a whole answer, in which no text, reasoning or argument is missing."""
    out = decode(DIALECT, [encode(events)])
    expected = Response()
    for event in events:
        expected.fold(event)
    assert out.error is None
    assert out.response.complete
    assert sorted(out.response.reasoning) == sorted(expected.reasoning)
    assert sorted(out.response.text) == sorted(expected.text + (expected.refusal or ""))
    assert [call.arguments for call in out.response.tool_calls] == [call.arguments for call in expected.tool_calls]
    whole = json.loads(DIALECT.encode_whole(REQUEST, events))
    assert len(whole["output"]["message"]["content"]) >= len(expected.parts) - len(expected.media)


ANSWER: list[Event] = [
    Start(),
    ReasoningStart(0),
    ReasoningDelta(0, "Let me "),
    ReasoningDelta(0, "think."),
    ReasoningEnd(0, "c2lnbmVk"),
    ReasoningStart(1),
    ReasoningEnd(1, "b3BhcXVl", redacted=True),
    TextStart(2),
    TextDelta(2, "Grüße\u2028"),
    Citation(2, title="facts"),
    TextDelta(2, "!"),
    TextEnd(2),
    ToolCallStart(3, "tooluse_1", "weather"),
    ToolCallDelta(3, '{"city": "Sa'),
    ToolCallDelta(3, 'n José"}'),
    ToolCallEnd(3),
    ToolCallStart(4, "tooluse_2", "now"),
    Other("metrics", {"latencyMs": 7}),
    ToolCallEnd(4),
    Finish("tool_calls", "tool_use", Usage(100, 20, 30, 40)),
]
"""Everything at once, in the order in which Bedrock would say it."""


def written(events: list[Event]) -> list[tuple[str, dict[str, Any]]]:
    """The messages that the encoder wrote, without their padding."""
    frames = EventStreamFramer().feed(encode(events))
    out = []
    for frame in frames:
        assert frame.headers == {
            ":event-type": frame.headers[":event-type"],
            ":content-type": "application/json",
            ":message-type": "event",
        }
        payload = json.loads(frame.payload)
        assert payload.pop("p").isalnum() or len(frame.payload) < 300
        out.append((str(frame.headers[":event-type"]), payload))
    return out


def test_an_answer_is_written_in_bedrocks_order() -> None:
    """Starts for calls alone, a stop for every block, the stop reason, and usage after it; it is read back as it was."""
    messages = written(ANSWER)
    assert decode(DIALECT, [encode(ANSWER)]).events == ANSWER
    assert messages[0] == ("messageStart", {"role": "assistant"})
    assert [(name, payload["contentBlockIndex"]) for name, payload in messages[1:-2]] == [
        *[("contentBlockDelta", 0)] * 3, ("contentBlockStop", 0),
        ("contentBlockDelta", 1), ("contentBlockStop", 1),
        *[("contentBlockDelta", 2)] * 3, ("contentBlockStop", 2),
        ("contentBlockStart", 3), *[("contentBlockDelta", 3)] * 2, ("contentBlockStop", 3),
        ("contentBlockStart", 4), ("contentBlockStop", 4),
    ]  # fmt: skip
    assert messages[-2:] == [
        ("messageStop", {"stopReason": "tool_use"}),
        (
            "metadata",
            {
                "usage": {
                    "inputTokens": 30,
                    "outputTokens": 20,
                    "totalTokens": 120,
                    "cacheReadInputTokens": 30,
                    "cacheWriteInputTokens": 40,
                },
                "metrics": {"latencyMs": 7},
            },
        ),
    ]


def test_messages_are_padded_so_that_their_lengths_tell_little() -> None:
    """As Bedrock pads them: a beginning of the alphabet, of another length each time."""
    pads = [json.loads(frame.payload)["p"] for frame in EventStreamFramer().feed(encode(ANSWER))]
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    assert all(alphabet.startswith(pad) for pad in pads)
    assert len({len(pad) for pad in pads}) > 5


def test_an_event_is_written_at_once() -> None:
    """Nothing waits for what comes later, but the starts that have no message, and what belongs into the last."""
    encoder = DIALECT.encoder(REQUEST)
    silent = [type(event).__name__ for event in ANSWER if not encoder.encode(event)]
    assert silent == ["ReasoningStart", "ReasoningStart", "TextStart", "Other"]


def test_a_call_that_was_cut_has_no_stop() -> None:
    """A call without its end is left open on the wire, and read back as not complete."""
    cut: list[Event] = [Start(), ToolCallStart(0, "t", "f"), ToolCallDelta(0, '{"a'), Finish("length", "max_tokens")]
    assert "contentBlockStop" not in [name for name, _ in written(cut)]
    assert [call.complete for call in decode(DIALECT, [encode(cut)]).response.tool_calls] == [False]


@pytest.mark.parametrize(
    ("reason", "raw", "told"),
    [
        ("stop", None, {"stopReason": "end_turn"}),
        ("stop", "stop_sequence", {"stopReason": "stop_sequence"}),
        ("stop", "STOP", {"stopReason": "end_turn"}),
        ("length", "length", {"stopReason": "max_tokens"}),
        ("tool_calls", "stop", {"stopReason": "tool_use"}),
        ("content_filter", None, {"stopReason": "content_filtered"}),
        ("error", None, {"stopReason": "malformed_model_output"}),
        ("other", "mood", {"stopReason": "mood"}),
        ("other", None, {}),
    ],
)
def test_the_stop_reason_is_bedrocks_word(reason: FinishReason, raw: str | None, told: dict[str, str]) -> None:
    """The raw word is kept where it is Bedrock's; another dialect's becomes the word of its reason, if there is one."""
    assert written([Start(), Finish(reason, raw)])[-2] == ("messageStop", told)


def test_what_the_dialect_has_no_word_for_is_changed_as_documented() -> None:
    """A refusal is text, a missing id is made up, and kinds of other dialects are not written."""
    out = decode(
        DIALECT,
        [
            encode(
                [
                    Start("i", "m"),
                    RefusalStart(0),
                    RefusalDelta(0, "No."),
                    RefusalEnd(0),
                    Other("logprobs", [1]),
                    Finish("stop"),
                ]
            )
        ],
    )
    assert (out.response.text, out.response.model, out.response.id) == ("No.", None, None)
    assert [other.kind for other in out.response.others] == ["metrics"]
    assert written([Start(), ToolCallStart(0, None, "f")])[1][1]["start"]["toolUse"]["toolUseId"] == "tooluse_0"


def test_fields_of_the_last_messages_are_written_where_they_belong() -> None:
    """They come back as the same ``Other``s."""
    events: list[Event] = [
        Start(),
        Other("additionalModelResponseFields", [1]),
        Other("metrics", {"latencyMs": 9}),
        Other("trace", {"guardrail": {"actionReason": "None."}}),
        Other("usage", {"cacheDetails": [{"ttl": "1h", "inputTokens": 4}]}),
        Finish("stop", "end_turn", Usage(1, 2), service_tier="flex"),
    ]
    assert decode(DIALECT, [encode(events)]).events == events
    whole = json.loads(DIALECT.encode_whole(REQUEST, events))
    assert (whole["metrics"], whole["serviceTier"], whole["usage"]["cacheDetails"]) == (
        {"latencyMs": 9},
        {"type": "flex"},
        [{"ttl": "1h", "inputTokens": 4}],
    )


def test_an_answer_is_written_whole_for_who_did_not_ask_for_a_stream() -> None:
    """One message with the same blocks; input that was cut, which is no JSON, becomes an empty object."""
    server: Event = ServerToolCall("s", "n", "{}")
    unsigned: list[Event] = [ReasoningStart(6), ReasoningDelta(6, "x"), ReasoningEnd(6)]
    cut: list[Event] = [ToolCallStart(5, None, "f"), ToolCallDelta(5, "{")]
    whole = json.loads(DIALECT.encode_whole(REQUEST, [*ANSWER[:-1], server, *unsigned, *cut, ANSWER[-1]]))
    assert whole["output"]["message"] == {
        "role": "assistant",
        "content": [
            {"reasoningContent": {"reasoningText": {"text": "Let me think.", "signature": "c2lnbmVk"}}},
            {"reasoningContent": {"redactedContent": "b3BhcXVl"}},
            {"citationsContent": {"content": [{"text": "Grüße\u2028!"}], "citations": [{"title": "facts"}]}},
            {"toolUse": {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "San José"}}},
            {"toolUse": {"toolUseId": "tooluse_2", "name": "now", "input": {}}},
            {"toolUse": {"toolUseId": "s", "name": "n", "type": "server_tool_use", "input": {}}},
            {"reasoningContent": {"reasoningText": {"text": "x"}}},
            {"toolUse": {"toolUseId": "tooluse_f", "name": "f", "input": {}}},
        ],
    }
    assert (whole["stopReason"], whole["usage"]["totalTokens"], whole["metrics"]) == ("tool_use", 120, {"latencyMs": 7})


@pytest.mark.parametrize(
    ("error", "type", "code"),
    [
        (WireError("Oops"), "modelStreamErrorException", None),
        (WireError("Oops", "overloaded_error", "busy"), "modelStreamErrorException", None),
        (WireError("Oops", "ThrottlingException"), "throttlingException", None),
        (WireError("Oops", "modelStreamErrorException", "424"), "modelStreamErrorException", "424"),
    ],
)
def test_an_error_in_mid_stream_is_read_back(error: WireError, type: str, code: str | None) -> None:
    """It is an exception; without a type of AWS's it is the one for a stream that broke."""
    encoder = DIALECT.encoder(REQUEST)
    out = decode(DIALECT, [encoder.encode(ANSWER[0]), encoder.error(error)])
    assert isinstance(out.error, ModelError)
    assert (out.error.message, out.error.type, out.error.code) == ("Oops", type, code)


@pytest.mark.parametrize(
    ("status", "type"),
    [
        (400, "ValidationException"),
        (401, "UnrecognizedClientException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (408, "ModelTimeoutException"),
        (424, "ModelErrorException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
        (529, "InternalServerException"),
    ],
)
def test_a_refusal_is_read_back(status: int, type: str) -> None:
    """The sentence is the body's, the type the header's: the error's own if it is one of AWS's, else the status'."""
    for error, expected in (
        (WireError("No", "invalid_request_error"), type),
        (WireError("No", "OwnException"), "OwnException"),
    ):
        headers = DIALECT.error_headers(status, error)
        read = DIALECT.read_error(status, headers, DIALECT.encode_error(status, error))
        assert (read.message, read.type) == ("No", expected)


@given(st.lists(st.binary(min_size=1), max_size=3))
def test_images_are_read_back(images: list[bytes]) -> None:
    """Each is a block of its own, and stands in a whole answer too."""
    events: list[Event] = [Start()]
    for number, data in enumerate(images):
        events += [MediaStart(number, "image/png"), MediaDelta(number, data), MediaEnd(number)]
    out = decode(DIALECT, [encode([*events, Finish("stop", "end_turn", Usage(1, 2))])])
    assert [event for event in out.events[:-1] if event != METRICS] == events
    whole = json.loads(DIALECT.encode_whole(REQUEST, [*events, Finish("stop")]))
    assert [base64.b64decode(one["image"]["source"]["bytes"]) for one in whole["output"]["message"]["content"]] == images
