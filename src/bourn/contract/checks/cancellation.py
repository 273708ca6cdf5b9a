"""Section 4: cancellation.

A sweep cancels the reader of a whole answer at its first suspension, then that of a new stream at its second, and so on until
one runs through: while it connects, while it waits for the head, between two pieces, at the end. The answer pauses between its
pieces, so that each is waited for, and ends with its connection, so that each stream connects anew.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from bourn.contract import scripts
from bourn.contract.comparing import difference, seen
from bourn.contract.guest import Guest, Outcome, Reading
from bourn.contract.place import Place
from bourn.contract.registry import check
from bourn.contract.stage import Stage
from bourn.contract.verdict import require, skip
from bourn.mock import faults, ops, text, usage
from bourn.mock.faults.base import Scene, act
from bourn.mock.mounts import Answering
from bourn.mock.reply import Reply
from bourn.testing.leaks import Belongings, collector_off
from bourn.testing.suspensions import Cut, cancel_at

GRACE = 5.0
"""Seconds that a close may take."""

LIMIT = 1.0
"""Seconds of a reader's own limit."""

LATER = 2.0
"""Seconds after it in which nothing more of it may come."""

PACED = text("It ", 1.0, "was ", 1.0, "the ", 1.0, "end.", whole=True) + usage(7, 4)
"""An answer whose pieces are each waited for."""

_MANY = 10_000
_MOST = 400
"""Suspensions that are cancelled, at most."""


class _LastAnswer(faults.Fault, frozen=True, tag="last-answer"):
    """The connection ends with the body."""


@act(_LastAnswer)
def _last_answer(_: _LastAnswer, reply: Reply, __: Scene) -> Reply:
    return msgspec.structs.replace(reply, framing="close")


class _Reader:
    """Reads a stream to its end, in one way; ``items`` is what it got."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.items: list[Any] = []

    async def loop(self) -> Outcome:
        """One read after the other."""
        while (outcome := await self.guest.pull()).error is None:
            self.items.append(outcome.item)
        return outcome

    async def async_with(self) -> Outcome:
        """``async for`` under the stream's own ``async with``."""
        made = await self.guest.raw()
        async with made as entered:
            async for item in made if entered is None else entered:
                self.items.append(item)
        return Outcome(error=StopAsyncIteration())


Way = Callable[[_Reader], Awaitable[Outcome]]
Judge = Callable[[Cut, _Reader], Awaitable[None]]


async def _sweep(stage: Stage, make: Callable[[], Awaitable[Guest]], judge: Judge, way: Way = _Reader.loop) -> None:
    """Cancel at every suspension and call ``judge`` after each, with the cut and the reader that was cancelled."""
    for at in range(1, _MOST + 1):
        reader = _Reader(await make())
        cut = await cancel_at(at, way(reader))
        if not cut.delivered:
            if not (cut.ending == "returned" and cut.value.ended):
                skip(f"it cannot read an answer that ends with its connection: it {_became(cut)}")
            stage.evidence.figures[f"suspensions, {way.__name__}"] = at - 1
            stage.evidence.suspension = ""
            await reader.guest.close()
            return
        stage.evidence.suspension = f"suspension {at}: {cut.where}"
        await judge(cut, reader)
    stage.inform(f"only its first {_MOST} suspensions were tried")


def _became(cut: Cut) -> str:
    """What a reader did that was to be cancelled."""
    if cut.ending == "raised":
        return f"raised {Outcome(error=cut.error)}"
    return "was cancelled" if cut.ending == "cancelled" else f"went on to {cut.value}"


async def _ways(place: Place, client: Any) -> list[Way]:
    """How the stream can be read."""
    guest = await place.guest(client)
    entered = hasattr(await guest.raw(), "__aenter__")
    await guest.close()
    return [_Reader.loop, _Reader.async_with] if entered else [_Reader.loop]


@check("4.1")
async def cancellation_reaches_the_reader(stage: Stage) -> None:
    """Wherever its reader is cancelled, the reader gets ``CancelledError``."""

    async def judge(cut: Cut, reader: _Reader) -> None:
        require(cut.ending == "cancelled", f"its reader was cancelled at suspension {cut.at} ({cut.where}) and {_became(cut)}")
        await reader.guest.close()

    place = await stage.serve(PACED, fault=_LastAnswer())
    client = await place.client()
    for way in await _ways(place, client):
        await _sweep(stage, partial(place.guest, client), judge, way)


