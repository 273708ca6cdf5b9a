"""One connection of the reference client: a socket, and what it has received and nobody has taken.

House rule: bounded (the socket is not read while ``LIMIT`` bytes wait), cancel-safe (bytes leave the buffer only when taken),
and no reference leads from here to a stream, so that a stream dies with its last reader.
"""

from __future__ import annotations

import asyncio

LIMIT = 64 * 1024


class Connection(asyncio.Protocol):
    """Received bytes are in ``data``; ``ended`` says that no more come, ``error`` why if it was not a clean end."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.data = bytearray()
        self.ended = False
        self.error: Exception | None = None
        self._more: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket stands."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep the bytes and wake the reader."""
        self.data += data
        if len(self.data) >= LIMIT:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The peer has said everything."""
        self.ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self.ended = True
        self.error = exc
        self._wake()

    async def wait(self) -> None:
        """Return when there is something to take, or nothing more to come."""
        while not (self.data or self.ended):
            self._more = asyncio.get_running_loop().create_future()
            try:
                await self._more
            finally:
                self._more = None

    def take(self) -> bytes:
        """Everything that waits."""
        data = bytes(self.data)
        self.data.clear()
        if not self.ended:
            self.transport.resume_reading()
        return data

    def abort(self) -> None:
        """Close the socket now, and wake the reader."""
        self.ended = True
        self.transport.abort()
        self._wake()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)
