"""Time around several requests: ``Stopwatch``, what of ``timeouts.total`` is left, and ``Pause``, the wait between two of them.

House rule: only waiting counts, never the consumer's time; a wait that was cancelled can be taken up again.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from bourn.errors import ClosedError

_HARDLY = 0.001
"""Seconds that are as good as none: what rounding leaves of a limit that has passed."""


class Stopwatch:
    """Seconds spent within ``with``, as long as it is not entered twice at once; ``left`` of a ``total`` in all."""

    def __init__(self, total: float | None) -> None:
        self.total = total
        self._spent = 0.0
        self._began: float | None = None  # while it runs

    @property
    def left(self) -> float | None:
        """Seconds left, 0 where the limit has passed; ``None``: there is no limit."""
        if self.total is None:
            return None
        running = 0.0 if self._began is None else asyncio.get_running_loop().time() - self._began
        left = self.total - self._spent - running
        return left if left > _HARDLY else 0.0

    def __enter__(self) -> None:
        self._began = asyncio.get_running_loop().time()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._began is not None:
            self._spent += asyncio.get_running_loop().time() - self._began
            self._began = None


class Pause:
    """A wait that :meth:`abort` ends with ``ClosedError``."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._aborted = False

    async def until(self, when: float) -> None:
        """Wait until the loop's clock says ``when``. Cancel-safe: ask again."""
        if self._aborted:
            raise _closed()
        loop = self._loop = asyncio.get_running_loop()
        if loop.time() >= when:
            return
        waiter = self._waiter = loop.create_future()
        timer = loop.call_at(when, _wake, waiter)
        try:
            await waiter
        finally:
            self._waiter = None
            timer.cancel()

    def abort(self) -> None:
        """End the wait at once, and every later one. Callable from any thread."""
        self._aborted = True
        loop = self._loop
        if loop is None or self._waiter is None:
            return
        if loop.is_running() and asyncio._get_running_loop() is not loop:  # noqa: SLF001 - the public one raises where none runs
            loop.call_soon_threadsafe(_end, self._waiter)
        else:
            _end(self._waiter)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _end(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(_closed())


def _closed() -> ClosedError:
    return ClosedError("closed while it waited for the next attempt")
