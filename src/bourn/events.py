"""What a stream yields, and the table of the order in which it may.

``Start``, then any number of parts, each ``…Start``, ``…Delta``*, ``…End`` with an index of its own (parts may interleave),
then exactly one ``Finish``, then nothing. What is said beside the parts (``Citation``, ``Logprobs``, ``ServerToolCall``,
``ServerToolResult``, ``Safety``, ``Other``) may come anywhere between ``Start`` and ``Finish``.

The same thing has the same fields whoever sends it. What these fields cannot say stands in ``raw``, the provider's own JSON; it
is ``None`` where nothing is lost without it.

Where a caller asked for recovery, ``Restart`` may come between ``Start`` and ``Finish``, too: then everything before it is
void, and the order begins anew with ``Start``.

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


class MediaStart(Event, frozen=True, gc=False, tag="media_start"):
    """An image, speech or another file of the model's making begins.

    ``media_type`` is the provider's word (``image/png``), or ``image`` or ``audio`` where it says no more. ``url`` is told
    where the provider keeps the file; there are no deltas then.
    """

    index: int
    media_type: str
    id: str | None = None
    url: str | None = None


class MediaDelta(Event, frozen=True, gc=False, tag="media_delta"):
    """More bytes of part ``index``, or more of the words that are spoken in it (``transcript``); never without both."""

    index: int
    data: bytes = b""
    transcript: str = ""


class MediaEnd(Event, frozen=True, gc=False, tag="media_end"):
    """The file of part ``index`` is whole. ``signature`` must be sent back with it where a provider signs it (Gemini)."""

    index: int
    signature: str | None = None


class Citation(Event, frozen=True, gc=False, tag="citation"):
    """A source of the answer; where several stand behind the same words, each is an event of its own.

    ``index`` is the part that it is said of (``None``: of the whole answer), ``text`` the words of that part, ``start`` and
    ``end`` where these stand in it, counted in characters. ``id`` names the source where it is a document or a file, ``quote``
    is what it says.
    """

    index: int | None = None
    url: str | None = None
    title: str | None = None
    id: str | None = None
    quote: str | None = None
    text: str | None = None
    start: int | None = None
    end: int | None = None
    raw: Any = None


class TokenLogprob(msgspec.Struct, frozen=True, gc=False):
    """A token that might have been chosen, with the natural logarithm of its probability (``None``: not told).

    ``utf8`` is told where a token may be a piece of a character.
    """

    token: str
    logprob: float | None = None
    utf8: bytes | None = None


class ChosenToken(TokenLogprob, frozen=True, gc=False):
    """A token of the answer; ``top`` are the likeliest in its place, itself among them or not, as the provider has it."""

    top: tuple[TokenLogprob, ...] = ()


class Logprobs(Event, frozen=True, gc=False, tag="logprobs"):
    """How likely the next tokens of part ``index`` were; ``None`` where it is not said which part they belong to."""

    tokens: tuple[ChosenToken, ...]
    index: int | None = None
    raw: Any = None


class ServerToolCall(Event, frozen=True, gc=False, tag="server_tool_call"):
    """The provider runs a tool of its own, such as a web search: nothing is to be done about it.

    ``name`` is the provider's; ``arguments`` is JSON, or the program that is run.
    """

    id: str | None
    name: str
    arguments: str = ""
    raw: Any = None


class ServerToolResult(Event, frozen=True, gc=False, tag="server_tool_result"):
    """What the provider's own tool gave, in the provider's JSON; ``id`` is that of its call."""

    id: str | None
    name: str | None = None
    content: Any = None
    is_error: bool = False
    raw: Any = None


class SafetyRating(msgspec.Struct, frozen=True, gc=False):
    """A verdict on one kind of harm: ``level`` in the provider's word, and whether something was withheld because of it."""

    category: str
    level: str | None = None
    blocked: bool = False


class Safety(Event, frozen=True, gc=False, tag="safety"):
    """What the provider's filter says of the prompt or of the answer so far."""

    about: Literal["prompt", "answer"]
    ratings: tuple[SafetyRating, ...] = ()
    raw: Any = None


class Other(Event, frozen=True, gc=False, tag="other"):
    """Something real that the vocabulary does not model: ``kind`` is the provider's word, ``payload`` its decoded JSON.

    ``index`` names the part it belongs to, if it belongs to one.
    """

    kind: str
    payload: Any = None
    index: int | None = None


class Restart(Event, frozen=True, gc=False, tag="restart"):
    """The answer broke off, and another attempt begins anew: throw away what was shown of it. The next event is ``Start``.

    ``discard`` are the indexes of all parts that had begun; the new answer's indexes have nothing to do with them. ``reason``
    is the error that ended the answer, in one sentence. It comes only to who asked for it (``recover=True``), and never once
    a tool call had begun, since that may have been run.
    """

    discard: tuple[int, ...] = ()
    reason: str = ""


