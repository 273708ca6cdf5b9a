"""The server's half of the Responses format: events to server-sent events, or to one whole response, as OpenAI writes them.

Source: https://platform.openai.com/docs/api-reference/responses-streaming

Each part is an item of its own. Ids that the events lack are made from the answer's id and the item's place; there is no clock
here, so ``created_at`` is 0. What a tool of the service gave is said in the item of its call, so it has to be the next event.
Of ``Other`` these can be said: an annotation, an item of the service's own (a payload whose ``type`` is the kind), and any
event that the decoder passes on as it is (kind ``response....``).

House rule: what cannot be said in this format (a signature of text, a foreign ``Other``) becomes no bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from bourn.dialects import openai_errors, payload
from bourn.dialects.base import WireError
from bourn.dialects.counts import laid_over
from bourn.dialects.media import write_base64
from bourn.dialects.openai_responses import notes
from bourn.dialects.openai_responses.request import written_options
from bourn.dialects.openai_responses.words import (
    CALL,
    CUSTOM,
    MESSAGE,
    REASONS,
    REFUSAL,
    SPEECHES,
    SUMMARY,
    TEXT,
    Speech,
    modelled,
)
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
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Safety,
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
from bourn.messages import Request
from bourn.wire import sse

Json = dict[str, Any]

_DEFAULTS: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request, with OpenAI's defaults."""

_ITEM_IDS: dict[Speech, str] = {TEXT: "msg", REFUSAL: "msg", SUMMARY: "rs", CALL: "fc", CUSTOM: "ctc"}
"""How ids of items begin."""

_STEMS = (
    "response.output_item.",
    *(f"{stem}." for speech in SPEECHES for stem in (speech.stem, speech.piece) if stem),
)
"""How events begin that the decoder takes for parts; those of the answer as a whole have one dot only."""

_WORDS = {reason: word for word, reason in REASONS.items()}
_DONE_WORDS = ("stop", "tool_calls")
"""Reasons for which an answer is ``completed``; for others it is ``incomplete``, and ``error`` makes it ``failed``."""


class _Part:
    """A part being written: its item, its place, how it is said, and what was said so far."""

    __slots__ = ("at", "content", "item", "pieces", "speech")

    def __init__(self, speech: Speech, item: Json, at: int) -> None:
        self.speech = speech
        self.item = item
        self.at = at
        self.content: Json | None = None  # the piece of the item that holds the text, once announced
        self.pieces: list[str] = []

    @property
    def place(self) -> Json:
        """Where its events say that they belong."""
        place = {"item_id": self.item["id"], "output_index": self.at}
        if self.speech is SUMMARY:
            return {**place, "summary_index": 0}
        return {**place, "content_index": 0} if self.speech.item == MESSAGE else place


