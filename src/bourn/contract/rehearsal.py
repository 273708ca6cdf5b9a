"""A subject is tried once before it is judged: a factory that cannot work gets one clear sentence instead of 54 verdicts.

It also tells which modules it needed, so that the runner can import them once instead of every check in its own process.

House rule: only the subject's *description* is questioned here. A stream that hangs, fails or lies is a matter for the rules.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from bourn.contract.guest import Guest
from bourn.contract.registry import Check
from bourn.contract.rule import RULES
from bourn.contract.stage import Stage
from bourn.contract.verdict import Failed

_ENOUGH = 200
_WITHIN = 5.0


async def rehearse(stage: Stage) -> None:
    """Make the streams that are declared and read them once; what is wrong with the description is noted."""
    try:
        await _rehearse(stage)
    finally:
        stage.evidence.figures["modules"] = sorted(sys.modules)


async def _rehearse(stage: Stage) -> None:
    subject = stage.subject
    if subject.factory is not None:
        await _try(stage, "factory=", Guest(subject, subject.factory, stage.trace, stage.patience))
    if subject.connect is None:
        return
    place = await stage.serve()
    try:
        guest = await place.guest()
    except Failed as failed:
        stage.inform(f"client= of {subject.name!r} does not work: {failed}")
        return
    await _try(stage, "connect=", guest)
    exchanges = place.journal.exchanges
    refused = [note for exchange in exchanges for note in exchange.notes if note.startswith("refused: ")]
    if not exchanges:
        stage.inform(
            f"connect= of {subject.name!r} gave a stream that never asked {place.url}: point it at the base URL it is given"
        )
    elif refused:
        stage.inform(f"connect= of {subject.name!r} asks for something that {subject.dialect} does not serve; {refused[0]}")


async def _try(stage: Stage, word: str, guest: Guest) -> None:
    """Make a stream and read it."""
    name = stage.subject.name
    try:
        begun = await guest.begin()
        if begun.error is not None and not guest.made:
            given = "nothing" if word == "factory=" else "the base URL, or the client where client= is given"
            stage.inform(f"{word} of {name!r}, called with {given}, gave no stream, but raised {begun}")
        elif guest.iterator is None and (guest.stream is not None or isinstance(begun.error, TypeError)):
            kind = type(guest.stream).__name__
            stage.inform(
                f"{word} of {name!r} gave {kind!r}, which is no stream: an asynchronous iterator, iterable or generator is "
                "needed, a context manager that gives one, or an awaitable of any of these"
            )
        elif begun.error is None:
            _read(stage, guest, (await guest.read(_ENOUGH, within=_WITHIN)).items)
    except Failed:
        return


def _read(stage: Stage, guest: Guest, items: list[Any]) -> None:
    """Try the readers on what came."""
    subject = stage.subject
    readers: tuple[Callable[[Any], Any] | None, ...] = (subject.text, subject.view, subject.terminal)
    calls = [(reader, item) for reader in readers if reader is not None for item in items]
    if subject.partial is not None:
        calls.append((subject.partial, guest.stream))
    for reader, value in calls:
        try:
            reader(value)
        except Failed as failed:
            stage.inform(f"{subject.name!r} cannot be read: {failed}")
            return


REHEARSAL = Check(
    rule=RULES["1.2"],
    name="rehearsal",
    function=rehearse,
    aspect="data",
    level="MUST",
    clock="virtual",
    needs=(),
    deadline=20.0,
    alone=False,
)
"""The rehearsal as a check, so that it is performed as one."""
