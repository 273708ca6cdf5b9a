"""The body of one response: aiohttp's connection and reader bent to our promises, the wire over them, the table of errors.

aiohttp's ``StreamReader`` notes where each HTTP chunk ended, looks at timers and raises what broke the connection before it
gives what had arrived. A packet of an answer is one chunk with one event in it, so that is half of what a packet costs in
aiohttp; ``Body`` is the same object without it, given out in order.

House rule: one table maps aiohttp's exceptions to ours, at one border; what touches its inside stands here, and is guarded by
tests/transport/test_http.py.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from bourn.errors import BournError, ConnectError, ConnectionLostError, InputError, ProtocolError
from bourn.transport.inflate import Inflater
from bourn.transport.limits import Limits

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

CAUGHT = (aiohttp.ClientError, HttpProcessingError, OSError)


def mapped(error: BaseException) -> BournError:
    """Our error for one of aiohttp's; the caller raises it ``from`` the original."""
    for theirs, ours, sentence in _ERRORS:
        if isinstance(error, theirs):
            detail = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
            return ours(sentence + detail)
    raise AssertionError(f"no row for {type(error).__name__}")


_END_OF_HEAD = b"\r\n\r\n"

_CHUNK = re.compile(rb"([1-9a-fA-F][0-9a-fA-F]{0,6})\r\n")
"""The usual head of a chunk: its size, which is not 0, and no extension (RFC 9112, section 7.1)."""

_BETWEEN: deque[int] = deque()
"""Stands where aiohttp's reader keeps the places of chunks: the last one is over."""

_received = ResponseHandler.data_received


class Connection(ResponseHandler):
    """What is broken in a body, or follows it, takes nothing away from what came before.

    aiohttp's parser forgets a head when it stumbles in the same bytes, and lets the reader of a body wait for ever: so it is
    given the head by itself, and the reader is told.

    A packet that is one whole chunk, as an event mostly is, needs no parser: one that stands between two chunks stands there
    before it and after it. All else goes to the parser, which judges it.
    """

    def data_received(self, data: bytes) -> None:
        """Bytes from the network."""
        payload = self._payload
        if payload is None or payload._eof:  # noqa: SLF001 - is_eof() asks for more: that it was read, too
            head, mark, data = data.partition(_END_OF_HEAD)
            _received(self, head + mark)
            if not data:
                return
            payload = self._payload
        elif (
            type(payload) is Body
            and payload.is_between_chunks()
            and not self._reading_paused  # else the parser may hold what came before
            and (chunk := _only_chunk(data))
        ):
            payload.feed_data(chunk)
            return
        _received(self, data)
        if type(payload) is Body and not data.endswith(b"\r\n"):
            payload.begin_http_chunk_receiving()  # the parser may hold the first digits of a size, of which it tells nothing
        error = self._exception
        if error is not None and payload is not None and not payload.is_eof():
            payload.set_exception(error)


def _only_chunk(data: bytes) -> bytes:
    """What the one chunk holds that these bytes are, to the byte; ``b""`` if they are anything else."""
    head = _CHUNK.match(data)
    if head is None or not data.endswith(b"\r\n") or len(data) != head.end() + int(head[1], 16) + 2:
        return b""
    return data[head.end() : -2]


class Body(aiohttp.StreamReader):
    """What arrived of a body and was not taken yet: at most the two read buffers after which the socket is paused.

    A reader becomes one by a change of its class: aiohttp's parser makes its readers itself.
    """

    __slots__ = ()

    @classmethod
    def of(cls, response: aiohttp.ClientResponse) -> Body:
        """The reader of ``response``, made lean; an ended one where the response has no body."""
        content = response.content
        if type(content) is aiohttp.StreamReader:
            content.__class__ = cls
            assert isinstance(content, cls)
            content.begin_http_chunk_receiving()
            return content
        empty = cls(ResponseHandler(asyncio.get_running_loop()), 0)
        empty._eof = True
        return empty

    def feed_data(self, data: bytes, size: int = 0) -> bool:  # noqa: ARG002 - the parser of aiohttp before 3.14 tells it
        """Bytes from the parser; whoever waits is woken, and too many pause the socket."""
        self._buffer.append(data)
        self._size += len(data)
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
        if self._size > self._high_water:
            self._protocol.pause_reading()
        return False

    def begin_http_chunk_receiving(self) -> None:
        """The parser is within a chunk, or may be."""
        self._http_chunk_splits = None

    def end_http_chunk_receiving(self) -> None:
        """The parser is between two chunks, which is noted in the only place that there is."""
        self._http_chunk_splits = _BETWEEN

    def is_between_chunks(self) -> bool:
        """Whether the parser holds nothing and waits for the next chunk; false where that is not known, and after an error."""
        return self._http_chunk_splits is _BETWEEN and self._exception is None

    def take(self) -> bytes | None:
        """All that arrived: ``None`` when that is nothing yet, ``b""`` at the end.

        Raises what broke the body once all before it was taken.
        """
        buffer = self._buffer
        if not buffer:
            if self._exception is not None:
                raise self._exception
            return b"" if self._eof else None
        data = buffer.popleft()
        if buffer:
            data += b"".join(buffer)
            buffer.clear()
        self._size = 0
        if self._protocol._reading_paused:  # noqa: SLF001 - there is no public way to it
            self._protocol.resume_reading()
        return data

    def changed(self) -> asyncio.Future[None]:
        """Done when there is more to take, or to raise, or the body ended. One may wait at a time."""
        waiter = self._waiter = self._loop.create_future()
        return waiter


class HttpWire:
    """A body as it is."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._body = Body.of(response)
        self._over = False

    async def read(self) -> bytes:
        """The next bytes; ``b""`` at the clean end."""
        body = self._body
        try:
            while (data := body.take()) is None:
                await body.changed()
        except BournError:
            raise  # from interrupt(); a DeadlineError is an OSError too
        except CAUGHT as error:
            raise mapped(error) from error
        return data

    def interrupt(self, error: BournError) -> None:
        """Make a waiting read raise ``error``."""
        self._body.set_exception(error)

    def release(self) -> None:
        """The body is read to its end: the connection goes back to the pool."""
        self._over = True
        self._response.release()

    def abort(self) -> None:
        """Close the connection."""
        if not self._over:
            self._over = True
            self._response.close()


class InflatedWire(HttpWire):
    """A body that came compressed, decoded. Raises ``ProtocolError`` where the encoding is not known."""

    def __init__(self, response: aiohttp.ClientResponse, encoding: str, limits: Limits) -> None:
        self._inflater = Inflater(encoding, limits.decoded_bytes)
        super().__init__(response)

    async def read(self) -> bytes:
        """The next bytes, decoded; ``b""`` at the clean end."""
        while not (piece := self._inflater.take()):
            data = await super().read()
            if not data:
                if self._inflater.finished:
                    return b""
                raise ConnectionLostError("the compressed body ended in the middle")
            self._inflater.feed(data)
        return piece


def wire_of(response: aiohttp.ClientResponse, limits: Limits) -> HttpWire:
    """The wire of a response's body, decoded if need be. Raises ``ProtocolError``."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    return HttpWire(response) if encoding in ("", "identity") else InflatedWire(response, encoding, limits)