@check("4.2", aspect="clean-up")
async def cancelled_and_closed_leaves_nothing(stage: Stage) -> None:
    """Wherever its reader was cancelled: once it is closed nothing is left, and its client serves the next request."""

    async def leave(reader: _Reader) -> None:
        await reader.guest.close(within=GRACE)

    await _leaves_nothing(stage, leave, "closed")


@check("4.2", aspect="clean-up", level="SHOULD")
async def cancelled_and_dropped_leaves_nothing(stage: Stage) -> None:
    """Wherever its reader was cancelled: once nobody holds it nothing is left, and its client serves the next request."""

    async def leave(reader: _Reader) -> None:
        reader.guest.forget()
        reader.items.clear()

    await _leaves_nothing(stage, leave, "dropped (the cyclic collector was off)")


async def _leaves_nothing(stage: Stage, leave: Callable[[_Reader], Awaitable[None]], left: str) -> None:
    with collector_off():
        place = await stage.serve(PACED, fault=_LastAnswer())
        client = await place.client()
        ways = await _ways(place, client)
        await _next_answer(place, client)  # what is made once for all is there from now on
        before = Belongings.now()

        async def judge(cut: Cut, reader: _Reader) -> None:
            when = f"its reader was cancelled at suspension {cut.at} ({cut.where}) and it was {left}"
            await leave(reader)
            await place.gone(1, when)
            found = await _left_since(before)
            require(not found, f"when {when}, there was left behind: {'; '.join(found)}")
            reading = await _next_answer(place, client)
            require(reading.clean, f"after {when}, the client's next stream ended with {reading.end}")

        for way in ways:
            await _sweep(stage, partial(place.guest, client), judge, way)


async def _next_answer(place: Place, client: Any) -> Reading:
    guest = await place.open(client)
    reading = await guest.read(_MANY)
    await guest.close()
    await place.journal.closed()
    return reading


async def _left_since(before: Belongings) -> list[str]:
    """Tasks and sockets that were not there, after a second for those that are about to go. Threads are rule 7.3's."""
    found: list[str] = []
    for _ in range(10):
        found = [line for line in Belongings.now().since(before) if not line.startswith("thread")]
        if not found:
            break
        await asyncio.sleep(0.1)
    return found


@check("4.3")
async def cancelled_read_is_no_end(stage: Stage) -> None:
    """The read after a cancelled one gives an item or raises; it does not end as if the answer were over."""
    place = await stage.serve(PACED, fault=_LastAnswer())
    client = await place.client()
    whole = len((await _next_answer(place, client)).items)

    async def judge(cut: Cut, reader: _Reader) -> None:
        guest, given = reader.guest, len(reader.items)
        if cut.ending == "cancelled" and guest.iterator is not None and given < whole:
            outcome = await guest.next()
            told = f"a read was cancelled at suspension {cut.at} ({cut.where})"
            require(not outcome.ended, f"{told}, and the next ended as if that were all, after {given} of {whole} items")
        await guest.close()

    await _sweep(stage, partial(place.guest, client), judge)


@check("4.4", needs=("cancel_safe",))
async def cancelled_read_loses_nothing(stage: Stage) -> None:
    """Read on after a cancellation, it gives every item once."""
    make = partial(stage.guest, PACED, fault=_LastAnswer())
    wanted = seen(stage.subject, (await (await make()).read(_MANY)).items)

    def missing(items: list[Any], end: Outcome | None) -> str | None:
        clean = end is not None and end.ended
        return difference(wanted, seen(stage.subject, items)) if clean else f"it ended with {end}"

    async def judge(cut: Cut, reader: _Reader) -> None:
        if cut.ending == "cancelled" and reader.guest.iterator is not None:
            rest = await reader.guest.read(_MANY)
            found = missing(reader.items + rest.items, rest.end)
            require(found is None, f"read on after a read was cancelled at suspension {cut.at} ({cut.where}), {found}")

    await _sweep(stage, make, judge)
    polled = await _polled(await make())
    found = missing(polled.items, polled.end)
    require(found is None, f"polled with a limit of 0.3 s, {found}")


async def _polled(guest: Guest) -> Reading:
    items: list[Any] = []
    await guest.begin()
    while True:
        try:
            async with asyncio.timeout(0.3):
                outcome = await guest.pull()
        except TimeoutError:
            continue
        if outcome.error is not None:
            return Reading(items, outcome)
        items.append(outcome.item)


