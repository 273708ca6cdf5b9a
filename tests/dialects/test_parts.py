"""The bookkeeping of parts: whatever a decoder asks for, the events are in the legal order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.parts import Parts
from bourn.events import (
    DELTAS,
    ENDS,
    STARTS,
    Event,
    Finish,
    FinishReason,
    MediaDelta,
    MediaEnd,
    MediaStart,
    OrderCheck,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)
from bourn.response import Response

SPOKEN = ("text", "refusal", "reasoning")
Step = Callable[[Parts, list[Event]], Any]

keys = st.sampled_from([0, 1, "text", ("item", 2)])
spoken = st.sampled_from(SPOKEN)
texts = st.sampled_from(["", "a", "bc"])


def start(key: Any, kind: str) -> Step:
    return lambda parts, out: parts.start(key, kind, out)


def start_tool(key: Any, custom: bool = False) -> Step:
    return lambda parts, out: parts.start_tool(key, f"call_{key}", "f", out, custom=custom)


def delta(key: Any, kind: str, text: str) -> Step:
    return lambda parts, out: parts.delta(key, kind, text, out)


def call(key: Any, text: str) -> Step:
    """A call with its arguments: they want an open one."""

    def step(parts: Parts, out: list[Event]) -> None:
        parts.start_tool(key, "id", "f", out)
        parts.arguments(key, text, out)

    return step


def speech(key: Any, data: bytes, words: str) -> Step:
    """Media with a piece of it: it wants one that is open."""

    def step(parts: Parts, out: list[Event]) -> None:
        parts.start_media(key, "audio", out, id="a")
        parts.media(key, out, data, words)

    return step


def picture(data: bytes) -> Step:
    return lambda parts, out: parts.whole_media("image/png", out, data=data)


def end(key: Any) -> Step:
    return lambda parts, out: parts.end(key, out)


def end_kind(kind: str) -> Step:
    return lambda parts, out: parts.end_kind(kind, out)


def end_all(but: str | None) -> Step:
    return lambda parts, out: parts.end_all(out, but=but)


steps = st.one_of(
    st.builds(start, keys, spoken),
    st.builds(start_tool, keys, st.booleans()),
    st.builds(delta, keys, spoken, texts),
    st.builds(call, keys, texts),
    st.builds(speech, keys, st.binary(max_size=2), texts),
    st.builds(picture, st.binary(max_size=2)),
    st.builds(end, keys),
    st.builds(end_kind, st.sampled_from([*SPOKEN, "tool_call", "media"])),
    st.builds(end_all, st.sampled_from([None, "tool_call"])),
)


def done(*taken: Step) -> list[Event]:
    parts, out = Parts(), list[Event]()
    for step in taken:
        step(parts, out)
    return out


@given(st.lists(steps, max_size=25))
def test_any_steps_give_a_legal_run(taken: list[Step]) -> None:
    """Any steps in any order, then the end of all but calls, make a legal run with indexes that count up."""
    out = done(*taken, end_all("tool_call"))
    order, response = OrderCheck(), Response()
    for event in [Start(), *out, Finish("stop")]:
        order.feed(event)
        response.fold(event)
    begun = [event for event in out if type(event) in STARTS]
    assert [event.index for event in begun] == list(range(len(begun)))  # type: ignore[attr-defined]  # every start has one
    assert len(response.parts) == len(begun)


@given(st.lists(steps, max_size=25), steps)
def test_the_index_is_that_of_the_open_part(taken: list[Step], last: Step) -> None:
    """A key has the index of the part that its events belong to while that is open, and none before and after."""
    parts, out = Parts(), list[Event]()
    for step in [*taken, last]:
        step(parts, out)
    still = {event.index for event in out if type(event) in STARTS} - {event.index for event in out if type(event) in ENDS}  # type: ignore[attr-defined]
    known = {index for key in (0, 1, "text", ("item", 2)) if (index := parts.index(key)) is not None}
    assert known <= still
    assert parts.any is any(type(event) in STARTS for event in out)


KINDS: dict[str, tuple[type[Event], type[Event], type[Event]]] = {
    "text": (TextStart, TextDelta, TextEnd),
    "refusal": (RefusalStart, RefusalDelta, RefusalEnd),
    "reasoning": (ReasoningStart, ReasoningDelta, ReasoningEnd),
}


@pytest.mark.parametrize("kind", SPOKEN)
def test_a_part_is_opened_by_the_first_thing_said(kind: str) -> None:
    """A delta opens its part, and further ones go on with it, until its end."""
    begin, more, close = KINDS[kind]
    out = done(delta("k", kind, "a"), delta("k", kind, "b"), end("k"), delta("k", kind, "c"))
    assert [type(event) for event in out] == [begin, more, more, close, begin, more]
    assert [event.index for event in out] == [0, 0, 0, 0, 1, 1]  # type: ignore[attr-defined]  # all of them have one


def test_the_tables_know_every_kind() -> None:
    """The kinds tried here are those of the vocabulary."""
    assert {*SPOKEN, "tool_call", "media"} == set(DELTAS.values())


@pytest.mark.parametrize("kind", SPOKEN)
def test_nothing_said_opens_nothing(kind: str) -> None:
    """An empty text gives no event at all."""
    assert done(delta("k", kind, "")) == []
    parts = Parts()
    assert not parts.any
    assert parts.index("k") is None


def test_a_start_is_given_once() -> None:
    """Starting what is open gives nothing new and the same index."""
    parts, out = Parts(), list[Event]()
    assert [parts.start("k", "text", out), parts.start("k", "text", out), parts.start("j", "text", out)] == [0, 0, 1]
    assert [parts.start_tool(7, "id", "f", out), parts.start_tool(7, None, "", out)] == [2, 2]
    assert out == [TextStart(0), TextStart(1), ToolCallStart(2, "id", "f")]


def test_reasoning_keeps_what_must_be_sent_back() -> None:
    """Id, signature and the word that thinking was withheld come through."""
    parts, out = Parts(), list[Event]()
    parts.start("k", "reasoning", out, "rs_1")
    parts.end("k", out, signature="sig", redacted=True)
    assert out == [ReasoningStart(0, "rs_1"), ReasoningEnd(0, "sig", redacted=True)]


@pytest.mark.parametrize(
    ("arguments", "reason", "ended"),
    [
        ('{"city":"Os', "length", False),
        ("", "length", False),
        ('{"city":"Oslo"}', "length", True),
        ('{"city":"Os', "content_filter", False),
        ('{"city":"Os', "tool_calls", True),
        ("", "other", True),
        ("[" * 100_000, "length", False),
    ],
)
def test_a_call_that_the_limit_cut_is_not_ended(arguments: str, reason: FinishReason, ended: bool) -> None:
    """Services end a last call that they stop in its middle: only whole arguments, or the model's own word, end it for us."""
    parts, out = Parts(), list[Event]()
    call("first", "{")(parts, out)
    parts.end("first", out)
    call("last", arguments)(parts, out)
    parts.end("last", out)
    parts.finish(Finish(reason), out)
    assert [event.index for event in out if isinstance(event, ToolCallEnd)] == ([0, 1] if ended else [0])
    assert out[-1] == Finish(reason)
    response = Response()
    for event in [Start(), *out]:
        response.fold(event)
    assert [one.complete for one in response.tool_calls] == [True, ended]


