"""The run of a batch: asks, writes down, shows how far it is, and ends well when it is told to.

House rule: a row is written before the next one of its place is asked; what ends the run says how to go on.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from argparse import Namespace
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from bourn.cli import ask, exits, loops
from bourn.cli.again import Count
from bourn.cli.progress import ROWS, Progress
from bourn.cli.terminal import Console
from bourn.errors import AuthenticationError, BournError, InputError, StatusError
from bourn.many import inputs
from bourn.many.inputs import Entry
from bourn.many.journal import Done
from bourn.many.rows import Row, Rows
from bourn.messages import Message
from bourn.streams import Stream
from bourn.transport import offload

if TYPE_CHECKING:
    from bourn.cli.batch import Questions

TICK_SECONDS = 0.25
"""How often the bar is drawn at least, on a terminal."""

SYNC_SECONDS = 1.0
"""How often rows are handed to the disk."""

_EMPTY: dict[str, Any] = {"text": "", "tool_calls": [], "finish_reason": None, "usage": None}
_LEFT_OUT = ("provider", "verified", "complete")
_ALWAYS = ("id", "model", "text", "tool_calls", "finish_reason", "usage")


class Sink(Protocol):
    """Where rows go."""

    done: Done

    def add(self, index: int, digest: str, row: dict[str, Any]) -> None:
        """Write a row."""
        ...

    def sync(self) -> None:
        """Hand what was written to the disk."""
        ...


class Pipe:
    """Standard output as a sink: nothing is done yet, and nothing can be gone on with."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.done = Done()

    def add(self, index: int, digest: str, row: dict[str, Any]) -> None:
        """Write a row. Raises ``BrokenPipeError`` where nobody reads."""
        data = msgspec.json.encode({"index": index, "input": digest, **row}) + b"\n"
        while data:
            data = data[os.write(self._fd, data) :]

    def sync(self) -> None:
        """A pipe has nothing to hand on."""


