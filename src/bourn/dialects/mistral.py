"""Mistral's chat completions: OpenAI's, but for what Mistral and its SDK do otherwise; both halves.

Thoughts are parts of the content, tool calls come whole, usage is told unasked in the chunk with the finish reason, errors are
flat, the seed has a name of its own, and keys that Mistral does not know are refused. Its answers are read by OpenAI chat's
decoder, which reads content as a list, too; its SDK refuses OpenAI's pieces of calls, so the server half writes them its way.

Source: https://docs.mistral.ai/api and recordings of 2024-08 to 2026-08. House rule: only what differs is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import HttpCall, WireError
from bourn.dialects.openai_chat import request as chat
from bourn.dialects.openai_chat.decoder import DIALECT as CHAT
from bourn.dialects.openai_chat.words import DONE, FINISH_WORDS, write_usage
from bourn.events import (
    Event,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)
from bourn.messages import Reasoning, Refusal, Request, Text, ToolCall
from bourn.response import Response
from bourn.wire import sse

QUIRKS = frozenset({"random_seed", "no_stream_options", "thinking_parts"})
"""What of OpenAI chat's requests Mistral wants otherwise; see ``openai_chat.request``."""

_ID = "cmpl-bourn"
"""The id of an answer whose ``Start`` has none."""


def call(request: Request) -> HttpCall:
    """The request as HTTP, as ``openai_chat.request.call`` writes it. Raises ``InputError`` where something is no JSON."""
    return chat.call(msgspec.structs.replace(request, quirks=request.quirks | QUIRKS))


class MistralEncoder:
    """Events of one answer to server-sent events; give it each event in order.

    A call is written when it ends; Mistral writes it with the finish reason, but what breaks off after a call should have it.
    """

    def __init__(self, request: Request) -> None:
        self._head = _head(_ID, "chat.completion.chunk", request.model)
        self._calls: dict[int, tuple[ToolCallStart, list[str]]] = {}  # part index to a call that is open, and its arguments
        self._written = 0

    def encode(self, event: Event) -> bytes:
        """The bytes that the event becomes; none where they come with a later one."""
        write = self._WRITERS.get(type(event))
        return b"" if write is None else write(self, event)

    def error(self, error: WireError) -> bytes:
        """An error in mid-stream, in the shape of a refusal's body: none was ever seen."""
        return sse.encode(payload.dumps(_error_body(error)))

    def _chunk(self, delta: dict[str, Any], word: str | None = None, **others: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": word}
        return sse.encode(payload.dumps({**self._head, "choices": [choice], **others}))

    def _on_start(self, event: Start) -> bytes:
        self._head = _head(event.id or _ID, "chat.completion.chunk", event.model or self._head["model"])
        return self._chunk({"role": "assistant", "content": ""})

    def _on_text(self, event: TextDelta | RefusalDelta) -> bytes:
        return self._chunk({"content": event.text})

    def _on_reasoning(self, event: ReasoningDelta) -> bytes:
        return self._chunk({"content": [_thought(event.text)]})

    def _on_call(self, event: ToolCallStart) -> bytes:
        self._calls[event.index] = (event, [])
        return b""

    def _on_arguments(self, event: ToolCallDelta) -> bytes:
        self._calls[event.index][1].append(event.arguments)
        return b""

    def _on_call_end(self, event: ToolCallEnd) -> bytes:
        start, pieces = self._calls.pop(event.index)
        self._written += 1
        return self._chunk({"tool_calls": [_call(start.id, start.name, "".join(pieces), self._written - 1)]})

    def _on_finish(self, event: Finish) -> bytes:
        """Calls that never ended were cut, and come as far as they went."""
        cut = b"".join(self._on_call_end(ToolCallEnd(index)) for index in list(self._calls))
        told = {} if event.usage is None else {"usage": write_usage(event.usage)}
        word = event.raw_reason or FINISH_WORDS.get(event.reason) if event.verified else None
        last = self._chunk({"content": ""}, word, **told) if word or told else b""
        return cut + last + (sse.encode(DONE) if event.verified else b"")

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], bytes]]] = {
        Start: _on_start,
        TextDelta: _on_text,
        RefusalDelta: _on_text,
        ReasoningDelta: _on_reasoning,
        ToolCallStart: _on_call,
        ToolCallDelta: _on_arguments,
        ToolCallEnd: _on_call_end,
        Finish: _on_finish,
    }


def encode_whole(request: Request, events: Iterable[Event]) -> bytes:
    """The whole answer as one ``chat.completion``, for a request without ``stream``."""
    response = Response(model=request.model)
    for event in events:
        response.fold(event)
    message: dict[str, Any] = {"role": "assistant", "content": response.text + (response.refusal or "")}
    if response.reasoning:
        message["content"] = [
            _thought(part.text) if isinstance(part, Reasoning) else {"type": "text", "text": part.text}
            for part in response.parts
            if isinstance(part, (Reasoning, Text, Refusal))
        ]
    calls = [part for part in response.parts if isinstance(part, ToolCall)]
    if calls:
        message["tool_calls"] = [_call(one.id, one.name, one.arguments, at) for at, one in enumerate(calls)]
    word = response.raw_finish_reason or FINISH_WORDS.get(response.finish_reason or "other")
    choice = {"index": 0, "message": message, "finish_reason": word}
    told = {} if response.usage is None else {"usage": write_usage(response.usage)}
    return payload.dumps({**_head(response.id or _ID, "chat.completion", response.model), "choices": [choice], **told})


def encode_error(status: int, error: WireError) -> bytes:
    """The body of a refused request, which says its status, too."""
    return payload.dumps({**_error_body(error), "raw_status_code": status})


def _error_body(error: WireError) -> dict[str, Any]:
    return {"object": "error", "message": error.message, "type": error.type, "param": None, "code": error.code}


def _head(id: str, object: str, model: str | None) -> dict[str, Any]:
    return {"id": id, "object": object, "created": 0, "model": model}


def _thought(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _call(id: str | None, name: str, arguments: str, at: int) -> dict[str, Any]:
    told = {} if id is None else {"id": id}
    return {**told, "function": {"name": name, "arguments": arguments}, "index": at}


DIALECT = msgspec.structs.replace(
    CHAT,
    name="mistral",
    root="/mistral/v1",  # the mock serves OpenAI chat under /v1; Mistral's own is https://api.mistral.ai/v1
    call=call,
    encoder=MistralEncoder,
    encode_whole=encode_whole,
    encode_error=encode_error,
)
"""Speaks to Mistral; its answers are read as OpenAI chat's."""
