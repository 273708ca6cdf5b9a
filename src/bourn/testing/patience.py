"""Virtual time that stands still while a thread works for the loop: for code that is not ours to change.

House rule: the clock of ``VirtualLoop`` with one more reason not to jump. What an executor was given is known exactly; of other
threads (anyio's workers, a library's own) it can only be seen that they exist and whether they compute, so each jump gives them
a moment of real time, and as many more as they make use of.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

from bourn.testing.clock import VirtualLoop, _JumpingSelector

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_LOOK = 0.005
"""Real seconds between two looks at a job that is under way."""

_MOMENT = 0.05
"""Real seconds that a jump leaves to threads of which nothing is known."""

_BUSY = 0.1
"""The share of a moment that they compute when they are at work."""

_POOL = "asyncio_"
"""How the threads of a loop's own executor are named."""


class _PatientSelector(_JumpingSelector):
    """Waits in real time while ``jobs`` are under way."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs = 0
        self._before = set(threading.enumerate())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self.jobs:
            return selectors.DefaultSelector.select(self, min(_LOOK, timeout))
        while self._strangers():
            before = time.process_time()
            ready = selectors.DefaultSelector.select(self, min(_MOMENT, timeout))
            if ready:
                return ready
            if time.process_time() - before < _MOMENT * _BUSY:
                break
        return super().select(timeout)

    def _strangers(self) -> bool:
        return any(not thread.name.startswith(_POOL) for thread in threading.enumerate() if thread not in self._before)


class PatientLoop(VirtualLoop):
    """A ``VirtualLoop`` whose clock waits for threads."""

    def __init__(self) -> None:
        self._jumping = self._patient = _PatientSelector()
        asyncio.SelectorEventLoop.__init__(self, self._jumping)

    def run_in_executor(self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts) -> asyncio.Future[T]:
        """As asyncio's; time stands still until the job is done."""
        future = super().run_in_executor(executor, func, *args)
        self._patient.jobs += 1
        future.add_done_callback(self._job_done)
        return future

    def _job_done(self, _: asyncio.Future[Any]) -> None:
        self._patient.jobs -= 1
