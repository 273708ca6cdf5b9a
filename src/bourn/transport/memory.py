"""A transport without a network: bytes, pauses and errors from a list. For examples and quick tests.

Give one to ``bourn.Client(transport=MemoryTransport([b"data: ...", 0.5, ConnectionLostError("cut")]))``: bytes arrive as one
read each, a number is a pause in seconds, an error is raised where it stands, and the end of the list is the clean end.

House rule: it behaves as the real one does where it matters: cancel-safe, interruptible, nothing held that was not asked for.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping

from bourn.dialects.base import HttpCall
from bourn.errors import BournError, ConnectionLostError
from bourn.providers import Endpoint
from bourn.transport.base import Reply
from bourn.transport.limits import Limits
from bourn.transport.watchdog import Watchdog

Step = bytes | float | BaseException
"""One thing that happens on the wire: bytes arrive, seconds pass, an error comes."""


class MemoryWire:
    """A body from an iterable of steps. ``closed`` tells how it was let go: ``None``, ``"released"`` or ``"aborted"``."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps: Iterator[Step] = iter(steps)
        self._until: float | None = None  # when the pause at hand is over
        self._waiter: asyncio.Future[None] | None = None
        self.closed: str | None = None

    async def read(self) -> bytes:
        """The next bytes; ``b""`` at the end of the list."""
        while True:
            if self.closed:
                raise ConnectionLostError("the connection was closed")
            if self._until is not None:
                await self._pause(self._until)
                self._until = None
            step = next(self._steps, b"")
            if isinstance(step, BaseException):
                raise copy.copy(step)  # a fresh one each time: the list may serve many calls
            if isinstance(step, bytes):
                return step
            self._until = asyncio.get_running_loop().time() + step

    async def _pause(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()

        def wake() -> None:
            if not waiter.done():
                waiter.set_result(None)

        timer = loop.call_at(until, wake) if until < float("inf") else None
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def interrupt(self, error: BournError) -> None:
        """Make a waiting :meth:`read` raise ``error`` now."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def release(self) -> None:
        """The body was read to its end."""
        self.closed = self.closed or "released"

    def abort(self) -> None:
        """Cut at once."""
        self.closed = self.closed or "aborted"
        self.interrupt(ConnectionLostError("the connection was closed"))


class MemoryTransport:
    """Answers every call with the same steps, or with ``steps(call)``. ``calls`` and ``wires`` keep what happened."""

    def __init__(
        self,
        steps: Iterable[Step] | Callable[[HttpCall], Iterable[Step]],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._steps = steps if callable(steps) else list(steps)
        self._status = status
        self._headers = headers
        self.calls: list[HttpCall] = []
        self.wires: list[MemoryWire] = []

    async def connect(self, call: HttpCall, endpoint: Endpoint, watch: Watchdog, limits: Limits) -> Reply:  # noqa: ARG002 - nothing to limit
        """Note the call and give the head of the answer."""
        watch.enter("first_event")
        self.calls.append(call)
        wire = MemoryWire(self._steps(call) if callable(self._steps) else self._steps)
        self.wires.append(wire)
        headers = {"content-type": endpoint.dialect.media_types[0]} if self._headers is None else self._headers
        return Reply(self._status, headers, wire)

    async def aclose(self) -> None:
        """Cut all wires."""
        self.abort()

    def abort(self) -> None:
        """Cut all wires."""
        for wire in self.wires:
            wire.abort()
