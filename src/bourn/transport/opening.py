"""From a request to a source: builds the call, sends it once, and judges the head of the answer before a byte is believed.

House rule: every refusal becomes one typed error with the provider's own words; at most ``Limits.error_bytes`` of a body that
is not an answer are read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bourn.errors import BournError, ContentTypeError, StatusError, status_error_class
from bourn.events import Event, Start, Usage
from bourn.messages import Request
from bourn.providers import Endpoint, Secret
from bourn.response import Attempt
from bourn.transport.base import Reply, Transport
from bourn.transport.held import Held
from bourn.transport.limits import Limits, Timeouts
from bourn.transport.quota import Quota, read_quota
from bourn.transport.source import WireSource
from bourn.transport.watchdog import Watchdog

REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "cf-ray")
"""Where providers name the call; the first one present counts."""


class OpeningSource:
    """A source that opens itself when it is first asked: ``make`` gives the transport, ``request`` goes out once.

    With ``own=True`` the transport serves this source alone and is closed with it.
    """

    attempts: tuple[Attempt, ...] = ()  # one request, which is the answer

    def __init__(
        self,
        make: Callable[[], Awaitable[Transport]],
        endpoint: Endpoint,
        request: Request,
        *,
        timeouts: Timeouts,
        limits: Limits,
        own: bool = False,
    ) -> None:
        self._make = make
        self._endpoint = endpoint
        self._request = request
        self._timeouts = timeouts
        self._limits = limits
        self._own = own
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: Held[tuple[Transport, WireSource]] | None = None
        self._transport: Transport | None = None
        self._source: WireSource | None = None

    @property
    def request_id(self) -> str | None:
        """The provider's name for the call, once its headers came."""
        return None if self._source is None else self._source.request_id

    @property
    def usage(self) -> Usage | None:
        """What the provider told of usage so far."""
        return None if self._source is None else self._source.usage

    @property
    def quota(self) -> Quota:
        """What the provider told of its rate limits, once its headers came."""
        return Quota() if self._source is None else self._source.quota

    async def open(self) -> None:
        """Send the request and judge the head of the answer, if that is not done yet."""
        if self._source is not None:
            return
        if self._opening is None:
            self._loop = asyncio.get_running_loop()
            self._opening = Held(self._open, Watchdog(self._timeouts, self._limits))
        try:
            self._transport, self._source = await self._opening
        except BournError as error:
            _blot_out(self._endpoint.key, error)
            raise
        self._opening = None

    def receive(self) -> Coroutine[Any, Any, Sequence[Event]]:
        """The next events; opens first, if need be."""
        return self._open_and_receive() if self._source is None else self._source.receive()

    async def aclose(self) -> None:
        """Let go of the connection, and of the transport if it is the source's own."""
        try:
            if self._source is not None:
                await self._source.aclose()
            if self._own and self._transport is not None:
                await self._transport.aclose()
        finally:
            self.abort()

    def abort(self) -> None:
        """Cut the connection at once, in the thread of its loop."""
        loop = self._loop
        if loop is None:
            return
        if loop.is_running() and asyncio._get_running_loop() is not loop:  # noqa: SLF001 - the public one raises where none runs
            loop.call_soon_threadsafe(_cut, self._opening, self._source, self._transport if self._own else None)
        else:
            _cut(self._opening, self._source, self._transport if self._own else None)

    async def _open_and_receive(self) -> Sequence[Event]:
        await self.open()
        assert self._source is not None
        return await self._source.receive()

    async def _open(self, watch: Watchdog) -> tuple[Transport, WireSource]:
        transport = await self._make()
        try:
            return transport, await open_source(transport, self._endpoint, self._request, self._limits, watch)
        except BaseException:
            if self._own:
                transport.abort()
            raise


def _cut(opening: Held[tuple[Transport, WireSource]] | None, source: WireSource | None, transport: Transport | None) -> None:
    for thing in (opening, source, transport):
        if thing is not None:
            thing.abort()


_LONG_KEY = 16
"""From so many characters on, a key is no word that a message could hold by chance."""


