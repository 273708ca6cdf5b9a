"""Requests are read right however they are cut, and everything doubtful or too large is refused."""

from __future__ import annotations

import random

import pytest

from bourn.mock import HttpRequest
from bourn.mock.http import BadHttpError, RequestReader

PLAIN = b"GET /a%20b?x=1&y=%2F&z HTTP/1.1\r\nHost: h\r\nX-Twice: 1\r\nx-twice:2 \r\n\r\n"
LONG = b"POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;note=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: yes\r\n\r\n"


def read(*pieces: bytes, **limits: int) -> list[HttpRequest]:
    reader, found = RequestReader(**limits), []
    for piece in pieces:
        reader.feed(piece)
        while (request := reader.next()) is not None:
            found.append(request)
    return found


def test_path_query_and_headers_are_decoded():
    (request,) = read(PLAIN)
    assert (request.method, request.path, request.query) == ("GET", "/a b", {"x": "1", "y": "/", "z": ""})
    assert request.headers == {"host": "h", "x-twice": "1, 2"}
    assert request.target == "/a%20b?x=1&y=%2F&z"


def test_requests_are_the_same_however_the_bytes_are_cut():
    stream = PLAIN + b"\r\n" + LONG + CHUNKED + PLAIN
    whole = read(stream)
    assert [request.body for request in whole] == [b"", b"hello", b"hello world", b""]
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == whole
    dice = random.Random(7)
    for _ in range(50):
        cuts = sorted(dice.sample(range(len(stream)), 6))
        assert read(*(stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True))) == whole


def test_a_body_is_wanted_only_after_a_head_that_expects_100_continue():
    reader = RequestReader()
    reader.feed(b"POST / HTTP/1.1\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n")
    assert reader.next() is None
    assert reader.continue_wanted
    reader.feed(b"ok")
    request = reader.next()
    assert request is not None
    assert (request.body, reader.continue_wanted) == (b"ok", False)
    assert RequestReader().next() is None


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        (b"1", b"", True),
        (b"1", b"close", False),
        (b"1", b"Upgrade, Close", False),
        (b"0", b"", False),
        (b"0", b"keep-alive", True),
    ],
)
def test_whether_the_connection_is_kept_follows_the_version_and_the_header(
    version: bytes, connection: bytes, kept: bool
) -> None:
    (request,) = read(b"GET / HTTP/1." + version + b"\r\nconnection: " + connection + b"\r\n\r\n")
    assert request.keep_alive is kept


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"HELLO\r\n\r\n", 400, "not an HTTP/1.1 request line"),
        (b"GET / HTTP/2.0\r\n\r\n", 400, "not an HTTP/1.1 request line"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "header line"),
        (b"GET / HTTP/1.1\r\nspace : x\r\n\r\n", 400, "header line"),
        (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400, "no number"),
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400, "no number"),
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400, "either a content length or"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", 400, "either a content length or"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", 400, "not a chunk size"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabcd", 400, "longer than it said"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 200, 431, "within 100 bytes"),
        (b"POST / HTTP/1.1\r\ncontent-length: 101\r\n\r\n", 413, "more than 100 bytes"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n65\r\n", 413, "more than 100 bytes"),
    ],
)
def test_what_is_doubtful_or_too_large_is_refused(data: bytes, status: int, words: str) -> None:
    with pytest.raises(BadHttpError, match=words) as caught:
        read(data, head_limit=100, body_limit=100)
    assert caught.value.status == status
