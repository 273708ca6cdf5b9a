"""A streamed JSON array, held to `json` and to a second parser that reads byte by byte, at every cut."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.errors import FrameTooLargeError
from bourn.testing.strategies import chunkings, json_values
from bourn.wire.json_array import JsonArrayFramer
from tests.recordings import Recording, cuts, needs_corpus, recordings

VECTORS: dict[str, tuple[bytes, list[bytes], bool]] = {
    # arrays
    "nothing": (b"", [], True),
    "an empty array": (b"[]", [], True),
    "an empty array, spread out": (b" \r\n[\t\n ]\r\n", [], True),
    "one object": (b'[{"a":1}]', [b'{"a":1}'], True),
    "two objects": (b'[{"a":1},{"b":2}]', [b'{"a":1}', b'{"b":2}'], True),
    "as Google writes it": (b'[{\n  "a": 1\n}\n,\r\n{\n  "b": []\n}\n]', [b'{\n  "a": 1\n}', b'{\n  "b": []\n}'], True),
    "space everywhere": (b'\n [ \t{ "a" : 1 } \r\n , {}\n ] \n', [b'{ "a" : 1 }', b"{}"], True),
    "an array without its end": (b'[{"a":1}', [b'{"a":1}'], False),
    "an array that goes on": (b'[{"a":1},', [b'{"a":1}'], False),
    "an array that only begins": (b"[", [], False),
    "arrays in the array": (b"[[1,2],[],[[3]]]", [b"[1,2]", b"[]", b"[[3]]"], True),
    "deep ones": (b"[" + b"[{}," * 20 + b"{}" + b"]" * 20 + b"]", [b"[{}," * 20 + b"{}" + b"]" * 20], True),
    "all kinds": (
        b'[1, -2.5e3,true ,null\n,"a",{},[]]',
        [b"1", b"-2.5e3", b"true", b"null", b'"a"', b"{}", b"[]"],
        True,
    ),
    # strings
    "brackets in strings": (b'[{"}]":"[{,"},"]",{"a":"\\\\"}]', [b'{"}]":"[{,"}', b'"]"', b'{"a":"\\\\"}'], True),
    "escaped quotes": (b'[{"\\"}":"\\\\\\"]"},"\\""]', [b'{"\\"}":"\\\\\\"]"}', b'"\\""'], True),
    "line ends in strings": (b'["a\r\nb","\\\n"]', [b'"a\r\nb"', b'"\\\n"'], True),
    "UTF-8 in strings": ('["\u2028\u20ac\U0001f600"]'.encode(), ['"\u2028\u20ac\U0001f600"'.encode()], True),
    "an unfinished string": (b'[{"a":"b}', [], False),
    "an unfinished escape": (b'[{"a":"\\', [], False),
    # outside an array
    "a bare object": (b'{"error": {"code": 400}}\n', [b'{"error": {"code": 400}}'], True),
    "bare objects": (b'{"a":1}\n{"b":2}', [b'{"a":1}', b'{"b":2}'], True),
    "an object after the array": (b'[{"a":1}]\n{"error":1}', [b'{"a":1}', b'{"error":1}'], True),
    "an unfinished object": (b'{"a":', [], False),
    # what is no JSON
    "a page": (b"<html>no</html>\n", [b"<html>no</html>"], True),
    "words": (b"upstream error\n", [b"upstream", b"error"], True),
    "a word without an end": (b"Unauthorized", [], False),
    "stray brackets": (b"}][{}]]", [b"}", b"{}"], True),
    "brackets that do not fit": (b"[{]},{}", [b"{]", b"}", b"{}"], False),
    "no commas": (b'[{}{}"a"1"b"]', [b"{}", b"{}", b'"a"', b"1", b'"b"'], True),
}

every_vector = pytest.mark.parametrize(("body", "expected", "clean"), VECTORS.values(), ids=VECTORS)


def fed(chunks: Iterable[bytes], limit: int = 1 << 20) -> tuple[list[bytes], bool | None]:
    """All elements of the chunks, and whether they ended at a boundary; ``None`` where one was too large."""
    framer = JsonArrayFramer(limit)
    frames: list[bytes] = []
    try:
        for chunk in chunks:
            frames += framer.feed(chunk)
        return frames, framer.close()
    except FrameTooLargeError:
        return frames, None


class ByTheLetter:
    """A second parser: slow, one byte at a time."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.element = b""
        self.depth = 0
        self.string = self.escaped = self.in_array = False

    def take(self, byte: bytes) -> None:
        if self.string or self.depth:
            self.element += byte
            self._inside(byte)
            if not (self.string or self.depth):
                self._give()
            return
        if self.element and byte in b' \t\r\n,"{}[]':
            self._give()
        if byte in b" \t\r\n,":
            return
        if byte == b"]" or (byte == b"[" and not self.in_array):
            self.in_array = byte == b"["
            return
        self.element += byte
        if byte == b"}":
            self._give()
        elif byte in b'"{[':
            self._inside(byte)

    def _inside(self, byte: bytes) -> None:
        if self.string:
            self.string = byte != b'"' or self.escaped
            self.escaped = byte == b"\\" and not self.escaped
        elif byte == b'"':
            self.string = True
        else:
            self.depth += (byte in b"{[") - (byte in b"}]")

    def _give(self) -> None:
        self.frames.append(self.element)
        self.element = b""


