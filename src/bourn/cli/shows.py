"""How an answer is shown while it comes: as text, as one JSON object, as JSON lines.

House rule: standard output gets the answer alone. Thinking, tool calls and sources go to standard error, thinking only to a
terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import msgspec

from bourn.cli import exits
from bourn.cli.markdown import Markdown
from bourn.cli.terminal import Console, columns, harmless
from bourn.cli.turn import Turn
from bourn.events import (
    Citation,
    Event,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    Restart,
    ServerToolCall,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)


class Renderer(Protocol):
    """Text in, what to write out; after ``close`` the cursor stands at the beginning of a line."""

    def feed(self, text: str) -> str:
        """More of the text."""
        ...

    def close(self) -> str:
        """The text is over."""
        ...


class Plain:
    """The text as it is, made harmless for a terminal, with a line feed at the end if it has none."""

    def __init__(self, *, terminal: bool) -> None:
        self._terminal = terminal
        self._last = "\n"

    def feed(self, text: str) -> str:
        """More of the text."""
        self._last = text[-1:] or self._last
        return harmless(text) if self._terminal else text

    def close(self) -> str:
        """The text is over."""
        return "" if self._last == "\n" else "\n"


class TextShow:
    """The answer's text; markdown is rendered where the terminal can show it and ``plain`` is false."""

    def __init__(self, console: Console, *, plain: bool) -> None:
        self._console = console
        self._plain = plain
        self._renderer: Renderer | None = None
        self._thinking = False
        self._calls: dict[int, tuple[str, list[str]]] = {}
        self._sources: dict[str, str] = {}

    def event(self, event: Event) -> None:
        """Show an event."""
        on = self._ON.get(type(event))
        if on is not None:
            on(self, event)

    def end(self, turn: Turn) -> None:  # noqa: ARG002  # the shape of a Show
        """The answer is over, or was cut: close what is open."""
        self._end_thinking()
        self._end_text()
        for index in list(self._calls):
            self._show_call(index, " … cut off")
        for number, (url, title) in enumerate(self._sources.items(), 1):
            self._console.aside(f"[{number}] {title} {url}\n" if title else f"[{number}] {url}\n")

    def _on_start(self, event: Start) -> None:
        for warning in event.warnings:
            self._console.note(f"warning: {warning}")

    def _on_text(self, event: TextDelta | RefusalDelta) -> None:
        self._end_thinking()
        if self._renderer is None:
            self._renderer = self._make_renderer()
        self._console.out(self._renderer.feed(event.text))

    def _on_thinking(self, event: ReasoningDelta) -> None:
        if self._console.err_is_terminal and not self._console.quiet:
            self._leave_text()
            self._thinking = True
            self._console.aside(event.text)

    def _on_thought(self, _event: ReasoningEnd) -> None:
        self._end_thinking()

    def _on_call(self, event: ToolCallStart) -> None:
        self._calls[event.index] = (event.name, [])

    def _on_arguments(self, event: ToolCallDelta) -> None:
        self._calls[event.index][1].append(event.arguments)

    def _on_called(self, event: ToolCallEnd) -> None:
        self._show_call(event.index, "")

    def _on_citation(self, event: Citation) -> None:
        if event.url:
            self._sources.setdefault(event.url, event.title or "")

    def _on_server_call(self, event: ServerToolCall) -> None:
        self._end_thinking()
        self._leave_text()
        self._console.aside(f"→ {event.name}({event.arguments}), run by the provider\n")

    def _on_restart(self, event: Restart) -> None:
        """What was written cannot be taken back: the text begins on a line of its own, with a remark above it."""
        self._end_thinking()
        self._end_text()
        self._console.aside(f"↻ {event.reason}: the answer begins anew\n")

    _ON: ClassVar[dict[type[Event], Callable[[Any, Any], None]]] = {
        Start: _on_start,
        TextDelta: _on_text,
        RefusalDelta: _on_text,
        ReasoningDelta: _on_thinking,
        ReasoningEnd: _on_thought,
        ToolCallStart: _on_call,
        ToolCallDelta: _on_arguments,
        ToolCallEnd: _on_called,
        Citation: _on_citation,
        ServerToolCall: _on_server_call,
        Restart: _on_restart,
    }
    """Event to what shows it; the others have nothing to show."""

    def _make_renderer(self) -> Renderer:
        if self._console.out_styles and not self._plain:
            return Markdown(columns())
        return Plain(terminal=self._console.out_is_terminal)

    def _show_call(self, index: int, remark: str) -> None:
        self._end_thinking()
        self._leave_text()
        name, pieces = self._calls.pop(index)
        self._console.aside(f"→ {name}({''.join(pieces)}){remark}\n")

    def _leave_text(self) -> None:
        """Something else is written now; on a terminal it must not stand in the text's line."""
        if self._console.out_is_terminal:
            self._end_text()

    def _end_text(self) -> None:
        if self._renderer is not None:
            self._console.out(self._renderer.close())
            self._renderer = None

    def _end_thinking(self) -> None:
        if self._thinking:
            self._console.aside("\n\n")
            self._thinking = False


class _Json:
    """What the two JSON shows share: writing, and the words for how it ended."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def _write(self, value: Any) -> None:
        text = msgspec.json.encode(value).decode()
        self._console.out((harmless(text) if self._console.out_is_terminal else text) + "\n")

    @staticmethod
    def _error(turn: Turn) -> dict[str, Any] | None:
        if turn.status == exits.OK:
            return None
        if turn.error is None:
            return {"type": "Stopped" if turn.stopped else "ModelError", "message": turn.complaint, "exit_code": turn.status}
        return {"type": type(turn.error).__name__, "message": turn.complaint, "exit_code": turn.status}


class JsonShow(_Json):
    """One JSON object at the end: the response, ``seconds``, and ``error`` (``null`` if there was none)."""

    def event(self, event: Event) -> None:
        """Nothing is shown before the end."""

    def end(self, turn: Turn) -> None:
        """Write the object."""
        seconds = {"first_event": turn.meter.first_event_seconds, "total": turn.meter.total_seconds}
        self._write({**turn.response.to_dict(), "seconds": seconds, "error": self._error(turn)})


class JsonLinesShow(_Json):
    """One line of JSON an event, as it comes; where the answer was not whole, a last line with ``"event": "error"``."""

    def event(self, event: Event) -> None:
        """Write the event."""
        self._write(event)

    def end(self, turn: Turn) -> None:
        """Write the error, if there was one."""
        error = self._error(turn)
        if error is not None:
            self._write({"event": "error", **error})
