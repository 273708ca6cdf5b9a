"""AWS event streams (``application/vnd.amazon.eventstream``): bytes to messages and back.

A message is a prelude (its length and that of its headers, four bytes each, and their CRC), the headers, the payload, and a
CRC of all that. Numbers are big-endian, the CRC is that of zlib.

Source: https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html and
https://smithy.io/2.0/aws/amazon-eventstream.html. House rule: no length is believed before its CRC held, no byte is given out
before the message's did; the same frames, and the same error after them, at any cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import Struct
from types import MappingProxyType
from uuid import UUID
from zlib import crc32

import msgspec

from bourn.errors import ChecksumError, FrameTooLargeError, InputError, PayloadError, ProtocolError
from bourn.wire.base import FRAME_LIMIT

_LENGTHS = Struct(">II")
_PRELUDE = Struct(">III")
_CRC = Struct(">I")
_LEAST = _PRELUDE.size + _CRC.size

_REMEMBERED = 32
"""How many header blocks a framer remembers: services repeat the same few, and reading one takes longer than all the rest."""

_REMEMBERED_BYTES = 1024
"""A longer header block is read anew each time."""


class Timestamp(int):
    """Milliseconds since 1970 in UTC: the value of a header of type timestamp."""


HeaderValue = bool | int | bytes | str | Timestamp | UUID
"""What a header can hold; byte, short, integer and long are all ``int``."""


class EventStreamFrame(msgspec.Struct, frozen=True, gc=False):
    """One message: its headers by name, and its payload."""

    headers: Mapping[str, HeaderValue]
    payload: bytes


class EventStreamFramer:
    """Feed it bytes, it gives ``EventStreamFrame``s. ``limit`` caps the bytes of one message, as its prelude announces them."""

    __slots__ = ("_limit", "_pending", "_remembered", "_wanted", "broken")

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._pending = bytearray()  # a message whose end has not come
        self._wanted = _PRELUDE.size  # bytes without which looking at the pending ones is in vain
        self._remembered: dict[bytes, Mapping[str, HeaderValue]] = {}
        self.broken: ProtocolError | None = None  # raised once the frames before it were given

    def feed(self, data: bytes) -> list[EventStreamFrame]:
        """Take the next bytes; give the messages that they complete.

        Raises ``ChecksumError``, ``FrameTooLargeError``, and ``PayloadError`` for a message that is not built as one, each as
        ``Framer`` says.
        """
        if self.broken is not None:
            raise self.broken.fresh()
        if self._pending:
            self._pending += data
            if len(self._pending) < self._wanted:
                return []
            data = bytes(self._pending)
            self._pending.clear()
        frames: list[EventStreamFrame] = []
        try:
            at = self._take(data, frames)
        except ProtocolError as error:
            self.broken = error.fresh()
            if not frames:
                raise
        else:
            self._pending += data[at:]
        return frames

    def close(self) -> bool:
        """The bytes ended; whether that was between two messages. Raises the error that ``feed`` still owed."""
        if self.broken is not None:
            raise self.broken.fresh()
        return not self._pending

    def _take(self, data: bytes, frames: list[EventStreamFrame]) -> int:
        """Give the whole messages in ``data``; where the first unfinished one begins."""
        at, end = 0, len(data)
        limit, block, headers = self._limit, b"", None
        while end - at >= _PRELUDE.size:
            size, head, check = _PRELUDE.unpack_from(data, at)
            sound = crc32(data[at : at + _LENGTHS.size]) == check
            if not sound or size > limit or head + _LEAST > size:
                raise self._refused(size, head, sound)
            stop = at + size
            if stop > end:
                self._wanted = size
                return at
            last = stop - _CRC.size
            if crc32(data[at + _LENGTHS.size : last], check) != _CRC.unpack_from(data, last)[0]:
                raise ChecksumError("a message of the event stream was damaged on its way: its checksum does not fit its bytes")
            first, at = at + _PRELUDE.size, stop
            if headers is None or head != len(block) or not data.startswith(block, first):
                block = data[first : first + head]
                headers = self._remembered.get(block) or self._read(block)
            frames.append(EventStreamFrame(headers, data[first + head : last]))
        self._wanted = _PRELUDE.size
        return at

    def _refused(self, size: int, head: int, sound: bool) -> ProtocolError:
        """What is wrong with a prelude."""
        if not sound:
            return ChecksumError("the body is no event stream, or was damaged on its way: a prelude's checksum does not fit")
        if size > self._limit:
            return FrameTooLargeError(
                f"one message of the event stream has {size} bytes; raise Limits.frame_bytes from {self._limit} to allow it"
            )
        return PayloadError(f"a message of {size} bytes in all cannot have {head} bytes of headers")

    def _read(self, block: bytes) -> Mapping[str, HeaderValue]:
        headers = MappingProxyType(_read_headers(block))
        if len(self._remembered) < _REMEMBERED and len(block) <= _REMEMBERED_BYTES:
            self._remembered[block] = headers
        return headers


def _signed(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


_READERS: dict[int, tuple[int | None, Callable[[bytes], HeaderValue]]] = {
    0: (0, lambda _: True),
    1: (0, lambda _: False),
    2: (1, _signed),
    3: (2, _signed),
    4: (4, _signed),
    5: (8, _signed),
    6: (None, bytes),
    7: (None, bytes.decode),
    8: (8, lambda data: Timestamp(_signed(data))),
    9: (16, lambda data: UUID(bytes=data)),
}
"""A header's type to the bytes of its value (``None``: two bytes before it tell how many), and to what reads them."""