class ResponsesEncoder:
    """Events of one answer to server-sent events; give it each event in order. ``response`` is the object as it stands."""

    def __init__(self, request: Request) -> None:
        self._count = 0
        self._rest: Json = {}
        self._parts: dict[int, _Part] = {}
        self._items: list[Json] = []
        self._held: tuple[int, Json] | None = None  # a tool's item that the next event may complete
        self._pictures: dict[int, tuple[int, Json, list[bytes]]] = {}
        told = {**_DEFAULTS, **written_options(request.options, lambda _: None), **request.options.extra}
        self.response: Json = {
            "id": "resp_0",
            "object": "response",
            "created_at": 0,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "model": request.model,
            "output": [],
            **{key: told[key] for key in _DEFAULTS},
            "usage": None,
        }

    def encode(self, event: Event) -> bytes:
        """The bytes that the event becomes."""
        write = self._WRITERS.get(type(event))
        head = b"" if type(event) in (ServerToolResult, MediaStart) else self._release()
        return head if write is None else head + write(self, event)

    def error(self, error: WireError) -> bytes:
        """An error in mid-stream: the event, and the failed response that OpenAI sends after it."""
        said = self._event("error", error=openai_errors.error_body(error))
        return said + self._failed(error.code or "server_error", error.message)

    def _event(self, type: str, **fields: Any) -> bytes:
        number, self._count = self._count, self._count + 1
        return sse.encode(payload.dumps({"type": type, "sequence_number": number, **fields}), type)

    def _start(self, event: Start) -> bytes:
        self.response["id"] = event.id or self.response["id"]
        self.response["model"] = event.model or self.response["model"]
        return self._event("response.created", response=self.response) + self._event(
            "response.in_progress", response=self.response
        )

    # --- parts ---

    def _begin(self, index: int, speech: Speech, id: str | None = None, **fields: Any) -> bytes:
        at = len(self._items)
        made = f"{_ITEM_IDS[speech]}_{self.response['id'].removeprefix('resp_')}_{at}"
        item = {"id": id or made, "type": speech.item, **fields}
        self._items.append(item)
        self._parts[index] = _Part(speech, item, at)
        return self._event("response.output_item.added", output_index=at, item=item)

    def _begin_text(self, event: TextStart | RefusalStart) -> bytes:
        speech = TEXT if type(event) is TextStart else REFUSAL
        begun = self._begin(event.index, speech, status="in_progress", content=[], role="assistant")
        return begun + self._announce(self._parts[event.index])

    def _begin_reasoning(self, event: ReasoningStart) -> bytes:
        return self._begin(event.index, SUMMARY, event.id, summary=[])

    def _begin_call(self, event: ToolCallStart) -> bytes:
        speech = CUSTOM if event.custom else CALL
        call_id = event.id or f"call_{event.index}"
        fields = {"status": "in_progress", speech.field: "", "call_id": call_id, "name": event.name}
        return self._begin(event.index, speech, **fields)

    def _announce(self, part: _Part) -> bytes:
        """The piece of the item that will hold the text: a message has one from its start, reasoning from its first word."""
        extra: Json = {"annotations": [], "logprobs": []} if part.speech is TEXT else {}
        part.content = {"type": part.speech.content, **extra, part.speech.field: ""}
        return self._event(part.speech.piece + ".added", **part.place, part=part.content)

    def _more(self, event: TextDelta | RefusalDelta | ReasoningDelta | ToolCallDelta) -> bytes:
        part = self._parts[event.index]
        said = event.arguments if isinstance(event, ToolCallDelta) else event.text
        part.pieces.append(said)
        announced = self._announce(part) if part.speech is SUMMARY and part.content is None else b""
        return announced + self._delta(part, said)

    def _delta(self, part: _Part, said: str, logprobs: Any = None) -> bytes:
        extra = {"logprobs": logprobs or []} if part.speech is TEXT else {}
        return self._event(part.speech.stem + ".delta", **part.place, delta=said, **extra)

    def _end(self, event: TextEnd | RefusalEnd | ReasoningEnd | ToolCallEnd) -> bytes:
        part = self._parts.pop(event.index)
        if isinstance(event, ReasoningEnd) and event.signature is not None:
            part.item["encrypted_content"] = event.signature
        return self._done(part, "completed")

    def _done(self, part: _Part, status: str) -> bytes:
        """All that says the whole of a part again."""
        speech, text = part.speech, "".join(part.pieces)
        out = b""
        if speech.part == "tool_call":
            named = {"name": part.item["name"]} if speech is CALL else {}
            part.item[speech.field] = text
            out = self._event(speech.stem + ".done", **part.place, **named, **{speech.field: text})
        elif part.content is not None:
            part.content[speech.field] = text
            part.item["summary" if speech is SUMMARY else "content"] = [part.content]
            extra: Json = {"logprobs": []} if speech is TEXT else {}
            out = self._event(speech.stem + ".done", **part.place, **{speech.field: text}, **extra)
            out += self._event(speech.piece + ".done", **part.place, part=part.content)
        if "status" in part.item:
            part.item["status"] = status
        return out + self._event("response.output_item.done", output_index=part.at, item=part.item)

    # --- beside the text ---

    def _citation(self, event: Citation) -> bytes:
        return self._annotation(event.index, notes.CITATION.give(event))

    def _logprobs(self, event: Logprobs) -> bytes:
        part = self._text(event.index)
        return b"" if part is None else self._delta(part, "", notes.LOGPROBS.give(event))

    def _text(self, index: int | None) -> _Part | None:
        """The open text of that index, if it is one."""
        part = None if index is None else self._parts.get(index)
        return part if part is not None and part.speech is TEXT else None

    def _safety(self, event: Safety) -> bytes:
        """Told with the last event."""
        self.response.setdefault("content_filters", []).append(notes.SAFETY.give(event))
        return b""

    def _server_call(self, event: ServerToolCall) -> bytes:
        """A tool of the service: what it gives stands in the same item, and may come with the next event."""
        self._held = len(self._items), notes.write_call(event, len(self._items))
        self._items.append(self._held[1])
        return self._event("response.output_item.added", output_index=self._held[0], item=self._held[1])

    def _server_result(self, event: ServerToolResult) -> bytes:
        if self._held is not None and self._held[1].get("id") == event.id:
            item = self._held[1]
            item["error" if event.is_error else notes.TOOLS[item["type"]].gave or "output"] = event.content
        return self._release()

    def _release(self) -> bytes:
        """The held item is done."""
        if self._held is None:
            return b""
        (at, item), self._held = self._held, None
        return self._event("response.output_item.done", output_index=at, item=item)

    def _media(self, event: MediaStart) -> bytes:
        """A picture: in the item of the call that made it, or in one of its own. Speech has no place in this format."""
        out = b""
        if not event.media_type.startswith("image"):
            return self._release()
        if self._held is None or (self._held[1]["type"], self._held[1].get("id")) != (notes.IMAGE, event.id):
            out = self._release() + self._server_call(ServerToolCall(event.id, notes.TOOLS[notes.IMAGE].name))
        assert self._held is not None
        at, item = self._held
        self._held = None
        if "/" in event.media_type:
            item.setdefault("output_format", event.media_type.partition("/")[2])
        self._pictures[event.index] = at, item, []
        return out

    def _piece(self, event: MediaDelta) -> bytes:
        if event.index in self._pictures:
            self._pictures[event.index][2].append(event.data)
        return b""

    def _media_end(self, event: MediaEnd) -> bytes:
        picture = self._pictures.pop(event.index, None)
        if picture is None:
            return b""
        at, item, pieces = picture
        item["result"] = write_base64(b"".join(pieces)) or None
        return self._event("response.output_item.done", output_index=at, item=item)

    # --- others ---

    def _other(self, event: Other) -> bytes:
        part = self._parts.get(event.index) if event.index is not None else None
        if event.kind == "annotation":
            return self._annotation(event.index, event.payload)
        if event.kind == "usage" and isinstance(event.payload, dict):
            self._rest = event.payload
            return b""
        if not isinstance(event.payload, dict) or event.payload.get("type") != event.kind or part is not None:
            return b""
        if event.kind.startswith("response."):
            taken = event.kind.startswith(_STEMS) or event.kind.count(".") == 1
            return b"" if taken else sse.encode(payload.dumps(event.payload), event.kind)
        return b"" if modelled(event.kind, event.payload.get("call_id")) else self._own_item(event.payload)

    def _own_item(self, item: Json) -> bytes:
        at = len(self._items)
        self._items.append(item)
        added = self._event("response.output_item.added", output_index=at, item=item)
        return added + self._event("response.output_item.done", output_index=at, item=item)

    def _annotation(self, index: int | None, annotation: Any) -> bytes:
        part = self._text(index)
        if part is None or part.content is None:
            return b""
        noted = part.content["annotations"]
        noted.append(annotation)
        place = {**part.place, "annotation_index": len(noted) - 1}
        return self._event("response.output_text.annotation.added", **place, annotation=annotation)

    # --- the end ---

    def _finish(self, event: Finish) -> bytes:
        """What is still open is done, as ``incomplete``; then the terminal event with the whole response."""
        out = b"".join(self._done(part, "incomplete") for part in self._parts.values())
        out += b"".join(self._media_end(MediaEnd(index)) for index in list(self._pictures))
        self._parts.clear()
        told = event.usage is not None or self._rest
        self.response["usage"] = laid_over(_usage(event.usage or Usage()), self._rest) if told else None
        self.response["service_tier"] = event.service_tier or self.response["service_tier"]
        if event.reason == "error":
            return out + self._failed("server_error", event.raw_reason or "the model failed")
        status = "completed" if event.reason in _DONE_WORDS else "incomplete"
        if status == "incomplete":
            self.response["incomplete_details"] = {"reason": _WORDS.get(event.reason) or event.raw_reason or "other"}
        self.response.update(status=status, output=self._items)
        return out + self._event(f"response.{status}", response=self.response)

    def _failed(self, code: str, message: str) -> bytes:
        self.response.update(status="failed", output=self._items, error={"code": code, "message": message})
        return self._event("response.failed", response=self.response)

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], bytes]]] = {
        Start: _start,
        TextStart: _begin_text,
        RefusalStart: _begin_text,
        ReasoningStart: _begin_reasoning,
        ToolCallStart: _begin_call,
        **dict.fromkeys((TextDelta, RefusalDelta, ReasoningDelta, ToolCallDelta), _more),
        **dict.fromkeys((TextEnd, RefusalEnd, ReasoningEnd, ToolCallEnd), _end),
        MediaStart: _media,
        MediaDelta: _piece,
        MediaEnd: _media_end,
        Citation: _citation,
        Logprobs: _logprobs,
        Safety: _safety,
        ServerToolCall: _server_call,
        ServerToolResult: _server_result,
        Other: _other,
        Finish: _finish,
    }


def encode_whole(request: Request, events: Iterable[Event]) -> bytes:
    """The whole answer as one response object, for a request without ``stream``."""
    encoder = ResponsesEncoder(request)
    for event in events:
        encoder.encode(event)
    return payload.dumps(encoder.response)


def _usage(usage: Usage) -> Json:
    """Counts as OpenAI writes them; one that nobody told is left out."""
    cached = {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens}
    known = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    details = {
        "input_tokens_details": {name: count for name, count in cached.items() if count is not None},
        "output_tokens_details": {} if usage.reasoning_tokens is None else {"reasoning_tokens": usage.reasoning_tokens},
    }
    total = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    return {**{name: count for name, count in known.items() if count is not None}, **details, "total_tokens": total}
