"""What a stream yields, and the table of the order in which it may.

``Start``, then any number of parts, each ``…Start``, ``…Delta``*, ``…End`` with an index of its own (parts may interleave),
then exactly one ``Finish``, then nothing. ``Other`` may come anywhere between ``Start`` and ``Finish``.

House rule: an event is a frozen struct without behaviour; a delta is never empty; whatever a provider sends that has no class
here is an ``Other`` with its raw payload.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from bourn.errors import EventOrderError

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "error", "other"]
"""Why an answer ended, in the words that all providers share; the provider's own word is ``Finish.raw_reason``."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one call; ``None`` means that the provider did not tell.

    ``input_tokens`` includes ``cached_tokens`` (read from a cache) and ``cache_write_tokens``; ``output_tokens`` includes
    ``reasoning_tokens``.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="event"):
    """Base of all events; ``msgspec.json.encode(event)`` writes one with its name in ``event``."""


class Start(Event, frozen=True, gc=False, tag="start"):
    """The answer begins. ``warnings`` says what of the request the dialect could not express and so was left out."""

    id: str | None = None
    model: str | None = None
    provider: str | None = None
    warnings: tuple[str, ...] = ()


class TextStart(Event, frozen=True, gc=False, tag="text_start"):
    """A piece of answer text begins."""

    index: int


class TextDelta(Event, frozen=True, gc=False, tag="text_delta"):
    """More text of part ``index``; never empty."""

    index: int
    text: str


class TextEnd(Event, frozen=True, gc=False, tag="text_end"):
    """The text of part ``index`` is whole. ``signature`` must be sent back with it where a provider signs text (Gemini)."""

    index: int
    signature: str | None = None


class RefusalStart(Event, frozen=True, gc=False, tag="refusal_start"):
    """The model begins to say why it will not answer."""

    index: int


class RefusalDelta(Event, frozen=True, gc=False, tag="refusal_delta"):
    """More refusal text of part ``index``; never empty."""

    index: int
    text: str


class RefusalEnd(Event, frozen=True, gc=False, tag="refusal_end"):
    """The refusal of part ``index`` is whole."""

    index: int


class ReasoningStart(Event, frozen=True, gc=False, tag="reasoning_start"):
    """The model begins to think. ``id`` is the provider's name for the part, where it has one."""

    index: int
    id: str | None = None


class ReasoningDelta(Event, frozen=True, gc=False, tag="reasoning_delta"):
    """More thinking text of part ``index``; never empty."""

    index: int
    text: str


class ReasoningEnd(Event, frozen=True, gc=False, tag="reasoning_end"):
    """The thinking of part ``index`` is whole.

    ``signature`` (Anthropic's signature, OpenAI's encrypted content) must be sent back unchanged with the part; ``redacted``
    says that the thinking was withheld and the signature is all there is.
    """

    index: int
    signature: str | None = None
    redacted: bool = False


class ToolCallStart(Event, frozen=True, gc=False, tag="tool_call_start"):
    """The model begins to call tool ``name``; ``id`` goes into the tool's result. ``custom`` calls carry text, not JSON."""

    index: int
    id: str | None
    name: str
    custom: bool = False


class ToolCallDelta(Event, frozen=True, gc=False, tag="tool_call_delta"):
    """More of the argument text of part ``index``; the pieces joined are the JSON. Never empty."""

    index: int
    arguments: str


class ToolCallEnd(Event, frozen=True, gc=False, tag="tool_call_end"):
    """The provider says that the call of part ``index`` is whole; only now may it be run.

    It never comes for a call that a limit cut in its arguments, though some services end the part there too.
    """

    index: int
    signature: str | None = None


class Other(Event, frozen=True, gc=False, tag="other"):
    """Something real that the vocabulary does not model: ``kind`` is the provider's word, ``payload`` its decoded JSON.

    ``index`` names the part it belongs to, if it belongs to one.
    """

    kind: str
    payload: Any = None
    index: int | None = None


class Finish(Event, frozen=True, gc=False, tag="finish"):
    """The answer is whole: the last event.

    ``raw_reason`` is the provider's word for ``reason`` (``None``: it told none). ``verified`` is false where the service is
    known to send no end mark and the body merely ended.
    """

    reason: FinishReason
    raw_reason: str | None = None
    usage: Usage | None = None
    verified: bool = True


