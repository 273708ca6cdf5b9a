"""The server's half of an answer in Ollama's native API: events to lines, as Ollama itself writes them.

Source: ``server/routes.go`` and ``api/types.go`` of https://github.com/ollama/ollama. There is no clock here: ``created_at`` is
the beginning of 1970. House rule: what is written is read back as the same events by ``OllamaDecoder``, within what a line can
say (see :class:`OllamaEncoder`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import WireError
from bourn.dialects.form import listed
from bourn.dialects.logprobs import write_rows
from bourn.dialects.media import write_base64
from bourn.dialects.ollama.words import DONE_WORDS, LAST, LOGPROBS, REASONS, LineOthers
from bourn.events import (
    Event,
    Finish,
    FinishReason,
    Logprobs,
    MediaDelta,
    MediaEnd,
    MediaStart,
    Other,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.messages import Request, ToolCall
from bourn.response import Response
from bourn.wire import ndjson

Json = dict[str, Any]

_CREATED_AT = "1970-01-01T00:00:00Z"

_ESCAPES = {
    letter.encode(): f"\\u{ord(letter):04x}".encode()
    for letter in "<>&\u2028\u2029"  # Python's client splits lines at the last two
}
"""What Go's JSON escapes, and so the server."""


class OllamaEncoder:
    """Writes one answer, a line an event. A call is written when it ends, since Ollama sends it whole.

    Not expressible, and so changed: a refusal is text; parts of the same kind in a row are one; ids of the answer and of
    reasoning, signatures and ``custom`` are left out; arguments that are no JSON object become one with the key ``input``; a
    call that never ends, and an ``Other`` of a kind that is not Ollama's, are not written.
    """

    def __init__(self, request: Request) -> None:
        self._model: str | None = request.model
        self._open: dict[int, tuple[ToolCallStart, list[str]]] = {}
        self._calls = 0
        self._pictures: dict[int, list[bytes]] = {}
        self._last: Json = {}

    def encode(self, event: Event) -> bytes:
        """The line that the event becomes; none where it only opens or closes a part, or comes with a later one."""
        write = self._WRITERS.get(type(event))
        return b"" if write is None else write(self, event)

    def error(self, error: WireError) -> bytes:
        """A line with an error, after which nothing comes."""
        return _line({"error": error.message})

    def _said(self, message: Json, **others: Any) -> bytes:
        return _line({**_head(self._model, message), "done": False, **others})

    def _on_start(self, event: Start) -> bytes:
        self._model = event.model or self._model
        return b""

    def _on_text(self, event: TextDelta | RefusalDelta) -> bytes:
        return self._said({"content": event.text})

    def _on_reasoning(self, event: ReasoningDelta) -> bytes:
        return self._said({"content": "", "thinking": event.text})

    def _on_call(self, event: ToolCallStart) -> bytes:
        self._open[event.index] = (event, [])
        return b""

    def _on_arguments(self, event: ToolCallDelta) -> bytes:
        self._open[event.index][1].append(event.arguments)
        return b""

    def _on_call_end(self, event: ToolCallEnd) -> bytes:
        start, pieces = self._open.pop(event.index)
        call = _call(start.id, start.name, "".join(pieces), self._calls)
        self._calls += 1
        return self._said({"content": "", "tool_calls": [call]})

    def _on_media(self, event: MediaStart) -> bytes:
        if event.media_type.startswith("image"):
            self._pictures[event.index] = []
        return b""

    def _on_piece(self, event: MediaDelta) -> bytes:
        if event.index in self._pictures:
            self._pictures[event.index].append(event.data)
        return b""

    def _on_media_end(self, event: MediaEnd) -> bytes:
        data = b"".join(self._pictures.pop(event.index, ()))
        return self._said({"content": "", "images": [write_base64(data)]}) if data else b""

    def _on_logprobs(self, event: Logprobs) -> bytes:
        return self._said({"content": ""}, logprobs=LOGPROBS.give(event))

    def _on_other(self, event: Other) -> bytes:
        if event.kind in LAST:
            self._last[event.kind] = event.payload
        elif event.kind == "images":
            return self._said({"content": "", "images": listed(event.payload)})
        elif event.kind in LineOthers.__struct_fields__:
            return self._said({"content": ""}, **{event.kind: event.payload})
        return b""

    def _on_finish(self, event: Finish) -> bytes:
        if not event.verified:
            return b""
        end = _end(event.reason, event.raw_reason, event.usage, self._last)
        return _line({**_head(self._model, {"content": ""}), **end})

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], bytes]]] = {
        Start: _on_start,
        TextDelta: _on_text,
        RefusalDelta: _on_text,
        ReasoningDelta: _on_reasoning,
        ToolCallStart: _on_call,
        ToolCallDelta: _on_arguments,
        ToolCallEnd: _on_call_end,
        MediaStart: _on_media,
        MediaDelta: _on_piece,
        MediaEnd: _on_media_end,
        Logprobs: _on_logprobs,
        Other: _on_other,
        Finish: _on_finish,
    }


