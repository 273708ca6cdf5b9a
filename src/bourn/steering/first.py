"""``first`` and ``every``: wait for whichever of several waits is over first, or for all, without a task for any of them.

The coroutines are driven by hand inside the one who waits. So nothing outlives the call, nothing runs while nobody waits (which
is backpressure, and keeps the consumer's time out of the providers' limits), and the call is cancelled as one.

House rule: a wait that is not over when the call ends is cancelled where it stands. It must be cancel-safe (asked again, it has
lost nothing) and unwind without waiting, as ``Source.receive`` and a stream's ``__anext__`` do.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from bourn.steering.leg import Leg, Outcome, any_ready

__all__ = ["Outcome", "every", "first"]

K = TypeVar("K")
T = TypeVar("T")


async def first(waits: Mapping[K, Callable[[], Coroutine[Any, Any, T]]]) -> dict[K, Outcome[T]]:
    """The outcomes of those that are over, at least one, as soon as there is one; in the order of ``waits``.

    Each value of ``waits`` makes a coroutine; all get their turn before the outcomes are given, so of several that are ready
    none starves another. An exception of a wait is its outcome, ``StopAsyncIteration`` too; what is no ``Exception`` is raised.
    """
    return await _driven(waits, any)


async def every(waits: Mapping[K, Callable[[], Coroutine[Any, Any, T]]]) -> dict[K, Outcome[T]]:
    """The outcomes of all, side by side, when the last one is over."""
    return await _driven(waits, all)


async def _driven(
    waits: Mapping[K, Callable[[], Coroutine[Any, Any, T]]], enough: Callable[[Iterable[bool]], bool]
) -> dict[K, Outcome[T]]:
    legs = {key: Leg(make()) for key, make in waits.items()}
    try:
        while True:
            for leg in legs.values():
                if not leg.over:
                    leg.step()
            if enough(leg.over for leg in legs.values()):
                return {key: leg.take() for key, leg in legs.items() if leg.over}
            await any_ready([leg for leg in legs.values() if not leg.over])
    finally:
        for leg in legs.values():
            leg.cancel()
