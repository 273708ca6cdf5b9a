"""Breaks section 5: concurrency."""

from __future__ import annotations

import asyncio
from typing import Any

from bourn.contract.reference import ReferenceClient, ReferenceStream, reference
from bourn.contract.registry import sabotage
from bourn.errors import BournError, ConnectionLostError
from bourn.events import Event


class SharesUnlocked(ReferenceStream):
    """Looks at its buffer, waits, and takes from it: whoever reads meanwhile gets the same."""

    def __init__(self, client: ReferenceClient) -> None:
        super().__init__(client)
        self.lock = asyncio.Lock()

    async def __anext__(self) -> Event:
        async with self.lock:
            while not self.events:
                await self.more()
        event = self.events[0]
        await asyncio.sleep(0)
        if self.events:
            self.give()
        return event


class Unguarded(ReferenceStream):
    """Lets two read, and wakes only the second."""

    async def __anext__(self) -> Event:
        self.busy = False
        return await super().__anext__()


class RawRefusal(ReferenceStream):
    """Refuses the second reader with whatever is at hand."""

    async def __anext__(self) -> Event:
        if self.busy:
            raise RuntimeError("read() called while another coroutine is waiting for data")
        return await super().__anext__()


sabotage("5.1", "came that were not to come", reference("shares unlocked", SharesUnlocked))
sabotage("5.1", "items were lost", reference("unguarded", Unguarded))
sabotage("5.1", "one of two reads at once raised RuntimeError: read() called", reference("raw refusal", RawRefusal))


class OneBuffer(ReferenceClient):
    """Keeps on the client what belongs to a stream."""

    def __init__(self, *args: Any, **limits: Any) -> None:
        super().__init__(*args, **limits)
        self.framer: Any = None
        self.lock = asyncio.Lock()
        self.broken: BournError | None = None


class Mixes(ReferenceStream):
    """Cuts frames with what cuts them for all the others."""

    client: OneBuffer

    def judge_head(self) -> None:
        super().judge_head()
        self.client.framer = self.framer = self.client.framer or self.framer


class TakesTheOthersAlong(ReferenceStream):
    """Where one connection broke, all are given up."""

    client: OneBuffer

    def fail(self, error: BournError) -> None:
        self.client.broken = self.client.broken or error
        super().fail(error)

    async def more(self) -> None:
        if self.client.broken is not None and not self.finished:
            raise ConnectionLostError("the client's connection broke") from self.client.broken
        await super().more()


class OneAtATime(ReferenceStream):
    """Waits for bytes while it holds the client's lock."""

    client: OneBuffer

    async def more(self) -> None:
        async with self.client.lock:
            await super().more()


sabotage("5.2", "of 50 streams read at once gave", reference("mixes", Mixes, OneBuffer))
sabotage("5.2", "did not get their answer; streams ended with", reference("takes others along", TakesTheOthersAlong, OneBuffer))
sabotage("5.2", "one ended after", reference("one at a time", OneAtATime, OneBuffer))
