"""Cohere's Chat API, version 2 (``POST /v2/chat``): the dialect, and its decoder.

Requests are written in ``request`` and read in ``parse``, answers are written in ``server``; the words they share are in
``words``. The older version 1 is another format and not read here.

Source: https://docs.cohere.com/reference/chat-stream and the recordings named below. Blocks of content and tool calls have
numbers of their own, each from 0; the tool plan has none, and ends where something else begins.

House rule: a piece of a block is typed and takes the straight line; what the vocabulary has no place for becomes ``Other``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import Dialect, reason_for, truncated
from bourn.dialects.cohere import notes
from bourn.dialects.cohere.parse import parse
from bourn.dialects.cohere.request import call
from bourn.dialects.cohere.server import CohereEncoder, encode_error, encode_whole
from bourn.dialects.cohere.words import DONE, FAILURES, PATH, PLAN, REASONS, read_error, read_usage, rest_of_usage, told
from bourn.dialects.parts import Parts
from bourn.errors import ModelError, PayloadError
from bourn.events import Event, Finish, Other, ReasoningDelta, Start, TextDelta, Usage
from bourn.wire.sse import SSEFrame, SSEFramer

T = TypeVar("T")


class _Content(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    text: str | None = None
    thinking: str | None = None
    type: str | None = None


class _ContentMessage(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    content: _Content
    role: Any = None


class _ContentDelta(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    message: _ContentMessage


class _Piece(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    delta: _ContentDelta
    index: int = 0
    logprobs: Any = None
    type: Any = None
    strays: dict[str, Any] | None = msgspec.field(default=None, name=payload.STRAYS)


class _Function(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    function: _Function = msgspec.field(default_factory=_Function)
    id: str | None = None
    type: Any = None


class _Message(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    tool_plan: str | None = None
    tool_calls: _Call | list[_Call] | None = None
    citations: dict[str, Any] | list[dict[str, Any]] | None = None
    role: Any = None
    content: Any = None  # of a message that begins: empty


class _Delta(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    message: _Message = msgspec.field(default_factory=_Message)


class _Step(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    index: int = 0
    id: str | None = None
    type: Any = None
    strays: dict[str, Any] | None = msgspec.field(default=None, name=payload.STRAYS)


class _EndDelta(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    error: str | None = None
    error_type: str | None = None


class _End(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    delta: _EndDelta = msgspec.field(default_factory=_EndDelta)
    type: Any = None
    strays: dict[str, Any] | None = msgspec.field(default=None, name=payload.STRAYS)


class _Typed(msgspec.Struct, gc=False):
    type: str = ""


_PIECE = msgspec.json.Decoder(_Piece)
_STEP = msgspec.json.Decoder(_Step)
_END = msgspec.json.Decoder(_End)
_TYPED = msgspec.json.Decoder(_Typed)
_OBJECT = msgspec.json.Decoder(dict[str, Any])

_DELTAS: dict[str, Callable[[int, str], Event]] = {"text": TextDelta, "reasoning": ReasoningDelta}


class CohereDecoder:
    """Events of one answer: feed it frames, then close it.

    ``message-end`` is the end evidence and the last mark: it has reason and usage, and ``[DONE]`` after it adds nothing. Where
    only ``[DONE]`` comes, that is the mark.
    """

    def __init__(self) -> None:
        self.ended = False
        self.done = False
        self.usage: Usage | None = None
        self._started = False
        self._parts = Parts()
        self._blocks: dict[int, tuple[str, int]] = {}  # open blocks of content: kind and part
        self._contents: dict[int, int] = {}  # all blocks of content so far: their parts, for citations
        self._text: int | None = None  # the last part of text
        self._plan: int | None = None  # the part of the tool plan
        self._calls: dict[int, tuple[str, int]] = {}  # number of a call to its key among the parts
        self._called = 0
        self._strays: dict[str, Any] = {}  # what nobody knows of, in the event at hand

    def feed(self, frame: SSEFrame) -> Sequence[Event]:
        """The events of one server-sent event. Raises ``ModelError``, ``PayloadError``."""
        if self.done:
            return ()
        handler = self._HANDLERS.get(frame.event)
        return self._unnamed(frame) if handler is None else self._begun(handler(self, frame.data))

    def close(self, *, verified: bool = True) -> Sequence[Event]:
        """As :meth:`bourn.dialects.base.Decoder.close`; an answer that never began is truncated in any case."""
        if self.done:
            return ()
        if verified or not self._started:
            raise truncated("message-end")
        return self._finish(None, verified=False)

    def _on_piece(self, data: bytes) -> Sequence[Event]:
        piece = payload.decode_all(_PIECE, data)
        content = piece.delta.message.content
        kind, part = self._blocks.get(piece.index, ("", 0))
        text, other = (content.text, content.thinking) if kind == "text" else (content.thinking, content.text)
        if text and kind and not other and piece.logprobs is None and piece.strays is None:
            return (_DELTAS[kind](part, text),)
        out: list[Event] = []
        self._odd_piece(piece, out)
        return out

    def _odd_piece(self, piece: _Piece, out: list[Event]) -> None:
        """A piece with logprobs, of another kind than its block, or without a block."""
        content = piece.delta.message.content
        for kind, text in (("reasoning", content.thinking), ("text", content.text)):
            if text:
                if self._blocks.get(piece.index, ("", 0))[0] != kind:
                    self._open(piece.index, kind, out)
                out.append(_DELTAS[kind](self._blocks[piece.index][1], text))
        self._strays = piece.strays or {}
        if piece.logprobs is not None:
            out.append(notes.LOGPROBS.take(piece.logprobs, self._blocks.get(piece.index, ("", None))[1]))

    def _on_content_start(self, data: bytes) -> Sequence[Event]:
        out: list[Event] = []
        piece = payload.decode_all(_PIECE, data)
        self._end_plan(out)
        self._open(piece.index, "reasoning" if piece.delta.message.content.type == "thinking" else "text", out)
        self._odd_piece(piece, out)
        return out

    def _open(self, index: int, kind: str, out: list[Event]) -> None:
        """Open a block of content; one that still stands open under the same number is over."""
        self._parts.end(("content", index), out)
        part = self._parts.start(("content", index), kind, out)
        self._blocks[index] = (kind, part)
        self._contents[index] = part
        if kind == "text":
            self._text = part

    def _on_content_end(self, data: bytes) -> Sequence[Event]:
        out: list[Event] = []
        index = self._step(data).index
        self._blocks.pop(index, None)
        self._parts.end(("content", index), out)
        return out

    def _on_plan(self, data: bytes) -> Sequence[Event]:
        out: list[Event] = []
        text = self._step(data).delta.message.tool_plan
        if text:
            self._plan = self._parts.start(PLAN, "reasoning", out, PLAN)
            out.append(ReasoningDelta(self._plan, text))
        return out

    def _end_plan(self, out: list[Event]) -> None:
        self._parts.end(PLAN, out)

    def _on_call_start(self, data: bytes) -> Sequence[Event]:
        """A call; one that still stands open under the same number stays so, for nobody said that it is whole."""
        out: list[Event] = []
        step = self._step(data)
        self._end_plan(out)
        for one in _listed(step.delta.message.tool_calls):
            key = self._calls[step.index] = ("call", self._called)
            self._called += 1
            self._parts.start_tool(key, one.id or None, one.function.name or "", out)
            self._parts.arguments(key, one.function.arguments or "", out)
        return out

    def _on_call_delta(self, data: bytes) -> Sequence[Event]:
        out: list[Event] = []
        step = self._step(data)
        key = self._calls.get(step.index)
        if key is None:
            return (Other("tool-call-delta", payload.decode(_OBJECT, data)),)
        for one in _listed(step.delta.message.tool_calls):
            self._parts.arguments(key, one.function.arguments or "", out)
        return out

    def _on_call_end(self, data: bytes) -> Sequence[Event]:
        out: list[Event] = []
        self._parts.end(self._calls.pop(self._step(data).index, None), out)
        return out

    def _on_citation(self, data: bytes) -> Sequence[Event]:
        """A citation, with the part that it stands in: by its own word, or that of the text at hand."""
        cited = _listed(self._step(data).delta.message.citations)
        return [notes.CITATION.take(each, self._cited(one)) for one in cited for each in notes.each_source(one)]

    def _cited(self, citation: dict[str, Any]) -> int | None:
        if citation.get("type") == "PLAN":
            return self._plan
        index = citation.get("content_index")
        return self._contents.get(index, self._text) if isinstance(index, int) else self._text

    def _on_nothing(self, data: bytes) -> Sequence[Event]:
        """An event that says no more than the one before it: the end of a citation."""
        self._step(data)
        return ()

    def _step(self, data: bytes) -> _Step:
        step = payload.decode_all(_STEP, data)
        self._strays = step.strays or {}
        return step

    def _on_start(self, data: bytes) -> Sequence[Event]:
        if self._started:
            return ()
        self._started = True
        return [Start(self._step(data).id or None)]

    def _on_end(self, data: bytes) -> Sequence[Event]:
        last = payload.decode_all(_END, data)
        end, self._strays = last.delta, last.strays or {}
        rest: dict[str, Any] = {}
        if end.usage:
            self.usage, rest = read_usage(end.usage), rest_of_usage(end.usage)
        if end.error or end.finish_reason in FAILURES:
            raise _failure(end)
        return self._finish(end.finish_reason, rest)

    def _finish(self, raw: str | None, rest: dict[str, Any] | None = None, *, verified: bool = True) -> Sequence[Event]:
        out: list[Event] = []
        self._parts.end_all(out, but="tool_call")
        if rest:
            out.append(Other("usage", rest))
        self.ended = self.done = True
        self._parts.finish(Finish(reason_for(REASONS, raw or None), raw or None, self.usage, verified), out)
        return out

    def _unnamed(self, frame: SSEFrame) -> Sequence[Event]:
        """``[DONE]``, or a payload without an event name or with one that is not known: its ``type`` decides."""
        data = frame.data
        if data.strip() == DONE:
            return self._begun(self._finish(None))
        if frame.event == "error":
            raise _error(data)
        kind = payload.decode(_TYPED, data).type
        handler = self._HANDLERS.get(kind)
        if handler is not None:
            return self._begun(handler(self, data))
        value = payload.decode(_OBJECT, data)
        if not kind and (value.get("error") or value.get("message")):
            raise _error(data)
        return self._begun([Other(kind or frame.event or "message", value)])

    def _begun(self, out: Sequence[Event]) -> Sequence[Event]:
        """``out`` and what nobody knows of, after a ``Start`` where the service forgot it."""
        if self._strays:
            strays: list[Event] = [Other(kind, told) for kind, told in self._strays.items()]
            last = [event for event in out if type(event) is Finish]
            out = [*(event for event in out if type(event) is not Finish), *strays, *last]
            self._strays = {}
        if self._started or not out:
            return out
        self._started = True
        return [Start(), *out]

    _HANDLERS: ClassVar[dict[str, Callable[[CohereDecoder, bytes], Sequence[Event]]]] = {
        "message-start": _on_start,
        "content-start": _on_content_start,
        "content-delta": _on_piece,
        "content-end": _on_content_end,
        "tool-plan-delta": _on_plan,
        "tool-call-start": _on_call_start,
        "tool-call-delta": _on_call_delta,
        "tool-call-end": _on_call_end,
        "citation-start": _on_citation,
        "citation-end": _on_nothing,
        "message-end": _on_end,
    }


def _listed(value: T | list[T] | None) -> list[T]:
    """One thing, several, or none, as a list: the names are plural, the events bring one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _failure(end: _EndDelta) -> ModelError:
    """The error of an answer that failed; only a reason that says more than ``ERROR`` is a code."""
    usual, retryable = FAILURES.get(end.finish_reason or "", ("", False))
    code = None if end.finish_reason == "ERROR" or end.finish_reason not in FAILURES else end.finish_reason
    return ModelError(end.error or usual, code=code, type=end.error_type, retryable=retryable)


def _error(data: bytes) -> ModelError:
    """An error that stands in the stream as a gateway would put it there."""
    value: Any
    try:
        value = payload.decode(_OBJECT, data)
    except PayloadError:
        value = data.decode("utf-8", "replace")
    said = told(value)
    message = said.message or "Cohere reported an error without a message"
    return ModelError(message, code=said.code, type=said.type, request_id=said.request_id)


DIALECT = Dialect(
    name="cohere",
    root="",
    media_types=("text/event-stream",),
    framer=SSEFramer,
    call=call,
    decoder=CohereDecoder,
    read_error=read_error,
    parse=parse,
    encoder=CohereEncoder,
    encode_whole=encode_whole,
    encode_error=encode_error,
    paths=(PATH,),
)
"""Cohere's Chat API, version 2."""
