"""`Watchdog`: whose limit a wait is under. That each limit fires, and when, is tested where streams are."""

from __future__ import annotations

import asyncio

import pytest

from bourn.errors import BournError, ConnectTimeout, FirstEventTimeout, TotalTimeout
from bourn.transport.limits import Limits, Timeouts
from bourn.transport.watchdog import Watchdog


@pytest.mark.parametrize(
    ("timeouts", "error", "at"),
    [
        (Timeouts(connect=10, first_event=3), FirstEventTimeout, 2 + 3),
        (Timeouts(connect=3, first_event=10), FirstEventTimeout, 2 + 10),
        (Timeouts(connect=1, first_event=10), ConnectTimeout, 1),
        (Timeouts(connect=10, first_event=30, total=7), TotalTimeout, 7),
    ],
)
async def test_a_phase_may_begin_in_the_middle_of_a_wait(timeouts: Timeouts, error: type[BournError], at: float) -> None:
    """From then on the wait is under the new phase's limit, longer or shorter; what was waited counts for the total."""
    loop = asyncio.get_running_loop()
    raised: asyncio.Future[tuple[BournError, float]] = loop.create_future()
    watch = Watchdog(timeouts, Limits())
    watch.interrupt = lambda caught: None if raised.done() else raised.set_result((caught, loop.time()))
    watch.enter("connect")
    watch.begin()
    loop.call_later(2, watch.enter, "first_event")
    caught, when = await raised
    watch.stop()
    assert type(caught) is error
    assert when == pytest.approx(at)
