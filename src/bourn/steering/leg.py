"""``Leg``: one coroutine of several that are driven by hand inside the one who waits, without a task.

House rule: nothing runs while nobody waits. A leg that is not over is cancelled where it stands; its coroutine must be
cancel-safe and unwind without waiting, as ``Source.receive`` and a stream's ``__anext__`` do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Outcome(NamedTuple, Generic[T]):
    """How a wait ended: with ``value``, or with ``error``."""

    value: T | None = None
    error: Exception | None = None


class Leg(Generic[T]):
    """One coroutine, and the future that it waits on (``None``: it only wants the loop to have its turn).

    An error's traceback leads to frames from which this object is reached: so who takes the outcome is the only one to hold it.
    """

    __slots__ = ("_coroutine", "_outcome", "over", "waiting")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._outcome: list[Outcome[T]] = []
        self.waiting: asyncio.Future[Any] | None = None
        self.over = False

    def step(self) -> None:
        """Run to the next wait or to the end, unless what it waits on is not there yet."""
        if self.waiting is not None and not self.waiting.done():
            return
        try:
            waiting: asyncio.Future[Any] | None = self._coroutine.send(None)
        except StopIteration as stop:
            self._end(Outcome(stop.value))
        except Exception as error:  # noqa: BLE001 - it is the outcome, and the caller's to raise
            self._end(Outcome(error=error))
        else:
            if waiting is not None:
                waiting._asyncio_future_blocking = False  # noqa: SLF001 - asyncio's handshake for who drives a coroutine
            self.waiting = waiting

    def take(self) -> Outcome[T]:
        """How it ended; can be asked once."""
        return self._outcome.pop()

    def cancel(self) -> None:
        """Unwind it where it stands, as a task is cancelled; one that is over has nothing to unwind."""
        if not self.over:
            waiting = self.waiting  # the loop would complain of an error in it, now or later, that nobody asks for
            if waiting is not None and not waiting.cancel() and not waiting.cancelled():
                waiting.exception()
            with suppress(asyncio.CancelledError, StopIteration, Exception):
                self._coroutine.throw(asyncio.CancelledError())
        self._coroutine.close()

    def _end(self, outcome: Outcome[T]) -> None:
        self.over = True
        self._outcome.append(outcome)


async def any_ready(legs: Sequence[Leg[Any]], ready: asyncio.Future[None] | None = None) -> None:
    """Return when one of them can go on, or when somebody else has set ``ready``."""
    futures = [leg.waiting for leg in legs if leg.waiting is not None]
    if len(futures) < len(legs) or any(future.done() for future in futures):
        await asyncio.sleep(0)
        return
    ready = ready or asyncio.get_running_loop().create_future()

    def wake(_: object) -> None:
        if not ready.done():
            ready.set_result(None)

    for future in futures:
        future.add_done_callback(wake)
    try:
        await ready
    finally:
        for future in futures:
            future.remove_done_callback(wake)
