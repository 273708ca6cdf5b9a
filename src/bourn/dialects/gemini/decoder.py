"""Gemini's ``streamGenerateContent``, as Google AI and Vertex speak it: the decoder, and the dialect put together.

Requests are written in ``request`` and read in ``parse``, answers are written in ``server``; the words
they share are in ``words``. The body is server-sent events, or a JSON array under ``application/json``.

End evidence is a ``finishReason``, or a ``blockReason`` where the prompt was refused; there is no last mark, the body just
ends. In all recordings the reason stands in the last object, but old models gave one in each, so the last one counts and what
follows it (usage, grounding, a signature) is still taken.

Source: https://ai.google.dev/api/generate-content and the recordings named below.
House rule: an object that brings nothing but more of the part at hand is typed and takes the straight line in
``GeminiDecoder.feed``; all else is read as a whole, and what the vocabulary has no place for becomes ``Other``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import Dialect, reason_for, truncated
from bourn.dialects.counts import taken_tier
from bourn.dialects.gemini.args import ArgumentWriter, PartialArg
from bourn.dialects.gemini.beside import Beside
from bourn.dialects.gemini.frames import GeminiFramer
from bourn.dialects.gemini.parse import parse
from bourn.dialects.gemini.request import call
from bourn.dialects.gemini.server import GeminiEncoder, encode_error, encode_whole
from bourn.dialects.gemini.words import COUNTS, PATH, REASONS, USAGE_FIELDS, in_stream, read_error, read_usage, said
from bourn.dialects.parts import Parts
from bourn.errors import PayloadError
from bourn.events import Event, Finish, FinishReason, Other, ReasoningDelta, Start, TextDelta, Usage
from bourn.wire.json_array import JsonArrayFramer
from bourn.wire.sse import SSEFrame

Json = dict[str, Any]

_ONE = msgspec.Meta(min_length=1, max_length=1)


class _Speech(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1)]
    thought: bool = False


class _Said(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    parts: Annotated[list[_Speech], _ONE]
    role: str | None = None


class _Saying(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    content: _Said
    index: int = 0


class _Plain(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel"):
    """An object with one piece of one part, and nothing that is not in every object."""

    candidates: Annotated[list[_Saying], _ONE]
    usage_metadata: Json = {}
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None


class _Call(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = None
    id: str | None = None
    args: Any = None
    partial_args: list[PartialArg] | None = None
    will_continue: bool | None = None


class _Part(msgspec.Struct, frozen=True, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _Call | None = None


class _Content(msgspec.Struct, frozen=True):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, frozen=True, rename="camel"):
    content: _Content | None = None
    finish_reason: str | int | None = None
    index: int | None = None


class _Feedback(msgspec.Struct, frozen=True, rename="camel"):
    block_reason: str | int | None = None


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: Json | None = None
    model_version: str | None = None
    response_id: str | None = None


_PLAIN = msgspec.json.Decoder(_Plain)
_OBJECT = msgspec.json.Decoder(Json)

_ANSWER_KNOWN = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId"})
_CANDIDATE_KNOWN = frozenset({"content", "finishReason", "index"})
_CONTENT_KNOWN = frozenset({"parts", "role"})
_PART_KNOWN = frozenset({"text", "thought", "thoughtSignature", "functionCall"})

_CALL_KNOWN = frozenset({"name", "id", "args", "partialArgs", "willContinue"})

_SPEECHES: dict[bool, tuple[str, Callable[[int, str], Event]]] = {
    False: ("text", TextDelta),
    True: ("reasoning", ReasoningDelta),
}
"""Whether a part is a thought, to its kind and the event that a piece of it becomes."""


class _OpenCall:
    """A function call whose arguments are still coming."""

    __slots__ = ("arguments", "signature")

    def __init__(self) -> None:
        self.arguments = ArgumentWriter()
        self.signature: str | None = None


class GeminiDecoder:
    """Objects of one answer to events. Feed it frames of either framing, then close it.

    A signature ends the part it stands on. One that comes with an empty text belongs to the text before it, and where there is
    none it becomes an empty text of its own, to be sent back as it came.
    """

    def __init__(self) -> None:
        self.ended = False
        self.done = False
        self._started = False
        self._told: Json = {}  # the last usage
        self._reason: tuple[FinishReason, str] | None = None
        self._parts = Parts()
        self._beside = Beside(self._parts)
        self._text: int | None = None  # the last part of text
        self._thinking: bool | None = None  # whether the open part is a thought; None: no text is open
        self._index = 0
        self._event: Callable[[int, str], Event] = TextDelta
        self._call: _OpenCall | None = None
        self._called = False

    @property
    def usage(self) -> Usage | None:
        """What the service told of usage so far."""
        return read_usage(self._told)

    def feed(self, frame: SSEFrame | bytes) -> Sequence[Event]:
        """The events of the next object. Raises ``ModelError``, ``PayloadError``."""
        data = frame if isinstance(frame, bytes) else frame.data
        if self.done or not data:
            return ()
        try:
            plain = _PLAIN.decode(data)
        except payload.UNREADABLE:
            return self._take(data)
        candidate = plain.candidates[0]
        speech = candidate.content.parts[0]
        if speech.thought is not self._thinking or candidate.index or plain.create_time != self._beside.created:
            return self._take(data)
        self._usage(plain.usage_metadata)
        return (self._event(self._index, speech.text),)

    def close(self, *, verified: bool = True) -> Sequence[Event]:
        """As :meth:`bourn.dialects.base.Decoder.close`; an answer that never began is truncated in any case."""
        if self.done:
            return ()
        if self.ended:
            return self._finish()
        if verified or not self._started:
            raise truncated("a finishReason")
        return self._finish(verified=False)

    # --- one object ---

    def _take(self, data: bytes) -> Sequence[Event]:
        """Everything that an object can bring."""
        if data.strip() == b"[DONE]":  # gateways that speak OpenAI otherwise
            return self._finish() if self.ended else ()
        value = payload.decode(_OBJECT, data)
        if value.get("error"):
            raise in_stream(value)
        try:
            answer = msgspec.convert(value, _Answer)
            return self._answer(answer, value) if value else ()
        except (msgspec.ValidationError, ValueError) as error:
            raise PayloadError(f"undecodable payload ({error})", raw=data) from error

    def _answer(self, answer: _Answer, value: Json) -> list[Event]:
        out: list[Event] = []
        if not self._started:
            self._started = True
            out.append(Start(answer.response_id or None, answer.model_version or None))
        self._usage(answer.usage_metadata)
        self._beside.fields(value, _ANSWER_KNOWN, self._text, out)
        block = said(answer.prompt_feedback.block_reason) if answer.prompt_feedback is not None else None
        if block is not None:
            self._end("content_filter", block)
        for place, candidate in enumerate(answer.candidates or ()):
            raw = value["candidates"][place]
            if place if candidate.index is None else candidate.index:
                out.append(Other("candidate", raw))
            else:
                self._candidate(candidate, raw, out)
        return out

    def _candidate(self, candidate: _Candidate, raw: Json, out: list[Event]) -> None:
        if candidate.content is not None:
            for place, part in enumerate(candidate.content.parts or ()):
                self._part(part, raw["content"]["parts"][place], out)
            self._beside.fields(raw["content"], _CONTENT_KNOWN, self._text, out)
        self._beside.fields(raw, _CANDIDATE_KNOWN, self._text, out)
        word = said(candidate.finish_reason)
        if word is not None:
            self._end(reason_for(REASONS, word), word)

    def _part(self, part: _Part, raw: Json, out: list[Event]) -> None:
        """A part is text, a thought, a call, or something else: that is given whole, with its signature."""
        if part.function_call is not None:
            self._call_piece(part.function_call, part.thought_signature, out)
            self._beside.fields(raw["functionCall"], _CALL_KNOWN, self._text, out)
        elif part.text is not None or raw.keys() <= _PART_KNOWN:
            self._say(bool(part.thought), part.text or "", part.thought_signature, out)
        else:
            self._hush(out)
            self._beside.part(raw, _PART_KNOWN, out)
            return
        self._beside.fields(raw, _PART_KNOWN, self._text, out)

    # --- text and thoughts ---

    def _say(self, thought: bool, text: str, signature: str | None, out: list[Event]) -> None:
        """More text; another part begins where a thought ends or begins, and after a signature."""
        if not (text or signature):
            return
        kind, event = _SPEECHES[thought]
        if thought is not self._thinking:
            self._hush(out)
            self._thinking, self._event = thought, event
            self._index = self._parts.start(kind, kind, out)
            self._text = self._text if thought else self._index
        self._parts.delta(kind, kind, text, out)
        if signature:
            self._hush(out, signature)

    def _hush(self, out: list[Event], signature: str | None = None) -> None:
        """End the open text or thought."""
        if self._thinking is not None:
            self._parts.end(_SPEECHES[self._thinking][0], out, signature=signature)
        self._thinking = None

    # --- function calls ---

    def _call_piece(self, piece: _Call, signature: str | None, out: list[Event]) -> None:
        """A call that comes whole, or the next piece of one: it ends with the piece that does not say that it continues."""
        self._hush(out)
        open_call = None if piece.name else self._call
        if open_call is None:
            if not (piece.name or piece.args or piece.partial_args):
                return
            open_call = self._call = _OpenCall()
            self._parts.start_tool(open_call, piece.id or None, piece.name or "", out)
            self._called = True
        open_call.signature = signature or open_call.signature
        if piece.args is not None:
            self._parts.arguments(open_call, payload.dumps(piece.args).decode(), out)
        for argument in piece.partial_args or ():
            self._parts.arguments(open_call, open_call.arguments.take(argument), out)
        if not piece.will_continue:
            self._parts.arguments(open_call, open_call.arguments.close(), out)
            self._parts.end(open_call, out, signature=open_call.signature)
            self._call = None

    # --- the rest ---

    def _usage(self, told: Json | None) -> None:
        """Usage is cumulative and counts as a whole; Vertex sends objects that only name the kind of traffic before it."""
        if told and not (self._told and COUNTS.isdisjoint(told)):
            self._told = told

    def _end(self, reason: FinishReason, word: str) -> None:
        self._reason = reason, word
        self.ended = True

    def _finish(self, *, verified: bool = True) -> list[Event]:
        out: list[Event] = []
        self._hush(out)
        self._parts.end_kind("media", out)
        rest = {name: told for name, told in self._told.items() if name not in USAGE_FIELDS}
        tier = taken_tier(rest, "serviceTier")
        if rest:
            out.append(Other("usageMetadata", rest))
        reason, word = self._reason or ("other", None)
        if reason == "stop" and self._called:
            reason = "tool_calls"  # Gemini has no word for it
        self._parts.finish(Finish(reason, word, self.usage, verified, tier), out)
        self.ended = self.done = True
        return out


DIALECT = Dialect(
    name="gemini",
    root="",
    media_types=("text/event-stream",),
    framer=GeminiFramer,
    call=call,
    decoder=GeminiDecoder,
    read_error=read_error,
    parse=parse,
    encoder=GeminiEncoder,
    encode_whole=encode_whole,
    encode_error=encode_error,
    auth=("x-goog-api-key", ""),
    paths=(PATH,),
    other_framings={"application/json": JsonArrayFramer},
)
"""Gemini's API, at Google AI and at Vertex."""