def by_the_letter(body: bytes) -> tuple[list[bytes], bool]:
    slow = ByTheLetter()
    for byte in cuts(body, "bytes", ""):
        slow.take(byte)
    return slow.frames, not (slow.element or slow.in_array)


TOKENS = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b'"',
    b"\\",
    b",",
    b":",
    b" ",
    b"\r\n",
    b"a",
    b"1",
    b'{"a":',
    b'"b"',
    b"[{",
    b"}]",
    b"\xe2",
]
bodies = st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join) | st.binary(max_size=40)
layouts = st.sampled_from([{"separators": (",", ":")}, {}, {"indent": 2}, {"indent": "\t", "ensure_ascii": False}])
documents = st.tuples(st.lists(json_values, max_size=4), layouts).map(lambda told: json.dumps(told[0], **told[1]).encode())


@every_vector
def test_whole(body: bytes, expected: list[bytes], clean: bool) -> None:
    """Fed at once, each vector gives its elements, and close() tells whether it ended at a boundary."""
    assert fed([body]) == (expected, clean)


@every_vector
def test_any_cut(body: bytes, expected: list[bytes], clean: bool) -> None:
    """Fed byte by byte with empty reads between, cut in two at every point, or at random, it gives the same."""
    assert fed(piece for byte in cuts(body, "bytes", "") for piece in (byte, b"")) == (expected, clean)
    for at in range(len(body) + 1):
        assert fed([body[:at], body[at:]]) == (expected, clean), at
    for seed in range(20):
        assert fed(cuts(body, "random", str(seed))) == (expected, clean), seed


@every_vector
def test_vectors_by_the_letter(body: bytes, expected: list[bytes], clean: bool) -> None:
    """The slow parser agrees with the table, so both may be believed."""
    assert by_the_letter(body) == (expected, clean)


@given(documents.flatmap(lambda body: st.tuples(st.just(body), chunkings(body))))
def test_agrees_with_json(case: tuple[bytes, list[bytes]]) -> None:
    """Whatever values stand in the array, and however they are laid out and cut, each element is the JSON of one of them."""
    body, chunks = case
    frames, clean = fed(chunks)
    assert ([json.loads(frame) for frame in frames], clean) == (json.loads(body), True)


@given(bodies.flatmap(lambda body: st.tuples(st.just(body), chunkings(body))))
def test_agrees_with_the_letter(case: tuple[bytes, list[bytes]]) -> None:
    """Whatever the bytes and the cuts, the elements are those of the slow parser."""
    body, chunks = case
    assert fed(chunks) == by_the_letter(body)


@given(documents | bodies)
def test_lockstep(body: bytes) -> None:
    """After every byte, each element whose last byte has come was given."""
    framer, slow, frames = JsonArrayFramer(), ByTheLetter(), []
    for byte in cuts(body, "bytes", ""):
        frames += framer.feed(byte)
        slow.take(byte)
        assert frames == slow.frames


RECORDED = [one for one in recordings("gemini") if one.response.get("framing") == "json-array"]


@needs_corpus
@pytest.mark.parametrize("way", ["whole", "bytes", "random"])
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_recorded_traffic(recording: Recording, way: str) -> None:
    """Recorded arrays give the objects that `json` finds in them, whole and cut."""
    frames, clean = fed(cuts(recording.body, way, recording.name))
    assert ([json.loads(frame) for frame in frames], clean) == (json.loads(recording.body), True)


OVERSIZED: dict[str, tuple[bytes, bytes]] = {
    "a string without end": (b'[{"a":"', b"x"),
    "a string of escapes": (b'["', b'\\"'),
    "an object without end": (b"[{", b'"a":1,'),
    "brackets without end": (b"[", b"["),
    "a word without end": (b"", b"x"),
    "white space inside": (b"[{", b"\r\n"),
}


@pytest.mark.parametrize(("head", "again"), OVERSIZED.values(), ids=OVERSIZED)
@pytest.mark.parametrize("size", [1, 7, 64])
def test_never_buffered_beyond_the_limit(head: bytes, again: bytes, size: int) -> None:
    """An element that never ends is refused, and until then no more than the limit is held."""
    framer = JsonArrayFramer(1000)

    def feed_all() -> None:
        body = head + again * 3000
        for at in range(0, len(body), size):
            framer.feed(body[at : at + size])
            assert len(framer._pending) <= 1000

    with pytest.raises(FrameTooLargeError, match=r"more than 1000 bytes; raise Limits\.frame_bytes"):
        feed_all()
    assert len(framer._pending) == 0


