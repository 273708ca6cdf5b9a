"""Responses are read to the same end however their bytes are cut."""

from __future__ import annotations

import random

import pytest

from bourn.mock.responses import ResponseReader
from tests.recordings import cuts

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: a\r\nx: b\r\n\r\n"

WHOLE: dict[str, tuple[bytes, bytes]] = {
    "chunked": (CHUNKED + b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n", b"hello world"),
    "length": (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
    "nothing": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "empty": (b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", b""),
    "after 100": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Too Many\r\ncontent-length: 2\r\n\r\nno", b"no"),
}


@pytest.mark.parametrize("way", ["whole", "bytes", "random"])
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_response(name: str, way: str) -> None:
    """The body comes out as it was, and the last byte is known to be the last; what follows is not its business."""
    raw, body = WHOLE[name]
    reader = ResponseReader()
    out = b""
    for piece in cuts(raw, way, name):
        assert not reader.whole
        out += reader.feed(piece)
    assert (out, reader.whole, reader.missing, reader.strange) == (body, True, 0, None)
    assert reader.feed(b"more") == b""


@pytest.mark.parametrize(
    ("raw", "body", "missing"),
    [
        (CHUNKED + b"5\r\nhel", b"hel", 2),
        (CHUNKED + b"5\r\nhello\r\n", b"hello", 0),
        (CHUNKED + b"5\r\nhello\r\n6\r", b"hello", 0),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", b"hello", 4),
    ],
)
def test_a_cut_response_is_not_whole(raw: bytes, body: bytes, missing: int) -> None:
    """What was announced and did not come is counted; the connection's end does not make it whole."""
    reader = ResponseReader()
    out = reader.feed(raw)
    reader.close()
    assert (out, reader.missing, reader.whole) == (body, missing, False)


def test_without_a_length_the_connections_end_is_the_end():
    """Only that tells."""
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\nhel") + reader.feed(b"lo") == b"hello"
    assert not reader.whole
    reader.close()
    assert reader.whole


def test_a_head_alone_answers_head():
    """Its content length is about a body that does not come."""
    reader = ResponseReader("HEAD")
    reader.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
    assert reader.whole


def test_headers_are_lower_case_and_joined():
    """Names in lower case, values in order; whether the connection is kept is told."""
    reader = ResponseReader()
    reader.feed(CHUNKED)
    assert reader.head is not None
    assert reader.head.headers == {"transfer-encoding": "chunked", "x": "a, b"}
    assert reader.head.keep_alive


@pytest.mark.parametrize("raw", [b"SSH-2.0-x\r\n\r\n", CHUNKED + b"zz\r\n", CHUNKED + b"1\r\nabc\r\n", b"x" * 2_000_000])
def test_what_is_no_response_is_strange_and_no_error(raw: bytes) -> None:
    """It says why, and takes whatever follows."""
    reader = ResponseReader()
    for piece in cuts(raw, "random" if len(raw) < 100 else "whole", str(random.Random(raw).random())):
        reader.feed(piece)
    assert reader.strange
    assert reader.feed(b"more") == b""
    assert not reader.whole
