"""Folds events into a ``Response``: everything said so far, at any time.

House rule: folding an event costs the same whether it is the first or the millionth (pieces are kept in lists and joined when
somebody looks), and a response never claims more than the provider said: a part without its end stays incomplete.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import msgspec

from bourn.errors import BournError
from bourn.events import (
    ChosenToken,
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
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Restart,
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
from bourn.messages import Message, Reasoning, Refusal, Text, ToolCall


class Media(msgspec.Struct, frozen=True, tag="media"):
    """A file of the model's making: ``data`` as far as it came, or the ``url`` where it is.

    ``transcript`` is what is spoken in it. ``complete`` is false where it was cut.
    """

    media_type: str
    data: bytes = b""
    url: str | None = None
    transcript: str = ""
    id: str | None = None
    signature: str | None = None
    complete: bool = True


ResponsePart = Text | Refusal | Reasoning | ToolCall | Media


Ending = Literal["running", "complete", "failed", "lost", "closed"]
"""How an attempt stands: still answering; whole; ended by an error; beaten by another one and closed; closed by the reader."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request of those that an answer took, where it may take several (retry, fallback, race).

    ``outcome`` says how it stands, ``error`` what ended it. ``response`` is what had arrived of it, where that is not in the
    stream's own response. ``usage`` is what the provider told; where it told nothing of what it will bill all the same,
    ``estimated`` is true and the count is made from the text that had arrived, at four characters a token. ``waited`` are the
    seconds of back-off before it was sent, ``seconds`` those from then to its outcome.
    """

    provider: str
    model: str
    outcome: Ending
    error: BournError | None = None
    response: Response | None = None
    usage: Usage | None = None
    estimated: bool = False
    request_id: str | None = None
    waited: float = 0.0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The attempt as plain data, ready for JSON, its times in whole milliseconds; its response is left out."""
        told = {name: getattr(self, name) for name in self.__struct_fields__ if name != "response"}
        error = None if self.error is None else {"type": type(self.error).__name__, "message": self.error.message}
        times = {name: round(told[name], 3) for name in ("waited", "seconds")}
        return {**told, **times, "error": error, "usage": msgspec.to_builtins(self.usage)}


class _OpenPart:
    """A part that is being built: its start event, its pieces, its end event once that came."""

    __slots__ = ("end", "pieces", "start")

    def __init__(self, start: Event) -> None:
        self.start = start
        self.pieces: list[Any] = []  # texts, or the deltas of media
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


def _media(part: _OpenPart) -> Media:
    start, end = part.start, part.end
    assert isinstance(start, MediaStart)
    data = b"".join(delta.data for delta in part.pieces)
    transcript = "".join(delta.transcript for delta in part.pieces)
    signature = end.signature if isinstance(end, MediaEnd) else None
    return Media(start.media_type, data, start.url, transcript, start.id, signature, end is not None)


_BUILDERS: dict[type[Event], Callable[[_OpenPart], ResponsePart]] = {
    TextStart: _text,
    RefusalStart: _refusal,
    ReasoningStart: _reasoning,
    ToolCallStart: _tool_call,
    MediaStart: _media,
}


def _plain(value: Any) -> Any:
    """Structs as what JSON makes of them."""
    return msgspec.json.decode(msgspec.json.encode(value))