def test_an_end_in_doubt_waits_and_one_beyond_doubt_does_not() -> None:
    """Whole arguments are ended at once; others when the next part begins, which proves that nothing was cut."""
    parts, out = Parts(), list[Event]()
    for key, arguments, ended in (("a", "{}", [0]), ("b", "{", [0])):
        call(key, arguments)(parts, out)
        parts.end(key, out)
        assert [event.index for event in out if isinstance(event, ToolCallEnd)] == ended
    parts.start("c", "text", out)
    assert out[-2:] == [ToolCallEnd(1), TextStart(2)]


def test_a_call_before_the_last_part_is_beyond_doubt() -> None:
    """Only what was said last can be cut: a call that others followed is ended where the provider ends it."""
    parts, out = Parts(), list[Event]()
    call("a", "{")(parts, out)
    call("b", "{}")(parts, out)
    call("a", "x")(parts, out)
    parts.end("a", out)
    assert out[-1] == ToolCallEnd(0)
    parts.end("b", out)
    assert out[-1] == ToolCallEnd(1)


@pytest.mark.parametrize(("step", "ended"), [(start("k", "text"), TextEnd(0, "sig")), (start_tool("k"), ToolCallEnd(0, "sig"))])
def test_texts_and_calls_can_be_signed(step: Step, ended: Event) -> None:
    """A signature given with the end is in the end event."""
    parts, out = Parts(), list[Event]()
    step(parts, out)
    parts.end("k", out, signature="sig")
    parts.finish(Finish("stop"), out)
    assert out[-2] == ended


