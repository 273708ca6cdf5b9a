"""Amazon Bedrock's Converse API (``POST /model/{modelId}/converse-stream``): the dialect, and its decoder.

Requests are written in ``converse_request`` and read in ``converse_parse``, answers are written in
``converse_server``; the words they share are in ``converse_words`` and ``words``.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html and the recordings named below.
House rule: a delta is typed and fast, all else is read as a whole; what the vocabulary has no place for becomes ``Other``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import Dialect, reason_for, truncated
from bourn.dialects.bedrock import converse_notes as notes
from bourn.dialects.bedrock.converse_parse import parse
from bourn.dialects.bedrock.converse_request import call
from bourn.dialects.bedrock.converse_server import PATHS, ConverseEncoder, encode_whole
from bourn.dialects.bedrock.converse_words import REASONS, SERVER_TOOL, USAGE_FIELDS, join_blobs, read_usage
from bourn.dialects.bedrock.words import (
    ERROR_MESSAGES,
    MEDIA_TYPE,
    encode_error,
    error_headers,
    read_error,
    read_exception,
    read_other,
)
from bourn.dialects.parts import Parts
from bourn.errors import PayloadError, TruncatedError
from bourn.events import Event, Finish, Other, ReasoningDelta, Start, TextDelta, ToolCallDelta, Usage
from bourn.wire.eventstream import EventStreamFrame, EventStreamFramer


class _Input(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    input: str


class _Thought(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel"):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class _Delta(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel"):
    text: str | None = None
    reasoning_content: _Thought | None = None
    tool_use: _Input | None = None


class _Padded(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel"):
    p: Any = None
    strays: dict[str, Any] | None = msgspec.field(default=None, name=payload.STRAYS)


class _BlockDelta(_Padded, frozen=True, gc=False, kw_only=True, rename="camel"):
    content_block_index: int
    delta: _Delta


class _OddDelta(_Padded, frozen=True, kw_only=True, rename="camel"):
    content_block_index: int
    delta: dict[str, Any]


class _BlockStart(_Padded, frozen=True, kw_only=True, rename="camel"):
    content_block_index: int
    start: dict[str, Any]


class _BlockStop(_Padded, frozen=True, gc=False, kw_only=True, rename="camel"):
    content_block_index: int


_DELTA = msgspec.json.Decoder(_BlockDelta)
_ODD_DELTA = msgspec.json.Decoder(_OddDelta)
_START = msgspec.json.Decoder(_BlockStart)
_STOP = msgspec.json.Decoder(_BlockStop)
_OBJECT = msgspec.json.Decoder(dict[str, Any])

_CALL_KNOWN = frozenset({"toolUseId", "name", "type"})
_START_KNOWN = frozenset({"role", "p"})
_STOP_KNOWN = frozenset({"stopReason", "p"})
_METADATA_KNOWN = frozenset({"usage", "p"})

_STARTLESS = frozenset({"text", "reasoningContent"})

_DELTAS: dict[str, Callable[[int, str], Event]] = {
    "text": TextDelta,
    "reasoning": ReasoningDelta,
    "tool_call": ToolCallDelta,
}


class _Block:
    """An open content block: a part of the answer, or (``held``) one that is given whole as ``Other`` when it stops."""

    __slots__ = ("delta", "held", "kind", "part", "pieces", "redacted", "signature")

    def __init__(self, kind: str, held: dict[str, Any] | None = None) -> None:
        self.kind = kind
        self.part = -1
        self.delta = _DELTAS.get(kind, TextDelta)
        self.signature: str | None = None
        self.redacted: list[str] = []
        self.held = held
        self.pieces: list[Any] = []

    def whole(self) -> Other:
        """The held block in the shape that it has in an answer that is not streamed."""
        assert self.held is not None
        join = _JOINED.get(self.kind, _deltas)
        return Other(self.kind, self.held | (join(self.pieces) if self.pieces else {}))


def _deltas(pieces: list[Any]) -> dict[str, Any]:
    return {"deltas": pieces}


def _text(pieces: list[Any]) -> str:
    """The input of a call that the service answers itself."""
    return "".join(str(piece.get("input", "")) if isinstance(piece, dict) else "" for piece in pieces)


def _results(pieces: list[Any]) -> dict[str, Any]:
    return {"content": [one for piece in pieces for one in (piece if isinstance(piece, list) else [piece])]}


def _image(pieces: list[Any]) -> dict[str, Any]:
    sources = [piece.get("source") for piece in pieces if isinstance(piece, dict)]
    blobs = [blob for source in sources if isinstance(source, dict) and isinstance(blob := source.get("bytes"), str)]
    if len(blobs) == len(pieces):
        return {"source": {"bytes": join_blobs(blobs)}}
    return _deltas(pieces)


_JOINED: dict[str, Callable[[list[Any]], dict[str, Any]]] = {"toolResult": _results, "image": _image}
"""A held block's kind to what makes of its deltas the fields that they stand for."""


