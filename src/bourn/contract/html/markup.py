"""Elements of HTML and SVG from Python, with everything escaped that is not markup already.

    tag("p", "is 1 < 2? ", tag("b", "yes"), class_="small")        # <p class="small">is 1 &lt; 2? <b>yes</b></p>

House rule: what is not ``Markup`` is text. Text may hold any character: those that do something to a page or a reader without
being seen (control characters, changes of direction, lone surrogates) are shown instead of obeyed.
"""

from __future__ import annotations

from html import escape

DOCTYPE = "<!doctype html>\n"

_EMPTY = frozenset({"meta", "input", "br"})
"""Elements that have no end."""

_LINES = frozenset(
    {"head", "body", "main", "section", "header", "footer", "div", "details", "tr", "li", "style", "svg", "title"}
)
"""Elements that begin a line, so that the file can be read and compared."""

_SHOWN = (
    {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
    | {0x7F: 0x2421}
    | dict.fromkeys([*range(0x80, 0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF], 0xFFFD)
    | dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)
)
"""Character to the one that is shown for it: the pictures of Unicode's block 2400, else U+FFFD."""


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Anything as text in a page."""
    return value if isinstance(value, Markup) else Markup(escape(str(value).translate(_SHOWN)))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element. Of an attribute's name a ``_`` at its end is dropped, others become ``-``.

    The value ``None`` or ``False`` leaves the attribute out, ``True`` gives it no value.
    """
    told = "".join(_attribute(word.rstrip("_").replace("_", "-"), value) for word, value in attributes.items())
    line = "\n" if name in _LINES else ""
    if name in _EMPTY:
        return Markup(f"{line}<{name}{told}>")
    return Markup(f"{line}<{name}{told}>{joined(*children)}</{name}>")


def joined(*children: object) -> Markup:
    """One after the other; ``None`` is nothing."""
    return Markup("".join(text(child) for child in children if child is not None))


def prose(words: str) -> Markup:
    """Text of our own in which backticks mark code."""
    pieces = words.split("`")
    return joined(*(tag("code", piece) if at % 2 else piece for at, piece in enumerate(pieces)))


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{text(value)}"'
