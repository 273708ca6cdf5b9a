"""Bedrock's Converse stream, decoded: each kind of block by itself, and what services leave out or add."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.bedrock.converse import DIALECT, ConverseDecoder
from bourn.errors import BournError, PayloadError
from bourn.events import (
    Citation,
    Finish,
    MediaDelta,
    MediaEnd,
    MediaStart,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
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
from bourn.testing.strategies import chunkings
from bourn.wire.eventstream import EventStreamFrame
from tests.dialects.bedrock_wire import (
    END,
    SPOKEN,
    STOPPED,
    TEXT,
    WIRE,
    begin,
    delta,
    end,
    events,
    frame,
    frames,
    metadata,
    start,
    stop,
    thought,
)
from tests.recordings import decode


def test_text_has_no_start_of_its_own() -> None:
    """The first text that says something opens the part, the stop ends it; empty pieces are nothing."""
    assert events(*TEXT, *END) == [*SPOKEN, STOPPED]
    assert events(delta(0, text=""), stop(0), *END) == [STOPPED]


def test_a_start_of_a_text_is_borne() -> None:
    """Servers that imitate Bedrock (aimock) send one, empty or with the first words; of thinking, too."""
    for begun in (start(0), start(0, text="")):
        assert events(begun, *TEXT, *END) == [*SPOKEN, STOPPED]
    assert events(start(0, text="Hé"), *TEXT[1:], *END) == [*SPOKEN, STOPPED]
    assert events(start(0, reasoningContent={}), thought(0, text="Hm"), stop(0), *END)[0] == ReasoningStart(0)


def test_parts_interleave_by_their_index() -> None:
    """Pieces of two blocks in turn go to their own parts, and each ends by its own stop."""
    assert events(delta(0, text="a"), thought(1, text="b"), delta(0, text="c"), stop(1), stop(0), *END) == [
        TextStart(0),
        TextDelta(0, "a"),
        ReasoningStart(1),
        ReasoningDelta(1, "b"),
        TextDelta(0, "c"),
        ReasoningEnd(1),
        TextEnd(0),
        STOPPED,
    ]


def test_thinking_and_its_signature() -> None:
    """The signature is the end's; pieces of it are joined, and one without a thought is thinking that is not shown."""
    assert events(thought(0, text="Hm"), thought(0, signature="ab"), thought(0, signature="cd"), stop(0), *END) == [
        ReasoningStart(0),
        ReasoningDelta(0, "Hm"),
        ReasoningEnd(0, "abcd"),
        STOPPED,
    ]
    assert events(thought(0, text=""), thought(0, signature="ab"), stop(0), *END)[:2] == [
        ReasoningStart(0),
        ReasoningEnd(0, "ab"),
    ]
    assert events(thought(0, text="Hm", signature="ab"), stop(0), *END)[1:3] == [ReasoningDelta(0, "Hm"), ReasoningEnd(0, "ab")]


@pytest.mark.parametrize(
    ("pieces", "whole"), [(["cmVk"], "cmVk"), (["cmVkYQ==", "Y3RlZA=="], "cmVkYWN0ZWQ="), (["no base64", "!"], "no base64!")]
)
def test_redacted_thinking(pieces: list[str], whole: str) -> None:
    """It comes as bytes in base64, which are joined as bytes; the signature is all there is."""
    assert events(*[thought(0, redactedContent=piece) for piece in pieces], stop(0), *END) == [
        ReasoningStart(0),
        ReasoningEnd(0, whole, redacted=True),
        STOPPED,
    ]


def test_a_tool_call() -> None:
    """Its start names it, its input comes in pieces, its stop makes it whole; a call without input is one."""
    call = {"toolUseId": "tooluse_1", "name": "f"}
    assert events(
        start(0, toolUse=call), delta(0, toolUse={"input": '{"a'}), delta(0, toolUse={"input": ""}),
        delta(0, toolUse={"input": '":1}'}), stop(0), start(1, toolUse={**call, "type": "tool_use"}), stop(1), end("tool_use"),
    ) == [
        ToolCallStart(0, "tooluse_1", "f"), ToolCallDelta(0, '{"a'), ToolCallDelta(0, '":1}'), ToolCallEnd(0),
        ToolCallStart(1, "tooluse_1", "f"), ToolCallEnd(1), Finish("tool_calls", "tool_use"),
    ]  # fmt: skip


