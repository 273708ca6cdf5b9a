"""The server's half of an answer in Bedrock's Converse API: events to the messages that Bedrock itself would write.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html; the padding and the missing
starts of text and reasoning are as recorded. House rule: what is written here is read back as the same events by
``ConverseDecoder``, within what the wire can say (see :class:`ConverseEncoder`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import WireError
from bourn.dialects.bedrock import converse_notes as notes
from bourn.dialects.bedrock.converse_words import SERVER_TOOL, STREAM, WHOLE, stop_word, write_usage
from bourn.dialects.bedrock.words import write, write_exception
from bourn.dialects.media import write_base64
from bourn.events import (
    STARTS,
    Citation,
    Event,
    Finish,
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
)
from bourn.messages import Reasoning, Refusal, Request, Text, ToolCall
from bourn.response import Media, Response

PATHS = (f"/model/.+/{STREAM}", f"/model/.+/{WHOLE}")

_STOP_FIELDS = frozenset({"additionalModelResponseFields"})
_METADATA_FIELDS = frozenset({"metrics", "trace", "performanceConfig", "serviceTier", "usage"})
_BLOCKS = frozenset({"toolUse", "toolResult", "image"})
"""Kinds of ``Other`` that are fields of ``messageStop``, fields of ``metadata``, and blocks of their own."""

_METRICS = {"latencyMs": 0}
"""Clients insist on ``metrics``, so an answer without it says this."""


class ConverseEncoder:
    """Writes one answer; every part becomes a block with an index of its own, and parts that interleave overlap on the wire.

    Not expressible, and so changed: a refusal is text; ids and models, the signature of a text or a tool call, the id of a
    reasoning part, ``custom`` and ``verified`` are left out; a text without a word, and reasoning without a word or a
    signature, are read back as nothing; usage that nobody knows is 0; thoughts that are redacted carry their signature as the
    base64 that it is; an ``Other`` that is neither a block, nor a piece of a part, nor a field is not written.
    """

    def __init__(self, request: Request) -> None:
        del request  # an answer names neither its model nor its call
        self._next = 0
        self._blocks: dict[int, int] = {}  # part to block
        self._fields: dict[str, Any] = {}
        self._pictures: dict[int, tuple[str, list[bytes]]] = {}

    def encode(self, event: Event) -> bytes:
        """The bytes that ``event`` becomes; empty when they come with a later event."""
        write = self._WRITERS.get(type(event))
        return b"" if write is None else write(self, event)

    def error(self, error: WireError) -> bytes:
        """An exception, as sent after a 200: ``modelStreamErrorException`` unless the error has a type of AWS's."""
        return write_exception(error)

    def _start(self, _: Start) -> bytes:
        return write("messageStart", {"role": "assistant"})

    def _open(self, event: TextStart | RefusalStart | ReasoningStart) -> bytes:
        self._take(event.index)
        return b""

    def _take(self, part: int | None) -> int:
        at = self._next
        self._next += 1
        if part is not None:
            self._blocks[part] = at
        return at

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        return _delta(self._blocks[event.index], {"text": event.text})

    def _end(self, event: TextEnd | RefusalEnd | ToolCallEnd) -> bytes:
        return _stop(self._blocks[event.index])

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        return _delta(self._blocks[event.index], {"reasoningContent": {"text": event.text}})

    def _reasoning_end(self, event: ReasoningEnd) -> bytes:
        at, out = self._blocks[event.index], b""
        if event.signature:
            field = "redactedContent" if event.redacted else "signature"
            out = _delta(at, {"reasoningContent": {field: event.signature}})
        return out + _stop(at)

    def _tool_start(self, event: ToolCallStart) -> bytes:
        at = self._take(event.index)
        return _start(at, {"toolUse": {"toolUseId": event.id or f"tooluse_{at}", "name": event.name}})

    def _arguments(self, event: ToolCallDelta) -> bytes:
        return _delta(self._blocks[event.index], {"toolUse": {"input": event.arguments}})

    def _media(self, event: MediaStart) -> bytes:
        if event.media_type.startswith("image/"):
            self._pictures[event.index] = (event.media_type.removeprefix("image/"), [])
        return b""

    def _piece(self, event: MediaDelta) -> bytes:
        if event.index in self._pictures:
            self._pictures[event.index][1].append(event.data)
        return b""

    def _media_end(self, event: MediaEnd) -> bytes:
        """An image is a block that comes whole; other files have no place."""
        format, pieces = self._pictures.pop(event.index, ("", []))
        return self._block("image", _image(format, b"".join(pieces))) if pieces else b""

    def _citation(self, event: Citation) -> bytes:
        if event.index not in self._blocks:
            return b""
        return _delta(self._blocks[event.index], {"citation": notes.CITATION.give(event)})

    def _server_call(self, event: ServerToolCall) -> bytes:
        at = self._take(None)
        said = _delta(at, {"toolUse": {"input": event.arguments}}) if event.arguments else b""
        return _start(at, {"toolUse": notes.write_call(event, at)}) + said + _stop(at)

    def _server_result(self, event: ServerToolResult) -> bytes:
        return self._block("toolResult", notes.RESULT.give(event))

    def _block(self, kind: str, told: dict[str, Any]) -> bytes:
        at = self._take(None)
        return _start(at, {kind: _opening(kind, told)}) + _piece(at, kind, told) + _stop(at)

    def _other(self, event: Other) -> bytes:
        kind, told, part = event.kind, event.payload, event.index
        if is_field(event):
            self._fields[kind] = told
        elif is_block(event):
            return self._block(kind, told)
        elif kind == "citation" and part in self._blocks:
            return _delta(self._blocks[part], {kind: told})
        return b""

    def _finish(self, event: Finish) -> bytes:
        fields = {"metrics": _METRICS} | self._fields | tier(event.service_tier)
        usage = write_usage(event.usage) | fields.pop("usage", {})
        stop = {name: fields.pop(name) for name in sorted(_STOP_FIELDS & fields.keys())}
        word = stop_word(event.reason, event.raw_reason)
        end = stop if word is None else {"stopReason": word} | stop
        return write("messageStop", end) + write("metadata", {"usage": usage} | fields)

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], bytes]]] = {
        Start: _start,
        TextStart: _open,
        TextDelta: _text,
        TextEnd: _end,
        RefusalStart: _open,
        RefusalDelta: _text,
        RefusalEnd: _end,
        ReasoningStart: _open,
        ReasoningDelta: _reasoning,
        ReasoningEnd: _reasoning_end,
        ToolCallStart: _tool_start,
        ToolCallDelta: _arguments,
        ToolCallEnd: _end,
        MediaStart: _media,
        MediaDelta: _piece,
        MediaEnd: _media_end,
        Citation: _citation,
        ServerToolCall: _server_call,
        ServerToolResult: _server_result,
        Other: _other,
        Finish: _finish,
    }


