"""An event loop with virtual time: waits cost nothing, and real sockets on this machine still work.

When nothing is ready the loop asks the operating system once more, and only when there is still nothing to read it moves its
clock to the next timer instead of sleeping. ``loop.time()`` is therefore exact: a test may assert that a limit fired at 15.0 s.

House rule: the clock moves only when nothing else can happen. With no timer pending the loop really waits for its sockets.
It cannot see other threads: do not race a timer against a thread or another process.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_GRACE = (0.002, 0.01, 0.25)
"""Real seconds given to the kernel to hand over bytes that are on their way over loopback, before the clock jumps: the least,
the share of the jump, the most. A busy machine delivers late, and a long jump is mostly a limit that must not fire wrongly."""


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that never sleeps for a timer: it moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        if timeout <= 0:
            return super().select(0)
        least, share, most = _GRACE
        alone = len(self.get_map()) <= 1  # only the loop's own wake-up pipe
        ready = super().select(0 if alone else min(timeout, most, max(least, timeout * share)))
        if not ready:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector event loop whose ``time()`` jumps from timer to timer. Make one, run on it, close it."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time, as ``asyncio.run`` would in real time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
