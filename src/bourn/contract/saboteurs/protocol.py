"""Breaks section 1: the iterator protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bourn.contract.reference import ReferenceStream, reference
from bourn.contract.registry import sabotage
from bourn.errors import BournError
from bourn.events import Event


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
