"""The table of figures, and the picture of arrivals in text."""

from __future__ import annotations

from bourn.cli.side_by_side.figures import table, timeline
from tests.cli.side_by_side.made import entry

QUICK = entry("a/quick", (0.5, "one "), (1.0, "two "), (2.0, "three"))
SLOW = entry("b/slow", (3.0, "x"), (4.0, "y" * 20))
NEVER = entry("c/never", over=False)


def test_the_table() -> None:
    """First event, time, speed, tokens, characters and ending of each; a dash where there is none."""
    heading, quick, slow, never = table([QUICK, SLOW, NEVER])
    assert heading.split() == ["model", "first", "event", "total", "tokens/s", "in", "out", "characters", "finish"]
    assert quick.split() == ["a/quick", "0.50", "s", "2.00", "s", "799", "3", "1,200", "13", "stop"]
    assert slow.split() == ["b/slow", "3.00", "s", "4.00", "s", "1199", "3", "1,200", "21", "stop"]
    assert never.split() == ["c/never", "-", "-", "-", "-", "-", "0", "…"]
    assert heading.index("finish") == quick.index("stop")


def test_the_timeline_is_on_one_scale() -> None:
    """Each piece is drawn when it came, as high as it was long; the smallest is seen."""
    quick, slow, never, scale = timeline([QUICK, SLOW, NEVER], 9 + 16)
    assert quick == "a/quick    ▂ ▂   ▂"
    assert slow == "b/slow" + " " * 15 + "▁  █"
    assert never == "c/never"
    assert scale == "         0 s       4.00 s"


def test_no_answer_no_timeline() -> None:
    """There is nothing to draw."""
    assert timeline([NEVER], 80) == []
