"""The measurements as one picture: bars on a logarithmic scale, since the slowest is hundreds of times the fastest."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10

from bench.report import Cell, Table, shown

WIDTH, LEFT, RIGHT = 860, 170, 96
BAR, GAP = 18, 9

PANELS = (
    ("flooded, openai-chat", "An answer that comes as fast as it is read, OpenAI chat"),
    ("flooded, anthropic", "The same, Anthropic messages"),
    ("paced, 50 streams, uvloop", "Fifty answers at once, a packet an event"),
    ("paced, 5,000 streams, uvloop", "Five thousand answers at once, a packet an event"),
    ("memory, 5,000 streams, resident", "What each of five thousand open streams weighs"),
    ("import", "Import"),
)
"""Title of a table to that of its panel; a table that was not measured has none."""

COLOURS = {"bourn": "#0b7a6b", "floor": "#c3cad3"}
OTHER = "#8593a3"


def draw(tables: list[Table], where: dict[str, str]) -> str:
    """The picture as SVG; it says on what it was measured, and brings its own background."""
    found = {table.title: table for table in tables}
    shown_panels = [(title, found[name]) for name, title in PANELS if name in found and found[name].cells]
    parts, y = [], 64
    for title, table in shown_panels:
        piece, height = _panel(title, table, y)
        parts.append(piece)
        y += height
    subtitle = f"{where['machine']}; {where['python']}. Shorter is better; logarithmic; the line is from least to most."
    font = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 12}" viewBox="0 0 {WIDTH} {y + 12}" role="img" '
        f'font-family="{font}" font-size="13" fill="#1d2733">\n'
        f'<rect width="100%" height="100%" rx="8" fill="#fff"/>\n'
        f'<text x="20" y="30" font-size="18" font-weight="600">What an event costs</text>\n'
        f'<text x="20" y="49" fill="#5b6875">{escape(subtitle)}</text>\n' + "".join(parts) + "</svg>\n"
    )


def _panel(title: str, table: Table, top: int) -> tuple[str, int]:
    """One table's bars, and their height."""
    least = 10 ** floor(log10(min(cell.least for cell in table.cells.values()) or 1))
    most = 10 ** ceil(log10(max(cell.most for cell in table.cells.values())))
    scale = (WIDTH - LEFT - RIGHT) / log10(most / least)
    y, bottom = top + 40, top + 40 + len(table.cells) * (BAR + GAP)
    parts = [
        f'<text x="20" y="{top + 22}" font-weight="600">{escape(title)}</text>',
        f'<text x="{WIDTH - 20}" y="{top + 22}" text-anchor="end" fill="#5b6875">{escape(table.unit)}</text>',
    ]
    for power in range(round(log10(most / least)) + 1):
        x = LEFT + power * scale
        parts.append(f'<path d="M{x:.1f} {top + 34}V{bottom}" stroke="#e6eaee"/>')
        place = f'x="{x:.1f}" y="{bottom + 12}" text-anchor="middle" font-size="10" fill="#8593a3"'
        parts.append(f"<text {place}>{_power(least * 10**power)}</text>")
    for at, (name, cell) in enumerate(table.cells.items()):
        parts.append(_bar(name, cell, y + at * (BAR + GAP), least, scale))
    return "\n".join(parts) + "\n", bottom - top + 22


def _bar(name: str, cell: Cell, y: int, least: float, scale: float) -> str:
    def place(value: float) -> float:
        return max(2.0, log10(value / least) * scale) if value > 0 else 2.0

    long, middle = place(cell.figure), y + BAR / 2
    weight = ' font-weight="600"' if name.startswith("bourn") else ""
    colour = COLOURS.get(name.partition(",")[0], OTHER)
    spread = f"M{LEFT + place(cell.least):.1f} {middle}H{LEFT + place(cell.most):.1f}"
    return (
        f'<text x="{LEFT - 10}" y="{y + 13}" text-anchor="end"{weight}>{escape(name)}</text>'
        f'<rect x="{LEFT}" y="{y}" width="{long:.1f}" height="{BAR}" rx="3" fill="{colour}"/>'
        f'<path d="{spread}" stroke="#1d2733" stroke-opacity=".55" stroke-width="2"/>'
        f'<text x="{LEFT + max(long, place(cell.most)) + 7:.1f}" y="{y + 13}"{weight}>{shown(cell.figure)}</text>'
    )


def _power(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
