"""Section 12: time. All of it passes in virtual time: a limit of minutes is waited for in no time.

Every limit is judged by the clock: neither before it nor later than ``LATE`` after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar, Literal

import msgspec

from bourn.contract import scripts
from bourn.contract.guest import Guest, Outcome
from bourn.contract.registry import check
from bourn.contract.stage import Stage
from bourn.contract.verdict import require, skip
from bourn.mock import faults, text, usage
from bourn.mock.faults.base import CUT, SSE, Scene, act, ping_bytes
from bourn.mock.reply import Item, Piece, Reply

LATE = 1.0
"""Seconds after a limit by which a stream must have given up."""

EARLY = 0.1
"""Seconds by which it may give up before, since not everything is counted from the same moment."""

_AT = 5
_MANY = 10_000


class _Slow(faults.Fault, frozen=True, tag="slow"):
    """Frames from the sixth on, ``most`` of them, take ``seconds`` each: some bytes ``every`` so many seconds."""

    rank: ClassVar[int] = CUT
    seconds: float = 20.0
    every: float = 2.0
    most: int = 1


class _Pinged(faults.Fault, frozen=True, tag="pinged"):
    """The pauses of an answer are filled with pings, of both kinds in turn."""

    needs = SSE


@act(_Slow)
def _slow(fault: _Slow, reply: Reply, _: Scene) -> Reply:
    def body() -> Iterator[Item]:
        for number, item in enumerate(reply.body):
            if type(item) is not Piece or not _AT <= number < _AT + fault.most:
                yield item
                continue
            size = max(1, int(len(item.data) * fault.every / fault.seconds))
            for at in range(0, len(item.data), size):
                yield Piece(item.data[at : at + size], pause=fault.seconds * size / len(item.data), mark=item.mark)

    return reply.with_body(body)


@act(_Pinged)
def _pinged(_: _Pinged, reply: Reply, scene: Scene) -> Reply:
    def body() -> Iterator[Item]:
        for item in reply.body:
            if type(item) is Piece and item.pause:
                for kind in ("comment", "event", "comment", "event"):
                    yield Piece(ping_bytes(kind, scene), pause=item.pause / 5, mark="extra")
                yield msgspec.structs.replace(item, pause=item.pause / 5)
            else:
                yield item

    return reply.with_body(body)


async def _gives_up(stage: Stage, when: str, limit: float, answer: Any, *given: faults.Fault) -> None:
    """The stream gives up when the limit is reached, with an error of its own, and keeps what it had."""
    guest = await stage.open(answer, fault=given)
    began, items, outcome = stage.now(), list[Any](), Outcome()
    with suppress(TimeoutError):
        async with asyncio.timeout(limit + LATE):
            while (outcome := await guest.pull()).error is None:
                items.append(outcome.item)
    took = stage.now() - began
    require(outcome.error is not None, f"{when}, it had not given up {LATE:g} s after its limit of {limit:g} s")
    require(not outcome.ended, f"{when}, it ended after {took:.1f} s as if that were all")
    require(took > limit - EARLY, f"{when}, it gave up after {took:.1f} s, before its limit of {limit:g} s: {outcome}")
    kinds = stage.subject.errors or (Exception,)
    require(outcome.ended or isinstance(outcome.error, kinds), f"{when}, it raised {outcome}, which is none of its errors")
    await _kept(guest, when, items)
    await guest.close()


async def _kept(guest: Guest, when: str, items: list[Any]) -> None:
    """What had come when it gave up is in the partial answer, which is not said to be whole."""
    partial = await guest.told(f"{when},")
    if partial is None:
        return
    require(not partial.complete, f"{when}, it gave up and called its answer complete")
    if guest.subject.text is not None:
        said = guest.text(items)
        require(partial.text == said, f"{when}, it gave up and kept {partial.text!r} of {said!r}")


@check("12.1")
async def silence_is_limited(stage: Stage) -> None:
    """When nothing more comes, the stream gives up after its idle limit."""
    stage.needs_virtual_time()
    declared = [limit for limit in (stage.subject.idle, stage.subject.byte_idle) if limit is not None]
    _ = declared or skip("it declares neither an idle= nor a byte_idle= limit")
    first = min(*declared, stage.subject.total or declared[0])
    await _gives_up(stage, "when nothing more came", first, scripts.ANSWER, faults.Stall(event=_AT))


@check("12.1", needs=("total",))
async def all_is_limited(stage: Stage) -> None:
    """However steadily something comes, the stream gives up after its total limit."""
    stage.needs_virtual_time()
    subject = stage.subject
    total = subject.total or 0.0
    pause = min(20.0, total / 4, *(limit / 2 for limit in (subject.idle, subject.byte_idle) if limit is not None))
    count = int(total / pause) + 10
    paused = text(*(moment for _ in range(count) for moment in ("again, ", pause)), "and again.", whole=True) + usage(7, count)
    steady = text(*("again, " for _ in range(count)), whole=True) + usage(7, count)
    await _gives_up(stage, "when words came slowly", total, paused)
    if stage.fits(_Pinged()):
        await _gives_up(stage, "when words came slowly and pings between them", total, paused, _Pinged())
    await _gives_up(stage, "when every event came bit by bit", total, steady, _Slow(pause, pause / 8, most=count))


@check("12.2", needs=("idle", "byte_idle"))
async def silence_is_not_lack_of_progress(stage: Stage) -> None:
    """Silence has the one limit, bytes without progress the other, and thinking below that is waited for."""
    stage.needs_virtual_time()
    idle, quiet = stage.subject.idle or 0.0, stage.subject.byte_idle or 0.0
    _ = quiet < idle or skip(f"its byte_idle= of {quiet:g} s is not below its idle= of {idle:g} s, so it never comes to bear")
    whole = stage.subject.total
    _ = (
        whole is None
        or idle < whole
        or skip(f"its idle= of {idle:g} s is not below its total= of {whole:g} s, so neither is tried")
    )
    between = (idle + quiet) / 2
    every = quiet / 2
    await _gives_up(stage, "when nothing more came", quiet, scripts.ANSWER, faults.Stall(event=_AT))
    for kind in _KINDS:
        pings = faults.Pings(event=_AT, every=every, kind=kind)
        if stage.fits(pings):
            await _gives_up(stage, f"when only pings came, each {_KINDS[kind]}", idle, scripts.ANSWER, pings)
            some = faults.Pings(event=_AT, every=every, count=int(between / every), kind=kind)
            await _waits(stage, f"when for {some.every * (some.count or 0):g} s only pings came, each {_KINDS[kind]}", some)
    await _gives_up(stage, "when one event came bit by bit", idle, scripts.ANSWER, _Slow(10 * idle, every))
    await _waits(stage, f"when one event came bit by bit in {between:g} s", _Slow(between, every))


_KINDS: dict[Literal["comment", "event"], str] = {"comment": "a comment", "event": "an event"}


async def _waits(stage: Stage, when: str, fault: faults.Fault) -> None:
    """The stream does not give up, and the answer is whole."""
    guest = await stage.open(scripts.ANSWER, fault=fault)
    reading = await guest.read(_MANY)
    await guest.close()
    require(reading.clean, f"{when}, it ended with {reading.end}, and more would have come")
    if stage.subject.text is not None:
        came = guest.text(reading.items)
        require(came == scripts.TEXT, f"{when}, the text was {came!r} instead of {scripts.TEXT!r}")
