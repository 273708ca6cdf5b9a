"""An HTTP/1.1 response from bytes: its head, then its body, by chunks, by length or to the end of the connection. RFC 9112.

House rule: no I/O; ``ended`` is true only when the framing said so.
"""

from __future__ import annotations

from bourn.errors import ConnectionLostError

_HEAD_LIMIT = 64 * 1024
_LINE_LIMIT = 1024


class Body:
    """Feed it bytes, it gives those of the body. ``status`` and ``headers`` (lower-case names) are there once the head came."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.ended = False
        self._held = bytearray()
        self._left: int | None = None  # bytes of the chunk or body at hand; none: to the end of the connection
        self._chunked = False
        self._after_chunk = False

    @property
    def reusable(self) -> bool:
        """Whether the connection may serve another request."""
        return self.ended and not self._held and "close" not in self.headers.get("connection", "").lower()

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; give what they hold of the body. Raises ``ConnectionLostError`` for bytes that are no HTTP."""
        self._held += data
        if self.status is None and not self._head():
            return b""
        if not self._chunked:
            return self._plain()
        out = bytearray()
        while not self.ended and (piece := self._chunk()) is not None:
            out += piece
        return bytes(out)

    def close(self) -> None:
        """The connection ended. Raises ``ConnectionLostError`` where the framing promised more."""
        if self.status is None or (not self.ended and (self._chunked or self._left)):
            raise ConnectionLostError("the connection ended before the response did")
        self.ended = True

    def _head(self) -> bool:
        head, found, rest = bytes(self._held).partition(b"\r\n\r\n")
        if not found:
            if len(head) > _HEAD_LIMIT:
                raise ConnectionLostError("the response head is too long")
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, status = first.partition(" ")
        if not version.startswith("HTTP/1.") or not status[:3].isdecimal():
            raise ConnectionLostError(f"this is no HTTP response: {first[:80]!r}")
        pairs = (line.partition(":") for line in lines)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self.status = int(status[:3])
        self._chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        length = self.headers.get("content-length", "")
        self._left = int(length) if length.isdecimal() and not self._chunked else None
        self._held = bytearray(rest)
        return True

    def _plain(self) -> bytes:
        data = bytes(self._held[: self._left])
        del self._held[: len(data)]
        if self._left is not None:
            self._left -= len(data)
            self.ended = self._left == 0
        return data

    def _chunk(self) -> bytes | None:
        """More of the body, or ``None`` while more bytes are needed."""
        if self._left:
            data = bytes(self._held[: self._left])
            del self._held[: len(data)]
            self._left -= len(data)
            return data or None
        line = self._line()
        if line is None:
            return None
        del self._held[: len(line) + 2]
        if self._after_chunk and not line:
            self._after_chunk = False
            return b""
        size = line.partition(b";")[0].strip()
        if self._after_chunk or not size or size.strip(b"0123456789abcdefABCDEF"):
            raise ConnectionLostError(f"this is no chunk size: {line[:40]!r}")
        self._left = int(size, 16)
        self._after_chunk = self._left > 0
        if self._left == 0:
            self.ended = True
            del self._held[:2]
        return b""

    def _line(self) -> bytes | None:
        """The line at hand, once it is whole; the last chunk's together with the empty line after it."""
        at = self._held.find(b"\r\n", 0, _LINE_LIMIT)
        if at < 0 and len(self._held) > _LINE_LIMIT:
            raise ConnectionLostError("a chunk header is too long")
        line = bytes(self._held[: max(at, 0)])
        last = at >= 0 and not self._after_chunk and not line.strip(b"0")
        return None if at < 0 or (last and len(self._held) < at + 4) else line
