"""Several answers as one HTML page: the texts beside each other, the figures, and when their pieces came, as a picture.

House rule: the page needs nothing but itself, and everything that was asked or answered is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bourn.cli.side_by_side.entry import Entry
from bourn.cli.side_by_side.figures import figures

WIDTH, LANE, LEFT, RIGHT = 1000, 44, 230, 70
"""Of the picture, in its own units: a lane for each answer, the names on the left."""
COLOURS = ("#0a7d6c", "#b4530a", "#4655c4", "#a02c6d", "#5b7312", "#2b7a9c")

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #777; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.1rem; font-weight: 600; white-space: pre-wrap; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; align-items: start; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: 0 1rem 1rem; overflow-wrap: anywhere; }
article h2 { font-size: 1rem; border-left: .4rem solid; padding-left: .5rem; }
article p { white-space: pre-wrap; }
.error { color: #b3261e; }
table { border-collapse: collapse; margin: 2rem 0 1rem; width: 100%; font-variant-numeric: tabular-nums; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: right; }
td:first-child, th:first-child, td:last-child, th:last-child { text-align: left; }
svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; } svg text { fill: currentColor; }
@media (prefers-color-scheme: dark) { .error { color: #ff8a80; } }
"""


def page(prompt: str, entries: Sequence[Entry]) -> str:
    """The whole page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(prompt[:60])}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{escape(prompt)}</h1>\n<main>\n{''.join(_article(at, entry) for at, entry in enumerate(entries))}</main>\n"
        f"{_table(entries)}\n{picture(entries)}\n</body></html>\n"
    )


def _article(at: int, entry: Entry) -> str:
    error = f'<p class="error">{escape(str(entry.error))}</p>' if entry.error is not None else ""
    colour = COLOURS[at % len(COLOURS)]
    heading = f'<h2 style="border-color:{colour}">{escape(entry.model)}</h2>'
    return f"<article>{heading}<p>{escape(entry.text)}</p>{error}</article>\n"


def _table(entries: Sequence[Entry]) -> str:
    headings = "".join(f"<th>{heading}</th>" for heading in ("model", *figures(entries[0])))
    rows = "".join(
        f"<tr><td>{escape(entry.model)}</td>{''.join(f'<td>{escape(word)}</td>' for word in figures(entry).values())}</tr>"
        for entry in entries
    )
    return f"<table><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table>"


def picture(entries: Sequence[Entry]) -> str:
    """How much of each answer was there at each moment: a staircase in a lane of its own, all on one scale of time."""
    end = max((at for entry in entries for at, _ in entry.arrivals), default=0.0)
    if end <= 0:
        return ""
    height = LANE * len(entries) + 24
    lanes = "".join(_lane(at, entry, end) for at, entry in enumerate(entries))
    scale = "".join(
        f'<text x="{_x(end * part / 4, end):.1f}" y="{height - 6}" text-anchor="middle">{end * part / 4:.2f} s</text>'
        for part in range(5)
    )
    label = "When the pieces of each answer came"
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{lanes}{scale}</svg>'


def _lane(at: int, entry: Entry, end: float) -> str:
    bottom = LANE * (at + 1)
    total = sum(size for _, size in entry.arrivals) or 1
    seen, points = 0, [f"M{LEFT},{bottom}"]
    for moment, size in _thinned(entry.arrivals):
        points.append(f"H{_x(moment, end):.1f}")
        seen += size
        points.append(f"V{bottom - seen / total * (LANE - 12):.1f}")
    last = entry.arrivals[-1][0] if entry.arrivals else 0.0
    colour = COLOURS[at % len(COLOURS)]
    name = entry.model if len(entry.model) <= 30 else f"{entry.model[:29]}…"
    return (
        f'<text x="{LEFT - 8}" y="{bottom - 4}" text-anchor="end">{escape(name)}</text>'
        f'<path d="{"".join(points)}V{bottom}Z" fill="{colour}" fill-opacity=".35" stroke="{colour}"/>'
        f'<text x="{_x(last, end) + 4:.1f}" y="{bottom - 4}">{last:.2f} s</text>'
    )


def _thinned(arrivals: Sequence[tuple[float, int]], most: int = 1000) -> list[tuple[float, int]]:
    """At most so many steps: more cannot be seen."""
    share = max(1, -(-len(arrivals) // most))
    groups = [arrivals[at : at + share] for at in range(0, len(arrivals), share)]
    return [(group[-1][0], sum(size for _, size in group)) for group in groups]


def _x(moment: float, end: float) -> float:
    return LEFT + moment / end * (WIDTH - LEFT - RIGHT)