class Answering:
    """One run: see :meth:`run`."""

    def __init__(self, console: Console, arguments: Namespace, questions: Questions, sink: Sink) -> None:
        self._console = console
        self._arguments = arguments
        self._questions = questions
        self._sink = sink
        self._system: str | None = arguments.system
        self._there = sink.done.count
        self._answered = 0
        self._errors: Counter[str] = Counter()
        self._again = Count()
        self._stopped = False
        self._drawn = console.err_is_terminal and console.err_styles
        self._bar = Progress(
            "batch",
            console.stderr,
            drawn=self._drawn,
            amounts=ROWS,
            width=lambda: shutil.get_terminal_size().columns,
        )

    def run(self) -> int:
        """Answer what is not answered yet; the exit code. Raises what ends the run early."""
        total = self._questions.total
        if self._there:
            then = "nothing is left to ask" if self._there == total else "going on with the others"
            self._console.note(f"bourn: {self._there} of {total} rows are in {self._arguments.output}; {then}")
            if self._there == total:
                return self._report()
        self._show()
        try:
            with loops.runner() as runner:
                runner.run(self._run())
        except (asyncio.CancelledError, KeyboardInterrupt):
            self._stopped = True
        finally:
            self._bar.end()
        return self._report()

    async def _run(self) -> None:
        entries = self._questions.entries(self._sink.done) if self._questions.is_file else self._piped()
        async with ask.make_client(pace=self._arguments.pace, observers=[self._again]) as client:

            def stream(entry: Entry) -> Stream:
                if entry.problem is not None:
                    raise entry.problem
                return self._questions.models.asking(entry).stream(client, self._messages(entry))

            rows: Rows[Entry] = Rows(stream, entries, concurrency=self._arguments.concurrency, ordered=self._arguments.ordered)
            async with rows:
                with self._interrupts(rows), self._ticking():
                    await self._write(rows)

    async def _write(self, rows: Rows[Entry]) -> None:
        loop = asyncio.get_running_loop()
        synced = loop.time()
        async for row in rows:
            if isinstance(row.error, AuthenticationError) and not self._answered:
                raise row.error  # it would be the same for all
            self._sink.add(row.input.index, row.input.digest, as_dict(row))
            self._count(row)
            if loop.time() - synced >= SYNC_SECONDS:
                synced = loop.time()
                await offload.in_thread(self._sink.sync)

    async def _piped(self) -> AsyncIterator[Entry]:
        """The rows of a pipe, as they come; one that cannot be read is answered with what is wrong with it."""
        index = number = 0
        while line := await offload.in_thread(lambda: self._questions.pipe.readline(inputs.LONGEST + 1)):
            number += 1
            for _, text in inputs.numbered(number, line):
                try:
                    entry = inputs.read(index, number, text)
                    self._questions.models.check(entry)
                except InputError as error:
                    entry = inputs.unreadable(index, number, text, error)
                yield entry
                index += 1

    def _messages(self, entry: Entry) -> tuple[Message, ...]:
        """The row's messages, after the command line's system prompt unless it has its own."""
        if self._system is None or any(message.role == "system" for message in entry.messages):
            return entry.messages
        return (Message("system", self._system), *entry.messages)

    def _count(self, row: Row[Entry]) -> None:
        self._answered += 1
        if row.error is not None:
            self._errors[type(row.error).__name__] += 1
        self._show()

    def _show(self) -> None:
        if self._console.quiet:
            return
        errors = self._errors.total()
        told = (str(self._again), f"{errors} error{'s' * (errors != 1)}" if errors else "")
        self._bar.note = ", ".join(part for part in told if part)
        self._bar(self._there + self._answered, self._questions.total)

    @contextmanager
    def _ticking(self) -> Iterator[None]:
        """The bar is drawn again while nothing comes: what came last may not have been shown, and the time left changes."""
        if not self._drawn:
            yield
            return
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def tick() -> None:
            nonlocal timer
            timer = loop.call_later(TICK_SECONDS, tick)
            if not self._stopped:
                self._show()

        timer = loop.call_later(TICK_SECONDS, tick)
        try:
            yield
        finally:
            timer.cancel()

    @contextmanager
    def _interrupts(self, rows: Rows[Entry]) -> Iterator[None]:
        """Ctrl-C takes no more rows; a second one cancels. Where signals cannot be had so, the first one cancels."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def interrupted() -> None:
            if self._stopped:
                task.cancel()
                return
            self._stopped = True
            rows.finish()
            self._bar.end()
            self._console.note(f"bourn: waiting for the {rows.running} that run; Ctrl-C again ends at once")

        with suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(signal.SIGINT, interrupted)
        try:
            yield
        finally:
            with suppress(NotImplementedError, ValueError, RuntimeError):
                loop.remove_signal_handler(signal.SIGINT)

    def _report(self) -> int:
        there, total, output = self._there + self._answered, self._questions.total, self._arguments.output
        errors = max(self._errors.total(), self._sink.done.errors)
        if self._stopped and there != total:
            how = "" if output == "-" else "; the same command goes on"
            of = "" if total is None else f" of {total}"
            self._console.complain(f"bourn: stopped: {there}{of} rows are in {output}{how}")
            return exits.STOPPED
        again = f", after {self._again}" if self._again.retries else ""
        kinds = ", ".join(f"{kind} {count}" for kind, count in self._errors.most_common())
        advice = "" if output == "-" else "; --retry-errors asks them again"
        if errors:
            told = f" ({kinds})" if kinds else ""
            self._console.complain(f"bourn: {errors} of {there} rows are errors{told}{again}{advice}")
            return exits.PARTLY
        self._console.note(f"bourn: {there} rows are in {output}{again}")
        return exits.OK


def as_dict(row: Row[Entry]) -> dict[str, Any]:
    """What is written of a row: what it said of itself, the answer as far as it came, and the error."""
    entry = row.input
    answer = _EMPTY if row.response is None else row.response.to_dict()
    told = {name: answer.get(name) for name in answer if name in _ALWAYS or (answer[name] and name not in _LEFT_OUT)}
    if len(told.get("attempts") or ()) < 2:
        told.pop("attempts", None)
    return {
        "id": entry.id,
        **({"metadata": entry.metadata} if entry.metadata is not None else {}),
        **{("response_id" if name == "id" else name): value for name, value in told.items()},
        "error": None if row.error is None else _error(row.error),
        "seconds": round(row.seconds, 3),
    }


def _error(error: Exception) -> dict[str, Any]:
    message = error.message if isinstance(error, BournError) else str(error)
    told: dict[str, Any] = {"type": type(error).__name__, "message": message}
    if isinstance(error, StatusError):
        told |= {"status": error.status, "code": error.code}
    if isinstance(error, BournError):
        told |= {"retryable": error.retryable, "request_id": error.request_id}
    return {name: value for name, value in told.items() if value is not None}
