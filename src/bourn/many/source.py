"""A ``Source`` that waits for its turn before it sends.

House rule: the wait is no provider's time, and whoever closes the source leaves the queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bourn.errors import BournError
from bourn.events import Event, Finish, Usage
from bourn.many.pace import expected
from bourn.many.pacer import Pacer, Ticket
from bourn.messages import Request
from bourn.response import Attempt
from bourn.transport.base import Source
from bourn.transport.quota import Quota


class PacedSource:
    """``source``, whose request is sent when the pacer lets it pass."""

    def __init__(self, source: Source, request: Request, pacer: Callable[[], Pacer]) -> None:
        self._source = source
        self._request = request
        self._pacer = pacer
        self._ticket: Ticket | None = None
        self._opened = False
        self._used: Usage | None = None

    @property
    def request_id(self) -> str | None:
        """The provider's name for the call, once its headers came."""
        return self._source.request_id

    @property
    def usage(self) -> Usage | None:
        """What the provider told of usage so far."""
        return self._source.usage

    @property
    def quota(self) -> Quota:
        """What the provider told of its rate limits."""
        return self._source.quota

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The requests that were sent for the answer, where it may take several."""
        return self._source.attempts

    async def open(self) -> None:
        """Wait for the turn, send the request and judge the head of the answer, if that is not done yet."""
        if self._opened:
            return
        if self._ticket is None:
            pacer = self._pacer()
            self._ticket = pacer.queue(self._request.model, expected(self._request, pacer.usual_output))
            try:
                await self._ticket.turn()
            except asyncio.CancelledError:
                self._ticket = None  # asked again, it queues again
                raise
        try:
            await self._source.open()
        except BournError as error:
            self._ticket.refused(error)
            self._leave()
            raise
        self._opened = True
        self._ticket.told(self._source.quota)

    async def receive(self) -> Sequence[Event]:
        """The next events; opens first, if need be."""
        if not self._opened:
            await self.open()
        events = await self._source.receive()
        last = events[-1]
        if type(last) is Finish:
            self._used = last.usage
        return events

    async def aclose(self) -> None:
        """Let go of the connection, and of the turn."""
        try:
            await self._source.aclose()
        finally:
            self._leave()

    def abort(self) -> None:
        """Cut the connection at once."""
        self._leave()
        self._source.abort()

    def _leave(self) -> None:
        if self._ticket is not None:
            self._ticket.leave(self._used or self._source.usage)
