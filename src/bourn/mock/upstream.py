"""The connection from a recorder to the service it records: every read as the kernel gave it, with its time.

An ``asyncio.StreamReader`` would not do: it joins reads, and drops what it holds when the connection is reset.

House rule: bounded; a slow client makes the service wait. One request a connection.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Literal, NamedTuple, cast
from urllib.parse import SplitResult, urlsplit

from bourn.errors import InputError

Gone = Literal["eof", "reset"]
"""How the service left."""

_HELD_LIMIT = 1024 * 1024
"""Bytes that may wait here for the client to take them."""


class Read(NamedTuple):
    """What one read of the socket gave, and when, by the event loop's clock."""

    at: float
    data: bytes


class Upstream(asyncio.Protocol):
    """One connection. :meth:`send` the request, take reads with :meth:`next`, and :meth:`abort` it at the end."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reads: deque[Read] = deque()
        self._held = 0
        self._wake: asyncio.Future[None] | None = None
        self.gone: Gone | None = None
        self.gone_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        """The service sent bytes."""
        self._reads.append(Read(self._loop.time(), data))
        self._held += len(data)
        if self._held > _HELD_LIMIT:
            self._transport.pause_reading()
        self._woken()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, with a FIN or broken."""
        self.gone, self.gone_at = "eof" if exc is None else "reset", self._loop.time()
        self._woken()

    def send(self, data: bytes) -> None:
        """Send the request."""
        self._transport.write(data)

    async def next(self) -> Read | None:
        """The next read; ``None`` once the service is gone and everything that came before was given."""
        while not self._reads:
            if self.gone is not None:
                return None
            self._wake = self._loop.create_future()
            await self._wake
        read = self._reads.popleft()
        self._held -= len(read.data)
        if self.gone is None and self._held <= _HELD_LIMIT:
            self._transport.resume_reading()
        return read

    def abort(self) -> None:
        """Close the connection now. May be called twice."""
        self._transport.abort()

    def _woken(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


def target(url: str) -> SplitResult:
    """The parts of a service's base URL. Raises ``InputError`` for one that cannot be recorded."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise InputError("the upstream is no URL; write for example https://api.openai.com") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        raise InputError("the upstream must be a whole URL; write for example https://api.openai.com")
    if parts.username is not None or parts.query or parts.fragment:
        raise InputError("the upstream is an address only: leave out keys, ? and #; the client sends them with each request")
    return parts


async def connect(upstream: SplitResult) -> Upstream:
    """Connect to a service. Raises ``OSError``, of which TLS's errors are one kind."""
    context = ssl.create_default_context() if upstream.scheme == "https" else None
    port = upstream.port or (443 if context else 80)
    host = upstream.hostname or ""
    _, protocol = await asyncio.get_running_loop().create_connection(Upstream, host, port, ssl=context)
    return protocol
