"""Newline-delimited JSON, held at every cut to a parser that takes one byte at a time."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Iterable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.errors import FrameTooLargeError, InputError
from bourn.testing.strategies import chunkings, json_values
from bourn.wire.ndjson import NDJSONFramer, encode
from tests.recordings import cuts, needs_corpus, recordings

BOM = b"\xef\xbb\xbf"
SPACE = b" \t\r"

VECTORS: dict[str, tuple[bytes, list[bytes], bool]] = {
    # line ends
    "LF": (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}'], True),
    "CRLF": (b'{"a":1}\r\n{"b":2}\r\n', [b'{"a":1}', b'{"b":2}'], True),
    "CRLF after a word": (b"null\r\n1\r\n", [b"null", b"1"], True),
    "blank lines": (b'\n\r\n \t\r\n{"a":1}\n\n\n{"b":2}\n\r\n', [b'{"a":1}', b'{"b":2}'], True),
    "white space around a line": (b' \t{"a": 1} \t\r\n  2 3\t\n', [b'{"a": 1}', b"2 3"], True),
    "white space inside is kept": (b'{ "a" :\t1 }\n', [b'{ "a" :\t1 }'], True),
    "a bare CR is white space": (b'{"a":1}\r{"b":2}\n1\r2\n', [b'{"a":1}', b'{"b":2}', b"1\r2"], True),
    "odd characters end no line": (
        '{"a":"\u2028\u2029\x85\x0b\x0c\x1c"}\n'.encode(),
        ['{"a":"\u2028\u2029\x85\x0b\x0c\x1c"}'.encode()],
        True,
    ),
    # the last line
    "an object without a line end": (b'{"a":1}\n{"done":true}', [b'{"a":1}', b'{"done":true}'], True),
    "an array without a line end": (b"[1,[2]]", [b"[1,[2]]"], True),
    "an object that is cut": (b'{"a":1}\n{"b":{"c":2}', [b'{"a":1}'], False),
    "a string that is cut": (b'{"a":"}', [], False),
    "a word without a line end may be cut": (b"12", [], False),
    "a string by itself without a line end": (b'"a"', [], False),
    "only white space is left": (b'{"a":1}\n \r', [b'{"a":1}'], True),
    # brackets
    "brackets in strings": (b'{"a":"}]{["}\n', [b'{"a":"}]{["}'], True),
    "escaped quotes": (b'{"a":"\\"}","\\\\":"}"}\n{"b":"\\\\"}', [b'{"a":"\\"}","\\\\":"}"}', b'{"b":"\\\\"}'], True),
    "an escape after a bracket": (b'{"a":"}\\""}', [b'{"a":"}\\""}'], True),
    "several on a line": (b'{"a":1}{"b":2} [3]4{5\n{"c":6}\n', [b'{"a":1}', b'{"b":2}', b"[3]", b"4{5", b'{"c":6}'], True),
    "a line end ends what is not closed": (b'{"a":[1\n{"b":2}\n"\n{}', [b'{"a":[1', b'{"b":2}', b'"', b"{}"], True),
    "a line end ends a string": (b'{"a":"\\\n"}\n{"b":2}\n', [b'{"a":"\\', b'"}', b'{"b":2}'], True),
    "brackets that do not fit": (b'{"a":1]}\n]\n', [b'{"a":1]', b"}", b"]"], True),
    "a comma between objects": (b'{"a":1},{"b":2}\n', [b'{"a":1}', b',{"b":2}'], True),
    "deep": (b"[" * 3000 + b"]" * 3000 + b"\n1\n", [b"[" * 3000 + b"]" * 3000, b"1"], True),
    # not JSON
    "a page": (b"<html>\n  <p>{oops}</p>\n", [b"<html>", b"<p>{oops}</p>"], True),
    "bad UTF-8": (b'{"a":"\xff"}\n\xff\xfe\n', [b'{"a":"\xff"}', b"\xff\xfe"], True),
    # byte-order mark
    "one BOM": (BOM + b'{"a":1}\n', [b'{"a":1}'], True),
    "two BOMs": (BOM + BOM + b"1\n", [BOM + b"1"], True),
    "a BOM on a later line": (b"1\n" + BOM + b"{}\n", [b"1", BOM + b"{}"], True),
    "half a BOM": (BOM[:2] + b"1\n", [BOM[:2] + b"1"], True),
    "only a BOM": (BOM, [], True),
    "only half a BOM": (BOM[:2], [], False),
    "nothing": (b"", [], True),
}

every_vector = pytest.mark.parametrize(("body", "expected", "clean"), VECTORS.values(), ids=VECTORS)


def fed(chunks: Iterable[bytes], limit: int = 1 << 20) -> tuple[list[bytes], bool | None]:
    """All lines of the chunks, and whether the end was clean (``None``: a line was too large)."""
    framer = NDJSONFramer(limit)
    frames: list[bytes] = []
    try:
        for chunk in chunks:
            frames += framer.feed(chunk)
        return frames, framer.close()
    except FrameTooLargeError:
        return frames, None


class Letter:
    """A second parser: slow, one byte at a time, in the order of the sentences at the head of ``ndjson``."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.line = b""
        self.depth = 0
        self.in_string = self.escaped = False

    def take(self, byte: bytes) -> None:
        if byte == b"\n":
            self.end(self.line.rstrip(SPACE))
        elif self.line or byte not in (b" ", b"\t", b"\r"):
            self.line += byte
            if self.line[:1] in (b"{", b"["):
                self.inside(byte)

    def inside(self, byte: bytes) -> None:
        if self.in_string:
            self.in_string = self.escaped or byte != b'"'
            self.escaped = byte == b"\\" and not self.escaped
        elif byte == b'"':
            self.in_string = True
        elif byte in (b"{", b"["):
            self.depth += 1
        elif byte in (b"}", b"]"):
            self.depth -= 1
            if self.depth == 0:
                self.end(self.line)

    def end(self, line: bytes) -> None:
        if line:
            self.frames.append(line)
        self.line, self.depth, self.in_string, self.escaped = b"", 0, False, False


