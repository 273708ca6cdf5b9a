"""``Retry``, when and how often a failed request is sent again, and ``Budget``, which bounds the retries of all calls together.

House rule: a policy is data and a budget is arithmetic; neither waits, and the dice are given.
"""

from __future__ import annotations

import math
import random
from typing import Any

import msgspec

from bourn.errors import BournError, InputError

_NEVER = (InputError,)
"""Errors after which nothing is tried again, whatever the policy says: nothing was sent."""


class Retry(msgspec.Struct, frozen=True):
    """The same model is asked again when an answer fails before its first content; times are in seconds.

    ``attempts``: requests in all, the first one included. ``backoff``: the pause before the second, which grows by ``factor``
    each time up to ``max_backoff``; ``jitter``: the share of it that is left to chance (0: none, 1: all of it). ``max_wait``:
    where the provider asks for more than this (``Retry-After``, as seconds or as a date), the error is raised at once; what it
    asks for up to there is waited.

    ``on``: the classes of errors after which it is tried again; ``None``: those that say so themselves (``error.retryable``).

    ``budget``: retries of all calls of a client may be this share of its requests, plus a ``reserve``, which is also the most
    that can be saved up. When it is spent, errors are raised at once until requests have earned more.

    ``recover``: also where content was given out. The next attempt then begins with the event ``Restart``.

    ``seed``: for the same jitter each time. ``Retry(attempts=1)`` switches off a client's policy for a call.
    """

    attempts: int = 3
    backoff: float = 0.5
    factor: float = 2.0
    max_backoff: float = 30.0
    jitter: float = 0.5
    max_wait: float = 60.0
    on: tuple[type[BournError], ...] | None = None
    budget: float = 0.2
    reserve: float = 100
    recover: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int) or self.attempts < 1:
            raise InputError(f"retry.attempts must be a whole number from 1, the first request included, not {self.attempts!r}")
        for name in ("backoff", "max_backoff", "max_wait", "budget", "reserve"):
            _number(f"retry.{name}", getattr(self, name), 0)
        _number("retry.factor", self.factor, 1)
        _number("retry.jitter", self.jitter, 0, 1)
        error_classes("retry.on", self.on)
        if not isinstance(self.recover, bool):
            raise InputError(f"retry.recover must be True or False, not {self.recover!r}")

    def again(self, error: BournError) -> bool:
        """Whether an error is one after which it is tried again."""
        if isinstance(error, _NEVER):
            return False
        return error.retryable if self.on is None else isinstance(error, self.on)

    def pause(self, failed: int, error: BournError, dice: random.Random) -> float:
        """Seconds until the next attempt, after ``failed`` of them: at least what the provider asked for."""
        try:
            grown = self.backoff * self.factor ** (failed - 1)
        except OverflowError:
            grown = math.inf
        grown = min(grown, self.max_backoff)
        return max(grown * (1 - self.jitter * dice.random()), error.retry_after or 0.0)


class Budget:
    """What retries cost: each request earns ``ratio`` of a retry, a retry costs one, and at most ``reserve`` are saved up."""

    def __init__(self, ratio: float, reserve: float) -> None:
        self._ratio = ratio
        self._reserve = reserve
        self._left = float(reserve)

    def earn(self) -> None:
        """A request was sent for the first time."""
        self._left = min(self._reserve, self._left + self._ratio)

    def spend(self) -> bool:
        """Pay for a retry; false where the budget does not allow it."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


def error_classes(name: str, given: Any) -> None:
    """Raise ``InputError`` unless ``given`` is a tuple of classes of ``BournError``, or ``None``."""
    if given is None:
        return
    if not isinstance(given, tuple) or not all(isinstance(kind, type) and issubclass(kind, BournError) for kind in given):
        raise InputError(f"{name} must be a tuple of bourn's error classes, such as (bourn.RateLimitError,), not {given!r}")


def _number(name: str, value: Any, least: float, most: float = math.inf) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most or math.isinf(value):
        wanted = f"from {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
        raise InputError(f"{name} must be a number {wanted}, not {value!r}")
