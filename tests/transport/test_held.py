"""`Held`: a coroutine that outlives the cancellation of who awaits it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import warnings
import weakref
from typing import Any

import pytest

from bourn.errors import ClosedError, ConnectError, ConnectTimeout
from bourn.testing.leaks import collector_off
from bourn.transport.held import Held
from bourn.transport.limits import Limits, Timeouts
from bourn.transport.watchdog import Watchdog


def hold(make: Any, **timeouts: Any) -> Held[Any]:
    return Held(make, Watchdog(Timeouts(**timeouts), Limits()))


async def _await(held: Held[Any]) -> Any:
    return await held


async def test_it_goes_on_where_it_was_after_a_cancellation() -> None:
    """Cancelled ten times while awaited, the coroutine runs once, to its end, in its own time."""
    steps: list[int] = []

    async def work(_: Watchdog) -> str:
        for step in range(5):
            await asyncio.sleep(1)
            steps.append(step)
        await asyncio.sleep(0)
        return "done"

    held = hold(work)
    gave_up = 0
    while True:
        try:
            result = await asyncio.wait_for(_await(held), 0.5)
            break
        except TimeoutError:
            gave_up += 1
    assert (result, steps) == ("done", [0, 1, 2, 3, 4])
    assert gave_up >= 9
    assert asyncio.get_running_loop().time() == pytest.approx(5, abs=0.6)


async def test_it_belongs_to_no_task_that_awaits_it() -> None:
    """A scope that notes the current task keeps no reader alive: with the collector off, one that gave up dies at once."""

    class Reader:
        def __init__(self) -> None:
            self.held = hold(self.open)

        async def open(self, _: Watchdog) -> str:
            return await _open()

        async def read(self) -> Any:
            return await self.held

    async def _open() -> str:
        async with asyncio.timeout(None):  # as aiohttp does
            await asyncio.sleep(1)
        return "done"

    reader = Reader()
    task = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    gave_up = weakref.ref(task)
    with collector_off():
        del task
        await asyncio.sleep(0)
        assert gave_up() is None
    assert await reader.read() == "done"


async def test_its_error_is_raised_to_who_awaits() -> None:
    """An exception of the coroutine comes out unchanged."""

    async def work(_: Watchdog) -> None:
        await asyncio.sleep(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await hold(work)


async def test_a_limit_unwinds_the_coroutine() -> None:
    """When a limit passes, the one who awaits gets its error and the coroutine's clean-up has run to its end."""
    unwound = []

    async def work(watch: Watchdog) -> None:
        watch.enter("connect")
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(0.1)
            unwound.append(True)

    with pytest.raises(ConnectTimeout, match="2 s"):
        await hold(work, connect=2)
    assert unwound == [True]


async def test_an_abort_wakes_the_reader_and_unwinds() -> None:
    """`abort` in mid-wait raises ClosedError where it is awaited, cancels what it waited for, and may be called twice."""
    inner: list[asyncio.Future[None]] = []

    async def work(_: Watchdog) -> None:
        inner.append(asyncio.get_running_loop().create_future())
        await inner[0]

    held = hold(work)
    reader = asyncio.create_task(_await(held))
    await asyncio.sleep(1)
    held.abort()
    held.abort()
    with pytest.raises(ClosedError):
        await reader
    assert inner[0].cancelled()


async def test_an_abort_ends_even_a_stubborn_coroutine() -> None:
    """A coroutine that waits in its clean-up, or refuses its end, is let go of all the same."""

    async def waits(_: Watchdog) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(100)

    held = hold(waits)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_await(held), 1)
    held.abort()
    alive = weakref.ref(held)
    del held
    gc.collect()
    assert alive() is None


async def test_a_coroutine_that_was_never_awaited_was_never_made() -> None:
    """A held coroutine that nobody awaits leaves no 'never awaited' warning, since it is made on the first await."""

    async def work(_: Watchdog) -> None:
        raise AssertionError("ran")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hold(work).abort()
        gc.collect()


async def test_an_abort_after_a_failure_takes_its_timer_along() -> None:
    """What failed is held by nobody until a limit would have fired."""

    class Thing:
        """Held by the error of what the coroutine waits for."""

    kept: list[weakref.ref[Thing]] = []

    async def work(watch: Watchdog) -> None:
        watch.enter("connect")
        connecting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        error = ConnectError("no", response=Thing())  # type: ignore[arg-type]  # something to hold
        kept.append(weakref.ref(error.response))  # type: ignore[arg-type]
        asyncio.get_running_loop().call_later(0.01, connecting.set_exception, error)
        del error
        await connecting

    held = hold(work, connect=1000)
    with contextlib.suppress(ConnectError):
        await held
    held.abort()
    del held
    gc.collect()
    assert kept[0]() is None


async def test_an_error_that_is_kept_keeps_no_task() -> None:
    """Its frames do not lead to the task that awaited, which may hold whoever keeps the error."""

    async def work(_: Watchdog) -> None:
        raise ConnectError("no")

    errors: list[BaseException] = []

    async def reader() -> None:
        try:
            await hold(work)
        except ConnectError as error:
            errors.append(error)

    with collector_off():
        task = asyncio.create_task(reader())
        alive = weakref.ref(task)
        await task
        del task
        await asyncio.sleep(0)
        assert errors
        assert alive() is None
