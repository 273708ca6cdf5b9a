"""Times one answer, and says in one line what it cost.

House rule: a figure that nobody told or measured is left out, not guessed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bourn.events import CONTENT_EVENTS, Event
from bourn.response import Response

SHORTEST = 0.05
"""Seconds: an answer that came at once, in a burst, has no speed worth telling."""
SAID_BY_ITSELF = ("stop", None)
"""Finish reasons that go without saying."""


class Meter:
    """Make it when the request is sent, show it each event with :meth:`see`, ask :meth:`line` at the end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._first: float | None = None
        self._last = self._started

    def see(self, event: Event) -> None:
        """An event came."""
        if type(event) in CONTENT_EVENTS:
            self._last = self._clock()
            if self._first is None:
                self._first = self._last

    @property
    def first_event_seconds(self) -> float | None:
        """From the request to the first piece of the answer."""
        return None if self._first is None else self._first - self._started

    @property
    def total_seconds(self) -> float:
        """From the request to the last piece of the answer."""
        return self._last - self._started

    def tokens_per_second(self, response: Response) -> float | None:
        """The speed after the first token, in the provider's tokens; thinking that was not shown is not counted."""
        usage = response.usage
        if usage is None or not usage.output_tokens or self._first is None or self._last - self._first < SHORTEST:
            return None
        hidden = 0 if response.reasoning else usage.reasoning_tokens or 0
        after_first = usage.output_tokens - hidden - 1
        return after_first / (self._last - self._first) if after_first > 0 else None

    def line(self, asked: str, response: Response, *, stopped: bool = False) -> str:
        """The footer: who answered, how fast, how much, and how it ended if not by itself."""
        usage = response.usage
        speed, first = self.tokens_per_second(response), self.first_event_seconds
        reason = response.finish_reason
        parts = (
            _answered(asked, response.model),
            None if first is None else f"first event {_duration(first)}",
            None if speed is None else f"{speed:.0f} tokens/s",
            None if usage is None else _tokens(usage.input_tokens, usage.output_tokens),
            None if reason in SAID_BY_ITSELF else f"finish: {reason}",
            "unverified: this service sends no end mark" if response.complete and not response.verified else None,
            "stopped" if stopped else None,
        )
        return " · ".join(part for part in parts if part)


def _answered(asked: str, answered: str | None) -> str:
    """The model that was asked, and the name it answered under if that is another."""
    return asked if not answered or asked.endswith(answered) else f"{asked} ({answered})"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def _tokens(given: int | None, made: int | None) -> str:
    told = ((given, "in"), (made, "out"))
    return "tokens: " + ", ".join(f"{count} {way}" for count, way in told if count is not None)
