"""A coroutine that survives the cancellation of whoever awaits it, without a task of its own.

Opening a connection takes many steps; a reader that gives up waiting (``asyncio.wait_for(anext(stream), 1)``) must neither lose
the request nor cause a second one. ``Held`` drives the coroutine by hand: the reader waits on a stand-in for the future that
the coroutine waits on, so a cancellation ends the stand-in only, and the next reader goes on where the coroutine stands.

House rule: the coroutine must not open a cancel scope of its own that has a limit (``asyncio.timeout(1)``): another task may
resume it. Scopes note the current task all the same, and a task keeps what it was cancelled in: so the coroutine is driven as a
task of nobody's, lest it keep its reader alive.
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import _enter_task, _leave_task  # documented, for those who drive coroutines ("Extending asyncio")
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

from bourn.errors import BournError, ClosedError
from bourn.transport.watchdog import Watchdog

T = TypeVar("T")


class _Nobody:
    """Stands for the current task while a held coroutine runs; nobody cancels it."""

    def cancelling(self) -> int:
        """Never: see ``asyncio.Task.cancelling``."""
        return 0


_NOBODY = cast("asyncio.Task[Any]", _Nobody())


class Held(Generic[T]):
    """Await it, be cancelled, await it again. ``make`` gives the coroutine, on the first await; ``watch`` keeps its time."""

    def __init__(self, make: Callable[[Watchdog], Coroutine[Any, Any, T]], watch: Watchdog) -> None:
        self._make = make
        self._watch = watch
        self._coroutine: Coroutine[Any, Any, T] | None = None
        self._waiting: asyncio.Future[Any] | None = None
        self._reader: asyncio.Future[None] | None = None
        watch.interrupt = self.interrupt

    def __await__(self) -> Generator[Any, None, T]:
        try:
            while True:
                if self._waiting is not None and not self._waiting.done():
                    yield from self._wait(self._waiting)
                waiting = self._step()
                if waiting is None:
                    yield
                self._waiting = waiting
        except StopIteration as stop:
            value: T = stop.value
            return value
        except BournError:
            yield from self._unwind()
            raise

    def interrupt(self, error: BournError) -> None:
        """Make the one who awaits raise ``error``; the coroutine is then unwound."""
        if self._reader is not None and not self._reader.done():
            self._reader.set_exception(error)

    def abort(self) -> None:
        """Unwind the coroutine at once, from a place that cannot wait; whoever awaits it gets ``ClosedError``."""
        self.interrupt(ClosedError("closed while the connection was being opened"))
        self._watch.stop()  # its timer would keep what failed until it fires
        coroutine, self._coroutine = self._coroutine, None
        if coroutine is None:
            return
        if self._waiting is not None:
            self._waiting.cancel()
        with suppress(BaseException):  # whatever the clean-up raises, nobody is there to be told
            coroutine.throw(asyncio.CancelledError())
        with suppress(RuntimeError):
            coroutine.close()

    def _step(self) -> asyncio.Future[Any] | None:
        """Run to the next wait; ``None`` is a bare yield to the loop."""
        if self._coroutine is None:
            self._coroutine = self._make(self._watch)
        coroutine = self._coroutine
        try:
            waiting: asyncio.Future[Any] | None = _as_nobody(lambda: coroutine.send(None))
        except BaseException:
            self._coroutine = None
            raise
        if waiting is not None:
            waiting._asyncio_future_blocking = False  # noqa: SLF001 - asyncio's documented handshake for who drives a coroutine
        return waiting

    def _wait(self, waiting: asyncio.Future[Any]) -> Generator[Any, None, None]:
        reader = self._reader = asyncio.get_running_loop().create_future()

        def wake(_: object) -> None:
            if not reader.done():
                reader.set_result(None)

        waiting.add_done_callback(wake)
        self._watch.begin()
        try:
            yield from reader
        finally:
            self._watch.end()
            self._reader = None
            waiting.remove_done_callback(wake)

    def _unwind(self) -> Generator[Any, None, None]:
        coroutine, self._coroutine = self._coroutine, None
        if coroutine is None:
            return
        if self._waiting is not None:
            self._waiting.cancel()
        with suppress(asyncio.CancelledError, StopIteration, BournError):
            step = _as_nobody(lambda: coroutine.throw(asyncio.CancelledError()))
            while True:
                yield step
                step = _as_nobody(lambda: coroutine.send(None))


def _as_nobody(step: Callable[[], Any]) -> Any:
    """Run a step of a coroutine while the current task is nobody's."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is not None:
        _leave_task(loop, task)
    _enter_task(loop, _NOBODY)
    try:
        return step()
    finally:
        _leave_task(loop, _NOBODY)
        if task is not None:
            _enter_task(loop, task)
        del task  # an error that is kept keeps this frame
