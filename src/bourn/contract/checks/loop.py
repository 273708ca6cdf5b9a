"""Section 7: the event loop.

Stalls are measured in real time, without the time for which a busy machine had no processor for the loop's thread. A stall that
the stream makes comes back each time, one that the machine makes does not: what is too much is tried again, up to five times,
and the least counts. Pieces of a long answer are all different, since some libraries take repetition for a model gone astray.
The sum of short stalls counts CPU time of the loop's thread alone, so that a busy machine adds nothing to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from bourn import mock
from bourn.contract.guest import Guest
from bourn.contract.place import Place
from bourn.contract.registry import check
from bourn.contract.stage import Stage
from bourn.contract.verdict import require
from bourn.mock import faults, text
from bourn.testing.leaks import Belongings
from bourn.testing.stalls import Stalls

LONGEST = 0.050
"""Seconds that one stall may last."""

WINDOW, SHARE = 0.5, 0.25
"""Within so many seconds of a slow answer, the loop may be kept from turning for this share of them."""

IN_A_ROW = 64
"""Items that may be given before another ready task has its turn."""

TRIES = 5

_MANY = 10_000_000
_BURST = text(*(f"It was the best of {count} times. " for count in range(3_000)), "x" * 500_000, whole=True)
_PACED = text(*(f"It was the best of {count} times. " for count in range(60)), whole=True).paced(rate=100)
_BUFFERED = text(*(f"{count} " for count in range(1_000)), whole=True)


@check("7.1", clock="real", deadline=30)
async def making_it_does_not_block(stage: Stage) -> None:
    """The client and the stream are made without a stall of more than 50 ms; only the first time is allowed one, and told."""
    place = await stage.serve()

    async def once(stalls: Stalls) -> None:
        async with stalls:
            guest = await place.open(await place.client())
        await guest.close()

    seen = await _tried(once, lambda stalls: stalls.worst, LONGEST)
    stage.evidence.figures["worst stall while it was made, s"] = seen
    if seen[0] > LONGEST >= min(seen):
        stage.inform(f"making the first one blocked the loop for {seen[0] * 1000:.0f} ms, later ones did not")
    require(min(seen) <= LONGEST, f"making it blocked the event loop for {min(seen) * 1000:.0f} ms")


@check("7.1", clock="real", deadline=30)
async def streaming_does_not_block(stage: Stage) -> None:
    """An answer of thousands of events at once, the last of them large, is read without a stall of more than 50 ms."""
    place = await stage.serve(_BURST)
    seen = await _tried(partial(_whole, place), lambda stalls: stalls.worst, LONGEST)
    stage.evidence.figures["worst stall while it streamed, s"] = seen
    require(min(seen) <= LONGEST, f"streaming blocked the event loop for {min(seen) * 1000:.0f} ms")


@check("7.1", clock="real", deadline=30)
async def short_stalls_do_not_add_up(stage: Stage) -> None:
    """A slow answer leaves the loop free: stalls of its computing, however short, add up to a quarter of the time at most."""
    place = await stage.serve(_PACED)
    most = WINDOW * SHARE
    seen = await _tried(partial(_whole, place), _computed, most)
    stage.evidence.figures[f"stalls within {WINDOW} s, CPU s"] = seen
    told = f"stalls of {min(seen) * 1000:.0f} ms of computing within {WINDOW * 1000:.0f} ms"
    require(min(seen) <= most, f"reading a slow answer blocked the event loop again and again: {told}")


def _computed(stalls: Stalls) -> float:
    """The most CPU seconds of stalls within any window."""
    sums = (sum(each.cpu for each in stalls.seen if 0 <= last.at - each.at < WINDOW) for last in stalls.seen)
    return max(sums, default=0.0)


async def _whole(place: Place, stalls: Stalls) -> None:
    guest = await place.open()
    async with stalls:
        while (outcome := await guest.pull()).error is None:
            pass
        await guest.closing()
    require(outcome.ended, f"it could not be read to its end: {outcome}")


async def _tried(once: Callable[[Stalls], Awaitable[None]], measure: Callable[[Stalls], float], most: float) -> list[float]:
    """What was measured, up to the first time that it was not too much."""
    seen: list[float] = []
    while len(seen) < TRIES and (not seen or min(seen) > most):
        stalls = Stalls()
        await once(stalls)
        seen.append(measure(stalls))
    return seen


@check("7.2")
async def others_have_their_turn(stage: Stage) -> None:
    """While a thousand buffered items are read, a task that is always ready runs at least once in 64."""
    guest = await stage.open(_BUFFERED, fault=faults.OneWrite())
    ticks = longest = run = before = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    await guest.read(2)
    ticker = asyncio.ensure_future(tick())
    try:
        while (await guest.pull()).error is None:
            run = run + 1 if ticks == before else 1
            before, longest = ticks, max(longest, run)
    finally:
        ticker.cancel()
    stage.evidence.figures["items in a row"] = longest
    require(longest <= IN_A_ROW, f"it gave {longest} items in a row while another task was ready")


@check("7.2")
async def cancellation_has_its_turn(stage: Stage) -> None:
    """Cancelled while a thousand items are buffered, its reader gets at most 64 more."""
    guest = await stage.open(_BUFFERED, fault=faults.OneWrite())
    given = 0

    async def reader() -> None:
        nonlocal given
        await guest.read(10)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        while (await guest.pull()).error is None:
            given += 1

    await asyncio.wait({asyncio.ensure_future(reader())}, timeout=stage.patience)
    stage.evidence.figures["items after the cancellation"] = given
    require(given <= IN_A_ROW, f"its reader was cancelled and got {given} items more")


@check("7.3", aspect="clean-up")
async def no_task_or_thread_is_left(stage: Stage) -> None:
    """Once a stream was closed, at its end or midway, or had failed, no task and no thread is there that was not before."""
    await _lived(await stage.open(), _MANY)  # what is made once for all is there from now on
    await _lived(await stage.open(), 2)
    for when, most in {"midway": 2, "at its end": _MANY}.items():
        before = Belongings.now()
        await _lived(await stage.open(), most)
        left = await _left(before)
        require(not left, f"closed {when}, it left behind: {'; '.join(left)}")
    if stage.can_fail:
        before = Belongings.now()
        await _lived(await stage.failing(), _MANY)
        left = await _left(before)
        require(not left, f"closed after an error, it left behind: {'; '.join(left)}")


async def _lived(guest: Guest, most: int) -> None:
    await guest.read(most)
    await guest.close()


_KIT = str(Path(mock.__file__).parent)


async def _left(before: Belongings) -> list[str]:
    """Tasks and threads that were not there, but the kit's own, after a second for those that are about to go."""
    found: list[str] = []
    for _ in range(10):
        found = [line for line in Belongings.now().since(before) if line.startswith(("task", "thread")) and _KIT not in line]
        if not found:
            break
        await asyncio.sleep(0.1)
    return found
