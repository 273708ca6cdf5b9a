"""Whether memory grows with use: what one more round costs for good, by ``tracemalloc``, after the first rounds are over.

    slope = await growth(one_round, rounds=50)
    assert slope.per_round < 100

House rule: what is measured is memory that Python still holds after a collection; caches fill up in rounds that do not count,
and are traced then too: what takes the place of an older thing of its size adds nothing.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Awaitable, Callable
from itertools import pairwise
from statistics import median

import msgspec


class Growth(msgspec.Struct, frozen=True):
    """Bytes held after each counted round, and what a typical round adds (see ``slope``)."""

    held: list[int]
    per_round: float


async def growth(one_round: Callable[[], Awaitable[object]], rounds: int = 40, warm: int = 10) -> Growth:
    """Run ``warm`` rounds that do not count, then ``rounds`` that do. Raises what a round raises."""
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    try:
        for _ in range(warm):
            await one_round()
        held = []
        for _ in range(rounds):
            await one_round()
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        if not running:
            tracemalloc.stop()
    return Growth(held, slope(held))


def slope(values: list[int]) -> float:
    """What is added from one value to the next: the median, so that one jump (a table that grew) does not count for a leak."""
    return float(median([later - sooner for sooner, later in pairwise(values)] or [0]))
