"""The server's half of an answer in Cohere's Chat API, version 2: events to the bytes that Cohere itself would write.

Source: https://docs.cohere.com/reference/chat-stream, and recorded streams.
House rule: what is written here is read back as the same events by ``CohereDecoder``, within what the wire can say (see
:class:`CohereEncoder`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from bourn.dialects import payload
from bourn.dialects.base import WireError
from bourn.dialects.cohere import notes
from bourn.dialects.cohere.words import DONE, FAILURES, FINISH_WORDS, PLAN, REASONS, write_usage
from bourn.events import (
    Citation,
    Event,
    Finish,
    FinishReason,
    Logprobs,
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
from bourn.messages import Reasoning, Refusal, Request, Text, ToolCall
from bourn.response import Media, Response
from bourn.wire import sse

Json = dict[str, Any]

_ID = "00000000-0000-0000-0000-000000000000"
"""The id of an answer whose ``Start`` has none."""


class CohereEncoder:
    """Writes one answer; every part but the tool plan becomes a block or a call with a number of its own.

    Reasoning whose id is ``tool_plan`` is the plan. Not expressible, and so changed: a refusal is text; the model, signatures,
    other ids of reasoning and ``custom`` are left out; the reasons ``error`` and ``content_filter`` make readers raise; an
    ``Other`` that is neither ``citations`` nor ``usage``, nor ``logprobs`` of an open block, is not written.
    """

    def __init__(self, request: Request) -> None:
        del request  # an answer of Cohere's names no model
        self._blocks: dict[int, tuple[int, str]] = {}  # open parts to the number and the kind of their block
        self._contents = 0
        self._calls: dict[int, int] = {}
        self._plans: set[int] = set()
        self._citations = 0
        self._rest: Json = {}

    def encode(self, event: Event) -> bytes:
        """The bytes that ``event`` becomes; none for what only begins or ends the tool plan."""
        write = self._WRITERS.get(type(event))
        return b"" if write is None else write(self, event)

    def error(self, error: WireError) -> bytes:
        """The end of an answer that failed."""
        delta: Json = {"finish_reason": "ERROR", "usage": {}, "error": error.message}
        if error.type is not None:
            delta["error_type"] = error.type
        return _frame("message-end", delta=delta) + sse.encode(DONE)

    def _start(self, event: Start) -> bytes:
        message: Json = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        data = {"id": event.id or _ID, "type": "message-start", "delta": {"message": message}}
        return sse.encode(payload.dumps(data), "message-start")

    def _open(self, part: int, kind: str) -> bytes:
        self._blocks[part] = (self._contents, kind)
        self._contents += 1
        return self._content("content-start", part, {"type": kind, kind: ""})

    def _content(self, name: str, part: int, content: Json, **others: Any) -> bytes:
        return _frame(name, index=self._blocks[part][0], delta={"message": {"content": content}}, **others)

    def _text_start(self, event: TextStart | RefusalStart) -> bytes:
        return self._open(event.index, "text")

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        return self._content("content-delta", event.index, {"text": event.text})

    def _end(self, event: TextEnd | RefusalEnd | ReasoningEnd) -> bytes:
        if event.index in self._plans:
            return b""
        return _frame("content-end", index=self._blocks.pop(event.index)[0])

    def _reasoning_start(self, event: ReasoningStart) -> bytes:
        if event.id != PLAN:
            return self._open(event.index, "thinking")
        self._plans.add(event.index)
        return b""

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        if event.index in self._plans:
            return _frame("tool-plan-delta", delta={"message": {PLAN: event.text}})
        return self._content("content-delta", event.index, {"thinking": event.text})

    def _call_start(self, event: ToolCallStart) -> bytes:
        at = self._calls[event.index] = len(self._calls)
        call = _call(event.id or f"{event.name}_{at}", event.name, "")
        return _frame("tool-call-start", index=at, delta={"message": {"tool_calls": call}})

    def _arguments(self, event: ToolCallDelta) -> bytes:
        piece = {"function": {"arguments": event.arguments}}
        return _frame("tool-call-delta", index=self._calls[event.index], delta={"message": {"tool_calls": piece}})

    def _call_end(self, event: ToolCallEnd) -> bytes:
        return _frame("tool-call-end", index=self._calls[event.index])

    def _citation(self, event: Citation) -> bytes:
        return self._cite(notes.CITATION.give(event))

    def _cite(self, citation: Any) -> bytes:
        at = self._citations
        self._citations += 1
        return _frame("citation-start", index=at, delta={"message": {"citations": citation}}) + _frame("citation-end", index=at)

    def _logprobs(self, event: Logprobs) -> bytes:
        return self._number(event.index, notes.LOGPROBS.give(event))

    def _number(self, part: int | None, logprobs: Any) -> bytes:
        """Log probabilities, which come with a piece of an open block."""
        if part is None or part not in self._blocks:
            return b""
        return self._content("content-delta", part, {self._blocks[part][1]: ""}, logprobs=logprobs)

    def _other(self, event: Other) -> bytes:
        if event.kind == "usage" and isinstance(event.payload, dict):
            self._rest = event.payload
        elif event.kind == "citations":
            return self._cite(event.payload)
        elif event.kind == "logprobs":
            return self._number(event.index, event.payload)
        return b""

    def _finish(self, event: Finish) -> bytes:
        if not event.verified:
            return b""
        delta = {"finish_reason": finish_word(event.reason, event.raw_reason), "usage": write_usage(event.usage, self._rest)}
        return _frame("message-end", delta=delta) + sse.encode(DONE)

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
        ReasoningEnd: _end,
        ToolCallStart: _call_start,
        ToolCallDelta: _arguments,
        ToolCallEnd: _call_end,
        Citation: _citation,
        Logprobs: _logprobs,
        Other: _other,
        Finish: _finish,
    }


def encode_whole(request: Request, events: Iterable[Event]) -> bytes:
    """The whole answer as one object, for a request that did not ask for a stream."""
    response = Response(model=request.model)
    for event in events:
        response.fold(event)
    content = [block for part in response.parts if (block := _block(part)) is not None]
    plan = "".join(part.text for part in response.parts if isinstance(part, Reasoning) and part.id == PLAN)
    calls = [_call(call.id or f"{call.name}_{at}", call.name, call.arguments) for at, call in enumerate(response.tool_calls)]
    message: Json = {"role": "assistant", "content": content, PLAN: plan, "tool_calls": calls}
    message["citations"] = [notes.CITATION.give(citation) for citation in response.citations]
    message["citations"] += [other.payload for other in response.others if other.kind == "citations"]
    rest: Any = next((other.payload for other in response.others if other.kind == "usage"), None)
    whole: Json = {
        "id": response.id or _ID,
        "message": {name: value for name, value in message.items() if value},
        "finish_reason": finish_word(response.finish_reason or "other", response.raw_finish_reason),
        "usage": write_usage(response.usage, rest if isinstance(rest, dict) else {}),
    }
    logprobs = [notes.LOGPROBS.give(Logprobs((token,))) for token in response.logprobs]
    logprobs += [other.payload for other in response.others if other.kind == "logprobs"]
    return payload.dumps(whole | {"logprobs": logprobs} if logprobs else whole)


def encode_error(status: int, error: WireError) -> bytes:
    """The body of a refused request."""
    del status  # it is in the head of the answer
    body = {"id": error.request_id or _ID, "message": error.message, "error_type": error.type}
    return payload.dumps({name: value for name, value in body.items() if value is not None})


def finish_word(reason: FinishReason, raw: str | None) -> str | None:
    """The ``finish_reason`` of a finish: its own word where that is Cohere's, else the one for its reason."""
    own = raw is not None and raw not in FAILURES and REASONS.get(raw, "other") == reason
    return raw if own else FINISH_WORDS[reason]


def _block(part: Any) -> Json | None:
    if isinstance(part, ToolCall | Media) or (isinstance(part, Reasoning) and part.id == PLAN):
        return None
    kind = _KINDS[type(part)]
    return {"type": kind, kind: part.text}


_KINDS: dict[type[Any], str] = {Text: "text", Refusal: "text", Reasoning: "thinking"}


def _call(id: str, name: str, arguments: str) -> Json:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _frame(name: str, **fields: Any) -> bytes:
    return sse.encode(payload.dumps({"type": name, **fields}), name)
