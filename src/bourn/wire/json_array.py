"""A streamed JSON array: bytes to its elements, each as the bytes it was sent in.

Source: RFC 8259, of which only brackets and strings matter here. An element begins with the first byte that is no white space
and no comma, and ends with the bracket that balances it, or with its closing quote. What begins with anything else (a number, a
page of text) ends before the next space, comma, bracket or quote; whether it is JSON is for the decoder to judge. A value that
stands outside any array, such as the one object of an error, is an element too.

House rule: runs of bytes are skipped by regular expressions that never step back, so the cost is linear at any cut, and an
element that comes in one piece is one match.
"""

from __future__ import annotations

import re

from bourn.errors import FrameTooLargeError
from bourn.wire.base import FRAME_LIMIT

_PLAIN = rb'[^"{}\[\]]*+'
_LETTERS = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'


def _inside(levels: int) -> bytes:
    """A pattern for what may stand between brackets: no bracket but those of values nested at most ``levels`` deep."""
    nested = rb"|[{\[]%b[}\]]" % _inside(levels - 1) if levels else b""
    return rb'%b(?:(?:"%b"%b)%b)*+' % (_PLAIN, _LETTERS, nested, _PLAIN)


_GAP = re.compile(rb"[ \t\r\n,]*+")
_WORD = re.compile(rb'[^ \t\r\n,"{}\[\]]++')
_STRING = re.compile(_LETTERS, re.DOTALL)
_INSIDE = re.compile(_inside(2), re.DOTALL)
_WHOLE = re.compile(rb"[{\[]%b[}\]]|\}" % _inside(8), re.DOTALL)  # as deep as services nest theirs; or a stray bracket

_OPENING, _QUOTE, _ARRAY, _ARRAY_END = b"{[", *b'"[]'


class JsonArrayFramer:
    """Feed it bytes, it gives the array's elements as ``bytes``. ``limit`` caps the bytes of one element."""

    __slots__ = ("_depth", "_escaped", "_in_array", "_in_string", "_limit", "_pending", "broken")

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._in_array = False
        self._pending = bytearray()  # an element whose end has not come
        self._depth = 0  # brackets open in it
        self._in_string = False
        self._escaped = False  # the last byte was a backslash, so the next one is no closing quote
        self.broken = False  # an element was too large: the error is raised once those before it were given

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; give the elements that they complete. Raises ``FrameTooLargeError``, as ``Framer`` says."""
        if self.broken:
            raise self._too_large()
        frames: list[bytes] = []
        try:
            at = self._more(data, 0, self._end(data, 0), frames) if self._pending else 0
            while (at := _end_of(_GAP, data, at)) < len(data):
                at = self._next(data, at, frames)
        except FrameTooLargeError:
            self.broken = True
            self._pending.clear()
            if not frames:
                raise
        return frames

    def close(self) -> bool:
        """The bytes ended; whether nothing was left open, the array included. Raises the error that ``feed`` still owed."""
        if self.broken:
            raise self._too_large()
        return not (self._pending or self._in_array)

    def _next(self, data: bytes, at: int, frames: list[bytes]) -> int:
        """Take the bracket of the array, or the element, that begins at ``at``; where it ends."""
        byte = data[at]
        if byte == _ARRAY_END or (byte == _ARRAY and not self._in_array):
            self._in_array = byte == _ARRAY
            return at + 1
        whole = _WHOLE.match(data, at)
        if whole is not None and whole.end() - at <= self._limit:
            frames.append(whole[0])
            return whole.end()
        self._depth = int(byte in _OPENING)
        self._in_string = byte == _QUOTE
        return self._more(data, at, self._end(data, at + (self._depth or self._in_string)), frames)

    def _more(self, data: bytes, at: int, end: int, frames: list[bytes]) -> int:
        """Add to the pending element the bytes from ``at`` to its ``end``, or all where that is not there (-1)."""
        piece = data[at:] if end < 0 else data[at:end]
        if len(self._pending) + len(piece) > self._limit:
            raise self._too_large()
        self._pending += piece
        if end < 0:
            return len(data)
        frames.append(bytes(self._pending))
        self._pending.clear()
        return end

    def _end(self, data: bytes, at: int) -> int:
        """Where the element ends that ``at`` is inside of; -1 where that is not in ``data``."""
        if not (self._depth or self._in_string):
            return self._word_end(data, at)
        while True:
            if self._in_string and (at := self._string_end(data, at)) < 0:
                return -1
            self._in_string = False
            if not self._depth:
                return at
            at = _end_of(_INSIDE, data, at)
            if at == len(data):
                return -1
            byte = data[at]
            at += 1
            self._in_string = byte == _QUOTE
            if not self._in_string:
                self._depth += 1 if byte in _OPENING else -1

    def _string_end(self, data: bytes, at: int) -> int:
        if self._escaped and at < len(data):
            self._escaped = False
            at += 1
        at = _end_of(_STRING, data, at)
        if at == len(data):
            return -1
        self._escaped = data[at] != _QUOTE
        return -1 if self._escaped else at + 1

    def _word_end(self, data: bytes, at: int) -> int:
        end = _end_of(_WORD, data, at)
        return -1 if end == len(data) else end

    def _too_large(self) -> FrameTooLargeError:
        return FrameTooLargeError(
            f"one element of a JSON array has more than {self._limit} bytes; raise Limits.frame_bytes to allow it"
        )


def _end_of(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    """Where the match of ``pattern`` that begins at ``at`` ends; ``at`` itself where there is none."""
    found = pattern.match(data, at)
    return at if found is None else found.end()
