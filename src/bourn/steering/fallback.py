"""Fallback: the next candidate when one fails.

House rule: who fails is never asked again; the error at the end tells what each of them said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from bourn.errors import BournError, BusyError, ClosedError, InputError
from bourn.steering.candidate import Candidate
from bourn.steering.failures import given_up, none_answered
from bourn.steering.policy import error_classes
from bourn.steering.serial import SerialSource, Step

CALLERS_OWN = (InputError, ClosedError, BusyError)
"""Errors of the caller's own making: another model would not help."""


class FallbackPlan:
    """Candidates in order. ``on`` are the errors after which the next one is asked; ``None``: all but the caller's own."""

    def __init__(self, candidates: Sequence[Candidate], on: tuple[type[BournError], ...] | None) -> None:
        self._waiting = deque(candidates)
        self._on = on
        self._failed: list[BournError] = []

    def first(self) -> Candidate:
        """The first."""
        return self._waiting.popleft()

    def next(self, error: BournError, left: float | None) -> Step | str:
        """The next one, at once."""
        self._failed.append(error)
        if not self._is_for_others(error):
            return f"{type(error).__name__} is no error after which another one is asked" if self._waiting else ""
        if left == 0 and self._waiting:
            return "timeouts.total is spent"
        return Step(self._waiting.popleft()) if self._waiting else ""

    def verdict(self, why: str) -> BournError:
        """The last error; after several, with what each model said."""
        failed = [error.fresh() for error in self._failed]
        last = none_answered(failed) if len(failed) > 1 else failed[0]
        return given_up(last, why, "no other model was asked")

    def _is_for_others(self, error: BournError) -> bool:
        return not isinstance(error, CALLERS_OWN) if self._on is None else isinstance(error, self._on)


def fallback(candidates: Sequence[Candidate], *, on: tuple[type[BournError], ...] | None, recover: bool) -> Candidate:
    """A candidate that is the first of several to answer. Raises ``InputError`` for what ``on`` and ``recover`` cannot be."""
    error_classes("on", on)
    if not isinstance(recover, bool):
        raise InputError(f"recover must be True or False, not {recover!r}")
    first = candidates[0]
    asks = tuple(candidate.asks for candidate in candidates)
    restarts = recover or any(candidate.restarts for candidate in candidates)

    def make(total: float | None) -> SerialSource:
        return SerialSource(FallbackPlan(candidates, on), total=total, recover=recover, told=_untold)

    return Candidate(first.provider, first.model, make, asks, restarts)


def _untold(error: BournError, pause: float) -> None:
    """Each model's call is observed as a call of its own."""
