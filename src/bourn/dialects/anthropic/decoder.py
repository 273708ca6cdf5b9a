"""Anthropic's Messages API (``POST /v1/messages``): the dialect, and its decoder.

Spoken by Anthropic, Vertex, Azure Foundry, OpenRouter, llama.cpp and many gateways, and inside Bedrock's ``invoke``. Requests
are written in ``request`` and read in ``parse``, answers are written in ``server``; the words
they share are in ``words``.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming and the recordings named below.
House rule: a delta is typed and fast, all else is read as a whole; what the vocabulary has no place for becomes ``Other``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, TypeVar

import msgspec

from bourn.dialects import payload
from bourn.dialects.anthropic.notes import CALLS, CITATION, RESULT, SERVER_RESULT, read_call
from bourn.dialects.anthropic.parse import parse
from bourn.dialects.anthropic.request import call
from bourn.dialects.anthropic.server import AnthropicEncoder, encode_error, encode_whole
from bourn.dialects.anthropic.words import PATH, REASONS, RETRYABLE, USAGE_FIELDS, read_error, read_error_body, read_usage
from bourn.dialects.base import Dialect, reason_for, truncated
from bourn.dialects.counts import taken_tier
from bourn.dialects.form import listed
from bourn.dialects.parts import Parts
from bourn.errors import ModelError, PayloadError, TruncatedError
from bourn.events import (
    Citation,
    Event,
    Finish,
    Other,
    ReasoningDelta,
    ServerToolResult,
    Start,
    TextDelta,
    Usage,
)
from bourn.wire.sse import SSEFrame, SSEFramer

T = TypeVar("T")


class _Piece(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="type"):
    """A delta that has a text and nothing else."""


class _Text(_Piece, frozen=True, gc=False, tag="text_delta"):
    text: str


class _Thinking(_Piece, frozen=True, gc=False, tag="thinking_delta", rename={"text": "thinking"}):
    text: str


class _Input(_Piece, frozen=True, gc=False, tag="input_json_delta", rename={"text": "partial_json"}):
    text: str


class _Signature(_Piece, frozen=True, gc=False, tag="signature_delta", rename={"text": "signature"}):
    text: str


class _Delta(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    index: int
    delta: _Text | _Thinking | _Input | _Signature
    type: str = ""


class _Stop(msgspec.Struct, frozen=True, gc=False):
    index: int


class _BlockStart(msgspec.Struct, frozen=True):
    index: int
    content_block: dict[str, Any]


class _Message(msgspec.Struct, frozen=True):
    id: str | None = None
    model: str | None = None
    content: list[dict[str, Any]] = []
    stop_reason: str | None = None
    usage: dict[str, Any] | None = None


class _MessageDelta(msgspec.Struct, frozen=True):
    delta: dict[str, Any] = {}
    usage: dict[str, Any] | None = None


class _Typed(msgspec.Struct, frozen=True):
    type: str = ""


_DELTA = msgspec.json.Decoder(_Delta)
_TYPED = msgspec.json.Decoder(_Typed)
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_ANYTHING = msgspec.json.Decoder(Any)

_MESSAGE_KNOWN = frozenset({"id", "type", "role", "model", "content", "stop_reason", "usage"})
_DELTA_KNOWN = frozenset({"type", "delta", "usage"})
_START_KNOWN = frozenset({"type", "message"})
_BLOCK_START_KNOWN = frozenset({"type", "index", "content_block"})
_BLOCK_KNOWN = frozenset({"type", "text", "thinking", "signature", "data", "id", "name", "input", "citations"})

_PIECE_KNOWN = frozenset({"type", "index", "delta"})
_PIECES = {
    "text_delta": frozenset({"type", "text"}),
    "thinking_delta": frozenset({"type", "thinking"}),
    "input_json_delta": frozenset({"type", "partial_json"}),
    "signature_delta": frozenset({"type", "signature"}),
}
"""Deltas that are typed here to all that they hold."""

_LATE = {"text_delta": "text", "thinking_delta": "thinking"}
"""Deltas that open the block they belong to, where its start never came."""


class _Block:
    """An open content block: a part of the answer, or (``held``) one that is given whole as ``Other`` when it stops."""

    __slots__ = ("delta", "held", "kind", "part", "piece", "redacted", "signature", "texts")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.part = -1
        self.piece: type | None = None
        self.delta: Callable[[int, str], Event] = TextDelta
        self.signature: str | None = None
        self.redacted = False
        self.held: dict[str, Any] | None = None
        self.texts: dict[str, list[str]] = {}  # field to its pieces, joined once

    def take(self, delta: dict[str, Any]) -> None:
        """Add a delta to the held block: texts are appended, also those of its input, the rest replaces."""
        assert self.held is not None
        for name, value in delta.items():
            if isinstance(value, str) and name != "type":
                before = self.held.get(name)
                self.texts.setdefault(name, [before] if isinstance(before, str) else []).append(value)
            elif name != "type":
                self.texts.pop(name, None)
                self.held[name] = value

    def whole(self) -> Event:
        """The held block with the input that was streamed to it; input that was cut stays a text."""
        assert self.held is not None
        texts = {name: "".join(pieces) for name, pieces in self.texts.items()}
        text = texts.pop("partial_json", "")
        self.held |= texts
        if self.kind in CALLS:
            given = self.held.get("input")
            return read_call(self.held, text or (payload.dumps(given).decode() if given else ""))
        if text:
            try:
                self.held["input"] = msgspec.json.decode(text)
            except payload.UNREADABLE:
                self.held["input"] = text
        return Other(self.kind, self.held)


class AnthropicDecoder:
    """Events of one answer. Feed it frames, or the JSON alone with :meth:`feed_payload` (Bedrock sends it without SSE).

    A tool call ends with its ``content_block_stop`` only: one that the finish left open stays open
    (``anthropic-claude-3-7-sonnet-20250219-incomplete-partial-json-response-e0e79e``).
    """

    def __init__(self) -> None:
        self.ended = False
        self.done = False
        self.usage: Usage | None = None
        self._started = False
        self._id: str | None = None
        self._reason: str | None = None
        self._counts: dict[str, Any] = {}
        self._parts = Parts()
        self._blocks: dict[int, _Block] = {}

    def feed(self, frame: SSEFrame) -> Sequence[Event]:
        """The events of one server-sent event. Raises ``ModelError``, ``PayloadError``, ``TruncatedError``."""
        return self.feed_payload(frame.data, frame.event)

    def feed_payload(self, data: bytes, name: str = "") -> Sequence[Event]:
        """The events of one JSON payload; ``name`` is the event's, looked up in the payload where it is not a known one."""
        if self.done:
            return ()
        handler = self._HANDLERS.get(name)
        return self._unnamed(data, name) if handler is None else handler(self, data)

    def close(self, *, verified: bool = True) -> Sequence[Event]:
        """As :meth:`bourn.dialects.base.Decoder.close`; an answer that never began is truncated in any case."""
        if self.done:
            return ()
        if self.ended:
            return self._finish()
        if verified or not self._started:
            raise truncated("message_stop")
        return self._finish(verified=False)

    def _on_delta(self, data: bytes) -> Sequence[Event]:
        try:
            event = _DELTA.decode(data)
        except payload.UNREADABLE:
            return self._odd_payload(data)
        block, piece = self._blocks.get(event.index), event.delta
        if block is not None and type(piece) is block.piece and piece.text:  # nearly all; the same as below, in fewer calls
            return (block.delta(block.part, piece.text),)
        return self._take(event)

    def _take(self, event: _Delta) -> Sequence[Event]:
        block, piece = self._blocks.get(event.index), event.delta
        if block is None or type(piece) is not block.piece:
            return self._odd_delta(event.index, msgspec.to_builtins(piece))
        return (block.delta(block.part, piece.text),) if piece.text else ()

    def _odd_payload(self, data: bytes) -> Sequence[Event]:
        """A delta that is not typed here, or whose bytes only the slow reader can read."""
        value = payload.decode(_OBJECT, data)
        index, delta, rest = value.get("index"), value.get("delta"), _rest(value, _PIECE_KNOWN)
        block = self._blocks.get(index) if type(index) is int else None
        if isinstance(delta, dict) and block is not None and block.held is None:
            known = _PIECES.get(str(delta.get("type")), delta.keys())
            rest += _rest(delta, known, block.part)
            delta = {name: told for name, told in delta.items() if name in known}
        try:
            event = msgspec.convert({"index": index, "delta": delta}, _Delta)
        except msgspec.ValidationError as error:
            if type(index) is int and isinstance(delta, dict) and isinstance(delta.get("type"), str):
                return [*self._odd_delta(index, delta), *self._begun(rest)]
            raise PayloadError(f"undecodable content_block_delta ({error})", raw=data) from error
        return [*self._take(event), *self._begun(rest)]

    def _odd_delta(self, index: int, delta: dict[str, Any]) -> Sequence[Event]:
        """A delta that is not the usual one of its block: a signature, a citation, a piece of a held block, a stray."""
        block, kind = self._blocks.get(index), delta["type"]
        if block is None and kind in _LATE:
            return self._begun(self._open(index, {**delta, "type": _LATE[kind]}))
        if block is not None and block.held is not None:
            block.take(delta)
            return ()
        if block is not None and block.kind == "thinking" and kind == "signature_delta":
            block.signature = _string(delta, "signature") or block.signature
            return ()
        if kind == "citations_delta":
            cited = CITATION.take(delta.get("citation"), block.part if block is not None else None)
            return self._begun([cited if isinstance(cited, Citation) else Other(kind, delta, cited.index)])
        if all(value in ("", None) for name, value in delta.items() if name != "type"):
            return ()
        return self._begun([Other(kind, delta, block.part if block is not None else None)])

    def _on_block_start(self, data: bytes) -> Sequence[Event]:
        value = payload.decode(_OBJECT, data)
        event = _convert(value, _BlockStart, data)
        return self._begun([*self._open(event.index, event.content_block), *_rest(value, _BLOCK_START_KNOWN)])

    def _open(self, index: int, content: dict[str, Any]) -> list[Event]:
        """Open a block; one that still stands open under the same index is over, unless it is a tool call."""
        out: list[Event] = []
        self._shut(self._blocks.pop(index, None), out)
        kind = content.get("type")
        block = self._blocks[index] = _Block(kind if isinstance(kind, str) else "")
        opener = self._OPENERS.get(block.kind)
        if opener is None:
            self._hold(index, block, content, out)
            return out
        opener(self, block, content, out)
        out += _rest(content, _BLOCK_KNOWN, block.part)
        return out

    def _open_text(self, block: _Block, content: dict[str, Any], out: list[Event]) -> None:
        block.piece, block.delta = _Text, TextDelta
        block.part = self._parts.start(block, "text", out)
        out += (CITATION.take(one, block.part) for one in listed(content.get("citations") or []))
        self._parts.delta(block, "text", _string(content, "text"), out)

    def _open_thinking(self, block: _Block, content: dict[str, Any], out: list[Event]) -> None:
        block.piece, block.delta = _Thinking, ReasoningDelta
        block.part = self._parts.start(block, "reasoning", out)
        block.signature = _string(content, "signature") or None
        self._parts.delta(block, "reasoning", _string(content, "thinking"), out)

    def _open_redacted(self, block: _Block, content: dict[str, Any], out: list[Event]) -> None:
        block.part = self._parts.start(block, "reasoning", out)
        block.signature, block.redacted = _string(content, "data") or None, True

    def _open_tool(self, block: _Block, content: dict[str, Any], out: list[Event]) -> None:
        """A call of the client's; its input may come whole (``…test-programmatic-tool-use-streaming-75eeac``)."""
        block.piece, block.delta = _Input, self._parts.argument
        block.part = self._parts.start_tool(block, _string(content, "id") or None, _string(content, "name"), out)
        if content.get("input"):
            self._parts.arguments(block, payload.dumps(content["input"]).decode(), out)

    def _hold(self, index: int, block: _Block, content: dict[str, Any], out: list[Event]) -> None:
        """A block that is given whole. Results of server tools come whole in the start, so they need not wait."""
        if block.kind.endswith(RESULT):
            del self._blocks[index]
            result = SERVER_RESULT.take(content)
            out.append(result if isinstance(result, ServerToolResult) else Other(block.kind, content))
        else:
            block.held = content

    def _on_block_stop(self, data: bytes) -> Sequence[Event]:
        value = payload.decode(_OBJECT, data)
        return self._begun([*self._close(_convert(value, _Stop, data).index), *_rest(value, _PIECE_KNOWN)])

    def _close(self, index: int) -> list[Event]:
        out: list[Event] = []
        block = self._blocks.pop(index, None)
        if block is not None and block.kind == "tool_use":
            self._parts.end(block, out)
        self._shut(block, out)
        return out

    def _shut(self, block: _Block | None, out: list[Event]) -> None:
        """Give the end of a text or of thinking, or the held block; a tool call needs the provider's word."""
        if block is None or block.kind == "tool_use":
            return
        if block.held is not None:
            out.append(block.whole())
        else:
            self._parts.end(block, out, signature=block.signature, redacted=block.redacted)

    def _on_message_start(self, data: bytes) -> Sequence[Event]:
        whole = payload.decode(_OBJECT, data)
        value = whole.get("message") or {}
        message = _convert(value, _Message, data)
        if self._started:
            return self._second_start(message)
        self._started, self._id = True, message.id
        out: list[Event] = [Start(message.id or None, message.model or None)]
        out += [*_rest(value, _MESSAGE_KNOWN), *_rest(whole, _START_KNOWN)]
        for content in message.content:  # after a call from within code execution: anthropic-programmatic-tool-calling.1
            out += self._open(-1, content)
            out += self._close(-1)
        self._tell(message.usage, data)
        self._stop_reason(message.stop_reason)
        return out

    def _second_start(self, message: _Message) -> Sequence[Event]:
        """Gateways repeat the start; a start of another message means that they retried within one body.

        Seen behind Vertex (vercel/ai issue 18331): the first answer was cut, so what follows is not its end.
        """
        if self.ended:
            return self._finish()
        if message.id == self._id:
            return ()
        raise TruncatedError(f"message {self._id} was cut off: message {message.id} began before its end, in the same body")

    def _on_message_delta(self, data: bytes) -> Sequence[Event]:
        value = payload.decode(_OBJECT, data)
        event = _convert(value, _MessageDelta, data)
        self._tell(event.usage, data)
        self._stop_reason(event.delta.get("stop_reason"))
        return self._begun([*_rest(event.delta, frozenset({"stop_reason"})), *_rest(value, _DELTA_KNOWN)])

    def _on_message_stop(self, data: bytes) -> Sequence[Event]:
        """The last mark. Bedrock puts its metrics in it."""
        rest = _rest(payload.decode(_OBJECT, data), _DELTA_KNOWN)
        return [*self._begun(rest), *self._finish()]

    def _on_ping(self, _: bytes) -> Sequence[Event]:
        return ()

    def _on_error(self, data: bytes) -> Sequence[Event]:
        value: Any
        try:
            value = payload.decode(_ANYTHING, data)
        except PayloadError:
            value = data.decode("utf-8", "replace")
        error = read_error_body(value)
        raise ModelError(
            error.message or "the provider sent an error without a message",
            code=error.code,
            type=error.type,
            retryable=error.type in RETRYABLE,
            request_id=error.request_id,
        )

    def _unnamed(self, data: bytes, name: str) -> Sequence[Event]:
        """A payload without an event name, or with one that is not known: its ``type`` decides."""
        if data.strip() == b"[DONE]":  # OpenRouter: openrouter-claude-haiku-4.5-gateway-message-delta-metadata-f95fa1
            return self._finish() if self.ended else ()
        kind = payload.decode(_TYPED, data).type
        handler = self._HANDLERS.get(kind)
        if handler is not None:
            return handler(self, data)
        value = payload.decode(_OBJECT, data)
        if not kind and "error" in value:
            return self._on_error(data)
        return self._begun([Other(kind or name or "message", value)])

    def _tell(self, usage: dict[str, Any] | None, data: bytes) -> None:
        """Usage comes in pieces that repeat each other; the last one counts, field by field."""
        self._counts.update((name, value) for name, value in (usage or {}).items() if value is not None)
        try:
            self.usage = read_usage(self._counts)
        except msgspec.ValidationError as error:
            raise PayloadError(f"undecodable usage ({error})", raw=data) from error

    def _stop_reason(self, word: Any) -> None:
        if isinstance(word, str) and word:
            self._reason = word
            self.ended = True

    def _finish(self, *, verified: bool = True) -> list[Event]:
        out: list[Event] = []
        for block in self._blocks.values():
            self._shut(block, out)
        rest = {name: value for name, value in self._counts.items() if name not in USAGE_FIELDS}
        tier = taken_tier(rest, "service_tier")
        if rest:
            out.append(Other("usage", rest))
        self._parts.finish(Finish(reason_for(REASONS, self._reason), self._reason, self.usage, verified, tier), out)
        self.ended = self.done = True
        return self._begun(out)

    def _begun(self, out: list[Event]) -> list[Event]:
        """``out``, after a ``Start`` where the provider forgot it."""
        if out and not self._started:
            self._started = True
            out.insert(0, Start())
        return out

    _HANDLERS: ClassVar[dict[str, Callable[[AnthropicDecoder, bytes], Sequence[Event]]]] = {
        "message_start": _on_message_start,
        "content_block_start": _on_block_start,
        "content_block_delta": _on_delta,
        "content_block_stop": _on_block_stop,
        "message_delta": _on_message_delta,
        "message_stop": _on_message_stop,
        "ping": _on_ping,
        "error": _on_error,
    }
    _OPENERS: ClassVar[dict[str, Callable[[AnthropicDecoder, _Block, dict[str, Any], list[Event]], None]]] = {
        "text": _open_text,
        "thinking": _open_thinking,
        "redacted_thinking": _open_redacted,
        "tool_use": _open_tool,
    }


def _rest(value: dict[str, Any], known: Collection[str], part: int | None = None) -> list[Event]:
    """What the vocabulary has no place for, one ``Other`` a field; a field that is null or an empty list says nothing."""
    return [Other(name, told, part) for name, told in value.items() if name not in known and told is not None and told != []]


def _convert(value: Any, type_: type[T], data: bytes) -> T:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise PayloadError(f"undecodable payload ({error})", raw=data) from error


def _string(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else ""


DIALECT = Dialect(
    name="anthropic",
    root="",
    media_types=("text/event-stream",),
    framer=SSEFramer,
    call=call,
    decoder=AnthropicDecoder,
    read_error=read_error,
    parse=parse,
    encoder=AnthropicEncoder,
    encode_whole=encode_whole,
    encode_error=encode_error,
    auth=("x-api-key", ""),
    paths=(PATH,),
)
"""Anthropic's Messages API."""
