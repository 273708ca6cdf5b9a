"""Server-sent events: bytes to events and back, by the rules of the WHATWG.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream

Lines end with LF, CRLF or CR, also when CRLF is split over reads; only these split lines. One leading byte-order mark is
ignored. Comments and unknown fields are ignored, an event without data is none, an unterminated last event is dropped.

One addition, seen in real traffic (llama.cpp): a failure sent as a *field* ``error: {...}`` is given as an event named
``error``, since a reader by the letter would drop it in silence.

House rule: work on whole lines, never on characters; what is pending is a list of pieces that is joined once.
"""

from __future__ import annotations

import msgspec

from bourn.errors import FrameTooLargeError
from bourn.wire.base import FRAME_LIMIT

_BOM = b"\xef\xbb\xbf"


class SSEFrame(msgspec.Struct, frozen=True, gc=False):
    """One event: its name (``""`` where the stream gave none), its data as UTF-8 bytes, and its id."""

    event: str
    data: bytes
    id: str = ""


class SSEFramer:
    """Feed it bytes, it gives ``SSEFrame``s. ``limit`` caps the bytes of one event (``FrameTooLargeError``)."""

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._pending: list[bytes] = []  # pieces of a line whose end has not come
        self._pending_size = 0
        self._skip_lf = False  # the last read ended with CR: a LF that follows belongs to it
        self._first_line = True
        self._event = b""
        self._id = b""
        self._data: list[bytes] = []
        self._data_size = 0

    def feed(self, data: bytes) -> list[SSEFrame]:
        """Take the next bytes; give the events that they complete. Raises ``FrameTooLargeError``."""
        frames: list[SSEFrame] = []
        if self._skip_lf and data:
            self._skip_lf = False
            if data[:1] == b"\n":
                data = data[1:]
        if b"\r" in data:
            self._skip_lf = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in data:
            self._hold(data)
            return frames
        if self._pending:
            self._pending.append(data)
            data = b"".join(self._pending)
            self._pending.clear()
            self._pending_size = 0
        lines = data.split(b"\n")
        rest = lines.pop()
        if self._first_line:
            self._first_line = False
            lines[0] = lines[0].removeprefix(_BOM)
        for line in lines:
            if line:
                self._line(line)
            elif self._data or self._event:
                self._dispatch(frames)
        if rest:
            self._hold(rest)
        return frames

    def close(self) -> bool:
        """The bytes ended; whether that was between two events."""
        return not (self._pending or self._data or self._event)

    def _hold(self, data: bytes) -> None:
        if data:
            self._pending.append(data)
            self._pending_size += len(data)
            self._check()

    def _check(self) -> None:
        if self._pending_size + self._data_size > self._limit:
            raise FrameTooLargeError(
                f"one server-sent event has more than {self._limit} bytes; raise Limits.frame_bytes to allow it"
            )

    def _line(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if not name and colon:
            return  # a comment
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._data.append(value)
            self._data_size += len(value) + 1
            self._check()
        elif name == b"event":
            self._event = value
        elif name == b"id":
            if b"\0" not in value:
                self._id = value
        elif name == b"error":
            self._event = b"error"
            self._data.append(value)
            self._data_size += len(value) + 1
            self._check()

    def _dispatch(self, frames: list[SSEFrame]) -> None:
        if self._data:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            frames.append(SSEFrame(self._event.decode("utf-8", "replace"), data, self._id.decode("utf-8", "replace")))
            self._data.clear()
            self._data_size = 0
        self._event = b""


def encode(data: bytes, event: str = "") -> bytes:
    """One event as bytes; data with line ends becomes several ``data`` lines."""
    head = b"event: " + event.encode() + b"\n" if event else b""
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")
    return head + b"data: " + data + b"\n\n"


def encode_comment(text: str = "") -> bytes:
    """A comment, which readers ignore; providers send one as a ping."""
    return f": {text}\n\n".encode() if text else b":\n\n"