def tier(word: str | None) -> dict[str, Any]:
    """The service tier as a field of the metadata; nothing where it is not known."""
    return {} if word is None else {"serviceTier": {"type": word}}


def _image(format: str, data: bytes) -> dict[str, Any]:
    return {"format": format, "source": {"bytes": write_base64(data)}}


def is_field(event: Other) -> bool:
    """Whether an ``Other`` is a field of ``messageStop`` or ``metadata``; all but the first have to be objects."""
    return event.kind in _STOP_FIELDS or (event.kind in _METADATA_FIELDS and isinstance(event.payload, dict))


def is_block(event: Other) -> bool:
    """Whether an ``Other`` is a content block of its own: a call that the service answers itself, its result, an image."""
    if event.kind not in _BLOCKS or not isinstance(event.payload, dict) or event.index is not None:
        return False
    return event.kind != "toolUse" or event.payload.get("type") == SERVER_TOOL


def _opening(kind: str, told: dict[str, Any]) -> dict[str, Any]:
    """What of a block stands in its start: all but what its deltas carry."""
    return {name: value for name, value in told.items() if name != _CARRIED[kind]}


def _piece(at: int, kind: str, told: dict[str, Any]) -> bytes:
    """The one delta of a block; empty when there is nothing in it."""
    if _CARRIED[kind] not in told:
        return b""
    value = told[_CARRIED[kind]]
    return _delta(at, {kind: _PIECES[kind](value)})


_CARRIED = {"toolUse": "input", "toolResult": "content", "image": "source"}
"""A block's kind to the field of it that comes in deltas."""

