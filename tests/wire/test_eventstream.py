"""AWS event streams: every kind of header, every cut, every damage, and botocore's own parser as the judge.

The two messages of ``VECTORS`` were put together by hand from the description
(https://smithy.io/2.0/aws/amazon-eventstream.html), byte by byte, with CRCs from a table of their own (``slow_crc``).
"""

from __future__ import annotations

import struct
import sys
import tracemalloc
from collections.abc import Iterable
from types import FrameType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.errors import BournError, ChecksumError, FrameTooLargeError, InputError, PayloadError
from bourn.testing.strategies import chunkings
from bourn.wire.base import Framer
from bourn.wire.eventstream import EventStreamFrame, EventStreamFramer, HeaderValue, Timestamp, encode
from tests.recordings import CORPUS, cuts, needs_corpus

Pair = tuple[dict[str, HeaderValue], bytes]


def slow_crc(data: bytes) -> int:
    """CRC-32 a bit at a time, by the polynomial of RFC 1952."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def message(head: bytes, payload: bytes, *, size: int | None = None, head_size: int | None = None) -> bytes:
    """A message put together by hand; the lengths may lie."""
    size = 16 + len(head) + len(payload) if size is None else size
    lengths = struct.pack("!II", size, len(head) if head_size is None else head_size)
    body = lengths + struct.pack("!I", slow_crc(lengths)) + head + payload
    return body + struct.pack("!I", slow_crc(body))


HEADS: dict[str, tuple[bytes, HeaderValue]] = {
    "true": (b"\x00", True),
    "false": (b"\x01", False),
    "byte": (b"\x02\xff", -1),
    "short": (b"\x03\x7f\xff", 32767),
    "integer": (b"\x04\x80\x00\x00\x00", -(2**31)),
    "long": (b"\x05\x00\x00\x00\x01\x00\x00\x00\x00", 2**32),
    "bytes": (b"\x06\x00\x02\xff\x00", b"\xff\x00"),
    "string": (b"\x07\x00\x03\xe2\x82\xac", "\u20ac"),
    "timestamp": (b"\x08\x00\x00\x01\x80\x00\x00\x00\x00", Timestamp(0x18000000000)),
    "uuid": (b"\x09" + bytes(range(16)), UUID(bytes=bytes(range(16)))),
}
ALL_HEADS = b"".join(bytes((len(name),)) + name.encode() + value for name, (value, _) in HEADS.items())
ALL_VALUES = {name: value for name, (_, value) in HEADS.items()}

VECTORS: dict[str, tuple[bytes, Pair]] = {
    "nothing at all": (message(b"", b""), ({}, b"")),
    "no headers": (message(b"", b'{"a": 1}'), ({}, b'{"a": 1}')),
    "no payload": (message(b"\x01a\x00", b""), ({"a": True}, b"")),
    "every type of header": (message(ALL_HEADS, b"\x00\xff"), (ALL_VALUES, b"\x00\xff")),
    "an empty name and empty values": (message(b"\x00\x07\x00\x00\x01b\x06\x00\x00", b"x"), ({"": "", "b": b""}, b"x")),
}
WIRE = b"".join(body for body, _ in VECTORS.values())
PAIRS = [pair for _, pair in VECTORS.values()]

names = st.text(max_size=20)
values: st.SearchStrategy[HeaderValue] = st.one_of(
    st.booleans(),
    st.sampled_from([0, 7, 8, 15, 16, 31, 32, 63]).flatmap(lambda bits: st.sampled_from([2**bits - 1, -(2**bits)])),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Timestamp),
    st.binary(max_size=20),
    st.text(max_size=20),
    st.uuids(),
)
pairs = st.tuples(st.dictionaries(names, values, max_size=4), st.binary(max_size=40))


def told(frames: Iterable[EventStreamFrame]) -> list[Pair]:
    return [(dict(frame.headers), frame.payload) for frame in frames]


def fed(chunks: Iterable[bytes], limit: int = 1 << 20) -> tuple[list[Pair], type[BournError] | None]:
    """All messages of the chunks, and the class of the error that followed."""
    framer = EventStreamFramer(limit)
    frames: list[EventStreamFrame] = []
    try:
        for chunk in chunks:
            frames += framer.feed(chunk)
        framer.close()
    except BournError as error:
        return told(frames), type(error)
    return told(frames), None


def types(pair: Pair) -> tuple[dict[str, type], bytes]:
    """A pair with the types of its values: ``True == 1``, and a timestamp is an int."""
    return {name: type(value) for name, value in pair[0].items()}, pair[1]


@pytest.mark.parametrize("way", ["whole", "bytes", "random"])
@pytest.mark.parametrize(("body", "pair"), VECTORS.values(), ids=VECTORS)
def test_a_message_put_together_by_hand_is_read(body: bytes, pair: Pair, way: str) -> None:
    """Headers have their values and types, and the payload its bytes, however the message is cut."""
    [frame], error = fed(cuts(body, way, "seed"))
    assert (frame, types(frame), error) == (pair, types(pair), None)


@pytest.mark.parametrize(("body", "pair"), VECTORS.values(), ids=VECTORS)
def test_a_message_is_written_as_by_hand(body: bytes, pair: Pair) -> None:
    """The same headers and payload become the same bytes."""
    assert encode(pair[1], pair[0]) == body


@pytest.mark.parametrize(
    ("value", "kind"), [(0, 2), (127, 2), (-128, 2), (128, 3), (-32769, 4), (2**31 - 1, 4), (2**31, 5), (-(2**63), 5)]
)
def test_a_number_takes_the_smallest_type_that_holds_it(value: int, kind: int) -> None:
    """Byte, short, integer, long."""
    assert encode(b"", {"n": value})[14] == kind
    assert fed([encode(b"", {"n": value})]) == ([({"n": value}, b"")], None)


@given(
    st.lists(pairs, max_size=4).flatmap(
        lambda some: st.tuples(st.just(some), chunkings(b"".join(encode(p, h) for h, p in some)))
    )
)
def test_what_is_written_is_read_back_at_any_cut(case: tuple[list[Pair], list[bytes]]) -> None:
    """encode() and the framer are inverse, types of header values included."""
    some, chunks = case
    got, error = fed(chunks)
    assert (got, [types(pair) for pair in got], error) == (some, [types(pair) for pair in some], None)


@given(st.integers(0, len(WIRE) - 1), st.integers(1, 255))
def test_a_damaged_byte_is_an_error(at: int, by: int) -> None:
    """Whichever byte is changed, the messages before it are given, and none after: never a wrong one."""
    bad = WIRE[:at] + bytes((WIRE[at] ^ by,)) + WIRE[at + 1 :]
    got, error = fed([bad])
    assert error is ChecksumError
    assert got == PAIRS[: len(got)]
    assert sum(len(body) for body, _ in list(VECTORS.values())[: len(got) + 1]) > at


@given(chunkings(WIRE), st.integers(0, len(WIRE) - 1))
def test_damage_is_found_at_the_same_place_at_any_cut(chunks: list[bytes], at: int) -> None:
    """Frames and error do not depend on the cuts."""
    bad = [bytearray(chunk) for chunk in chunks]
    start = 0
    for chunk in bad:
        if start <= at < start + len(chunk):
            chunk[at - start] ^= 0x20
        start += len(chunk)
    assert fed(map(bytes, bad)) == fed([b"".join(bad)])


def test_a_body_of_something_else_is_an_error_at_once() -> None:
    """JSON, HTML or server-sent events where messages should be: the first twelve bytes show it."""
    for body in (b'{"message": "no"}', b"<!doctype html>", b"data: {}\n\n    ", bytes(12), b"\xff" * 12):
        with pytest.raises(ChecksumError, match="no event stream"):
            EventStreamFramer().feed(body)
        assert EventStreamFramer().feed(body[:11]) == []


def test_no_length_is_believed_before_its_checksum() -> None:
    """A prelude that announces too much is damaged if its CRC says so, and too large only if it does not."""
    whole = message(b"", b"x" * 100)
    assert fed([b"\xff" + whole[1:]], limit=200)[1] is ChecksumError
    assert fed([message(b"", b"", size=0xFFFFFFFF)], limit=200)[1] is FrameTooLargeError


@pytest.mark.parametrize(("size", "head_size"), [(0, 0), (15, 0), (16, 1), (20, 5), (16, 0xFFFFFFFF)])
def test_lengths_that_contradict_each_other_are_an_error(size: int, head_size: int) -> None:
    """Also where their CRC holds."""
    with pytest.raises(PayloadError, match=f"{size} bytes in all cannot have {head_size}"):
        EventStreamFramer().feed(message(b"", b"", size=size, head_size=head_size))


@pytest.mark.parametrize(
    "head",
    [
        b"\x05a",
        b"\x01a",
        b"\x01a\x0a",
        b"\x01a\x04\x00\x00",
        b"\x01a\x07\x00\x05abc",
        b"\x01a\x07\x00",
        b"\x01a\x07",
        b"\x01a\x09abc",
        b"\x01a\x07\x00\x01\xff",
        b"\x01\xff\x00",
        b"\x01a\x00\x01a\x01",
        b"\x00",
    ],
)
def test_headers_that_cannot_be_read_are_an_error(head: bytes) -> None:
    """A type that there is not, a length beyond the block, a name twice, bytes that are no UTF-8: an error with the block."""
    with pytest.raises(PayloadError) as caught:
        EventStreamFramer().feed(message(head, b"{}"))
    assert caught.value.raw == head


@pytest.mark.parametrize("way", ["whole", "bytes", "random"])
def test_the_limit_is_exact(way: str) -> None:
    """A message of as many bytes as the limit passes, one byte more does not, however it is cut."""
    assert fed(cuts(encode(b"x" * 84), way, ""), limit=100) == ([({}, b"x" * 84)], None)
    assert fed(cuts(encode(b"x" * 85), way, ""), limit=100) == ([], FrameTooLargeError)


@pytest.mark.parametrize(
    "bad", [encode(b"x" * 200), b"\0" * 12, message(b"", b"", head_size=1), message(b"\x01a\x0a", b"")], ids=range(4)
)
def test_frames_before_a_bad_one_are_given(bad: bytes) -> None:
    """What was whole before it is handed out, then every call raises, each time an error of its own."""
    framer = EventStreamFramer(100)
    assert told(framer.feed(encode(b"a") + encode(b"b") + bad)) == [({}, b"a"), ({}, b"b")]
    raised = []
    for call in (lambda: framer.feed(b""), lambda: framer.feed(encode(b"c")), framer.close):
        with pytest.raises(BournError) as caught:
            call()
        raised.append(caught.value)
    assert len({type(error) for error in raised}) == 1
    assert len({id(error) for error in raised}) == 3


def test_close_tells_whether_a_message_was_cut() -> None:
    """True at a boundary, false within a message; what was begun is dropped."""
    framer: Framer[EventStreamFrame] = EventStreamFramer()
    assert framer.close()
    framer.feed(WIRE)
    assert framer.close()
    framer.feed(WIRE[:-1])
    assert not framer.close()
    assert fed([WIRE[:-1]]) == (PAIRS[:-1], None)


def test_remembered_headers_are_bounded() -> None:
    """A framer remembers the header blocks that repeat, never more than 32, never a long one; the frames are the same."""
    framer = EventStreamFramer()
    some: list[Pair] = [({"n": at, "t": "x"}, b"") for at in range(100)]
    some.append(({"long": "x" * 2000}, b""))
    assert told(framer.feed(b"".join(encode(payload, head) for head, payload in some) * 2)) == some * 2
    assert len(framer._remembered) == 32
    assert max(map(len, framer._remembered)) < 1024


def test_a_frame_is_a_value() -> None:
    """Frames compare by content, and neither they nor the headers that they share can be changed."""
    [one, other] = EventStreamFramer().feed(encode(b"a", {"t": "x"}) * 2)
    assert one == other == EventStreamFrame({"t": "x"}, b"a")
    with pytest.raises(AttributeError):
        one.payload = b"b"  # type: ignore[misc]
    with pytest.raises(TypeError):
        one.headers["t"] = "y"  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n" * 256, "x"),
        ("a", "x" * 65536),
        ("a", "\u20ac" * 21846),
        ("a", b"x" * 65536),
        ("a", 2**63),
        ("a", -(2**63) - 1),
        ("a", Timestamp(2**63)),
        ("a", 1.5),
        ("a", None),
    ],
)
def test_a_header_that_has_no_place_is_refused(name: str, value: Any) -> None:
    """Too long, too large, or of no type that there is: one sentence that names the header."""
    with pytest.raises(InputError, match=f"'{name[:40]}' cannot be written"):
        encode(b"", {name: value})


class Counting(bytearray):
    """A buffer that counts the bytes that pass through it: those appended, and those copied out of it."""

    moved = 0

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]  # the stubs give + and += one signature
        self.moved += len(other)
        return super().__iadd__(other)

    def __bytes__(self) -> bytes:
        self.moved += len(self)
        return bytes(memoryview(self))


LARGE = {"one long message": lambda n: encode(b"x" * 20 * n), "many messages": lambda n: encode(b"x", {"t": "x"}) * n}


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("size", [1, 16, 4096])
@pytest.mark.parametrize("count", [100, 1000, 4000])
def test_a_byte_is_moved_a_few_times_at_most(make: Any, size: int, count: int) -> None:
    """Into the buffer and out of it, twice for the prelude, however small the reads and however many the bytes."""
    framer, body = EventStreamFramer(), make(count)
    framer._pending = buffer = Counting()
    for at in range(0, len(body), size):
        framer.feed(body[at : at + size])
    assert framer.close()
    assert buffer.moved <= 4 * len(body)


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("size", [1, 16, 4096])
def test_calls_grow_with_the_bytes(make: Any, size: int) -> None:
    """Twice the bytes cost at most twice the calls, at any size of read."""
    once, twice = (calls_made(make(count), size) for count in (2000, 4000))
    assert twice <= 2.05 * once


def calls_made(body: bytes, size: int) -> int:
    framer = EventStreamFramer()
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        for at in range(0, len(body), size):
            framer.feed(body[at : at + size])
    finally:
        sys.setprofile(None)
    return calls


def test_a_message_that_never_ends_costs_no_more_memory_than_the_limit() -> None:
    """Its prelude may announce no more than the limit, and the bytes are held once until it is whole."""
    limit = 1 << 20
    framer, body = EventStreamFramer(limit), encode(b"x" * (limit - 16))
    tracemalloc.start()
    try:
        for at in range(0, limit - 4096, 4096):
            framer.feed(body[at : at + 4096])
        assert tracemalloc.get_traced_memory()[1] < 1.3 * limit
    finally:
        tracemalloc.stop()


BODIES = sorted(CORPUS.glob("bedrock-*/*/body.bin")) if CORPUS.is_dir() else []
STREAMS = [path for path in BODIES if not path.read_bytes().startswith(b"{")]


@pytest.fixture(scope="module")
def theirs() -> Any:
    """The reader of event streams in botocore: bytes to pairs."""
    eventstream = pytest.importorskip("botocore.eventstream", reason="botocore is in the dependency group sdk")

    def read(body: bytes) -> list[tuple[dict[str, Any], bytes]]:
        buffer = eventstream.EventStreamBuffer()
        buffer.add_data(body)
        return [(one.headers, one.payload) for one in buffer]

    return read


def plain(pair: Pair) -> tuple[dict[str, Any], bytes]:
    """A pair as botocore gives it: it knows no class for UUIDs."""
    return {name: value.bytes if isinstance(value, UUID) else value for name, value in pair[0].items()}, pair[1]


@given(some=st.lists(pairs, max_size=3))
def test_botocore_reads_what_we_write(theirs: Any, some: list[Pair]) -> None:
    """Every header and payload, as they were given."""
    assert theirs(b"".join(encode(payload, head) for head, payload in some)) == [plain(pair) for pair in some]


@given(head=st.binary(max_size=12), payload=st.binary(max_size=4))
def test_botocore_and_we_read_the_same(theirs: Any, head: bytes, payload: bytes) -> None:
    """Of any bytes that claim to be headers: what we read, it reads the same."""
    got, error = fed([message(head, payload)])
    if error is None:
        assert theirs(message(head, payload)) == [plain(pair) for pair in got]


@needs_corpus
@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.parent.name)
def test_recorded_streams_are_read_as_by_botocore_and_written_as_they_came(theirs: Any, path: Any) -> None:
    """All recorded traffic of Bedrock: same headers, same payloads, and, written again, the same bytes."""
    body = path.read_bytes()
    got, error = fed([body])
    assert (got, error) == (theirs(body), None)
    assert b"".join(encode(payload, head) for head, payload in got) == body
    assert fed(cuts(body, "random", path.parent.name)) == (got, None)
