"""A dialect for tests of what lies above the dialects: each server-sent event is one of our own events, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from bourn import dialects
from bourn.dialects.base import Dialect, HttpCall, WireError, truncated
from bourn.errors import ModelError, PayloadError
from bourn.events import AnyEvent, Event, Finish, Other, Start, TextDelta, TextEnd, TextStart, Usage
from bourn.messages import Request
from bourn.wire.sse import SSEFrame, SSEFramer

_EVENTS: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyEvent)


class PlainDecoder:
    """`Finish` is the last mark; an event named `end` is end evidence after which more may come; `usage` tells usage.

    Before it raises that the answer was cut it gives what it held back.
    """

    def __init__(self) -> None:
        self.ended = self.done = False
        self.usage: Usage | None = None

    def feed(self, frame: SSEFrame) -> list[Event]:
        if frame.event == "error":
            raise ModelError(frame.data.decode())
        if frame.event == "end":
            self.ended = True
            return []
        if frame.event == "usage":
            self.usage = msgspec.json.decode(frame.data, type=Usage)
            return []
        try:
            event: Event = _EVENTS.decode(frame.data)
        except msgspec.DecodeError as error:
            raise PayloadError("bad payload", raw=frame.data) from error
        self.ended = self.done = isinstance(event, Finish)
        return [event]

    def close(self, *, verified: bool = True) -> Iterator[Event]:
        if self.done:
            return
        if not self.ended and verified:
            yield Other("held back")
            raise truncated("Finish")
        self.done = True
        yield Finish("stop" if self.ended else "other", usage=self.usage, verified=self.ended)


def _call(request: Request) -> HttpCall:
    warnings = ("seed is not supported",) if request.options.seed is not None else ()
    return HttpCall("/plain", msgspec.json.encode(request.messages), warnings=warnings)


def _read_error(status: int, headers: Mapping[str, str], body: bytes) -> WireError:
    after = headers.get("retry-after", "")
    return WireError(body.decode("utf-8", "replace"), "plain", retry_after=float(after) if after.isdigit() else None)


def _absent(*_: Any) -> Any:
    raise AssertionError("the plain dialect has no server half")


DIALECT = Dialect(
    name="plain",
    root="/v1",
    media_types=("text/event-stream",),
    framer=SSEFramer,
    call=_call,
    decoder=PlainDecoder,
    read_error=_read_error,
    parse=_absent,
    encoder=_absent,
    encode_whole=_absent,
    encode_error=_absent,
)


def register() -> None:
    """Make it a dialect like the others. Called when all tests are collected: those made for each dialect are not for it."""
    dialects.DIALECTS["plain"] = __name__


def wire(event: Event) -> bytes:
    """One event as the plain dialect's bytes."""
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def answer(*words: str, finish: bool = True, start: bool = True) -> list[Event]:
    """The events of a text answer."""
    events: list[Event] = [Start("id-1", "m")] if start else []
    events += [TextStart(0), *(TextDelta(0, word) for word in words)]
    return [*events, TextEnd(0), Finish("stop", "end", Usage(1, len(words)))] if finish else events


def chunks(events: Iterable[Event]) -> list[bytes]:
    """One chunk an event."""
    return [wire(event) for event in events]
