"""Breaks section 4: cancellation."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import AsyncIterator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from bourn.contract.reference import ReferenceClient, ReferenceStream, reference
from bourn.contract.reference.connection import Connection
from bourn.contract.registry import sabotage
from bourn.errors import ConnectError, IdleTimeout
from bourn.events import Event


class TriesAgain(ReferenceStream):
    """Takes a cancellation for a failure, and sends the request again."""

    async def step(self) -> None:
        try:
            await super().step()
        except CancelledError:
            self.drop()
            self.begin()


class EndsWhenCancelled(ReferenceStream):
    """Takes a cancellation for the end."""

    async def step(self) -> None:
        try:
            await super().step()
        except CancelledError:
            raise StopAsyncIteration from None


sabotage("4.1", "its reader was cancelled at suspension 1 (", reference("tries again", TriesAgain))
sabotage("4.1", "and went on to StopAsyncIteration", reference("ends when cancelled", EndsWhenCancelled))


class LosesItsConnection(ReferenceStream):
    """Forgets its connection when its reader is cancelled, and leaves it open."""

    async def receive(self, connection: Connection) -> None:
        try:
            await super().receive(connection)
        except CancelledError:
            self.connection = None
            raise


class ConnectsBeside(ReferenceStream):
    """Connects with the help of a task that is ended only when the connection stands."""

    async def connect(self) -> None:
        helper = asyncio.ensure_future(asyncio.sleep(1000))
        await super().connect()
        helper.cancel()


class OneAtATime(ReferenceClient):
    """Makes one connection at a time, and takes one that was cancelled for one that is still being made."""

    connecting = False

    async def connect(self) -> Connection:
        if self.connecting:
            raise ConnectError("another connection is being made")
        self.connecting = True
        connection = await super().connect()
        self.connecting = False
        return connection


class Circular(ReferenceStream):
    """Refers to itself, so that it dies only when the collector comes."""

    def __init__(self, client: ReferenceClient) -> None:
        super().__init__(client)
        self.itself = self


sabotage("4.2", "a connection was still open 1 s after its reader was cancelled", reference("loses it", LosesItsConnection))
sabotage("4.2", "and it was closed, there was left behind: task", reference("connects beside", ConnectsBeside))
sabotage("4.2", "the client's next stream ended with ConnectError", reference("one at a time", client=OneAtATime))
sabotage("4.2", "and it was dropped (the cyclic collector was off)", reference("circular", Circular))


async def bare_generator(client: ReferenceClient) -> AsyncIterator[Event]:
    """A generator around everything, as most people write it: cancelled once, it is over."""
    stream = ReferenceStream(client)
    try:
        async for event in stream:
            yield event
    finally:
        await stream.aclose()


sabotage("4.3", "and the next ended as if that were all, after 0 of", reference("bare generator", bare_generator))


class TakesThenWaits(ReferenceStream):
    """Takes an event out of its buffer, then waits, then gives it."""

    async def __anext__(self) -> Event:
        event = await super().__anext__()
        await asyncio.sleep(0)
        return event


class LosesPatience(ReferenceStream):
    """Survives one cancelled read, and loses an event to the second."""

    cancelled = 0

    async def receive(self, connection: Connection) -> None:
        try:
            await super().receive(connection)
        except CancelledError:
            self.cancelled += 1
            raise
        if self.cancelled >= 2 and self.events:
            self.events.popleft()


sabotage("4.4", "read on after a read was cancelled at suspension", reference("takes, then waits", TakesThenWaits))
sabotage("4.4", "polled with a limit of 0.3 s, ", reference("loses patience", LosesPatience))


class Deaf(ReferenceStream):
    """Goes on waiting when its reader is cancelled."""

    async def receive(self, connection: Connection) -> None:
        for _ in range(3):
            try:
                await super().receive(connection)
            except CancelledError:
                continue
            return


class CancelsAgain(ReferenceStream):
    """Makes sure of a cancellation by another one, later."""

    async def receive(self, connection: Connection) -> None:
        try:
            await super().receive(connection)
        except CancelledError:
            task: Any = asyncio.current_task()
            asyncio.get_running_loop().call_later(1, task.cancel)
            raise


class OwnTimeout(ReferenceStream):
    """Takes a cancellation for its own limit."""

    async def more(self) -> None:
        try:
            await super().more()
        except CancelledError as error:
            raise IdleTimeout("nothing came in time") from error


class KeepsCount(ReferenceStream):
    """Has a limit of the old kind: it cancels its reader's task, catches that, and does not take it back."""

    async def take_turn(self) -> None:
        if self.given == 1:
            task: Any = asyncio.current_task()
            task.cancel()
            with suppress(CancelledError):
                await asyncio.sleep(0)
        await super().take_turn()


