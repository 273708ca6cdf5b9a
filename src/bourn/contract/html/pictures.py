"""Pictures of time, as SVG in the page: what happened on the wire, a series of figures, the seconds of each rule.

The score of a check goes by the order of what happened, not by the clock: time is virtual in most checks, so a thousand things
happen at once and then an hour passes. Where time passed there is a gap with its length.

House rule: a picture has its colours from the style sheet, and its words for whoever cannot see it in ``aria-label``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from bourn.contract.html.markup import Markup, tag
from bourn.contract.verdict import Line

WIDTH, HEIGHT = 720.0, 84.0
"""Of a picture, in its own units; the page scales it."""

_MIDDLE, _TALL, _LOW = 44.0, 30.0, 14.0
"""Of a score: the line between server and reader, the tallest bar above it, the bar of an item below it."""

_GAP = 4.0
"""How many events wide a gap is."""

_NOTICED = 0.0005
"""Seconds that make a gap."""

_SENDS = re.compile(r"sends (\d+) bytes")
_BAD = re.compile(r"^\w*(Error|Timeout|Exception|Cancelled\w*)\b|^\w+(\.\w+)+: ")


def score(trace: Sequence[Line]) -> Markup:
    """The trace: bars above are bytes (the taller, the more), dots other acts of the server; below, items, ends and errors."""
    places, gaps, width = _spread(trace)
    step = WIDTH / width
    drawn: dict[str, list[str]] = {}
    for line, place in zip(trace, places, strict=True):
        kind, path = _stroke(line)
        drawn.setdefault(kind, []).append(f"M{_short((place + 0.5) * step)} {path}")
    strokes = [tag("path", d="".join(paths), class_=kind) for kind, paths in sorted(drawn.items())]
    label = ", ".join(f"{len(paths)} {_WORDS[kind]}" for kind, paths in sorted(drawn.items()))
    return _svg(
        f"Timeline: {label}",
        *(_gap(place * step, _GAP * step, seconds) for place, seconds in gaps),
        tag("path", d=f"M0 {_MIDDLE:g}H{WIDTH:g}", class_="axis"),
        *strokes,
        style=f"--stroke:{_short(min(max(step * 0.6, 0.7), 5))}",
    )


def curve(numbers: Sequence[float], name: str) -> Markup:
    """A series of figures as a line over its number, with the least and the most."""
    least, most = min(numbers), max(numbers)
    span = (most - least) or 1.0
    step = (WIDTH - 130) / (len(numbers) - 1)
    points = [(100 + at * step, HEIGHT - 12 - (HEIGHT - 24) * (value - least) / span) for at, value in enumerate(numbers)]
    path = "M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in points)
    ends = "".join(f"M{_short(x)} {_short(y)}h0" for x, y in points)
    return _svg(
        f"{name}: {len(numbers)} figures, from {least:g} to {most:g}",
        tag("text", f"{most:,.6g}", x=92, y=16, class_="scale"),
        tag("text", f"{least:,.6g}" if most != least else "", x=92, y=HEIGHT - 8, class_="scale"),
        tag("path", d=path, class_="curve"),
        tag("path", d=ends, class_="points"),
    )


def bars(told: Sequence[tuple[str, float, str]], name: str) -> Markup:
    """A bar for each (name, seconds, tone)."""
    most = max(seconds for _, seconds, _ in told)
    step = WIDTH / len(told)
    strokes = []
    for at, (id, seconds, tone) in enumerate(told):
        tall = (HEIGHT - 6) * seconds / most
        strokes.append(
            tag(
                "rect",
                tag("title", f"{id}: {seconds:.2f} s"),
                x=_short(at * step + step * 0.15),
                y=_short(HEIGHT - tall),
                width=_short(step * 0.7),
                height=_short(max(tall, 0.6)),
                class_=tone,
            )
        )
    return _svg(name, *strokes)


_WORDS = {
    "sent": "times bytes sent",
    "act": "other acts of the server",
    "item": "items",
    "end": "ends and closes",
    "bad": "errors",
    "other": "other events",
}
"""Kind of stroke to what it is, counted."""


def _stroke(line: Line) -> tuple[str, str]:
    """The kind of a line of the trace, and its stroke from where it stands."""
    if line.who == "server":
        sends = _SENDS.match(line.what)
        if sends is None:
            return "act", f"{_short(_MIDDLE - 5)}h0"
        tall = min(4 + 5 * math.log10(1 + int(sends[1])), _TALL)
        return "sent", f"{_short(_MIDDLE - 3)}v{_short(-tall)}"
    if line.who != "reader":
        return "other", f"{_short(_MIDDLE)}h0"
    if line.what != "got" or line.data == "StopAsyncIteration":
        bad = ": " in line.what and not line.what.endswith(": done")
        return ("bad" if bad else "end"), f"{_short(_MIDDLE + 3)}v{_short(_LOW + 8)}"
    return ("bad" if _BAD.match(line.data) else "item"), f"{_short(_MIDDLE + 3)}v{_short(_LOW)}"


def _spread(trace: Sequence[Line]) -> tuple[list[float], list[tuple[float, float]], float]:
    """Where each line stands, the gaps (place and seconds), and how wide it all is, counted in lines."""
    places: list[float] = []
    gaps: list[tuple[float, float]] = []
    place, before = 0.0, trace[0].at
    for line in trace:
        if line.at - before > _NOTICED:
            gaps.append((place, line.at - before))
            place += _GAP
        places.append(place)
        place, before = place + 1, line.at
    return places, gaps, max(place, 24.0)


def _gap(x: float, width: float, seconds: float) -> Markup:
    told = f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms"
    words = tag("text", told, x=_short(x + width / 2), y=10, class_="gap-words") if width > len(told) * 5.5 else None
    return tag(
        "g",
        tag("title", f"{seconds:.6g} s passed"),
        tag("rect", x=_short(x), y=0, width=_short(width), height=_short(HEIGHT), class_="gap"),
        words,
    )


def _svg(label: str, *children: object, style: str | None = None) -> Markup:
    return tag("svg", *children, viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}", role="img", aria_label=label, style=style)


def _short(number: float) -> str:
    """As few digits as can be seen."""
    return f"{number:.1f}".removesuffix(".0")
