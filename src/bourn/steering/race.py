"""Race: several candidates at once, or one after the other has kept people waiting; the first with content answers.

House rule: judged is content, not a byte, a head or an error; who is beaten is closed at once, and what it cost is kept.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from bourn.errors import BournError, ClosedError, InputError
from bourn.events import Event, Usage
from bourn.response import Attempt
from bourn.steering.candidate import Candidate
from bourn.steering.failures import given_up, none_answered
from bourn.steering.first import Outcome, first
from bourn.steering.pace import Pause, Stopwatch
from bourn.steering.trial import Trial
from bourn.transport.quota import Quota

_TIMER = -1
"""The place of the wait for the next start, among the places of the trials."""


class RaceSource:
    """The events of the first candidate that has content.

    The first is asked at once, each other one ``gaps`` seconds after the one before it, or as soon as one fails. ``total``
    bounds all of them together. They are driven by whoever waits, so none of them runs on by itself.
    """

    def __init__(self, candidates: Sequence[Candidate], gaps: Sequence[float], *, total: float | None) -> None:
        self._waiting = deque(zip(candidates, [*gaps, 0.0], strict=True))
        self._watch = Stopwatch(total)
        self._pause = Pause()
        self._trials: list[Trial] = []
        self._due: float | None = None  # the loop's time at which the next is asked
        self._winner: Trial | None = None
        self._closed = False

    @property
    def request_id(self) -> str | None:
        """The winner's provider's name for the call."""
        return None if self._winner is None else self._winner.source.request_id

    @property
    def usage(self) -> Usage | None:
        """What the winner's provider told of usage so far; that of the others is in ``attempts``."""
        return None if self._winner is None else self._winner.source.usage

    @property
    def quota(self) -> Quota:
        """What the winner's provider told of its rate limits."""
        return Quota() if self._winner is None else self._winner.source.quota

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """All who were asked, in order."""
        return tuple(attempt for trial in self._trials for attempt in trial.attempts())

    async def open(self) -> None:
        """Ask, until one has won."""
        if self._winner is None:
            self._winner = await self._run()

    async def receive(self) -> Sequence[Event]:
        """The next events. Cancel-safe."""
        await self.open()
        winner = self._winner
        assert winner is not None
        if not winner.committed:
            return winner.give()
        try:
            return await winner.receive()
        except BournError as error:
            if not self._closed:
                winner.fail(error)
            raise error.fresh() from error.__cause__

    async def aclose(self) -> None:
        """Let go of the winner's connection: to the pool after a whole answer, closed otherwise."""
        try:
            if self._winner is not None and not self._winner.over:
                await self._winner.source.aclose()
        finally:
            self.abort()

    def abort(self) -> None:
        """Cut all connections at once."""
        self._closed = True
        self._pause.abort()
        for trial in self._trials:
            trial.end("closed")

    async def _run(self) -> Trial:
        """Until one is ready. Raises the error of all when none is left."""
        while True:
            with self._watch:
                self._start()
                winner = self._judged(await first(self._waits()))
            if winner is not None:
                return self._won(winner)

    def _judged(self, outcomes: Mapping[int, Outcome[None]]) -> Trial | None:
        """The first that is ready; else those that failed are noted. No frame that waits keeps an error: its own lead here."""
        for place, outcome in outcomes.items():
            if place != _TIMER and outcome.error is None:
                return self._trials[place]
        for place, outcome in outcomes.items():
            if outcome.error is not None:
                self._fail(place, outcome.error)
        return None

    def _start(self) -> None:
        """Ask those whose time has come, and one in any case where nobody runs. Raises where nobody is left to ask."""
        if self._closed:
            raise ClosedError("closed while it was being read")
        now = asyncio.get_running_loop().time()
        while self._waiting and (self._due is None or self._due <= now or not self._running()):
            if self._watch.left == 0:
                break
            candidate, gap = self._waiting.popleft()
            self._trials.append(Trial(candidate, self._watch.left, folds=True))
            self._due = now + gap
        if not self._running():
            raise self._verdict()

    def _running(self) -> list[int]:
        return [place for place, trial in enumerate(self._trials) if not trial.over]

    def _waits(self) -> dict[int, Callable[[], Coroutine[Any, Any, None]]]:
        waits: dict[int, Callable[[], Coroutine[Any, Any, None]]] = {
            place: self._trials[place].hold for place in self._running()
        }
        if self._waiting and self._due is not None:
            waits[_TIMER] = partial(self._pause.until, self._due)
        return waits

    def _won(self, winner: Trial) -> Trial:
        for trial in self._trials:
            if trial is not winner:
                trial.end("lost")
        return winner

    def _fail(self, place: int, error: Exception) -> None:
        """A trial failed: the next one starts at once."""
        if not isinstance(error, BournError):
            raise error
        if self._closed:
            raise error.fresh() from error.__cause__
        self._trials[place].fail(error)
        self._due = asyncio.get_running_loop().time()

    def _verdict(self) -> BournError:
        errors = [trial.error.fresh() for trial in self._trials if trial.error is not None]
        error = none_answered(errors) if len(errors) > 1 else errors[0]
        return given_up(error, "timeouts.total is spent" if self._waiting else "", "no other model was asked")


def race(candidates: Sequence[Candidate], gaps: Sequence[float]) -> Candidate:
    """A candidate that is the quickest of several."""
    asks = tuple(candidate.asks for candidate in candidates)

    def make(total: float | None) -> RaceSource:
        return RaceSource(candidates, gaps, total=total)

    restarts = any(candidate.restarts for candidate in candidates)
    return Candidate(candidates[0].provider, candidates[0].model, make, asks, restarts)


def gaps(after: float | Sequence[float] | None, models: Sequence[object]) -> list[float]:
    """Seconds between the starts of ``models``. Raises ``InputError`` for what is no number, negative, or of another count."""
    count = max(0, len(models) - 1) if isinstance(models, Sequence) else 0
    given = [0.0 if after is None else after] * count if after is None or isinstance(after, int | float) else list(after)
    for gap in [after] if isinstance(after, int | float) else given:
        if isinstance(gap, bool) or not isinstance(gap, int | float) or not 0 <= gap < math.inf:
            raise InputError(f"after must be seconds from 0, or a list of them, not {after!r}")
    if len(given) != count:
        raise InputError(f"after has {len(given)} delays, and {count + 1} models have {count}: one for each but the first")
    return [float(gap) for gap in given]
