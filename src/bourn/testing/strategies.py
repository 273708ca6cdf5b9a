"""Hypothesis strategies: every legal run of events, restricted to what a dialect can express, and every cut of its bytes.

Needs the extra ``bourn[test]``; nothing else of the library imports hypothesis.

House rule: what is drawn is legal by construction (``OrderCheck`` passes it), never by filtering.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec
from hypothesis import strategies as st

from bourn.events import (
    STARTS,
    ChosenToken,
    Citation,
    Event,
    Finish,
    FinishReason,
    Logprobs,
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
    Safety,
    SafetyRating,
    ServerToolCall,
    ServerToolResult,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    TokenLogprob,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)

Kind = Literal["text", "refusal", "reasoning", "tool_call", "media"]
Layout = Literal["interleaved", "one_by_one", "ends_last"]
"""``interleaved``: parts begin and end anywhere; ``one_by_one``: each ends before the next begins; ``ends_last``: all ends come
together before ``Finish``, in the order in which the parts began."""

KINDS: tuple[Kind, ...] = get_args(Kind)
WORDS: tuple[Kind, ...] = ("text", "refusal", "reasoning", "tool_call")
"""The kinds of parts that are made of words: what nearly every format can say."""

SIGNED: tuple[Kind, ...] = ("text", "reasoning", "tool_call", "media")

_ODD = '\u2028\u2029\x85\x0b\x0c\x00\ufeff\r\n"\\ {}[]:,\u00e9\U0001f600'

texts: st.SearchStrategy[str] = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12) | st.text(
    _ODD, min_size=1, max_size=12
)
"""Short texts, never empty, without lone surrogates, rich in the characters that break parsers."""

names: st.SearchStrategy[str] = st.text("abcXYZ_-09", max_size=8).map("n{}".format)
"""Names that every provider takes for a tool."""

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
"""What JSON can hold, and every reader reads back the same."""

json_arguments: st.SearchStrategy[str] = st.dictionaries(names, json_values, max_size=3).map(
    lambda value: json.dumps(value, ensure_ascii=False) if value else ""
)
"""Argument texts of tool calls: a JSON object, or nothing at all for a call without arguments."""


@st.composite
def usages(draw: st.DrawFn, fields: Collection[str] = Usage.__struct_fields__, *, optional: bool = True) -> Usage:
    """Token counts that agree with each other; only ``fields`` are told, and each of them always if not ``optional``."""
    counts = st.integers(0, 10**6)
    told = {name for name in Usage.__struct_fields__ if name in fields and (not optional or draw(st.booleans()))}
    cached, written, reasoning = draw(counts), draw(counts), draw(counts)
    values = {
        "cached_tokens": cached,
        "cache_write_tokens": written,
        "reasoning_tokens": reasoning,
        "input_tokens": cached + written + draw(counts),
        "output_tokens": reasoning + draw(counts),
    }
    return Usage(**{name: value for name, value in values.items() if name in told})


starts: st.SearchStrategy[Start] = st.builds(
    Start,
    id=st.none() | names,
    model=st.none() | names,
    provider=st.none() | names,
    warnings=st.lists(texts, max_size=2).map(tuple),
)
"""Any ``Start``."""

finishes: st.SearchStrategy[Finish] = st.builds(
    Finish,
    reason=st.sampled_from(get_args(FinishReason)),
    raw_reason=st.none() | names,
    usage=st.none() | usages(),
    verified=st.booleans(),
    service_tier=st.none() | names,
)
"""Any ``Finish``."""

others: st.SearchStrategy[Other] = st.builds(Other, kind=names, payload=json_values)
"""Any ``Other`` that belongs to no part."""

_places = st.none() | st.integers(0, 10**6)
_said = st.none() | texts
_levels = st.floats(-100, 0)

citations: st.SearchStrategy[Citation] = st.builds(
    Citation, url=_said, title=_said, id=_said, quote=_said, text=_said, start=_places, end=_places
)
"""Any ``Citation`` of the whole answer, without a provider's own form."""

token_logprobs: st.SearchStrategy[TokenLogprob] = st.builds(
    TokenLogprob, token=texts, logprob=st.none() | _levels, utf8=st.none() | st.binary(max_size=4)
)
"""Any token that might have been chosen."""

chosen_tokens: st.SearchStrategy[ChosenToken] = st.builds(
    ChosenToken,
    token=texts,
    logprob=st.none() | _levels,
    utf8=st.none() | st.binary(max_size=4),
    top=st.lists(token_logprobs, max_size=2).map(tuple),
)
"""Any token of an answer."""

logprobs: st.SearchStrategy[Logprobs] = st.builds(Logprobs, tokens=st.lists(chosen_tokens, min_size=1, max_size=3).map(tuple))
"""Any ``Logprobs`` that belong to no part, without a provider's own form."""

