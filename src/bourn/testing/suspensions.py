"""Cancelling a coroutine at exactly its n-th suspension, for n = 1, 2, ... until it runs through.

    async for cut in each_suspension(make):      # make() gives a fresh coroutine each time
        assert cut.ending == "cancelled", cut.where

House rule: the cancellation is a real one, ``Task.cancel()`` of the task that awaits, delivered while the coroutine stands at
that suspension; nothing is thrown in by hand. No cycle keeps what the coroutine held: it is freed with its last reference.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from typing import Any, Literal

import msgspec

Ending = Literal["returned", "raised", "cancelled"]


class Cut(msgspec.Struct, frozen=True):
    """What became of a coroutine that was cancelled at suspension ``at``.

    ``delivered`` is false when it was over before that. ``where`` names the innermost line at which it stood. ``ending`` is
    ``cancelled`` when the cancellation came out of it, ``raised`` for any other ``error``, ``returned`` for a ``value``.
    """

    at: int
    delivered: bool
    where: str
    ending: Ending
    value: Any = None
    error: BaseException | None = None


class _Counted:
    """Awaits a coroutine and asks for the cancellation of its own task when the coroutine suspends for the n-th time."""

    def __init__(self, awaitable: Awaitable[Any], at: int) -> None:
        self._awaitable = awaitable
        self._at = at
        self.count = 0
        self.where = ""

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaitable.__await__()
        value: Any = None
        thrown: BaseException | None = None
        while True:
            try:
                waited = inner.throw(thrown) if thrown is not None else inner.send(value) if value is not None else next(inner)
            except StopIteration as stop:
                return stop.value
            finally:
                thrown = None  # it holds this frame, and must not be held by it
            self.count += 1
            if self.count == self._at:
                self.where = standing_at(self._awaitable)
                _cancel_soon()
            try:
                value = yield waited
            except BaseException as error:  # noqa: BLE001 -- whatever the loop throws in belongs to the coroutine
                thrown = error


def _cancel_soon() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_soon(task.cancel)


async def cancel_at(at: int, awaitable: Awaitable[Any]) -> Cut:
    """Await something in a task of its own that is cancelled at suspension ``at`` (from 1). Raises nothing of its own."""
    counted = _Counted(awaitable, at)

    async def await_it() -> Any:
        return await counted

    task = asyncio.get_running_loop().create_task(await_it())
    await asyncio.wait({task})
    delivered = counted.count >= at
    if task.cancelled():
        return Cut(at, delivered, counted.where, "cancelled")
    error = task.exception()
    if error is not None:
        return Cut(at, delivered, counted.where, "raised", error=error)
    return Cut(at, delivered, counted.where, "returned", task.result())


async def each_suspension(make: Callable[[], Coroutine[Any, Any, Any]], most: int = 10_000) -> AsyncIterator[Cut]:
    """A ``Cut`` for every suspension of what ``make`` gives, until one runs through undisturbed, which is not given."""
    for at in range(1, most + 1):
        cut = await cancel_at(at, make())
        if not cut.delivered:
            return
        yield cut


def standing_at(awaitable: Any) -> str:
    """Where a suspended coroutine, generator or asynchronous generator stands: ``file:line in function``, innermost first."""
    frame: Any = None
    while awaitable is not None:
        frame = _first(awaitable, "cr_frame", "ag_frame", "gi_frame") or frame
        awaitable = _first(awaitable, "cr_await", "ag_await", "gi_yieldfrom")
    if frame is None:
        return ""
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


def _first(holder: Any, *names: str) -> Any:
    return next((getattr(holder, name) for name in names if hasattr(holder, name)), None)
