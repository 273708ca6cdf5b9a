"""A coroutine is cancelled at exactly the suspension that was asked for."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator

from bourn.testing.leaks import collector_off
from bourn.testing.suspensions import cancel_at, each_suspension, standing_at


async def three_waits(log: list[str]) -> str:
    log.append("begun")
    await asyncio.sleep(0)
    log.append("one")
    await asyncio.sleep(1)
    log.append("two")
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, "three")
    log.append(await future)
    return "done"


async def test_each_suspension_is_cut_once() -> None:
    """Every suspension is cut in its turn, and the run that goes through is not given."""
    logs: list[list[str]] = []

    def make():
        logs.append([])
        return three_waits(logs[-1])

    cuts = [cut async for cut in each_suspension(make)]
    assert [cut.at for cut in cuts] == [1, 2, 3]
    assert {cut.ending for cut in cuts} == {"cancelled"}
    assert logs == [["begun"], ["begun", "one"], ["begun", "one", "two"], ["begun", "one", "two", "three"]]


async def test_a_coroutine_that_runs_through_gives_its_value() -> None:
    """A cut beyond the last suspension is not delivered."""
    cut = await cancel_at(9, three_waits([]))
    assert (cut.delivered, cut.ending, cut.value) == (False, "returned", "done")


async def test_what_a_cut_coroutine_held_is_freed_at_once() -> None:
    """With the collector off, what a cancelled coroutine held dies with its last reference."""

    class Held:
        pass

    held = Held()
    alive = weakref.ref(held)

    async def holds(_: Held) -> None:
        await asyncio.sleep(1)

    with collector_off():
        cut = await cancel_at(1, holds(held))
        del held
        assert cut.ending == "cancelled"
        assert alive() is None


async def test_a_swallowed_cancellation_is_told() -> None:
    """A coroutine that turns its cancellation into something else is seen to."""

    async def deaf() -> str:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            return "never mind"
        return "slept"

    async def loud() -> None:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            raise ValueError("interrupted") from None

    cut = await cancel_at(1, deaf())
    assert (cut.delivered, cut.ending, cut.value) == (True, "returned", "never mind")
    cut = await cancel_at(1, loud())
    assert (cut.delivered, cut.ending, repr(cut.error)) == (True, "raised", "ValueError('interrupted')")


async def test_the_place_of_a_suspension_is_named() -> None:
    """The innermost line at which the coroutine stood is told."""
    cut = await cancel_at(1, three_waits([]))
    assert cut.where.endswith("in __sleep0")
    cut = await cancel_at(3, three_waits([]))
    assert "test_suspensions.py" in cut.where
    assert cut.where.endswith("in three_waits")


async def test_a_generator_is_looked_into() -> None:
    """Asynchronous generators are followed too."""

    async def numbers() -> AsyncGenerator[int, None]:
        await asyncio.sleep(1)
        yield 1

    generator = numbers()
    cut = await cancel_at(1, anext(generator))
    assert cut.ending == "cancelled"
    assert standing_at(generator) == ""
    await generator.aclose()


async def test_the_tasks_state_is_a_real_one() -> None:
    """The cancellation is the task's own: a timeout inside is not confused, and a shielded job goes on."""
    job = asyncio.ensure_future(asyncio.sleep(5, "finished"))

    async def shielded() -> str:
        async with asyncio.timeout(10):
            return await asyncio.shield(job)

    cut = await cancel_at(1, shielded())
    assert cut.ending == "cancelled"
    assert await job == "finished"