server_tools: st.SearchStrategy[ServerToolCall | ServerToolResult] = st.builds(
    ServerToolCall, id=st.none() | names, name=names, arguments=json_arguments
) | st.builds(ServerToolResult, id=st.none() | names, name=st.none() | names, content=json_values, is_error=st.booleans())
"""Any call of a provider's own tool, or any result of one, without the provider's own form."""

safety: st.SearchStrategy[Safety] = st.builds(
    Safety,
    about=st.sampled_from(["prompt", "answer"]),
    ratings=st.lists(
        st.builds(SafetyRating, category=names, level=st.none() | names, blocked=st.booleans()), min_size=1, max_size=2
    ).map(tuple),
)
"""Any verdict of a provider's filter, without its own form."""

notes: st.SearchStrategy[Event] = st.one_of(others, citations, logprobs, server_tools, safety)
"""Anything that is said beside the parts."""


@st.composite
def event_runs(
    draw: st.DrawFn,
    *,
    kinds: Collection[Kind] = WORDS,
    once: Collection[Kind] = (),
    max_parts: int = 4,
    max_deltas: int = 4,
    empty: Collection[Kind] = KINDS,
    layout: Layout = "interleaved",
    indexes: st.SearchStrategy[int] | None = None,
    text: st.SearchStrategy[str] = texts,
    arguments: st.SearchStrategy[str] = json_arguments,
    tool_ids: bool = True,
    custom_tools: bool = True,
    reasoning_ids: bool = True,
    signed: Collection[Kind] = SIGNED,
    redacted: bool = True,
    cut_calls: bool = False,
    start: st.SearchStrategy[Start] = starts,
    other: st.SearchStrategy[Event] | None = others,
    finish: st.SearchStrategy[Finish] = finishes,
) -> list[Event]:
    """One legal run of events, from ``Start`` to ``Finish``; narrow it to what your dialect can carry.

    ``kinds`` may occur, those in ``once`` once at most; those in ``empty`` may come without a delta. ``layout`` says how parts
    overlap. Indexes count up from 0 unless a strategy of ``indexes`` is given (drawn unique). ``text`` draws one delta,
    ``arguments`` the whole argument text of a call, which is then cut into at most ``max_deltas`` pieces. ``tool_ids``,
    ``custom_tools``, ``reasoning_ids``, ``signed`` and ``redacted`` allow the fields of these names; ``cut_calls`` allows tool
    calls that never end. The run is ``settled``.
    ``other`` draws events strewn in, of those in ``NOTES`` and without an index (``None``: none).
    """
    parts = _Parts(
        draw, max_deltas, frozenset(empty), frozenset(signed), text, arguments, tool_ids, custom_tools, reasoning_ids, redacted
    )
    chosen = _chosen(draw(st.lists(st.sampled_from(sorted(kinds)), max_size=max_parts)) if kinds else (), once)
    size = len(chosen)
    numbers = draw(st.lists(indexes, min_size=size, max_size=size, unique=True)) if indexes is not None else range(size)
    body = _laid_out(draw, [parts.part(kind, at) for kind, at in zip(chosen, numbers, strict=True)], layout)
    last = len(body) - (size if layout == "ends_last" else 0)
    for event in draw(st.lists(other, max_size=2)) if other is not None else ():
        body.insert(draw(st.integers(0, last)), event)
    if cut_calls:
        cut = draw(st.sets(st.sampled_from(numbers))) if numbers else ()
        body = [event for event in body if not (isinstance(event, ToolCallEnd) and event.index in cut)]
    return settled([draw(start), *body, draw(finish)])


def settled(events: Sequence[Event]) -> list[Event]:
    """The run as decoders give it: the end of the last part, if it is a call whose arguments are no JSON, comes late.

    It comes before the next part begins; where none does, before ``Finish``, or not at all if that says that it was cut.
    """
    run: list[Event] = []
    waiting: list[Event] = []
    last, arguments = -1, ""
    for event in events[:-1]:
        if type(event) in STARTS:
            run += waiting
            waiting, arguments = [], ""
            last = event.index  # type: ignore[attr-defined]  # a start has one
        if isinstance(event, ToolCallDelta) and event.index == last:
            arguments += event.arguments
        doubtful = isinstance(event, ToolCallEnd) and event.index == last and not _is_json(arguments)
        (waiting if doubtful else run).append(event)
    finish = events[-1]
    if not (isinstance(finish, Finish) and finish.reason in ("length", "content_filter")):
        run += waiting
    return [*run, finish]


def chunkings(data: bytes, *, max_cuts: int = 12) -> st.SearchStrategy[list[bytes]]:
    """``data`` cut at random points, as a network may cut it; some chunks may be empty."""
    points = st.lists(st.integers(0, len(data)), max_size=max_cuts).map(sorted)
    return points.map(lambda cuts: [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)])


