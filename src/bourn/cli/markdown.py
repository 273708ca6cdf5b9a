"""Markdown to a terminal while it is being written, one character at a time and append-only.

A line's first characters are held back until they say what the line is (heading, list, quote, rule, fence, table, prose); from
there on words appear as they are whole. Headings, bold, italics, code, lists, quotes, rules and links are styled; code blocks
and tables are written as they came.

House rule: what was written is never written again or taken back; the output is the same wherever the text is cut; every letter
of the text appears; control characters in it do not reach the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from bourn.cli.canvas import Canvas
from bourn.cli.inline import BOLD, DIM, UNDERLINE, Inline, joined
from bourn.cli.terminal import harmless

BAR = "│ "
BULLET = "•"
RULE_WIDTH = 40

_UNDECIDED = re.compile(r" *(?:#{0,6}|`{0,2}|~{0,2}|\+ *|\d{1,9}(?:[.)] *)?|[-*_][-*_ ]*|`{3,}[^`]*|~{3,}.*)")
"""The beginning of a line that may become more than one thing."""
_RULE = re.compile(r" *([-*_])(?: *\1){2,} *")
_FENCE = re.compile(r" *(?P<fence>`{3,}|~{3,}).*")
_EMPTY_ITEM = re.compile(r"(?P<indent> *)(?P<mark>[-*+]|\d{1,9}[.)]) *")


class Markdown:
    """Feed it the text as it comes with :meth:`feed`, then call :meth:`close`; each gives what to write to the terminal.

    ``width`` is the number of columns for prose. After ``close`` the cursor is at the beginning of a line and no style is set.
    """

    def __init__(self, width: int) -> None:
        self._canvas = Canvas(width)
        self._state: Callable[[str], None] = self._line_start
        self._head = ""
        self._inline = Inline(self._canvas.word_text)
        self._after_bar = False
        self._blank = False
        self._wrote = False
        self._bars = 0
        self._fence = ""
        self._fence_bars = 0

    def feed(self, text: str) -> str:
        """More of the text; gives what is decided."""
        for character in harmless(text):
            self._state(character)
        return self._canvas.take()

    def close(self) -> str:
        """The text is over; gives the rest."""
        if self._head or not self._canvas.empty_line or self._state == self._prose:
            self._state("\n")
        self._canvas.end()
        return self._canvas.take()

    # --- the beginning of a line

    def _line_start(self, character: str) -> None:
        if self._is_space_after_bar(character):
            return
        if character == "\n":
            self._line_without_text()
            return
        self._head += "    " if character == "\t" else character
        if not _UNDECIDED.fullmatch(self._head):
            self._decide()

    def _decide(self) -> None:
        """The line's beginning is known: write what stands for it and go on with what is left of it."""
        head, self._head = self._head, ""
        for pattern, begin in self._BLOCKS:
            match = pattern.match(head)
            if match:
                self._open_line()
                begin(self, match)
                rest = head[match.end() :]
                break
        else:
            self._open_line()
            self._begin_prose(head)
            rest = head.lstrip(" ")
        for character in rest:
            self._state(character)

    def _line_without_text(self) -> None:
        """The line ended before it was decided: it is blank, a rule, a fence, an empty item or a few marks."""
        head, self._head = self._head, ""
        if not head.strip():
            if self._canvas.empty_line:
                self._blank = True
            else:
                self._end_line()
            return
        self._open_line()
        fence = _FENCE.fullmatch(head)
        item = _EMPTY_ITEM.fullmatch(head)
        if fence:
            self._fence, self._fence_bars = fence["fence"], self._bars
            self._canvas.raw(head, DIM)
        elif _RULE.fullmatch(head):
            self._canvas.raw("─" * RULE_WIDTH, DIM)
        elif item:
            self._begin_item(item)
        else:
            self._begin_prose(head)
            for character in head.lstrip(" "):
                self._inline.take(character)
            self._inline.end()
        self._end_line()

    def _open_line(self) -> None:
        """Something comes: the blank line that was held back before it is written now. Blank lines at both ends are dropped."""
        if self._blank and self._wrote and self._canvas.empty_line:
            self._canvas.newline()
        self._blank = False
        self._wrote = True

    def _end_line(self) -> None:
        self._canvas.newline()
        self._canvas.hang = []
        self._bars = 0
        self._after_bar = False
        self._state = self._line_start if not self._fence else self._quoted_code_start if self._fence_bars else self._code_start

    def _is_space_after_bar(self, character: str) -> bool:
        """Whether this is the one blank that belongs to the ``>`` before it."""
        follows, self._after_bar = self._after_bar, False
        return follows and character == " "

    # --- what a line can be

    def _begin_heading(self, match: re.Match[str]) -> None:
        style = joined(BOLD, UNDERLINE) if len(match["level"]) == 1 else BOLD
        self._inline = Inline(self._canvas.word_text, style)
        self._state = self._prose

    def _begin_quote(self, _match: re.Match[str] | None = None) -> None:
        self._bars += 1
        self._after_bar = True
        self._hang(BAR, DIM)

    def _begin_item(self, match: re.Match[str]) -> None:
        mark = BULLET if match["mark"] in "-*+" else match["mark"]
        self._hang(match["indent"])
        self._canvas.raw(mark + " ")
        self._canvas.hang.append((" " * (len(mark) + 1), ""))

    def _begin_table(self, _match: re.Match[str]) -> None:
        self._state = self._as_it_came

    def _begin_prose(self, head: str) -> None:
        self._hang(head[: len(head) - len(head.lstrip(" "))])
        self._inline = Inline(self._canvas.word_text)
        self._state = self._prose

    def _hang(self, text: str, style: str = "") -> None:
        if text:
            self._canvas.raw(text, style)
            self._canvas.hang.append((text, style))

    _BLOCKS: ClassVar[tuple[tuple[re.Pattern[str], Callable[[Any, re.Match[str]], None]], ...]] = (
        (re.compile(r" {0,3}(?P<level>#{1,6}) +"), _begin_heading),
        (re.compile(r" {0,3}>"), _begin_quote),
        (re.compile(r"(?P<indent> *)(?P<mark>[-*+]|\d{1,9}[.)]) +(?=[^ ])"), _begin_item),
        (re.compile(r" *(?=\|)"), _begin_table),
    )
    """What a decided beginning is, and what begins with it; anything else is prose."""

    # --- the rest of a line

    def _prose(self, character: str) -> None:
        if character == "\n":
            self._inline.end()
            self._end_line()
        else:
            self._inline.take(character)

    def _as_it_came(self, character: str) -> None:
        if character == "\n":
            self._end_line()
        else:
            self._canvas.raw(character)

    # --- code blocks

    def _quoted_code_start(self, character: str) -> None:
        """A quoted code block's line must begin with the quote's bars; without them quote and block are over."""
        if character == ">":
            self._begin_quote()
            if self._bars == self._fence_bars:
                self._state = self._code_start
        elif not self._is_space_after_bar(character) and character != " ":
            self._fence = ""
            self._state = self._line_start
            self._line_start(character)

    def _code_start(self, character: str) -> None:
        if self._is_space_after_bar(character):
            return
        if character == "\n":
            self._code_line_end()
            return
        self._head += character
        if self._head.strip(" " + self._fence[0]):
            self._canvas.raw(self._head)
            self._head = ""
            self._state = self._as_it_came

    def _code_line_end(self) -> None:
        """The line had nothing but blanks and fence marks: it may close the block."""
        head, self._head = self._head, ""
        marks = head.strip(" ")
        closes = len(marks) >= len(self._fence) and not marks.strip(self._fence[0])
        self._canvas.raw(head, DIM if closes else "")
        self._fence = "" if closes else self._fence
        self._end_line()
