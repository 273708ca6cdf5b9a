"""``first``: wait for whichever of several waits is over first, without a task for any of them.

The coroutines are driven by hand inside the one who waits. So nothing outlives the call, nothing runs while nobody waits (which
is backpressure, and keeps the consumer's time out of the providers' limits), and the call is cancelled as one.

House rule: a wait that is not over when the call ends is cancelled where it stands. It must be cancel-safe (asked again, it has
lost nothing) and unwind without waiting, as ``Source.receive`` and a stream's ``__anext__`` do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Outcome(NamedTuple, Generic[T]):
    """How a wait ended: with ``value``, or with ``error``."""

    value: T | None = None
    error: Exception | None = None


async def first(waits: Mapping[K, Callable[[], Coroutine[Any, Any, T]]]) -> dict[K, Outcome[T]]:
    """The outcomes of those that are over, at least one, as soon as there is one; in the order of ``waits``.

    Each value of ``waits`` makes a coroutine; all get their turn before the outcomes are given, so of several that are ready
    none starves another. An exception of a wait is its outcome, ``StopAsyncIteration`` too; what is no ``Exception`` is raised.
    """
    legs = {key: _Leg(make()) for key, make in waits.items()}
    try:
        while True:
            for leg in legs.values():
                leg.step()
            if any(leg.over for leg in legs.values()):
                return {key: leg.take() for key, leg in legs.items() if leg.over}
            await _any_ready(list(legs.values()))
    finally:
        for leg in legs.values():
            leg.cancel()


class _Leg(Generic[T]):
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
        """Unwind it where it stands; one that is over has nothing to unwind."""
        if not self.over:
            with suppress(asyncio.CancelledError, StopIteration, Exception):
                self._coroutine.throw(asyncio.CancelledError())
        self._coroutine.close()

    def _end(self, outcome: Outcome[T]) -> None:
        self.over = True
        self._outcome.append(outcome)


async def _any_ready(legs: list[_Leg[T]]) -> None:
    """Return when one of them can go on."""
    futures = [leg.waiting for leg in legs if leg.waiting is not None]
    if len(futures) < len(legs) or any(future.done() for future in futures):
        await asyncio.sleep(0)
        return
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

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