@pytest.mark.parametrize(("told", "expected"), [({}, (None, "")), ({"toolUseId": None, "name": 7}, (None, "7"))])
def test_a_tool_call_that_is_named_badly_is_a_call_all_the_same(told: dict[str, Any], expected: tuple[Any, str]) -> None:
    """Id and name may be missing or of a wrong type."""
    assert events(start(0, toolUse=told), stop(0), *END)[0] == ToolCallStart(0, *expected)


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [([], ""), (['{"q":', "1}"], '{"q":1}'), (['{"q'], '{"q')],
)
def test_a_call_that_the_service_answers_itself(pieces: list[str], whole: str) -> None:
    """It is no call for the client: the block comes whole, also where it was cut."""
    told = {"toolUseId": "t", "name": "nova_grounding", "type": "server_tool_use"}
    blocks = [start(0, toolUse=told), *[delta(0, toolUse={"input": piece}) for piece in pieces]]
    assert events(*blocks, stop(0), *END) == [ServerToolCall("t", "nova_grounding", whole), STOPPED]
    assert events(*blocks, *END) == [ServerToolCall("t", "nova_grounding", whole), STOPPED]
    odd = told | {"hint": 1}
    assert events(start(0, toolUse=odd), stop(0), *END)[0] == ServerToolCall("t", "nova_grounding", "", odd)


def test_a_result_of_the_services_own_tool() -> None:
    """Its pieces are lists of content, and are joined to one."""
    told = {"toolUseId": "t", "type": "nova_code_interpreter_result", "status": "success"}
    pieces: list[Any] = [[{"text": "a"}], [{"json": {"b": 1}}, {"text": "c"}], {"odd": 1}]
    assert events(start(0, toolResult=told), *[delta(0, toolResult=piece) for piece in pieces], stop(0), *END)[
        0
    ] == ServerToolResult("t", "nova_code_interpreter", [{"text": "a"}, {"json": {"b": 1}}, {"text": "c"}, {"odd": 1}])
    failed = {"toolUseId": "t", "status": "error"}
    assert events(start(0, toolResult=failed), stop(0), *END)[0] == ServerToolResult("t", is_error=True, raw=failed)


def test_an_image_that_the_model_made() -> None:
    """Its bytes come in pieces, each in base64; a piece that is none leaves all as they came."""
    made = [delta(0, image={"source": {"bytes": "YWI="}}), delta(0, image={"source": {"bytes": "Yw=="}})]
    failed = delta(0, image={"error": {"message": "no"}})
    assert events(start(0, image={"format": "png"}), *made, stop(0), *END)[:3] == [
        MediaStart(0, "image/png"),
        MediaDelta(0, b"abc"),
        MediaEnd(0),
    ]
    assert events(start(0, image={"format": "png"}), made[0], failed, stop(0), *END)[0] == Other(
        "image", {"format": "png", "deltas": [{"source": {"bytes": "YWI="}}, {"error": {"message": "no"}}]}
    )


def test_blocks_and_pieces_that_are_not_known_are_told() -> None:
    """A block of a new kind comes whole; a new piece of a part, a piece without a block, and what is beside a call, at once."""
    assert events(start(0, song={"key": "C"}), delta(0, song={"note": 1}), delta(0, song=[2]), stop(0), *END)[0] == Other(
        "song", {"key": "C", "deltas": [{"note": 1}, [2]]}
    )
    assert events(start(0, song="C"), stop(0), *END)[0] == Other("song", {"start": "C"})
    assert events(delta(0, text="a"), delta(0, mood="glad"), *END)[2] == Other("mood", "glad", 0)
    assert events(thought(0, text="a"), thought(0, colour="red"), *END)[2] == Other("reasoningContent", {"colour": "red"}, 0)
    assert events(delta(4, toolUse={"input": "{}"}), *END)[0] == Other("toolUse", {"input": "{}"})
    assert events(start(0, toolUse={"toolUseId": "t", "name": "f", "hint": 1}), *END)[1] == Other("hint", 1, 0)
    assert events(start(0, song={}), delta(0, citation={"title": "x"}), *END)[0] == Citation(title="x")


