"""Time that stands still while the reader is away, and a limit that is kept on it."""

from __future__ import annotations

import asyncio

import bourn
from bourn.transport import clock
from bourn.transport.clock import ReaderClock
from bourn.transport.limits import Limits, Timeouts
from bourn.transport.watchdog import Watchdog


async def test_it_stands_still_between_leave_and_back() -> None:
    """Only the time that the reader waits is counted; leaving twice, or coming back twice, changes nothing."""
    reader, began = ReaderClock(), ReaderClock().time()
    await asyncio.sleep(2)
    reader.leave()
    await asyncio.sleep(50)
    assert (reader.stands, reader.time() - began) == (True, 2)
    reader.back()
    reader.back()
    await asyncio.sleep(3)
    assert (reader.stands, reader.time() - began) == (False, 5)


async def test_it_is_in_force_for_a_moment_only() -> None:
    """What is made under `with` takes it; what is made elsewhere has the loop's own."""
    reader = ReaderClock()
    with reader:
        assert clock.in_force() is reader
    assert clock.in_force() is None


async def test_a_limit_waits_for_the_reader() -> None:
    """A limit that would have passed in the reader's absence fires as much later as the reader was away."""
    loop, reader = asyncio.get_running_loop(), ReaderClock()
    with reader:
        watch = Watchdog(Timeouts(idle=10), Limits())
    fired: list[tuple[type[bourn.BournError], float]] = []
    watch.interrupt = lambda error: fired.append((type(error), round(loop.time(), 3)))
    watch.enter("idle")
    watch.begin()
    await asyncio.sleep(4)
    reader.leave()
    await asyncio.sleep(60)
    assert fired == []
    reader.back()
    await asyncio.sleep(20)
    assert [kind for kind, _ in fired] == [bourn.IdleTimeout]
    assert 70 <= fired[0][1] <= 70.1
    watch.stop()
