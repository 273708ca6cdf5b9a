"""The seams of a dialect: ``Dialect``, its ``Decoder``, its ``Encoder``, and the HTTP call that a request becomes.

House rule: a dialect is pure. It never waits, never reads a clock, never sees a key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from bourn.errors import TruncatedError
from bourn.events import Event, FinishReason, Usage
from bourn.messages import Request
from bourn.wire.base import Framer


class HttpCall(msgspec.Struct, frozen=True):
    """A request as HTTP: ``path`` is appended to the provider's base URL. Keys and their headers are the transport's business.

    ``warnings`` says, a sentence each, what of the request the dialect could not express and so left out.
    """

    path: str
    body: bytes
    headers: Mapping[str, str] = {}
    warnings: tuple[str, ...] = ()
    method: str = "POST"


class WireError(msgspec.Struct, frozen=True):
    """What a provider's error body says, in its own words."""

    message: str
    type: str | None = None
    code: str | None = None
    retry_after: float | None = None
    request_id: str | None = None


class Decoder(Protocol):
    """Frames of one answer to events.

    ``ended``: the dialect's end evidence came, so a connection that dies now changes nothing. ``done``: its last mark came;
    ``Finish`` was given and nothing more is wanted. ``usage`` is what the provider told so far.
    """

    ended: bool
    done: bool

    @property
    def usage(self) -> Usage | None:
        """The counts so far; the last one told counts."""
        ...

    def feed(self, frame: Any) -> Iterable[Event]:
        """Take the next frame, of the dialect's framing. Raises ``ModelError``, ``PayloadError``."""
        ...

    def close(self, *, verified: bool = True) -> Iterable[Event]:
        """The bytes ended, or enough was waited: gives what was held back and ``Finish``.

        Without end evidence it raises ``TruncatedError``; with ``verified=False`` (the service is known to send none) it gives
        ``Finish(reason="other", verified=False)`` instead. After ``done`` it gives nothing.
        """
        ...


class Encoder(Protocol):
    """Events of one answer to wire bytes, the way the provider itself would write them. Holds the state of one answer."""

    def encode(self, event: Event) -> bytes:
        """The bytes that ``event`` becomes (may be empty, when they come with a later event)."""
        ...

    def error(self, error: WireError) -> bytes:
        """An error event in mid-stream, in the dialect's shape."""
        ...


class Dialect(msgspec.Struct, frozen=True):
    """A wire format, as data and functions; both halves.

    ``media_types``: content types of a streaming 200 (lower case, without parameters); ``root`` is what belongs between a bare
    host and ``path`` (``/v1``; part of the base URL where that is the habit of the dialect's SDK).
    """

    name: str
    root: str
    media_types: tuple[str, ...]
    #: client half
    framer: Callable[[int], Framer[Any]]
    call: Callable[[Request], HttpCall]
    decoder: Callable[[], Decoder]
    read_error: Callable[[int, Mapping[str, str], bytes], WireError]
    #: server half
    parse: Callable[[HttpCall], Request]
    encoder: Callable[[Request], Encoder]
    encode_whole: Callable[[Request, Iterable[Event]], bytes]
    encode_error: Callable[[int, WireError], bytes]
    #: headers that a refused request's answer has, where the provider says there what is wrong
    error_headers: Callable[[int, WireError], Mapping[str, str]] = lambda _status, _error: {}
    #: header that carries the key: name and the word before it
    auth: tuple[str, str] = ("authorization", "Bearer ")
    #: path patterns (``re``) that the server half answers, relative to ``root``
    paths: tuple[str, ...] = ()
    #: framings of the same frames' payloads under other content types, where a service chooses
    other_framings: Mapping[str, Callable[[int], Framer[Any]]] = {}
    #: kinds of parts that an answer in this format can have; the server half writes no bytes for the others
    parts: frozenset[str] = frozenset({"text", "reasoning", "tool_call"})

    def framings(self) -> dict[str, Callable[[int], Framer[Any]]]:
        """Content type to the maker of its framer (which takes the frame limit in bytes); the first is the usual one."""
        return {**dict.fromkeys(self.media_types, self.framer), **self.other_framings}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait that ``retry-after-ms`` or a numeric ``retry-after`` asks for, in seconds; a date is read by the transport."""
    told = {name.lower(): value for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(told[name]) * unit
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def reason_for(table: Mapping[str, FinishReason], raw: str | None) -> FinishReason:
    """The shared word for a provider's finish reason; a word that the table does not know is ``other``."""
    return table.get(raw, "other") if raw is not None else "other"


def truncated(what: str) -> TruncatedError:
    """The error of a body that ended too early; ``what`` names the mark that never came."""
    return TruncatedError(f"the answer was cut off: the body ended before {what}; what had arrived is in .response")
