"""The UI message stream of Vercel's AI SDK (``useChat``), protocol ``v1``.

Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol; ``uiMessageChunkSchema`` in the npm package ``ai`` is the schema.

A refusal is text to it. Sources and files are the message's; log probabilities, verdicts and the provider's own tools are not
shown. A tool call that was cut stays open, which it shows as an input that is still coming.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from bourn.dialects import payload
from bourn.events import (
    Citation,
    Event,
    Finish,
    FinishReason,
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
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)
from bourn.frontends.base import Failure
from bourn.frontends.media import Files
from bourn.wire import sse

_REASONS: dict[FinishReason, str] = {"tool_calls": "tool-calls", "content_filter": "content-filter"}
"""Finish reasons that it spells otherwise."""

_DONE = sse.encode(b"[DONE]")


class AiSdkUiEncoder:
    """Events to UI message chunks.

    Options: ``message_id``, the id of the message in the browser (the provider's id of the answer if none); ``usage``, whether
    the tokens are told in the message's metadata; ``others``, whether ``Other`` events are sent, as ``data-<kind>``.
    """

    says_restart: ClassVar[bool] = False

    def __init__(self, *, message_id: str | None = None, usage: bool = False, others: bool = False) -> None:
        self._message_id = message_id
        self._tells_usage = usage
        self._tells_others = others
        self._calls: dict[int, _Call] = {}
        self._files = Files()
        self._sources: set[str] = set()

    def encode(self, event: Event) -> bytes:
        """The chunks of an event."""
        write = self._WRITERS.get(type(event))
        return b"" if write is None else write(self, event)

    def fail(self, failure: Failure) -> bytes:
        """An error chunk, which ``useChat`` shows as its error; the end."""
        return _chunk("error", errorText=failure.message) + _DONE

    def _on_start(self, event: Start) -> bytes:
        id = self._message_id or event.id
        return _chunk("start", **({} if id is None else {"messageId": id})) + _chunk("start-step")

    def _on_text_start(self, event: TextStart | RefusalStart) -> bytes:
        return _chunk("text-start", id=_text_id(event.index))

    def _on_text(self, event: TextDelta | RefusalDelta) -> bytes:
        return _chunk("text-delta", id=_text_id(event.index), delta=event.text)

    def _on_text_end(self, event: TextEnd | RefusalEnd) -> bytes:
        return _chunk("text-end", id=_text_id(event.index))

    def _on_reasoning_start(self, event: ReasoningStart) -> bytes:
        return _chunk("reasoning-start", id=_reasoning_id(event.index))

    def _on_reasoning(self, event: ReasoningDelta) -> bytes:
        return _chunk("reasoning-delta", id=_reasoning_id(event.index), delta=event.text)

    def _on_reasoning_end(self, event: ReasoningEnd) -> bytes:
        told = {"signature": event.signature, "redacted": event.redacted}
        signed = {} if event.signature is None else {"providerMetadata": {"bourn": told}}
        return _chunk("reasoning-end", id=_reasoning_id(event.index), **signed)

    def _on_call(self, event: ToolCallStart) -> bytes:
        call = self._calls[event.index] = _Call(event.id or f"call-{event.index}", event.name, event.custom)
        encoding = {"inputEncoding": "text"} if event.custom else {}
        return _chunk("tool-input-start", toolCallId=call.id, toolName=call.name, **encoding)

    def _on_arguments(self, event: ToolCallDelta) -> bytes:
        call = self._calls[event.index]
        call.pieces.append(event.arguments)
        return _chunk("tool-input-delta", toolCallId=call.id, inputTextDelta=event.arguments)

    def _on_call_end(self, event: ToolCallEnd) -> bytes:
        call = self._calls[event.index]
        text = "".join(call.pieces)
        named = {"toolCallId": call.id, "toolName": call.name}
        try:
            value = text if call.custom else json.loads(text or "{}")
        except (ValueError, RecursionError):
            return _chunk("tool-input-error", **named, input=text, errorText="The arguments are no JSON.")
        return _chunk("tool-input-available", **named, input=value)

    def _on_citation(self, event: Citation) -> bytes:
        """Each source once: it knows sources of the answer, not of its words."""
        source = event.url or event.id or event.title
        if source is None or source in self._sources:
            return b""
        self._sources.add(source)
        id = f"source-{len(self._sources)}"
        if event.url is not None:
            return _chunk("source-url", sourceId=id, url=event.url, **({} if event.title is None else {"title": event.title}))
        return _chunk("source-document", sourceId=id, mediaType="text/plain", title=event.title or source)

    def _on_media(self, event: MediaStart) -> bytes:
        self._files.start(event)
        return b""

    def _on_media_delta(self, event: MediaDelta) -> bytes:
        self._files.delta(event)
        return b""

    def _on_media_end(self, event: MediaEnd) -> bytes:
        file = self._files.end(event)
        return b"" if file is None else _chunk("file", url=file.url, mediaType=file.media_type)

    def _on_other(self, event: Other) -> bytes:
        return _chunk(f"data-{event.kind}", data=event.payload) if self._tells_others else b""

    def _on_finish(self, event: Finish) -> bytes:
        told = self._tells_usage and event.usage is not None
        metadata = {"messageMetadata": {"usage": msgspec.to_builtins(event.usage)}} if told else {}
        reason = _REASONS.get(event.reason, event.reason)
        return _chunk("finish-step") + _chunk("finish", finishReason=reason, **metadata) + _DONE

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
        Citation: _on_citation,
        MediaStart: _on_media,
        MediaDelta: _on_media_delta,
        MediaEnd: _on_media_end,
        Other: _on_other,
        Finish: _on_finish,
    }


class _Call:
    """A tool call, whose whole input is told once more at its end."""

    __slots__ = ("custom", "id", "name", "pieces")

    def __init__(self, id: str, name: str, custom: bool) -> None:
        self.id, self.name, self.custom = id, name, custom
        self.pieces: list[str] = []


def _chunk(type: str, **fields: Any) -> bytes:
    return sse.encode(payload.dumps({"type": type, **fields}))


def _text_id(index: int) -> str:
    return f"text-{index}"


def _reasoning_id(index: int) -> str:
    return f"reasoning-{index}"
