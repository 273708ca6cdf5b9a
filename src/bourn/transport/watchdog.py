"""Keeps the time limits of one stream with a single timer that is moved, not remade, for each wait.

A wait notes when it began; the timer, when it fires, looks whether the limit has really passed and otherwise sleeps for the
rest. So an event costs no timer, and time that the consumer takes between two waits is never counted.

House rule: the watchdog never raises into anyone by itself; it calls ``interrupt``, and the one who waits raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bourn.errors import BournError, ConnectTimeout, DeadlineError, FirstEventTimeout, IdleTimeout, TotalTimeout
from bourn.transport import clock
from bourn.transport.limits import Limits, Timeouts

_NEVER = float("inf")

_TICK = 1e-9
"""Seconds by which a timer may be early: the resolution of the loop's clock, and what sums of binary fractions lose."""

_LOOK = 0.1
"""Seconds between two looks, at least, at a clock that stands still."""

_DEADLINES: dict[str, tuple[type[DeadlineError], str]] = {
    "connect": (ConnectTimeout, "no connection within {:g} s (timeouts.connect)"),
    "first_event": (FirstEventTimeout, "no content within {:g} s of the request (timeouts.first_event)"),
    "idle": (IdleTimeout, "no progress for {:g} s (timeouts.idle)"),
    "idle_bytes": (IdleTimeout, "not a byte for {:g} s (timeouts.idle_bytes)"),
    "total": (TotalTimeout, "the answer took longer than {:g} s in all (timeouts.total)"),
    "settle": (IdleTimeout, "nothing followed the end evidence for {:g} s (limits.settle_seconds)"),
    "drain": (IdleTimeout, "the body did not end within {:g} s of its last mark (limits.drain_seconds)"),
}
"""Limit to the error it raises and its sentence."""


class Watchdog:
    """Call :meth:`enter` at each phase, :meth:`begin` and :meth:`end` around each wait, :meth:`progress` at progress."""

    def __init__(self, timeouts: Timeouts, limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = clock.in_force()
        self._time = self._loop.time if self._clock is None else self._clock.time
        self._limits = {
            "load": _NEVER,
            "connect": _seconds(timeouts.connect),
            "first_event": _seconds(timeouts.first_event),
            "idle": _seconds(timeouts.idle),
            "settle": limits.settle_seconds,
            "drain": limits.drain_seconds,
        }
        self.phase = "load"  # the limit that is running
        self._limit = _NEVER
        self._quiet = _seconds(timeouts.idle_bytes)
        self._total = _seconds(timeouts.total)
        self._is_simple = self._quiet == self._total == _NEVER  # only the phase's limit counts, not what is spent in all
        self._spent = 0.0
        self._spent_in_all = 0.0
        self._began = 0.0
        self._deadline = _NEVER
        self._waiting = False
        self._timer: asyncio.TimerHandle | None = None
        self._fires = _NEVER  # when the timer does
        self.interrupt: Callable[[BournError], None] = _ignore

    def enter(self, phase: str) -> None:
        """A new phase begins, with a limit of its own; what the last one spent counts only towards the total.

        It may begin in the middle of a wait, whose rest is then the new phase's.
        """
        waiting = self._waiting
        self.end()
        self.phase = phase
        self._limit = self._limits[phase]
        self._spent = 0.0
        if waiting:
            self.begin()

    def progress(self) -> None:
        """The provider got on: the running limit starts anew."""
        self._spent = 0.0

    def begin(self) -> None:
        """Somebody waits for the provider from now."""
        now = self._began = self._time()
        left = self._limit - self._spent
        if not self._is_simple:
            left = min(left, self._quiet, self._total - self._spent_in_all)
        deadline = self._deadline = now + left
        self._waiting = True
        if deadline < self._fires:
            self._arm(deadline)

    def end(self) -> None:
        """The wait is over."""
        if self._waiting:
            self._waiting = False
            waited = self._time() - self._began
            self._spent += waited
            if not self._is_simple:
                self._spent_in_all += waited

    def stop(self) -> None:
        """Nobody will wait any more."""
        self._waiting = False
        self.interrupt = _ignore
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._fires = _NEVER

    def _arm(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._on_loop(deadline), self._fire)
        self._fires = deadline

    def _on_loop(self, deadline: float) -> float:
        """When, on the loop's clock; while the reader's clock stands still nobody knows, and it is looked at again."""
        if self._clock is None:
            return deadline
        left = deadline - self._clock.time()
        return self._loop.time() + (max(left, _LOOK) if self._clock.stands else left)

    def _fire(self) -> None:
        self._timer = None
        self._fires = _NEVER
        if not self._waiting:
            return
        if self._time() < self._deadline - _TICK:
            self._arm(self._deadline)
            return
        self.interrupt(self._error())

    def _error(self) -> DeadlineError:
        waited = self._time() - self._began
        lefts = {
            "total": (self._total, self._total - self._spent_in_all - waited),
            self.phase: (self._limit, self._limit - self._spent - waited),
            "idle_bytes": (self._quiet, self._quiet - waited),
        }
        name = min(lefts, key=lambda key: lefts[key][1])
        error, sentence = _DEADLINES[name]
        return error(sentence.format(lefts[name][0]))


def _seconds(limit: float | None) -> float:
    return _NEVER if limit is None else limit


def _ignore(error: BournError) -> None:
    """Nobody waits."""