def test_citations_belong_to_their_text() -> None:
    """They may come before the text (Claude), after it, or alone in a block (Nova)."""
    cited = {"title": "facts"}
    assert events(delta(0, citation=cited), *TEXT, *END) == [
        TextStart(0), Citation(0, title="facts"), *SPOKEN[1:], STOPPED,
    ]  # fmt: skip
    assert events(delta(0, text="a"), delta(0, citation=cited), stop(0), *END)[2] == Citation(0, title="facts")
    assert events(delta(3, citation=cited), stop(3), *END) == [TextStart(0), Citation(0, title="facts"), TextEnd(0), STOPPED]
    place = {"location": {"web": {"url": "u", "domain": "d"}}, "sourceContent": [{"text": "a"}, {"text": "b"}], "source": "s"}
    assert events(delta(0, citation=place), *END)[1] == Citation(0, "u", id="s", quote="ab", raw=place)
    assert events(delta(0, citation=7), *END)[1] == Other("citation", 7, 0)


def test_two_pieces_in_one_delta_are_both_read() -> None:
    """The API says that there is one; a second is not dropped."""
    assert events(delta(0, text="a", mood="glad"), stop(0), *END)[:3] == [
        TextStart(0),
        TextDelta(0, "a"),
        Other("mood", "glad", 0),
    ]


def test_another_kind_under_an_open_index_opens_another_part() -> None:
    """Text where thinking stands open ends it; a call that stands open stays so, since nobody said that it is whole."""
    assert events(thought(0, text="a"), delta(0, text="b"), stop(0), *END) == [
        ReasoningStart(0), ReasoningDelta(0, "a"), ReasoningEnd(0), TextStart(1), TextDelta(1, "b"), TextEnd(1), STOPPED,
    ]  # fmt: skip
    assert events(start(0, toolUse={"toolUseId": "t", "name": "f"}), delta(0, text="b"), *END) == [
        ToolCallStart(0, "t", "f"), TextStart(1), TextDelta(1, "b"), TextEnd(1), STOPPED,
    ]  # fmt: skip


USAGES = {
    "plain": ({"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}, Usage(3, 4)),
    "cached": (
        {"inputTokens": 3, "outputTokens": 4, "cacheReadInputTokens": 10, "cacheWriteInputTokens": 100, "totalTokens": 117},
        Usage(113, 4, 10, 100),
    ),
    "zeros": ({"inputTokens": 0, "outputTokens": 0, "cacheReadInputTokens": 0}, Usage(0, 0, 0)),
    "output only": ({"outputTokens": 4}, Usage(None, 4)),
    "nothing": ({}, None),
    "null": (None, None),
}


@pytest.mark.parametrize(("told", "usage"), USAGES.values(), ids=USAGES)
def test_usage_comes_after_the_stop(told: Any, usage: Usage | None) -> None:
    """Cached tokens are told apart on the wire and are part of the input here."""
    assert events(*TEXT, end(), metadata(usage=told)) == [*SPOKEN, Finish("stop", "end_turn", usage)]


def test_what_else_the_metadata_say_is_told() -> None:
    """Metrics, traces, tiers, and what of the usage has no place; what is empty or null is not."""
    trace = {"guardrail": {"actionReason": "No action."}}
    usage = {"inputTokens": 1, "outputTokens": 2, "serverToolUsage": {}, "cacheDetails": [{"ttl": "1h", "inputTokens": 1}]}
    assert events(
        end("guardrail_intervened", additionalModelResponseFields={"a": 1}),
        metadata(metrics={"latencyMs": 7}, trace=trace, serviceTier={"type": "flex"}, performanceConfig=None, usage=usage),
    ) == [
        Other("additionalModelResponseFields", {"a": 1}),
        Other("metrics", {"latencyMs": 7}),
        Other("trace", trace),
        Other("usage", {"cacheDetails": [{"ttl": "1h", "inputTokens": 1}]}),
        Finish("content_filter", "guardrail_intervened", Usage(1, 2), service_tier="flex"),
    ]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_model_output", "error"),
        ("malformed_tool_use", "error"),
        ("mood", "other"),
    ],
)
def test_the_stop_reason_in_the_words_that_all_share(word: str, reason: Any) -> None:
    """Every word of the service model; the service's own stays beside it."""
    assert events(end(word), metadata()) == [Finish(reason, word)]


def test_events_that_are_not_known_are_told() -> None:
    """An event of a new type, one without a payload, one without a type."""
    odd = [frame({"a": 1}, event_type="news", message_type="event"), frame(b"", event_type="hush"), frame({"b": 2})]
    assert decode(DIALECT, [*frames(begin()), *odd, *frames(*END)]).events == [
        Start(), Other("news", {"a": 1}), Other("hush"), Other("event", {"b": 2}), STOPPED,
    ]  # fmt: skip


