"""The server half of OpenAI chat completions: events to chunks, or to one whole ``chat.completion``, as OpenAI writes them.

Source: https://platform.openai.com/docs/api-reference/chat/streaming

Reasoning, which OpenAI does not send, goes under ``reasoning_content``, the name that most services use. Usage is told in a
last chunk without choices, if ``stream_options.include_usage`` asked for it. There is no clock here: ``created`` is 0.

House rule: what cannot be said in this format (a signature, an ``Other`` of an unknown kind) becomes no bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from bourn.dialects import openai_errors, payload
from bourn.dialects.base import WireError
from bourn.dialects.openai_chat.words import DONE, FINISH_WORDS, ChoiceOthers, ChunkOthers, DeltaOthers, write_usage
from bourn.events import (
    Event,
    Finish,
    Other,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)
from bourn.messages import Request, ToolCall
from bourn.response import Response
from bourn.wire import sse

_ID = "chatcmpl-bourn"
"""The id of an answer whose ``Start`` has none."""


class ChatEncoder:
    """Events of one answer to server-sent events; give it each event in order."""

    def __init__(self, request: Request) -> None:
        asked = request.options.extra.get("stream_options")
        self._tells_usage = isinstance(asked, Mapping) and asked.get("include_usage") is True
        self._head: dict[str, Any] = _head(_ID, "chat.completion.chunk", request.model)
        self._calls: dict[int, tuple[int, str]] = {}  # part index to the call's number and the key of its input

    def encode(self, event: Event) -> bytes:
        """The bytes that the event becomes; none where it only opens or closes a part."""
        write = self._WRITERS.get(type(event))
        return b"" if write is None else write(self, event)

    def error(self, error: WireError) -> bytes:
        """An error in mid-stream."""
        return sse.encode(payload.dumps({"error": openai_errors.error_body(error)}))

    def _chunk(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None = None, **others: Any) -> bytes:
        told = {"usage": usage} if self._tells_usage else {}
        return sse.encode(payload.dumps({**self._head, "choices": choices, **told, **others}))

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return self._chunk([_choice(delta)])

    def _on_start(self, event: Start) -> bytes:
        self._head["id"] = event.id or _ID
        self._head["model"] = event.model or self._head["model"]
        return self._delta({"role": "assistant", "content": "", "refusal": None})

    def _on_text(self, event: TextDelta) -> bytes:
        return self._delta({"content": event.text})

    def _on_refusal(self, event: RefusalDelta) -> bytes:
        return self._delta({"refusal": event.text})

    def _on_reasoning(self, event: ReasoningDelta) -> bytes:
        return self._delta({"reasoning_content": event.text})

    def _on_call(self, event: ToolCallStart) -> bytes:
        kind, key = ("custom", "input") if event.custom else ("function", "arguments")
        at = len(self._calls)
        self._calls[event.index] = (at, key)
        id = {} if event.id is None else {"id": event.id}
        return self._delta({"tool_calls": [{"index": at, **id, "type": kind, kind: {"name": event.name, key: ""}}]})

    def _on_arguments(self, event: ToolCallDelta) -> bytes:
        at, key = self._calls[event.index]
        kind = "custom" if key == "input" else "function"
        return self._delta({"tool_calls": [{"index": at, kind: {key: event.arguments}}]})

    def _on_other(self, event: Other) -> bytes:
        if event.kind == "choice":
            return self._chunk([event.payload])
        if event.kind in ChunkOthers.__struct_fields__:
            return self._chunk([], **{event.kind: event.payload})
        if event.kind in ChoiceOthers.__struct_fields__:
            return self._chunk([{**_choice({}), event.kind: event.payload}])
        if event.kind in (*DeltaOthers.__struct_fields__, "reasoning_details"):
            return self._delta({event.kind: event.payload})
        return b""

    def _on_finish(self, event: Finish) -> bytes:
        word = event.raw_reason or FINISH_WORDS.get(event.reason)
        last = self._chunk([_choice({}, word)]) if word is not None and event.verified else b""
        if self._tells_usage and event.usage is not None:
            last += self._chunk([], write_usage(event.usage))
        return last + sse.encode(DONE) if event.verified else last

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], bytes]]] = {
        Start: _on_start,
        TextDelta: _on_text,
        RefusalDelta: _on_refusal,
        ReasoningDelta: _on_reasoning,
        ToolCallStart: _on_call,
        ToolCallDelta: _on_arguments,
        Other: _on_other,
        Finish: _on_finish,
    }


def encode_whole(request: Request, events: Iterable[Event]) -> bytes:
    """The whole answer as one ``chat.completion``, for a request without ``stream``."""
    response = Response(model=request.model)
    for event in events:
        response.fold(event)
    message: dict[str, Any] = {"role": "assistant", "content": response.text or None, "refusal": response.refusal}
    if response.reasoning:
        message["reasoning_content"] = response.reasoning
    if response.tool_calls:
        message["tool_calls"] = [_whole_call(call) for call in response.tool_calls]
    word = response.raw_finish_reason or (FINISH_WORDS.get(response.finish_reason) if response.finish_reason else None)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": word}
    whole = {**_head(response.id or _ID, "chat.completion", response.model), "choices": [choice]}
    if response.usage is not None:
        whole["usage"] = write_usage(response.usage)
    for other in response.others:
        for kinds, place in ((ChunkOthers, whole), (ChoiceOthers, choice), (DeltaOthers, message)):
            if other.kind in kinds.__struct_fields__:
                place[other.kind] = other.payload
                break
    return payload.dumps(whole)


def _head(id: str, object: str, model: str | None) -> dict[str, Any]:
    return {"id": id, "object": object, "created": 0, "model": model, "service_tier": "default", "system_fingerprint": None}


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _whole_call(call: ToolCall) -> dict[str, Any]:
    kind, key = ("custom", "input") if call.custom else ("function", "arguments")
    return {"id": call.id, "type": kind, kind: {"name": call.name, key: call.arguments}}
