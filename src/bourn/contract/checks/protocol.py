"""Section 1: the iterator protocol."""

from __future__ import annotations

import gc

from bourn.contract import scripts
from bourn.contract.comparing import difference, seen
from bourn.contract.registry import check
from bourn.contract.stage import Stage
from bourn.contract.verdict import require, skip
from bourn.mock import faults
from bourn.testing.leaks import Belongings

_MANY = 10_000


@check("1.1")
async def iterator_is_itself(stage: Stage) -> None:
    """``aiter(stream) is stream``, unless each loop is declared to begin anew."""
    if stage.subject.reiterable:
        skip("it is declared reiterable: each loop begins anew")
    guest = await stage.open()
    require(guest.iterator is guest.stream, f"__aiter__() gave another object, a {type(guest.iterator).__name__}")


@check("1.2")
async def end_is_stop_async_iteration(stage: Stage) -> None:
    """A whole answer ends with ``StopAsyncIteration``, and no item is ``None``."""
    reading = await (await stage.open()).read(_MANY)
    if reading.end is None:
        skip(f"it had not ended after {_MANY} items")
    require(reading.end.ended, f"the end was signalled by {reading.end}")
    require(all(item is not None for item in reading.items), "it gave None as an item")


@check("1.3")
async def end_is_final(stage: Stage) -> None:
    """Asked again after its end, it ends again at once, and asks nobody."""
    guest = await stage.open()
    reading = await guest.read(_MANY)
    if not reading.clean:
        skip("it never ended, see 1.2")
    asked = await stage.requests()
    for call in ("second", "third", "fourth"):
        outcome = await guest.next(within=1)
        require(outcome.ended, f"the {call} call at the end gave {outcome}")
    again = await stage.requests() - asked
    require(not again, f"asked again after its end, it sent {again} more requests")


@check("1.4")
async def error_is_final(stage: Stage) -> None:
    """Asked again after an error, it gives no item."""
    guest = await stage.failing()
    reading = await guest.read(_MANY)
    if reading.error is None:
        skip("it raised nothing when its connection was reset, see 10.1")
    asked = await stage.requests()
    for call in ("next", "second", "third"):
        outcome = await guest.next(within=1)
        require(outcome.error is not None, f"the {call} call after {type(reading.error).__name__} gave {outcome}")
    again = await stage.requests() - asked
    require(not again, f"asked again after an error, it sent {again} more requests")
    stage.inform(f"after an error it gives {type(outcome.error).__name__}")


@check("1.5", aspect="clean-up")
async def unread_leaves_nothing(stage: Stage) -> None:
    """A stream that is made and closed and never read leaves nothing behind."""
    place = await stage.serve()
    client = await place.client()
    before = Belongings.now()
    guest = await place.open(client)
    await guest.close()
    guest.forget()
    await place.gone(1, "a stream that nobody had read was closed")
    left = [each for each in Belongings.now().since(before) if not each.startswith("thread")]  # those are 7.3's
    require(not left, f"a stream that nobody read left behind: {'; '.join(left)}")
    gc.collect()
    forgotten = [each.message for each in stage.disturbances.of("warning") if "never awaited" in each.message]
    require(not forgotten, f"a stream that nobody read left behind: {'; '.join(forgotten)}")


@check("1.6")
async def cuts_change_nothing(stage: Stage) -> None:
    """The same bytes give the same events, however the network cuts them."""
    for answer, said in ((scripts.ANSWER, scripts.TEXT), (scripts.CALLING, scripts.CALLING_TEXT)):
        whole = await (await stage.open(answer)).read(_MANY)
        require(whole.clean, f"the answer in the server's own cuts ended with {whole.end}")
        if stage.subject.text is not None:
            text = "".join(stage.subject.text(item) or "" for item in whole.items)
            require(text == said, f"the text that came was {text!r} instead of {said!r}")
        wanted = seen(stage.subject, whole.items)
        for cut in _cuts(stage):
            reading = await (await stage.open(answer, fault=cut)).read(_MANY)
            require(reading.clean, f"under {cut.label} the answer ended with {reading.end}")
            found = difference(wanted, seen(stage.subject, reading.items))
            require(found is None, f"under {cut.label} {found}")


def _cuts(stage: Stage) -> list[faults.Fault]:
    """Every byte apart, everything at once, and some random cuts."""
    return [faults.Drip(), faults.OneWrite(), *(faults.Rechunk(most=stage.dice.randint(2, 300)) for _ in range(4))]


@check("1.7")
async def empty_answer_ends(stage: Stage) -> None:
    """A whole answer that says nothing ends as any other does, at once."""
    guest = await stage.open(scripts.EMPTY)
    reading = await guest.read(_MANY, within=5)
    require(reading.clean, f"an answer without content ended with {reading.end}")


@check("1.8", needs=("terminal",))
async def last_event_comes_once(stage: Stage) -> None:
    """The last event is the only one of its kind, also where the service repeats its end marks."""
    assert stage.subject.terminal is not None
    for fault in ((), faults.DuplicateFinish()):
        reading = await (await stage.open(scripts.ANSWER, fault=fault)).read(_MANY)
        marks = [stage.subject.terminal(item) for item in reading.items]
        require(sum(marks) <= 1, f"the last event came {sum(marks)} times")
        after = reading.items[marks.index(True) + 1 :] if any(marks) else []
        require(not after, f"after the last event came {after[:3]}")
