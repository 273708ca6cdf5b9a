"""Section 2: closing."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bourn.contract import scripts
from bourn.contract.guest import Guest, Outcome, attempt
from bourn.contract.registry import check
from bourn.contract.stage import Stage
from bourn.contract.verdict import require, skip
from bourn.mock import faults
from bourn.testing.suspensions import cancel_at

GRACE = 5.0
"""Seconds that closing may take, whatever the peer does."""

_MOST = 40
_MANY = 10_000


@check("2.1")
async def has_aclose(stage: Stage) -> None:
    """``contextlib.aclosing(stream)`` works."""
    guest = await stage.open()
    await guest.next()
    close = getattr(guest.stream, "aclose", None)
    named = ", ".join(name for name in ("close", "__aexit__") if hasattr(guest.stream, name)) or "nothing of the kind"
    require(callable(close), f"it had no aclose(), but {named}")
    given: list[Any] = []

    async def leave() -> None:
        value = guest.stream.aclose()
        given.append(value)
        await value

    outcome = await attempt(leave, stage.patience, "aclose()")
    require(given and inspect.isawaitable(given[0]), f"aclose() gave {given}, which cannot be awaited")
    require(outcome.error is None, f"aclose() in mid-stream raised {outcome}")


@check("2.2")
async def closing_again_is_harmless(stage: Stage) -> None:
    """It can be closed at any time and any number of times."""
    for when, lead in _MOMENTS.items():
        if when == "after an error" and not stage.can_fail:
            continue
        guest = await lead(stage)
        for time in ("", " a second time"):
            outcome = await guest.close()
            require(outcome.error is None, f"closing it {when}{time} raised {outcome}")
    guest = await _midway(stage)
    both = await asyncio.gather(guest.close(), guest.close())
    failed = next((outcome for outcome in both if outcome.error is not None), None)
    require(failed is None, f"closing it twice at once raised {failed}")


@check("2.3")
async def closed_is_closed(stage: Stage) -> None:
    """Read after it was closed, it says so at once."""
    for when in ("before the first item", "midway"):
        guest = await _MOMENTS[when](stage)
        await guest.close()
        cut = await cancel_at(2, guest.pull())
        require(not cut.delivered, f"closed {when}, it did not answer the next read at once, but waited at {cut.where}")
        outcome: Outcome = cut.value if cut.error is None else Outcome(error=cut.error)
        require(outcome.error is not None, f"closed {when}, it gave {outcome}")
        said = outcome.ended or isinstance(outcome.error, stage.subject.closed_errors)
        require(said, f"closed {when}, it raised {outcome}, which is neither the end nor a declared closed error")
        stage.inform(f"read after it was closed {when}, it raises {type(outcome.error).__name__}")


@check("2.4")
async def closing_wakes_the_reader(stage: Stage) -> None:
    """Closed by one task while another waits for an item, both come back."""
    place = await stage.serve(scripts.ANSWER, fault=faults.Stall(event=4))
    guest = await place.open()
    reader = asyncio.ensure_future(guest.read(_MANY))
    await asyncio.sleep(1)
    require(not reader.done(), f"nothing more came, and the read ended with {_ended(reader)}")
    outcome = await guest.close(within=GRACE)
    require(outcome.error is None, f"closing it while a task read raised {outcome}")
    done, _ = await asyncio.wait({reader}, timeout=1)
    require(done, "the task that read was still waiting 1 s after the close")
    end = reader.result().end
    assert end is not None
    told = end.ended or isinstance(end.error, stage.subject.closed_errors)
    require(told, f"the task that read got {end}, which is neither the end nor a declared closed error")
    await place.gone(1, "another task had closed the stream")


def _ended(reader: asyncio.Future[Any]) -> Any:
    return reader.result().end if reader.done() else None


@check("2.5", aspect="clean-up")
async def cancelled_close_closes(stage: Stage) -> None:
    """A close that is cancelled, wherever it stands, has closed the connection all the same."""
    for at in range(1, _MOST):
        place = await stage.serve(scripts.ANSWER, fault=faults.Stall(event=4))
        guest = await place.open()
        await guest.read(1)
        cut = await cancel_at(at, guest.closing())
        stage.evidence.suspension = f"suspension {at}: {cut.where}" if cut.delivered else ""
        await place.gone(GRACE, f"its close was cancelled at suspension {at}")
        if not cut.delivered:
            return


@check("2.6")
async def closing_is_bounded(stage: Stage) -> None:
    """Closing ends soon and quietly, whatever the peer does meanwhile."""
    for peer, fault in _PEERS.items():
        if not stage.fits(fault):
            continue
        guest = await stage.open(scripts.ANSWER, fault=fault)
        await guest.read(1)
        await asyncio.sleep(1)
        outcome = await guest.close(within=GRACE)
        require(outcome.error is None, f"closing it raised {outcome} when the peer {peer}")


_PEERS: dict[str, faults.Fault] = {
    "sent nothing more": faults.Stall(event=4),
    "sent only pings": faults.Pings(event=4, every=0.5),
    "never stopped": faults.Endless(pause=0.1),
    "had reset the connection": faults.Reset(event=4),
    "had gone": faults.Fin(event=4),
}


@check("2.7")
async def closing_anywhere_is_quiet(stage: Stage) -> None:
    """Closed after any number of items, it raises nothing."""
    for count in range(_MOST):
        guest = await stage.open()
        reading = await guest.read(count)
        outcome = await guest.close()
        require(outcome.error is None, f"closing it after {count} items raised {outcome}")
        if reading.end is not None:
            return


class _LoopBodyError(Exception):
    """What a reader's own code may raise."""


@check("2.8", aspect="clean-up")
async def async_with_releases(stage: Stage) -> None:
    """Leaving ``async with`` in any way closes the connection."""
    if not hasattr(await (await stage.guest()).raw(), "__aenter__"):
        skip("it is no asynchronous context manager")
    for way in _WAYS:
        place = await stage.serve(scripts.ANSWER, fault=faults.Stall(event=5))
        guest = await place.guest()
        outcome = await attempt(partial(_leave, guest, way), stage.patience, f"leaving async with {way}")
        wanted = _LoopBodyError if way == "by an exception" else type(None)
        require(type(outcome.error) is wanted, f"leaving async with {way} raised {outcome}")
        await place.gone(1, f"async with was left {way}")


_WAYS = ("at its end", "by break", "by an exception")


async def _leave(guest: Guest, way: str) -> None:
    made = await guest.raw()
    while True:
        async with made as entered:
            async for _ in made if entered is None else entered:
                if way == "by an exception":
                    raise _LoopBodyError
                break
            if way == "by break":
                break
        break


async def _fresh(stage: Stage) -> Guest:
    return await stage.open()


async def _midway(stage: Stage) -> Guest:
    guest = await stage.open()
    await guest.read(2)
    return guest


async def _whole(stage: Stage) -> Guest:
    guest = await stage.open()
    await guest.read(_MANY)
    return guest


async def _failed(stage: Stage) -> Guest:
    guest = await stage.failing()
    await guest.read(_MANY)
    return guest


_MOMENTS: dict[str, Callable[[Stage], Awaitable[Guest]]] = {
    "before the first item": _fresh,
    "midway": _midway,
    "after its end": _whole,
    "after an error": _failed,
}
"""When a stream is closed, and what leads there."""
