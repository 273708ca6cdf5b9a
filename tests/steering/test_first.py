"""Waiting for whichever comes first, without a task."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import bourn
from bourn.steering.first import Outcome, first
from bourn.transport.memory import MemoryTransport
from tests.plain import answer, chunks


def after(seconds: float, value: str) -> Callable[[], Coroutine[Any, Any, str]]:
    async def wait() -> str:
        await asyncio.sleep(seconds)
        return value

    return wait


def raising(error: Exception) -> Callable[[], Coroutine[Any, Any, str]]:
    async def wait() -> str:
        await asyncio.sleep(1)
        raise error

    return wait


def words(*pieces: str, pause: float = 0.0) -> bourn.Stream:
    steps = [step for chunk in chunks(answer(*pieces)) for step in (pause, chunk)]
    client = bourn.Client(transport=MemoryTransport(steps))
    return client.stream("openai/m", "hi", base_url="http://test", dialect="plain")


async def test_the_quickest_is_given_and_the_wait_ends_with_it() -> None:
    """The outcome of the one that is over first, at the moment it is."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await first({"slow": after(9, "s"), "quick": after(2, "q")}) == {"quick": Outcome("q")}
    assert loop.time() - began == 2


async def test_all_that_are_ready_are_given_in_order() -> None:
    """Of several that are over at once none is held back."""
    assert list(await first({"b": after(1, "1"), "a": after(1, "2"), "c": after(3, "3")})) == ["b", "a"]
    assert await first({1: after(0, "x"), 2: after(0, "y")}) == {1: Outcome("x"), 2: Outcome("y")}


async def test_an_exception_is_an_outcome() -> None:
    """What a wait raises is told, not raised; so is the end of an iteration."""
    error, end = ValueError("no"), StopAsyncIteration()
    assert await first({"bad": raising(error), "slow": after(9, "s")}) == {"bad": Outcome(error=error)}
    assert (await first({"over": raising(end)}))["over"].error is end


async def test_no_task_is_made() -> None:
    """While it waits there is only the task that waits."""
    seen: list[int] = []

    async def look() -> str:
        await asyncio.sleep(1)
        seen.append(len(asyncio.all_tasks()))
        return "seen"

    await first({"look": look, "slow": after(9, "s")})
    assert seen == [1]


async def test_those_not_over_are_unwound_at_once() -> None:
    """When the call returns, or is cancelled, no coroutine of it is left standing."""
    log: list[str] = []

    async def long() -> str:
        try:
            await asyncio.sleep(99)
        finally:
            log.append("unwound")
        return "never"

    await first({"long": long, "quick": after(1, "q")})
    assert log == ["unwound"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(first({"long": long, "also": long}), 1)
    assert log == ["unwound"] * 3


async def test_a_bare_turn_of_the_loop_is_no_end() -> None:
    """A wait that only gives the loop its turn goes on with the next one."""

    async def turns() -> str:
        for _ in range(5):
            await asyncio.sleep(0)
        return "turned"

    assert await first({"turns": turns, "slow": after(1, "s")}) == {"turns": Outcome("turned")}


async def test_an_interrupt_goes_through() -> None:
    """What is no `Exception` belongs to the program, and the others are unwound."""

    async def stop() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await first({"slow": after(9, "s"), "stop": stop})


async def test_streams_lose_nothing_to_each_other() -> None:
    """Two streams read side by side, read by read, give every event of both in order."""
    streams = {"a": words("a1", "a2", "a3", pause=0.7), "b": words("b1", "b2", pause=1.0)}
    got: dict[str, list[str]] = {"a": [], "b": []}
    while streams:
        for name, outcome in (await first({name: stream.__anext__ for name, stream in streams.items()})).items():
            if isinstance(outcome.error, StopAsyncIteration):
                del streams[name]
            elif isinstance(outcome.value, bourn.TextDelta):
                got[name].append(outcome.value.text)
    assert got == {"a": ["a1", "a2", "a3"], "b": ["b1", "b2"]}


async def test_an_error_keeps_no_one_alive() -> None:
    """The outcome's traceback leads to no frame of the wait: it dies with its last reference, without the collector."""

    class Wrong(Exception):
        pass

    async def fail() -> str:
        await asyncio.sleep(1)
        raise Wrong

    gc.disable()
    try:
        outcomes = await first({"bad": fail, "slow": after(9, "s")})
        error = outcomes["bad"].error
        assert error is not None
        gone = weakref.ref(error)
        del error, outcomes
        assert gone() is None
    finally:
        gc.enable()
