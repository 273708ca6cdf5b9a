"""``--retries``: how often a question is asked again, and who is told of it.

House rule: nothing is asked again in silence.
"""

from __future__ import annotations

from collections.abc import Sequence

from bourn.cli.terminal import Console
from bourn.errors import BournError, InputError
from bourn.observing import Call, Observer
from bourn.response import Attempt
from bourn.steering.policy import Retry

MOST = 100
"""Retries of one answer."""

_NO_BUDGET = 1e9
"""Retries that are saved up for all answers together: more than anybody makes."""


def policy(retries: int) -> Retry:
    """``retries`` for each answer, whatever others took: a person who waits, or ``--concurrency``, bounds them all together.

    Raises ``InputError`` for a number that is none of retries.
    """
    if not 0 <= retries <= MOST:
        raise InputError(f"--retries has to be from 0 to {MOST}, not {retries}")
    return Retry(attempts=retries + 1, reserve=_NO_BUDGET)


class Remarks(Observer):
    """A line on standard error for each retry."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def retried(self, call: Call, error: BournError, wait: float) -> None:
        """Say what went wrong, and when it is asked again."""
        said = " ".join(error.message.split()).rstrip(".;")
        self._console.note(f"bourn: {call.provider}/{call.model}: {said}; asking again in {wait:.1f} s")


def recount(console: Console, model: str, attempts: Sequence[Attempt]) -> None:
    """A line for all the attempts that failed before the last, where there was no place for one at the time."""
    failed = [" ".join(str(attempt.error and attempt.error.message).split()).rstrip(".;") for attempt in attempts[:-1]]
    if failed:
        console.note(f"bourn: {model} was asked {len(attempts)} times: {'; '.join(failed)}")


class Count(Observer):
    """How many retries there were."""

    def __init__(self) -> None:
        self.retries = 0

    def retried(self, call: Call, error: BournError, wait: float) -> None:  # noqa: ARG002 - each counts
        """One more."""
        self.retries += 1

    def __str__(self) -> str:
        return f"{self.retries} {'retry' if self.retries == 1 else 'retries'}" if self.retries else ""