def _read_headers(block: bytes) -> dict[str, HeaderValue]:
    """The headers in a block. Raises ``PayloadError``."""
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(block):
            start = at + 1
            at = start + block[at]
            name = block[start:at].decode()
            size, read = _READERS[block[at]]
            start = at + 1
            if size is None:
                start += 2
                size = int.from_bytes(block[start - 2 : start], "big")
            at = start + size
            if at > len(block) or name in headers:
                raise PayloadError("a header of the event stream reaches beyond its message, or comes twice", raw=block)
            headers[name] = read(block[start:at])
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise PayloadError("the headers of a message of the event stream cannot be read", raw=block) from error
    return headers


def _written_int(value: int) -> bytes:
    """The smallest of byte, short, integer and long that holds the number."""
    for kind, size in ((2, 1), (3, 2), (4, 4), (5, 8)):
        if -(1 << (8 * size - 1)) <= value < 1 << (8 * size - 1):
            return bytes((kind,)) + value.to_bytes(size, "big", signed=True)
    raise OverflowError


_WRITERS: dict[type, Callable[..., bytes]] = {
    bool: lambda value: b"\0" if value else b"\1",
    int: _written_int,
    bytes: lambda value: b"\6" + len(value).to_bytes(2, "big") + value,
    str: lambda value: b"\7" + len(value.encode()).to_bytes(2, "big") + value.encode(),
    Timestamp: lambda value: b"\10" + value.to_bytes(8, "big", signed=True),
    UUID: lambda value: b"\11" + value.bytes,
}
"""A value's type to what writes the header's type and the value."""


def encode(payload: bytes, headers: Mapping[str, HeaderValue] = MappingProxyType({})) -> bytes:
    """One message as bytes. Raises ``InputError`` for a header that has no place in the format."""
    head = b"".join(_written_header(name, value) for name, value in headers.items())
    lengths = _LENGTHS.pack(_LEAST + len(head) + len(payload), len(head))
    message = b"".join((lengths, _CRC.pack(crc32(lengths)), head, payload))
    return message + _CRC.pack(crc32(message))


def _written_header(name: str, value: HeaderValue) -> bytes:
    try:
        return len(name.encode()).to_bytes(1, "big") + name.encode() + _WRITERS[type(value)](value)
    except (KeyError, OverflowError) as error:
        raise InputError(
            f"the header {name[:40]!r} cannot be written: a name has up to 255 bytes, a value is a bool, an int of 64 bits, "
            f"a Timestamp, a UUID, or text or bytes of up to 65535; this one is {type(value).__name__}"
        ) from error
