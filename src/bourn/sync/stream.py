"""``Stream``: a plain iterator over the events of one answer; ``TextStream``: over its text.

Events that are there already come in batches, so that a thread is waited for only where the service is.

House rule: what goes wrong while it is waited for, ``KeyboardInterrupt`` above all, closes the connection and leaves the answer
so far readable.
"""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar
from weakref import WeakSet

from bourn import streams
from bourn.errors import BournError, BusyError, InputError
from bourn.events import Event, TextDelta
from bourn.response import Response
from bourn.sync.thread import LoopThread

T = TypeVar("T")

_BATCH = 64
"""Events that are handed over at a time."""


class Stream:
    """The streaming answer to one request: an iterator of events, and a context manager. For threads, scripts and notebooks.

    Nothing is sent before ``with`` is entered or the first event is asked for. Iterate once, in one thread at a time;
    :attr:`response` holds the answer so far, always. Leave through ``with`` or :meth:`close` and the connection is closed at
    once; it is closed too when the last reference is lost. Ctrl-C while it waits closes it and goes through.

    It raises what ``bourn.Stream`` raises. ``stream`` is one that nobody has used; ``thread`` is the client's.
    """

    def __init__(self, stream: streams.Stream, thread: LoopThread | None = None) -> None:
        if not isinstance(stream, streams.Stream):
            raise InputError(f"bourn.sync.Stream takes a bourn.Stream, not {type(stream).__name__}")
        if stream.is_used():
            raise InputError("bourn.sync.Stream takes a stream that nobody has entered, read or closed; make a new one")
        told = stream.response
        self._stream = stream
        self._thread = thread or LoopThread()
        self._own = thread is None
        self._response = Response(told.provider, told.model)  # of what was given; the stream's own is ahead by the batch
        self._batch: deque[Event] = deque()
        self._reader: int | None = None
        _OPEN.add(self)

    @property
    def response(self) -> Response:
        """The answer so far; ``response.complete`` says whether it is the whole one."""
        ahead = self._stream.response
        if self._stream.is_closed() and not self._batch:
            return ahead
        if self._response.usage is None:
            self._response.usage = ahead.usage
        return self._response

    @property
    def request_id(self) -> str | None:
        """The provider's name for this call, once its headers came."""
        return self._stream.request_id

    def is_closed(self) -> bool:
        """Whether the connection was let go of: after the end, an error, or :meth:`close`."""
        return self._stream.is_closed()

    def text(self) -> TextStream:
        """Only the answer's text, piece by piece: ``for piece in stream.text()``."""
        return TextStream(self)

    def collect(self) -> Response:
        """Read to the end, close, and give the whole response. Raises what iteration raises."""
        with self:
            for _ in self:
                pass
        return self.response

    def close(self) -> None:
        """Close the connection; a thread that waits gets ``ClosedError``. May be called at any time, any number of times."""
        try:
            if self._thread.is_running:
                self._thread.run(self._stream.aclose)
        except BournError:
            pass  # the thread has ended meanwhile, and its connections with it
        finally:
            self._stream.abort()
            self._batch.clear()  # it is in the response
            if self._own:
                self._thread.stop()
            _OPEN.discard(self)

    def __enter__(self) -> Self:
        """Send the request and wait for the head of the answer. Raises what iteration raises."""
        self._guarded(partial(self._run, self._stream.__aenter__))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        """The next event; ``StopIteration`` only after ``Finish``."""
        return self._guarded(self._next)

    def _next(self) -> Event:
        if not self._batch:
            self._batch.extend(self._run(partial(_some, self._stream)))
        if not self._batch:
            raise StopIteration
        event = self._batch.popleft()
        self._response.fold(event)
        return event

    def _guarded(self, does: Callable[[], T]) -> T:
        """One reader at a time; whatever it raises has closed the stream."""
        me = threading.get_ident()
        if self._reader not in (None, me):
            raise self._with_context(BusyError("another thread is waiting on this stream; one reader at a time"))
        self._reader = me
        try:
            return does()
        except BournError as error:
            self.close()
            raise self._with_context(error) from error.__cause__
        except BaseException:
            self.close()
            raise
        finally:
            self._reader = None

    def _with_context(self, error: BournError) -> BournError:
        """``error``, which may come from the thread and then knows nothing of this stream."""
        if error.response is None:
            error.provider, error.model = self._stream.provider, self._stream.model
            error.request_id, error.response = self.request_id, self.response
        return error

    def _run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._stream.is_closed():
            return _at_once(make())
        return self._thread.run(make)

    def __del__(self) -> None:
        stream: streams.Stream | None = getattr(self, "_stream", None)
        if stream is not None:
            stream.abort()
            if self._own:
                self._thread.stop(wait=False)

    def __repr__(self) -> str:
        return f"<sync.{repr(self._stream)[1:]}"


class TextStream:
    """The text of a stream: an iterator of strings. Close it, or its stream, when leaving early."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    @property
    def response(self) -> Response:
        """The answer so far."""
        return self._stream.response

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def __enter__(self) -> Self:
        self._stream.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._stream.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        """The next piece of text. Raises what the stream raises."""
        for event in self._stream:
            if type(event) is TextDelta:
                return event.text
        raise StopIteration


async def _some(stream: streams.Stream) -> list[Event]:
    """The next event, and those that are there with it; none at the end."""
    events: list[Event] = []
    try:
        events.append(await stream.__anext__())
    except StopAsyncIteration:
        return events
    while stream.buffered() and len(events) < _BATCH:
        events.append(await stream.__anext__())
    return events


def _at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run what has nothing to wait for: a closed stream only says how it ended."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    raise AssertionError("a closed stream waited")


_OPEN: WeakSet[Stream] = WeakSet()


@atexit.register
def _close_all() -> None:
    """A program that ends with open streams ends at once, and in order; a thread that still waits ends with it, untold."""
    for stream in list(_OPEN):
        if stream._reader is None:  # noqa: SLF001 - nobody's business but this module's
            stream.close()
