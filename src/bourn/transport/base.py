"""The seams between a stream and the outside: ``Source`` gives events, ``Wire`` gives bytes, ``Transport`` opens wires.

House rule: the layers above see only these; each method says whether it may be called again after a cancellation.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from bourn.dialects.base import HttpCall
from bourn.errors import BournError
from bourn.events import Event, Usage
from bourn.providers import Endpoint
from bourn.response import Attempt
from bourn.transport.limits import Limits
from bourn.transport.quota import Quota
from bourn.transport.watchdog import Watchdog


class Source(Protocol):
    """Events of one answer, in batches."""

    @property
    def request_id(self) -> str | None:
        """The provider's name for the call, once its headers came."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What the provider told of usage so far."""
        ...

    @property
    def quota(self) -> Quota:
        """What the provider told of its rate limits, once its headers came; empty before, and where it tells nothing."""
        ...

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The requests that were sent for the answer, where it may take several."""
        ...

    async def open(self) -> None:
        """Send the request and judge the head of the answer, if that is not done yet. Cancel-safe. Raises ``BournError``."""
        ...

    def receive(self) -> Coroutine[Any, Any, Sequence[Event]]:
        """The next events, at least one; the last batch ends with ``Finish``. Cancel-safe.

        Raises a ``BournError`` once everything that arrived before it was given.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the connection: to the pool after a whole answer, closed otherwise. Bounded in time, never raises."""
        ...

    def abort(self) -> None:
        """Cut the connection at once, without waiting; a reader that waits gets an error. Callable from any thread."""
        ...


class Wire(Protocol):
    """Bytes of one response body."""

    async def read(self) -> bytes:
        """The next bytes, decoded from any content encoding; ``b""`` at the clean end. Cancel-safe.

        Everything that arrived is given before the ``TransportError`` or ``ProtocolError`` that followed it.
        """
        ...

    def interrupt(self, error: BournError) -> None:
        """Make a waiting :meth:`read` raise ``error`` now."""
        ...

    def release(self) -> None:
        """The body is read to its end: the connection may be used again."""
        ...

    def abort(self) -> None:
        """Cut the connection at once. May be called twice, and after the loop was closed."""
        ...


class Reply(msgspec.Struct, frozen=True):
    """The head of an HTTP response (header names in lower case), and the wire that its body comes over."""

    status: int
    headers: Mapping[str, str]
    wire: Wire


class Transport(Protocol):
    """Opens wires. One per client; keeps the connections that may be used again."""

    async def connect(self, call: HttpCall, endpoint: Endpoint, watch: Watchdog, limits: Limits) -> Reply:
        """Send the call once and give the response's head. It enters the watchdog's phase ``first_event`` when sent.

        Run under ``Held``: opens no cancel scope of its own. Raises ``TransportError``, ``ProtocolError``, ``InputError``.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...

    def abort(self) -> None:
        """Close every connection, from a place that cannot wait."""
        ...
