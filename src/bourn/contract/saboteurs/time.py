"""Breaks section 12: time."""

from __future__ import annotations

from typing import Any

import msgspec

from bourn.contract.reference import ReferenceClient, ReferenceStream, partial, reference
from bourn.contract.registry import sabotage
from bourn.contract.subject import Partial
from bourn.errors import BournError, DeadlineError, IdleTimeout
from bourn.events import Event
from bourn.response import Response

_FEW = 60
"""A read of so few bytes has no whole event."""


def without(*names: str) -> Any:
    """A client that has not these limits, whatever is declared."""
    return lambda url, dialect, **limits: ReferenceClient(url, dialect, **{**limits, **dict.fromkeys(names)})


class EndsSilently(ReferenceStream):
    """Takes a limit for an end."""

    def fail(self, error: BournError) -> None:
        if isinstance(error, DeadlineError):
            self.drop()
            self.finished = True
            raise StopAsyncIteration
        super().fail(error)


class RawTimeout(ReferenceStream):
    """Lets the error of ``asyncio.timeout`` out."""

    def fail(self, error: BournError) -> None:
        if isinstance(error, DeadlineError):
            raise TimeoutError
        super().fail(error)


class Forgets(ReferenceStream):
    """Begins its answer anew when it gives up."""

    def fail(self, error: BournError) -> None:
        super().fail(error)
        self.response = Response()


def claims_all(stream: Any) -> Partial:
    """Calls every answer whole."""
    return msgspec.structs.replace(partial(stream), complete=True)


_SILENT = "when nothing more came, it "
sabotage(
    "12.1", _SILENT + "had not given up 1 s after its limit of 15", reference("endless", client=without("idle", "byte_idle"))
)
sabotage("12.1", _SILENT + "ended after 15.0 s as if that were all", reference("ends silently", EndsSilently))
sabotage("12.1", _SILENT + "gave up after 15.0 s, before its limit of 20 s", reference("hasty", byte_idle=20.0))
sabotage("12.1", _SILENT + "raised TimeoutError: , which is none of its errors", reference("raw timeout", RawTimeout))
sabotage("12.1", _SILENT + "gave up and kept '' of 'It was the", reference("forgets", Forgets))
sabotage("12.1", _SILENT + "gave up and called its answer complete", reference("claims all", partial=claims_all))


class PingsForgive(ReferenceStream):
    """Begins to count anew with each ping."""

    def feed(self, data: bytes) -> None:
        if b"ping" in data:
            self.waited["total"] = 0.0
        super().feed(data)


class BitsForgive(ReferenceStream):
    """Begins to count anew with each read that has no event."""

    def feed(self, data: bytes) -> None:
        if len(data) < _FEW and b"ping" not in data:
            self.waited["total"] = 0.0
        super().feed(data)


sabotage("12.1", "when words came slowly, it had not given up 1 s after", reference("no total", client=without("total")))
sabotage("12.1", "slowly and pings between them, it had not given up", reference("pings forgive", PingsForgive))
sabotage("12.1", "when every event came bit by bit, it had not given up", reference("bits forgive", BitsForgive))


class AnyByte(ReferenceStream):
    """Has one limit, which every byte restarts."""

    def feed(self, data: bytes) -> None:
        self.waited["idle"] = 0.0
        super().feed(data)


class OnlyEvents(ReferenceStream):
    """Has one limit, which only events restart."""

    def feed(self, data: bytes) -> None:
        before = len(self.events)
        super().feed(data)
        if len(self.events) == before:
            self.waited["byte"] = self.waited["idle"]


class BitsAreProgress(ReferenceStream):
    """Takes some bytes of an event for progress, and a ping for none."""

    def feed(self, data: bytes) -> None:
        if b"ping" not in data:
            self.waited["idle"] = 0.0
        super().feed(data)


class EventsAreProgress(ReferenceStream):
    """Takes a ping that is an event for progress, and a comment for none."""

    def feed(self, data: bytes) -> None:
        if b"event: ping" in data:
            self.waited["idle"] = 0.0
        super().feed(data)


class LooksBack(ReferenceStream):
    """Gives up over a long pause when it is over."""

    def feed(self, data: bytes) -> None:
        waited, before = self.waited["idle"], len(self.events)
        super().feed(data)
        if waited > 20 and len(self.events) > before:
            raise IdleTimeout("that took too long")


class LosesPlace(ReferenceStream):
    """Loses the event that comes after a long pause."""

    lost: Event | None = None

    def feed(self, data: bytes) -> None:
        waited, before = self.waited["idle"], len(self.events)
        super().feed(data)
        if waited > 20 and len(self.events) > before:
            self.lost = self.events.popleft()


_LONG = "only pings came, each a comment, "
sabotage("12.2", "nothing more came, it had not given up 1 s after", reference("any event", client=without("byte_idle")))
sabotage("12.2", _LONG + "it had not given up 1 s after its limit of 40 s", reference("any byte", AnyByte))
sabotage("12.2", _LONG + "it gave up after 15.0 s, before its limit of 40 s", reference("only events", OnlyEvents))
sabotage("12.2", "each an event, it had not given up 1 s", reference("events are progress", EventsAreProgress))
sabotage("12.2", "one event came bit by bit, it had not given up 1 s", reference("bits are progress", BitsAreProgress))
sabotage("12.2", _LONG + "it ended with IdleTimeout: that took too long, and", reference("looks back", LooksBack))
sabotage("12.2", _LONG + "the text was", reference("loses place", LosesPlace))
