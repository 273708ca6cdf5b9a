"""The server's half of an answer in Anthropic's Messages API: events to the bytes that Anthropic itself would write.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming; ids, pings and the empty first piece of a tool's input
are as recorded. House rule: what is written here is read back as the same events by ``AnthropicDecoder``, within what the wire
can say (see :class:`AnthropicEncoder`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from bourn.dialects import payload
from bourn.dialects.anthropic.notes import CITATION, SERVER_RESULT, write_call
from bourn.dialects.anthropic.words import REASONS, STOP_WORDS, error_type, write_error, write_usage
from bourn.dialects.base import WireError
from bourn.events import (
    STARTS,
    Citation,
    Event,
    Finish,
    FinishReason,
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
from bourn.response import Response
from bourn.wire import sse

_MESSAGE_ID = "msg_bourn"
_FIELDS = frozenset({"stop_sequence", "stop_details", "container", "context_management", "usage"})
"""Kinds of ``Other`` that are fields of ``message_delta``, in its ``delta`` unless they are the context or the usage."""


def stop_word(reason: FinishReason, raw: str | None) -> str | None:
    """The ``stop_reason`` of a finish: its own word where that is Anthropic's, else the one for its reason."""
    own = raw is not None and REASONS.get(raw, "other") == reason
    return raw if own else STOP_WORDS[reason]


class AnthropicEncoder:
    """Writes one answer; every part becomes a block with an index of its own, and parts that interleave overlap on the wire.

    Not expressible, and so changed: a refusal is text; the signature of a text or a tool call, the id of a reasoning part,
    ``custom`` and ``verified`` are left out; usage that nobody knows is 0; an ``Other`` that is neither a block, nor a delta of
    a part, nor a field of ``message_delta`` is not written. Whether thinking was redacted is known at its end only, so the
    start of a reasoning part is written with its first delta, its end, or the next event.
    """

    def __init__(self, request: Request) -> None:
        self._model = request.model
        self._next = 0
        self._blocks: dict[int, int] = {}  # part to block
        self._waiting: int | None = None  # a reasoning part whose start is not yet written
        self._fields: dict[str, Any] = {}

    def encode(self, event: Event) -> bytes:
        """The bytes that ``event`` becomes; empty when they come with a later event."""
        head = b""
        if self._waiting is not None and not (type(event) is ReasoningEnd and event.index == self._waiting):
            head = self._open(self._waiting, {"type": "thinking", "thinking": "", "signature": ""})
            self._waiting = None
        write = self._WRITERS.get(type(event))
        return head if write is None else head + write(self, event)

    def error(self, error: WireError) -> bytes:
        """An ``error`` event, as sent after a 200: ``overloaded_error`` unless the error has a type."""
        return _frame(write_error(error, "overloaded_error"))

    def _start(self, event: Start) -> bytes:
        message = _message(event.id, event.model or self._model, [], None, write_usage(None))
        return _frame({"type": "message_start", "message": message}) + _frame({"type": "ping"})

    def _open(self, part: int | None, block: dict[str, Any]) -> bytes:
        at = self._next
        self._next += 1
        if part is not None:
            self._blocks[part] = at
        return _frame({"type": "content_block_start", "index": at, "content_block": block})

    def _delta(self, part: int, kind: str, field: str, value: str) -> bytes:
        return _frame({"type": "content_block_delta", "index": self._blocks[part], "delta": {"type": kind, field: value}})

    def _stop(self, part: int) -> bytes:
        return _frame({"type": "content_block_stop", "index": self._blocks[part]})

    def _text_start(self, event: TextStart | RefusalStart) -> bytes:
        return self._open(event.index, {"type": "text", "text": ""})

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        return self._delta(event.index, "text_delta", "text", event.text)

    def _end(self, event: TextEnd | RefusalEnd | ToolCallEnd) -> bytes:
        return self._stop(event.index)

    def _reasoning_start(self, event: ReasoningStart) -> bytes:
        self._waiting = event.index
        return b""

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        return self._delta(event.index, "thinking_delta", "thinking", event.text)

    def _reasoning_end(self, event: ReasoningEnd) -> bytes:
        part, signature = event.index, event.signature or ""
        out = b""
        if self._waiting == part:
            self._waiting = None
            if event.redacted:
                return self._open(part, {"type": "redacted_thinking", "data": signature}) + self._stop(part)
            out = self._open(part, {"type": "thinking", "thinking": "", "signature": ""})
        if signature:
            out += self._delta(part, "signature_delta", "signature", signature)
        return out + self._stop(part)

    def _tool_start(self, event: ToolCallStart) -> bytes:
        block = {"type": "tool_use", "id": event.id or f"toolu_{self._next}", "name": event.name, "input": {}}
        return self._open(event.index, block) + self._delta(event.index, "input_json_delta", "partial_json", "")

    def _arguments(self, event: ToolCallDelta) -> bytes:
        return self._delta(event.index, "input_json_delta", "partial_json", event.arguments)

    def _citation(self, event: Citation) -> bytes:
        if event.index not in self._blocks:
            return b""
        delta = {"type": "citations_delta", "citation": CITATION.give(event)}
        return _frame({"type": "content_block_delta", "index": self._blocks[event.index], "delta": delta})

    def _server_call(self, event: ServerToolCall) -> bytes:
        at = self._next
        out = self._open(None, write_call(event, at))
        if event.arguments:
            delta = {"type": "input_json_delta", "partial_json": event.arguments}
            out += _frame({"type": "content_block_delta", "index": at, "delta": delta})
        return out + _frame({"type": "content_block_stop", "index": at})

    def _server_result(self, event: ServerToolResult) -> bytes:
        return self._block(SERVER_RESULT.give(event))

    def _block(self, block: dict[str, Any]) -> bytes:
        """A block that comes whole."""
        at = self._next
        return self._open(None, block) + _frame({"type": "content_block_stop", "index": at})

    def _other(self, event: Other) -> bytes:
        told, part = event.payload, event.index
        if is_field(event):
            self._fields[event.kind] = told
        elif is_typed(event) and part is None:
            return self._block(told)
        elif is_typed(event) and part in self._blocks:
            return _frame({"type": "content_block_delta", "index": self._blocks[part], "delta": told})
        return b""

    def _finish(self, event: Finish) -> bytes:
        fields = self._fields
        usage = write_usage(event.usage) | fields.pop("usage", {}) | tier(event.service_tier)
        beside = {name: fields.pop(name) for name in ("context_management",) if name in fields}
        delta = {"stop_reason": stop_word(event.reason, event.raw_reason), "stop_sequence": None} | fields
        end = {"type": "message_delta", "delta": delta, "usage": usage} | beside
        return _frame(end) + _frame({"type": "message_stop"})

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], bytes]]] = {
        Start: _start,
        TextStart: _text_start,
        TextDelta: _text,
        TextEnd: _end,
        RefusalStart: _text_start,
        RefusalDelta: _text,
        RefusalEnd: _end,
        ReasoningStart: _reasoning_start,
        ReasoningDelta: _reasoning,
        ReasoningEnd: _reasoning_end,
        ToolCallStart: _tool_start,
        ToolCallDelta: _arguments,
        ToolCallEnd: _end,
        Citation: _citation,
        ServerToolCall: _server_call,
        ServerToolResult: _server_result,
        Other: _other,
        Finish: _finish,
    }


