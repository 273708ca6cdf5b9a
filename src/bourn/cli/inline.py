r"""Inline markdown, one character at a time: code, bold, italic, struck out, links, escapes.

A mark that may open a span is held back until the span closes on the same line and is then written in its style; when the line
ends first, or after ``PATIENCE`` characters, it was text and is written as it came. So nothing is ever taken back, a lone
asterisk stays an asterisk, and no letter is lost.

House rule: where CommonMark would swallow what a programmer means (``__init__``, ``2*3*4``, ``snake_case``, ``\(`` of LaTeX),
the text wins over the mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Emit = Callable[[str, str], None]
"""Takes a piece of text and its style: SGR parameters such as ``1;3``, or nothing."""

BOLD, DIM, ITALIC, UNDERLINE, STRUCK, CODE = "1", "2", "3", "4", "9", "36"
PATIENCE = 400
"""Characters that an open span may hold back; longer than a bold sentence, short enough not to look stuck."""


def joined(*styles: str) -> str:
    """One style of several."""
    return ";".join(style for style in styles if style)


def _code(match: re.Match[str], style: str, emit: Emit) -> None:
    text = match["text"]
    padded = text[0] == text[-1] == " " and text.strip()
    emit(text[1:-1] if padded else text, joined(style, CODE))


def _styled(*added: str) -> Callable[[re.Match[str], str, Emit], None]:
    def show(match: re.Match[str], style: str, emit: Emit) -> None:
        inner = Inline(emit, joined(style, *added))
        for character in match["text"]:
            inner.take(character)
        inner.end()

    return show


def _link(match: re.Match[str], style: str, emit: Emit) -> None:
    _styled(UNDERLINE)(match, style, emit)
    if match["text"] != match["url"] and match["url"]:
        emit(" ", style)
        emit(f"({match['url']})", joined(style, DIM))


def _escaped(match: re.Match[str], style: str, emit: Emit) -> None:
    emit(match["text"], style)


_CODE_IN = r"`[^`\n]+`"
_ESCAPE = r"\\[^\n]"
_BOTH_IN = rf"(?P<text>(?:{_ESCAPE}|[^*`\\\n])+?)"
_BOLD_IN = rf"(?P<text>(?:{_CODE_IN}|{_ESCAPE}|\*(?![\s*])[^*`\n]*\*|\*(?=\s)|[^*`\\\n])+?)"
_ITALIC_IN = rf"(?P<text>(?:{_CODE_IN}|{_ESCAPE}|\*\*[^*`\n]+\*\*|[^*`\\\n])+?)"
_UNDERSCORED_IN = rf"(?P<text>(?:{_CODE_IN}|{_ESCAPE}|[^`\\\n])+?)"
_STRUCK_IN = rf"(?P<text>(?:{_ESCAPE}|[^~\\\n])+?)"
_LINK_IN = r"\[(?P<text>[^\[\]\n]+)\]\((?P<url>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)"

SPANS: dict[str, tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str, Emit], None]], ...]] = {
    "`": ((re.compile(r"(`+)(?!`)(?P<text>[^\n]+?)(?<!`)\1(?=[^`])"), _code),),
    "*": (
        (re.compile(rf"\*\*\*(?![\s*]){_BOTH_IN}(?<!\s)\*\*\*(?=[^*])"), _styled(BOLD, ITALIC)),
        (re.compile(rf"\*\*(?![\s*]){_BOLD_IN}(?<!\s)\*\*(?=[^*])"), _styled(BOLD)),
        (re.compile(rf"\*(?![\s*]){_ITALIC_IN}(?<!\s)\*(?=[^*A-Za-z0-9])"), _styled(ITALIC)),
    ),
    "_": ((re.compile(rf"_(?![\s_]){_UNDERSCORED_IN}(?<![\s_])_(?=\W)"), _styled(ITALIC)),),
    "~": ((re.compile(rf"~~(?![\s~]){_STRUCK_IN}(?<!\s)~~(?=[^~])"), _styled(STRUCK)),),
    "[": ((re.compile(_LINK_IN), _link),),
    "!": ((re.compile("!" + _LINK_IN), _link),),
    "\\": ((re.compile(r"\\(?P<text>[\\`*_{}#+\-.!|~<>])"), _escaped),),
}
"""Mark to its spans. A pattern looks at most one character past the closing mark, since more may not have come yet."""

HOPES: dict[str, re.Pattern[str]] = {
    "`": re.compile(r"`+(?:[^`].*)?"),
    "*": re.compile(r"\*{1,3}(?:[^\s*].*)?"),
    "_": re.compile(r"_(?:[^\s_].*)?"),
    "~": re.compile(r"~(?:~(?:[^\s~].*)?)?"),
    "[": re.compile(r"\[(?:[^\[\]]+(?:\](?:\(\S*)?)?)?"),
    "!": re.compile(r"!(?:\[(?:[^\[\]]+(?:\](?:\(\S*)?)?)?)?"),
    "\\": re.compile(r"\\"),
}
"""Mark to what can still become one of its spans."""

RUN = re.compile(r"`+|\*+|_+|~+|[^`*_~]")
"""What is written as it came once hope is lost: the whole run of one mark."""


class Inline:
    """The inline state of one line: :meth:`take` each character, then :meth:`end`. ``style`` is the style of the whole line."""

    def __init__(self, emit: Emit, style: str = "") -> None:
        self._emit = emit
        self._style = style
        self._held = ""
        self._before = ""

    def take(self, character: str) -> None:
        """The next character of the line; not a line feed."""
        if not self._held and character not in SPANS:
            self._write(character)
            return
        self._held += character
        while self._held and self._settle(self._held, ended=False):
            pass

    def end(self) -> None:
        """The line is over: what is still held is written, as spans where they are closed."""
        while self._held:
            self._settle(self._held, ended=True)

    def _settle(self, held: str, *, ended: bool) -> bool:
        """Write the first thing that is held, if it is decided."""
        mark = held[0]
        if mark not in SPANS:
            self._write(mark)
            self._held = held[1:]
            return True
        if self._may_open(mark):
            for pattern, show in SPANS[mark]:
                match = pattern.match(held + "\n" if ended else held)
                if match:
                    show(match, self._style, self._emit)
                    self._before = held[match.end() - 1]
                    self._held = held[match.end() :]
                    return True
            if not ended and len(held) <= PATIENCE and HOPES[mark].fullmatch(held):
                return False
        return self._give_up(held, ended=ended)

    def _give_up(self, held: str, *, ended: bool) -> bool:
        run = RUN.match(held)
        assert run is not None
        if run.end() == len(held) and not ended and held[0] in "*_~" and len(held) <= PATIENCE:
            return False  # the run may still grow: what follows it decides nothing, but its length does
        self._write(run[0])
        self._held = held[run.end() :]
        return True

    def _may_open(self, mark: str) -> bool:
        """``_`` and ``*`` inside a word are text; ``**`` is not asked, since languages without spaces put it inside words."""
        if mark == "_":
            return not (self._before.isalnum() or self._before == "_")
        if mark == "*" and not self._held.startswith("**"):
            return not (self._before.isascii() and self._before.isalnum()) or self._held == "*"
        return True

    def _write(self, text: str) -> None:
        self._emit(text, self._style)
        self._before = text[-1]
