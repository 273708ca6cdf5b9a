"""The reference client: opens connections, sends requests, and keeps connections that a whole answer has left clean.

House rule: what it opens belongs to a stream until the stream gives it back.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bourn import dialects
from bourn.contract.reference.connection import Connection
from bourn.dialects.base import HttpCall
from bourn.errors import ConnectError
from bourn.messages import Message, Request


class ReferenceClient:
    """Makes streams from a base URL and a dialect. The limits are in seconds; ``None`` is none."""

    def __init__(
        self,
        base_url: str,
        dialect: str = "openai-chat",
        *,
        idle: float | None = None,
        byte_idle: float | None = None,
        total: float | None = None,
        retries: int = 0,
        event_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        self.base_url = base_url
        self.dialect = dialects.get(dialect)
        self.idle = idle
        self.byte_idle = byte_idle
        self.total = total
        self.retries = retries
        self.event_bytes = event_bytes
        self.kept: list[Connection] = []

    def call(self) -> HttpCall:
        """The request that every stream sends."""
        return self.dialect.call(Request("mock", (Message("user", "Say something."),)))

    async def connect(self) -> Connection:
        """A connection that was kept, or a new one. Raises ``ConnectError``."""
        while self.kept:
            connection = self.kept.pop()
            if not connection.ended and not connection.data:
                return connection
            connection.abort()
        url = urlsplit(self.base_url)
        try:
            _, connection = await asyncio.get_running_loop().create_connection(Connection, url.hostname or "", url.port or 80)
        except OSError as error:
            raise ConnectError(f"no connection to {url.netloc}: {error}") from error
        return connection

    def request_bytes(self) -> bytes:
        """The request as it goes over the wire."""
        call, url = self.call(), urlsplit(self.base_url)
        name, word = self.dialect.auth
        headers = {
            "host": url.netloc,
            "content-type": "application/json",
            "content-length": str(len(call.body)),
            "accept-encoding": "identity",
            name: f"{word}reference",
            **call.headers,
        }
        lines = [
            f"{call.method} {url.path}{call.path} HTTP/1.1",
            *(f"{key}: {value}" for key, value in headers.items()),
            "",
            "",
        ]
        return "\r\n".join(lines).encode() + call.body

    def keep(self, connection: Connection) -> None:
        """Take back a connection whose answer was read to its end."""
        self.kept.append(connection)

    async def aclose(self) -> None:
        """Close the connections that were kept."""
        while self.kept:
            self.kept.pop().abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
