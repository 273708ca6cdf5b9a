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
from bourn.dialects.media import write_base64, write_data_url
from bourn.dialects.openai_chat import notes
from bourn.dialects.openai_chat.words import DONE, FINISH_WORDS, ChoiceOthers, ChunkOthers, DeltaOthers, write_usage
from bourn.events import (
    Citation,
    Event,
    Finish,
    Logprobs,
    MediaDelta,
    MediaEnd,
    MediaStart,
    Other,
    ReasoningDelta,
    RefusalDelta,
    Safety,
    ServerToolCall,
    ServerToolResult,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
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
        self._pictures: dict[int, tuple[MediaStart, list[bytes]]] = {}
        self._rest: dict[str, Any] = {}

    def encode(self, event: Event) -> bytes:
        """The bytes that the event becomes; none where it only opens or closes a part."""
        write = self._WRITERS.get(type(event))
        return b"" if write is None else write(self, event)

    def error(self, error: WireError) -> bytes:
        """An error in mid-stream."""
        return sse.encode(payload.dumps({"error": openai_errors.error_body(error)}))

    def _chunk(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
        return self._beside({"choices": choices, "usage": usage})

    def _beside(self, fields: dict[str, Any]) -> bytes:
        """A chunk with these fields; without usage for those who did not ask for it."""
        told = {**self._head, "choices": [], "usage": None, **fields}
        if not self._tells_usage:
            del told["usage"]
        return sse.encode(payload.dumps(told))

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

    def _on_media(self, event: MediaStart) -> bytes:
        """Speech comes in pieces, an image all at once, when it ends."""
        if event.media_type.startswith("audio"):
            return self._delta({"audio": {"id": event.id}})
        self._pictures[event.index] = (event, [])
        return b""

    def _on_piece(self, event: MediaDelta) -> bytes:
        if event.index in self._pictures:
            self._pictures[event.index][1].append(event.data)
            return b""
        told = {"data": write_base64(event.data), "transcript": event.transcript}
        return self._delta({"audio": {name: value for name, value in told.items() if value}})

    def _on_media_end(self, event: MediaEnd) -> bytes:
        picture = self._pictures.pop(event.index, None)
        return (
            b"" if picture is None else self._delta({"images": [_picture(picture[0].media_type, picture[0].url, picture[1])]})
        )

    def _on_citation(self, event: Citation) -> bytes:
        place, name, told = _source(event)
        return self._beside({name: [told]}) if place is ChunkOthers else self._delta({name: [told]})

    def _on_logprobs(self, event: Logprobs) -> bytes:
        return self._chunk([{**_choice({}), "logprobs": notes.LOGPROBS.give(event)}])

    def _on_server_call(self, event: ServerToolCall) -> bytes:
        return self._delta({"executed_tools": [notes.SERVER_CALL.give(event)]})

    def _on_server_result(self, event: ServerToolResult) -> bytes:
        return self._delta({"executed_tools": [notes.SERVER_RESULT.give(event)]})

    def _on_safety(self, event: Safety) -> bytes:
        if event.about == "prompt":
            return self._beside({"prompt_filter_results": [notes.PROMPT_SAFETY.give(event)]})
        return self._chunk([{**_choice({}), "content_filter_results": notes.ANSWER_SAFETY.give(event)}])

    def _on_other(self, event: Other) -> bytes:
        if event.kind == "usage" and isinstance(event.payload, dict):
            self._rest = event.payload
            return b""
        if event.kind == "provider":
            return self._beside({"provider": event.payload})
        if event.kind == "choice":
            return self._chunk([event.payload])
        if event.kind in ChunkOthers.__struct_fields__:
            return self._beside({event.kind: event.payload})
        if event.kind in ChoiceOthers.__struct_fields__:
            return self._chunk([{**_choice({}), event.kind: event.payload}])
        if event.kind in (*DeltaOthers.__struct_fields__, "reasoning_details"):
            return self._delta({event.kind: event.payload})
        return b""

    def _on_finish(self, event: Finish) -> bytes:
        self._head["service_tier"] = event.service_tier
        word = event.raw_reason or FINISH_WORDS.get(event.reason)
        last = self._chunk([_choice({}, word)]) if word is not None and event.verified else b""
        if self._tells_usage and (event.usage is not None or self._rest):
            last += self._chunk([], write_usage(event.usage or Usage(), self._rest))
        return last + sse.encode(DONE) if event.verified else last

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], bytes]]] = {
        Start: _on_start,
        TextDelta: _on_text,
        RefusalDelta: _on_refusal,
        ReasoningDelta: _on_reasoning,
        ToolCallStart: _on_call,
        ToolCallDelta: _on_arguments,
        MediaStart: _on_media,
        MediaDelta: _on_piece,
        MediaEnd: _on_media_end,
        Citation: _on_citation,
        Logprobs: _on_logprobs,
        ServerToolCall: _on_server_call,
        ServerToolResult: _on_server_result,
        Safety: _on_safety,
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
    whole["service_tier"] = response.service_tier
    _note_beside(response, whole, choice, message)
    for other in response.others:
        for kinds, place in ((ChunkOthers, whole), (ChoiceOthers, choice), (DeltaOthers, message)):
            if other.kind in kinds.__struct_fields__:
                place[other.kind] = other.payload
                break
    return payload.dumps(whole)


def _note_beside(response: Response, whole: dict[str, Any], choice: dict[str, Any], message: dict[str, Any]) -> None:
    """What is said beside the text, in the places where it stands in an answer that is not streamed."""
    for citation in response.citations:
        level, name, told = _source(citation)
        (whole if level is ChunkOthers else message).setdefault(name, []).append(told)
    if response.logprobs:
        choice["logprobs"] = notes.LOGPROBS.give(Logprobs(response.logprobs))
    for tool in response.server_tools:
        form: Any = notes.SERVER_CALL if isinstance(tool, ServerToolCall) else notes.SERVER_RESULT
        message.setdefault("executed_tools", []).append(form.give(tool))
    for safety in response.safety:
        if safety.about == "prompt":
            whole.setdefault("prompt_filter_results", []).append(notes.PROMPT_SAFETY.give(safety))
        else:
            choice["content_filter_results"] = notes.ANSWER_SAFETY.give(safety)
    for media in response.media:
        if media.media_type.startswith("audio"):
            message["audio"] = {"id": media.id, "data": write_base64(media.data), "transcript": media.transcript}
        else:
            message.setdefault("images", []).append(_picture(media.media_type, media.url, [media.data]))


def _picture(media_type: str, url: str | None, pieces: list[bytes]) -> dict[str, Any]:
    """An image as OpenRouter sends it."""
    address = write_data_url(media_type, b"".join(pieces)) if url is None else url
    return {"type": "image_url", "image_url": {"url": address}}


def _source(event: Citation) -> tuple[type[Any], str, Any]:
    """Where a citation stands, under which name, and what is written: a search result stands beside the choices."""
    told = notes.CITATION.give(event)
    if isinstance(told, str):
        return ChunkOthers, "citations", told
    return (DeltaOthers, "annotations", told) if "type" in told else (ChunkOthers, "search_results", told)


def _head(id: str, object: str, model: str | None) -> dict[str, Any]:
    return {"id": id, "object": object, "created": 0, "model": model, "service_tier": None, "system_fingerprint": None}


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _whole_call(call: ToolCall) -> dict[str, Any]:
    kind, key = ("custom", "input") if call.custom else ("function", "arguments")
    return {"id": call.id, "type": kind, kind: {"name": call.name, key: call.arguments}}
