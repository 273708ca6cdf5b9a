"""``SseBody``: the bytes of a streamed HTTP response, made from a stream as they are asked for.

House rule: it waits for the stream only, and whichever way it is left, the stream is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

from bourn.errors import BournError, BusyError, ClosedError, EventOrderError
from bourn.events import Event, Restart
from bourn.frontends.base import UNSAYABLE, Explain, Failure, FrontEncoder
from bourn.wire import sse

HEADERS: Mapping[str, str] = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
"""What every answer needs: nothing on the way may keep, compress or collect it (``x-accel-buffering`` is nginx's word)."""

PING = sse.encode_comment("ping")


class Events(Protocol):
    """What is written: a ``bourn.Stream``, or anything that gives events and can be closed."""

    async def __anext__(self) -> Event:
        """The next event."""
        ...

    async def aclose(self) -> None:
        """Close it."""
        ...


class SseBody:
    """An asynchronous iterator of ``bytes``, each one or more whole server-sent events; and its ``headers``.

    Give both to the web framework's streaming response. A failed stream ends with the protocol's own error event; the error is
    then in :attr:`error`, for the log. Call :meth:`open` first to answer with an HTTP status when the model refuses at once.

    A reader that is cancelled has left (that is how frameworks tell that the browser is gone): the stream is closed with its
    connection, as it is by :meth:`aclose` and with the last reference. A body that was left so raises ``ClosedError`` when it
    is read on, lest its bytes pass for a whole answer; and ``BusyError`` for a second reader.
    """

    def __init__(
        self, events: Events, encoder: FrontEncoder, headers: Mapping[str, str], *, explain: Explain, ping: float | None
    ) -> None:
        self.headers = {**HEADERS, **headers}
        self.error: BournError | None = None
        self._events = events
        self._encoder = encoder
        self._explain = explain
        self._ping = ping
        self._over = False  # the last bytes were given
        self._left = False  # closed before

    @property
    def media_type(self) -> str:
        """``text/event-stream``, for frameworks that want it apart from the headers."""
        return self.headers["content-type"].partition(";")[0]

    async def open(self) -> Self:
        """Send the request and wait for the head of the answer. Raises what the stream raises, and is closed then."""
        enter = getattr(self._events, "__aenter__", None)
        if enter is not None:
            await enter()
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next bytes, never empty; a comment after ``ping`` silent seconds, lest a proxy hang up."""
        self._raise_if_left()
        while not self._over:
            try:
                event = await self._next()
                if type(event) is Restart and not self._encoder.says_restart:
                    return await self._fail(EventOrderError(f"the answer began anew ({event.reason})"), UNSAYABLE)
                data = self._encoder.encode(event)
            except StopAsyncIteration:
                self._over = True
            except BusyError:
                raise
            except BournError as error:
                self._raise_if_left()
                return await self._fail(error, self._explain(error))
            except TimeoutError:
                return PING
            except asyncio.CancelledError:
                await self.aclose()
                raise
            else:
                if data:
                    return data
        await self.aclose()
        raise StopAsyncIteration

    async def _next(self) -> Event:
        if self._ping is None:
            return await self._events.__anext__()
        async with asyncio.timeout(self._ping):
            return await self._events.__anext__()

    async def _fail(self, error: BournError, failure: Failure) -> bytes:
        self.error = error
        self._over = True
        await self.aclose()
        return self._encoder.fail(failure)

    async def aclose(self) -> None:
        """Close the stream. May be called at any time, any number of times."""
        self._left = not self._over
        await self._events.aclose()

    def _raise_if_left(self) -> None:
        if self._left:
            raise ClosedError("the body was closed before its end")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
