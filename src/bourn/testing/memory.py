"""Whether memory grows with use: what one more round costs for good, by ``tracemalloc``, after the first rounds are over.

    slope = await growth(one_round, rounds=50)
    assert slope.per_round < 100

House rule: what is measured is memory that Python still holds after a collection; caches fill up in rounds that do not count.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Awaitable, Callable

import msgspec


class Growth(msgspec.Struct, frozen=True):
    """Bytes held after each counted round, and what a round adds, by the straight line that fits them best."""

    held: list[int]
    per_round: float


async def growth(one_round: Callable[[], Awaitable[object]], rounds: int = 40, warm: int = 10) -> Growth:
    """Run ``warm`` rounds that do not count, then ``rounds`` that do. Raises what a round raises."""
    for _ in range(warm):
        await one_round()
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    try:
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
    """The slope of the straight line that fits the values best (least squares), one step apart."""
    count = len(values)
    if count < 2:
        return 0.0
    middle, mean = (count - 1) / 2, sum(values) / count
    spread = sum((at - middle) ** 2 for at in range(count))
    return sum((at - middle) * (value - mean) for at, value in enumerate(values)) / spread
