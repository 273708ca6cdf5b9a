"""Server-sent events, held to the words of the WHATWG at every cut.

Vectors: by the rules of https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation and after
the cases of the Web Platform Tests (``eventsource/format-*``, ``event-data``), written anew.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.errors import FrameTooLargeError, InputError
from bourn.testing.strategies import chunkings
from bourn.wire.sse import SSEFrame, SSEFramer, encode, encode_comment
from tests.recordings import cuts, needs_corpus, recordings

BOM = b"\xef\xbb\xbf"
Triple = tuple[str, bytes, str]

VECTORS: dict[str, tuple[bytes, list[Triple]]] = {
    # line ends
    "LF": (b"data: a\n\ndata: b\n\n", [("", b"a", ""), ("", b"b", "")]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a", ""), ("", b"b", "")]),
    "CR": (b"data: a\r\rdata: b\r\r", [("", b"a", ""), ("", b"b", "")]),
    "mixed ends": (b"data: a\n\r\ndata: b\r\n\rdata: c\r\n\ndata: d\r\r\n", [("", x, "") for x in (b"a", b"b", b"c", b"d")]),
    "LF CR is two line ends": (b"data: a\n\rdata: b\n\r", [("", b"a", ""), ("", b"b", "")]),
    "CR CR LF is two line ends": (b"data: a\r\r\ndata: b\r\r\n", [("", b"a", ""), ("", b"b", "")]),
    "CRLF inside one event": (b"data: a\r\ndata: b\r\n\r\n", [("", b"a\nb", "")]),
    "a CR among CRLF": (
        b"data: a\r\n\r\ndata: b\rdata: c\r\n\r\ndata: d\r\n\r\n",
        [("", b"a", ""), ("", b"b\nc", ""), ("", b"d", "")],
    ),
    "a CR among CRLF and comments": (
        b"data: a\r\n\r\n: hi\r\n\r\ndata: b\rdata: c\r\n\r\n",
        [("", b"a", ""), ("", b"b\nc", "")],
    ),
    "a CR among LF": (b"data: a\n\ndata: b\rdata: c\n\n", [("", b"a", ""), ("", b"b\nc", "")]),
    "data that looks like a field": (b"data: a\n\ndata: data: b\n\n", [("", b"a", ""), ("", b"data: b", "")]),
    "many blank lines": (b"\n\n\r\n\rdata: a\n\n\n\r\r\ndata: b\n\n\n\n", [("", b"a", ""), ("", b"b", "")]),
    "odd characters end no line": (
        "data: a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei\n\n".encode(),
        [("", "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei".encode(), "")],
    ),
    # one after the other
    "names that change": (
        (
            b"event: n\ndata: a\n\nevent: n\ndata: b\n\ndata: c\n\n"
            b"event: m\ndata: d\n\nevent: n\ndata: e\nid: 1\n\nevent: n\ndata: f\n\n"
        ),
        [("n", b"a", ""), ("n", b"b", ""), ("", b"c", ""), ("m", b"d", ""), ("n", b"e", "1"), ("n", b"f", "1")],
    ),
    "a name that goes on as data": (
        b"event: n\ndata: a\n\nevent: n\ndata: a\ndata: b\n\nevent: n\ndata:c\n\n",
        [("n", b"a", ""), ("n", b"a\nb", ""), ("n", b"c", "")],
    ),
    "a name too long to be remembered": (
        b"event: " + b"n" * 300 + b"\ndata: a\n\nevent: " + b"n" * 300 + b"\ndata: b\n\ndata: c\n\n",
        [("n" * 300, b"a", ""), ("n" * 300, b"b", ""), ("", b"c", "")],
    ),
    # byte-order mark
    "one BOM": (BOM + b"data: a\n\n", [("", b"a", "")]),
    "two BOMs spoil the first field": (BOM + BOM + b"data: a\n\ndata: b\n\n", [("", b"b", "")]),
    "a BOM before a comment": (BOM + b": hi\ndata: a\n\n", [("", b"a", "")]),
    "a BOM before a blank line": (BOM + b"\r\ndata: a\n\n", [("", b"a", "")]),
    "a BOM on a later line spoils its field": (b"data: a\n" + BOM + b"data: b\n\n", [("", b"a", "")]),
    "a BOM after a blank line spoils its field": (b"\n" + BOM + b"data: a\n\ndata: b\n\n", [("", b"b", "")]),
    "a BOM in the data stays": (b"data: " + BOM + b"a\n\n", [("", BOM + b"a", "")]),
    "half a BOM is an unknown field": (BOM[:2] + b"data: a\ndata: b\n\n", [("", b"b", "")]),
    "only a BOM": (BOM, []),
    "nothing": (b"", []),
    # colon and space
    "no space": (b"data:a\n\n", [("", b"a", "")]),
    "one space": (b"data: a\n\n", [("", b"a", "")]),
    "two spaces leave one": (b"data:  a\n\n", [("", b" a", "")]),
    "no space in one field, two in another": (b"data:a\nid:  1\n\n", [("", b"a", " 1")]),
    "a tab is kept": (b"data:\ta\n\n", [("", b"\ta", "")]),
    "trailing spaces are kept": (b"data: a  \n\n", [("", b"a  ", "")]),
    "colons in the value": (b"data: a:b: c\n\n", [("", b"a:b: c", "")]),
    "no space, then colon and space in the value": (b'data:{"a": 1}\n\n', [("", b'{"a": 1}', "")]),
    "no colon": (b"data\n\n", [("", b"", "")]),
    "no colon twice": (b"data\ndata\n\n", [("", b"\n", "")]),
    "a space before the colon makes another field": (b"data : a\ndata: b\n\n", [("", b"b", "")]),
    "a space before the name makes another field": (b" data: a\ndata: b\n\n", [("", b"b", "")]),
    "names are case sensitive": (b"Data: a\nDATA: b\nEVENT: x\ndata: c\n\n", [("", b"c", "")]),
    "names that only begin alike": (b"datas: a\ndat: b\ndata2:c\ndata: d\n\n", [("", b"d", "")]),
    # data
    "several lines": (b"data: a\ndata:b\ndata: c\n\n", [("", b"a\nb\nc", "")]),
    "an empty line of data": (b"data:\n\n", [("", b"", "")]),
    "an empty line of data with a space": (b"data: \n\n", [("", b"", "")]),
    "two empty lines of data": (b"data:\ndata:\n\n", [("", b"\n", "")]),
    "empty lines around data": (b"data:\ndata: a\ndata\n\n", [("", b"\na\n", "")]),
    "data: msg, empty, end": (
        b"data:msg\ndata:msg\n\n:\nfalsefield:msg\n\ndata\n\ndata:end\n\n",
        [("", b"msg\nmsg", ""), ("", b"", ""), ("", b"end", "")],
    ),
    "a NUL is data": (b"data: \0\n\n", [("", b"\0", "")]),
    "UTF-8": ("data: o\u0308 \u20ac \U0001f600\n\n".encode(), [("", "o\u0308 \u20ac \U0001f600".encode(), "")]),
    "invalid UTF-8 stays as it came": (b"data: \xff\xc3\n\n", [("", b"\xff\xc3", "")]),
    # comments and unknown fields
    "comments": (b": hi\n:\n:data: no\ndata: a\n: x\n\n: y\n\n", [("", b"a", "")]),
    "comments between lines of data": (
        b"data:1\r:\0\n:\r\ndata:2\n:xxx\rdata:3\n:data:fail\r:x\ndata:4\n\n",
        [("", b"1\n2\n3\n4", "")],
    ),
    "a comment alone is no event": (b": ping\n\n", []),
    "unknown fields": (b"foo: 1\nbar\n:\nretry: 5\nretry: x\ndata: a\n\n", [("", b"a", "")]),
    "bare JSON is an unknown field": (b'{"a": 1}\n\ndata: b\n\n', [("", b"b", "")]),
    # event names
    "a name": (b"event: x\ndata: a\n\n", [("x", b"a", "")]),
    "a name after the data": (b"data: a\nevent: x\n\n", [("x", b"a", "")]),
    "the last name wins": (b"event: x\nevent:y\ndata: a\n\n", [("y", b"a", "")]),
    "an empty name is none": (b"event: x\nevent: \ndata: a\n\nevent\ndata: b\n\n", [("", b"a", ""), ("", b"b", "")]),
    "a name holds for one event": (b"event: x\ndata: a\n\ndata: b\n\n", [("x", b"a", ""), ("", b"b", "")]),
    "a name without data is dropped": (b"event: x\n\ndata: a\n\n", [("", b"a", "")]),
    "a name keeps its second space": (b"event:  x\ndata: a\n\n", [(" x", b"a", "")]),
    "invalid UTF-8 in a name": (b"event: \xff\ndata: a\n\n", [("\ufffd", b"a", "")]),
    # ids
    "an id": (b"id: 1\ndata: a\n\n", [("", b"a", "1")]),
    "an id holds until it changes": (
        b"id: 1\ndata: a\n\ndata: b\n\nid:2\ndata: c\n\n",
        [("", b"a", "1"), ("", b"b", "1"), ("", b"c", "2")],
    ),
    "an id is reset": (b"id: 1\ndata: a\n\nid\ndata: b\n\ndata: c\n\n", [("", b"a", "1"), ("", b"b", ""), ("", b"c", "")]),
    "an id without data holds": (b"id: 1\n\ndata: a\n\n", [("", b"a", "1")]),
    "an id holds for all that come alike": (
        b"id: 1\ndata: a\n\ndata: b\n\ndata: c\n\n",
        [("", b"a", "1"), ("", b"b", "1"), ("", b"c", "1")],
    ),
    "an id after the data": (b"data: a\nid: 1\n\n", [("", b"a", "1")]),
    "an id with NUL is ignored": (b"id: 1\nid: 2\0\ndata: a\n\n", [("", b"a", "1")]),
    # the end
    "an unterminated line": (b"data: a\n\ndata: b", [("", b"a", "")]),
    "an unterminated event": (b"data: a\n\nid: 1\nevent: x\ndata: b\n", [("", b"a", "")]),
    "an unterminated CRLF event": (b"data: a\r\n\r\ndata: b\r\n", [("", b"a", "")]),
    # beyond the letter: llama.cpp
    "an error field is an event": (b'data: a\n\nerror: {"code": 500}\n\n', [("", b"a", ""), ("error", b'{"code": 500}', "")]),
    "an error field without a space": (b"error:x\n\ndata: a\n\n", [("error", b"x", ""), ("", b"a", "")]),
    # size
    "a long line": (b"data: " + b"x" * 3000 + b"\n\n", [("", b"x" * 3000, "")]),
}

every_vector = pytest.mark.parametrize(("body", "expected"), VECTORS.values(), ids=VECTORS)


def triples(frames: Iterable[SSEFrame]) -> list[Triple]:
    return [(frame.event, frame.data, frame.id) for frame in frames]


def fed(chunks: Iterable[bytes], limit: int = 1 << 20) -> tuple[list[Triple], bool]:
    """All frames of the chunks, and whether a frame was too large."""
    framer = SSEFramer(limit)
    frames: list[SSEFrame] = []
    try:
        for chunk in chunks:
            frames += framer.feed(chunk)
        framer.close()
    except FrameTooLargeError:
        return triples(frames), True
    return triples(frames), False


def lines_by_the_letter(body: bytes) -> Iterator[str]:
    """The lines that have an end, found a character at a time in the decoded text."""
    line, before = "", ""
    for char in body.decode("utf-8", "replace").removeprefix("\ufeff"):
        if char == "\n" and before == "\r":
            pass  # the second half of a CRLF
        elif char in "\r\n":
            yield line
            line = ""
        else:
            line += char
        before = char


def by_the_letter(body: bytes) -> list[tuple[str, str, str]]:
    """A second parser: slow, and in the order of the specification's sentences."""
    data, event, last_id = "", "", ""
    given: list[tuple[str, str, str]] = []
    for line in lines_by_the_letter(body):
        if line == "":
            if data != "":
                given.append((event, data[:-1], last_id))
            data, event = "", ""
            continue
        if line[0] == ":":
            continue
        field, value = (line[: line.index(":")], line[line.index(":") + 1 :]) if ":" in line else (line, "")
        if value[:1] == " ":
            value = value[1:]
        if field == "event":
            event = value
        elif field == "data":
            data = data + value + "\n"
        elif field == "id" and "\0" not in value:
            last_id = value
        elif field == "error":  # our addition
            event, data = "error", data + value + "\n"
    return given


