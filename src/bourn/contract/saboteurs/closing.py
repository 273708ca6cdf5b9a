"""Breaks section 2: closing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

from bourn.contract.reference import ReferenceClient, ReferenceStream, reference
from bourn.contract.registry import sabotage
from bourn.errors import ClosedError, ConnectionLostError
from bourn.events import Event


class OnlyClose:
    """Has ``close`` and no ``aclose``."""

    def __init__(self, client: ReferenceClient) -> None:
        self.inner = ReferenceStream(client)

    def __aiter__(self) -> OnlyClose:
        return self

    async def __anext__(self) -> Event:
        return await self.inner.__anext__()

    async def close(self) -> None:
        await self.inner.aclose()


sabotage("2.1", "it had no aclose(), but close", reference("only close", OnlyClose))


class SynchronousClose(ReferenceStream):
    """Closes without being awaited."""

    def aclose(self) -> None:  # type: ignore[override]  # that is the sabotage
        self.drop()


sabotage("2.1", "aclose() gave [None], which cannot be awaited", reference("synchronous close", SynchronousClose))


class ComplainsOfUnread(ReferenceStream):
    """Refuses to be closed before its end."""

    async def aclose(self) -> None:
        await super().aclose()
        if not self.finished:
            raise RuntimeError("the stream was not read to its end")


sabotage("2.1", "aclose() in mid-stream raised RuntimeError", reference("complains of unread", ComplainsOfUnread))
sabotage("2.7", "closing it after 0 items raised RuntimeError", reference("complains of unread", ComplainsOfUnread))


class ClosesOnce(ReferenceStream):
    """Takes a second close for a mistake."""

    async def aclose(self) -> None:
        if self.closed:
            raise RuntimeError("the stream is closed already")
        await super().aclose()


class ClosesAlone(ReferenceStream):
    """Cannot be closed while it is being closed."""

    closing = False

    async def aclose(self) -> None:
        if self.closing:
            raise RuntimeError("aclose() is running already")
        self.closing = True
        await asyncio.sleep(0)
        await super().aclose()
        self.closing = False


sabotage("2.2", "closing it before the first item a second time raised RuntimeError", reference("closes once", ClosesOnce))
sabotage("2.2", "closing it twice at once raised RuntimeError", reference("closes alone", ClosesAlone))


class Undead(ReferenceStream):
    """Gives what it has buffered after it was closed."""

    left = False

    async def aclose(self) -> None:
        self.drop()
        self.left = True

    async def more(self) -> None:
        if self.left:
            raise StopAsyncIteration
        await super().more()


class RawError(ReferenceStream):
    """Lets its socket's error out when it is read after it was closed."""

    async def more(self) -> None:
        if self.closed:
            raise ConnectionResetError("the transport is closed")
        await super().more()


class SlowToSay(ReferenceStream):
    """Thinks before it says that it is closed."""

    async def more(self) -> None:
        if self.closed:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await super().more()


sabotage("2.3", "closed midway, it gave TextDelta", reference("undead", Undead))
sabotage("2.3", "it raised ConnectionResetError", reference("raw error", RawError))
sabotage("2.3", "it did not answer the next read at once, but waited at", reference("slow to say", SlowToSay))


async def bare_generator(client: ReferenceClient) -> AsyncIterator[Event]:
    """A generator around everything, as most people write it."""
    stream = ReferenceStream(client)
    try:
        async for event in stream:
            yield event
    finally:
        await stream.aclose()


class Deaf(ReferenceStream):
    """Closes its socket and forgets who waits for it."""

    def drop(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection._more = None  # noqa: SLF001  # that is the sabotage
            connection.abort()


class RawWake(ReferenceStream):
    """Wakes the reader with the error of its transport."""

    async def more(self) -> None:
        try:
            await super().more()
        except ClosedError as error:
            raise ConnectionLostError("the connection was closed") from error


class KeepsTheLine(ReferenceStream):
    """Wakes the reader, and leaves the connection open."""

    def drop(self) -> None:
        if self.connection is not None:
            self.connection.ended = True
            self.connection._wake()  # noqa: SLF001  # that is the sabotage


class GivesUpSilently(ReferenceStream):
    """Ends after a moment of silence, as if that were the end."""

    async def receive(self, connection: Any) -> None:
        try:
            async with asyncio.timeout(0.5):
                await super().receive(connection)
        except TimeoutError:
            raise StopAsyncIteration from None


sabotage("2.4", "closing it while a task read raised RuntimeError", reference("bare generator", bare_generator))
sabotage("2.4", "the task that read was still waiting 1 s after the close", reference("deaf", Deaf))
sabotage("2.4", "the task that read got ConnectionLostError", reference("raw wake", RawWake))
sabotage("2.4", "a connection was still open 1 s after another task", reference("keeps the line", KeepsTheLine))
sabotage("2.4", "nothing more came, and the read ended with StopAsyncIteration", reference("gives up", GivesUpSilently))


class DrainsThenCloses(ReferenceStream):
    """Waits a little for the rest before it closes, and does not close when that wait is cancelled."""

    async def aclose(self) -> None:
        await asyncio.sleep(1)
        await super().aclose()


sabotage("2.5", "after its close was cancelled at suspension 1", reference("drains, then closes", DrainsThenCloses))


class DrainsToTheEnd(ReferenceStream):
    """Reads to the end of the body before it closes."""

    async def aclose(self) -> None:
        while self.connection is not None and not self.connection.ended:
            await self.connection.wait()
            self.connection.take()
        await super().aclose()


class ClosesLoudly(ReferenceStream):
    """Reports what had happened to the connection when it is closed."""

    async def aclose(self) -> None:
        error = self.connection.error if self.connection is not None else None
        await super().aclose()
        if error is not None:
            raise error


sabotage("2.6", "closing the stream was not over within 5 s", reference("drains to the end", DrainsToTheEnd))
sabotage("2.6", "when the peer had reset the connection", reference("closes loudly", ClosesLoudly))


async def last_words(client: ReferenceClient) -> AsyncIterator[Any]:
    """A generator that says one thing more when it is closed."""
    stream = ReferenceStream(client)
    try:
        async for event in stream:
            yield event
    finally:
        await stream.aclose()
        yield "[DONE]"


sabotage("2.7", "raised RuntimeError: async generator ignored GeneratorExit", reference("last words", last_words))


class ForgetsToAwait(ReferenceStream):
    """Calls its close on leaving, and does not await it."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.aclose()  # type: ignore[unused-coroutine]  # noqa: RUF100  # that is the sabotage


class HidesErrors(ReferenceStream):
    """Swallows what the reader raised."""

    async def __aexit__(  # type: ignore[override]  # that is the sabotage
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        await self.aclose()
        return True


sabotage(
    "2.8", "a connection was still open 1 s after async with was left at its", reference("forgets to await", ForgetsToAwait)
)
sabotage("2.8", "leaving async with by an exception raised None", reference("hides errors", HidesErrors))
