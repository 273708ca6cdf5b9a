"""The framing of Gemini's streams: events, then perhaps bare JSON; the border is found at any cut."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.gemini.frames import GeminiFramer
from bourn.errors import FrameTooLargeError
from bourn.testing.strategies import chunkings
from bourn.wire.sse import SSEFrame, SSEFramer
from tests.recordings import Recording, cuts, needs_corpus, recordings

A = b"data: a\r\n\r\n"
VECTORS: dict[str, tuple[bytes, list[bytes], bool]] = {
    "nothing": (b"", [], True),
    "events": (A + A, [b"a", b"a"], True),
    "a bare object after them": (A + b'{\n  "error": {}\n}\n', [b"a", b'{\n  "error": {}\n}'], True),
    "without a line end": (A + b'{"error":{}}', [b"a", b'{"error":{}}'], True),
    "a bare array after them": (A + b"[{}\n,\r\n{}]", [b"a", b"{}", b"{}"], True),
    "bare from the beginning": (b'{"error":1}\n', [b'{"error":1}'], True),
    "an array from the beginning": (b'[{"a":1}]', [b'{"a":1}'], True),
    "an unfinished one": (A + b'{"error":', [b"a"], False),
    "an unfinished event": (A + b"data: b", [b"a"], False),
    "brackets inside lines": (b'data: {"a":\ndata: [{}]}\n\n: {\nfoo: [\n\n', [b'{"a":\n[{}]}'], True),
    "an event that is not finished before it": (b"data: a\n{}", [b"{}"], True),
    "events that would come after it": (b"{}\ndata: a\n\n", [b"{}", b"data:", b"a"], True),
}

every_vector = pytest.mark.parametrize(("body", "expected", "clean"), VECTORS.values(), ids=VECTORS)


def fed(chunks: Iterable[bytes], limit: int = 1 << 20) -> tuple[list[bytes], bool | None]:
    """The data of all frames, and whether they ended at a boundary; ``None`` where one was too large."""
    framer = GeminiFramer(limit)
    frames: list[SSEFrame | bytes] = []
    clean: bool | None = None
    try:
        for chunk in chunks:
            frames += framer.feed(chunk)
        clean = framer.close()
    except FrameTooLargeError:
        pass
    return [frame if isinstance(frame, bytes) else frame.data for frame in frames], clean


@every_vector
def test_any_cut(body: bytes, expected: list[bytes], clean: bool) -> None:
    """Whole, byte by byte with empty reads between, and cut in two at every point: the same frames."""
    assert fed([body]) == (expected, clean)
    assert fed(piece for byte in cuts(body, "bytes", "") for piece in (byte, b"")) == (expected, clean)
    for at in range(len(body) + 1):
        assert fed([body[:at], body[at:]]) == (expected, clean), at


TOKENS = [
    b"data: a\n\n",
    b"data: ",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\n",
    b"\r\n",
    b"\r",
    b": x\n",
    b" ",
    b"a",
    b",",
    b'{"a":1}\n',
]
bodies = st.lists(st.sampled_from(TOKENS), max_size=25).map(b"".join)


@given(bodies.flatmap(lambda body: st.tuples(st.just(body), chunkings(body))), st.integers(4, 30))
def test_frames_and_refusal_are_the_same_at_any_cut(case: tuple[bytes, list[bytes]], limit: int) -> None:
    """Also where a frame of either half is too large: those before it are given first."""
    body, chunks = case
    assert fed(chunks, limit) == fed([body], limit)


def test_what_is_owed_is_raised_by_every_later_call() -> None:
    """An oversized event before the border, and an oversized object after it, come after the frames before them."""
    for body in (A + b"data: " + b"x" * 50 + b"\r\n\r\n{}", A + b"{" + b" " * 50 + b"}"):
        framer = GeminiFramer(30)
        assert [frame.data for frame in framer.feed(body) if isinstance(frame, SSEFrame)] == [b"a"]
        for call in (lambda it=framer: it.feed(b""), lambda it=framer: it.feed(b"{}"), framer.close):
            with pytest.raises(FrameTooLargeError):
                call()
    with pytest.raises(FrameTooLargeError):
        GeminiFramer(30).feed(b"{" + b" " * 50)


EVENTS = [one for one in recordings("gemini") if one.response.get("framing") == "sse"]


@needs_corpus
@pytest.mark.parametrize("recording", EVENTS, ids=repr)
def test_recorded_events_are_those_of_the_plain_framer(recording: Recording) -> None:
    """Where nothing is bare, this framer gives what server-sent events give."""
    plain = SSEFramer()
    expected = [frame.data for frame in plain.feed(recording.body)]
    assert fed(cuts(recording.body, "random", recording.name)) == (expected, plain.close())
