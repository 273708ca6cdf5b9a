"""`Leg`: a coroutine that is left behind leaves nothing that anybody complains about."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from bourn.mock import faults
from bourn.steering.leg import Leg
from tests.steering.stages import GOOD, WORDS, service


async def test_who_is_cancelled_waits_no_more() -> None:
    """The future that its coroutine waited on is cancelled, as a task's is, so that nobody sets an error in it."""
    waiting = asyncio.get_running_loop().create_future()

    async def wait() -> None:
        await waiting

    leg = Leg(wait())
    leg.step()
    leg.cancel()
    assert waiting.cancelled()


@pytest.mark.parametrize("after", [None, 0.2])
async def test_a_loser_whose_body_was_waited_for_is_silent(after: float | None) -> None:
    """When the connection of a loser is closed, the loop has nothing to complain about, then or later."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with service() as here:
        models = [here.add("stalls", GOOD.broken(faults.Stall(event=0))), here.add("good", GOOD.paced(first=1))]
        stream = here.client.race(models, "hi", after=after)
        assert (await stream.collect()).text == WORDS
        del stream
        gc.collect()
    assert told == []
