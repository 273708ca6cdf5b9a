"""``Place``: one answer on a server of its own, and the subject's clients and streams that ask for it.

House rule: what a place opened it closes, each within a limit; it keeps no stream alive that the check has let go of.
"""

from __future__ import annotations

import asyncio
import inspect
from contextlib import AsyncExitStack
from typing import Any
from weakref import WeakSet

from bourn.contract.guest import Guest, attempt, closer
from bourn.contract.subject import Subject
from bourn.contract.trace import TracedServer
from bourn.contract.verdict import Failed
from bourn.mock import Journal

_ACCEPTING = 0.01
"""Seconds for the server to notice connections that were just made."""

_CLOSING = 5.0
"""Seconds for each client and stream that a check left open."""


class Place:
    """A server that gives every request the same scenario. ``url`` is the base URL for the subject's dialect."""

    def __init__(self, subject: Subject, server: TracedServer, patience: float) -> None:
        self.subject = subject
        self.server = server
        self.patience = patience
        self._guests: WeakSet[Guest] = WeakSet()
        self._clients: list[Any] = []

    @property
    def url(self) -> str:
        """The base URL to give to the subject."""
        return self.server.base_url(self.subject.dialect)

    @property
    def journal(self) -> Journal:
        """What happened on the server's connections."""
        return self.server.journal

    async def client(self) -> Any:
        """A client of the subject's, or the base URL where it declares none. Raises ``Failed`` when it cannot be made."""
        if self.subject.client is None:
            return self.url
        make, url = self.subject.client, self.url
        outcome = await attempt(lambda: make(url), self.patience, "making the client")
        if outcome.error is not None:
            raise Failed(f"the client could not be made: {outcome}")
        client = outcome.item
        if hasattr(client, "__aenter__"):
            entered = await attempt(client.__aenter__, self.patience, "entering the client")
            client = client if entered.item is None else entered.item
        self._clients.append(client)
        return client

    async def guest(self, client: Any = None) -> Guest:
        """A stream that is not made yet; of ``client``, or of a client of its own."""
        connect = self.subject.connect
        assert connect is not None
        given = await self.client() if client is None else client
        made = Guest(self.subject, lambda: connect(given), self.server.trace, self.patience)
        self._guests.add(made)
        return made

    async def open(self, client: Any = None) -> Guest:
        """A stream, made; where that failed, its first read says so."""
        guest = await self.guest(client)
        await guest.begin()
        return guest

    async def gone(self, within: float = 1.0, what: str = "the stream was closed") -> None:
        """Wait until no connection is open any more. Raises ``Failed``: "a connection was still open 1 s after {what}"."""
        await asyncio.sleep(_ACCEPTING)
        try:
            async with asyncio.timeout(within):
                await self.journal.wait(lambda journal: not journal.open)
        except TimeoutError:
            raise Failed(f"a connection was still open {within:g} s after {what}") from None

    async def close_client(self, client: Any) -> None:
        """Close one client now, within a limit."""
        if client in self._clients:
            self._clients.remove(client)
            await _close(client)

    async def aclose(self) -> None:
        """Close streams and clients that are still there, then the server. Raises what a script of the check raised."""
        async with AsyncExitStack() as stack:
            stack.push_async_exit(self.server.__aexit__)
            for guest in list(self._guests):
                await _bounded(guest.closing())
            while self._clients:
                await _close(self._clients.pop())


async def _close(client: Any) -> None:
    close = closer(client, None)
    value = close() if close is not None else None
    if inspect.isawaitable(value):
        await _bounded(value)


async def _bounded(closing: Any) -> None:
    """Await something for a while; whatever comes out of it, the check has its verdict already."""
    task = asyncio.ensure_future(closing)
    await asyncio.wait({task}, timeout=_CLOSING)
    task.cancel()
    await asyncio.wait({task}, timeout=_CLOSING)
    if task.done() and not task.cancelled():
        task.exception()