class Finish(Event, frozen=True, gc=False, tag="finish"):
    """The answer is whole: the last event.

    ``raw_reason`` is the provider's word for ``reason`` (``None``: it told none). ``verified`` is false where the service is
    known to send no end mark and the body merely ended. ``service_tier`` is the one that the provider says it served.
    """

    reason: FinishReason
    raw_reason: str | None = None
    usage: Usage | None = None
    verified: bool = True
    service_tier: str | None = None


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
    | MediaStart
    | MediaDelta
    | MediaEnd
    | Citation
    | Logprobs
    | ServerToolCall
    | ServerToolResult
    | Safety
    | Other
    | Restart
    | Finish
)
"""The union of all events: what ``msgspec.json.Decoder(AnyEvent)`` reads back."""

CONTENT_EVENTS: frozenset[type[Event]] = frozenset(
    {
        TextDelta,
        RefusalDelta,
        ReasoningDelta,
        ReasoningEnd,
        ToolCallStart,
        ToolCallDelta,
        MediaStart,
        MediaDelta,
        Citation,
        ServerToolCall,
        ServerToolResult,
    }
)
"""Events that give a piece of the answer. A retry is over (*commit*) once one of them was handed out."""

STARTS: dict[type[Event], str] = {
    TextStart: "text",
    RefusalStart: "refusal",
    ReasoningStart: "reasoning",
    ToolCallStart: "tool_call",
    MediaStart: "media",
}
DELTAS: dict[type[Event], str] = {
    TextDelta: "text",
    RefusalDelta: "refusal",
    ReasoningDelta: "reasoning",
    ToolCallDelta: "tool_call",
    MediaDelta: "media",
}
ENDS: dict[type[Event], str] = {
    TextEnd: "text",
    RefusalEnd: "refusal",
    ReasoningEnd: "reasoning",
    ToolCallEnd: "tool_call",
    MediaEnd: "media",
}
NOTES: frozenset[type[Event]] = frozenset({Citation, Logprobs, ServerToolCall, ServerToolResult, Safety, Other})
"""Events that are said beside the parts; one that has an ``index`` names a part that has begun."""

_SAID = ("text", "arguments", "data", "transcript")
"""Fields of deltas, one of which must hold something."""

Phase = Literal["before", "open", "finished"]

LEGAL_ORDER: dict[tuple[Phase, type[Event]], Phase] = {
    ("before", Start): "open",
    **{("open", kind): "open" for table in (STARTS, DELTAS, ENDS) for kind in table},
    **{("open", kind): "open" for kind in NOTES},
    ("open", Restart): "before",
    ("open", Finish): "finished",
}
"""Phase and event to the next phase; what is not in the table is illegal."""

MAY_STAY_OPEN: frozenset[str] = frozenset({"tool_call"})
"""Part kinds that ``Finish`` may leave open: a call that was cut is never ended for the provider."""


class OrderCheck:
    """Holds a run of events to the legal order: call :meth:`feed` with each one; ``EventOrderError`` says what was illegal.

    For tests and tools; a stream does not pay for it.
    """

    PART_KINDS: ClassVar[tuple[str, ...]] = ("text", "refusal", "reasoning", "tool_call", "media")

    def __init__(self) -> None:
        self.phase: Phase = "before"
        self.open_parts: dict[int, str] = {}
        self.used_indexes: dict[int, None] = {}  # in the order of their starts
        self.called = False

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
            if not any(getattr(event, name, None) for name in _SAID):
                raise EventOrderError(f"empty delta: {_shown(event)}")
        elif kind in ENDS:
            self._continue(event, ENDS[kind])
            del self.open_parts[event.index]  # type: ignore[attr-defined]  # every end has an index
        elif kind in NOTES:
            self._note(event)
        elif kind is Restart:
            self._restart(event)
        elif kind is Finish:
            self._finish()
        self.phase = phase

    def _start(self, event: Any, part: str) -> None:
        if event.index in self.used_indexes:
            raise EventOrderError(f"part {event.index} was started before: {_shown(event)}")
        self.used_indexes[event.index] = None
        self.called = self.called or part == "tool_call"
        self.open_parts[event.index] = part

    def _continue(self, event: Any, part: str) -> None:
        if self.open_parts.get(event.index) != part:
            raise EventOrderError(f"no open {part} part {event.index}: {_shown(event)}")

    def _note(self, event: Any) -> None:
        index = getattr(event, "index", None)
        if index is not None and index not in self.used_indexes:
            raise EventOrderError(f"part {index} has not begun: {_shown(event)}")

    def _restart(self, event: Any) -> None:
        if event.discard != tuple(self.used_indexes):
            raise EventOrderError(f"Restart must discard the parts {tuple(self.used_indexes)}: {_shown(event)}")
        if self.called:
            raise EventOrderError(f"Restart came after a tool call had begun: {_shown(event)}")
        self.open_parts.clear()
        self.used_indexes.clear()

    def _finish(self) -> None:
        for index, part in self.open_parts.items():
            if part not in MAY_STAY_OPEN:
                raise EventOrderError(f"Finish came while {part} part {index} was open")


def _shown(event: Event) -> str:
    """The event, cut to what fits into an error."""
    text = repr(event)
    return text if len(text) <= 120 else f"{text[:120]}..."
