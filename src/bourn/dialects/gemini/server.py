"""The server's half of an answer in Gemini's API: events to the bytes that Google itself would write.

Source: https://ai.google.dev/api/generate-content and the recordings (``gemini``): lines end with CRLF, each object names the
model and the answer, a call comes whole, and the last object has an empty text beside the reason. House rule: what is written
here is read back as the same events by ``GeminiDecoder``, within what the wire can say (see :class:`GeminiEncoder`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import WireError, reason_for
from bourn.dialects.gemini import notes
from bourn.dialects.gemini.words import (
    ANSWER_KINDS,
    CANDIDATE_KINDS,
    PART_KINDS,
    REASONS,
    STOP_WORDS,
    Json,
    write_error,
    write_usage,
)
from bourn.dialects.media import write_base64
from bourn.events import (
    Citation,
    Event,
    Finish,
    FinishReason,
    Logprobs,
    MediaDelta,
    MediaEnd,
    MediaStart,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    Safety,
    ServerToolCall,
    ServerToolResult,
    Start,
    TextDelta,
    TextEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.messages import Request

_ID = "bourn"
"""The ``responseId`` of an answer whose ``Start`` has none."""

_USAGE = "usageMetadata"


def stop_word(reason: FinishReason, raw: str | None) -> str:
    """The ``finishReason`` of a finish: its own word where that is Gemini's, else the one for its reason."""
    told = "stop" if reason == "tool_calls" else reason
    return raw if raw is not None and raw.isupper() and reason_for(REASONS, raw) == told else STOP_WORDS[reason]


class _Call:
    """A call that is being told; it is written when it is whole."""

    __slots__ = ("event", "pieces")

    def __init__(self, event: ToolCallStart) -> None:
        self.event = event
        self.pieces: list[str] = []

    def part(self) -> Json:
        """The call whole; arguments that are no JSON object become one with the key ``input``."""
        text = "".join(self.pieces)
        written = self.named()
        if text:
            try:
                written["args"] = msgspec.json.decode(text, type=Json)
            except payload.UNREADABLE:
                written["args"] = {"input": text}
        return {"functionCall": written}

    def named(self) -> Json:
        id = {} if self.event.id is None else {"id": self.event.id}
        return {**id, "name": self.event.name}


