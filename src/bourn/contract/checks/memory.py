"""Section 8: memory.

What is held after a collection is measured after each of several rounds by ``tracemalloc``; what a typical round adds says what
a stream leaves behind, and one jump counts for nothing. Too much is tried again, and the least counts.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

from bourn.contract.place import Place
from bourn.contract.registry import check
from bourn.contract.stage import Stage
from bourn.contract.verdict import require
from bourn.mock import Journal
from bourn.testing.leaks import collector_off
from bourn.testing.memory import growth

SLOPE = 512.0
"""Bytes that one more stream may leave: less than a stream and what it holds take, more than tables and caches that settle."""

STREAMS = 3
"""Streams a round."""

ROUNDS, WARM = 8, 5
TRIES = 2

_MANY = 10_000


@check("8.1", aspect="clean-up", deadline=60)
async def streams_leave_no_memory(stage: Stage) -> None:
    """Warm, with one client, one more stream adds nothing to what Python holds."""
    place = await stage.serve()
    place.server.journal = journal = Journal(limit=4)  # the kit must not grow either
    journal.bind(stage.loop)
    client = await place.client()

    async def one_round() -> None:
        for _ in range(STREAMS):
            await _lived(place, client, _MANY)
        if stage.clock == "virtual":
            await asyncio.sleep(stage.patience + 1)  # a timer that was called off is in the loop until its time has come

    slopes: list[float] = []
    while len(slopes) < TRIES and (not slopes or min(slopes) > SLOPE):
        grown = await growth(one_round, ROUNDS, WARM)
        slopes.append(grown.per_round / STREAMS)
        stage.evidence.figures["bytes held after each round"] = grown.held
    stage.evidence.figures["bytes a stream leaves"] = slopes
    require(min(slopes) <= SLOPE, f"{min(slopes):.0f} bytes stayed behind for each stream, in {ROUNDS * STREAMS} streams")


@check("8.1", aspect="clean-up")
async def a_stream_dies_with_its_last_reference(stage: Stage) -> None:
    """Closed and held by nobody, a stream is gone at once, though the cyclic collector is off."""
    place = await stage.serve()
    client = await place.client()
    for when, most in {"before its first item": 0, "midway": 3, "at its end": _MANY}.items():
        with collector_off():
            stream = await _lived(place, client, most)
            held = [] if stream() is None else [type(each).__qualname__ for each in gc.get_referrers(stream())]
            require(
                stream() is None, f"closed {when} and held by nobody else, it lived on, held by {', '.join(held) or 'C code'}"
            )


async def _lived(place: Place, client: Any, most: int) -> weakref.ref[Any]:
    """A weak reference to a stream that was read, closed, and is held by nobody."""
    guest = await place.open(client)
    reading = await guest.read(most)
    if reading.end is not None and reading.end.error is not None:
        reading.end.error.__traceback__ = None  # it holds the frames of the kit and of the stream
    await guest.close()
    stream = weakref.ref(guest.stream)
    guest.forget()
    return stream
