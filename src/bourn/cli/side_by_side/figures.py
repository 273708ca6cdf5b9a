"""The figures of several answers: a table, and when the pieces of each came, as a line of bars.

House rule: a figure that nobody told or measured is a dash.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bourn.cli.canvas import cells
from bourn.cli.side_by_side.columns import fit
from bourn.cli.side_by_side.entry import Entry

BARS = " ▁▂▃▄▅▆▇█"
WIDEST_NAME = 40

_TABLE: tuple[tuple[str, Callable[[Entry], str]], ...] = (
    ("first event", lambda entry: _seconds(entry.meter.first_event_seconds)),
    ("total", lambda entry: _seconds(entry.meter.total_seconds if entry.arrivals else None)),
    ("tokens/s", lambda entry: _number(entry.meter.tokens_per_second(entry.stream.response))),
    ("in", lambda entry: _count(entry, "input_tokens")),
    ("out", lambda entry: _count(entry, "output_tokens")),
    ("characters", lambda entry: f"{sum(size for _, size in entry.arrivals):,}"),
    ("finish", lambda entry: entry.ending),
)
"""Heading and what stands under it."""


def table(entries: Sequence[Entry]) -> list[str]:
    """A row for each answer."""
    rows = [("model", *(heading for heading, _ in _TABLE))]
    rows += [(entry.model, *(show(entry) for _, show in _TABLE)) for entry in entries]
    widths = [max(cells(row[at]) for row in rows) for at in range(len(rows[0]))]
    widths[0] = min(widths[0], WIDEST_NAME)
    return [
        "  ".join(
            _aligned(word, width, left=at in (0, len(_TABLE))) for at, (word, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def figures(entry: Entry) -> dict[str, str]:
    """Heading to figure, for one answer."""
    return {heading: show(entry) for heading, show in _TABLE}


def timeline(entries: Sequence[Entry], width: int) -> list[str]:
    """When the characters of each answer came: a bar for each slice of the whole time, and the scale under them."""
    end = max((at for entry in entries for at, _ in entry.arrivals), default=0.0)
    name = min(max((cells(entry.model) for entry in entries), default=0), WIDEST_NAME, width // 3)
    room = max(10, width - name - 2)
    if end <= 0:
        return []
    slices = [_slices(entry, end, room) for entry in entries]
    most = max(max(row) for row in slices)
    lines = [f"{fit(entry.model, name)}  {_bars(row, most)}".rstrip() for entry, row in zip(entries, slices, strict=True)]
    scale = f"0 s{_seconds(end):>{room - 3}}"
    return [*lines, f"{'':{name}}  {scale}"]


def _slices(entry: Entry, end: float, room: int) -> list[int]:
    """Characters that came in each of ``room`` equal slices of the time."""
    counts = [0] * room
    for at, size in entry.arrivals:
        counts[min(room - 1, int(at / end * room))] += size
    return counts


def _bars(counts: Sequence[int], most: int) -> str:
    """The least piece is seen: no count but zero is drawn as nothing."""
    top = len(BARS) - 1
    return "".join(BARS[0 if not count else max(1, round(count / most * top))] for count in counts)


def _aligned(word: str, width: int, *, left: bool) -> str:
    return fit(word, width) if left else " " * (width - cells(word)) + word


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _count(entry: Entry, name: str) -> str:
    count = getattr(entry.stream.response.usage, name, None)
    return "-" if count is None else f"{count:,}"
