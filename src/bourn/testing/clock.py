"""An event loop with virtual time: waits cost nothing, and real sockets on this machine still work.

When nothing is ready the loop asks the operating system once more, and only when there is still nothing to read it moves its
clock to the next timer instead of sleeping. ``loop.time()`` is therefore exact: a test may assert that a limit fired at 15.0 s.

House rule: the clock moves only when nothing else can happen. With no timer pending the loop really waits for its sockets.
It cannot see other threads: do not race a timer against a thread or another process. Nor can it see the kernel's own timers:
leave receive buffers larger than a loopback packet (64 KiB), below which the kernel lets both sides wait for parts of a second.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_GRACE = 0.002
"""Real seconds given to the kernel before the clock jumps, for what it does not tell of (a connection's end, for one)."""

_LATE = (0.01, 0.25)
"""While it says that bytes are on their way over loopback it gets more, since a busy machine delivers late: this share of the
jump, and at most so many real seconds. A long jump is mostly a limit that must not fire wrongly."""

_TICK = 1e-9
"""How much too early asyncio takes a timer to be due, at least: the resolution of its usual clock."""

_OUTQ = 0x5411
"""Linux's SIOCOUTQ: how many of a socket's bytes its peer has not acknowledged (``man 7 tcp``)."""


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that never sleeps for a timer: it moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if ready or timeout <= 0:
            return ready
        if len(self.get_map()) > 1:  # more than the loop's own wake-up pipe
            ready = super().select(min(timeout, self._grace(timeout)))
        if not ready:
            self._jump(timeout)
        return ready

    def _jump(self, seconds: float) -> None:
        later = round(self.now + seconds, 9)  # ten waits of 0.1 s are 1 s: binary fractions must not add up
        if later + _TICK == later:  # after some hundred days a float has no room for a tick, and no timer would ever be due
            later = math.nextafter(later, math.inf)
        self.now = later

    def _grace(self, jump: float) -> float:
        """How long to wait for the kernel: longer when bytes of a socket of this loop have left and not yet arrived."""
        share, most = _LATE
        longer = min(most, jump * share)
        if longer > _GRACE and any(_unacknowledged(key.fd) for key in self.get_map().values()):
            return longer
        return _GRACE


def _unacknowledged(fd: int) -> int:
    held = bytearray(4)
    try:
        from fcntl import ioctl

        ioctl(fd, _OUTQ, held)
    except (ImportError, OSError):
        return 0  # Windows; a pipe, or a listening socket
    return int.from_bytes(held, sys.byteorder)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector event loop whose ``time()`` jumps from timer to timer. Make one, run on it, close it."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109  # asyncio's own
        """Wait until the executor's threads have ended. It is not limited: the clock would jump to the limit at once."""
        await super().shutdown_default_executor()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time, as ``asyncio.run`` would in real time."""
    if asyncio._get_running_loop() is not None:  # noqa: SLF001  # as asyncio.run asks; a second loop could not even be closed
        main.close()
        raise RuntimeError("run() cannot be called from a running event loop; await the coroutine instead")
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