AnyEvent = (
    Start
    | TextStart
    | TextDelta
    | TextEnd
    | RefusalStart
    | RefusalDelta
    | RefusalEnd
    | ReasoningStart
    | ReasoningDelta
    | ReasoningEnd
    | ToolCallStart
    | ToolCallDelta
    | ToolCallEnd
    | Other
    | Finish
)
"""The union of all events: what ``msgspec.json.Decoder(AnyEvent)`` reads back."""

CONTENT_EVENTS: frozenset[type[Event]] = frozenset(
    {TextDelta, RefusalDelta, ReasoningDelta, ToolCallStart, ToolCallDelta, ReasoningEnd}
)
"""Events that give a piece of the answer. A retry is over (*commit*) once one of them was handed out."""

STARTS: dict[type[Event], str] = {
    TextStart: "text",
    RefusalStart: "refusal",
    ReasoningStart: "reasoning",
    ToolCallStart: "tool_call",
}
DELTAS: dict[type[Event], str] = {
    TextDelta: "text",
    RefusalDelta: "refusal",
    ReasoningDelta: "reasoning",
    ToolCallDelta: "tool_call",
}
ENDS: dict[type[Event], str] = {
    TextEnd: "text",
    RefusalEnd: "refusal",
    ReasoningEnd: "reasoning",
    ToolCallEnd: "tool_call",
}

Phase = Literal["before", "open", "finished"]

LEGAL_ORDER: dict[tuple[Phase, type[Event]], Phase] = {
    ("before", Start): "open",
    **{("open", kind): "open" for table in (STARTS, DELTAS, ENDS) for kind in table},
    ("open", Other): "open",
    ("open", Finish): "finished",
}
"""Phase and event to the next phase; what is not in the table is illegal."""

MAY_STAY_OPEN: frozenset[str] = frozenset({"tool_call"})
"""Part kinds that ``Finish`` may leave open: a call that was cut is never ended for the provider."""


class OrderCheck:
    """Holds a run of events to the legal order: call :meth:`feed` with each one; ``EventOrderError`` says what was illegal.

    For tests and tools; a stream does not pay for it.
    """

    PART_KINDS: ClassVar[tuple[str, ...]] = ("text", "refusal", "reasoning", "tool_call")

    def __init__(self) -> None:
        self.phase: Phase = "before"
        self.open_parts: dict[int, str] = {}
        self.used_indexes: set[int] = set()

    def feed(self, event: Event) -> None:
        """Take the next event; raises ``EventOrderError`` if it may not come now."""
        kind = type(event)
        phase = LEGAL_ORDER.get((self.phase, kind))
        if phase is None:
            raise EventOrderError(f"{kind.__name__} is not legal in the phase {self.phase!r}: {_shown(event)}")
        if kind in STARTS:
            self._start(event, STARTS[kind])
        elif kind in DELTAS:
            self._continue(event, DELTAS[kind])
            if not (getattr(event, "text", None) or getattr(event, "arguments", None)):
                raise EventOrderError(f"empty delta: {_shown(event)}")
        elif kind in ENDS:
            self._continue(event, ENDS[kind])
            del self.open_parts[event.index]  # type: ignore[attr-defined]  # every end has an index
        elif kind is Finish:
            self._finish()
        self.phase = phase

    def _start(self, event: Any, part: str) -> None:
        if event.index in self.used_indexes:
            raise EventOrderError(f"part {event.index} was started before: {_shown(event)}")
        self.used_indexes.add(event.index)
        self.open_parts[event.index] = part

    def _continue(self, event: Any, part: str) -> None:
        if self.open_parts.get(event.index) != part:
            raise EventOrderError(f"no open {part} part {event.index}: {_shown(event)}")

    def _finish(self) -> None:
        for index, part in self.open_parts.items():
            if part not in MAY_STAY_OPEN:
                raise EventOrderError(f"Finish came while {part} part {index} was open")


def _shown(event: Event) -> str:
    """The event, cut to what fits into an error."""
    text = repr(event)
    return text if len(text) <= 120 else f"{text[:120]}..."