def test_a_call() -> None:
    """A call has its id, its name, its argument pieces, none of them empty, and an end of its own."""
    parts, out = Parts(), list[Event]()
    parts.start_tool(0, "call", "f", out, custom=True)
    for piece in ("", "{", "}"):
        parts.arguments(0, piece, out)
    parts.end(0, out)
    assert out == [ToolCallStart(0, "call", "f", custom=True), ToolCallDelta(0, "{"), ToolCallDelta(0, "}"), ToolCallEnd(0)]


def test_media_come_in_pieces_or_whole() -> None:
    """Speech is bytes and words, none of them empty; a file that comes whole is one part, and may be elsewhere."""
    parts, out = Parts(), list[Event]()
    assert [parts.start_media("k", "audio", out, id="a"), parts.start_media("k", "audio", out)] == [0, 0]
    for data, words in ((b"", ""), (b"\x01", "hi"), (b"", "!")):
        parts.media("k", out, data, words)
    parts.whole_media("image/png", out, data=b"\x02", signature="sig")
    parts.whole_media("image", out, url="https://a/b")
    parts.end("k", out)
    assert out == [
        *(MediaStart(0, "audio", "a"), MediaDelta(0, b"\x01", "hi"), MediaDelta(0, transcript="!")),
        *(MediaStart(1, "image/png"), MediaDelta(1, b"\x02"), MediaEnd(1, "sig")),
        *(MediaStart(2, "image", url="https://a/b"), MediaEnd(2), MediaEnd(0)),
    ]


def test_the_end_of_what_is_not_open_is_nothing() -> None:
    """An end that comes twice, or without a start, gives no event."""
    assert done(end("k"), start("k", "text"), end("k"), end("k"), end_all(None)) == [TextStart(0), TextEnd(0)]


def test_ends_come_in_the_order_of_the_starts() -> None:
    """Ending a kind, or all but one, ends the right parts in their order."""
    opened = [start("a", "text"), start_tool("b"), start("c", "reasoning"), start("d", "text")]
    assert done(*opened, end_kind("text"))[4:] == [TextEnd(0), TextEnd(3)]
    assert done(*opened, end_all("tool_call"))[4:] == [TextEnd(0), ReasoningEnd(2), TextEnd(3)]
    assert done(*opened, end_all(None))[4:] == [TextEnd(0), ToolCallEnd(1), ReasoningEnd(2), TextEnd(3)]


def test_another_kind_under_the_same_key_is_another_part() -> None:
    """A provider that goes on in another kind has ended the part before."""
    assert done(delta("k", "text", "a"), delta("k", "refusal", "b")) == [
        *(TextStart(0), TextDelta(0, "a"), TextEnd(0)),
        *(RefusalStart(1), RefusalDelta(1, "b")),
    ]
    assert done(delta("k", "text", "a"), start_tool("k"))[2:] == [TextEnd(0), ToolCallStart(1, "call_k", "f")]


def test_a_call_is_not_ended_by_what_follows_it() -> None:
    """Text under the key of an open call does not make the call whole."""
    out = done(call("k", "{"), delta("k", "text", "a"), end("k"), end_all(None))
    assert not any(isinstance(event, ToolCallEnd) for event in out)
    assert out[2:] == [TextStart(1), TextDelta(1, "a"), TextEnd(1)]