_PIECES: dict[str, Callable[[Any], Any]] = {
    "toolUse": lambda value: {"input": value if isinstance(value, str) else payload.dumps(value).decode()},
    "toolResult": lambda value: value,
    "image": lambda value: {"source": value},
}


def _start(at: int, start: dict[str, Any]) -> bytes:
    return write("contentBlockStart", {"contentBlockIndex": at, "start": start})


def _delta(at: int, delta: dict[str, Any]) -> bytes:
    return write("contentBlockDelta", {"contentBlockIndex": at, "delta": delta})


def _stop(at: int) -> bytes:
    return write("contentBlockStop", {"contentBlockIndex": at})


class _Whole:
    """The answer to ``converse``, collected event by event."""

    def __init__(self, model: str) -> None:
        self.response = Response(model=model)
        self._content: list[int | dict[str, Any]] = []  # a part's index, or a block that the vocabulary does not model
        self._citations: dict[int, list[Any]] = {}
        self._fields: dict[str, Any] = {}

    def take(self, event: Event) -> None:
        self.response.fold(event)
        if type(event) in STARTS:
            self._content.append(event.index)  # type: ignore[attr-defined]  # every start has an index
        elif isinstance(event, Citation) and event.index is not None:
            self._citations.setdefault(event.index, []).append(notes.CITATION.give(event))
        elif isinstance(event, ServerToolCall):
            called = notes.write_call(event, len(self._content)) | {"input": _input(event.arguments)}
            self._content.append({"toolUse": called})
        elif isinstance(event, ServerToolResult):
            self._content.append({"toolResult": notes.RESULT.give(event)})
        elif type(event) is Other:
            self._other(event)

    def _other(self, event: Other) -> None:
        if is_field(event):
            self._fields[event.kind] = event.payload
        elif is_block(event):
            self._content.append({event.kind: event.payload})
        elif event.kind == "citation" and event.index is not None:
            self._citations.setdefault(event.index, []).append(event.payload)

    def answer(self) -> dict[str, Any]:
        response = self.response
        fields = {"metrics": _METRICS} | self._fields | tier(response.service_tier)
        parts = iter(response.parts)
        blocks = (self._block(place, next(parts)) if isinstance(place, int) else place for place in self._content)
        content = [block for block in blocks if block is not None]
        usage = write_usage(response.usage) | fields.pop("usage", {})
        stop = stop_word(response.finish_reason or "other", response.raw_finish_reason)
        message = {"output": {"message": {"role": "assistant", "content": content}}}
        return message | ({} if stop is None else {"stopReason": stop}) | {"usage": usage} | fields

    def _block(self, place: int, part: Any) -> dict[str, Any] | None:
        if isinstance(part, Media):
            image = part.media_type.startswith("image/") and part.data
            return {"image": _image(part.media_type.removeprefix("image/"), part.data)} if image else None
        block = _WHOLE_BLOCKS[type(part)](part)
        if place in self._citations and isinstance(part, Text):
            return {"citationsContent": {"content": [block] if part.text else [], "citations": self._citations[place]}}
        return block


def encode_whole(request: Request, events: Iterable[Event]) -> bytes:
    """The answer to ``converse``, which is not streamed. Input that was cut becomes ``{}``."""
    whole = _Whole(request.model)
    for event in events:
        whole.take(event)
    return payload.dumps(whole.answer())


def _thinking(part: Reasoning) -> dict[str, Any]:
    if part.redacted:
        return {"reasoningContent": {"redactedContent": part.signature or ""}}
    signed = {} if part.signature is None else {"signature": part.signature}
    return {"reasoningContent": {"reasoningText": {"text": part.text} | signed}}


def _tool_use(part: ToolCall) -> dict[str, Any]:
    told = {"toolUseId": part.id or f"tooluse_{part.name}", "name": part.name, "input": _input(part.arguments)}
    return {"toolUse": told}


def _input(arguments: str) -> Any:
    try:
        return msgspec.json.decode(arguments or "{}")
    except payload.UNREADABLE:
        return {}


_WHOLE_BLOCKS: dict[type[Any], Callable[[Any], dict[str, Any]]] = {
    Text: lambda part: {"text": part.text},
    Refusal: lambda part: {"text": part.text},
    Reasoning: _thinking,
    ToolCall: _tool_use,
}