class Response:
    """The answer so far. ``complete`` says whether it is the whole one; everything else can be read at any time.

    ``id``, ``model``, ``provider`` and ``warnings`` come from ``Start``; ``finish_reason``, ``raw_finish_reason``, ``usage``,
    ``service_tier`` and ``verified`` from ``Finish``. ``citations``, ``server_tools`` (calls and results), ``safety`` and
    ``others`` are the events of these kinds, in order. ``attempts`` are the requests that the answer took, where it may take
    several. After a ``Restart`` everything that came before it is gone from here.
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
        self.service_tier: str | None = None
        self.citations: list[Citation] = []
        self.server_tools: list[ServerToolCall | ServerToolResult] = []
        self.safety: list[Safety] = []
        self.others: list[Other] = []
        self.attempts: tuple[Attempt, ...] = ()
        self._logprobs: list[Logprobs] = []
        self._parts: dict[int, _OpenPart] = {}

    def fold(self, event: Event) -> None:
        """Take the next event of the stream."""
        if type(event) is TextDelta:  # nearly all; the same as the table has, in a call less
            self._parts[event.index].pieces.append(event.text)
        else:
            self._FOLDS[type(event)](self, event)

    @property
    def parts(self) -> tuple[ResponsePart, ...]:
        """Text, refusals, reasoning, tool calls and media in the order in which they began."""
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
    def media(self) -> tuple[Media, ...]:
        """The images and the speech that the model made."""
        return tuple(_media(part) for part in self._parts.values() if type(part.start) is MediaStart)

    @property
    def logprobs(self) -> tuple[ChosenToken, ...]:
        """The tokens of the answer with their log probabilities, where these were asked for."""
        return tuple(token for event in self._logprobs for token in event.tokens)

    @property
    def message(self) -> Message:
        """The answer as the assistant's turn, ready to be sent back in the next request; ``media`` is left out."""
        return Message("assistant", tuple(part for part in self.parts if not isinstance(part, Media)))

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
            "tool_calls": _plain(self.tool_calls),
            "media": _plain(self.media),
            "citations": _plain(self.citations),
            "server_tools": _plain(self.server_tools),
            "logprobs": _plain(self.logprobs),
            "safety": _plain(self.safety),
            "usage": _plain(self.usage),
            "service_tier": self.service_tier,
            "warnings": list(self.warnings),
            "attempts": [attempt.to_dict() for attempt in self.attempts],
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

    def _on_part(self, event: TextStart | RefusalStart | ReasoningStart | ToolCallStart | MediaStart) -> None:
        self._parts[event.index] = _OpenPart(event)

    def _on_text(self, event: TextDelta | RefusalDelta | ReasoningDelta) -> None:
        self._parts[event.index].pieces.append(event.text)

    def _on_arguments(self, event: ToolCallDelta) -> None:
        self._parts[event.index].pieces.append(event.arguments)

    def _on_media(self, event: MediaDelta) -> None:
        self._parts[event.index].pieces.append(event)

    def _on_end(self, event: TextEnd | RefusalEnd | ReasoningEnd | ToolCallEnd | MediaEnd) -> None:
        self._parts[event.index].end = event

    def _on_citation(self, event: Citation) -> None:
        self.citations.append(event)

    def _on_logprobs(self, event: Logprobs) -> None:
        self._logprobs.append(event)

    def _on_server_tool(self, event: ServerToolCall | ServerToolResult) -> None:
        self.server_tools.append(event)

    def _on_safety(self, event: Safety) -> None:
        self.safety.append(event)

    def _on_other(self, event: Other) -> None:
        self.others.append(event)

    def _on_restart(self, _event: Restart) -> None:
        attempts = self.attempts
        Response.__init__(self, self.provider, self.model)
        self.attempts = attempts

    def _on_finish(self, event: Finish) -> None:
        self.finish_reason = event.reason
        self.raw_finish_reason = event.raw_reason
        self.usage = event.usage
        self.verified = event.verified
        self.service_tier = event.service_tier
        self.complete = True

    _FOLDS: ClassVar[dict[type[Event], Callable[[Any, Any], None]]] = {
        Start: _on_start,
        TextStart: _on_part,
        RefusalStart: _on_part,
        ReasoningStart: _on_part,
        ToolCallStart: _on_part,
        MediaStart: _on_part,
        TextDelta: _on_text,
        RefusalDelta: _on_text,
        ReasoningDelta: _on_text,
        ToolCallDelta: _on_arguments,
        MediaDelta: _on_media,
        TextEnd: _on_end,
        RefusalEnd: _on_end,
        ReasoningEnd: _on_end,
        ToolCallEnd: _on_end,
        MediaEnd: _on_end,
        Citation: _on_citation,
        Logprobs: _on_logprobs,
        ServerToolCall: _on_server_tool,
        ServerToolResult: _on_server_tool,
        Safety: _on_safety,
        Other: _on_other,
        Restart: _on_restart,
        Finish: _on_finish,
    }