def _chosen(drawn: Sequence[Kind], once: Collection[Kind]) -> list[Kind]:
    return [kind for place, kind in enumerate(drawn) if kind not in once or kind not in drawn[:place]]


class _Parts(NamedTuple):
    """Draws the events of one part, start to end, within what the caller of ``event_runs`` allowed."""

    draw: st.DrawFn
    most: int
    empty: frozenset[Kind]
    signed: frozenset[Kind]
    texts: st.SearchStrategy[str]
    argument_texts: st.SearchStrategy[str]
    tool_ids: bool
    custom_tools: bool
    reasoning_ids: bool
    redacted: bool

    def part(self, kind: Kind, at: int) -> list[Event]:
        return _BUILDERS[kind](self, at)

    def text(self, at: int) -> list[Event]:
        deltas = (TextDelta(at, piece) for piece in self.pieces("text" in self.empty))
        return [TextStart(at), *deltas, TextEnd(at, self.signature("text"))]

    def refusal(self, at: int) -> list[Event]:
        deltas = (RefusalDelta(at, piece) for piece in self.pieces("refusal" in self.empty))
        return [RefusalStart(at), *deltas, RefusalEnd(at)]

    def reasoning(self, at: int) -> list[Event]:
        begin = ReasoningStart(at, self.draw(st.none() | names) if self.reasoning_ids else None)
        if self.redacted and "reasoning" in self.signed and self.draw(st.booleans()):
            return [begin, ReasoningEnd(at, self.draw(names), redacted=True)]
        signature = self.signature("reasoning")
        deltas = (ReasoningDelta(at, piece) for piece in self.pieces("reasoning" in self.empty))
        return [begin, *deltas, ReasoningEnd(at, signature)]

    def tool_call(self, at: int) -> list[Event]:
        custom = self.custom_tools and self.draw(st.booleans())
        whole = self.draw(self.texts if custom else self.argument_texts) or ("" if "tool_call" in self.empty else "{}")
        begin = ToolCallStart(at, f"call_{at}_{self.draw(names)}" if self.tool_ids else None, self.draw(names), custom)
        deltas = (ToolCallDelta(at, piece) for piece in self.cut(whole))
        return [begin, *deltas, ToolCallEnd(at, self.signature("tool_call"))]

    def media(self, at: int) -> list[Event]:
        begin = MediaStart(
            at, self.draw(st.sampled_from(["image/png", "audio/wav", "image", "audio"])), self.draw(st.none() | names)
        )
        if self.draw(st.booleans()):
            return [msgspec.structs.replace(begin, url=self.draw(names)), MediaEnd(at, self.signature("media"))]
        piece = st.builds(MediaDelta, st.just(at), st.binary(min_size=1, max_size=8)) | st.builds(
            MediaDelta, st.just(at), transcript=self.texts
        )
        deltas = self.draw(st.lists(piece, min_size=0 if "media" in self.empty else 1, max_size=self.most))
        return [begin, *deltas, MediaEnd(at, self.signature("media"))]

    def pieces(self, may_be_none: bool) -> list[str]:
        return self.draw(st.lists(self.texts, min_size=0 if may_be_none else 1, max_size=self.most))

    def cut(self, whole: str) -> list[str]:
        cuts = sorted(self.draw(st.sets(st.integers(1, max(len(whole) - 1, 1)), max_size=self.most - 1)))
        return [piece for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True) if (piece := whole[a:b])]

    def signature(self, kind: Kind) -> str | None:
        return self.draw(st.none() | names) if kind in self.signed else None


_BUILDERS: dict[Kind, Callable[[_Parts, int], list[Event]]] = {
    "text": _Parts.text,
    "refusal": _Parts.refusal,
    "reasoning": _Parts.reasoning,
    "tool_call": _Parts.tool_call,
    "media": _Parts.media,
}


def _laid_out(draw: st.DrawFn, parts: Sequence[list[Event]], layout: Layout) -> list[Event]:
    if layout == "one_by_one":
        return [event for part in parts for event in part]
    if layout == "ends_last":
        return [*_interleaved(draw, [part[:-1] for part in parts]), *(part[-1] for part in parts)]
    return _interleaved(draw, parts)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _interleaved(draw: st.DrawFn, parts: Sequence[list[Event]]) -> list[Event]:
    """The parts' events in any order that keeps each part's own, and lets the parts begin in theirs."""
    body: list[Event] = []
    waiting = [list(part) for part in parts]
    live: list[list[Event]] = []
    while waiting or live:
        pick = draw(st.integers(0, len(live) - (not waiting)))
        if pick == len(live):
            live.append(waiting.pop(0))
        body.append(live[pick].pop(0))
        if not live[pick]:
            del live[pick]
    return body
