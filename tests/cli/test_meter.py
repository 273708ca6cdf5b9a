"""The footer's figures, by a clock of the test's own."""

from __future__ import annotations

import pytest

from bourn.cli.meter import Meter
from bourn.events import Finish, Start, TextDelta, TextStart, Usage
from bourn.response import Response


def metered(*at: float, usage: Usage | None, finish: Finish | None = None, stopped: bool = False) -> str:
    """The footer of an answer whose pieces came at these seconds."""
    now = 0.0
    meter, response = Meter(lambda: now), Response("p", "m")
    for event in (Start(model="m"), TextStart(0)):
        meter.see(event)
        response.fold(event)
    for second in at:
        now = second
        meter.see(TextDelta(0, "x"))
    response.fold(finish or Finish("stop", "stop", usage))
    now = 99.0  # what comes after the last piece is no part of its speed
    return meter.line("p/m", response, stopped=stopped)


@pytest.mark.parametrize(
    ("at", "usage", "line"),
    [
        ((0.25, 1.25), Usage(5, 101), "p/m · first event 250 ms · 100 tokens/s · tokens: 5 in, 101 out"),
        ((1.5, 3.5), Usage(5, 101, reasoning_tokens=60), "p/m · first event 1.5 s · 20 tokens/s · tokens: 5 in, 101 out"),
        ((0.25, 0.26), Usage(5, 101), "p/m · first event 250 ms · tokens: 5 in, 101 out"),
        ((0.25, 1.25), None, "p/m · first event 250 ms"),
        ((0.25,), Usage(None, 4), "p/m · first event 250 ms · tokens: 4 out"),
        ((), Usage(5, 0), "p/m · tokens: 5 in, 0 out"),
    ],
    ids=["all", "hidden thinking", "burst", "no usage", "one piece", "no piece"],
)
def test_the_figures(at: tuple[float, ...], usage: Usage | None, line: str) -> None:
    """Time to the first piece, speed after it, tokens; a figure that nobody told is left out."""
    assert metered(*at, usage=usage) == line


def test_the_end_that_does_not_go_without_saying() -> None:
    """A limit, a stop, a missing end mark and another model's name are told."""
    assert metered(usage=None, finish=Finish("length", "length")).endswith("finish: length")
    assert metered(usage=None, stopped=True).endswith("stopped")
    assert "unverified" in metered(usage=None, finish=Finish("other", None, verified=False))
    response = Response()
    response.fold(Start(model="m-2025"))
    assert Meter().line("p/m", response) == "p/m (m-2025)"
