"""Retry: the same candidate again.

House rule: why nothing was tried again is in the error that is raised.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from bourn.errors import BournError
from bourn.steering.candidate import Candidate
from bourn.steering.failures import given_up
from bourn.steering.policy import Budget, Retry
from bourn.steering.serial import SerialSource, Step, Told


class RetryPlan:
    """One candidate, as often as ``retry`` and ``budget`` allow."""

    def __init__(self, candidate: Candidate, retry: Retry, budget: Budget, dice: random.Random) -> None:
        self._candidate = candidate
        self._retry = retry
        self._budget = budget
        self._dice = dice
        self._failed: list[BournError] = []

    def first(self) -> Candidate:
        """It; a request earns a share of a retry."""
        self._budget.earn()
        return self._candidate

    def next(self, error: BournError, left: float | None) -> Step | str:
        """It again, if the error is one after which that may help, and neither patience nor the budget is spent."""
        retry = self._retry
        self._failed.append(error)
        count = len(self._failed)
        if not retry.again(error) or left == 0:
            return ""
        if count >= retry.attempts:
            return f"{count} attempts were made" if count > 1 else ""
        if error.retry_after is not None and error.retry_after > retry.max_wait:
            return f"the provider asks for {error.retry_after:.3g} s, which is more than retry.max_wait, {retry.max_wait:g} s"
        pause = retry.pause(count, error, self._dice)
        if left is not None and pause >= left:
            return f"a pause of {pause:.3g} s is longer than what is left of timeouts.total, {left:.3g} s"
        if not self._budget.spend():
            return "the retry budget of this client is spent"
        return Step(self._candidate, pause)

    def verdict(self, why: str) -> BournError:
        """The last error, and why it is the last."""
        return given_up(self._failed[-1].fresh(), why)


def retrying(
    candidate: Candidate, retry: Retry, budgets: dict[tuple[float, float], Budget]
) -> Callable[[float | None, Told], SerialSource]:
    """What makes a source that asks the candidate again: ``total`` bounds all attempts, ``told`` is called before each retry.

    Policies of the same budget share the one in ``budgets``.
    """
    budget = budgets.setdefault((retry.budget, retry.reserve), Budget(retry.budget, retry.reserve))

    def make(total: float | None, told: Told) -> SerialSource:
        plan = RetryPlan(candidate, retry, budget, random.Random(retry.seed))  # noqa: S311 - jitter is no secret
        return SerialSource(plan, total=total, recover=retry.recover, told=told)

    return make
