"""``tee``: several consumers of one stream, each at its own pace, with one request and one connection.

No task pumps: whoever reads and finds nothing reads the stream for all, and the others wait for what comes. When that one is
cancelled or closes, the next takes over; nothing is lost or doubled.

House rule: what a slow consumer may hold is counted, and what happens then is said: the others wait for it, or it misses events
and is told how many, or it fails.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar, cast, get_args, overload

from bourn.errors import BournError, BusyError, ClosedError, InputError, LaggedError
from bourn.events import Event
from bourn.response import Response
from bourn.steering.trunk import Dropped, Trunk
from bourn.streams import Stream

Slow = Literal["wait", "drop", "fail"]
"""What happens when a consumer has as many events before it as it may hold."""

E = TypeVar("E")

_TURN = 64
"""Events given from the buffer before the loop gets its turn."""


@overload
def tee(
    stream: Stream, n: int = 2, *, buffer: int = 1024, slow: Literal["wait", "fail"] = "wait"
) -> tuple[Branch[Event], ...]: ...


@overload
def tee(stream: Stream, n: int = 2, *, buffer: int = 1024, slow: Literal["drop"]) -> tuple[Branch[Event | Dropped], ...]: ...


def tee(stream: Stream, n: int = 2, *, buffer: int = 1024, slow: Slow = "wait") -> tuple[Branch[Any], ...]:
    """``n`` consumers of one stream: give each to a task of its own, and close those that are not read to the end.

    Every branch gives the same events; nothing is sent before one of them is read. When the last is closed, or is dropped, the
    stream's connection is closed.

    Parameters
    ----------
    stream:
        A stream that nobody has entered or read; it belongs to the branches from now on.
    buffer:
        Events that are held for a branch which is behind the quickest.
    slow:
        What happens when one more would come. ``"wait"``: nobody gets more until it has read, and the server has to wait, too.
        ``"drop"``: its oldest event is dropped, and it reads ``Dropped(count)`` in their place (its ``response`` has them
        all the same). ``"fail"``: when it has read what is held, it gets ``LaggedError``; the others go on.

    Raises ``InputError`` for wrong arguments.
    """
    if not isinstance(stream, Stream):
        raise InputError(f"tee takes a bourn.Stream, not {type(stream).__name__}")
    if stream.is_used():
        raise InputError("tee takes a stream that nobody has entered, read or closed; make a new one")
    if slow not in get_args(Slow):
        raise InputError(f"slow must be one of {', '.join(map(repr, get_args(Slow)))}, not {slow!r}")
    trunk = Trunk(stream, _count("buffer", buffer), slow)
    return tuple(Branch(trunk) for _ in range(_count("n", n)))


class Branch(Generic[E]):
    """One consumer of a stream that several read: an asynchronous iterator of its events, and a context manager.

    It keeps the promises of ``Stream``: one reader at a time, a cancelled read loses nothing, :attr:`response` is the answer as
    far as this branch has come, errors come after everything that came before them, and again when asked again.
    """

    def __init__(self, trunk: Trunk) -> None:
        self._trunk = trunk
        self._mine = trunk.join()
        self._given = 0
        self._busy = False
        self._closed = False
        self._ended = False
        self._error: BournError | None = None

    @property
    def response(self) -> Response:
        """The answer as far as this branch has come; what was dropped is in it."""
        response = self._mine.response
        if response.usage is None:
            response.usage = self._trunk.stream.response.usage
        return response

    def is_closed(self) -> bool:
        """Whether it gives nothing more: after its end, an error, or :meth:`aclose`."""
        return self._closed or self._ended or self._error is not None

    async def aclose(self) -> None:
        """Leave; the last one closes the connection. A reader that waits gets ``ClosedError``. May be called at any time."""
        self._closed = True
        self._mine.close()
        if self._trunk.leave(self._mine):
            await self._trunk.stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        """The next event; ``StopAsyncIteration`` only after ``Finish``. Raises what the stream raises, and ``LaggedError``."""
        self._raise_if_over()
        if self._given >= _TURN or self._mine.is_empty():
            await self._fill()
        self._given += 1
        return cast("E", self._trunk.take(self._mine))

    async def _fill(self) -> None:
        """Give the loop its turn if it is due, and wait until there is an event to give."""
        self._busy = True
        try:
            if self._given >= _TURN:
                await asyncio.sleep(0)
                self._given = 0
            await self._trunk.fill(self._mine)
        finally:
            self._busy = False
        if self._closed or self._mine.is_empty():
            self._end()
            self._raise_if_over()

    def _end(self) -> None:
        """Note why there is nothing more."""
        if self._closed:
            return
        if self._mine.lagged:
            self._error = LaggedError("this consumer fell too far behind the others (tee: slow, buffer)")
        elif self._trunk.error is not None:
            self._error = self._trunk.error.fresh()
        else:
            self._ended = True

    def _raise_if_over(self) -> None:
        if self._busy:
            raise self._with_context(BusyError("another task is waiting on this branch; one reader at a time"))
        if self._error is not None:
            raise self._with_context(self._error.fresh())
        if self._ended:
            raise StopAsyncIteration
        if self._closed:
            raise self._with_context(ClosedError("the branch was closed before its end; what had arrived is in .response"))

    def _with_context(self, error: BournError) -> BournError:
        response = self.response
        error.provider = error.provider or response.provider
        error.model = error.model or response.model
        error.request_id = error.request_id or self._trunk.stream.request_id
        error.response = response
        return error

    def __del__(self) -> None:
        if self._trunk.leave(self._mine):
            self._trunk.stream.abort()

    def __repr__(self) -> str:
        return f"<Branch of {self._trunk.stream!r} {'closed' if self.is_closed() else 'open'}>"


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name} must be a whole number of at least 1, not {value!r}")
    return value
