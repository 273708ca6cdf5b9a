"""A progress bar on standard error: one line that is drawn again on a terminal, a line every tenth elsewhere.

Without a total there is no bar, and elsewhere a line whenever the number has doubled.

House rule: the rate is that of this run, not of what an earlier one had brought.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, TextIO

WIDTH = 24
"""Cells of the bar."""
INTERVAL = 0.1
"""Seconds between two drawings."""
TENTHS = 10
"""Lines of a whole download where nothing can be drawn again."""


def megabytes(count: float) -> str:
    """Bytes as megabytes, with one decimal."""
    return f"{count / 1e6:.1f} MB"


class Amounts(NamedTuple):
    """How amounts are written: so much of a total (``None``: nobody knows of how much), and a rate a second."""

    of: Callable[[int, int | None], str]
    rate: Callable[[float], str]


BYTES = Amounts(
    lambda done, total: megabytes(done) if total is None else f"{done / 1e6:.1f} of {megabytes(total)}",
    lambda rate: f"{megabytes(rate)}/s",
)
ROWS = Amounts(
    lambda done, total: f"{done} rows" if total is None else f"{done} of {total} rows",
    lambda rate: f"{rate:.1f}/s",
)


class Progress:
    """Call it with what is done and the total, as often as you like; then :meth:`end`. A smaller ``done`` begins anew.

    ``note`` is shown at the end of the line. On a terminal no line is longer than ``width`` says.
    """

    def __init__(
        self,
        label: str,
        stream: TextIO,
        *,
        drawn: bool,
        amounts: Amounts = BYTES,
        width: Callable[[], int] = lambda: 1000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.note = ""
        self._amounts = amounts
        self._width = width
        self._label = label
        self._stream = stream
        self._drawn = drawn
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self._done = 0
        self._shown_at = float("-inf")
        self._shown_step = -1
        self._open_line = False

    def __call__(self, done: int, total: int | None) -> None:
        """So much is here, of so much."""
        now = self._clock()
        if self._first is None or done < self._done:
            self._first = (now, done)
            self._shown_step = -1
        self._done = done
        if self._drawn:
            self._draw(now, done, total)
        else:
            self._tell(now, done, total)

    def end(self) -> None:
        """Leave the line."""
        if self._open_line:
            self._write("\n")
            self._open_line = False

    def _draw(self, now: float, done: int, total: int | None) -> None:
        if now - self._shown_at < INTERVAL and (total is None or done < total):
            return
        self._shown_at = now
        filled = WIDTH * done // total if total else WIDTH
        bar = "" if total is None else f"{'█' * filled}{'░' * (WIDTH - filled)} "
        line = f"{self._label} {bar}{self._figures(now, done, total)}"
        self._write(f"\r{line[: self._width() - 1]}\x1b[K")
        self._open_line = True

    def _tell(self, now: float, done: int, total: int | None) -> None:
        step = done.bit_length() if total is None else TENTHS * done // total if total else TENTHS
        if step != self._shown_step:
            self._shown_step = step
            self._write(f"{self._label}: {self._figures(now, done, total)}\n")

    def _figures(self, now: float, done: int, total: int | None) -> str:
        share = "" if total is None else f"{100 * done // total if total else 100:>3} %  "
        parts = [share + self._amounts.of(done, total)]
        assert self._first is not None
        seconds, here = now - self._first[0], done - self._first[1]
        if seconds > 0 and here > 0:
            rate = here / seconds
            parts.append(self._amounts.rate(rate))
            if total is not None and done < total:
                parts.append(f"{_clock(round((total - done) / rate))} left")
        return "  ".join([*parts, *([self.note] if self.note else [])])

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _clock(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