def by_the_letter(body: bytes) -> tuple[list[bytes], bool]:
    letter = Letter()
    for at in range(3 if body.startswith(BOM) else 0, len(body)):
        letter.take(body[at : at + 1])
    return letter.frames, not letter.line


TOKENS = [
    *(
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b"\t",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\",
        b",",
        b":",
        b'\\"',
        b"\\\\",
        b"}{",
        b"{}",
        b"[]",
    ),
    *(b'{"a":1}', b'{"a":{"b":[1,2]}}', b'"a"', b"1", b"null", b"x", BOM, BOM[:1], b"\xff", "\u2028\x85é".encode()),
]
bodies = st.lists(st.sampled_from(TOKENS), max_size=30).map(b"".join) | st.binary(max_size=40)
cut_bodies = bodies.flatmap(lambda body: st.tuples(st.just(body), chunkings(body)))


@every_vector
def test_whole(body: bytes, expected: list[bytes], clean: bool) -> None:
    """Fed at once, each vector gives its lines."""
    assert fed([body]) == (expected, clean)


@every_vector
def test_any_cut(body: bytes, expected: list[bytes], clean: bool) -> None:
    """Fed byte by byte with empty reads between, cut in two at every point, or at random, it gives the same lines."""
    assert fed(piece for byte in cuts(body, "bytes", "") for piece in (byte, b"")) == (expected, clean)
    for at in range(len(body) + 1) if len(body) < 200 else ():
        assert fed([body[:at], body[at:]]) == (expected, clean), at
    for seed in range(20):
        assert fed(cuts(body, "random", str(seed))) == (expected, clean), seed


@every_vector
def test_vectors_by_the_letter(body: bytes, expected: list[bytes], clean: bool) -> None:
    """The slow parser agrees with the table, so both may be believed."""
    if body != BOM[:2]:  # the start of a byte-order mark is no line yet
        assert by_the_letter(body) == (expected, clean)


@given(cut_bodies)
def test_agrees_with_the_letter(case: tuple[bytes, list[bytes]]) -> None:
    """Whatever the bytes and the cuts, the lines are those of the slow parser."""
    body, chunks = case
    if not (len(body) < 3 and BOM.startswith(body)):
        assert fed(chunks) == by_the_letter(body)


