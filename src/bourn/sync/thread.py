"""``LoopThread``: an event loop in a thread of its own, and calls into it that a signal can interrupt.

Why a thread and not a loop driven in the caller's: a signal raises ``KeyboardInterrupt`` wherever the main thread just is. Here
that is a lock; there it would be the inside of a loop, a parser or a fold. And it works where a loop runs already (a notebook).

House rule: it runs only while somebody asks, holds nobody's thread at exit, and ends with its last reference.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeVar

from bourn.errors import BournError, ClosedError

T = TypeVar("T")

NEW_LOOP: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
"""Makes the loop of each thread."""

_PATIENCE = 0.1 if sys.platform == "win32" else -1
"""Seconds that a lock is waited for at a time: on Windows a signal is only seen between two waits."""


class LoopThread:
    """Starts with the first :meth:`run`. ``closing`` is awaited in the loop when it ends. Any thread may call anything."""

    def __init__(self, closing: Callable[[], Awaitable[None]] | None = None) -> None:
        self._inside = _Inside(closing)

    @property
    def is_running(self) -> bool:
        """Whether there is a loop to run something in."""
        return self._inside.is_running

    def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the coroutine. Raises what it raises; what a signal raises here cancels it.

        ``ClosedError`` if the thread has ended, or was started before a fork.
        """
        call: _Call[T] = _Call(make)
        self._inside.start()
        try:
            self._inside.post(call)
            call.wait()
        except BaseException:
            self._inside.cancel(call)
            raise
        finally:
            self._inside.calls.discard(call)
        return call.result()

    def stop(self, *, wait: bool = True) -> None:
        """End the thread; with ``wait``, return when it has ended. May be called at any time, any number of times."""
        self._inside.stop(wait=wait)

    def __del__(self) -> None:
        inside: _Inside | None = getattr(self, "_inside", None)
        if inside is not None:
            inside.stop(wait=False)


class _Call(Generic[T]):
    """One coroutine that another thread waits for."""

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._make = make
        self._over = threading.Lock()
        self._over.acquire()
        self._task: asyncio.Task[T] | None = None
        self._outcome: list[tuple[T | None, BaseException | None]] = []

    def start(self) -> None:
        """Begin, in the loop."""
        if not self._outcome:
            self._task = asyncio.get_running_loop().create_task(self._make())
            self._task.add_done_callback(self._finish)

    def cancel(self) -> None:
        """Nobody waits any more; in the loop."""
        if self._task is not None:
            self._task.cancel()
        self.end(None, _ended())

    def wait(self) -> None:
        """Return when it is over; a signal interrupts it."""
        while not self._over.acquire(timeout=_PATIENCE):
            pass

    def result(self) -> T:
        """What came of it; can be asked once."""
        value, error = self._outcome.pop()
        if error is not None:
            try:
                raise error
            finally:
                del error  # it would hold this frame, and the frame it
        return value  # type: ignore[return-value]  # None only where T is None

    def end(self, value: T | None, error: BaseException | None) -> None:
        """Tell the one who waits, once."""
        if not self._outcome:
            self._outcome.append((value, error))
            self._over.release()

    def _finish(self, task: asyncio.Task[T]) -> None:
        self._task = None
        if task.cancelled():
            self.end(None, _ended())
        elif (error := task.exception()) is not None:
            self.end(None, error)
        else:
            self.end(task.result(), None)


class _Inside:
    """What the thread itself holds: it must not hold the ``LoopThread``, whose last reference ends it."""

    def __init__(self, closing: Callable[[], Awaitable[None]] | None) -> None:
        self._closing = closing
        self._process = os.getpid()
        self._lock = threading.RLock()  # a finalizer may come in between
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._stopped = False
        self.calls: set[_Call[Any]] = set()

    @property
    def is_running(self) -> bool:
        return self._ready.is_set() and not self._stopped and self._process == os.getpid()

    def start(self) -> None:
        if self._process != os.getpid():
            raise ClosedError("it was opened before this process was forked, and belongs to the parent; make a new one here")
        with self._lock:
            if self._stopped:
                raise _ended()
            if self._thread is None or self._thread.ident is None:  # not begun, or interrupted on the way
                self._thread = threading.Thread(target=self._main, name="bourn-sync", daemon=True)
                self._thread.start()
        self._ready.wait()

    def post(self, call: _Call[Any]) -> None:
        with self._lock:
            if self._stopped:
                raise _ended()
            assert self._loop is not None
            self.calls.add(call)
            self._loop.call_soon_threadsafe(call.start)

    def cancel(self, call: _Call[Any]) -> None:
        with self._lock:
            if self._loop is not None and not self._stopped:
                self._loop.call_soon_threadsafe(call.cancel)

    def stop(self, *, wait: bool) -> None:
        if self._process != os.getpid():
            return
        with self._lock:
            first, self._stopped = not self._stopped, True
            thread, loop, stop = self._thread, self._loop, self._stop
        if first and loop is not None and stop is not None:
            with suppress(RuntimeError):  # the loop has closed
                loop.call_soon_threadsafe(stop.set)
        if wait and thread is not None and thread.ident is not None and thread is not threading.current_thread():
            thread.join()

    def _main(self) -> None:
        try:
            with asyncio.Runner(loop_factory=NEW_LOOP) as runner:
                runner.run(self._live())
        finally:
            with self._lock:
                self._stopped = True
                calls = list(self.calls)
                self.calls.clear()
            self._ready.set()
            for call in calls:
                call.end(None, _ended())

    async def _live(self) -> None:
        stop = asyncio.Event()
        with self._lock:
            self._loop, self._stop = asyncio.get_running_loop(), stop
            if self._stopped:
                stop.set()
        self._ready.set()
        await stop.wait()
        if self._closing is not None:
            with suppress(BournError):
                await self._closing()


def _ended() -> ClosedError:
    return ClosedError("it was closed; what had arrived is in .response")
