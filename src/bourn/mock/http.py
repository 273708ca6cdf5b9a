"""HTTP/1.1 requests, from bytes, on the server's side. Source: RFC 9112.

``RequestReader`` is fed whatever the socket gives and gives whole requests, however the bytes were cut and however many come
at once. House rule: no I/O, strict about framing (a doubtful length is refused, never guessed), bounded in every direction.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 64 * 1024 * 1024

_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/1\.([01])")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?", re.DOTALL)


class BadHttpError(Exception):
    """The peer's bytes are no request that can be answered: ``status`` is the answer, then the connection must be closed."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class HttpRequest(msgspec.Struct, frozen=True):
    """One request. ``headers`` has lower-case names, repeated ones joined by a comma; ``path`` is decoded."""

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    minor: int = 1

    @property
    def raw_path(self) -> str:
        """The path as it was sent, still encoded."""
        return self.target.partition("?")[0]

    @property
    def keep_alive(self) -> bool:
        """Whether the peer wants the connection kept after the answer."""
        words = {word.strip() for word in self.headers.get("connection", "").lower().split(",")}
        return "close" not in words if self.minor else "keep-alive" in words

    def json(self) -> Any:
        """The body as JSON. Raises ``msgspec.DecodeError``."""
        return msgspec.json.decode(self.body)


class RequestReader:
    """Feed it bytes with :meth:`feed`; :meth:`next` gives the next whole request, or ``None`` while there is none."""

    def __init__(self, head_limit: int = HEAD_LIMIT, body_limit: int = BODY_LIMIT) -> None:
        self._head_limit = head_limit
        self._body_limit = body_limit
        self._buffer = bytearray()
        self._steps = self._requests()
        self.continue_wanted = False

    @property
    def buffered(self) -> int:
        """Bytes that were fed and not yet used."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._buffer += data

    def next(self) -> HttpRequest | None:
        """The next request. Raises ``BadHttpError``; after that, nothing more may be asked.

        When it gives ``None``, ``continue_wanted`` says that the peer waits for ``100 Continue`` before it sends the body.
        """
        return next(self._steps)

    def _requests(self) -> Generator[HttpRequest | None, None, None]:
        while True:
            while len(self._buffer) < 2 or self._buffer[:2] == b"\r\n":  # RFC 9112 section 2.2: empty lines may come first
                if len(self._buffer) < 2:
                    yield None
                else:
                    del self._buffer[:2]
            head = yield from self._until(b"\r\n\r\n", self._head_limit, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            request = read_head(head)
            body = yield from self._body(request)
            yield msgspec.structs.replace(request, body=body)

    def _body(self, request: HttpRequest) -> Generator[None, None, bytes]:
        coding, length = request.headers.get("transfer-encoding"), request.headers.get("content-length")
        if coding is None and length is None:
            return b""
        if coding is not None and (length is not None or coding.lower() != "chunked"):
            raise BadHttpError(HTTPStatus.BAD_REQUEST, "a body must have either a content length or the chunked coding")
        self.continue_wanted = request.headers.get("expect", "").lower() == "100-continue" and not self._buffer
        try:
            if coding is not None:
                return (yield from self._chunked())
            return (yield from self._take(self._length(length or "")))
        finally:
            self.continue_wanted = False

    def _length(self, text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            raise BadHttpError(HTTPStatus.BAD_REQUEST, f"content-length is no number: {text[:40]!r}")
        self._check_body(int(text))
        return int(text)

    def _chunked(self) -> Generator[None, None, bytes]:
        body = bytearray()
        while True:
            line = yield from self._until(b"\r\n", 4096, HTTPStatus.BAD_REQUEST)
            match = _CHUNK_SIZE.fullmatch(line)
            if match is None:
                raise BadHttpError(HTTPStatus.BAD_REQUEST, f"not a chunk size: {line[:40]!r}")
            size = int(match[1], 16)
            if size == 0:
                break
            self._check_body(len(body) + size)
            chunk = yield from self._take(size + 2)
            if not chunk.endswith(b"\r\n"):
                raise BadHttpError(HTTPStatus.BAD_REQUEST, "a chunk is longer than it said")
            body += chunk[:-2]
        while (yield from self._until(b"\r\n", self._head_limit, HTTPStatus.BAD_REQUEST)):
            pass  # trailers say nothing that is wanted here
        return bytes(body)

    def _check_body(self, size: int) -> None:
        if size > self._body_limit:
            raise BadHttpError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the request's body has more than {self._body_limit} bytes"
            )

    def _until(self, mark: bytes, limit: int, status: HTTPStatus) -> Generator[None, None, bytes]:
        buffer, start = self._buffer, 0
        while (at := buffer.find(mark, start)) < 0:
            if len(buffer) > limit:
                raise BadHttpError(status, f"no end of the line or head within {limit} bytes")
            start = max(0, len(buffer) - len(mark) + 1)
            yield
        return self._cut(at, len(mark))

    def _take(self, size: int) -> Generator[None, None, bytes]:
        while len(self._buffer) < size:
            yield
        return self._cut(size, 0)

    def _cut(self, size: int, skip: int) -> bytes:
        data = bytes(memoryview(self._buffer)[:size])
        del self._buffer[: size + skip]
        return data


def read_head(head: bytes) -> HttpRequest:
    """The request line and header lines (without the blank line) as a request without body. Raises ``BadHttpError``."""
    first, *lines = head.split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise BadHttpError(HTTPStatus.BAD_REQUEST, f"not an HTTP/1.1 request line: {first[:80]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        field = _HEADER.fullmatch(line)
        if field is None:
            raise BadHttpError(HTTPStatus.BAD_REQUEST, "a header line without a name and a colon")
        name, value = field[1].decode().lower(), field[2].decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    target = match[2].decode("latin-1")
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return HttpRequest(match[1].decode(), target, unquote(parts.path), query, headers, minor=int(match[3]))
