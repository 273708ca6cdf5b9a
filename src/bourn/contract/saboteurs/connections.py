"""Breaks section 3: early exit and connections."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

from bourn.contract.reference import ReferenceClient, ReferenceStream, reference
from bourn.contract.reference.connection import Connection
from bourn.contract.registry import sabotage
from bourn.errors import ConnectError
from bourn.events import Event


class Unfinalized(ReferenceStream):
    """Leaves its connection open when its last reference is lost."""

    def __del__(self) -> None:
        pass


class OnlyFinalizes(ReferenceStream):
    """Closes nothing but by its end: a stream that is still held keeps its connection."""

    async def aclose(self) -> None:
        self.closed = True


class Circular(ReferenceStream):
    """Refers to itself, so that it dies only when the collector comes."""

    def __init__(self, client: ReferenceClient) -> None:
        super().__init__(client)
        self.itself = self


sabotage("3.1", "left by break and the stream was closed", reference("only finalizes", OnlyFinalizes))
sabotage("3.1", "left by break and nobody held the stream", reference("circular", Circular))


async def cleans_up_in_else(client: ReferenceClient) -> AsyncIterator[Event]:
    """Closes after the last event, and after no other."""
    stream = Unfinalized(client)
    try:
        async for event in stream:
            yield event
    except Exception:  # noqa: TRY203  # that is the sabotage
        raise
    else:
        await stream.aclose()


class ClosesLoudlyOnError(ReferenceStream):
    """Closes, and takes the reader's error for its own failure."""

    async def aclose(self) -> None:
        await super().aclose()
        if sys.exception() is not None:
            raise RuntimeError("the stream was interrupted")


sabotage("3.2", "had raised in the loop body and closed the stream upon it", reference("cleans up in else", cleans_up_in_else))
sabotage("3.2", "closed the stream upon came out as RuntimeError", reference("closes loudly on error", ClosesLoudlyOnError))
sabotage("3.2", "had raised in the loop body and nobody held the stream", reference("unfinalized", Unfinalized))


class SmallPool(ReferenceClient):
    """Has two connections, and gets one back only with a whole answer."""

    out = 0

    async def connect(self) -> Connection:
        if self.out == 2:
            raise ConnectError("no connection of the pool became free in time")
        self.out += 1
        return await super().connect()

    def keep(self, connection: Connection) -> None:
        self.out -= 1
        super().keep(connection)


sabotage("3.3", "after 2 early exits from a pool of 2 a stream gave ConnectError", reference("small pool", client=SmallPool))


class ClosesAtDone(ReferenceStream):
    """Closes at the last mark, as if nothing followed it."""

    async def release(self) -> None:
        self.drop()


class KeepsOnlyTheReady(ReferenceStream):
    """Gives a connection back only where the end of the body came with the last mark."""

    async def receive(self, connection: Connection) -> None:
        if self.decoder.ended:
            self.over = True
            return
        await super().receive(connection)

    async def release(self) -> None:
        if not self.body.ended:
            self.drop()
        await super().release()


sabotage("3.4", "2 connections, though the body ended with its last frame", reference("closes at done", ClosesAtDone))
sabotage("3.4", "2 connections, though the body ended 0.05 s after", reference("keeps only the ready", KeepsOnlyTheReady))


class ClosesInTask(ReferenceStream):
    """Starts a task to close itself when its last reference is lost."""

    def __del__(self) -> None:
        connection = self.connection
        if connection is not None:
            asyncio.get_running_loop().create_task(_close(connection))


async def _close(connection: Any) -> None:
    connection.abort()


class CountsOnHead(ReferenceStream):
    """Takes for granted that a head had come when its last reference is lost."""

    def __del__(self) -> None:
        self.body.headers["content-type"]
        super().__del__()


sabotage("3.5", "held until its loop was closed, it was complained about: unrais", reference("closes in task", ClosesInTask))
sabotage("3.5", "abandoned before its first item, it was complained about", reference("counts on a head", CountsOnHead))
