"""The one asynchronous iterator: ``Stream``.

House rule: a stream has no task, timer or context of its own. Everything it waits for is cancel-safe, everything it holds can
be let go of in one synchronous call, and it is free of reference cycles, so that losing the last reference to it closes
the connection.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from bourn.errors import BournError, BusyError, ClosedError, InputError
from bourn.events import Event
from bourn.response import Response
from bourn.streams.text import TextStream
from bourn.transport.base import Source
from bourn.transport.quota import Quota

if TYPE_CHECKING:
    from bourn.streams.objects import ObjectStream

T = TypeVar("T")

_TURN = 64
"""Events given from the buffer before the loop gets its turn."""


class Stream:
    """The streaming answer to one request: an asynchronous iterator of events, and an asynchronous context manager.

    Nothing is sent before ``async with`` is entered or the first event is asked for. Iterate once, in one task at a time;
    :attr:`response` holds the answer so far, always. Leave through ``async with`` or :meth:`aclose` and the connection is
    closed at once; it is closed too when the last reference is lost. A cancelled read loses nothing: ask again.

    Iteration raises ``BournError`` (see ``bourn.errors``; ``error.response`` has what had arrived), ends only after ``Finish``,
    and raises the same again when asked again.

    ``provider`` and ``model`` are whom the caller asked; ``asks`` is equal for streams that ask the same; ``restarts`` says
    whether ``Restart`` may come among the events.
    """

    def __init__(self, source: Source, *, provider: str, model: str, asks: object = None, restarts: bool = False) -> None:
        self._source = source
        self._response = Response(provider, model)
        self.provider = provider
        self.model = model
        self.asks = object() if asks is None else asks
        self.restarts = restarts
        self._events: deque[Event] = deque()  # to be given next
        self._batch: Sequence[Event] = ()  # to be given after those, from _at on
        self._at = 0
        self._turn = _TURN  # how many of the batch may go to the events before the loop gets its turn
        self._busy = False
        self._used = False  # entered, read or closed
        self._unread = False  # closed while there were events to be given
        self._released = False  # the connection was let go of
        self._closed = False  # by aclose()
        self._error: BournError | None = None

    @property
    def response(self) -> Response:
        """The answer so far; ``response.complete`` says whether it is the whole one."""
        response = self._response
        if response.usage is None:
            response.usage = self._source.usage
        response.attempts = self._source.attempts
        return response

    @property
    def request_id(self) -> str | None:
        """The provider's name for this call, once its headers came."""
        return self._source.request_id

    @property
    def quota(self) -> Quota:
        """What the provider told of its rate limits, once its headers came; empty (false) where it told nothing."""
        return self._source.quota

    def is_closed(self) -> bool:
        """Whether the connection was let go of: after the end, an error, or :meth:`aclose`."""
        return self._released

    def is_used(self) -> bool:
        """Whether it was entered, read or closed; who is given one that was not has it to itself."""
        return self._used or self._released

    def buffered(self) -> int:
        """How many events are there already: they can be read without waiting for the provider."""
        return len(self._events) + len(self._batch) - self._at

    def take(self) -> Source:
        """Its source, for a stream that is made of this one, which counts as closed from now on.

        Raises ``InputError`` where it was read or closed before.
        """
        if self.is_used():
            raise InputError(f"{self!r} was read or closed before: give a stream that nobody has touched")
        self._used = self._closed = self._released = True
        return self._source

    def text(self) -> TextStream:
        """Only the answer's text, piece by piece: ``async for piece in stream.text()``.

        Raises ``InputError`` where the answer may begin anew (``recover=True``): text that was given cannot be taken back.
        """
        if self.restarts:
            raise InputError("text() cannot take back what it gave, and this answer may begin anew: iterate over its events")
        return TextStream(self)

    @overload
    def objects(self, type: type[T], *, tool: str | None = None) -> ObjectStream[T]: ...

    @overload
    def objects(self, type: Any, *, tool: str | None = None) -> ObjectStream[Any]: ...

    def objects(self, type: Any, *, tool: str | None = None) -> ObjectStream[Any]:
        """The answer as ever more complete objects of a type, the last one validated; see ``ObjectStream``."""
        from bourn.streams.objects import ObjectStream  # only where objects are asked for

        return ObjectStream(self, type, tool=tool)

    async def collect(self) -> Response:
        """Read to the end, close, and give the whole response. Raises what iteration raises."""
        async with self:
            async for _ in self:
                pass
        return self.response

    async def aclose(self) -> None:
        """Close the connection; a reader that waits gets ``ClosedError``. May be called at any time, any number of times."""
        self._used = True
        if self._closed or self._busy:
            self._closed = True
            self.abort()  # wakes the reader, or cuts the first close short
        elif not self._released:
            self._closed = True
            await self._release()
        self._fold_rest()

    async def __aenter__(self) -> Self:
        """Send the request and wait for the head of the answer. Raises what iteration raises."""
        self._raise_if_over()
        self._busy = self._used = True
        try:
            await self._source.open()
        except BournError as error:
            raise self._failed(error) from error.__cause__
        except BaseException:
            self.abort()  # __aexit__ will not be called
            raise
        finally:
            self._busy = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next event; ``StopAsyncIteration`` only after ``Finish``."""
        events = self._events
        if not events:
            await self._fill()
        event = events.popleft()
        self._response.fold(event)
        return event

    async def _fill(self) -> None:
        """Wait until there is an event to give. Raises the end, the error, or that somebody else is waiting."""
        if self._busy or self._released:
            self._raise_if_over()
        if not self._turn:
            await self._pause()
        self._busy = self._used = True
        try:
            if self._response.complete:
                await self._release()
                raise StopAsyncIteration
            batch = self._batch or await self._source.receive()
        except BournError as error:
            raise self._failed(error) from error.__cause__
        finally:
            self._busy = False
        if self._at or len(batch) > self._turn:
            batch = self._due(batch)
        self._events.extend(batch)
        self._turn -= len(batch)

    def _due(self, batch: Sequence[Event]) -> Sequence[Event]:
        """The part of a batch that may be given before the loop gets its turn; the rest waits."""
        due = batch[self._at : self._at + self._turn]
        at = self._at + len(due)
        self._batch, self._at = (batch, at) if at < len(batch) else ((), 0)
        return due

    async def _pause(self) -> None:
        """Give the loop its turn, whether or not events are waiting."""
        self._busy = True
        try:
            await asyncio.sleep(0)
        finally:
            self._busy = False
        self._raise_if_over()
        self._turn = _TURN

    def _raise_if_over(self) -> None:
        if self._busy:
            raise self._with_context(BusyError("another task is waiting on this stream; one reader at a time"))
        if self._error is not None:
            raise self._error.fresh()
        if self._released and self._is_finished():
            raise StopAsyncIteration
        if self._closed or self._released:
            raise self._with_context(ClosedError("the stream was closed before its end; what had arrived is in .response"))

    def _is_finished(self) -> bool:
        """Whether ``Finish`` was given."""
        return self._response.complete and not self._unread

    def _failed(self, error: BournError) -> BournError:
        """Note the error, without the frames that lead back here, and let go of the connection."""
        if self._closed:
            error = ClosedError("the stream was closed while it was being read; what had arrived is in .response")
        self._with_context(error)
        self._error = error.fresh()
        self.abort()
        return error

    def _with_context(self, error: BournError) -> BournError:
        error.provider = error.provider or self.provider
        error.model = error.model or self.model
        error.request_id = error.request_id or self.request_id
        error.response = self.response
        return error

    def _fold_rest(self) -> None:
        """What had arrived belongs to the response, read or not."""
        rest = [*self._events, *self._batch[self._at :]]
        self._events.clear()
        self._batch, self._at = (), 0
        for event in rest:
            self._unread = True
            self._response.fold(event)

    async def _release(self) -> None:
        try:
            await self._source.aclose()
        finally:
            self.abort()

    def abort(self) -> None:
        """Cut the connection at once, from a place that cannot wait; may be called at any time. Else use :meth:`aclose`."""
        if not self._released:
            self._released = True
            self._source.abort()

    def __del__(self) -> None:
        if not getattr(self, "_released", True):
            self.abort()

    def __repr__(self) -> str:
        state = "closed" if self._released else "finished" if self._is_finished() else "open"
        return f"<Stream {self.provider}/{self.model} {state}>"
