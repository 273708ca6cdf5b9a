"""Newline-delimited JSON: bytes to lines, each as the bytes it was sent in, and back.

Sources: https://github.com/ndjson/ndjson-spec, and https://jsonlines.org, by which the last line needs no line end.

A frame is one line without the white space around it; lines end with LF or CRLF, blank ones are none, and one leading
byte-order mark is ignored. An object or array also ends with the bracket that closes it: none can be cut and still close, so
it is given at once and waits for no line end. That may never come: Ollama writes none after an answer that only loads a model,
nor after some errors in mid-stream, and its own clients read such lines. What follows the bracket on the same line is a line of
its own. Whether a line is JSON is for the decoder to judge.

House rule: a line that came in one piece is checked in one call, and only the last piece of a read is walked through, by
regular expressions that never step back; so the cost is linear, and the frames are the same at any cut.
"""

from __future__ import annotations

import re

import msgspec

from bourn.errors import FrameTooLargeError, InputError
from bourn.wire.base import FRAME_LIMIT

_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r"
_OPENING, _QUOTE = b"{[", b'"'[0]

_BLANK = re.compile(rb"[ \t\r]*+")
_CLOSING = re.compile(rb"[\]}]")
_BETWEEN = re.compile(rb'[^"{}\[\]]*+')
_LETTERS = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)

_JSON = msgspec.json.Decoder(msgspec.Raw)


class NDJSONFramer:
    """Feed it bytes, it gives lines as ``bytes``. ``limit`` caps the bytes of one line."""

    __slots__ = ("_at_start", "_closes", "_depth", "_escaped", "_in_string", "_limit", "_pending", "_seen", "broken")

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._at_start = True  # a byte-order mark may come
        self._pending = bytearray()  # a line whose end has not come
        self._closes = False  # it begins with a bracket, so the one that closes it is its end
        self._seen = 0  # bytes of it that were looked at
        self._depth = 0  # brackets open in those
        self._in_string = False
        self._escaped = False  # the last byte was a backslash, so the next one is no closing quote
        self.broken = False  # a line was too large: the error is raised once those before it were given

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; give the lines that they complete. Raises ``FrameTooLargeError``, as ``Framer`` says."""
        if self.broken:
            raise self._too_large()
        if self._at_start:
            data = self._without_bom(data)
        frames: list[bytes] = []
        try:
            self._take(data, frames)
        except FrameTooLargeError:
            self.broken = True
            self._pending.clear()
            if not frames:
                raise
        return frames

    def close(self) -> bool:
        """The bytes ended; whether no line was left unfinished. Raises the error that ``feed`` still owed."""
        if self.broken:
            raise self._too_large()
        return not self._pending

    def _without_bom(self, data: bytes) -> bytes:
        data = bytes(self._pending) + data
        self._pending.clear()
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._pending += data
            return b""
        self._at_start = False
        return data.removeprefix(_BOM)

    def _take(self, data: bytes, frames: list[bytes]) -> None:
        *lines, rest = data.split(b"\n")
        for line in lines:
            whole = bytes(self._pending) + line if self._pending else line
            if len(whole) <= self._limit and _is_json(whole):
                frames.append(whole.strip(_SPACE))
            else:
                self._walk(line, frames)
                if self._pending:
                    frames.append(bytes(self._pending).rstrip(_SPACE))
            self._pending.clear()
        self._walk(rest, frames)

    def _walk(self, piece: bytes, frames: list[bytes]) -> None:
        """Add a piece, which has no line end, to the pending line; give that, and begin the next, where a bracket ends it."""
        at = 0
        while at < len(piece):
            if not self._pending:
                at = _end_of(_BLANK, piece, at)
                if at == len(piece):
                    return
                self._begin(piece[at])
            end = self._end(piece, at)
            if len(self._pending) + (end or len(piece)) - at > self._limit:
                raise self._too_large()
            self._pending += piece[at : end or len(piece)]
            if not end:
                return
            frames.append(bytes(self._pending))
            self._pending.clear()
            at = end

    def _begin(self, byte: int) -> None:
        self._closes = byte in _OPENING
        self._depth = self._seen = 0
        self._in_string = self._escaped = False

    def _end(self, piece: bytes, at: int) -> int:
        """The place after the bracket that closes the pending line; 0 where the piece has none and need not be seen."""
        if not self._closes or _CLOSING.search(piece, at) is None:
            return 0
        text, start = (bytes(self._pending[self._seen :]) + piece, 0) if self._pending else (piece, at)
        end = self._closed(text, start)
        self._seen = len(self._pending) + len(piece) - at
        return end and end - (len(text) - len(piece))

    def _closed(self, text: bytes, at: int) -> int:
        """The place after the bracket that closes the line, in text that was not seen before; 0 where it is not there."""
        while at < len(text):
            if self._in_string:
                at = self._past_string(text, at)
                continue
            at = _end_of(_BETWEEN, text, at) + 1
            if at > len(text):
                break
            byte = text[at - 1]
            self._in_string = byte == _QUOTE
            if not self._in_string:
                self._depth += 1 if byte in _OPENING else -1
                if not self._depth:
                    return at
        return 0

    def _past_string(self, piece: bytes, at: int) -> int:
        """The place after the closing quote; the end of the piece where the string goes on."""
        at = _end_of(_LETTERS, piece, at + self._escaped)
        self._escaped = at < len(piece) and piece[at] != _QUOTE
        self._in_string = self._escaped or at == len(piece)
        return min(at + 1, len(piece))

    def _too_large(self) -> FrameTooLargeError:
        return FrameTooLargeError(
            f"one line of newline-delimited JSON has more than {self._limit} bytes; raise Limits.frame_bytes to allow it"
        )


def _is_json(line: bytes) -> bool:
    """Whether the line is one JSON text: then no bracket inside it is the last."""
    try:
        _JSON.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _end_of(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    """Where the match of ``pattern`` that begins at ``at`` ends; ``at`` itself where there is none."""
    found = pattern.match(data, at)
    return at if found is None else found.end()


def encode(data: bytes) -> bytes:
    """One line as bytes. Raises ``InputError`` for data that no reader could read back: none at all, or with a line end."""
    if b"\n" in data or not data.strip(_SPACE):
        raise InputError(f"newline-delimited JSON has one JSON text a line, not {data[:80]!r}; write it without line ends")
    return data + b"\n"
