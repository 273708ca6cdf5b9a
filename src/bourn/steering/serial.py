"""``SerialSource``: one request after the other, until one of them answers.

What comes next after a failure is said by a ``Plan``: the same candidate again (``retry``), or the next one (``fallback``).

House rule: nothing is given out before a trial has content (*commit*), and nothing begins anew after it, unless who asked said
so; then a ``Restart`` says what is void.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from bourn.errors import BournError, ClosedError, TotalTimeout
from bourn.events import Event, Restart, Usage
from bourn.response import Attempt
from bourn.steering.candidate import Candidate
from bourn.steering.failures import given_up, said
from bourn.steering.pace import Pause, Stopwatch
from bourn.steering.trial import Trial
from bourn.transport.quota import Quota

Told = Callable[[BournError, float], None]
"""Is told of an attempt that failed: its error, and in how many seconds the next one is made."""


class Step(NamedTuple):
    """Who is asked next, after so many seconds."""

    candidate: Candidate
    pause: float = 0.0


class Plan(Protocol):
    """Whom to ask, and whom then. Holds the state of one answer."""

    def first(self) -> Candidate:
        """The one that is asked first."""
        ...

    def next(self, error: BournError, left: float | None) -> Step | str:
        """What follows on a failure, with so many seconds ``left``; or the reason for which nothing does."""
        ...

    def verdict(self, why: str) -> BournError:
        """The error to raise where nothing follows."""
        ...


class SerialSource:
    """The events of the first candidate that answers. ``total`` bounds the waits for all of them, and the pauses.

    ``told`` is called after each failure that another attempt follows. With ``recover`` a trial that fails after its first
    content is followed, too, but for one that had begun a tool call, since that may have been run.
    """

    def __init__(self, plan: Plan, *, total: float | None, recover: bool, told: Told) -> None:
        self._plan = plan
        self._watch = Stopwatch(total)
        self._recover = recover
        self._told = told
        self._pause = Pause()
        self._trial: Trial | None = None
        self._step: Step | None = None
        self._due = 0.0  # the loop's time at which the step is taken
        self._restart: Restart | None = None
        self._over: list[Attempt] = []
        self._closed = False

    @property
    def request_id(self) -> str | None:
        """The provider's name for the call that was made last."""
        return None if self._trial is None else self._trial.source.request_id

    @property
    def usage(self) -> Usage | None:
        """What was told of usage by the provider that was asked last."""
        return None if self._trial is None else self._trial.source.usage

    @property
    def quota(self) -> Quota:
        """What the provider that was asked last told of its rate limits."""
        return Quota() if self._trial is None else self._trial.source.quota

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """All that were made, the last one as it stands."""
        trial = self._trial
        return (*self._over, *(trial.attempts() if trial is not None and trial.error is None else ()))

    async def open(self) -> None:
        """Ask, until somebody's answer has a head that can be believed."""
        while True:
            with self._watch:
                trial = await self._standing()
                try:
                    await trial.source.open()
                except BournError as error:
                    self._fail(trial, error)
                else:
                    return

    async def receive(self) -> Sequence[Event]:
        """The next events. Cancel-safe."""
        trial = self._trial
        if trial is not None and trial.committed and not trial.over:
            try:
                return await self._next(trial)
            except BournError as error:
                self._fail(trial, error)
        return await self._commit()

    async def aclose(self) -> None:
        """Let go of the connection: to the pool after a whole answer, closed otherwise."""
        try:
            if self._trial is not None and not self._trial.over:
                await self._trial.source.aclose()
        finally:
            self.abort()

    def abort(self) -> None:
        """Cut the connection at once; a reader that waits, also between two attempts, gets an error."""
        self._closed = True
        self._pause.abort()
        if self._trial is not None:
            self._trial.end("closed")

    async def _next(self, trial: Trial) -> Sequence[Event]:
        if not self._recover:
            return await trial.receive()  # its own limits bound it
        with self._watch:
            return await trial.receive()

    async def _commit(self) -> Sequence[Event]:
        """What a trial held back until it had content."""
        while True:
            with self._watch:
                trial = await self._standing()
                try:
                    await trial.hold()
                except BournError as error:
                    self._fail(trial, error)
                else:
                    restart, self._restart = self._restart, None
                    return trial.give() if restart is None else [restart, *trial.give()]

    async def _standing(self) -> Trial:
        """The trial at hand; where there is none, the next, once its pause is over."""
        if self._closed:
            raise ClosedError("closed while it was being read")
        if self._trial is None or self._trial.over:
            step = self._step or Step(self._plan.first())
            await self._pause.until(self._due)
            self._trial = Trial(step.candidate, self._watch.left, waited=step.pause, folds=self._recover)
        return self._trial

    def _fail(self, trial: Trial, failure: BournError) -> None:
        """Note the failure, and what comes next. Raises the error of all where nothing does."""
        if self._closed:
            trial.end("closed")
            raise failure.fresh() from failure.__cause__
        left = self._watch.left
        if isinstance(failure, TotalTimeout) and left == 0 and self._over:
            failure = said(failure, f"the answers took longer than {self._watch.total:g} s together (timeouts.total)")
        error = trial.fail(failure)
        self._over += trial.attempts()
        step = self._following(trial, error, left)
        if isinstance(step, BournError):
            self._closed = True
            raise step from step.__cause__
        if trial.committed:
            self._restart = Restart(tuple(trial.begun), f"{type(error).__name__}: {error.message}")
        self._step, self._due = step, asyncio.get_running_loop().time() + step.pause
        self._told(error, step.pause)

    def _following(self, trial: Trial, error: BournError, left: float | None) -> Step | BournError:
        """What comes after a failure: another trial, or the error to raise."""
        if trial.committed and not self._recover:
            return error.fresh()
        if trial.committed and trial.called:
            return given_up(error.fresh(), "a tool call had begun, and may have been run", "not begun anew")
        step = self._plan.next(error, left)
        return self._plan.verdict(step) if isinstance(step, str) else step
