"""Section 1: the iterator protocol."""

from __future__ import annotations

from bourn.contract.registry import check
from bourn.contract.stage import Stage
from bourn.contract.verdict import require, skip

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
    for call in ("second", "third", "fourth"):
        outcome = await guest.next(within=1)
        require(outcome.ended, f"the {call} call at the end gave {outcome}")


@check("1.4")
async def error_is_final(stage: Stage) -> None:
    """Asked again after an error, it gives no item."""
    guest = await stage.failing()
    reading = await guest.read(_MANY)
    if reading.error is None:
        skip("it raised nothing when its connection was reset, see 10.1")
    for call in ("next", "second", "third"):
        outcome = await guest.next(within=1)
        require(outcome.error is not None, f"the {call} call after {type(reading.error).__name__} gave {outcome}")
    stage.inform(f"after an error it gives {type(outcome.error).__name__}")
