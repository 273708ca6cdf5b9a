"""The reference stream: a correct stream written by hand on a bare socket, small enough to read in one go.

It passes every rule of the contract. House rule: no task, no timer between two reads, no cycle; everything that can be lost is
in ``self`` before the next ``await``, so that a cancelled call loses nothing. Each step is a method, for saboteurs to break.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Any, Self

from bourn.contract.reference.body import Body
from bourn.contract.reference.client import ReferenceClient
from bourn.contract.reference.connection import Connection
from bourn.errors import (
    BournError,
    BusyError,
    ClosedError,
    ConnectionLostError,
    ContentTypeError,
    IdleTimeout,
    StatusError,
    TotalTimeout,
    TruncatedError,
    status_error_class,
)
from bourn.events import Event, Finish
from bourn.response import Response

TURN = 64
"""Events given from the buffer before the loop gets its turn."""

SETTLE = 0.5
"""Seconds that are waited for what may follow the end evidence."""


class ReferenceStream:
    """One answer. Nothing is sent before the first read; ``response`` is the answer so far."""

    def __init__(self, client: ReferenceClient) -> None:
        self.client = client
        self.connection: Connection | None = None
        self.response = Response()
        self.events: deque[Event] = deque()
        self.error: BaseException | None = None
        self.closed = False
        self.finished = False
        self.busy = False
        self.tries = 0
        self.wait_until = 0.0
        self.waited = {"total": 0.0, "idle": 0.0, "byte": 0.0}
        self.given = 0
        self.begin()

    def begin(self) -> None:
        """Everything about one try of the request."""
        self.body = Body()
        self.framer: Any = None
        self.decoder = self.client.dialect.decoder()
        self.error_body = bytearray()
        self.over = False  # no more bytes are wanted

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next event."""
        if self.busy:
            raise BusyError("another task is reading this stream")
        self.busy = True
        try:
            await self.take_turn()
            while not self.events:
                await self.more()
        finally:
            self.busy = False
        return self.give()

    def give(self) -> Event:
        """Hand out the event that is first."""
        event = self.events.popleft()
        self.response.fold(event)
        self.finished = isinstance(event, Finish)
        self.given += 1
        return event

    async def take_turn(self) -> None:
        """Let others run once in a while, whatever is buffered."""
        if self.given >= TURN:
            await asyncio.sleep(0)
            self.given = 0

    async def more(self) -> None:
        """One step towards more events. Raises the end, or why there are none."""
        if self.closed:
            raise ClosedError("the stream was closed")
        if self.error is not None:
            raise self.error
        if self.finished:
            await self.release()
            raise StopAsyncIteration
        try:
            await self.step()
        except BournError as error:
            self.fail(error)
        except OSError as error:
            failure = ConnectionLostError(f"the connection broke: {error}")
            failure.__cause__ = error
            self.fail(failure)

    async def step(self) -> None:
        """Connect, or read once."""
        if self.connection is None:
            await self.bounded(self.connect())
        elif self.over:
            self.settle()
        else:
            await self.receive(self.connection)

    async def connect(self) -> None:
        """Wait for our turn to try again, connect, and send the request."""
        delay = self.wait_until - asyncio.get_running_loop().time()
        if delay > 0:
            await asyncio.sleep(delay)
        self.connection = await self.client.connect()
        self.connection.transport.write(self.client.request_bytes())

    async def receive(self, connection: Connection) -> None:
        """Wait for bytes and make events of them; after the end evidence, not for long."""
        if self.decoder.ended:
            try:
                async with asyncio.timeout(SETTLE):
                    await connection.wait()
            except TimeoutError:
                self.over = True
                return
        else:
            await self.bounded(connection.wait())
        if self.closed:
            raise ClosedError("the stream was closed")
        data = connection.take()
        if data:
            self.waited["byte"] = 0.0
            self.feed(data)
        elif self.decoder.ended:
            self.over = True
        else:
            self.cut(connection)

    def feed(self, data: bytes) -> None:
        """Bytes from the network."""
        content = self.body.feed(data)
        if self.body.status is not None and self.framer is None:
            self.judge_head()
        if self.body.status == 200:
            self.decode(content)
        else:
            self.error_body += content
        if self.body.ended:
            self.over = True

    def judge_head(self) -> None:
        """Whether this is the answer that was asked for."""
        media_type = self.body.headers.get("content-type", "").partition(";")[0].strip().lower()
        framings = self.client.dialect.framings()
        if self.body.status == 200 and media_type not in framings:
            raise ContentTypeError(f"a 200 of type {media_type!r} is no stream", content_type=media_type)
        self.framer = framings.get(media_type, self.client.dialect.framer)(self.client.event_bytes)

    def decode(self, content: bytes) -> None:
        """Bytes of the body to events; those before an error are kept."""
        before = len(self.events)
        try:
            for frame in self.framer.feed(content):
                for event in self.decoder.feed(frame):
                    self.events.append(event)
            self.framer.feed(b"")
        except BournError:
            if not self.decoder.done:  # after the last mark it may be anything
                raise
        finally:
            self.response.usage = self.decoder.usage
            if len(self.events) > before:
                self.waited["idle"] = 0.0
        self.over = self.over or self.decoder.done

    def cut(self, connection: Connection) -> None:
        """The connection ended before the end evidence."""
        if connection.error is not None:
            raise ConnectionLostError(f"the connection broke: {connection.error}") from connection.error
        try:
            self.body.close()
        except ConnectionLostError as error:
            raise TruncatedError(f"the answer was cut off: {error}") from error
        self.over = True

    def settle(self) -> None:
        """No more bytes: the last events, or an error."""
        if self.body.status != 200:
            raise self.status_error()
        self.framer.close()
        for event in self.decoder.close():
            self.events.append(event)

    def status_error(self) -> StatusError:
        """The error that the status and the body of a refusal make."""
        status = self.body.status or 0
        told = self.client.dialect.read_error(status, self.body.headers, bytes(self.error_body))
        kind = status_error_class(status)
        return kind(told.message, status=status, code=told.code, type=told.type, retry_after=told.retry_after)

    def fail(self, error: BournError) -> None:
        """Try again, if nothing was said yet and it may help; else remember the error for after what had arrived."""
        self.drop()
        said = self.given or self.events or self.response.parts
        if error.retryable and not said and self.tries < self.client.retries:
            self.tries += 1
            self.wait_until = asyncio.get_running_loop().time() + (getattr(error, "retry_after", None) or 0.5)
            self.begin()
            return
        error.response = self.response
        self.error = error

    async def bounded(self, waiting: Any) -> None:
        """Wait within the limits, counting only the time that the peer takes."""
        client, loop = self.client, asyncio.get_running_loop()
        limits = {"total": client.total, "idle": client.idle, "byte": client.byte_idle}
        left = {name: limit - self.waited[name] for name, limit in limits.items() if limit is not None}
        nearest = min(left, key=left.__getitem__, default=None)
        began = loop.time()
        try:
            async with asyncio.timeout(None if nearest is None else left[nearest]):
                await waiting
        except TimeoutError as error:
            kind = TotalTimeout if nearest == "total" else IdleTimeout
            raise kind(f"the {nearest} limit of {limits.get(nearest or '')} s was reached") from error
        finally:
            for name in self.waited:
                self.waited[name] += loop.time() - began

    async def release(self) -> None:
        """After the end: give the connection back if the body ends soon, else close it."""
        connection = self.connection
        if connection is None:
            return
        try:
            async with asyncio.timeout(SETTLE):
                while not self.body.ended and not connection.ended:
                    await connection.wait()
                    self.body.feed(connection.take())
        except (TimeoutError, BournError):
            pass
        finally:
            if self.body.reusable and not connection.ended:
                self.connection = None
                self.client.keep(connection)
            self.drop()

    def drop(self) -> None:
        """Close the connection now."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.abort()

    async def aclose(self) -> None:
        """Close now; a reader that waits gets ``ClosedError``."""
        self.closed = self.closed or not (self.finished and self.connection is None)
        self.drop()
        while self.events:
            self.response.fold(self.events.popleft())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        connection = getattr(self, "connection", None)
        if connection is not None:
            connection.abort()
