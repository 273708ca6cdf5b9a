"""A ``Source`` made of a wire, a framer and a decoder: bytes in, batches of events out.

It decides the three outcomes. A body that ends, or a connection that dies, after the dialect's end evidence is *complete*; one
that ends before it is *truncated*; one of a service that is known to send none is *unverified*.

House rule: bytes are parsed in small slices, so that nothing is held but one read and one frame, the loop gets its turn, and
what came before an error is handed out before the error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bourn.dialects.base import Decoder
from bourn.errors import BournError, ClosedError
from bourn.events import Event, Start, Usage
from bourn.transport.base import Wire
from bourn.transport.limits import Limits
from bourn.transport.quota import Quota
from bourn.transport.watchdog import Watchdog
from bourn.wire.base import Framer

_SLICE = 16 * 1024
"""Bytes parsed at a time: about a hundred events, well under a millisecond."""

_TURN = 4
"""Slices parsed without an event before the loop gets its turn."""

_NO_QUOTA = Quota()


class WireSource:
    """Events of the body that ``wire`` brings. ``start`` holds what the wire cannot know: provider and warnings.

    ``conceal`` takes out of an error what must not be shown.
    """

    def __init__(
        self,
        wire: Wire,
        framer: Framer[Any],
        decoder: Decoder,
        watch: Watchdog,
        *,
        start: Start,
        limits: Limits,
        no_end_mark: bool = False,
        request_id: str | None = None,
        quota: Quota = _NO_QUOTA,
        conceal: Callable[[BournError], None] = lambda _: None,
    ) -> None:
        self.request_id = request_id
        self.quota = quota
        self._wire = wire
        self._framer = framer
        self._decoder = decoder
        self._watch = watch
        self._start: Start | None = start
        self._limits = limits
        self._no_end_mark = no_end_mark
        self._conceal = conceal
        self._data = b""  # what was read and not yet parsed, from _at on
        self._at = 0
        self._slices = 0
        self._body_ended = False  # by a clean end, not by a failure
        self._over = False  # the decoder was told that no more bytes come
        self._failure: BournError | None = None
        self._last: Sequence[Event] = ()
        watch.interrupt = wire.interrupt

    @property
    def usage(self) -> Usage | None:
        """What the provider told of usage so far."""
        return self._decoder.usage

    async def receive(self) -> Sequence[Event]:
        """The next batch of events. Cancel-safe: a cancelled call loses nothing."""
        while True:
            if self._data or self._last:
                events = self._next_events()
                if events:
                    return self._note(events)
            if self._failure is not None:
                failure, self._failure = self._failure, None
                self._over = True
                try:
                    raise failure
                finally:
                    del failure  # it would hold this frame, and the frame it
            if self._over or self._decoder.done:
                raise ClosedError("the answer has been read to its end")
            if self._data:
                self._slices += 1
                if self._slices % _TURN == 0:
                    await asyncio.sleep(0)
                continue
            self._watch.begin()
            try:
                self._data = await self._wire.read()
            except BournError as error:
                self._end(error)
            else:
                if not self._data:
                    self._end(None)
            finally:
                self._watch.end()

    async def aclose(self) -> None:
        """Let go of the connection: back to the pool if the body ends within a bounded wait, else closed."""
        try:
            if self._decoder.done and not self._over:
                await self._drain()
            if self._body_ended and self._decoder.ended:
                self._wire.release()
        finally:
            self.abort()

    def abort(self) -> None:
        """Cut the connection at once."""
        self._watch.stop()
        self._wire.abort()

    def _next_events(self) -> Sequence[Event]:
        """The events of the next slice of what was read; those held back to the end of the body after it."""
        if self._data and not self._decoder.done and self._failure is None:
            return self._parse()
        last, self._last = self._last, ()
        return last

    def _parse(self) -> Sequence[Event]:
        piece = self._data
        if len(piece) <= _SLICE:
            self._data = b""
        else:
            piece = self._slice()
        events: list[Event] = []
        framer, decoder = self._framer, self._decoder
        try:
            for frame in framer.feed(piece):
                events += decoder.feed(frame)
                if decoder.done:
                    break
            else:
                if framer.broken:
                    framer.feed(b"")  # raises the error that the frames above came before
        except BournError as error:
            self._fail(error)
        if decoder.ended and self._watch.phase != "settle":
            self._watch.enter("settle")
        return events

    def _slice(self) -> bytes:
        """The next piece of a read that is too much for one turn."""
        data, at = self._data, self._at
        self._at = at + _SLICE
        if self._at >= len(data):
            self._data = b""
            self._at = 0
        return data[at : at + _SLICE]

    def _note(self, events: Sequence[Event]) -> Sequence[Event]:
        """Progress was made: the clocks start anew, and the first event of all learns who answers."""
        watch = self._watch
        watch.progress()
        if self._start is not None:
            first, rest = events[0], events[1:]
            if isinstance(first, Start):
                first = msgspec.structs.replace(first, provider=self._start.provider, warnings=self._start.warnings)
            self._start = None
            events = [first, *rest]
        if watch.phase == "first_event" and type(events[-1]) is not Start:
            watch.enter("idle")
        return events

    def _end(self, error: BournError | None) -> None:
        """No more bytes will come: a clean end (``None``) or a failure. After the end evidence both are the same."""
        if error is not None and not self._decoder.ended:
            self._fail(error)
            return
        self._body_ended = error is None
        self._over = True
        last: list[Event] = []
        try:
            clean = self._framer.close()
            last += self._decoder.close(verified=not (self._no_end_mark and clean))
        except BournError as cut:
            self._fail(cut)
        self._last = last  # a decoder may give what it held back and then raise

    def _fail(self, error: BournError) -> None:
        self._failure = error.fresh()
        self._conceal(self._failure)
        self._data = b""
        self._at = 0

    async def _drain(self) -> None:
        """Read, and ignore, what follows the last mark, for a bounded time and amount."""
        self._watch.enter("drain")
        seen = 0
        while seen <= self._limits.error_bytes:
            self._watch.begin()
            try:
                data = await self._wire.read()
            except BournError:
                return
            finally:
                self._watch.end()
            if not data:
                self._body_ended = True
                return
            seen += len(data)
