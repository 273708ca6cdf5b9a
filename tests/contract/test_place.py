"""A place serves one answer and sees who is still there."""

from __future__ import annotations

import gc
import weakref

import pytest

from bourn.contract.comparing import difference, plain
from bourn.contract.place import Place
from bourn.contract.reference import reference
from bourn.contract.scripts import ANSWER, CALLING, EMPTY, TEXT, describe
from bourn.contract.stage import Stage
from bourn.contract.trace import Trace
from bourn.contract.verdict import Failed
from bourn.mock import faults
from bourn.testing.disturbances import Disturbances


def stage() -> Stage:
    return Stage(reference(), 0, "virtual", Disturbances())


async def test_one_client_for_several_streams() -> None:
    """Streams of one client share what it shares."""
    here = stage()
    place = await here.serve()
    client = await place.client()
    for _ in range(3):
        guest = await place.open(client)
        assert guest.text((await guest.read()).items) == TEXT
    assert (place.journal.opened, await here.requests()) == (1, 3)
    await place.close_client(client)
    await place.gone(1)
    await here.aclose()


async def test_gone_says_who_is_still_there() -> None:
    """A connection that stays open is named with what should have closed it."""
    here = stage()
    place = await here.serve(fault=faults.Stall(event=3))
    guest = await place.open()
    await guest.read(2)
    with pytest.raises(Failed, match=r"a connection was still open 2 s after it was looked at"):
        await place.gone(2, "it was looked at")
    await guest.close()
    await place.gone(2)
    await here.aclose()


async def test_a_client_that_cannot_be_made() -> None:
    """It fails the check with one sentence."""
    here = Stage(reference(client=lambda *_, **__: 1 / 0), 0, "virtual", Disturbances())
    place: Place = await here.serve()
    with pytest.raises(Failed, match="the client could not be made: ZeroDivisionError: division by zero"):
        await place.client()
    await here.aclose()


async def test_a_forgotten_stream_dies_at_once() -> None:
    """The kit holds no stream that the check has let go of."""
    gc.disable()
    try:
        here = stage()
        guest = await here.open()
        await guest.read(3)
        dead = weakref.ref(guest.stream)
        guest.forget()
        assert dead() is None
    finally:
        gc.enable()
    await here.aclose()


def test_the_trace_keeps_both_ends() -> None:
    """Of a long trace the first and the last lines are kept, and the gap is told."""
    trace = Trace(lambda: 1.5)
    for number in range(1000):
        trace.add("check", str(number), "x" * 1000)
    lines = trace.lines()
    assert [lines[0].what, lines[-1].what] == ["0", "999"]
    assert [line.what for line in lines if line.who == "trace"] == ["700 lines are left out here"]
    assert len(lines) == 301
    assert lines[0].data == "x" * 160 + "... (1000 characters)"


def test_events_compare_by_what_they_hold() -> None:
    """Strangers' events are looked into; the first difference is told."""

    class Plain:
        def __init__(self, text: str) -> None:
            self.text = text
            self.inner = [1, (2,)]

    class Model:
        def model_dump(self) -> dict[str, int]:
            return {"a": 1}

    assert plain(Plain("a")) == plain(Plain("a")) != plain(Plain("b"))
    assert plain(Model()) == plain(Model())
    assert difference([1, 2], [1, 2]) is None
    assert difference([1, 2], [1, 3]) == "event 2 was 3 instead of 2"
    assert difference([1, 2], [1]) == "1 events came instead of 2"


def test_scenarios_are_named() -> None:
    """The evidence names the answer and its faults."""
    assert describe(ANSWER) == "the usual answer"
    assert describe(EMPTY, [faults.Drip()]) == "an answer that says nothing, with drip"
    assert describe(CALLING, ["reset", faults.Stall(event=4)]) == "text and a tool call, with reset and stall(event=4)"
    assert describe(ANSWER + EMPTY).startswith("Answer(")
