"""What happened on every connection: requests, bytes sent, what the peer did, and when.

Times are seconds since the server began, by its event loop's clock. House rule: nothing here polls; a change wakes those who
wait for one. No key is kept: headers that carry one are replaced before they are stored.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeVar

from bourn.mock.http import HttpRequest

T = TypeVar("T")

Ending = Literal["open", "whole", "cut", "peer left", "server stopped", "failed"]
"""How an answer ended: its script ran out; its script closed or reset the connection; the peer went first; and so on."""

PeerAct = Literal["open", "eof", "reset"]

_SECRET = re.compile("auth|key|token|cookie|secret|signature", re.IGNORECASE)
_NO_SECRET = frozenset({"idempotency-key"})


def _redacted(fields: Mapping[str, str]) -> dict[str, str]:
    secret = {name for name in fields if _SECRET.search(name)} - _NO_SECRET
    return {name: "***" if name in secret else value for name, value in fields.items()}


class Exchange:
    """One request and its answer. ``body`` is the request's; ``bytes_sent`` counts everything sent for it, heads included."""

    def __init__(self, request: HttpRequest, connection: ConnectionRecord, at: float) -> None:
        self.connection = connection
        self.method = request.method
        self.path = request.path
        self.query = _redacted(request.query)
        self.headers = _redacted(request.headers)
        self.body = request.body
        self.at = at
        self.ended_at: float | None = None
        self.ending: Ending = "open"
        self.notes: list[str] = []
        self.scenario: str | None = None
        self.dialect: str | None = None
        self.faults: tuple[str, ...] = ()
        self._first_byte = connection.bytes_sent
        self._end_byte: int | None = None

    @property
    def bytes_sent(self) -> int:
        """Bytes the kernel has taken for this answer, so far."""
        end = self.connection.bytes_sent if self._end_byte is None else self._end_byte
        return end - self._first_byte

    def end(self, ending: Ending, at: float) -> None:
        """The answer is over."""
        if self.ending == "open":
            self.ending, self.ended_at, self._end_byte = ending, at, self.connection.bytes_sent

    def to_dict(self) -> dict[str, Any]:
        """The exchange as plain data, ready for JSON; of the request's body, the first 64 KiB."""
        return {
            "at": self.at,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": self.headers,
            "body": self.body[:65536].decode("utf-8", "replace"),
            "scenario": self.scenario,
            "dialect": self.dialect,
            "faults": list(self.faults),
            "notes": self.notes,
            "bytes_sent": self.bytes_sent,
            "ending": self.ending,
            "ended_at": self.ended_at,
        }

    def __repr__(self) -> str:
        notes = f" notes={self.notes}" if self.notes else ""
        return f"<Exchange {self.method} {self.path} {self.ending!r} bytes_sent={self.bytes_sent}{notes}>"


class ConnectionRecord:
    """One TCP connection.

    ``peer`` is what the peer did, and ``peer_at`` when: ``open`` (nothing yet), ``eof`` (it closed) or ``reset``.
    ``blocked`` says that the peer does not read: the kernel takes no more bytes now.
    """

    def __init__(self, number: int, at: float, held: Callable[[], int]) -> None:
        self.number = number
        self.at = at
        self.closed = False
        self.closed_at: float | None = None
        self.peer: PeerAct = "open"
        self.peer_at: float | None = None
        self.blocked = False
        self.bytes_received = 0
        self.exchanges: list[Exchange] = []
        self.handed = 0
        self._held: Callable[[], int] | None = held

    @property
    def bytes_sent(self) -> int:
        """Bytes the kernel has taken, so far."""
        return self.handed - (self._held() if self._held is not None else 0)

    def close(self, at: float) -> None:
        """The connection is gone; bytes that still waited in this process were never sent."""
        self.handed = self.bytes_sent
        self._held = None
        self.closed_at = at

    def to_dict(self) -> dict[str, Any]:
        """The connection as plain data, ready for JSON."""
        return {
            "number": self.number,
            "at": self.at,
            "closed_at": self.closed_at,
            "peer": self.peer,
            "peer_at": self.peer_at,
            "blocked": self.blocked,
            "bytes_received": self.bytes_received,
            "bytes_sent": self.bytes_sent,
            "exchanges": [exchange.to_dict() for exchange in self.exchanges],
        }

    def __repr__(self) -> str:
        state = "open" if self.closed_at is None else f"closed at {self.closed_at:.3f}"
        return f"<Connection {self.number} {state} peer={self.peer!r} bytes_sent={self.bytes_sent} {self.exchanges}>"


