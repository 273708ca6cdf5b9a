"""The measurements as text, as JSON, and as a page with a picture."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

PACKAGES = (
    "bourn",
    "aiohttp",
    "msgspec",
    "uvloop",
    "openai",
    "anthropic",
    "litellm",
    "any-llm-sdk",
    "langchain-openai",
    "pydantic-ai-slim",
    "httpx",
)


HEAD = """# Performance

Made by `python -m bench --write` (dependency group `bench`) in one run: each figure in a process of its own, the readers in
turn, round after round, against a process that does nothing but send pre-rendered bytes over loopback. CPU is the reader's own,
user and system. Of CPU, and of the time of a call, a figure is the least of the rounds, since what else the machine does only
adds to it; other figures are medians. *Ratio* is to the first row.

- `floor` is the bytes themselves: a socket, the body's chunks and the frames cut by hand, each payload decoded into a dict. It
  checks no status, content type, checksum or limit, keeps no time, survives no cancellation and no odd cut, folds no response
  and makes no event.
- `aiohttp` is what many write by hand: aiohttp, lines, `json.loads`.
- `bourn` has every promise of its stream: typed events, the folded response, the four timeouts, the limits.
- the others are used as their own documentation shows, retries off; each has rows where it speaks the format.

![CPU an event, reader by reader](performance.svg)

## The bars

| what | bar | seen | |
|---|---|---|---|
{bars}

## Where

{where}
"""
"""The page before its tables."""


class Cell(NamedTuple):
    """One figure: what stands for the rounds, and their least and most."""

    figure: float
    least: float
    most: float


class Table(NamedTuple):
    """One measurement of several readers, or of several sizes."""

    title: str
    unit: str
    cells: dict[str, Cell]
    note: str = ""
    failed: Mapping[str, str] = MappingProxyType({})


def setting() -> dict[str, str]:
    """What was measured, on what."""
    found = {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "absent"
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def as_json(tables: list[Table], where: dict[str, str]) -> str:
    """The figures, to be read by a program."""
    told = [
        {
            "title": table.title,
            "unit": table.unit,
            "note": table.note,
            "figure, least, most": {name: [round(value, 4) for value in cell] for name, cell in table.cells.items()},
            **({"failed": dict(table.failed)} if table.failed else {}),
        }
        for table in tables
    ]
    return json.dumps({"setting": where, "tables": told}, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> tuple[list[Table], dict[str, str]]:
    """What ``as_json`` told: the tables, and on what they were measured."""
    told = json.loads(text)
    tables = [
        Table(
            each["title"],
            each["unit"],
            {name: Cell(*cell) for name, cell in each["figure, least, most"].items()},
            each["note"],
            each.get("failed", {}),
        )
        for each in told["tables"]
    ]
    return tables, told["setting"]


def markdown(tables: list[Table], where: dict[str, str], goals: list[tuple[str, str, str, str]]) -> str:
    """The page."""
    bars = "\n".join(f"| {what} | {bar} | {seen} | {met} |" for what, bar, seen, met in goals)
    lines = [HEAD.format(bars=bars, where="; ".join(f"{name} {version}" for name, version in where.items()))]
    for table in tables:
        lines += _section(table)
    return "\n".join(lines)


def _section(table: Table) -> list[str]:
    base = next(iter(table.cells.values())).figure if table.cells else 1.0
    lines = [f"## {table.title[:1].upper()}{table.title[1:]}", "", *([table.note, ""] if table.note else [])]
    lines += [f"| | {table.unit} | least to most | ratio |", "|---|---:|---:|---:|"]
    lines += [_line(name, cell, cell.figure / base if base else 0) for name, cell in table.cells.items()]
    lines += [f"| {name} | failed: {why} | | |" for name, why in table.failed.items()]
    return [*lines, ""]


def _line(name: str, cell: Cell, ratio: float) -> str:
    return f"| {name} | {shown(cell.figure)} | {shown(cell.least)} to {shown(cell.most)} | {ratio:.2f} |"


def shown(value: float) -> str:
    """A figure with three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
