"""Breaks section 1: the iterator protocol."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from bourn.contract.reference import ReferenceClient, ReferenceStream, reference
from bourn.contract.registry import sabotage
from bourn.errors import BournError
from bourn.events import Event, Finish, Other, TextDelta, ToolCallStart


class FreshGenerator(ReferenceStream):
    """Gives a fresh generator to each loop, as both official SDKs do."""

    async def _events(self) -> AsyncIterator[Event]:
        try:
            while True:
                yield await self.__anext__()
        except StopAsyncIteration:
            return

    def __aiter__(self) -> AsyncIterator[Event]:  # type: ignore[override]  # that is the sabotage
        return self._events()


sabotage("1.1", "__aiter__() gave another object, a async_generator", reference("fresh generator", FreshGenerator))


class UnguardedNext(ReferenceStream):
    """Reads another iterator inside a generator without minding its end."""

    async def _events(self) -> AsyncIterator[Event]:
        while True:
            yield await super().__anext__()

    async def __anext__(self) -> Event:
        if not hasattr(self, "_generator"):
            self._generator = self._events()
        return await self._generator.__anext__()


sabotage("1.2", "the end was signalled by RuntimeError", reference("unguarded next", UnguardedNext))


class EndsWithNone(ReferenceStream):
    """Gives ``None`` before the end."""

    last = False

    async def __anext__(self) -> Event:
        try:
            return await super().__anext__()
        except StopAsyncIteration:
            if self.last:
                raise
            self.last = True
            return None  # type: ignore[return-value]  # that is the sabotage


sabotage("1.2", "it gave None as an item", reference("ends with None", EndsWithNone))


class BeginsAnew(ReferenceStream):
    """Forgets that it has ended, and asks again."""

    async def more(self) -> None:
        try:
            await super().more()
        except StopAsyncIteration:
            self.finished = False
            self.begin()
            raise


sabotage("1.3", "the second call at the end gave", reference("begins anew", BeginsAnew))


class TriesAgain(ReferenceStream):
    """Sends the request again when it is read after an error."""

    async def more(self) -> None:
        try:
            await super().more()
        except BournError:
            self.error = None
            self.begin()
            raise


sabotage("1.4", "the next call after ConnectionLostError gave", reference("tries again", TriesAgain))


class KeepsAsking(ReferenceStream):
    """Sends the request once more whenever it is read after its end or an error, and says nothing of what comes."""

    async def more(self) -> None:
        if self.error is not None or (self.finished and self.connection is None):
            connection = await self.client.connect()
            connection.transport.write(self.client.request_bytes())
        await super().more()


sabotage("1.3", "asked again after its end, it sent 3 more requests", reference("keeps asking", KeepsAsking))
sabotage("1.4", "asked again after an error, it sent 3 more requests", reference("keeps asking", KeepsAsking))


class ConnectsInConstructor(ReferenceStream):
    """Connects when it is made, and does not close that connection."""

    def __init__(self, client: ReferenceClient) -> None:
        super().__init__(client)
        url = urlsplit(client.base_url)
        client.socket = socket.create_connection((url.hostname, url.port))  # type: ignore[attr-defined]  # lives on with it


sabotage("1.5", "a connection was still open 1 s after a stream that nobody", reference("eager", ConnectsInConstructor))


class PumpsInConstructor(ReferenceStream):
    """Starts a task when it is made, and leaves it running."""

    def __init__(self, client: ReferenceClient) -> None:
        super().__init__(client)
        client.pump = asyncio.ensure_future(asyncio.sleep(1000))  # type: ignore[attr-defined]


sabotage("1.5", "left behind: task", reference("pump", PumpsInConstructor))


class ForgetsCoroutine(ReferenceStream):
    """Makes the coroutine of its request when it is made, and never awaits it."""

    def __init__(self, client: ReferenceClient) -> None:
        super().__init__(client)
        self.request = self.connect()


sabotage("1.5", "was never awaited", reference("forgets a coroutine", ForgetsCoroutine))


class OneReadOneEvent(ReferenceStream):
    """Takes each read for one event, and drops what it cannot read."""

    def decode(self, content: bytes) -> None:
        super().decode(content if content.endswith(b"\n\n") else b"")


class LosesSmallCuts(ReferenceStream):
    """Loses a text whose last bytes came alone."""

    def decode(self, content: bytes) -> None:
        before = len(self.events)
        super().decode(content)
        if len(content) <= 4 and len(self.events) == before + 1 and isinstance(self.events[-1], TextDelta):
            self.events.pop()


class NoTools(ReferenceStream):
    """Knows only text."""

    def give(self) -> Event:
        event = super().give()
        if isinstance(event, ToolCallStart):
            raise TypeError("what is this?")
        return event


class MixesUpWords(ReferenceStream):
    """Says something else than it was told."""

    def give(self) -> Event:
        event = super().give()
        return TextDelta(event.index, event.text.upper()) if isinstance(event, TextDelta) else event


sabotage("1.6", "under drip the answer ended with TruncatedError", reference("one read, one event", OneReadOneEvent))
sabotage("1.6", "under drip event", reference("loses small cuts", LosesSmallCuts))
sabotage("1.6", "the answer in the server's own cuts ended with TypeError", reference("no tools", NoTools))
sabotage("1.6", "the text that came was", reference("shouts", MixesUpWords))


class NoTextNoEnd(ReferenceStream):
    """Waits for the first text before it gives anything."""

    async def take_turn(self) -> None:
        while not self.given and not any(hasattr(event, "text") for event in self.events):
            if self.finished or self.over:
                await asyncio.get_running_loop().create_future()
            await self.more()


sabotage("1.7", "waiting for item 1 was not over within 5 s", reference("no text, no end", NoTextNoEnd))


class FirstChoice(ReferenceStream):
    """Takes for granted that something was said."""

    def give(self) -> Event:
        event = super().give()
        if isinstance(event, Finish):
            self.response.parts[0]
        return event


sabotage("1.7", "an answer without content ended with IndexError", reference("first choice", FirstChoice))


class FinishesTwice(ReferenceStream):
    """Tells the finish at the finish reason and again at the end mark."""

    repeat: Event | None = None

    async def __anext__(self) -> Event:
        if self.repeat is not None:
            event, self.repeat = self.repeat, None
            return event
        event = await super().__anext__()
        if isinstance(event, Finish):
            self.repeat = event
        return event


sabotage("1.8", "the last event came 2 times", reference("finishes twice", FinishesTwice))


class TellsMore(FinishesTwice):
    """Tells the usage in an event of its own after the finish."""

    async def __anext__(self) -> Event:
        event = await super().__anext__()
        if isinstance(event, Finish):
            self.repeat = None if self.repeat is None else Other("usage", event.usage)
        return event


sabotage("1.8", "after the last event came [Other", reference("tells more", TellsMore))