def decoded(frames: list[Triple]) -> list[tuple[str, str, str]]:
    return [(event, data.decode("utf-8", "replace"), id) for event, data, id in frames]


TOKENS = [
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"data",
        b"data:",
        b"data: ",
        b"event: ",
        b"event:",
        b"id: ",
        b"id",
        b"error: ",
        b"retry: 1",
    ),
    *(
        b":",
        b" ",
        b": ",
        b"\0",
        BOM,
        BOM[:1],
        BOM[1:],
        b"x",
        b"\xc3",
        b"\xa9",
        b"\xff",
        b"Data: ",
        "\u2028\x85".encode(),
        b"[DONE]",
    ),
]
ODD = st.sampled_from(
    [b"data: b", b"event: e\ndata: a", b"data: a\nid: 1", b"data: a\rdata: b", b"event: f\ndata: a\rb", b"", b":", b"data: \n"]
)
alike = st.builds(
    lambda events, end: b"".join(event.replace(b"\n", end) + end + end for event in events),
    st.lists(st.just(b"data: a") | ODD, max_size=8) | st.lists(st.just(b"event: e\ndata: a") | ODD, max_size=8),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
"""Streams as providers write them, whole events of one kind, among them some that only resemble it."""

bodies = st.lists(st.sampled_from(TOKENS), max_size=30).map(b"".join) | st.binary(max_size=40) | alike
cut_bodies = bodies.flatmap(lambda body: st.tuples(st.just(body), chunkings(body)))


@every_vector
def test_whole(body: bytes, expected: list[Triple]) -> None:
    """Fed at once, each vector gives its frames."""
    assert fed([body]) == (expected, False)


@every_vector
def test_any_cut(body: bytes, expected: list[Triple]) -> None:
    """Fed byte by byte with empty reads between, cut in two at every point, or at random, it gives the same frames."""
    assert fed(piece for byte in cuts(body, "bytes", "") for piece in (byte, b"")) == (expected, False)
    for at in range(len(body) + 1):
        assert fed([body[:at], body[at:]]) == (expected, False), at
    for seed in range(20):
        assert fed(cuts(body, "random", str(seed))) == (expected, False), seed


@every_vector
def test_vectors_by_the_letter(body: bytes, expected: list[Triple]) -> None:
    """The slow parser agrees with the table, so both may be believed."""
    assert by_the_letter(body) == decoded(expected)


@given(cut_bodies)
def test_agrees_with_the_letter(case: tuple[bytes, list[bytes]]) -> None:
    """Whatever the bytes and the cuts, the frames are those of the slow parser."""
    body, chunks = case
    frames, _ = fed(chunks)
    assert decoded(frames) == by_the_letter(body)


@given(bodies)
def test_lockstep(body: bytes) -> None:
    """After every byte, all events whose last line-ending byte has come were given, also those that end in CR."""
    framer = SSEFramer()
    frames: list[SSEFrame] = []
    for at in range(len(body)):
        frames += framer.feed(body[at : at + 1])
        assert len(frames) == len(by_the_letter(body[: at + 1]))


@needs_corpus
@pytest.mark.parametrize(
    "format", ["openai-chat", "openai-responses", "anthropic-messages", "gemini", "replicate", "cohere-v2"]
)
def test_recorded_traffic(format: str) -> None:
    """Bodies of real services give the slow parser's frames, whole and cut."""
    for recording in [recording for recording in recordings(format) if len(recording.body) < 12_000][:12]:
        body = recording.body
        expected = by_the_letter(body)
        for way in ("whole", "bytes", "random"):
            assert decoded(fed(cuts(body, way, recording.name))[0]) == expected, recording


@pytest.mark.parametrize(
    ("body", "clean"),
    [
        (b"", True),
        (b"data: a\n\n", True),
        (b"data: a\r\r", True),
        (b"data: a\r\n\r", True),
        (b": ping\n", True),
        (b"id: 1\n", True),
        (BOM, True),
        (b"data: a", False),
        (b"data: a\n", False),
        (b"data:\n", False),
        (b"event: x\n", False),
        (b"data: a\n\n: pi", False),
        (BOM[:2], False),
    ],
)
def test_close_tells_a_frame_boundary(body: bytes, clean: bool) -> None:
    """close() is true between two events and false inside one, at any cut."""
    for way in ("whole", "bytes"):
        framer = SSEFramer()
        for chunk in cuts(body, way, ""):
            framer.feed(chunk)
        assert framer.close() is clean


OVERSIZED: dict[str, tuple[bytes, bytes]] = {
    "a line without end": (b"data: ", b"x"),
    "an unknown field without end": (b"", b"x"),
    "a comment without end": (b":", b"x"),
    "a name without end": (b"event: ", b"x"),
    "an id without end": (b"id: ", b"x"),
    "many lines of data": (b"", b"data: abcdefgh\n"),
    "many short lines of data": (b"", b"data:x\r"),
    "many empty lines of data": (b"", b"data\r\n"),
    "data under a long name": (b"event: " + b"n" * 500 + b"\n", b"data: a\n"),
    "data under a long id": (b"id: " + b"n" * 500 + b"\n", b"data: a\n"),
}


@pytest.mark.parametrize(("head", "again"), OVERSIZED.values(), ids=OVERSIZED)
@pytest.mark.parametrize("size", [1, 7, 64])
def test_never_buffered_beyond_the_limit(head: bytes, again: bytes, size: int) -> None:
    """A frame that never ends is refused, and until then no more than the limit is held."""
    limit = 1000
    framer = SSEFramer(limit)
    body = head + again * 3000
    with pytest.raises(FrameTooLargeError, match=r"more than 1000 bytes; raise Limits\.frame_bytes"):
        feed_all(framer, body, size, limit)
    assert len(framer._pending) == 0


def feed_all(framer: SSEFramer, body: bytes, size: int, limit: int) -> None:
    for at in range(0, len(body), size):
        framer.feed(body[at : at + size])
        assert framer._held() + len(framer._pending) <= limit


@pytest.mark.parametrize("way", ["whole", "bytes", "random"])
@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_the_limit_is_exact(way: str, end: bytes) -> None:
    """A line of as many bytes as the limit passes, one byte more does not, however it is cut."""
    line = b"data: " + b"x" * 94
    assert fed(cuts(line + end, way, ""), limit=100) == ([("", b"x" * 94, "")], False)
    assert fed(cuts(line + b"x" + end, way, ""), limit=100) == ([], True)


@pytest.mark.parametrize("way", ["whole", "bytes", "random"])
def test_the_limit_is_for_each_event(way: str) -> None:
    """Many events under the limit pass, and comments between lines do not count."""
    body = (b"data: " + b"x" * 90 + b"\n" + b": ping\n" * 50 + b"\n") * 20
    assert fed(cuts(body, way, ""), limit=120) == ([("", b"x" * 90, "")] * 20, False)


def test_the_limit_counts_all_that_is_held() -> None:
    """Id, name and data weigh against the limit together with the line at hand."""
    held = b"id: " + b"i" * 20 + b"\nevent: " + b"n" * 20 + b"\ndata: " + b"d" * 20 + b"\n:"
    assert fed([held + b"x" * 39 + b"\n\n"], limit=100) == ([("n" * 20, b"d" * 20, "i" * 20)], False)
    assert fed([held + b"x" * 40 + b"\n\n"], limit=100) == ([], True)


def test_frames_before_a_bad_one_are_given() -> None:
    """What was whole before an oversized frame is handed out, then every call raises."""
    framer = SSEFramer(100)
    assert triples(framer.feed(b"data: a\n\ndata: b\n\ndata: " + b"x" * 200)) == [("", b"a", ""), ("", b"b", "")]
    for call in (lambda: framer.feed(b""), lambda: framer.feed(b"data: c\n\n"), framer.close):
        with pytest.raises(FrameTooLargeError):
            call()


@given(cut_bodies, st.integers(2, 40))
def test_the_limit_is_the_same_at_any_cut(case: tuple[bytes, list[bytes]], limit: int) -> None:
    """Frames and refusal do not depend on the cuts."""
    body, chunks = case
    assert fed(chunks, limit) == fed([body], limit)


def test_an_endless_event_costs_no_more_memory_than_the_limit() -> None:
    """One-letter data lines without end, in reads of 4 KiB, never take much more than twice a limit of 1 MiB."""
    limit = 1 << 20
    framer = SSEFramer(limit)
    body = b"data:x\n" * (16 * limit // 7)
    tracemalloc.start()
    try:
        with pytest.raises(FrameTooLargeError):
            feed_all(framer, body, 4096, limit)
        assert tracemalloc.get_traced_memory()[1] < 2.5 * limit
    finally:
        tracemalloc.stop()


class Counting(bytearray):
    """A buffer that counts the bytes that pass through it: those appended, and those copied out of it."""

    moved = 0

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]  # the stubs give + and += one signature
        self.moved += len(other)
        return super().__iadd__(other)

    def __bytes__(self) -> bytes:
        self.moved += len(self)
        return bytes(memoryview(self))


def bytes_moved(body: bytes) -> tuple[int, int]:
    """The bytes that feeding the body, one at a time, moves through the buffer of the line and that of the data."""
    framer = SSEFramer()
    framer._pending, framer._more = line, data = Counting(), Counting()
    for byte in cuts(body, "bytes", ""):
        framer.feed(byte)
    return line.moved, data.moved


def calls_made(body: bytes, size: int) -> int:
    """The calls, of Python and C functions, that feeding the body costs."""
    framer = SSEFramer()
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


LARGE: dict[str, tuple[bytes, bytes, bytes]] = {
    "one long line": (b"data: ", b"x", b"\n\n"),
    "one event of many lines": (b"", b"data: abc\n", b"\n"),
    "many events": (b"", b"event: x\ndata: abc\r\n\r\n", b""),
    "a name after a long line": (b"data: ", b"x", b"\nevent: x\n\n"),
}


@pytest.mark.parametrize(("head", "again", "end"), LARGE.values(), ids=LARGE)
def test_bytes_moved_grow_with_the_bytes(head: bytes, again: bytes, end: bytes) -> None:
    """One byte at a time, twice the bytes move at most twice as many through the buffers: nothing is copied again and again."""
    once, twice = (sum(bytes_moved(head + again * count + end)) for count in (2000, 4000))
    assert 2000 <= once <= 3 * len(head + again * 2000 + end)
    assert twice <= 2.01 * once


def test_lines_of_data_are_gathered_in_the_buffer() -> None:
    """Every further line of data, with the LF before it, goes through the buffer that is counted above, once."""
    assert bytes_moved(b"data: abc\n" * 2000 + b"\n")[1] == 1999 * len("\nabc")


@pytest.mark.parametrize(("head", "again", "end"), LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("size", [1, 16, 4096])
def test_calls_grow_with_the_bytes(head: bytes, again: bytes, end: bytes, size: int) -> None:
    """Twice the bytes cost at most twice the calls, at any size of read."""
    once, twice = (calls_made(head + again * count + end, size) for count in (4096, 8192))
    assert twice <= 2.05 * once


@given(st.binary(max_size=60) | bodies, st.text().filter(lambda name: not set("\r\n") & set(name)))
def test_what_is_written_is_read_back(data: bytes, event: str) -> None:
    """encode() and the framer are inverse, but that CR and CRLF in the data come back as LF."""
    read = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert fed([encode(data, event)]) == ([(event, read, "")], False)


@given(st.lists(st.binary(max_size=20) | bodies, max_size=5).map(lambda parts: b"".join(encode(part) for part in parts)))
def test_what_is_written_ends_at_a_boundary(body: bytes) -> None:
    """After any number of written events the stream is at a frame boundary."""
    framer = SSEFramer()
    framer.feed(body)
    assert framer.close()


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "x\n\ndata: injected"])
def test_a_name_with_a_line_end_is_refused(name: str) -> None:
    """An event name cannot smuggle in lines of its own."""
    with pytest.raises(InputError, match="has a line end"):
        encode(b"a", name)


@given(st.text())
def test_a_comment_is_invisible(text: str) -> None:
    """Whatever a comment says, readers see nothing of it, and the event after it is whole."""
    assert fed([encode_comment(text) + b"data: a\n\n"]) == ([("", b"a", "")], False)


def test_a_comment_is_the_usual_ping() -> None:
    """An empty comment is a colon, one with text has a space, and both end in a blank line."""
    assert (encode_comment(), encode_comment("ping")) == (b":\n\n", b": ping\n\n")


def test_a_frame_is_a_value() -> None:
    """Frames compare by content and cannot be changed."""
    frame = SSEFrame("x", b"a", "1")
    assert frame == SSEFrame("x", b"a", "1")
    with pytest.raises(AttributeError):
        frame.data = b"b"  # type: ignore[misc]