def encode_whole(request: Request, events: Iterable[Event]) -> bytes:
    """The whole answer as one object, for a request with ``"stream": false``. Calls that were cut are left out."""
    response = Response(model=request.model)
    for event in events:
        response.fold(event)
    message: Json = {"content": response.text + (response.refusal or "")}
    if response.reasoning:
        message["thinking"] = response.reasoning
    calls = [call for call in response.tool_calls if call.complete]
    if calls:
        message["tool_calls"] = [_whole_call(call, at) for at, call in enumerate(calls)]
    pictures = [write_base64(media.data) for media in response.media if media.media_type.startswith("image") and media.data]
    if pictures:
        message["images"] = pictures
    others = {other.kind: other.payload for other in response.others if other.kind in LineOthers.__struct_fields__}
    if response.logprobs:
        others["logprobs"] = write_rows(response.logprobs)
    end = _end(response.finish_reason or "other", response.raw_finish_reason, response.usage, others)
    return _escaped({**_head(response.model, message), **end})


def encode_error(status: int, error: WireError) -> bytes:
    """The body of a refused request."""
    del status  # it is in the head of the answer
    return _escaped({"error": error.message})


def done_word(reason: FinishReason, raw: str | None) -> str | None:
    """The ``done_reason`` of a finish: its own word where that is Ollama's, else the one for its reason."""
    return raw if raw is not None and REASONS.get(raw, "other") == reason else DONE_WORDS.get(reason)


def _head(model: str | None, message: Json) -> Json:
    return {"model": model, "created_at": _CREATED_AT, "message": {"role": "assistant", **message}}


def _end(reason: FinishReason, raw: str | None, usage: Usage | None, others: Mapping[str, Any]) -> Json:
    """The fields of the last line; what is not known is left out."""
    usage = usage or Usage()
    counts = {"prompt_eval_count": usage.input_tokens, "eval_count": usage.output_tokens}
    end: Json = {"done": True, "done_reason": done_word(reason, raw), **others, **counts}
    return {name: value for name, value in end.items() if value is not None}


def _whole_call(call: ToolCall, at: int) -> Json:
    return _call(call.id, call.name, call.arguments, at)


def _call(id: str | None, name: str, arguments: str, at: int) -> Json:
    try:
        value = msgspec.json.decode(arguments or "{}", type=Json)
    except payload.UNREADABLE:
        value = {"input": arguments}
    told = {} if id is None else {"id": id}
    return {**told, "function": {"index": at, "name": name, "arguments": value}}


def _line(value: Json) -> bytes:
    return ndjson.encode(_escaped(value))


def _escaped(value: Json) -> bytes:
    data = payload.dumps(value)
    for letter, escape in _ESCAPES.items():
        data = data.replace(letter, escape)
    return data