@check("4.5")
async def readers_limit_is_one_timeout(stage: Stage) -> None:
    """``asyncio.timeout()`` around the loop gives one ``TimeoutError``, and leaves the task as it was."""
    for when, (answer, fault, items) in _SILENCES.items():
        task = asyncio.ensure_future(_limited(await stage.guest(answer, fault=fault), items))
        await asyncio.wait({task}, timeout=LIMIT + 2 * LATER)
        around = f"a limit of {LIMIT:g} s around the loop, {when},"
        require(task.done(), f"{around} did not end it within {LATER:g} s")
        require(not task.cancelled(), f"{around} came out as a cancellation of the task, or was followed by one")
        came, cancelling = task.result()
        require(came is None, f"{around} came out as {came} instead of TimeoutError")
        require(cancelling == 0, f"{around} left task.cancelling() at {cancelling}")


_SILENCES: dict[str, tuple[Answering, faults.Fault | tuple[()], int]] = {
    "before its head came": ([ops.Stall()], (), 0),
    "midway": (scripts.ANSWER, faults.Stall(event=5), 2),
}
"""When nothing comes: the answer, and how many items are read before."""


async def _limited(guest: Guest, items: int) -> tuple[Outcome | None, int]:
    """What came out of the loop in place of ``TimeoutError``, and what is left of the cancellation."""
    came: Outcome | None = None
    task = asyncio.current_task()
    assert task is not None
    await guest.read(items)
    try:
        async with asyncio.timeout(LIMIT):
            came = await _Reader(guest).loop()
    except TimeoutError:
        pass
    cancelling = task.cancelling()
    await asyncio.sleep(LATER)  # a second cancellation would come here
    return came, cancelling


@check("4.6")
async def any_task_may_read(stage: Stage) -> None:
    """Each item pulled by a task of its own, and closed by another, it gives what it gives to one; none is cancelled by it."""
    one = await (await stage.open(scripts.ANSWER)).read(_MANY)
    guest = await stage.open(scripts.ANSWER)
    items: list[Any] = []
    while (outcome := await asyncio.ensure_future(guest.next())).error is None:
        items.append(outcome.item)
    found = difference(seen(stage.subject, one.items), seen(stage.subject, items))
    told = f"it ended with {outcome}" if str(outcome) != str(one.end) else found
    require(told is None, f"read by one task after the other, {told}")
    closed = await asyncio.ensure_future(guest.close())
    require(closed.error is None, f"closed by a task that had not read it, it raised {closed}")


@check("4.6", aspect="clean-up")
async def any_task_may_close(stage: Stage) -> None:
    """Closed midway by a task that had not read it, its connection is gone; nor is a task cancelled that had read it."""
    place = await stage.serve(scripts.ANSWER, fault=faults.Stall(event=5))
    guest = await place.open()
    busy = asyncio.ensure_future(_read_and_turn_away(guest))
    await asyncio.wait({busy}, timeout=stage.patience)
    require(not busy.cancelled(), "a task that had read an item and was busy with something else was cancelled")
    await asyncio.ensure_future(guest.next())
    await asyncio.ensure_future(guest.close(within=GRACE))
    await place.gone(1, "a task that had not read the stream closed it")


async def _read_and_turn_away(guest: Guest) -> None:
    await guest.next()
    await asyncio.sleep(guest.patience - 1)


@check("4.7")
async def context_is_the_readers(stage: Stage) -> None:
    """Nothing that it does changes a context variable of its reader."""
    before = _variables()
    guest = await stage.guest()
    steps: dict[str, Callable[[], Awaitable[Any]]] = {
        "making it": guest.begin,
        "a read": guest.next,
        "reading on": partial(guest.read, _MANY),
        "a close": guest.close,
    }
    for what, step in steps.items():
        await step()
        changed = _changed(before)
        require(not changed, f"{what} changed context variables of its reader: {changed}")


@check("4.7")
async def any_context_will_do(stage: Stage) -> None:
    """Read in one context and read or closed in another, it fails nowhere."""
    guest = await stage.open()
    await guest.next()
    outcome = await _elsewhere(guest.next)
    require(not outcome.failed, f"read in another context than before, it raised {outcome}")
    outcome = await _elsewhere(guest.close)
    require(outcome.error is None, f"closed in another context than it was read in, it raised {outcome}")


async def _elsewhere(call: Callable[[], Any]) -> Outcome:
    """Call something in a context that is empty."""
    outcome: Outcome = await asyncio.get_running_loop().create_task(call(), context=contextvars.Context())
    return outcome


def _variables() -> dict[contextvars.ContextVar[Any], Any]:
    return dict(contextvars.copy_context().items())


def _changed(before: dict[contextvars.ContextVar[Any], Any]) -> str:
    """The names of those that have another value than before, or none, or were not there."""
    now = _variables()
    missing = object()
    return ", ".join(each.name for each in {**before, **now} if now.get(each, missing) is not before.get(each, missing))