async def open_source(
    transport: Transport, endpoint: Endpoint, request: Request, limits: Limits, watch: Watchdog
) -> WireSource:
    """Send ``request`` once; the source of its events. Run under ``Held``. Raises any ``BournError``."""
    dialect = endpoint.dialect
    call = dialect.call(request)
    watch.enter("connect")
    reply = await transport.connect(call, endpoint, watch, limits)
    request_id = next((reply.headers[name] for name in REQUEST_ID_HEADERS if name in reply.headers), None)
    try:
        if reply.status != 200:
            raise await _status_error(reply, endpoint, watch, limits)
        media_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
        framings = dialect.framings()
        if media_type and media_type not in framings:
            raise await _content_type_error(reply, endpoint, media_type, limits, watch)
    except BaseException as error:
        reply.wire.abort()
        if isinstance(error, BournError):
            error.request_id = error.request_id or request_id
        raise
    return WireSource(
        reply.wire,
        framings.get(media_type, dialect.framer)(limits.frame_bytes),
        dialect.decoder(),
        watch,
        start=Start(provider=endpoint.provider.name, warnings=call.warnings),
        limits=limits,
        no_end_mark="no_end_mark" in endpoint.provider.quirks,
        request_id=request_id,
        quota=read_quota(reply.headers),
        conceal=partial(_blot_out, endpoint.key),
    )


async def _status_error(reply: Reply, endpoint: Endpoint, watch: Watchdog, limits: Limits) -> StatusError:
    body = await _read_some(reply, limits, watch)
    told = endpoint.dialect.read_error(reply.status, reply.headers, body)
    message = told.message or _shown(body) or f"HTTP status {reply.status} without a message"
    if 300 <= reply.status < 400:
        message = f"HTTP status {reply.status}: redirects are not followed; set base_url to {_target(reply.headers)}"
    return status_error_class(reply.status)(
        message,
        status=reply.status,
        code=told.code,
        type=told.type,
        request_id=told.request_id,
        retry_after=told.retry_after if told.retry_after is not None else _retry_date(reply.headers),
        quota=read_quota(reply.headers),
    )


async def _content_type_error(
    reply: Reply, endpoint: Endpoint, media_type: str, limits: Limits, watch: Watchdog
) -> ContentTypeError:
    body = await _read_some(reply, limits, watch)
    shown = body[:200].decode("utf-8", "replace")
    wanted = " or ".join(endpoint.dialect.framings())
    return ContentTypeError(
        f"status 200 with content type {media_type} instead of {wanted}; is base_url right? The body begins: {shown!r}",
        content_type=media_type,
        body=body,
    )


async def _read_some(reply: Reply, limits: Limits, watch: Watchdog) -> bytes:
    """The body, as far as it comes and up to the limit."""
    watch.interrupt = reply.wire.interrupt
    body = b""
    try:
        while len(body) < limits.error_bytes:
            watch.begin()
            try:
                data = await reply.wire.read()
            finally:
                watch.end()
            if not data:
                break
            body += data
    except BournError:
        pass  # the status says more than the end of its body
    return body[: limits.error_bytes]


def _shown(body: bytes) -> str:
    """A body in which the dialect found no words, if there is anything in it."""
    text = body.decode("utf-8", "replace").strip()
    return "" if text in ("{}", "[]", "null") else text


def _blot_out(key: Secret | None, error: BournError) -> None:
    """Hide the key wherever the server repeated it in what an error shows; a short one (a dummy, mostly) only as a word."""
    if key is None:
        return
    pattern = re.escape(key.reveal())
    if len(key.reveal()) < _LONG_KEY:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    error.args = (re.sub(pattern, "***", error.message), *error.args[1:])
    for name in ("raw", "body"):
        if (shown := getattr(error, name, None)) is not None:
            setattr(error, name, re.sub(pattern.encode(), b"***", shown))


def _target(headers: Mapping[str, str]) -> str:
    return headers.get("location", "the address it names").partition("?")[0]


def _retry_date(headers: Mapping[str, str]) -> float | None:
    """``Retry-After`` as a date, in seconds from now (RFC 9110, section 10.2.3)."""
    from email.utils import parsedate_to_datetime  # as slow to load as all of this package; the HTTP client has it

    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
