"""AG-UI, the protocol between agents and user interfaces, version 1.0.

Source: https://docs.ag-ui.com/concepts/events; the models of its events are in the PyPI package ``ag-ui-protocol``.

Sources, files and the provider's own tools are ``CUSTOM`` events, as it has none for them. Each part of the answer is a message
of its own. A refusal is text to it. It knows no call that is left open: an answer that ends in the middle of one ends with
``RUN_ERROR``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from bourn.dialects import payload
from bourn.events import (
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
    Usage,
)
from bourn.frontends.base import CUT_CALL, Failure
from bourn.frontends.media import Files
from bourn.wire import sse

_COUNTS = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "reasoning_tokens": "reasoningTokens",
    "cached_tokens": "cachedInputTokens",
    "cache_write_tokens": "cacheWriteInputTokens",
}
"""Our counts to its ``TokenUsage``, which counts the same way."""


class AgUiEncoder:
    """Events to AG-UI events.

    Options: ``thread_id`` and ``run_id`` of the front end's ``RunAgentInput`` (new ones if none); ``usage``, whether the tokens
    are told with ``RUN_FINISHED``.
    """

    says_restart: ClassVar[bool] = False

    def __init__(self, *, thread_id: str | None = None, run_id: str | None = None, usage: bool = False) -> None:
        self._run = {"threadId": thread_id or str(uuid.uuid4()), "runId": run_id or str(uuid.uuid4())}
        self._tells_usage = usage
        self._who: dict[str, str | None] = {}
        self._started = False
        self._calls: dict[int, str] = {}
        self._open: set[int] = set()
        self._files = Files()

    def encode(self, event: Event) -> bytes:
        """The AG-UI events of an event."""
        write = self._WRITERS.get(type(event))
        return b"" if write is None else write(self, event)

    def fail(self, failure: Failure) -> bytes:
        """``RUN_ERROR``; a run that had not begun is begun first, which the protocol demands."""
        return self._begin() + _event("RUN_ERROR", message=failure.message, code=failure.code)

    def _begin(self) -> bytes:
        if self._started:
            return b""
        self._started = True
        return _event("RUN_STARTED", **self._run)

    def _on_start(self, event: Start) -> bytes:
        self._who = {"provider": event.provider, "model": event.model}
        return self._begin()

    def _on_text_start(self, event: TextStart | RefusalStart) -> bytes:
        return _event("TEXT_MESSAGE_START", messageId=self._id(event.index), role="assistant")

    def _on_text(self, event: TextDelta | RefusalDelta) -> bytes:
        return _event("TEXT_MESSAGE_CONTENT", messageId=self._id(event.index), delta=event.text)

    def _on_text_end(self, event: TextEnd | RefusalEnd) -> bytes:
        return _event("TEXT_MESSAGE_END", messageId=self._id(event.index))

    def _on_reasoning_start(self, event: ReasoningStart) -> bytes:
        id = self._id(event.index)
        return _event("REASONING_START", messageId=id) + _event("REASONING_MESSAGE_START", messageId=id, role="reasoning")

    def _on_reasoning(self, event: ReasoningDelta) -> bytes:
        return _event("REASONING_MESSAGE_CONTENT", messageId=self._id(event.index), delta=event.text)

    def _on_reasoning_end(self, event: ReasoningEnd) -> bytes:
        id = self._id(event.index)
        data = _event("REASONING_MESSAGE_END", messageId=id)
        if event.signature is not None:
            data += _event("REASONING_ENCRYPTED_VALUE", subtype="message", entityId=id, encryptedValue=event.signature)
        return data + _event("REASONING_END", messageId=id)

    def _on_call(self, event: ToolCallStart) -> bytes:
        id = self._calls[event.index] = event.id or self._id(event.index)
        self._open.add(event.index)
        return _event("TOOL_CALL_START", toolCallId=id, toolCallName=event.name)

    def _on_arguments(self, event: ToolCallDelta) -> bytes:
        return _event("TOOL_CALL_ARGS", toolCallId=self._calls[event.index], delta=event.arguments)

    def _on_call_end(self, event: ToolCallEnd) -> bytes:
        self._open.discard(event.index)
        return _event("TOOL_CALL_END", toolCallId=self._calls[event.index])

    def _on_beside(self, event: Citation | ServerToolCall | ServerToolResult) -> bytes:
        fields = {name: getattr(event, name) for name in event.__struct_fields__ if name != "raw"}
        return _event("CUSTOM", name=str(event.__struct_config__.tag), value=fields)

    def _on_media(self, event: MediaStart) -> bytes:
        self._files.start(event)
        return b""

    def _on_media_delta(self, event: MediaDelta) -> bytes:
        self._files.delta(event)
        return b""

    def _on_media_end(self, event: MediaEnd) -> bytes:
        file = self._files.end(event)
        return b"" if file is None else _event("CUSTOM", name="media", value={"url": file.url, "media_type": file.media_type})

    def _on_other(self, event: Other) -> bytes:
        return _event("CUSTOM", name=event.kind, value=event.payload)

    def _on_finish(self, event: Finish) -> bytes:
        if self._open:
            return self.fail(CUT_CALL)
        told = self._tells_usage and event.usage is not None
        usage = {"usage": [{**_named(self._who), **_counts(event.usage)}]} if told and event.usage else {}
        return _event("RUN_FINISHED", **self._run, result={"finishReason": event.reason}, **usage)

    def _id(self, index: int) -> str:
        return f"{self._run['runId']}-{index}"

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], bytes]]] = {
        Start: _on_start,
        TextStart: _on_text_start,
        TextDelta: _on_text,
        TextEnd: _on_text_end,
        RefusalStart: _on_text_start,
        RefusalDelta: _on_text,
        RefusalEnd: _on_text_end,
        ReasoningStart: _on_reasoning_start,
        ReasoningDelta: _on_reasoning,
        ReasoningEnd: _on_reasoning_end,
        ToolCallStart: _on_call,
        ToolCallDelta: _on_arguments,
        ToolCallEnd: _on_call_end,
        Citation: _on_beside,
        ServerToolCall: _on_beside,
        ServerToolResult: _on_beside,
        MediaStart: _on_media,
        MediaDelta: _on_media_delta,
        MediaEnd: _on_media_end,
        Other: _on_other,
        Finish: _on_finish,
    }


def _event(type: str, **fields: Any) -> bytes:
    return sse.encode(payload.dumps({"type": type, **fields}))


def _named(who: dict[str, str | None]) -> dict[str, str]:
    return {name: word for name, word in who.items() if word is not None}


def _counts(usage: Usage) -> dict[str, int]:
    told = {theirs: getattr(usage, ours) for ours, theirs in _COUNTS.items()}
    return {name: count for name, count in told.items() if count is not None}
