"""The columns while they grow: a block of lines at the bottom of the terminal that is drawn again and again.

House rule: the block is never taller than the terminal, and leaves nothing behind that a reader would have to scroll past.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence

from bourn.cli.side_by_side.columns import column_width, fit, rows_of, side_by_side, wrap
from bourn.cli.side_by_side.entry import Entry
from bourn.cli.terminal import Console, harmless

INTERVAL = 0.05
"""Seconds between two drawings."""
HEAD = 2
"""Lines of a column that are not text: its model, and what is known of it."""


class Live:
    """Draw with :meth:`draw`; :meth:`clear` takes the block away."""

    def __init__(self, console: Console, entries: Sequence[Entry]) -> None:
        self._console = console
        self._entries = entries
        self._drawn = 0

    async def run(self) -> None:
        """Draw until every entry is over, or this is cancelled."""
        try:
            while not all(entry.over for entry in self._entries):
                self.draw()
                await asyncio.sleep(INTERVAL)
        finally:
            self.clear()

    def draw(self) -> None:
        """The block, over the last one."""
        size = shutil.get_terminal_size()
        lines = block(self._entries, size.columns - 1, size.lines - 1)
        self._console.out(self._up() + "".join(f"\x1b[2K{line}\n" for line in lines))
        self._drawn = len(lines)

    def clear(self) -> None:
        """Leave the terminal as it was."""
        self._console.out(self._up() + ("\x1b[J" if self._drawn else ""))
        self._drawn = 0

    def _up(self) -> str:
        return f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""


def block(entries: Sequence[Entry], width: int, height: int) -> list[str]:
    """The last lines of each answer, under its name, in as many rows as there have to be."""
    rows = rows_of(len(entries), width)
    room = max(1, height // len(rows) - HEAD - 1)
    lines: list[str] = []
    at = 0
    for count in rows:
        each = column_width(count, width)
        lines += side_by_side([_column(entry, each, room) for entry in entries[at : at + count]], width)
        lines.append("")
        at += count
    return lines[:height]


def _column(entry: Entry, width: int, room: int) -> list[str]:
    tail = harmless(entry.text[-(width * room + width) * 2 :])
    return [*head(entry, width), *wrap(tail, width)[-room:]]


def head(entry: Entry, width: int) -> list[str]:
    """Who answers, and how far it is."""
    first = entry.meter.first_event_seconds
    waiting = entry.ending if entry.over else f"waiting, {entry.failed} failed" if entry.failed else "waiting"
    told = waiting if first is None else f"first event {first:.2f} s, {entry.ending}"
    return [fit(entry.model, width), fit(told, width)]