class GeminiEncoder:
    """Writes one answer; each piece of text becomes an object, and so does each call when it ends.

    Not expressible, and so changed: a refusal is text; two parts of text without a signature between them become one; a part
    without text and signature vanishes, as do the id of a reasoning part, ``redacted`` and ``custom``; an ``Other`` is written
    where it is a part, a field of the candidate or of the answer, another candidate, or rest of the usage. A call that was cut
    is written without its arguments, as one that continues.
    """

    def __init__(self, request: Request) -> None:
        self._head: Json = {"modelVersion": request.model, "responseId": _ID}
        self._calls: dict[int, _Call] = {}
        self._rest: Json = {}
        self._files: dict[int, tuple[MediaStart, list[bytes]]] = {}

    def encode(self, event: Event) -> bytes:
        """The bytes that ``event`` becomes; empty where it only opens or closes a part."""
        answer = self.answer(event)
        return b"" if answer is None else b"data: " + payload.dumps(answer) + b"\r\n\r\n"

    def error(self, error: WireError) -> bytes:
        """An error in mid-stream: bare JSON after the events, as Google sends it."""
        return msgspec.json.format(payload.dumps(write_error(503, error)), indent=2) + b"\n"

    def answer(self, event: Event) -> Json | None:
        """The object that ``event`` becomes, if it becomes one."""
        write = self._WRITERS.get(type(event))
        return None if write is None else write(self, event)

    def _object(self, *, usage: Json | None = None, **candidate: Any) -> Json:
        counts = {} if usage is None else {_USAGE: usage}
        return {"candidates": [{**candidate, "index": 0}], **counts, **self._head}

    def _part(self, **part: Any) -> Json:
        return self._object(content={"parts": [part], "role": "model"})

    def _start(self, event: Start) -> None:
        self._head = {"modelVersion": event.model or self._head["modelVersion"], "responseId": event.id or _ID}

    def _text(self, event: TextDelta | RefusalDelta) -> Json:
        return self._part(text=event.text)

    def _text_end(self, event: TextEnd) -> Json | None:
        return None if event.signature is None else self._part(text="", thoughtSignature=event.signature)

    def _thought(self, event: ReasoningDelta) -> Json:
        return self._part(text=event.text, thought=True)

    def _thought_end(self, event: ReasoningEnd) -> Json | None:
        return None if event.signature is None else self._part(text="", thought=True, thoughtSignature=event.signature)

    def _call(self, event: ToolCallStart) -> None:
        self._calls[event.index] = _Call(event)

    def _arguments(self, event: ToolCallDelta) -> None:
        self._calls[event.index].pieces.append(event.arguments)

    def _call_end(self, event: ToolCallEnd) -> Json:
        signed = {} if event.signature is None else {"thoughtSignature": event.signature}
        return self._part(**self._calls.pop(event.index).part(), **signed)

    def _media(self, event: MediaStart) -> None:
        self._files[event.index] = (event, [])

    def _piece(self, event: MediaDelta) -> Json | None:
        """Speech comes in pieces, an image all at once, when it ends; words that are spoken have no place here."""
        start, pieces = self._files[event.index]
        if not start.media_type.startswith("audio/"):
            pieces.append(event.data)
            return None
        return self._part(**_file(start, event.data)) if event.data else None

    def _media_end(self, event: MediaEnd) -> Json | None:
        start, pieces = self._files.pop(event.index)
        if start.url is None and not pieces:
            return None
        signed = {} if event.signature is None else {"thoughtSignature": event.signature}
        return self._part(**_file(start, b"".join(pieces)), **signed)

    def _citation(self, event: Citation) -> Json:
        told = notes.CITATION.give(event)
        if "chunk" in told:
            return self._object(groundingMetadata=notes.grounding(told))
        return self._object(citationMetadata={"citationSources": [told]})

    def _logprobs(self, event: Logprobs) -> Json:
        return self._object(logprobsResult=notes.LOGPROBS.give(event))

    def _server_call(self, event: ServerToolCall) -> Json:
        return self._part(**notes.SERVER_CALL.give(event))

    def _server_result(self, event: ServerToolResult) -> Json:
        return self._part(**notes.SERVER_RESULT.give(event))

    def _safety(self, event: Safety) -> Json:
        if event.about == "prompt":
            return {"promptFeedback": notes.PROMPT_SAFETY.give(event), **self._head}
        return self._object(safetyRatings=notes.ANSWER_SAFETY.give(event))

    def _other(self, event: Other) -> Json | None:
        kind, told = event.kind, event.payload
        if kind == _USAGE and isinstance(told, dict):
            self._rest = {**told}
        elif kind in CANDIDATE_KINDS:
            return self._object(**{kind: told})
        elif kind in ANSWER_KINDS:
            return {kind: told, **self._head}
        elif kind == "candidate":
            return {"candidates": [told], **self._head}
        elif kind in PART_KINDS and isinstance(told, dict) and kind in told:
            return self._part(**told)
        return None

    def _finish(self, event: Finish) -> Json | None:
        cut: list[Json] = [{"functionCall": {**call.named(), "willContinue": True}} for call in self._calls.values()]
        parts = {"parts": cut or [{"text": ""}], "role": "model"}
        self._rest |= {} if event.service_tier is None else {"serviceTier": event.service_tier}
        told = event.usage is not None or self._rest
        usage = write_usage(event.usage or Usage(), self._rest) if told else None
        if event.verified:
            return self._object(content=parts, finishReason=stop_word(event.reason, event.raw_reason), usage=usage)
        return self._object(content=parts, usage=usage) if cut or told else None

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], Json | None]]] = {
        Start: _start,
        TextDelta: _text,
        TextEnd: _text_end,
        RefusalDelta: _text,
        ReasoningDelta: _thought,
        ReasoningEnd: _thought_end,
        ToolCallStart: _call,
        ToolCallDelta: _arguments,
        ToolCallEnd: _call_end,
        MediaStart: _media,
        MediaDelta: _piece,
        MediaEnd: _media_end,
        Citation: _citation,
        Logprobs: _logprobs,
        ServerToolCall: _server_call,
        ServerToolResult: _server_result,
        Safety: _safety,
        Other: _other,
        Finish: _finish,
    }


def _file(start: MediaStart, data: bytes) -> Json:
    """A file of the model's making as a part."""
    if start.url is not None:
        return {"fileData": {"mimeType": start.media_type, "fileUri": start.url}}
    return {"inlineData": {"mimeType": start.media_type, "data": write_base64(data)}}


def encode_whole(request: Request, events: Iterable[Event]) -> bytes:
    """The answer as one object, for a request to ``generateContent``: the objects of the stream laid over each other."""
    encoder = GeminiEncoder(request)
    parts: list[Json] = []
    whole: Json = {}
    first: Json = {}
    others: list[Json] = []
    for answer in filter(None, map(encoder.answer, events)):
        for candidate in answer.pop("candidates", ()):
            if candidate.get("index"):
                others.append(candidate)
                continue
            _join(parts, candidate.pop("content", {}).get("parts", ()))
            first |= candidate
        whole |= answer
    candidate = {"content": {"parts": parts or [{"text": ""}], "role": "model"}, **first}
    return payload.dumps({"candidates": [candidate, *others], **whole})


def _join(parts: list[Json], more: Iterable[Json]) -> None:
    """Add the parts of one object: text goes on with the text before it, and a signature that comes alone signs it."""
    for part in more:
        last = parts[-1] if parts else {}
        alike = "text" in part and "text" in last and part.get("thought") == last.get("thought")
        if alike and "thoughtSignature" not in last:
            parts[-1] = {**last, **part, "text": last["text"] + part["text"]}
        elif part != {"text": ""}:
            parts.append(part)


def encode_error(status: int, error: WireError) -> bytes:
    """The body of a refused request; the word follows from the status where the error has none of Google's."""
    return msgspec.json.format(payload.dumps(write_error(status, error)), indent=2) + b"\n"
