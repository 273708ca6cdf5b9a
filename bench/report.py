"""The measurements as text, as JSON, as a page with a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

WIDTH, BAR, LEFT = 760, 22, 150


class Cell(NamedTuple):
    """One figure: its median, least and most over the rounds."""

    median: float
    least: float
    most: float


def write(table: dict[str, dict[str, Cell]], versions: dict[str, str], root: Path, *, keep: bool) -> None:
    """Print the table; with ``keep`` also write bench/results.json, docs/performance.md and its picture."""
    page = markdown(table, versions)
    print(page)
    if keep:
        (root / "bench" / "results.json").write_text(json.dumps({"versions": versions, "table": table}, indent=1) + "\n")
        (root / "docs" / "performance.svg").write_text(picture(next(iter(table)), next(iter(table.values()))))
        (root / "docs" / "performance.md").write_text(page)


def markdown(table: dict[str, dict[str, Cell]], versions: dict[str, str]) -> str:
    """The page."""
    lines = [
        "# Performance",
        "",
        "Made by `python -m bench --write` in one run: each reader in a process of its own, in turn, against a process that",
        "sends pre-rendered bytes. *Ratio* is to the first row. `floor` is the bytes read from a socket and each payload",
        "decoded by hand, with nothing kept and nothing promised; bourn's row has every promise of its stream.",
        "",
        "![CPU per event](performance.svg)",
        "",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        "",
    ]
    for title, cells in table.items():
        base = next(iter(cells.values())).median if cells else 1
        lines += [f"## {title}", "", "| reader | median | least to most | ratio |", "|---|---:|---:|---:|"]
        lines += [
            f"| {name} | {_shown(cell.median)} | {_shown(cell.least)} to {_shown(cell.most)} | {cell.median / base:.1f} |"
            for name, cell in cells.items()
        ]
        lines.append("")
    return "\n".join(lines)


def picture(title: str, cells: dict[str, Cell]) -> str:
    """Horizontal bars on a logarithmic scale, since the slowest is hundreds of times the fastest."""
    from math import log10

    top = max(cell.median for cell in cells.values())
    scale = (WIDTH - LEFT - 90) / log10(top / 0.5)
    bars = []
    for at, (name, cell) in enumerate(cells.items()):
        y, long = 40 + at * (BAR + 8), max(2.0, log10(cell.median / 0.5) * scale)
        fill = "#0a7d6c" if name == "bourn" else "#9aa5b1"
        bars += [
            f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end">{name}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{long:.0f}" height="{BAR}" rx="3" fill="{fill}"/>',
            f'<text x="{LEFT + long + 6:.0f}" y="{y + 16}">{_shown(cell.median)}</text>',
        ]
    height = 50 + len(cells) * (BAR + 8)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="14">'
        f'<rect width="100%" height="100%" fill="#fff"/><text x="12" y="24" font-weight="bold">{title}, logarithmic</text>'
        f"{''.join(bars)}</svg>\n"
    )


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
