"""Styled words on lines of a bounded width, as text for a terminal.

House rule: append-only. A word is written once it is known to be whole, on the line where it fits; what was written is never
moved. The same words give the same text however they were handed in.
"""

from __future__ import annotations

import re
import unicodedata

_ODD = re.compile(r"[^\x20-\x7e]")


def cells(text: str) -> int:
    """How many columns ``text`` takes: wide characters two, combining ones none."""
    if not _ODD.search(text):
        return len(text)
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _stands_alone(character: str) -> bool:
    """Whether a line may break before this character: scripts that are written without spaces."""
    return character > "\u2e7f" and unicodedata.east_asian_width(character) in "WF" and character.isalnum()


class Canvas:
    """Collects text with :meth:`word_text`, :meth:`raw` and :meth:`newline`; :meth:`take` gives what is ready.

    ``hang`` is what every continued line of a wrapped paragraph begins with (a quote's bar, a list's indent), in pieces of text
    and style.
    """

    def __init__(self, width: int) -> None:
        self.hang: list[tuple[str, str]] = []
        self._width = width
        self._ready: list[str] = []
        self._pen = ""
        self._column = 0
        self._gap: list[tuple[str, str]] = []
        self._word: list[tuple[str, str]] = []

    @property
    def empty_line(self) -> bool:
        """Whether nothing stands on the current line yet."""
        return not (self._column or self._gap or self._word)

    def word_text(self, text: str, style: str = "") -> None:
        """Prose, broken between words where the line is full."""
        for character in text:
            if character in " \t":
                self._end_word()
                self._gap.append((" ", style))
            elif _stands_alone(character):
                self._end_word()
                self._word.append((character, style))
            else:
                self._word.append((character, style))

    def raw(self, text: str, style: str = "") -> None:
        """Text that is never broken: code, tables, bars and bullets."""
        self._end_word()
        self._write_gap()
        self._write(text, style)

    def newline(self) -> None:
        """End the line; blanks at its end are dropped."""
        self._end_word()
        self._gap.clear()
        self._set_pen("")
        self._ready.append("\n")
        self._column = 0

    def take(self) -> str:
        """What can be written to the terminal now."""
        text = "".join(self._ready)
        self._ready.clear()
        return text

    def end(self) -> None:
        """Nothing more comes: the last word is written and the terminal's style set back."""
        self._end_word()
        self._gap.clear()
        self._set_pen("")

    def _end_word(self) -> None:
        if not self._word:
            return
        word, self._word = self._word, []
        needed = sum(cells(text) for text, _ in self._gap) + sum(cells(text) for text, _ in word)
        if self._gap_or_wide(word) and self._column + needed > self._width and self._column > self._hang_cells():
            self._break()
        self._write_gap()
        for text, style in word:
            self._write(text, style)

    def _gap_or_wide(self, word: list[tuple[str, str]]) -> bool:
        return bool(self._gap) or _stands_alone(word[0][0])

    def _hang_cells(self) -> int:
        return sum(cells(text) for text, _ in self.hang)

    def _break(self) -> None:
        self._gap.clear()
        self._set_pen("")
        self._ready.append("\n")
        self._column = 0
        for text, style in self.hang:
            self._write(text, style)

    def _write_gap(self) -> None:
        for text, style in self._gap:
            self._write(text, style)
        self._gap.clear()

    def _write(self, text: str, style: str) -> None:
        self._set_pen(style)
        self._ready.append(text)
        self._column += cells(text)

    def _set_pen(self, style: str) -> None:
        if style == self._pen:
            return
        self._ready.append(f"\x1b[0;{style}m" if style else "\x1b[0m")
        self._pen = style
