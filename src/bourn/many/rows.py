"""``Rows``: one finished row for each of many inputs, as an asynchronous iterator.

The work is done by a few tasks, each of which takes the next input when it is free. An input counts from when it is taken until
its row is given; only so many may count at a time, which is all that is ever held, and all that is begun while nobody reads.

House rule: a failure is a row. The tasks know the work and never the iterator, so that losing the last reference to it ends
them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import msgspec

from bourn.errors import BournError, BusyError, ClosedError, InputError
from bourn.response import Response
from bourn.streams import Stream

In = TypeVar("In")

AHEAD = 4
"""In order, so many inputs for each that may run are held at a time: those behind a slow one are done meanwhile."""


class Row(msgspec.Struct, Generic[In], frozen=True):
    """What became of one input.

    ``index`` is its place among the inputs, from 0. ``response`` is the answer, whole unless there is an ``error``; then it is
    what had arrived, or ``None``. An ``error`` that is no ``BournError`` is a bug, ours or yours, of this row alone.
    ``seconds`` counts from when the input was taken, waiting for its turn with the provider included.
    """

    index: int
    input: In
    response: Response | None
    error: Exception | None
    seconds: float


class Rows(Generic[In]):
    """The rows of ``inputs``, as they are finished or in order. Use it under ``async with``, and iterate once, in one task.

    ``ask`` makes the stream for an input. ``inputs`` may be any iterable, asynchronous too, and endless: it is read as far as
    there is work for. Nothing is sent before the first row is asked for. Leaving ends what runs and closes its connections; a
    cancelled read loses nothing.

    Raises ``InputError`` at once for wrong arguments. Iteration raises what ``inputs`` raises, once all rows of what was taken
    before were given, ``ClosedError`` after :meth:`aclose`, and ``BusyError`` to a second reader; a failed row raises nothing.
    """

    def __init__(
        self,
        ask: Callable[[In], Stream],
        inputs: Iterable[In] | AsyncIterable[In],
        *,
        concurrency: int = 8,
        ordered: bool = False,
    ) -> None:
        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
            raise InputError(f"concurrency must be a whole number of at least 1, not {concurrency!r}")
        self._work = _Work(ask, _each(inputs), concurrency, ordered=ordered)
        self._busy = False
        self._closed = False

    @property
    def running(self) -> int:
        """How many inputs are being worked on."""
        return len(self._work.tasks)

    def finish(self) -> None:
        """Take no more inputs: iteration ends after the rows of those that are being worked on."""
        self._work.exhausted = True
        self._work.wake()

    async def aclose(self) -> None:
        """End what runs and close its connections. May be called at any time, any number of times."""
        self._closed = self._closed or not self._work.over
        tasks = self._work.stop()
        if tasks:
            await asyncio.wait(tasks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Row[In]:
        """The next row; ``StopAsyncIteration`` after the last."""
        if self._busy:
            raise BusyError("another task is waiting for the next row; one reader at a time")
        work = self._work
        self._busy = True
        try:
            while True:
                if self._closed:
                    raise ClosedError("the rows were closed before their end")
                row = work.take()
                if row is not None:
                    return row
                if work.over:
                    work.raise_failure()
                    raise StopAsyncIteration
                await work.changed()
        finally:
            self._busy = False

    def __del__(self) -> None:
        work: _Work[In] | None = getattr(self, "_work", None)
        if work is not None:
            work.stop()


class _Work(Generic[In]):
    """What the tasks share. ``open`` inputs were taken and their rows not yet given, of ``window`` at most."""

    def __init__(
        self, ask: Callable[[In], Stream], inputs: Iterator[In] | AsyncIterator[In], most: int, *, ordered: bool
    ) -> None:
        self._ask = ask
        self._inputs = inputs
        self._most = most
        self._ordered = ordered
        self._window = most * AHEAD if ordered else most
        self._taking = asyncio.Lock()
        self._taken = 0
        self._given = 0
        self._rows: dict[int, Row[In]] = {}  # finished and not yet given, in the order in which they were finished
        self._reader: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None  # of the task that waits until another row is given
        self._failure: BaseException | None = None  # of the inputs, or of a task
        self.tasks: set[asyncio.Task[None]] = set()
        self.exhausted = False
        self._begun = False

    @property
    def over(self) -> bool:
        """Whether every input that will ever be taken has its row, and the row was given."""
        return self._begun and not self.tasks and not self._rows

    def take(self) -> Row[In] | None:
        """The next row, if there is one; with the first call the work begins."""
        if not self._begun:
            self._begun = True
            self._hire()
        at = self._given if self._ordered else next(iter(self._rows), -1)
        row = self._rows.pop(at, None)
        if row is not None:
            self._given += 1
            _release(self._room)
        return row

    async def changed(self) -> None:
        """Wait until there may be a row, or nothing more to wait for."""
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def wake(self) -> None:
        """Let the reader look again, and the task that waits for room."""
        _release(self._reader)
        _release(self._room)

    def stop(self) -> set[asyncio.Task[None]]:
        """Take nothing more, end the tasks, and forget the rows; the tasks that are ending."""
        self.exhausted = True
        self._begun = True
        self._rows.clear()
        for task in self.tasks:
            _cancel(task)
        self.wake()
        return set(self.tasks)

    def raise_failure(self) -> None:
        """Raise what ended the work early, if something did."""
        if self._failure is not None:
            raise self._failure

    def _hire(self) -> None:
        """Another task, while there may be work for it."""
        if len(self.tasks) < self._most and not self.exhausted:
            task = asyncio.get_running_loop().create_task(self._labour(), name="bourn rows")
            self.tasks.add(task)
            task.add_done_callback(self._left)

    def _left(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            self.exhausted = True
            self._failure = self._failure or error
        self.wake()

    async def _labour(self) -> None:
        """Take inputs and make their rows, one after the other, until there are no more."""
        while True:
            async with self._taking:
                index, given = await self._next()
            if index is None:
                return
            self._hire()
            self._rows_add(await _row(self._ask, index, given))

    def _rows_add(self, row: Row[In]) -> None:
        self._rows[row.index] = row
        _release(self._reader)

    async def _next(self) -> tuple[int | None, Any]:
        """The next input and its index, once there is room for its row; ``None``: there is none."""
        while self._taken - self._given >= self._window and not self.exhausted:
            self._room = asyncio.get_running_loop().create_future()
            try:
                await self._room
            finally:
                self._room = None
        if self.exhausted:
            return None, None
        try:
            given = await anext(self._inputs) if isinstance(self._inputs, AsyncIterator) else next(self._inputs)
        except (StopIteration, StopAsyncIteration):
            self.exhausted = True
            return None, None
        self._taken += 1
        return self._taken - 1, given


async def _row(ask: Callable[[In], Stream], index: int, given: In) -> Row[In]:
    """What becomes of one input. Raises only what is no ``Exception``."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    response: Response | None = None
    failure: Exception | None = None
    try:
        response = await ask(given).collect()
    except BournError as error:
        response, failure = error.response, error.fresh()
    except Exception as error:  # noqa: BLE001 - one row, never the whole run
        failure = error.with_traceback(None)
    return Row(index, given, response, failure, loop.time() - began)


def _each(inputs: Any) -> Any:
    """The iterator of the inputs, asynchronous where they are."""
    if isinstance(inputs, AsyncIterable):
        return aiter(inputs)
    if isinstance(inputs, str | bytes) or not isinstance(inputs, Iterable):
        raise InputError(f"prompts must be an iterable of prompts, asynchronous or not, and not {type(inputs).__name__}")
    return iter(inputs)


def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task from wherever this is called: the last reference may be lost in another thread, or after the loop."""
    loop = task.get_loop()
    if loop is asyncio._get_running_loop():  # noqa: SLF001 - the public one raises where none runs
        task.cancel()
    elif not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)


def _release(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
