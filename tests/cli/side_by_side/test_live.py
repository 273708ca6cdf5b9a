"""The block that is drawn while answers come."""

from __future__ import annotations

import io
import sys

import pytest

from bourn.cli.canvas import cells
from bourn.cli.side_by_side.live import Live, block
from bourn.cli.terminal import Console
from tests.cli.conftest import Terminal
from tests.cli.side_by_side.made import entry

LONG = entry("a/long", *((float(at), f"word{at} ") for at in range(200)), over=False)
SHORT = entry("b/short", (1.0, "Hi"))


def test_the_end_of_a_long_answer_is_shown() -> None:
    """Name and state above, the last lines under them, and nothing wider or taller than there is room."""
    lines = block([LONG, SHORT], 60, 10)
    assert len(lines) <= 10
    assert all(cells(line) <= 60 for line in lines)
    assert lines[0].startswith("a/long")
    assert "b/short" in lines[0]
    assert "first event 0.00 s, …" in lines[1]
    assert "word199" in "".join(lines)
    assert "word3 " not in "".join(lines)
    assert "Hi" in lines[2]


@pytest.mark.parametrize("width", [20, 47, 80])
@pytest.mark.parametrize("height", [1, 5, 24])
def test_it_is_never_taller_than_the_terminal(width: int, height: int) -> None:
    """Also where every column stands in a row of its own."""
    assert len(block([LONG, SHORT, LONG], width, height)) <= height


def test_what_a_model_says_cannot_move_the_cursor() -> None:
    """Control characters are shown, not obeyed."""
    lines = block([entry("a/b", (1.0, "x\x1b[2Jy")), SHORT], 80, 10)
    assert "\x1b" not in "".join(lines)
    assert "x␛[2Jy" in "".join(lines)


def test_each_drawing_replaces_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor goes up by as many lines as were drawn, and clearing leaves none."""
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    live = Live(Console({}), [LONG, SHORT])
    live.draw()
    drawn = out.getvalue().count("\n")
    live.draw()
    live.clear()
    assert out.getvalue().count(f"\x1b[{drawn}F\x1b[J") == 2
    assert out.getvalue().endswith("\x1b[J")
