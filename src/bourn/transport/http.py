"""HTTP over aiohttp: the only module that knows it.

What aiohttp does that this library promises not to do is undone here: its timeouts are off (the watchdog keeps time), it
follows no redirect, sends no ``Accept-Encoding`` but ``identity``, decompresses nothing by itself, reads no ``.netrc``, keeps
no cookie, and what its reader holds is handed out before the error that the reader stores in front of it, or that its parser
finds later in the same bytes.

House rule: one table maps its exceptions to ours, at one border.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from bourn.dialects.base import HttpCall
from bourn.errors import (
    BournError,
    ConnectError,
    ConnectionLostError,
    InputError,
    ProtocolError,
)
from bourn.providers import Endpoint
from bourn.transport.base import Reply
from bourn.transport.inflate import Inflater
from bourn.transport.limits import Limits
from bourn.transport.signing import signed
from bourn.transport.watchdog import Watchdog

_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)

_ERRORS: tuple[tuple[type[BaseException], type[BournError], str], ...] = (
    (aiohttp.ClientConnectorDNSError, ConnectError, "the host name cannot be looked up"),
    (aiohttp.ClientConnectorCertificateError, ConnectError, "the server's certificate is not trusted"),
    (aiohttp.ClientConnectorSSLError, ConnectError, "TLS could not be agreed on"),
    (aiohttp.ClientProxyConnectionError, ConnectError, "no connection to the proxy"),
    (aiohttp.ClientHttpProxyError, ConnectError, "the proxy refused"),
    (aiohttp.ClientConnectorError, ConnectError, "no connection"),
    (aiohttp.ServerDisconnectedError, ConnectionLostError, "the server closed the connection without an answer"),
    (aiohttp.ClientPayloadError, ConnectionLostError, "the connection ended in the middle of the body"),
    (aiohttp.InvalidURL, InputError, "the address is not valid"),
    (aiohttp.ClientResponseError, ProtocolError, "the answer is not HTTP that can be read"),
    (HttpProcessingError, ProtocolError, "the answer is not HTTP that can be read"),
    (aiohttp.ClientConnectionError, ConnectionLostError, "the connection was lost"),
    (OSError, ConnectionLostError, "the connection was lost"),
    (aiohttp.ClientError, ConnectionLostError, "the connection failed"),
)
"""aiohttp's exception, ours, and the sentence; the first row that fits counts."""

_END_OF_HEAD = b"\r\n\r\n"

_CAUGHT = (aiohttp.ClientError, HttpProcessingError, OSError)


def _mapped(error: BaseException) -> BournError:
    """Our error for one of aiohttp's; the caller raises it ``from`` the original."""
    for theirs, ours, sentence in _ERRORS:
        if isinstance(error, theirs):
            detail = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
            return ours(sentence + detail)
    raise AssertionError(f"no row for {type(error).__name__}")


class HttpWire:
    """The body of one aiohttp response."""

    def __init__(self, response: aiohttp.ClientResponse, limits: Limits) -> None:
        self._response = response
        self._content = response.content
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        self._inflater = None if encoding in ("", "identity") else Inflater(encoding, limits.decoded_bytes)
        self._over = False

    async def read(self) -> bytes:
        """The next bytes, decoded; ``b""`` at the clean end."""
        if self._inflater is None:
            return await self._read_raw()
        while not (piece := self._inflater.take()):
            data = await self._read_raw()
            if not data:
                if self._inflater.finished:
                    return b""
                raise ConnectionLostError("the compressed body ended in the middle")
            self._inflater.feed(data)
        return piece

    async def _read_raw(self) -> bytes:
        content = self._content
        try:
            return await content.readany()
        except BournError:
            raise  # from interrupt(); a DeadlineError is an OSError too
        except _CAUGHT as error:
            # The reader raises its stored exception first and would drop what arrived before it.
            if content._buffer:  # noqa: SLF001 - there is no public way to it; tests/transport/test_http.py guards it
                return content._read_nowait(-1)  # noqa: SLF001 - as above
            raise _mapped(error) from error

    def interrupt(self, error: BournError) -> None:
        """Make a waiting read raise ``error``."""
        self._content.set_exception(error)

    def release(self) -> None:
        """The body is read to its end: the connection goes back to the pool."""
        self._over = True
        self._response.release()

    def abort(self) -> None:
        """Close the connection."""
        if not self._over:
            self._over = True
            self._response.close()


class _Connection(ResponseHandler):
    """What is broken in a body, or follows it, takes nothing away from what came before.

    aiohttp's parser forgets a head when it stumbles in the same bytes, and lets the reader of a body wait for ever: so it is
    given the head by itself, and the reader is told.
    """

    def data_received(self, data: bytes) -> None:
        """Bytes from the network."""
        if self._payload is None or self._payload.is_eof():
            head, mark, data = data.partition(_END_OF_HEAD)
            super().data_received(head + mark)
            if not data:
                return
        payload = self._payload
        super().data_received(data)
        error = self.exception()
        if error is not None and payload is not None and not payload.is_eof():
            payload.set_exception(error)


class _Phases(aiohttp.TraceConfig):
    """Tells the watchdog when the request has left, which is when the provider's time to the first event begins."""

    def __init__(self) -> None:
        super().__init__()
        self.on_request_headers_sent.append(_on_sent)


async def _on_sent(_session: aiohttp.ClientSession, context: Any, _params: aiohttp.TraceRequestHeadersSentParams) -> None:
    context.trace_request_ctx.enter("first_event")


class HttpTransport:
    """Connections to any number of hosts, pooled, of one event loop.

    ``pooled=False`` closes each connection after its answer: for a stream that has the transport to itself.
    """

    def __init__(self, *, pooled: bool = True, connections: int = 0) -> None:
        self._connector = aiohttp.TCPConnector(limit=connections, force_close=not pooled)
        connector: Any = self._connector
        connector._factory = partial(_Connection, loop=connector._loop)  # noqa: SLF001 - as above
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            timeout=_NO_TIMEOUT,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
            trace_configs=[_Phases()],
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
                data=call.body,
                headers=headers,
                allow_redirects=False,
                proxy=_proxy(url),
                trace_request_ctx=watch,
            )
        except _CAUGHT as error:
            raise _mapped(error) from error
        try:
            wire = HttpWire(response, limits)
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
    proxies = getproxies_environment()
    if not proxies:
        return None
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2]
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if name.strip("[]") in ("localhost", "127.0.0.1", "::1") or proxy_bypass(host):
        return None
    return proxies.get(scheme)
