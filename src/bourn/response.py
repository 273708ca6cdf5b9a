"""Folds events into a ``Response``: everything said so far, at any time.

House rule: folding an event costs the same whether it is the first or the millionth (pieces are kept in lists and joined when
somebody looks), and a response never claims more than the provider said: a part without its end stays incomplete.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from bourn.events import (
    Event,
    Finish,
    FinishReason,
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
    Usage,
)
from bourn.messages import Message, Reasoning, Refusal, Text, ToolCall

ResponsePart = Text | Refusal | Reasoning | ToolCall


class _OpenPart:
    """A part that is being built: its start event, its pieces, its end event once that came."""

    __slots__ = ("end", "pieces", "start")

    def __init__(self, start: Event) -> None:
        self.start = start
        self.pieces: list[str] = []
        self.end: Event | None = None


def _text(part: _OpenPart) -> Text:
    end = part.end
    return Text("".join(part.pieces), end.signature if isinstance(end, TextEnd) else None)


def _refusal(part: _OpenPart) -> Refusal:
    return Refusal("".join(part.pieces))


def _reasoning(part: _OpenPart) -> Reasoning:
    start, end = part.start, part.end
    assert isinstance(start, ReasoningStart)
    text = "".join(part.pieces)
    if not isinstance(end, ReasoningEnd):
        return Reasoning(text, id=start.id, complete=False)
    return Reasoning(text, end.signature, end.redacted, start.id)


def _tool_call(part: _OpenPart) -> ToolCall:
    start, end = part.start, part.end
    assert isinstance(start, ToolCallStart)
    signature = end.signature if isinstance(end, ToolCallEnd) else None
    return ToolCall(start.id, start.name, "".join(part.pieces), end is not None, start.custom, signature)


_BUILDERS: dict[type[Event], Callable[[_OpenPart], ResponsePart]] = {
    TextStart: _text,
    RefusalStart: _refusal,
    ReasoningStart: _reasoning,
    ToolCallStart: _tool_call,
}


class Response:
    """The answer so far. ``complete`` says whether it is the whole one; everything else can be read at any time.

    ``id``, ``model``, ``provider`` and ``warnings`` come from ``Start``; ``finish_reason``, ``raw_finish_reason``, ``usage``
    and ``verified`` from ``Finish``; ``others`` are the ``Other`` events in order.
    """

    def __init__(self, provider: str | None = None, model: str | None = None) -> None:
        self.id: str | None = None
        self.model = model
        self.provider = provider
        self.warnings: tuple[str, ...] = ()
        self.finish_reason: FinishReason | None = None
        self.raw_finish_reason: str | None = None
        self.usage: Usage | None = None
        self.verified = False
        self.complete = False
        self.others: list[Other] = []
        self._parts: dict[int, _OpenPart] = {}

    def fold(self, event: Event) -> None:
        """Take the next event of the stream."""
        self._FOLDS[type(event)](self, event)

    @property
    def parts(self) -> tuple[ResponsePart, ...]:
        """Text, refusals, reasoning and tool calls in the order in which they began."""
        return tuple(_BUILDERS[type(part.start)](part) for part in self._parts.values())

    @property
    def text(self) -> str:
        """All answer text, joined."""
        return self._joined(TextStart)

    @property
    def reasoning(self) -> str:
        """All thinking text, joined."""
        return self._joined(ReasoningStart)

    @property
    def refusal(self) -> str | None:
        """The model's refusal, if it refused."""
        return self._joined(RefusalStart) or None

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, whole or cut: run only those whose ``complete`` is true."""
        return tuple(_tool_call(part) for part in self._parts.values() if type(part.start) is ToolCallStart)

    @property
    def message(self) -> Message:
        """The answer as the assistant's turn, ready to be sent back in the next request."""
        return Message("assistant", self.parts)

    def to_dict(self) -> dict[str, Any]:
        """The response as plain data, ready for JSON."""
        return {
            "id": self.id,
            "provider": self.provider,
            "model": self.model,
            "complete": self.complete,
            "verified": self.verified,
            "finish_reason": self.finish_reason,
            "raw_finish_reason": self.raw_finish_reason,
            "text": self.text,
            "reasoning": self.reasoning,
            "refusal": self.refusal,
            "tool_calls": [msgspec.to_builtins(call) for call in self.tool_calls],
            "usage": msgspec.to_builtins(self.usage),
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        state = f"finish_reason={self.finish_reason!r}" if self.complete else "complete=False"
        return f"<Response {self.provider}/{self.model} {state} text={self.text[:60]!r}>"

    def _joined(self, kind: type[Event]) -> str:
        return "".join(piece for part in self._parts.values() if type(part.start) is kind for piece in part.pieces)

    def _on_start(self, event: Start) -> None:
        self.id = event.id
        self.model = event.model or self.model
        self.provider = event.provider or self.provider
        self.warnings = event.warnings

    def _on_part(self, event: TextStart | RefusalStart | ReasoningStart | ToolCallStart) -> None:
        self._parts[event.index] = _OpenPart(event)

    def _on_text(self, event: TextDelta | RefusalDelta | ReasoningDelta) -> None:
        self._parts[event.index].pieces.append(event.text)

    def _on_arguments(self, event: ToolCallDelta) -> None:
        self._parts[event.index].pieces.append(event.arguments)

    def _on_end(self, event: TextEnd | RefusalEnd | ReasoningEnd | ToolCallEnd) -> None:
        self._parts[event.index].end = event

    def _on_other(self, event: Other) -> None:
        self.others.append(event)

    def _on_finish(self, event: Finish) -> None:
        self.finish_reason = event.reason
        self.raw_finish_reason = event.raw_reason
        self.usage = event.usage
        self.verified = event.verified
        self.complete = True

    _FOLDS: ClassVar[dict[type[Event], Callable[[Any, Any], None]]] = {
        Start: _on_start,
        TextStart: _on_part,
        RefusalStart: _on_part,
        ReasoningStart: _on_part,
        ToolCallStart: _on_part,
        TextDelta: _on_text,
        RefusalDelta: _on_text,
        ReasoningDelta: _on_text,
        ToolCallDelta: _on_arguments,
        TextEnd: _on_end,
        RefusalEnd: _on_end,
        ReasoningEnd: _on_end,
        ToolCallEnd: _on_end,
        Other: _on_other,
        Finish: _on_finish,
    }
