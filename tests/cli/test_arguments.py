"""Values of the command line."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from bourn.cli.arguments import TIME_LIMITS, effort, time_limits
from bourn.transport.limits import Timeouts


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("60", {"total": 60.0}),
        ("connect=5,idle=1.5", {"connect": 5.0, "idle": 1.5}),
        ("first-event=none", {"first_event": None}),
        ("total=9, idle=none", {"total": 9.0, "idle": None}),
    ],
)
def test_time_limits(text: str, limits: dict[str, Any]) -> None:
    """A number limits the whole answer, names limit what they name, `none` lifts."""
    assert time_limits(text) == limits


@pytest.mark.parametrize("text", ["", "soon", "idle=", "idle=x", "lunch=1", "5,"])
def test_wrong_time_limits(text: str) -> None:
    """What is no limit is refused."""
    with pytest.raises(argparse.ArgumentTypeError):
        time_limits(text)


def test_the_time_limits_are_those_of_the_library() -> None:
    """What can be named is what `bourn.Timeouts` has."""
    assert set(TIME_LIMITS) == set(Timeouts.__struct_fields__)


def test_an_effort_is_a_word_or_a_number() -> None:
    """`high` stays a word, `2048` becomes a number of tokens."""
    assert (effort("high"), effort("2048")) == ("high", 2048)
