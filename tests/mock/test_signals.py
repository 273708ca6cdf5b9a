"""A signal lets one wait pass, given early or late, and none is lost with a wait that was given up."""

from __future__ import annotations

import asyncio

from bourn.mock.signals import Signals


async def test_signals_given_early_are_kept_and_each_lets_one_wait_pass():
    signals = Signals()
    signals.give("a")
    signals.give("a")
    await signals.take("a")
    await signals.take("a")
    third = asyncio.create_task(signals.take("a"))
    other = asyncio.create_task(signals.take("b"))
    await asyncio.sleep(1)
    assert not third.done()
    signals.give("a")
    await third
    assert not other.done()
    signals.give("b")
    await other


async def test_waits_pass_in_the_order_in_which_they_began():
    signals, order = Signals(), []

    async def wait(number: int) -> None:
        await signals.take("a")
        order.append(number)

    tasks = [asyncio.create_task(wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    for _ in tasks:
        signals.give("a")
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]


async def test_a_wait_that_was_cancelled_takes_no_signal_with_it():
    signals = Signals()
    for before in (True, False):
        task = asyncio.create_task(signals.take("a"))
        await asyncio.sleep(0)
        if before:
            task.cancel()
            await asyncio.wait([task])
        signals.give("a")
        task.cancel()
        await asyncio.wait([task])
        await asyncio.wait_for(signals.take("a"), 1)
