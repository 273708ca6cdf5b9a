"""What the branches of a ``tee`` share: the stream, a buffer for each, and the one who reads for all.

House rule: it knows buffers and not branches, so that a branch is freed, and leaves, with its last reference.
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from bourn.errors import BournError
from bourn.events import Event
from bourn.response import Response
from bourn.steering.leg import Leg, Outcome, any_ready
from bourn.streams import Stream


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """In the place of ``count`` events that a branch was too slow for. The branch's ``response`` has them."""

    count: int


class Buffer:
    """What one branch has not read yet, and its answer up to there."""

    __slots__ = ("_waiter", "dropped", "events", "is_open", "lagged", "response")

    def __init__(self, response: Response) -> None:
        self.events: deque[Event] = deque()
        self.response = response
        self.dropped = 0
        self.lagged = False
        self.is_open = True
        self._waiter: asyncio.Future[None] | None = None

    def is_empty(self) -> bool:
        """Whether there is nothing to give."""
        return not self.events

    def drop_oldest(self) -> None:
        """Make room; the answer loses nothing by it."""
        self.response.fold(self.events.popleft())
        self.dropped += 1

    def close(self) -> None:
        """Nobody will read: what had arrived belongs to the answer, and one who waits is woken."""
        self.is_open = False
        while self.events:
            self.response.fold(self.events.popleft())
        self.wake()

    def waiter(self) -> asyncio.Future[None]:
        """What :meth:`wake` ends, for one wait."""
        self._waiter = asyncio.get_running_loop().create_future()
        return self._waiter

    def wake(self) -> None:
        """Whoever waits is to look again."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class Trunk:
    """One stream, and the buffers of those who read it. ``error`` is what ended it; ``over`` is true after any end."""

    def __init__(self, stream: Stream, size: int, slow: str) -> None:
        self.stream = stream
        self.over = False
        self.error: BournError | None = None
        self._size = size
        self._slow = slow
        self._buffers: list[Buffer] = []
        self._is_led = False

    def join(self) -> Buffer:
        """A buffer for one more branch; all join before the first reads."""
        told = self.stream.response
        buffer = Buffer(Response(told.provider, told.model))
        self._buffers.append(buffer)
        return buffer

    def leave(self, buffer: Buffer) -> bool:
        """Nothing more for this one. Whether it was the last."""
        if buffer in self._buffers:
            self._buffers.remove(buffer)
            self._wake()  # it may have been the one that the others were waiting for
        return not self._buffers

    def take(self, buffer: Buffer) -> Event | Dropped:
        """The next of a buffer that is not empty."""
        if buffer.dropped:
            count, buffer.dropped = buffer.dropped, 0
            return Dropped(count)
        if len(buffer.events) == self._size:
            self._wake()  # there is room again
        event = buffer.events.popleft()
        buffer.response.fold(event)
        return event

    async def fill(self, buffer: Buffer) -> None:
        """Return when there is something in the buffer, or nothing more will come. Cancel-safe."""
        while buffer.is_empty() and buffer.is_open and not buffer.lagged and not self.over:
            if self._is_led or self._is_blocked():
                await buffer.waiter()
            else:
                await self._lead(buffer)

    def _is_blocked(self) -> bool:
        """Whether a slow one has no room for another event."""
        return self._slow == "wait" and any(len(buffer.events) >= self._size for buffer in self._buffers)

    async def _lead(self, buffer: Buffer) -> None:
        """Read one event for all; if the leader is cancelled or closes, the next one that is woken takes over."""
        self._is_led = True
        leg = Leg(self.stream.__anext__())
        try:
            leg.step()
            while not leg.over:
                await any_ready([leg], buffer.waiter())
                if not buffer.is_open:
                    return
                leg.step()
            self._share(leg.take())
        finally:
            leg.cancel()
            self._is_led = False
            self._wake()

    def _share(self, outcome: Outcome[Event]) -> None:
        if outcome.value is None:
            self._stop(outcome.error)
            return
        for buffer in list(self._buffers):
            if len(buffer.events) >= self._size:
                self._make_room(buffer)
            if not buffer.lagged:
                buffer.events.append(outcome.value)

    def _stop(self, error: Exception | None) -> None:
        if isinstance(error, BournError):
            self.error = error.fresh()
        elif error is not None and not isinstance(error, StopAsyncIteration):
            raise error  # no stream does that
        self.over = True

    def _make_room(self, buffer: Buffer) -> None:
        if self._slow == "drop":
            buffer.drop_oldest()
        else:
            buffer.lagged = True
            self._buffers.remove(buffer)

    def _wake(self) -> None:
        for buffer in self._buffers:
            buffer.wake()
