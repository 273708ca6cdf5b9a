"""The bars that speed is held to, and whether a run met them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from bench.report import Table, shown

Figures = dict[str, dict[str, float]]
"""Title of a table, and row, to the figure."""


class Goal(NamedTuple):
    """One bar: what it is about, the bar in words, how to get the figure, and what it may be at most (or at least).

    ``least`` gives the figure that ``who``, which keeps none of our promises, would have instead of us.
    """

    what: str
    bar: str
    figure: Callable[[Figures], float]
    limit: float
    at_least: bool = False
    least: Callable[[Figures], float] | None = None
    who: str = "the floor itself"


def _ratio(title: str, over: str, under: str) -> Callable[[Figures], float]:
    return lambda seen: seen[title][over] / seen[title][under]


def _row(title: str, row: str) -> Callable[[Figures], float]:
    return lambda seen: seen[title][row]


def _beside(what: str, title: str, peer: str, times: float) -> Goal:
    """How many times a peer's cost has to be ours."""
    figure, least = _ratio(title, peer, "bourn"), _ratio(title, peer, "floor")
    return Goal(what, f"≥ {times:g} times", figure, times, at_least=True, least=least)


def _paced(streams: str) -> Goal:
    """So many paced streams by the floor; beside it what the HTTP client alone costs."""
    title = f"paced, {streams} streams, uvloop"
    figure, least = _ratio(title, "bourn", "floor"), _ratio(title, "aiohttp", "floor")
    return Goal(f"{title}, by the floor", "≤ 1.6 times", figure, 1.6, least=least, who="aiohttp by hand")


def _worst_dialect(seen: Figures) -> float:
    rows = [
        rows for title, rows in seen.items() if title.startswith("flooded") and not title.startswith("flooded, openai-chat")
    ]
    return max(row["bourn"] / row["floor"] for row in rows)


def _spread(title: str, *rows: str) -> Callable[[Figures], float]:
    """The dearest of some rows by the cheapest."""
    return lambda seen: max(seen[title][row] for row in rows) / min(seen[title][row] for row in rows)


def _more(seen: Figures) -> float:
    """What the events cost that a longer answer has more than the next shorter one: the dearest by the cheapest.

    What a connection costs, which is most of a short answer, is not in it.
    """
    spent = [(count, us * count) for row, us in seen[_LONG].items() for count in [int(row.split()[0].replace(",", ""))]]
    more = [(cost - less) / (count - fewer) for (fewer, less), (count, cost) in pairwise(sorted(spent))]
    return max(more) / min(more)


_CHAT, _PADDED = "flooded, openai-chat", "flooded, openai-chat, no two payloads alike"
_PACED, _CALL = "paced, 50 streams, uvloop", "a call, its connection kept, to the first word"
_LONG, _CUT = "bourn, by length of the answer", "bourn, by size and cut, in memory"
_STALL = "the loop's longest stall, over TLS, from construction to close"

GOALS = (
    Goal("flooded, OpenAI chat, by the floor", "≤ 2.5 times", _ratio(_CHAT, "bourn", "floor"), 2.5),
    Goal("the same, no two payloads alike (a bar of our own)", "≤ 2.5 times", _ratio(_PADDED, "bourn", "floor"), 2.5),
    Goal("flooded, the worst other dialect, by the floor", "≤ 3 times", _worst_dialect, 3),
    _beside("flooded, openai by bourn", _CHAT, "openai", 40),
    _beside("flooded, litellm by bourn", _CHAT, "litellm", 100),
    _paced("50"),
    _paced("500"),
    _paced("5,000"),
    _beside("paced, 50 streams, openai by bourn", _PACED, "openai", 12),
    Goal("5,000 streams on one core, memory each", "≤ 24 KiB", _row("memory, 5,000 streams, resident", "bourn"), 24 * 1024),
    Goal("one event more, from 100 to 1,000,000, dearest by cheapest", "≤ 1.5 times", _more, 1.5),
    Goal("byte by byte, 1 MiB by 64 KiB", "≤ 1.5 times", _spread(_CUT, "64 KiB, byte by byte", "1 MiB, byte by byte"), 1.5),
    Goal(
        "one frame of 16 MiB by one of 1 MiB, a byte",
        "≤ 1.5 times",
        _spread(_CUT, "one frame of 1 MiB", "one frame of 16 MiB"),
        1.5,
    ),
    Goal("first event over the raw socket, ms", "≤ 0.3", lambda seen: seen[_CALL]["bourn"] - seen[_CALL]["floor"], 0.3),
    Goal("stall of the loop, first stream over TLS, ms", "≤ 10", _row(_STALL, "first stream of the process"), 10),
    Goal("import bourn, ms of CPU", "≤ 60", _row("import", "bourn"), 60),
    Goal("core install, MB", "≤ 15", _row("size", "core install, all packages"), 15),
)


def judged(tables: list[Table]) -> list[tuple[str, str, str, str]]:
    """What each bar is about, the bar, what was seen, and whether it is met."""
    seen = {table.title: {name: cell.figure for name, cell in table.cells.items()} for table in tables}
    return [_judge(goal, seen) for goal in GOALS]


def _judge(goal: Goal, seen: Figures) -> tuple[str, str, str, str]:
    try:
        figure = goal.figure(seen)
    except (KeyError, ValueError, ZeroDivisionError):
        return goal.what, goal.bar, "not measured", ""
    met = figure >= goal.limit if goal.at_least else figure <= goal.limit
    beyond = f" ({goal.who}: {shown(goal.least(seen))})" if goal.least else ""
    return goal.what, goal.bar, shown(figure) + beyond, "met" if met else "**missed**"