@given(bodies)
def test_lockstep(body: bytes) -> None:
    """After every byte, all lines that are whole were given: objects at their last bracket, the rest at the line end."""
    framer = NDJSONFramer()
    frames: list[bytes] = []
    for at in range(len(body)):
        frames += framer.feed(body[at : at + 1])
        if at >= 2:
            assert frames == by_the_letter(body[: at + 1])[0]


@given(st.lists(json_values, max_size=5), st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.data())
def test_json_texts_come_out_as_they_went_in(values: list[Any], end: bytes, data: st.DataObject) -> None:
    """Any JSON, a text a line, is read back value by value, wherever it is cut."""
    body = b"".join(json.dumps(value, ensure_ascii=False).encode() + end for value in values)
    frames, clean = fed(data.draw(chunkings(body)))
    assert [json.loads(frame) for frame in frames] == values
    assert clean


@given(st.dictionaries(st.text(max_size=3), json_values, min_size=1))
def test_an_object_is_whole_with_its_last_byte_only(value: dict[str, Any]) -> None:
    """Without a line end it is given when its bracket closes, and none of its prefixes is."""
    body = json.dumps(value, ensure_ascii=False).encode()
    framer = NDJSONFramer()
    for at in range(len(body) - 1):
        assert framer.feed(body[at : at + 1]) == []
        assert not framer.close()
    assert framer.feed(body[-1:]) == [body]
    assert framer.close()


@needs_corpus
@pytest.mark.parametrize("format", ["ollama", "cohere-v1"])
def test_recorded_traffic(format: str) -> None:
    """Bodies of real services give their lines, whole and cut."""
    for recording in [recording for recording in recordings(format) if len(recording.body) < 12_000][:12]:
        body = recording.body
        expected = [line for line in body.split(b"\n") if line]
        assert by_the_letter(body) == (expected, True)
        for way in ("whole", "bytes", "random"):
            assert fed(cuts(body, way, recording.name)) == (expected, True), recording


OVERSIZED: dict[str, tuple[bytes, bytes]] = {
    "a word without end": (b"", b"x"),
    "a string without end": (b'{"a":"', b"x"),
    "a list without end": (b"[", b"1,"),
    "brackets without end": (b"", b"["),
    "escapes without end": (b'["', b"\\"),
    "many members": (b"[", b'{"a":"}"},'),
}


@pytest.mark.parametrize(("head", "again"), OVERSIZED.values(), ids=OVERSIZED)
@pytest.mark.parametrize("size", [1, 7, 64])
def test_never_buffered_beyond_the_limit(head: bytes, again: bytes, size: int) -> None:
    """A line that never ends is refused, and until then no more than the limit is held."""
    limit = 1000
    framer = NDJSONFramer(limit)
    body = head + again * 3000
    with pytest.raises(FrameTooLargeError, match=r"more than 1000 bytes; raise Limits\.frame_bytes"):
        feed_all(framer, body, size, limit)
    assert len(framer._pending) == 0


def feed_all(framer: NDJSONFramer, body: bytes, size: int, limit: int) -> None:
    for at in range(0, len(body), size):
        framer.feed(body[at : at + size])
        assert len(framer._pending) <= limit


def test_endless_white_space_is_not_held() -> None:
    """It belongs to no line, so it weighs nothing and is no error."""
    framer = NDJSONFramer(10)
    for _ in range(100):
        assert framer.feed(b" \t\r\r  ") == []
        assert len(framer._pending) == 0
    assert framer.feed(b'{"a":1}') == [b'{"a":1}']


@pytest.mark.parametrize("way", ["whole", "bytes", "random"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"   \n", b""])
def test_the_limit_is_exact(way: str, end: bytes) -> None:
    """A line of as many bytes as the limit passes, one byte more does not, however it is cut; white space around is free."""
    line = b'{"a":"' + b"x" * 92 + b'"}'
    assert fed(cuts(b"  " + line + end, way, ""), limit=100) == ([line], True)
    assert fed(cuts(b"1\n" + line.replace(b"x", b"xx", 1) + end, way, ""), limit=100) == ([b"1"], None)


@pytest.mark.parametrize("way", ["whole", "bytes", "random"])
def test_the_limit_is_for_each_line(way: str) -> None:
    """Many lines under the limit pass, also without line ends between them."""
    line = b'{"a":"' + b"x" * 80 + b'"}'
    assert fed(cuts((line + b"\n") * 20 + line * 20, way, ""), limit=100) == ([line] * 40, True)


