"""Entries with given arrivals, as if they had been read."""

from __future__ import annotations

import bourn
from bourn.cli.side_by_side.entry import Entry


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def entry(model: str, *pieces: tuple[float, str], over: bool = True) -> Entry:
    """An entry whose pieces of text came at these seconds."""
    clock = Clock()
    made = Entry(model, bourn.stream("openai/any", "hi", mock="unread"), clock)
    events: list[tuple[float, bourn.Event]] = [(0.0, bourn.Start()), (0.0, bourn.TextStart(0))]
    events += [(at, bourn.TextDelta(0, text)) for at, text in pieces]
    if over:
        last = pieces[-1][0] if pieces else 0.0
        events += [(last, bourn.TextEnd(0)), (last, bourn.Finish("stop", "stop", bourn.Usage(3, 1200)))]
    for at, event in events:
        clock.now = at
        made.see(event)
        made.stream.response.fold(event)
    made.over = over
    return made
