"""HTTP over aiohttp, which only this module and ``http_wire`` know.

What aiohttp does that this library promises not to do is undone here: its timeouts are off (the watchdog keeps time), it
follows no redirect, sends no ``Accept-Encoding`` but ``identity``, decompresses nothing by itself, reads no ``.netrc``, keeps
no cookie, and what came before an error is handed out before it, also where its parser finds that error in the same bytes.

House rule: no exception of aiohttp's leaves a method here; ``http_wire`` has the table.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from bourn.dialects.base import HttpCall
from bourn.errors import BournError, InputError
from bourn.providers import Endpoint
from bourn.transport.base import Reply
from bourn.transport.http_wire import CAUGHT, Connection, mapped, wire_of
from bourn.transport.limits import Limits
from bourn.transport.signing import signed
from bourn.transport.watchdog import Watchdog

_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)

_BUFFER = 64 * 1024
"""Bytes that may wait unread; aiohttp pauses the socket at twice as many, and what one read brings comes on top."""


class _Body(aiohttp.BytesPayload):
    """Tells the watchdog when the request leaves, which is when the provider's time to the first event begins.

    aiohttp's own way to tell of it, a trace, tells of all else too, and is a sixth of what a call costs in aiohttp.
    """

    def __init__(self, body: bytes, watch: Watchdog) -> None:
        super().__init__(body)
        self._watch = watch

    async def write(self, writer: AbstractStreamWriter) -> None:
        """There is a connection; the head is written with the body, or was just before it (aiohttp before 3.12)."""
        self._watch.enter("first_event")
        await super().write(writer)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """The same, since aiohttp 3.12."""
        self._watch.enter("first_event")
        await super().write_with_length(writer, content_length)


class HttpTransport:
    """Connections to any number of hosts, pooled, of one event loop.

    ``pooled=False`` closes each connection after its answer: for a stream that has the transport to itself.
    """

    def __init__(self, *, pooled: bool = True, connections: int = 0) -> None:
        self._connector = aiohttp.TCPConnector(limit=connections, force_close=not pooled)
        connector: Any = self._connector
        connector._factory = partial(Connection, loop=connector._loop)  # noqa: SLF001 - it has no other way to be told
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            timeout=_NO_TIMEOUT,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=_BUFFER,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
        )

    async def connect(self, call: HttpCall, endpoint: Endpoint, watch: Watchdog, limits: Limits) -> Reply:
        """Send the call once and give the head of the response."""
        url = endpoint.url(call.path)
        headers = {
            "accept": ", ".join(endpoint.dialect.framings()),
            "accept-encoding": "identity",
            "user-agent": "bourn",
            "content-type": "application/json",
            **call.headers,
            **endpoint.headers(),
        }
        if endpoint.sign:
            url = _as_sent(url)
            headers = await signed(endpoint, call.method, url, headers, call.body)
        try:
            response = await self._session.request(
                call.method,
                url,
                data=_Body(call.body, watch),
                headers=headers,
                allow_redirects=False,
                proxy=_proxy(url),
            )
        except CAUGHT as error:
            raise mapped(error) from error
        try:
            wire = wire_of(response, limits)
        except BournError:
            response.close()
            raise
        return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, wire)

    async def aclose(self) -> None:
        """Close every connection and wait until they are closed."""
        self._session.detach()
        await self._connector.close()

    def abort(self) -> None:
        """Close every connection."""
        self._session.detach()
        with suppress(RuntimeError):  # the loop is closed, and its sockets with it
            self._connector.__exit__(None, None, None)  # its only synchronous close


def _as_sent(url: str) -> str:
    """The address as aiohttp will write it, which is how it has to be signed."""
    try:
        return str(URL(url))
    except ValueError as error:
        raise InputError("the address is not valid") from error


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for ``url``; loopback is never sent through one."""
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2]
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if name.strip("[]") in ("localhost", "127.0.0.1", "::1"):
        return None
    variable = f"{scheme}_proxy"
    if not (variable in os.environ or variable.upper() in os.environ):  # most calls: looking for all of them takes far longer
        return None
    return None if proxy_bypass(host) else getproxies_environment().get(scheme)
