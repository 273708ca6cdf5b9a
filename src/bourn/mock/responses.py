"""HTTP/1.1 responses, from bytes, on the client's side. Source: RFC 9112.

``ResponseReader`` is fed whatever a server sent and gives the bytes of the body that are in it; it knows the head, whether the
body is whole, and how much was announced and did not come.

House rule: no I/O, and no opinion: what is not HTTP is no error here, only ``strange``, since a recorder passes it on anyway.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from http import HTTPStatus

import msgspec

from bourn.mock.reply import Framing

HEAD_LIMIT = 1024 * 1024

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: (.*))?", re.DOTALL)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class ResponseHead(msgspec.Struct, frozen=True):
    """Status and headers; names in lower case, repeated ones joined by a comma."""

    status: int
    headers: dict[str, str]

    @property
    def framing(self) -> Framing:
        """How the body's end is told."""
        if self.headers.get("transfer-encoding", "").lower().endswith("chunked"):
            return "chunked"
        return "length" if self.headers.get("content-length", "").isdecimal() else "close"

    @property
    def keep_alive(self) -> bool:
        """Whether the server will take another request on this connection."""
        return self.framing != "close" and "close" not in self.headers.get("connection", "").lower()


class _StrangeBytesError(Exception):
    """What came is no response."""


class ResponseReader:
    """Feed it bytes with :meth:`feed`, tell it of the connection's end with :meth:`close`.

    ``head`` is there once it came; ``whole`` says that the body is complete; ``missing`` counts bytes that the framing
    announced and that have not come. ``strange`` says what is wrong with bytes that are no response.
    """

    def __init__(self, method: str = "POST") -> None:
        self._method = method
        self._buffer = bytearray()
        self._body = bytearray()
        self._steps = self._response()
        self.head: ResponseHead | None = None
        self.whole = False
        self.missing = 0
        self.strange: str | None = None

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they came; the body's bytes among them."""
        if self.whole or self.strange is not None:
            return b""
        self._buffer += data
        try:
            next(self._steps)
        except StopIteration:
            self.whole = True
        except _StrangeBytesError as error:
            self.strange = str(error)
        body, self._body = bytes(self._body), bytearray()
        return body

    def close(self) -> None:
        """The server closed the connection, which is the end of some bodies."""
        self.whole = self.whole or (self.head is not None and self.head.framing == "close")

    def _response(self) -> Generator[None, None, None]:
        while self.head is None:
            head = read_head((yield from self._until(b"\r\n\r\n", HEAD_LIMIT)))
            self.head = head if head.status >= HTTPStatus.OK else None  # 1xx is an interim response
        if self._method == "HEAD" or self.head.status in _BODILESS:
            return
        if self.head.framing == "chunked":
            yield from self._chunks()
        elif self.head.framing == "length":
            yield from self._pass(int(self.head.headers["content-length"]))
        else:
            while True:
                yield from self._pass(len(self._buffer) + 1)

    def _chunks(self) -> Generator[None, None, None]:
        while True:
            line = yield from self._until(b"\r\n", 4096)
            match = _CHUNK_SIZE.fullmatch(line)
            if match is None:
                raise _StrangeBytesError(f"not a chunk size: {line[:40]!r}")
            size = int(match[1], 16)
            if size == 0:
                break
            yield from self._pass(size)
            if (yield from self._until(b"\r\n", 2)):
                raise _StrangeBytesError("a chunk is longer than it said")
        while (yield from self._until(b"\r\n", HEAD_LIMIT)):
            pass  # trailers

    def _pass(self, size: int) -> Generator[None, None, None]:
        """Hand on the next ``size`` bytes, as they come."""
        self.missing = size
        while self.missing:
            piece = self._buffer[: self.missing]
            del self._buffer[: self.missing]
            self._body += piece
            self.missing -= len(piece)
            if self.missing:
                yield

    def _until(self, mark: bytes, limit: int) -> Generator[None, None, bytes]:
        start = 0
        while (at := self._buffer.find(mark, start)) < 0:
            if len(self._buffer) > limit:
                raise _StrangeBytesError(f"no end of the line or head within {limit} bytes")
            start = max(0, len(self._buffer) - len(mark) + 1)
            yield
        data = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return data


def read_head(data: bytes) -> ResponseHead:
    """The status line and header lines, without the blank line."""
    first, *lines = data.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        raise _StrangeBytesError(f"not an HTTP/1.1 status line: {first[:80]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return ResponseHead(int(match[1]), headers)
