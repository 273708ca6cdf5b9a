"""Section 5: concurrency."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from bourn.contract import scripts
from bourn.contract.comparing import seen
from bourn.contract.cutting import Pieces
from bourn.contract.guest import Guest, Outcome
from bourn.contract.place import Place
from bourn.contract.registry import check
from bourn.contract.stage import Stage
from bourn.contract.subject import DECLARE
from bourn.contract.verdict import require, skip
from bourn.mock import faults, text, turns
from bourn.mock.mounts import Answering
from bourn.mock.scenario import Answer

STREAMS = 50
"""How many streams are read at once."""

PAUSES = (0.1, 0.2, 0.4)
"""Seconds between two pieces of one of them, by the dice."""

LATE = 1.0
"""Seconds after its last piece at which a stream that nothing disturbs must have ended."""

_PIECES = 6
_MANY = 10_000


@check("5.1")
async def two_reads_at_once_share_the_items(stage: Stage) -> None:
    """Read by two tasks at once, it gives every item to one of them; one of them may get a documented error instead."""
    for answer in (_PACED, scripts.ANSWER):
        wanted = seen(stage.subject, (await (await stage.open(answer)).read(_MANY)).items)
        guest = await stage.open(answer)
        items: list[Any] = []
        ends = await asyncio.gather(_share(guest, items), _share(guest, items))
        found = _tally(wanted, seen(stage.subject, items))
        require(not found, f"read by two tasks at once, {found}")
        for end in ends:
            _judge_refusal(stage, end)
        await guest.close()


_PACED = text("It ", 1.0, "was ", 1.0, "the ", 1.0, "end.", whole=True)
"""An answer for whose every piece both tasks wait."""


async def _share(guest: Guest, items: list[Any]) -> Outcome:
    """Read into a list that others fill too, until the end or an error."""
    while (outcome := await guest.next()).error is None:
        items.append(outcome.item)
    return outcome


def _judge_refusal(stage: Stage, end: Outcome) -> None:
    """What one of two reads at once may raise: an error of the library, or what Python says of a generator that runs."""
    if not end.failed or "already running" in str(end.error):
        return
    if not stage.subject.errors:
        skip(DECLARE["errors"])
    require(isinstance(end.error, stage.subject.errors), f"one of two reads at once raised {end}, no error of its own")


def _tally(wanted: list[Any], got: list[Any]) -> str:
    """Which items are missing and which are too many, whatever their order."""
    lost, extra = list(wanted), []
    for item in got:
        if item in lost:
            lost.remove(item)
        else:
            extra.append(item)
    told = [f"{len(lost)} of {len(wanted)} items were lost, the first {lost[0]!r:.100}"] if lost else []
    told += [f"{len(extra)} came that were not to come, the first {extra[0]!r:.100}"] if extra else []
    return " and ".join(told)


class _Told(msgspec.Struct):
    """What one of many streams gave, and when it ended."""

    text: str
    end: Outcome
    at: float


@check("5.2", needs=("client", "text"))
async def streams_do_not_mix(stage: Stage) -> None:
    """Each of 50 streams that one client reads at once gives the text of one answer, and each text comes once."""
    place = await stage.serve(_answers(stage), fault=Pieces(50))
    told = await asyncio.gather(*await _readers(stage, place, STREAMS))
    texts = {_said(number) for number in range(STREAMS)}
    for each in told:
        require(each.text in texts, f"one of {STREAMS} streams read at once gave {each.text!r:.100}, which is no answer's text")
        texts.remove(each.text)


@check("5.2", needs=("client", "text"))
async def a_broken_stream_is_alone(stage: Stage) -> None:
    """Beside one stream that fails and one that stalls, the others end as if they were not there, and in time."""
    broken: dict[int, faults.Fault] = {3: faults.Reset(event=5), 7: faults.Stall(event=5)}
    place = await stage.serve(_answers(stage, broken))
    readers = [asyncio.ensure_future(reader) for reader in await _readers(stage, place, STREAMS)]
    await asyncio.wait(readers, timeout=stage.patience)
    told = [reader.result() for reader in readers if reader.done()]
    whole = {_said(number) for number in range(STREAMS)} - {_said(number) for number in broken}
    missing = whole - {each.text for each in told}
    ends = {str(each.end) for each in told if each.text not in whole}
    beside = f"beside one stream that failed and one that stalled, of {len(whole)} others"
    require(not missing, f"{beside} {len(missing)} did not get their answer; streams ended with {', '.join(sorted(ends))}")
    latest = max(each.at for each in told if each.text in whole)
    stage.evidence.figures["seconds until the last undisturbed stream ended"] = latest
    if stage.clock == "virtual":
        limit = _PIECES * max(PAUSES) + LATE
        require(latest <= limit, f"{beside} one ended after {latest:.1f} s, though all was sent within {limit - LATE:.1f} s")


def _said(number: int) -> str:
    return "".join(f"{number}.{piece} " for piece in range(_PIECES))


def _answers(stage: Stage, broken: dict[int, faults.Fault] | None = None) -> Answering:
    """An answer a request, each with its own text and its own pauses; more than are asked for, should one ask again."""
    answers: list[Answer] = []
    for number in range(2 * STREAMS):
        moments: list[str | float] = []
        for piece in range(_PIECES):
            moments += [stage.dice.choice(PAUSES), f"{number}.{piece} "]
        answers.append(text(*moments, whole=True))
    told = {number: answers[number].broken(fault) for number, fault in (broken or {}).items()}
    return turns(*(told.get(number, answer) for number, answer in enumerate(answers)))


async def _readers(stage: Stage, place: Place, count: int) -> list[Any]:
    client = await place.client()
    return [_read(stage, await place.open(client)) for _ in range(count)]


async def _read(stage: Stage, guest: Guest) -> _Told:
    reading = await guest.read(_MANY)
    at = stage.now()
    await guest.close()
    return _Told(guest.text(reading.items), reading.end or Outcome(), at)
