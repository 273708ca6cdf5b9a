"""Texts in columns: wrapped to a width in cells, cut to a height, joined line by line.

House rule: every line is exactly as wide as it should be, whatever characters are in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from bourn.cli.canvas import cells

GAP = " │ "
NARROWEST = 24
"""Cells; where columns would be narrower, they stand in several rows."""


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` cells, broken between words, and inside those that are too long."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.replace("\t", "    ").split(" "):
            joined = f"{line} {word}" if line else word
            if cells(joined) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            *whole, line = _broken(word, width)
            lines += whole
        lines.append(line)
    return lines


def _broken(word: str, width: int) -> list[str]:
    """A word in pieces that fit."""
    pieces, piece, taken = [], "", 0
    for character in word:
        size = cells(character)
        if taken + size > width and piece:
            pieces.append(piece)
            piece, taken = "", 0
        piece += character
        taken += size
    return [*pieces, piece]


def fit(line: str, width: int) -> str:
    """The line filled up to ``width`` cells, or cut to it with an ellipsis."""
    if cells(line) > width:
        while line and cells(line) > width - 1:
            line = line[:-1]
        line += "…"
    return line + " " * (width - cells(line))


def rows_of(count: int, width: int) -> list[int]:
    """How many columns stand in each row, so that none is too narrow; as even as can be."""
    most = max(1, (width + len(GAP)) // (NARROWEST + len(GAP)))
    rows = -(-count // most)
    return [count // rows + (at < count % rows) for at in range(rows)]


def side_by_side(columns: Sequence[Sequence[str]], width: int) -> list[str]:
    """Columns of lines, beside each other in ``width`` cells; the last is as wide as what is left."""
    each = (width - len(GAP) * (len(columns) - 1)) // len(columns)
    lines = zip_longest(*columns, fillvalue="")
    return [GAP.join(fit(line, each) for line in row).rstrip() for row in lines]


def column_width(count: int, width: int) -> int:
    """Cells of one of ``count`` columns."""
    return (width - len(GAP) * (count - 1)) // count
