"""A guest bounds every call and makes data of every outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bourn.contract import Subject
from bourn.contract.guest import Guest, attempt, closer
from bourn.contract.trace import Trace
from bourn.contract.verdict import Failed


async def numbers() -> AsyncGenerator[int, None]:
    yield 1
    yield 2


def guest(make: Any, **declared: Any) -> Guest:
    return Guest(Subject(name="n", factory=make, **declared), make, Trace(lambda: 0.0), 60)


@asynccontextmanager
async def managed() -> AsyncIterator[AsyncGenerator[int, None]]:
    yield numbers()


async def awaited() -> AsyncGenerator[int, None]:
    return numbers()


class Iterable:
    """An iterable that is no iterator."""

    def __aiter__(self) -> AsyncGenerator[int, None]:
        return numbers()


@pytest.mark.parametrize("make", [numbers, managed, awaited, Iterable])
async def test_every_shape_of_stream_is_read(make: Any) -> None:
    """A generator, a context manager, an awaitable and an iterable are all streams."""
    reading = await guest(make).read()
    assert (reading.items, reading.clean, reading.error) == ([1, 2], True, None)


async def test_reading_so_many() -> None:
    """Reading stops at the number asked for, and then there was no end."""
    one = guest(numbers)
    reading = await one.read(1)
    assert (reading.items, reading.end, reading.clean) == ([1], None, False)
    assert (await one.next()).item == 2
    assert (await one.next()).ended
    await one.close()


async def test_what_a_stranger_raises_is_an_outcome() -> None:
    """Exceptions of every kind are data, also those that would end a process, and a cancellation nobody asked for."""
    for error in (ValueError("no"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()):

        def fail(error: BaseException = error) -> None:
            raise error

        outcome = await attempt(fail, 5, "it")
        assert outcome.error is error
        assert outcome.failed


async def test_a_wait_that_is_too_long_has_failed() -> None:
    """A call that is not over in time fails with what it was."""
    with pytest.raises(Failed, match=r"waiting for item 1 was not over within 3 s"):
        await guest(lambda: _slow()).next(within=3)
    assert asyncio.get_running_loop().time() == 3


async def _slow() -> AsyncGenerator[int, None]:
    await asyncio.sleep(100)
    yield 1


async def test_a_stranger_that_swallows_the_cancellation_is_late_all_the_same() -> None:
    """Turning the kit's own cancellation into an end does not hide that the time was over."""

    async def deaf() -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            return "never mind"
        return ""

    with pytest.raises(Failed, match="it was not over within 3 s"):
        await attempt(deaf, 3, "it")
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_from_outside_passes() -> None:
    """A check that is cancelled is cancelled."""
    task = asyncio.ensure_future(attempt(lambda: asyncio.sleep(100), 50, "it"))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_an_error_in_making_is_the_first_reads() -> None:
    """A factory that raises gives a guest whose every read raises it."""
    one = guest(lambda: 1 / 0)
    for _ in range(2):
        outcome = await one.next()
        assert str(outcome) == "ZeroDivisionError: division by zero"
    assert (await one.close()).error is None
    with pytest.raises(Failed, match="the stream could not be made: ZeroDivisionError"):
        await one.pull()


async def test_pull_lets_a_cancellation_through() -> None:
    """An unbounded read is an outcome, unless it is cancelled."""
    one = guest(numbers)
    assert [str(await one.pull()) for _ in range(3)] == ["1", "2", "StopAsyncIteration"]
    task = asyncio.ensure_future(guest(_slow).pull())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_the_best_way_to_close_is_taken() -> None:
    """The declared way first, then aclose, close, and leaving the context."""
    log: list[str] = []

    class Closable:
        async def close(self) -> None:
            log.append("close")

        async def __aexit__(self, *_: object) -> None:
            log.append("exit")

    class Better(Closable):
        async def aclose(self) -> None:
            log.append("aclose")

    class OnlyExit:
        async def __aexit__(self, *_: object) -> None:
            log.append("exit")

    for thing in (Better(), Closable(), OnlyExit()):
        close = closer(thing, None)
        assert close is not None
        await close()
    declared = closer(Better(), lambda thing: log.append("declared"))
    assert declared is not None
    declared()
    assert log == ["aclose", "close", "exit", "declared"]
    assert closer(object(), None) is None


async def test_the_manager_is_left_after_the_stream_is_closed() -> None:
    """A context manager that gave the stream is left once, whatever closing did."""
    left: list[str] = []

    @asynccontextmanager
    async def manager() -> AsyncIterator[AsyncGenerator[int, None]]:
        yield numbers()
        left.append("left")

    one = guest(manager)
    await one.read(1)
    await one.close()
    await one.close()
    assert left == ["left"]


async def test_a_forgotten_guest_holds_nothing() -> None:
    """After ``forget`` nothing of the stream is left in the guest."""
    one = guest(numbers)
    await one.read()
    one.forget()
    assert one.stream is one.iterator is None
