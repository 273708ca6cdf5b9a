"""Decodes a compressed body in bounded pieces, for services that compress although ``identity`` was asked for.

House rule: a bomb costs its compressed bytes only; each step gives at most one piece, and the whole is capped.
"""

from __future__ import annotations

import zlib

from bourn.errors import FrameTooLargeError, ProtocolError

_PIECE = 64 * 1024

ENCODINGS = {"gzip": 47, "x-gzip": 47, "deflate": 15}
"""Content encoding to zlib's window bits (47: gzip or zlib, told by its header)."""


class Inflater:
    """Give compressed bytes to :meth:`feed`, take pieces from :meth:`take` until it gives none. ``limit`` caps the total."""

    def __init__(self, encoding: str, limit: int) -> None:
        if encoding not in ENCODINGS:
            raise ProtocolError(f"the body has content encoding {encoding!r}, which was not asked for and cannot be decoded")
        self._zlib = zlib.decompressobj(ENCODINGS[encoding])
        self._limit = limit
        self._pending = b""
        self._total = 0

    def feed(self, data: bytes) -> None:
        """Take compressed bytes."""
        self._pending += data

    def take(self) -> bytes:
        """The next decoded piece; ``b""`` when more input is needed. Raises ``ProtocolError``, ``FrameTooLargeError``."""
        if not self._pending:
            return b""
        try:
            piece = self._zlib.decompress(self._pending, _PIECE)
        except zlib.error as error:
            raise ProtocolError(f"the compressed body is damaged: {error}") from error
        self._pending = self._zlib.unconsumed_tail
        self._total += len(piece)
        if self._total > self._limit:
            raise FrameTooLargeError(f"the body has more than {self._limit} bytes when decompressed (limits.decoded_bytes)")
        return piece

    @property
    def finished(self) -> bool:
        """Whether the compressed data came to its own end."""
        return self._zlib.eof
