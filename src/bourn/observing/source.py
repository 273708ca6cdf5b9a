"""A ``Source`` that tells observers what passes through it.

House rule: it looks at batches, not at events one by one, and is not there at all where nobody observes.
"""

from __future__ import annotations

from collections.abc import Sequence

from bourn.errors import BournError, ClosedError
from bourn.events import CONTENT_EVENTS, Event, Finish, Start, Usage
from bourn.observing.observer import Observation
from bourn.response import Attempt
from bourn.transport.base import Source
from bourn.transport.quota import Quota


class ObservedSource:
    """``source``, observed."""

    def __init__(self, source: Source, observation: Observation) -> None:
        self._source = source
        self._observation = observation
        self._opened = False
        self._over = False

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
        """Send the request and judge the head of the answer, if that is not done yet."""
        self._begin()
        try:
            await self._source.open()
        except BournError as error:
            self._fail(error)
            raise

    async def receive(self) -> Sequence[Event]:
        """The next events."""
        self._begin()
        try:
            events = await self._source.receive()
        except BournError as error:
            self._fail(error)
            raise
        self._look(events)
        return events

    async def aclose(self) -> None:
        """Let go of the connection."""
        self._leave()
        await self._source.aclose()

    def abort(self) -> None:
        """Cut the connection at once."""
        self._leave()
        self._source.abort()

    def _begin(self) -> None:
        if not self._opened:
            self._opened = True
            self._observation.opened()

    def _look(self, events: Sequence[Event]) -> None:
        call = self._observation.call
        call.request_id = self._source.request_id
        if call.start is None and isinstance(events[0], Start):
            call.start = events[0]
        if call.first_event_seconds is None:
            content = next((event for event in events if type(event) in CONTENT_EVENTS), None)
            if content is not None:
                self._observation.first_event(content)
        last = events[-1]
        if type(last) is Finish and not self._over:
            self._over = True
            self._observation.finished(last)

    def _fail(self, error: BournError) -> None:
        if not self._over:
            self._over = True
            self._observation.call.request_id = error.request_id or self._source.request_id
            self._observation.failed(error.fresh())

    def _leave(self) -> None:
        if self._opened:
            self._fail(ClosedError("the stream was closed before its end"))
