"""``Entry``: one model's answer, as far as it came, and when its pieces came.

House rule: an entry notes, and draws nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bourn.cli import exits
from bourn.cli.meter import Meter
from bourn.errors import BournError
from bourn.events import DELTAS, Event
from bourn.streams import Stream


class Entry:
    """``arrivals`` are seconds since the start and characters, for each piece of text, thinking or arguments."""

    def __init__(self, model: str, stream: Stream, clock: Callable[[], float] = time.monotonic) -> None:
        self.model = model
        self.stream = stream
        self.meter = Meter(clock)
        self.arrivals: list[tuple[float, int]] = []
        self.error: BournError | None = None
        self.over = False
        self._clock = clock
        self._began = clock()

    def see(self, event: Event) -> None:
        """An event came."""
        self.meter.see(event)
        if type(event) in DELTAS:
            piece = str(getattr(event, "text", "") or getattr(event, "arguments", ""))
            self.arrivals.append((self._clock() - self._began, len(piece)))

    async def read(self) -> None:
        """Read to the end, whatever end that is; its time begins now. Cancelled, it closes the stream and is over, too."""
        self.meter, self._began = Meter(self._clock), self._clock()
        try:
            async with self.stream:
                async for event in self.stream:
                    self.see(event)
        except BournError as error:
            self.error = error
        finally:
            self.over = True

    @property
    def text(self) -> str:
        """What a person reads of it: the answer, else the refusal, else the calls, else the thinking."""
        response = self.stream.response
        calls = "\n".join(f"→ {call.name}({call.arguments})" for call in response.tool_calls)
        said = "\n".join(part for part in (response.text or response.refusal or "", calls) if part)
        return said or response.reasoning

    @property
    def ending(self) -> str:
        """How it ended, in a word or two; ``…`` while it has not."""
        if self.error is not None:
            return type(self.error).__name__
        if not self.over:
            return "…"
        response = self.stream.response
        return str(response.finish_reason) if response.complete else "stopped"

    @property
    def failed(self) -> int:
        """How many attempts failed so far; after the last of them there may be another."""
        return sum(attempt.outcome == "failed" for attempt in self.stream.response.attempts)

    @property
    def status(self) -> int:
        """The exit code for this answer alone."""
        if self.error is not None:
            return exits.code(self.error)
        return exits.OK if self.stream.response.complete else exits.STOPPED

    def to_dict(self) -> dict[str, Any]:
        """All of it, as plain data."""
        return {
            "asked": self.model,
            **self.stream.response.to_dict(),
            "seconds": {"first_event": self.meter.first_event_seconds, "total": self.meter.total_seconds},
            "tokens_per_second": self.meter.tokens_per_second(self.stream.response),
            "arrivals": [[round(at, 4), size] for at, size in self.arrivals],
            "error": self.error and {"type": type(self.error).__name__, "message": exits.sentence(self.error)},
        }