@pytest.mark.parametrize("way", ["whole", "bytes", "random"])
@pytest.mark.parametrize("element", [b'{"a":"%b"}', b'["%b"]', b'"%b"', b"%b"])
def test_the_limit_is_exact_and_for_each_element(way: str, element: bytes) -> None:
    """An element of as many bytes as the limit passes, any number of times; one byte more does not, however it is cut."""
    fits = element % (b"x" * (100 - len(element) + 2))
    assert len(fits) == 100
    body = b"[" + b" ,\r\n".join([fits] * 5) + b" " * 500 + b"]"
    assert fed(cuts(body, way, ""), limit=100) == ([fits] * 5, True)
    assert fed(cuts(body, way, ""), limit=99) == ([], None)


def test_elements_before_a_bad_one_are_given() -> None:
    """What was whole before an oversized element is handed out, then every call raises."""
    framer = JsonArrayFramer(100)
    assert framer.feed(b'[{"a":1},{"b":2},"' + b"x" * 200) == [b'{"a":1}', b'{"b":2}']
    for call in (lambda: framer.feed(b""), lambda: framer.feed(b'",{}'), framer.close):
        with pytest.raises(FrameTooLargeError):
            call()


@given(bodies.flatmap(lambda body: st.tuples(st.just(body), chunkings(body))), st.integers(1, 20))
def test_the_limit_is_the_same_at_any_cut(case: tuple[bytes, list[bytes]], limit: int) -> None:
    """Elements and refusal do not depend on the cuts."""
    body, chunks = case
    assert fed(chunks, limit) == fed([body], limit)


class Counting(bytearray):
    """A buffer that counts the bytes that pass through it: those appended, and those copied out of it."""

    moved = 0

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]  # the stubs give + and += one signature
        self.moved += len(other)
        return super().__iadd__(other)

    def __bytes__(self) -> bytes:
        self.moved += len(self)
        return bytes(memoryview(self))


LARGE: dict[str, tuple[bytes, bytes, bytes]] = {
    "one long string": (b'["', b"x", b'"]'),
    "one string of escapes": (b'["', b'\\"', b'"]'),
    "one long object": (b'[{"":0', b',"a":[1]', b"}]"),
    "deep brackets": (b"", b"[", b""),
    "many objects": (b"[", b'{"a":{"b":"c"}},\r\n', b"]"),
}
every_large = pytest.mark.parametrize(("head", "again", "end"), LARGE.values(), ids=LARGE)


@every_large
def test_bytes_moved_grow_with_the_bytes(head: bytes, again: bytes, end: bytes) -> None:
    """One byte at a time, twice the bytes move at most twice as many through the buffer: nothing is copied again and again."""

    def moved(count: int) -> int:
        framer = JsonArrayFramer()
        framer._pending = buffer = Counting()
        for byte in cuts(head + again * count + end, "bytes", ""):
            framer.feed(byte)
        return buffer.moved

    once, twice = moved(2000), moved(4000)
    assert 1900 <= once <= 2 * len(head + again * 2000 + end)
    assert twice <= 2.01 * once


@every_large
@pytest.mark.parametrize("size", [1, 16, 4096])
def test_calls_grow_with_the_bytes(head: bytes, again: bytes, end: bytes, size: int) -> None:
    """Twice the bytes cost at most twice the calls, of Python and C functions, at any size of read."""

    def calls(count: int) -> int:
        framer, made, body = JsonArrayFramer(), 0, head + again * count + end

        def note(frame: FrameType, event: str, arg: object) -> None:
            nonlocal made
            made += event in {"call", "c_call"}

        sys.setprofile(note)
        try:
            for at in range(0, len(body), size):
                framer.feed(body[at : at + size])
        finally:
            sys.setprofile(None)
        return made

    assert calls(8192) <= 2.05 * calls(4096)


def test_an_object_in_one_piece_is_one_match() -> None:
    """An object nested as deep as services nest theirs costs the same few calls, however much it holds."""

    def calls(body: bytes) -> int:
        framer, made = JsonArrayFramer(), 0

        def note(frame: FrameType, event: str, arg: object) -> None:
            nonlocal made
            made += event in {"call", "c_call"}

        sys.setprofile(note)
        try:
            framer.feed(body)
        finally:
            sys.setprofile(None)
        return made

    large = {"candidates": [{"content": {"parts": [{"text": "[{" * 50}] * 50}, "index": 0}], "usage": {"all": [{"n": 1}] * 50}}
    assert calls(json.dumps(large).encode()) == calls(b"{}")