sabotage("4.5", "did not end it within 2 s", reference("deaf", Deaf))
sabotage("4.5", "came out as a cancellation of the task, or was followed by one", reference("cancels again", CancelsAgain))
sabotage("4.5", "came out as IdleTimeout", reference("own timeout", OwnTimeout))
sabotage("4.5", "left task.cancelling() at 1", reference("keeps count", KeepsCount))


class OneReader(ReferenceStream):
    """Belongs to the task that reads it first, as whatever holds a cancel scope does."""

    reader: Any = None

    async def __anext__(self) -> Event:
        self.reader = self.reader or asyncio.current_task()
        if self.reader is not asyncio.current_task():
            raise RuntimeError("attempted to exit a cancel scope in a different task than it was entered in")
        return await super().__anext__()


class ReadersClose(ReferenceStream):
    """Can be closed only by a task that has read it."""

    def __init__(self, client: ReferenceClient) -> None:
        super().__init__(client)
        self.readers: set[Any] = set()

    async def __anext__(self) -> Event:
        self.readers.add(asyncio.current_task())
        return await super().__anext__()

    async def aclose(self) -> None:
        if self.readers and asyncio.current_task() not in self.readers:
            self.refuse()
        else:
            await super().aclose()

    def refuse(self) -> None:
        """Say so."""
        raise RuntimeError("attempted to exit a cancel scope in a different task than it was entered in")


class LeavesItToReaders(ReadersClose):
    """Leaves closing to those who have read it, without a word."""

    def refuse(self) -> None:
        pass


async def holds_a_limit(client: ReferenceClient) -> AsyncIterator[Event]:
    """Yields inside a limit, which cancels the task that began to read, whatever that is busy with."""
    async with asyncio.timeout(30):
        async for event in ReferenceStream(client):
            yield event


sabotage("4.6", "read by one task after the other, it ended with RuntimeError", reference("one reader", OneReader))
sabotage("4.6", "closed by a task that had not read it, it raised RuntimeError", reference("readers close", ReadersClose))
sabotage("4.6", "busy with something else was cancelled", reference("holds a limit", holds_a_limit))
sabotage("4.6", "1 s after a task that had not read the stream closed it", reference("leaves it to readers", LeavesItToReaders))

CURRENT: ContextVar[Any] = ContextVar("current_stream", default=None)
"""What tracing libraries keep: the stream at hand."""


class Traced(ReferenceStream):
    """Tells whoever asks which stream is being read, and does not take it back."""

    async def __anext__(self) -> Event:
        CURRENT.set(self)
        return await super().__anext__()


async def traced_between(client: ReferenceClient) -> AsyncIterator[Event]:
    """Sets a variable before each event and resets it after."""
    async for event in ReferenceStream(client):
        token = CURRENT.set(client)
        yield event
        CURRENT.reset(token)


async def traced_throughout(client: ReferenceClient) -> AsyncIterator[Event]:
    """Sets a variable when it begins and resets it when it is closed."""
    token = CURRENT.set(client)
    try:
        async for event in ReferenceStream(client):
            yield event
    finally:
        CURRENT.reset(token)


sabotage("4.7", "a read changed context variables of its reader: current_stream", reference("tells", Traced))
sabotage("4.7", "read in another context than before, it raised ValueError", reference("traced between", traced_between))
sabotage(
    "4.7",
    "closed in another context than it was read in, it raised ValueError",
    reference("traced", traced_throughout),
)