def test_a_start_that_was_forgotten_is_made() -> None:
    """Whatever comes first, the answer begins with ``Start``."""
    for first in (
        TEXT[0],
        thought(0, signature="x"),
        start(0, toolUse={"name": "f"}),
        delta(0, mood=1),
        end(),
        metadata(trace=1),
    ):
        assert decode(DIALECT, frames(first, end(), metadata())).events[0] == Start()


def test_sloppy_json_is_read() -> None:
    """Invalid UTF-8 becomes U+FFFD, and a lone surrogate too."""
    raw = b'{"contentBlockIndex":0,"delta":{"text":"a\xff"}}'
    lone = b'{"contentBlockIndex":0,"delta":{"text":"\\ud800"}}'
    made = [frame(data, event_type="contentBlockDelta", message_type="event") for data in (raw, lone)]
    assert decode(DIALECT, [*frames(begin()), *made]).response.text == "a\ufffd\ufffd"


@pytest.mark.parametrize(
    ("event_type", "payload"),
    [
        ("contentBlockDelta", b"{"),
        ("contentBlockDelta", b"[" * 100_000),
        ("contentBlockDelta", b'{"delta":{"text":"x"}}'),
        ("contentBlockDelta", b'{"contentBlockIndex":0}'),
        ("contentBlockDelta", b'{"contentBlockIndex":"0","delta":{"text":"x"}}'),
        ("contentBlockStart", b'{"contentBlockIndex":0,"start":"x"}'),
        ("contentBlockStop", b"{}"),
        ("messageStart", b""),
        ("messageStop", b"[]"),
        ("metadata", b'"x"'),
        ("metadata", b'{"usage":{"inputTokens":"many"}}'),
        ("metadata", b'{"usage":[1]}'),
        ("news", b"<html>"),
    ],
)
def test_an_undecodable_payload_is_an_error_with_its_bytes(event_type: str, payload: bytes) -> None:
    """It is never skipped, and never a bare JSON error."""
    out = decode(DIALECT, [*frames(begin(), *TEXT[:1]), frame(payload, event_type=event_type, message_type="event")])
    assert isinstance(out.error, PayloadError)
    assert out.error.raw == payload
    assert out.response.text == "Hé"


@given(chunkings(WIRE))
def test_cuts_do_not_matter(chunks: list[bytes]) -> None:
    """The same events at any cut."""
    assert decode(DIALECT, chunks).events == decode(DIALECT, [WIRE]).events


WORDS = [
    "contentBlockIndex",
    "delta",
    "start",
    "text",
    "toolUse",
    "reasoningContent",
    "signature",
    "redactedContent",
    "input",
    "toolResult",
    "image",
    "source",
    "bytes",
    "citation",
    "usage",
    "inputTokens",
    "stopReason",
    "type",
    "toolUseId",
    "name",
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "text", "server_tool_use", "end_turn"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=8,
)
blocks = st.fixed_dictionaries({"contentBlockIndex": st.integers(0, 2)}, optional={"delta": json_values, "start": json_values})


@given(st.lists(st.tuples(st.sampled_from([*ConverseDecoder._HANDLERS, "x"]), json_values | blocks), max_size=8))
def test_no_junk_escapes_the_tree(messages: list[tuple[str, Any]]) -> None:
    """Whatever JSON the messages hold, only errors of the tree are raised, and events keep the legal order."""
    out = decode(DIALECT, [frame(value, event_type=name, message_type="event") for name, value in messages])
    assert out.error is None or isinstance(out.error, BournError)


@given(st.binary(max_size=60))
def test_no_junk_in_a_payload_escapes_the_tree(payload: bytes) -> None:
    """Nor do bytes that are no JSON."""
    for name in ConverseDecoder._HANDLERS:
        out = decode(DIALECT, [frame(payload, event_type=name)])
        assert out.error is None or isinstance(out.error, BournError)


def test_a_delta_costs_no_more_than_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece of an open part takes one typed decoding: the slow reader is never asked."""
    monkeypatch.setattr("bourn.dialects.bedrock.converse.payload.decode", None)
    decoder = ConverseDecoder()
    decoder._started = True
    for piece in ({"text": "a"}, {"text": ""}, {"reasoningContent": {"text": "b"}}, {"reasoningContent": {"signature": "c"}}):
        body = json.dumps({"contentBlockIndex": len(piece), "delta": piece, "p": "ab"}).encode()
        decoder.feed(EventStreamFrame({":event-type": "contentBlockDelta", ":message-type": "event"}, body))
    assert not decoder.ended
