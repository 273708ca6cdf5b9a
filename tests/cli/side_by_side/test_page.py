"""The comparison as a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from bourn.cli.side_by_side.page import LEFT, RIGHT, WIDTH, page, picture
from tests.cli.side_by_side.made import entry

HOSTILE = "<script>alert('x')</script>\"&"


class Outline(HTMLParser):
    """Tags that were opened and not closed, and all text."""

    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_everything_is_escaped() -> None:
    """Every tag is closed, nothing is loaded, and what was said is text."""
    outline = Outline()
    text = page(f"Why? {HOSTILE}", [entry(f"a/{HOSTILE}", (1.0, HOSTILE)), entry("b/b", (2.0, "Because."))])
    outline.feed(text)
    assert outline.open == []
    assert "script" not in outline.seen
    assert outline.text.count(HOSTILE) >= 4
    assert not re.search(r"(?:src|href|url\()", text)


def test_the_picture_ends_where_the_last_piece_came() -> None:
    """All lanes are on one scale: the longest reaches the right end, half as long half as far."""
    drawn = picture([entry("a/a", (1.0, "x"), (2.0, "y")), entry("b/b", (4.0, "z"))])
    ends = [max(map(float, re.findall(r"H([\d.]+)", path))) for path in re.findall(r'd="([^"]+)"', drawn)]
    room = WIDTH - LEFT - RIGHT
    assert ends == [LEFT + room / 2, LEFT + room]
    assert "4.00 s" in drawn


def test_many_pieces_are_drawn_as_few_steps() -> None:
    """A page stays small however long the answer."""
    assert len(picture([entry("a/a", *((at / 1000, "x") for at in range(1, 50_000)))])) < 50_000


def test_an_answer_that_never_came_has_no_picture() -> None:
    """Nor a division by nothing."""
    assert picture([entry("a/a", over=False)]) == ""
