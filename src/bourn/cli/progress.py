"""A progress bar on standard error: one line that is drawn again on a terminal, a line every tenth elsewhere.

House rule: the rate is that of this run, not of what an earlier one had brought.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

WIDTH = 24
"""Cells of the bar."""
INTERVAL = 0.1
"""Seconds between two drawings."""
TENTHS = 10
"""Lines of a whole download where nothing can be drawn again."""


def megabytes(count: float) -> str:
    """Bytes as megabytes, with one decimal."""
    return f"{count / 1e6:.1f} MB"


class Progress:
    """Call it with the bytes done and the total, as often as you like; then :meth:`end`. A smaller ``done`` begins anew."""

    def __init__(self, label: str, stream: TextIO, *, drawn: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._label = label
        self._stream = stream
        self._drawn = drawn
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self._done = 0
        self._shown_at = float("-inf")
        self._shown_tenth = -1
        self._open_line = False

    def __call__(self, done: int, total: int) -> None:
        """So many bytes are here, of so many."""
        now = self._clock()
        if self._first is None or done < self._done:
            self._first = (now, done)
            self._shown_tenth = -1
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

    def _draw(self, now: float, done: int, total: int) -> None:
        if now - self._shown_at < INTERVAL and done < total:
            return
        self._shown_at = now
        filled = WIDTH * done // total if total else WIDTH
        self._write(f"\r{self._label} {'█' * filled}{'░' * (WIDTH - filled)} {self._figures(now, done, total)}\x1b[K")
        self._open_line = True

    def _tell(self, now: float, done: int, total: int) -> None:
        tenth = TENTHS * done // total if total else TENTHS
        if tenth != self._shown_tenth:
            self._shown_tenth = tenth
            self._write(f"{self._label}: {self._figures(now, done, total)}\n")

    def _figures(self, now: float, done: int, total: int) -> str:
        percent = 100 * done // total if total else 100
        figures = f"{percent:>3} %  {done / 1e6:.1f} of {megabytes(total)}"
        assert self._first is not None
        seconds, here = now - self._first[0], done - self._first[1]
        if seconds <= 0 or here <= 0:
            return figures
        rate = here / seconds
        left = round((total - done) / rate)
        return f"{figures}  {megabytes(rate)}/s" + (f"  {left // 60}:{left % 60:02} left" if done < total else "")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