def test_a_bad_line_with_nothing_before_it_is_an_error_at_once() -> None:
    """And from then on."""
    framer = NDJSONFramer(100)
    for _ in range(2):
        with pytest.raises(FrameTooLargeError):
            framer.feed(b"x" * 200)


def test_frames_before_a_bad_one_are_given() -> None:
    """What was whole before an oversized line is handed out, then every call raises."""
    framer = NDJSONFramer(100)
    assert framer.feed(b"1\n2\n" + b"x" * 200) == [b"1", b"2"]
    for call in (lambda: framer.feed(b""), lambda: framer.feed(b"3\n"), framer.close):
        with pytest.raises(FrameTooLargeError):
            call()


@given(cut_bodies, st.integers(3, 20))
def test_the_limit_is_the_same_at_any_cut(case: tuple[bytes, list[bytes]], limit: int) -> None:
    """Lines and refusal do not depend on the cuts."""
    body, chunks = case
    assert fed(chunks, limit) == fed([body], limit)


@pytest.mark.parametrize("again", [b"x", b"[", b'{"a":1},'])
def test_an_endless_line_costs_no_more_memory_than_the_limit(again: bytes) -> None:
    """In reads of 4 KiB it never takes much more than twice a limit of 1 MiB."""
    limit = 1 << 20
    framer = NDJSONFramer(limit)
    body = b"[" + again * (2 * limit // len(again))
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

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        self.moved += len(found)
        return found


def bytes_moved(body: bytes, size: int) -> int:
    """The bytes that feeding the body, so many at a time, moves through the buffer of the line."""
    framer = NDJSONFramer()
    framer._pending = buffer = Counting()
    for at in range(0, len(body), size):
        framer.feed(body[at : at + size])
    return buffer.moved


def calls_made(body: bytes, size: int) -> int:
    """The calls, of Python and C functions, that feeding the body costs."""
    framer = NDJSONFramer()
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
    "one long string": (b'{"a":"', b"x", b'"}\n'),
    "one long word": (b"", b"x", b"\n"),
    "brackets in a string": (b'{"a":"', b"}", b'"}\n'),
    "one object of many members": (b"[", b'{"a":{"b":1}},', b"1]\n"),
    "deep": (b"", b"[", b""),
    "many lines": (b"", b'{"a":{"b":1}}\n', b""),
    "many objects on one line": (b"", b'{"a":1}', b""),
    "broken lines": (b"", b'{"a":{"b":1}]}\n', b""),
}


@pytest.mark.parametrize(("head", "again", "end"), LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("size", [1, 16])
def test_bytes_moved_grow_with_the_bytes(head: bytes, again: bytes, end: bytes, size: int) -> None:
    """Twice the bytes move at most twice as many through the buffer: nothing is copied again and again."""
    once, twice = (bytes_moved(head + again * count + end, size) for count in (2000, 4000))
    assert once <= 4 * len(head + again * 2000 + end)
    assert twice <= 2.01 * once


@pytest.mark.parametrize(("head", "again", "end"), LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("size", [1, 16, 4096, 1 << 20])
def test_calls_grow_with_the_bytes(head: bytes, again: bytes, end: bytes, size: int) -> None:
    """Twice the bytes cost at most twice the calls, at any size of read."""
    once, twice = (calls_made(head + again * count + end, size) for count in (4096, 8192))
    assert twice <= 2.05 * once


@given(st.lists(json_values, max_size=5))
def test_what_is_written_is_read_back(values: list[Any]) -> None:
    """encode() and the framer are inverse, and every written line ends at a boundary."""
    texts = [json.dumps(value, ensure_ascii=False).encode() for value in values]
    assert fed([b"".join(encode(text) for text in texts)]) == (texts, True)


@pytest.mark.parametrize("data", [b"", b" \t\r", b'{"a":\n1}', b"1\n", b"\n"])
def test_what_no_reader_could_read_back_is_not_written(data: bytes) -> None:
    """A line end inside would make two lines of it, and a blank line is none."""
    with pytest.raises(InputError, match="one JSON text a line"):
        encode(data)