class _Whole:
    """One ``message`` with all of an answer, collected event by event."""

    def __init__(self, model: str) -> None:
        self.response = Response(model=model)
        self._content: list[int | dict[str, Any]] = []  # a part's index, or a block that the vocabulary does not model
        self._citations: dict[int, list[Any]] = {}
        self._fields: dict[str, Any] = {}

    def take(self, event: Event) -> None:
        self.response.fold(event)
        if type(event) in STARTS and type(event) is not MediaStart:
            self._content.append(event.index)  # type: ignore[attr-defined]  # every start has an index
        elif isinstance(event, Citation) and event.index is not None:
            self._citations.setdefault(event.index, []).append(CITATION.give(event))
        elif isinstance(event, ServerToolCall):
            self._content.append(write_call(event, len(self._content)) | {"input": _input(event.arguments)})
        elif isinstance(event, ServerToolResult):
            self._content.append(SERVER_RESULT.give(event))
        elif type(event) is Other:
            self._other(event)

    def _other(self, event: Other) -> None:
        told, part = event.payload, event.index
        if is_field(event):
            self._fields[event.kind] = told
        elif part is None and is_typed(event):
            self._content.append(told)
        elif part is not None and isinstance(told, dict) and "citation" in told:
            self._citations.setdefault(part, []).append(told["citation"])

    def message(self) -> dict[str, Any]:
        response, fields = self.response, self._fields
        parts = (part for part in response.parts if type(part) in _BLOCKS)
        content = [self._block(place, next(parts)) if isinstance(place, int) else place for place in self._content]
        usage = write_usage(response.usage) | fields.pop("usage", {}) | tier(response.service_tier)
        stop = stop_word(response.finish_reason or "other", response.raw_finish_reason)
        return _message(response.id, response.model, content, stop, usage) | fields

    def _block(self, place: int, part: Any) -> dict[str, Any]:
        block = _BLOCKS[type(part)](part)
        if place in self._citations:
            block["citations"] = self._citations[place]
        return block


def encode_whole(request: Request, events: Iterable[Event]) -> bytes:
    """The answer as one ``message``, for a request that did not ask for a stream. Input that was cut becomes ``{}``."""
    whole = _Whole(request.model)
    for event in events:
        whole.take(event)
    return payload.dumps(whole.message())


def encode_error(status: int, error: WireError) -> bytes:
    """The body of a refused request; the type follows from the status where the error has none."""
    return payload.dumps(write_error(error, error_type(status)))


def tier(word: str | None) -> dict[str, str]:
    """The service tier as a field of the usage; nothing where it is not known."""
    return {} if word is None else {"service_tier": word}


def is_field(event: Other) -> bool:
    """Whether an ``Other`` is a field of ``message_delta``; ``usage`` has to be an object."""
    return event.kind in _FIELDS and (event.kind != "usage" or isinstance(event.payload, dict))


def is_typed(event: Other) -> bool:
    """Whether an ``Other`` holds a block or a delta as the wire has it: an object whose ``type`` is its kind."""
    return isinstance(event.payload, dict) and event.payload.get("type") == event.kind


def _message(id: str | None, model: str | None, content: list[Any], stop: str | None, usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": id or _MESSAGE_ID,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage,
    }


def _thinking(part: Reasoning) -> dict[str, Any]:
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.signature or ""}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature or ""}


def _tool_use(part: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": part.id or f"toolu_{part.name}", "name": part.name, "input": _input(part.arguments)}


def _input(arguments: str) -> Any:
    try:
        return msgspec.json.decode(arguments or "{}")
    except payload.UNREADABLE:
        return {}


_BLOCKS: dict[type[Any], Callable[[Any], dict[str, Any]]] = {
    Text: lambda part: {"type": "text", "text": part.text},
    Refusal: lambda part: {"type": "text", "text": part.text},
    Reasoning: _thinking,
    ToolCall: _tool_use,
}


def _frame(value: dict[str, Any]) -> bytes:
    return sse.encode(payload.dumps(value), value["type"])
