"""``merge``: many streams as one, each event with its stream's name, as they come.

Every stream is read by a coroutine of its own, driven by hand inside the one who reads the merge, and kept where it waits
between two reads: an event costs the same whether two streams are merged or two hundred. While nobody reads, the clock of the
streams' limits stands still (``transport/clock.py``), and nothing is taken from any of them.

House rule: it holds no event. A stream that is ready gives one, and then waits until every other that is ready has given one.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import Any, Generic, Literal, NamedTuple, Self, TypeVar, cast, get_args, overload

from bourn.errors import BournError, BusyError, ClosedError, InputError
from bourn.events import Event
from bourn.response import Response
from bourn.steering.first import every
from bourn.steering.leg import Leg, Outcome
from bourn.streams import Stream
from bourn.transport.clock import ReaderClock

OnError = Literal["tell", "raise"]
"""What becomes of the others when one stream fails."""

E = TypeVar("E")

_TURN = 64
"""Events given before the loop gets its turn."""


class Merged(NamedTuple, Generic[E]):
    """One event and the name of its stream; or, last of that stream, the error that ended it."""

    name: str
    event: E


@overload
def merge(streams: Mapping[str, Stream], *, on_error: Literal["tell"] = "tell") -> Merge[Event | BournError]: ...


@overload
def merge(streams: Mapping[str, Stream], *, on_error: Literal["raise"]) -> Merge[Event]: ...


def merge(streams: Mapping[str, Stream], *, on_error: OnError = "tell") -> Merge[Any]:
    """Many streams as one: ``async for name, event in bourn.merge({"a": stream, "b": other})``.

    All requests go out when the first event is asked for. Leave through ``async with`` or ``aclose`` and every connection is
    closed; they are closed too when the last reference is lost.

    Parameters
    ----------
    streams:
        Name to stream. Nobody may have entered or read one of them; they belong to the merge from now on.
    on_error:
        ``"tell"``: a stream that fails gives its ``BournError`` in the place of an event, as its last one, and the others go
        on. ``"raise"``: the first error closes all of them and is raised.

    Raises ``InputError`` for wrong arguments.
    """
    if not isinstance(streams, Mapping) or not streams:
        raise InputError("merge takes a mapping from name to stream, with at least one stream in it")
    for name, stream in streams.items():
        _check(name, stream)
    if len({id(stream) for stream in streams.values()}) < len(streams):
        raise InputError("merge was given the same stream under two names; make one for each")
    if on_error not in get_args(OnError):
        raise InputError(f"on_error must be one of {', '.join(map(repr, get_args(OnError)))}, not {on_error!r}")
    return Merge(streams, on_error)


class _Run:
    """One of the streams, and the read of it that is under way."""

    __slots__ = ("leg", "name", "stream")

    def __init__(self, name: str, stream: Stream) -> None:
        self.name = name
        self.stream = stream
        self.leg: Leg[Event] | None = None

    def cut(self) -> None:
        """Unwind the read that is under way; it has lost nothing."""
        leg, self.leg = self.leg, None
        if leg is not None:
            leg.cancel()


class Merge(Generic[E]):
    """The events of several streams, as they come: an asynchronous iterator of ``Merged(name, event)``; see ``bourn.merge``.

    It keeps the promises of ``Stream``: one reader at a time, a cancelled read loses nothing, what came before an error is
    given before it, and every end is the same when asked again.
    """

    def __init__(self, streams: Mapping[str, Stream], on_error: OnError) -> None:
        self._runs = {name: _Run(name, stream) for name, stream in streams.items()}
        self._raises = on_error == "raise"
        self._ready = deque(self._runs.values())  # they can go on now
        self._resting: list[_Run] = []  # they can, once the loop had its turn
        self._going = len(self._runs)
        self._clock = ReaderClock()
        self._waiter: asyncio.Future[None] | None = None
        self._given = 0
        self._busy = False
        self._closed = False
        self._error: BournError | None = None

    @property
    def responses(self) -> dict[str, Response]:
        """The answer so far of each stream, by name; can be asked for at any time and after anything."""
        return {name: run.stream.response for name, run in self._runs.items()}

    def is_closed(self) -> bool:
        """Whether every connection was let go of."""
        return all(run.stream.is_closed() for run in self._runs.values())

    async def aclose(self) -> None:
        """Close every connection; a reader that waits gets ``ClosedError``. May be called at any time, any number of times."""
        self._closed = True
        self._clock.back()  # the ends of the answers are waited for
        self._wake()
        for run in self._runs.values():
            run.cut()
        await every({name: run.stream.aclose for name, run in self._runs.items()})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Merged[E]:
        """The next event of whichever stream has one; ``StopAsyncIteration`` when all have ended."""
        self._raise_if_over()
        self._busy = True
        self._clock.back()
        try:
            if self._given >= _TURN:
                await self._turn()
            while self._going and not self._closed:
                item = self._next()
                if item is not None:
                    self._given += 1
                    return item
                if not self._ready:
                    await self._wait()
        finally:
            self._busy = False
            if not self._closed:
                self._clock.leave()
        self._raise_if_over()
        raise StopAsyncIteration

    def _next(self) -> Merged[E] | None:
        """Let those that can go on do so, in their order, until one gives something."""
        while self._ready:
            run = self._ready.popleft()
            leg = run.leg or Leg(run.stream.__anext__())
            with self._clock:
                leg.step()
            if leg.over:
                run.leg = None
                item = self._take(run, leg.take())
                if item is not None:
                    return item
            else:
                run.leg = leg
                self._rest(run, leg.waiting)
        return None

    def _rest(self, run: _Run, waiting: asyncio.Future[Any] | None) -> None:
        if waiting is None:
            self._resting.append(run)
        else:
            waiting.add_done_callback(partial(_go_on, weakref.ref(self), run.name))

    def _take(self, run: _Run, outcome: Outcome[Event]) -> Merged[E] | None:
        if outcome.value is not None:
            self._ready.append(run)
            return Merged(run.name, cast("E", outcome.value))
        self._going -= 1
        if isinstance(outcome.error, BournError):
            return self._fail(run, outcome.error.fresh())
        if not isinstance(outcome.error, StopAsyncIteration):
            assert outcome.error is not None
            raise outcome.error  # no stream does that
        return None

    def _fail(self, run: _Run, error: BournError) -> Merged[E] | None:
        if not self._raises:
            return Merged(run.name, cast("E", error))
        error.add_note(f"merge: this was the stream {run.name!r}")
        self._error = error
        self._cut()
        return None

    async def _turn(self) -> None:
        """Give the loop its turn; it is what some were resting for."""
        resting, self._resting = self._resting, []
        self._ready.extend(resting)
        self._given = 0
        await asyncio.sleep(0)

    async def _wait(self) -> None:
        """Return when one of them can go on, or all were closed."""
        if self._resting:
            await self._turn()
        elif self._going and not self._closed:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _go_on(self, name: str) -> None:
        """What this one was waiting for is there."""
        self._ready.append(self._runs[name])
        self._wake()

    def _raise_if_over(self) -> None:
        if self._busy:
            raise BusyError("another task is waiting on this merge; one reader at a time")
        if self._error is not None:
            raise self._error.fresh()
        if self._going == 0:
            raise StopAsyncIteration
        if self._closed:
            raise ClosedError("the merge was closed before its end; what had arrived is in .responses")

    def _cut(self) -> None:
        """Close every connection at once."""
        self._going = 0
        self._ready.clear()  # whoever would be stepped now would only say that he was closed
        self._resting.clear()
        for run in self._runs.values():
            run.cut()
            run.stream.abort()

    def __del__(self) -> None:
        self._cut()

    def __repr__(self) -> str:
        return f"<Merge of {len(self._runs)}, {self._going} going on>"


def _go_on(merge: weakref.ref[Merge[Any]], name: str, _: object) -> None:
    """A future's callback: must not keep alive who waits for it, since that keeps the future."""
    found = merge()
    if found is not None:
        found._go_on(name)  # noqa: SLF001 - it stands apart only for the sake of the weak reference


def _check(name: object, stream: object) -> None:
    if not isinstance(name, str):
        raise InputError(f"merge takes names that are strings, not {name!r}")
    if not isinstance(stream, Stream):
        raise InputError(f"merge takes bourn.Stream, and {name!r} is {type(stream).__name__}")
    if stream.is_used():
        raise InputError(f"merge takes streams that nobody has entered, read or closed; make a new one for {name!r}")