class Journal:
    """The connections of a server, oldest first.

    Only so much is kept: the last ``limit`` connections (and those that are open), the last ``limit`` requests, and as many of
    these as have ``body_bytes`` bytes in their bodies.
    """

    def __init__(self, limit: int = 10_000, body_bytes: int = 256 * 1024 * 1024) -> None:
        self.connections: deque[ConnectionRecord] = deque()
        self.opened = 0
        self._limit = limit
        self._body_bytes = body_bytes
        self._kept_bytes = 0
        self._exchanges: deque[Exchange] = deque()
        self._waiters: dict[asyncio.Future[None], None] = {}  # in the order in which they came
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def exchanges(self) -> list[Exchange]:
        """All requests in the order in which they came."""
        return list(self._exchanges)

    @property
    def open(self) -> list[ConnectionRecord]:
        """Connections that are still open."""
        return [record for record in self.connections if not record.closed]

    async def wait(self, question: Callable[[Journal], T | None]) -> T:
        """Wait until ``question(journal)`` is true, and give its value. It is asked once now and after every change."""
        while not (value := question(self)):
            future = asyncio.get_running_loop().create_future()
            if self._loop not in (None, future.get_loop()):
                raise RuntimeError("this server runs on another event loop: use ThreadedServer.wait")
            self._waiters[future] = None
            try:
                await future
            finally:
                del self._waiters[future]
        return value

    async def requests(self, count: int = 1) -> list[Exchange]:
        """Wait until ``count`` requests have come; all exchanges."""
        return await self.wait(lambda journal: journal.exchanges if len(journal.exchanges) >= count else [])

    async def closed(self, count: int = 1) -> list[ConnectionRecord]:
        """Wait until at least ``count`` connections were opened and none is open; all connections."""
        await self.wait(lambda journal: journal.opened >= count and not journal.open)
        return list(self.connections)

    async def ended(self, count: int = 1) -> list[Exchange]:
        """Wait until ``count`` answers have ended, in whatever way; those that have."""

        def over(journal: Journal) -> list[Exchange]:
            done = [exchange for exchange in journal.exchanges if exchange.ending != "open"]
            return done if len(done) >= count else []

        return await self.wait(over)

    async def noted(self, text: str) -> Exchange:
        """Wait until a script has made the note ``text``; the exchange it belongs to."""
        return await self.wait(lambda journal: next((each for each in journal.exchanges if text in each.notes), None))

    async def blocked(self) -> ConnectionRecord:
        """Wait until some peer does not read, so that the kernel takes no more bytes; that connection."""
        return await self.wait(lambda journal: next((each for each in journal.open if each.blocked), None))

    def to_dict(self) -> dict[str, Any]:
        """The journal as plain data, ready for JSON."""
        return {"opened": self.opened, "connections": [record.to_dict() for record in self.connections]}

    def __iter__(self) -> Iterator[ConnectionRecord]:
        return iter(self.connections)

    def __repr__(self) -> str:
        return "\n".join(["<Journal", *(f"  {record!r}" for record in self.connections), ">"])

    def begin(self, at: float, held: Callable[[], int]) -> ConnectionRecord:
        """A connection was opened (the server calls this)."""
        self.opened += 1
        record = ConnectionRecord(self.opened, at, held)
        self.connections.append(record)
        while len(self.connections) > self._limit and self.connections[0].closed:
            self.connections.popleft()
        self.changed()
        return record

    def asked(self, exchange: Exchange) -> None:
        """A request came (the server calls this)."""
        self._exchanges.append(exchange)
        exchange.connection.exchanges.append(exchange)
        self._kept_bytes += len(exchange.body)
        while len(self._exchanges) > self._limit or (self._kept_bytes > self._body_bytes and len(self._exchanges) > 1):
            oldest = self._exchanges.popleft()
            self._kept_bytes -= len(oldest.body)
            oldest.connection.exchanges.remove(oldest)
        self.changed()

    def changed(self) -> None:
        """Wake those who wait (the server calls this)."""
        for future in self._waiters:
            if not future.done():
                future.set_result(None)

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on changes come from this loop (the server calls this)."""
        self._loop = loop
