"""`Timeouts` and `Limits`: every bound is checked when it is given."""

from __future__ import annotations

import math

import pytest

import bourn


@pytest.mark.parametrize("value", [0, -1, "5", True, math.nan, [1]])
@pytest.mark.parametrize("name", ["connect", "first_event", "idle", "idle_bytes", "total"])
def test_a_timeout_is_a_positive_number_or_none(name: str, value: object) -> None:
    """A wrong timeout is an InputError that names it; None waits for ever."""
    with pytest.raises(bourn.InputError, match=f"timeouts.{name} must be a positive number or None"):
        bourn.Timeouts(**{name: value})  # type: ignore[arg-type]  # that is the point
    assert getattr(bourn.Timeouts(**{name: None}), name) is None


@pytest.mark.parametrize("value", [0, -1, None, "5"])
def test_a_limit_is_a_positive_number(value: object) -> None:
    """A wrong limit is an InputError that names it."""
    with pytest.raises(bourn.InputError, match=r"limits\.frame_bytes must be a positive number, not"):
        bourn.Limits(frame_bytes=value)  # type: ignore[arg-type]  # that is the point
