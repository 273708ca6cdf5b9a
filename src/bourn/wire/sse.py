"""Server-sent events: bytes to events and back, by the rules of the WHATWG.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream

Lines end with LF, CRLF or CR, also when CRLF is split over reads; only these split lines. One leading byte-order mark is
ignored. Comments and unknown fields are ignored, an event without data is none, an unterminated last event is dropped.

One addition, seen in real traffic (llama.cpp): a failure sent as a *field* ``error: {...}`` is given as an event named
``error``, since a reader by the letter would drop it in silence.

House rule: work on whole events where they are plain, else on whole lines, never on characters, and give the same frames, and
the same error after them, at any cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from bourn.errors import FrameTooLargeError, InputError
from bourn.wire.base import FRAME_LIMIT

_BOM = b"\xef\xbb\xbf"
_LINE_ENDS = b"\n\r"

_HEAD = re.compile(rb"(?:event: ([^\r\n]{,200})\n)?data: ")
"""How nearly all events begin; a longer name is not remembered."""


class SSEFrame(msgspec.Struct, frozen=True, gc=False):
    """One event: its name (``""`` where the stream gave none), its data as UTF-8 bytes, and its id."""

    event: str
    data: bytes
    id: str = ""


class SSEFramer:
    """Feed it bytes, it gives ``SSEFrame``s. ``limit`` caps the bytes held of one event: its fields and the line at hand."""

    __slots__ = (
        "_after_cr",
        "_at_start",
        "_data",
        "_event",
        "_head",
        "_head_lines",
        "_id",
        "_limit",
        "_more",
        "_name",
        "_pending",
        "broken",
    )

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._at_start = True  # a byte-order mark may come
        self._after_cr = False  # a LF that comes next belongs to the CR before it
        self._pending = bytearray()  # a line whose end has not come
        self._head = b"data: "  # what the last whole event began with, and most likely the next one does
        self._head_lines = 0  # that this ends
        self._name = ""  # that this says
        self._event = ""
        self._id = ""
        self._data: bytes | None = None  # the first data line of the event at hand
        self._more = bytearray()  # its further ones; one buffer, since a list of short pieces weighs many times more
        self.broken = False  # a frame was too large: the error is raised once the frames before it were given

    def feed(self, data: bytes) -> list[SSEFrame]:
        """Take the next bytes; give the events that they complete. Raises ``FrameTooLargeError``, as ``Framer`` says."""
        if self.broken:
            raise self._too_large()
        if self._at_start:
            data = self._without_bom(data)
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if self._is_one(data):
            return [SSEFrame(self._name, data[len(self._head) : -2], self._id)]
        frames: list[SSEFrame] = []
        try:
            if (self._data is not None or self._event) and (end := data.find(b"\n\n") + 2) > 1:
                self._take_lines(data[:end], frames)  # the rest of the event at hand
                data = data[end:]
            left = self._take_whole(data, frames)
            if left:
                self._take_lines(left, frames)
        except FrameTooLargeError:
            self.broken = True
            self._pending.clear()
            if not frames:
                raise
        return frames

    def close(self) -> bool:
        """The bytes ended; whether that was between two events. Raises the error that ``feed`` still owed."""
        if self.broken:
            raise self._too_large()
        return not (self._pending or self._data is not None or self._event)

    def _is_one(self, data: bytes) -> bool:
        """Whether this is one whole event, as a packet mostly is: it begins as the last one did and has no line more."""
        head, end = self._head, len(data) - 2
        return (
            data.endswith(b"\n\n")
            and data.startswith(head)
            and data.find(b"\n", len(head)) == end
            and b"\r" not in data
            and not (self._pending or self._event or self._data is not None)
            and len(self._id) + end + 2 <= self._limit
        )

    def _take_whole(self, data: bytes, frames: list[SSEFrame]) -> bytes:
        """Take the whole events that ``data`` begins with, or completes; what is left of it."""
        if self._data is not None or self._event:
            return data
        line_end, blank = (b"\r\n", b"\r\n\r\n") if b"\r" in data else (b"\n", b"\n\n")
        end = data.rfind(blank)
        if end < 0 or len(self._id) + len(self._pending) + len(data) > self._limit:
            return data
        whole, left = data[:end], data[end + len(blank) :]
        if self._pending:
            whole = bytes(self._pending) + whole
            self._pending.clear()
        if not self._take_alike(whole, line_end, frames):
            for event in whole.split(blank):
                self._take_event(event, frames)
        return left

    def _take_alike(self, whole: bytes, line_end: bytes, frames: list[SSEFrame]) -> bool:
        """Take whole events at once if each begins as the last one did and has no line more; whether that was so."""
        head, lines = self._head, whole.count(b"\n")
        if not whole.startswith(head) or (line_end != b"\n" and whole.count(b"\r") != lines):
            return False
        if lines == self._head_lines:
            frames.append(SSEFrame(self._name, whole[len(head) :], self._id))
            return True
        told = whole[len(head) :].split(line_end + line_end + head)
        if lines != len(told) * (self._head_lines + 2) - 2:
            return False
        name, id = self._name, self._id
        frames += [SSEFrame(name, data, id) for data in told]
        return True

    def _take_event(self, event: bytes, frames: list[SSEFrame]) -> None:
        """Take a whole event, the fast way if it is one line of data and before it the event's name or nothing."""
        if event.startswith(self._head) or self._begins(event):
            data = event[len(self._head) :]
            if b"\n" not in data and b"\r" not in data:
                frames.append(SSEFrame(self._name, data, self._id))
                return
        self._take([*event.splitlines(), b""], frames)

    def _begins(self, event: bytes) -> bool:
        """Whether a whole event begins in the usual way, which is remembered then."""
        head = _HEAD.match(event)
        if head is None:
            return False
        self._head = head[0]
        self._head_lines = 0 if head[1] is None else 1
        self._name = (head[1] or b"").decode("utf-8", "replace")
        return True

    def _take_lines(self, data: bytes, frames: list[SSEFrame]) -> None:
        """Take bytes line by line, however they are written."""
        roomy = self._held() + len(self._pending) + len(data) <= self._limit
        lines = self._split(data)
        self._take(lines if roomy else self._checked(lines), frames)

    def _split(self, data: bytes) -> list[bytes]:
        """The lines that ``data``, which is not empty, completes; what is left of it becomes, or stays, pending."""
        lines = data.splitlines()  # of bytes: at LF, CRLF and CR only
        rest = b"" if data[-1] in _LINE_ENDS else lines.pop()
        self._after_cr = data.endswith(b"\r")
        if self._pending and lines:
            lines[0] = bytes(self._pending) + lines[0]
            self._pending.clear()
        self._pending += rest
        return lines

    def _without_bom(self, data: bytes) -> bytes:
        data = bytes(self._pending) + data
        self._pending.clear()
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._pending += data
            return b""
        self._at_start = False
        return data.removeprefix(_BOM)

    def _take(self, lines: Iterable[bytes], frames: list[SSEFrame]) -> None:
        for line in lines:
            if not line:
                if self._data is not None:
                    data = self._data + self._more if self._more else self._data
                    frames.append(SSEFrame(self._event, data, self._id))
                    self._data = None
                    self._more.clear()
                self._event = ""
                continue
            name, _, value = line.partition(b": ")
            if name == b"data":
                self._add(value)
            elif name == b"event":
                self._event = value.decode("utf-8", "replace")
            else:
                self._rarer(line)

    def _rarer(self, line: bytes) -> None:
        """A line that is neither ``data`` nor ``event`` written with the space that nearly everybody writes."""
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._add(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        elif name == b"error":
            self._event = "error"
            self._add(value)

    def _add(self, value: bytes) -> None:
        if self._data is None:
            self._data = value
        else:
            self._more += b"\n" + value

    def _held(self) -> int:
        return len(self._data or b"") + len(self._more) + len(self._event) + len(self._id)

    def _checked(self, lines: list[bytes]) -> Iterator[bytes]:
        """The lines, each weighed before it is taken, and what is pending after them."""
        for line in lines:
            self._check(len(line))
            yield line
        self._check(len(self._pending))

    def _check(self, size: int) -> None:
        if self._held() + size > self._limit:
            raise self._too_large()

    def _too_large(self) -> FrameTooLargeError:
        return FrameTooLargeError(
            f"one server-sent event has more than {self._limit} bytes; raise Limits.frame_bytes to allow it"
        )


def encode(data: bytes, event: str = "") -> bytes:
    """One event as bytes; data with line ends becomes several ``data`` lines, so a CR comes back as LF.

    Raises ``InputError`` for an event name with a line end, which no reader could read back.
    """
    if "\n" in event or "\r" in event:
        raise InputError(f"the event name {event!r} has a line end; server-sent events cannot carry it, leave it out")
    head = b"event: " + event.encode() + b"\n" if event else b""
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")
    return head + b"data: " + data + b"\n\n"


def encode_comment(text: str = "") -> bytes:
    """A comment, which readers ignore; providers send one as a ping. Each line of ``text`` becomes a comment of its own."""
    lines = text.encode().splitlines() or [b""]
    return b"".join(b": " + line + b"\n" if line else b":\n" for line in lines) + b"\n"