class ConverseDecoder:
    """Events of one answer.

    Text and reasoning have no start of their own: the first thing said opens them, and an empty text says nothing
    (``bedrock-openai.gpt-oss-120b-1-0-test-bedrock-model-stream-empty-text-delta-581c85``). The end evidence is
    ``messageStop``; usage follows it in ``metadata``, the last mark.
    """

    def __init__(self) -> None:
        self.ended = False
        self.done = False
        self.usage: Usage | None = None
        self._started = False
        self._told = False  # metadata came
        self._reason: str | None = None
        self._tier: str | None = None
        self._parts = Parts()
        self._blocks: dict[int, _Block] = {}
        self._headers: Mapping[str, Any] = {}  # of the last event; the framer gives the same object for the same headers
        self._handler: Callable[[ConverseDecoder, bytes], Sequence[Event]] | None = None  # that they lead to

    def feed(self, frame: EventStreamFrame) -> Sequence[Event]:
        """The events of one message. Raises ``ModelError``, ``PayloadError``, ``TruncatedError``."""
        if self.done:
            return ()
        headers = frame.headers
        if headers is not self._headers:
            if headers.get(":message-type") in ERROR_MESSAGES:
                return self._on_exception(frame)
            self._headers, self._handler = headers, self._HANDLERS.get(headers.get(":event-type"))
        handler = self._handler
        return self._begun([read_other(frame)]) if handler is None else handler(self, frame.payload)

    def close(self, *, verified: bool = True) -> Sequence[Event]:
        """As :meth:`bourn.dialects.base.Decoder.close`; an answer that never began is truncated in any case."""
        if self.done:
            return ()
        if self.ended:
            return self._finish()
        if verified or not self._started:
            raise truncated("messageStop")
        return self._finish(verified=False)

    def _on_delta(self, data: bytes) -> Sequence[Event]:
        try:
            event = _DELTA.decode(data)
        except payload.UNREADABLE:
            return self._odd_delta(data)
        block, text = self._blocks.get(event.content_block_index), event.delta.text
        if text and block is not None and block.kind == "text":  # nearly all; the same as below, in fewer calls
            return (TextDelta(block.part, text),)
        return self._take(event.content_block_index, event.delta)

    def _take(self, index: int, delta: _Delta) -> Sequence[Event]:
        if delta.text is not None:
            return self._say(index, "text", delta.text)
        if delta.reasoning_content is not None:
            return self._think(index, delta.reasoning_content)
        if delta.tool_use is not None:
            return self._argue(index, delta.tool_use.input)
        return ()

    def _say(self, index: int, kind: str, text: str) -> Sequence[Event]:
        """Text, or thinking; its block is opened by it."""
        if not text:
            return ()
        block = self._blocks.get(index)
        if block is not None and block.kind == kind:
            return (block.delta(block.part, text),)
        out: list[Event] = []
        block = self._open(index, kind, out)
        out.append(block.delta(block.part, text))
        return self._begun(out)

    def _think(self, index: int, thought: _Thought) -> Sequence[Event]:
        out = self._say(index, "reasoning", thought.text or "")
        if not (thought.signature or thought.redacted_content):
            return out
        opened: list[Event] = [*out]
        block = self._open(index, "reasoning", opened)
        if thought.signature:
            block.signature = (block.signature or "") + thought.signature
        if thought.redacted_content:
            block.redacted.append(thought.redacted_content)
        return self._begun(opened)

    def _argue(self, index: int, text: str) -> Sequence[Event]:
        """A piece of a call's input; the call has begun with a start, be it the client's or the service's own."""
        block = self._blocks.get(index)
        if block is not None and block.kind == "tool_call":
            return (self._parts.argument(block.part, text),) if text else ()
        return self._odd(index, "toolUse", {"input": text})

    def _odd_delta(self, data: bytes) -> Sequence[Event]:
        """A delta that is not typed here, or whose bytes only the slow reader can read."""
        event = payload.decode_all(_ODD_DELTA, data)
        pieces = [one for name, told in event.delta.items() for one in self._piece(event.content_block_index, name, told)]
        return [*pieces, *self._begun(_rest(event.strays or {}, frozenset()))]

    def _piece(self, index: int, name: str, told: Any) -> Sequence[Event]:
        try:
            delta = msgspec.convert({name: told}, _Delta)
        except msgspec.ValidationError:
            return self._odd(index, name, told)
        return self._take(index, delta)

    def _odd(self, index: int, kind: str, told: Any) -> Sequence[Event]:
        """A piece of a held block; a citation, which is said of a text; or a stray."""
        block = self._blocks.get(index)
        if block is not None and block.held is not None and block.kind == kind:
            block.pieces.append(told)
            return ()
        out: list[Event] = []
        if block is None and kind == "citation":
            block = self._open(index, "text", out)
        part = None if block is None or block.held is not None else block.part
        out.append(notes.CITATION.take(told, part) if kind == "citation" else Other(kind, told, part))
        return self._begun(out)

    def _open(self, index: int, kind: str, out: list[Event]) -> _Block:
        """The open block of text or reasoning; what else stands open under its index is over, unless it is a tool call."""
        block = self._blocks.get(index)
        if block is not None and block.kind == kind:
            return block
        self._shut(block, out)
        block = self._blocks[index] = _Block(kind)
        block.part = self._parts.start(block, kind, out)
        return block

    def _on_block_start(self, data: bytes) -> Sequence[Event]:
        event = payload.decode_all(_START, data)
        begun = [one for kind, told in event.start.items() for one in self._begin(event.content_block_index, kind, told)]
        return [*begun, *self._begun(_rest(event.strays or {}, frozenset()))]

    def _begin(self, index: int, kind: str, told: Any) -> Sequence[Event]:
        """A block begins; servers that imitate Bedrock (aimock 1.43) send a start of text and reasoning too."""
        if kind in _STARTLESS:
            return self._piece(index, kind, told)
        out: list[Event] = []
        self._shut(self._blocks.pop(index, None), out)
        held = told if isinstance(told, dict) else {"start": told}
        if kind == "toolUse" and held.get("type") != SERVER_TOOL:
            self._open_tool(index, held, out)
        else:
            self._blocks[index] = _Block(kind, held)
        return self._begun(out)

    def _open_tool(self, index: int, told: dict[str, Any], out: list[Event]) -> None:
        block = self._blocks[index] = _Block("tool_call")
        id, name = told.get("toolUseId"), told.get("name")
        block.part = self._parts.start_tool(block, str(id) if id else None, str(name or ""), out)
        out += _rest(told, _CALL_KNOWN, block.part)

    def _on_block_stop(self, data: bytes) -> Sequence[Event]:
        out: list[Event] = []
        event = payload.decode_all(_STOP, data)
        block = self._blocks.pop(event.content_block_index, None)
        if block is not None and block.kind == "tool_call":
            self._parts.end(block, out)
        self._shut(block, out)
        return self._begun([*out, *_rest(event.strays or {}, frozenset())])

    def _shut(self, block: _Block | None, out: list[Event]) -> None:
        """Give the end of a text or of thinking, or the held block; a tool call needs the provider's word."""
        if block is None or block.kind == "tool_call":
            return
        if block.held is not None:
            self._give(block, block.held, out)
        elif block.redacted:
            self._parts.end(block, out, signature=join_blobs(block.redacted), redacted=True)
        else:
            self._parts.end(block, out, signature=block.signature)

    def _give(self, block: _Block, held: dict[str, Any], out: list[Event]) -> None:
        """A held block: a tool of the service, what it gave, an image; or an ``Other``."""
        if block.kind == "toolUse":
            out.append(notes.read_call(held, _text(block.pieces)))
            return
        whole = block.whole()
        image = notes.read_image(whole.payload) if block.kind == "image" else None
        if image is not None:
            self._parts.whole_media(image[0], out, data=image[1])
        else:
            out.append(notes.RESULT.take(whole.payload) if block.kind == "toolResult" else whole)

    def _on_message_start(self, data: bytes) -> Sequence[Event]:
        """The role, which is always the assistant's. A second start is an answer begun anew in the same body."""
        value = payload.decode(_OBJECT, data)
        if self.ended:
            return self._finish()
        if self._parts.any:
            raise TruncatedError("the answer was cut off: another one began before its end, in the same body")
        if self._started:
            return ()
        self._started = True
        return [Start(), *_rest(value, _START_KNOWN)]

    def _on_message_stop(self, data: bytes) -> Sequence[Event]:
        value = payload.decode(_OBJECT, data)
        word = value.get("stopReason")
        self._reason = word if isinstance(word, str) and word else self._reason
        self.ended = True
        out = self._begun(_rest(value, _STOP_KNOWN))
        return [*out, *self._finish()] if self._told else out

    def _on_metadata(self, data: bytes) -> Sequence[Event]:
        """The last mark: usage, metrics, and what a guardrail found."""
        value = payload.decode(_OBJECT, data)
        self._told = True
        usage = value.get("usage") or {}
        try:
            self.usage = read_usage(usage)
        except msgspec.ValidationError as error:
            raise PayloadError(f"undecodable usage ({error})", raw=data) from error
        tier = value.get("serviceTier")
        self._tier = tier.get("type") if isinstance(tier, dict) and isinstance(tier.get("type"), str) else None
        out = _rest(value, _METADATA_KNOWN if self._tier is None else _METADATA_KNOWN | {"serviceTier"})
        if rest := {name: told for name, told in usage.items() if name not in USAGE_FIELDS and told not in _NOTHING}:
            out.append(Other("usage", rest))
        return [*self._begun(out), *self._finish()] if self.ended else self._begun(out)

    def _on_exception(self, frame: EventStreamFrame) -> Sequence[Event]:
        """An exception ends the answer, unless its end evidence came before: then only what was to follow is missing."""
        error = read_exception(frame)
        if not self.ended:
            raise error
        out = self._begun([Other(error.type or "exception", error.message)])
        return [*out, *self._finish()]

    def _finish(self, *, verified: bool = True) -> list[Event]:
        out: list[Event] = []
        for block in self._blocks.values():
            self._shut(block, out)
        self._parts.finish(Finish(reason_for(REASONS, self._reason), self._reason, self.usage, verified, self._tier), out)
        self.ended = self.done = True
        return self._begun(out)

    def _begun(self, out: list[Event]) -> list[Event]:
        """``out``, after a ``Start`` where the provider forgot it."""
        if out and not self._started:
            self._started = True
            out.insert(0, Start())
        return out

    _HANDLERS: ClassVar[dict[Any, Callable[[ConverseDecoder, bytes], Sequence[Event]]]] = {
        "messageStart": _on_message_start,
        "contentBlockStart": _on_block_start,
        "contentBlockDelta": _on_delta,
        "contentBlockStop": _on_block_stop,
        "messageStop": _on_message_stop,
        "metadata": _on_metadata,
    }


_NOTHING: tuple[Any, ...] = (None, [], {})


def _rest(value: dict[str, Any], known: frozenset[str], part: int | None = None) -> list[Event]:
    """What the vocabulary has no place for, one ``Other`` a field; a field that is null or empty says nothing."""
    return [Other(name, told, part) for name, told in value.items() if name not in known and told not in _NOTHING]


DIALECT = Dialect(
    name="bedrock-converse",
    root="",
    media_types=(MEDIA_TYPE,),
    framer=EventStreamFramer,
    call=call,
    decoder=ConverseDecoder,
    read_error=read_error,
    parse=parse,
    encoder=ConverseEncoder,
    encode_whole=encode_whole,
    encode_error=encode_error,
    error_headers=error_headers,
    paths=PATHS,
)
"""Amazon Bedrock's Converse API."""
