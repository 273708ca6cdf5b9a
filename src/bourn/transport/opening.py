"""From a request to a source: builds the call, sends it once, and judges the head of the answer before a byte is believed.

House rule: every refusal becomes one typed error with the provider's own words; at most ``Limits.error_bytes`` of a body that
is not an answer are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bourn.errors import BournError, ContentTypeError, StatusError, status_error_class
from bourn.events import Start
from bourn.messages import Request
from bourn.providers import Endpoint
from bourn.transport.base import Reply, Source, Transport
from bourn.transport.limits import Limits, Timeouts
from bourn.transport.source import WireSource
from bourn.transport.watchdog import Watchdog

REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "cf-ray")
"""Where providers name the call; the first one present counts."""


async def open_source(
    transport: Transport, endpoint: Endpoint, request: Request, timeouts: Timeouts, limits: Limits, watch: Watchdog
) -> Source:
    """Send ``request`` once; the source of its events. Run under ``Held``. Raises any ``BournError``."""
    dialect = endpoint.dialect
    call = dialect.call(request)
    reply = await transport.connect(call, endpoint, watch, limits)
    request_id = next((reply.headers[name] for name in REQUEST_ID_HEADERS if name in reply.headers), None)
    try:
        if reply.status != 200:
            raise await _status_error(reply, endpoint, watch, limits)
        media_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type and media_type not in dialect.media_types:
            raise await _content_type_error(reply, endpoint, media_type, limits, watch)
    except BaseException as error:
        reply.wire.abort()
        if isinstance(error, BournError):
            error.request_id = error.request_id or request_id
        raise
    return WireSource(
        reply.wire,
        dialect.framer(limits.frame_bytes),
        dialect.decoder(),
        watch,
        start=Start(provider=endpoint.provider.name, warnings=call.warnings),
        timeouts=timeouts,
        limits=limits,
        no_end_mark="no_end_mark" in endpoint.provider.quirks,
        request_id=request_id,
    )


async def _status_error(reply: Reply, endpoint: Endpoint, watch: Watchdog, limits: Limits) -> StatusError:
    body = await _read_some(reply, limits, watch)
    told = endpoint.dialect.read_error(reply.status, reply.headers, body)
    message = told.message or f"HTTP status {reply.status} without a message"
    if 300 <= reply.status < 400:
        message = f"HTTP status {reply.status}: redirects are not followed; set base_url to {_target(reply.headers)}"
    return status_error_class(reply.status)(
        _without_key(message, endpoint),
        status=reply.status,
        code=told.code,
        type=told.type,
        retry_after=told.retry_after if told.retry_after is not None else _retry_date(reply.headers),
    )


async def _content_type_error(
    reply: Reply, endpoint: Endpoint, media_type: str, limits: Limits, watch: Watchdog
) -> ContentTypeError:
    body = await _read_some(reply, limits, watch)
    shown = _without_key(body[:200].decode("utf-8", "replace"), endpoint)
    wanted = " or ".join(endpoint.dialect.media_types)
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


def _without_key(text: str, endpoint: Endpoint) -> str:
    """``text``, with the key blotted out in case the server repeats it."""
    return text if endpoint.key is None else text.replace(endpoint.key.reveal(), "***")


def _target(headers: Mapping[str, str]) -> str:
    return headers.get("location", "the address it names").partition("?")[0]


def _retry_date(headers: Mapping[str, str]) -> float | None:
    """``Retry-After`` as a date, in seconds from now (RFC 9110, section 10.2.3)."""
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
