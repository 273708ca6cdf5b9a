"""The progress bar, drawn by a clock of its own."""

from __future__ import annotations

import io

from bourn.cli.progress import Progress


class Run:
    """A bar, the seconds that its clock says, and what it wrote."""

    def __init__(self, *, drawn: bool) -> None:
        self.now = 0.0
        self.stream = io.StringIO()
        self.bar = Progress("model", self.stream, drawn=drawn, clock=lambda: self.now)

    def at(self, seconds: float, done: int, total: int = 100_000_000) -> str:
        """What the bar writes now."""
        self.now = seconds
        before = len(self.stream.getvalue())
        self.bar(done, total)
        return self.stream.getvalue()[before:]


def test_a_drawn_bar_says_share_rate_and_time_left() -> None:
    """One line, begun anew: bar, per cent, bytes, rate, time left."""
    run = Run(drawn=True)
    assert run.at(0, 0) == "\rmodel " + "░" * 24 + "   0 %  0.0 of 100.0 MB\x1b[K"
    assert run.at(2, 25_000_000) == "\rmodel " + "█" * 6 + "░" * 18 + "  25 %  25.0 of 100.0 MB  12.5 MB/s  0:06 left\x1b[K"
    assert run.at(8, 100_000_000) == "\rmodel " + "█" * 24 + " 100 %  100.0 of 100.0 MB  12.5 MB/s\x1b[K"


def test_a_bar_is_drawn_ten_times_a_second_and_at_the_end() -> None:
    """Many calls cost few writes; the last one always shows."""
    run = Run(drawn=True)
    assert run.at(0, 0)
    assert not run.at(0.05, 10)
    assert run.at(0.2, 20)
    assert run.at(0.21, 100_000_000)


def test_elsewhere_a_line_every_tenth() -> None:
    """In a log file there are whole lines, eleven of them, and no control characters."""
    run = Run(drawn=False)
    for step in range(1001):
        run.at(step / 100, step * 100_000)
    run.bar.end()
    lines = run.stream.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[0] == "model:   0 %  0.0 of 100.0 MB"
    assert lines[5] == "model:  50 %  50.0 of 100.0 MB  10.0 MB/s  0:05 left"


def test_a_resumed_download_has_the_rate_of_this_run() -> None:
    """What an earlier run had brought does not count as fast."""
    run = Run(drawn=True)
    run.at(0, 90_000_000)
    assert "1.0 MB/s  0:09 left" in run.at(1, 91_000_000)


def test_a_download_that_begins_anew_is_shown_anew() -> None:
    """When the server cannot resume, or another source is tried, the figures start again."""
    run = Run(drawn=False)
    run.at(0, 50_000_000)
    assert run.at(1, 0) == "model:   0 %  0.0 of 100.0 MB\n"


def test_the_end_leaves_the_line_once() -> None:
    """A drawn bar ends its line, and only if it drew something."""
    run = Run(drawn=True)
    run.bar.end()
    assert run.stream.getvalue() == ""
    run.at(0, 1)
    run.bar.end()
    run.bar.end()
    assert run.stream.getvalue().endswith("\x1b[K\n")


def test_an_empty_file_is_whole() -> None:
    """No bytes of none is all of it."""
    assert "100 %" in Run(drawn=False).at(0, 0, 0)
