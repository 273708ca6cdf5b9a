"""Section 3: early exit and connections."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from bourn.contract import scripts
from bourn.contract.guest import Guest, attempt
from bourn.contract.place import Place
from bourn.contract.registry import check
from bourn.contract.stage import Stage, turns
from bourn.contract.verdict import require
from bourn.mock import faults, ops
from bourn.mock.faults.base import Scene, act
from bourn.mock.reply import Item, Reply
from bourn.testing.leaks import collector_off

GRACE = 5.0
"""Seconds that a close may take."""

SOON = 0.05
"""Seconds after its last frame at which a body's end still comes in time."""

HELD = 5
"""So many of each kind are held until the loop is closed, which closes their generators in no order: one is too few to tell."""

_MANY = 10_000
_STALL = faults.Stall(event=5)


class _ReaderError(Exception):
    """What a reader's own code may raise."""


@check("3.1", aspect="clean-up")
async def break_and_close_releases(stage: Stage) -> None:
    """After ``break`` and a close the server sees the disconnect, though the stream is still held."""
    with collector_off():
        place = await stage.serve(scripts.ANSWER, fault=_STALL)
        guest = await place.open(await place.client())
        await _loop(guest, _break)
        await guest.close(within=GRACE)
        await place.gone(1, "the loop was left by break and the stream was closed")


@check("3.1", aspect="clean-up", level="SHOULD")
async def break_alone_releases(stage: Stage) -> None:
    """After ``break``, once nobody holds the stream, the server sees the disconnect."""
    with collector_off():
        place = await stage.serve(scripts.ANSWER, fault=_STALL)
        guest = await place.open(await place.client())
        await _loop(guest, _break)
        guest.forget()
        await place.gone(1, "the loop was left by break and nobody held the stream (the cyclic collector was off)")


@check("3.2", aspect="clean-up")
async def error_and_close_releases(stage: Stage) -> None:
    """A reader's error reaches the reader through the close on its way out, and the connection is gone."""
    with collector_off():
        for place, guest, where, body in await _failing_readers(stage):
            outcome = await attempt(partial(_closing_loop, guest, body), stage.patience, "the loop")
            raised = isinstance(outcome.error, _ReaderError)
            require(raised, f"what the reader raised {where} and closed the stream upon came out as {outcome}")
            await place.gone(1, f"the reader had raised {where} and closed the stream upon it")


@check("3.2", aspect="clean-up", level="SHOULD")
async def error_alone_releases(stage: Stage) -> None:
    """After a reader's error, once nobody holds the stream, the connection is gone."""
    with collector_off():
        for place, guest, where, body in await _failing_readers(stage):
            await _loop(guest, body)
            guest.forget()
            await place.gone(1, f"the reader had raised {where} and nobody held the stream (the cyclic collector was off)")


@check("3.3", needs=("client", "pool_size"))
async def early_exits_leave_the_pool_whole(stage: Stage) -> None:
    """After twice as many early exits as there are connections in the pool, the next stream still gets one."""
    size = stage.subject.pool_size
    assert size is not None
    place = await stage.serve(scripts.ANSWER, fault=_STALL)
    client = await place.client()
    held: list[Guest] = []
    with collector_off():
        for exits in range(2 * size + 1):
            guest = await place.open(client)
            reading = await guest.read(1)
            require(reading.end is None, f"after {exits} early exits from a pool of {size} a stream gave {reading.end}")
            await guest.close()
            held.append(guest)


class _LateEnd(faults.Fault, frozen=True, tag="late-end"):
    """The end of the body comes ``seconds`` after the last frame."""

    seconds: float = SOON


@act(_LateEnd)
def _late_end(fault: _LateEnd, reply: Reply, _: Scene) -> Reply:
    def body() -> Iterator[Item]:
        yield from reply.body
        yield ops.Wait(fault.seconds)

    return reply.with_body(body)


@check("3.4", needs=("client", "keeps_alive"))
async def whole_answer_gives_back(stage: Stage) -> None:
    """After a whole answer whose body ended in time, the next request goes over the same connection."""
    for when, fault in {"with": (), f"{SOON:g} s after": (_LateEnd(),)}.items():
        place = await stage.serve(scripts.ANSWER, fault=fault)
        client = await place.client()
        for _ in range(2):
            guest = await place.open(client)
            await guest.read(_MANY)
            await guest.close()
        opened = place.journal.opened
        require(opened == 1, f"two whole answers took {opened} connections, though the body ended {when} its last frame")


@check("3.5", aspect="clean-up")
async def abandoning_is_quiet(stage: Stage) -> Callable[[], None]:
    """A stream that is dropped at any moment makes nobody complain, neither then nor once its loop is closed."""
    for when, lead in _MOMENTS.items():
        (await lead(stage)).forget()
        gc.collect()
        await asyncio.sleep(1)
        said = _complaints(stage)
        require(not said, f"abandoned {when}, it was complained about: {said}")
    held = [_taken(await lead(stage)) for _ in range(HELD) for lead in _MOMENTS.values()]

    def afterwards() -> None:
        held.clear()
        gc.collect()
        said = _complaints(stage)
        require(not said, f"held until its loop was closed, it was complained about: {said}")

    return afterwards


def _complaints(stage: Stage) -> str:
    return "; ".join(str(each) for each in stage.disturbances.of("loop", "unraisable"))


def _taken(guest: Guest) -> Any:
    """The stream, which is now nobody else's, so that nobody closes it."""
    stream = guest.stream, guest.iterator
    guest.forget()
    return stream


async def _unread(stage: Stage) -> Guest:
    return await stage.open()


async def _midway(stage: Stage) -> Guest:
    guest = await stage.open()
    await guest.read(2)
    return guest


async def _cancelled(stage: Stage) -> Guest:
    guest = await stage.open()
    reader = asyncio.ensure_future(guest.read(_MANY))
    await turns(3)
    reader.cancel()
    await asyncio.wait({reader})
    return guest


async def _ended(stage: Stage) -> Guest:
    guest = await stage.open()
    await guest.read(_MANY)
    return guest


_MOMENTS: dict[str, Callable[[Stage], Awaitable[Guest]]] = {
    "before its first item": _unread,
    "midway": _midway,
    "after a read was cancelled": _cancelled,
    "after its end": _ended,
}
"""When a stream is abandoned, and what leads there."""


async def _break() -> bool:
    return True


async def _raise() -> bool:
    raise _ReaderError


async def _callback() -> bool:
    """What a reader calls for each event and awaits as a task."""
    return await asyncio.ensure_future(_raise())


Body = Callable[[], Awaitable[bool]]
"""The body of a reader's loop; whether it breaks."""

_FAILING: dict[str, Body] = {"in the loop body": _raise, "in a callback": _callback}


async def _failing_readers(stage: Stage) -> list[tuple[Place, Guest, str, Body]]:
    readers = []
    for where, body in _FAILING.items():
        place = await stage.serve(scripts.ANSWER, fault=_STALL)
        readers.append((place, await place.open(await place.client()), where, body))
    return readers


async def _loop(guest: Guest, body: Body) -> None:
    """``async for`` as a reader writes it; what came out of it is forgotten, with the frames that it holds."""
    await attempt(partial(_reading, guest, body), guest.patience, "the loop")


async def _reading(guest: Guest, body: Body) -> None:
    async for _ in guest.stream:
        if await body():
            break


async def _closing_loop(guest: Guest, body: Body) -> None:
    try:
        await _reading(guest, body)
    finally:
        await guest.closing()
