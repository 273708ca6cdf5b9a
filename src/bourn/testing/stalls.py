"""How long an event loop could not turn: every stall with its place in time, the worst, and the worst sum over a window.

    async with Stalls() as stalls:
        ...
    assert stalls.worst < 0.05

A heartbeat is due every few milliseconds; what it comes too late is the stall. House rule: real time only, one timer, no
thread; ``cpu`` tells work of this thread apart from waiting (``time.sleep``, a blocking read), and ``queued`` is the time for
which a busy machine had no processor for it (0 where the kernel does not tell: only Linux does).
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

import msgspec

BEAT = 0.002
"""Seconds between two beats."""


class Stall(msgspec.Struct, frozen=True):
    """The loop did not turn for ``seconds``, of which this thread computed for ``cpu``, and was free again at ``at``.

    Before that it had waited for ``queued`` seconds for a processor, which is not counted in.
    """

    at: float
    seconds: float
    cpu: float
    queued: float = 0.0


class Stalls:
    """Enter it inside the running loop with ``async with``. ``seen`` has every stall of at least ``floor`` seconds."""

    def __init__(self, floor: float = 0.001) -> None:
        self.seen: list[Stall] = []
        self._floor = floor
        self._timer: asyncio.TimerHandle | None = None

    @property
    def worst(self) -> float:
        """The longest stall, in seconds."""
        return max((stall.seconds for stall in self.seen), default=0.0)

    def within(self, window: float) -> float:
        """The most that stalls add up to within any ``window`` seconds: many short ones are felt as one long one."""
        sums = (sum(other.seconds for other in self.seen if 0 <= stall.at - other.at < window) for stall in self.seen)
        return max(sums, default=0.0)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._began = time.perf_counter()
        self._start_beat()
        await asyncio.sleep(0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.sleep(2 * BEAT)  # one beat more: a stall up to here is seen
        if self._timer is not None:
            self._timer.cancel()

    def _start_beat(self) -> None:
        self._due = time.perf_counter() + BEAT
        self._cpu, self._queued = time.thread_time(), _queued()
        self._timer = self._loop.call_later(BEAT, self._beat)

    def _beat(self) -> None:
        now = time.perf_counter()
        late = now - self._due
        if late >= self._floor:
            queued = min(late, _queued() - self._queued)
            if late - queued >= self._floor:
                cpu = min(late, time.thread_time() - self._cpu)
                self.seen.append(Stall(now - self._began, late - queued, cpu, queued))
        self._start_beat()


def _queued() -> float:
    """Seconds for which this thread was ready and had no processor, so far (Documentation/scheduler/sched-stats)."""
    try:
        with open(_SCHEDULED, "rb", buffering=0) as file:  # noqa: PTH123 -- every beat: a Path costs more than the read
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0


_SCHEDULED = "/proc/thread-self/schedstat"
