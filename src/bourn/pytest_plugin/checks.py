"""The checks of the plugin: nothing is left behind, and the loop never stands still. The probes are ``bourn.testing``'s.

House rule: a test that fails by itself keeps its own failure; what a check found is then a note to it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from types import TracebackType
from typing import Any, Self

import pytest

_TURNS = 10
"""Turns of the loop for what is on its way out: cancelled tasks, closing transports."""

_MOMENTS = 100
_MOMENT = 0.005
"""So often, and so many real seconds each time, for what ends in another thread or in the kernel."""

_WORKERS = ("asyncio_", "AnyIO worker thread", "Trio thread")
"""How threads are named that a loop keeps for later work, and ends itself or lets go after a while."""


class NoLeaks:
    """Fails where tasks, asynchronous generators, sockets, threads or unretrieved exceptions are left behind."""

    def __enter__(self) -> Self:
        from bourn.testing.leaks import Belongings, Generators

        gc.collect()
        self._loop = asyncio._get_running_loop()  # noqa: SLF001 - the public one raises where none runs, as under trio
        self._generators = Generators()
        self._complaints: list[str] = []
        if self._loop is not None:
            self._generators.__enter__()
            self._handler = self._loop.get_exception_handler()
            self._loop.set_exception_handler(self._complain)
        self._now = Belongings.now
        self._before = Belongings.now()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        gc.collect()
        for _ in range(_MOMENTS):
            if not self._left():
                break
            time.sleep(_MOMENT)
        self._judge(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        gc.collect()
        if self._loop is None:
            self.__exit__(kind, error, traceback)
            return
        for turn in range(_TURNS + _MOMENTS):
            await asyncio.sleep(0)
            if turn >= _TURNS:
                if not self._left():
                    break
                time.sleep(_MOMENT)  # noqa: ASYNC251 -- real time, whatever the loop's clock is
        self._judge(error)

    def _left(self) -> list[str]:
        return [line for line in self._now().since(self._before) if not line.removeprefix("thread ").startswith(_WORKERS)]

    def _judge(self, error: BaseException | None) -> None:
        left = self._left()
        if self._loop is not None:
            self._generators.__exit__(None, None, None)
            self._loop.set_exception_handler(self._handler)
            left += [f"asynchronous generator {each!r}" for each in self._generators.open()]
            left += [f"asynchronous generator {name}, dropped and not closed" for name in self._generators.dropped]
        _found([*left, *self._complaints], "the test left behind", error)

    def _complain(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._complaints.append(f"unretrieved: {context.get('message')}" + (f" ({error!r})" if error is not None else ""))


class NoStall:
    """Fails where the event loop stood still for longer than ``max_ms`` milliseconds."""

    def __init__(self, max_ms: float = 100.0) -> None:
        from bourn.testing.stalls import Stalls

        self._most = max_ms / 1000
        self._stalls = Stalls()

    async def __aenter__(self) -> Self:
        if asyncio._get_running_loop() is None:  # noqa: SLF001 - the public one raises where none runs
            no_loop()
        await self._stalls.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stalls.__aexit__(kind, error, traceback)
        found = [
            f"{stall.seconds * 1000:.0f} ms ({stall.cpu * 1000:.0f} ms of them computing), over after {stall.at:.3f} s"
            for stall in self._stalls.seen
            if stall.seconds > self._most
        ]
        _found(found, f"the event loop stood still for more than {self._most * 1000:g} ms", error)


def no_loop() -> Any:
    """What a check says that needs a running event loop of asyncio."""
    pytest.fail("loop_stall watches an event loop of asyncio: the test must be a coroutine that one runs", pytrace=False)


def _found(found: list[str], what: str, error: BaseException | None) -> None:
    message = "\n  ".join((f"{what}:", *found))
    if found and error is not None:
        error.add_note(message)
    elif found:
        pytest.fail(message, pytrace=False)
