"""The reference stream: HTTP by the letter, and every dialect."""

from __future__ import annotations

from typing import Any

import pytest

from bourn import contract, dialects
from bourn.contract.reference import ReferenceClient, ReferenceStream, reference
from bourn.contract.reference.body import Body
from bourn.errors import ConnectionLostError, ContentTypeError, IdleTimeout, RateLimitError, TotalTimeout
from bourn.mock import MockServer, Reply, faults, http_error, text, turns

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nabcd"


@pytest.mark.parametrize(("data", "body"), [(CHUNKED, b"abc0123456789"), (LENGTH, b"abcd")])
def test_a_body_is_read_at_any_cut(data: bytes, body: bytes) -> None:
    """Whole, byte by byte, and at every single cut."""
    for cut in range(len(data)):
        reader = Body()
        assert reader.feed(data[:cut]) + reader.feed(data[cut:]) == body
        assert reader.ended
        assert reader.reusable == (data is CHUNKED)
    reader = Body()
    assert b"".join(reader.feed(data[at : at + 1]) for at in range(len(data))) == body
    assert reader.ended


def test_a_body_to_the_end_of_the_connection() -> None:
    """Without a length the end of the connection is the end of the body."""
    reader = Body()
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\nabc") == b"abc"
    assert not reader.ended
    reader.close()
    assert reader.ended


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200", CHUNKED[:-1], CHUNKED[:-12], LENGTH[:-1]])
def test_a_cut_body_is_an_error(data: bytes) -> None:
    """A connection that ends before the body does is never a clean end."""
    reader = Body()
    reader.feed(data)
    with pytest.raises(ConnectionLostError):
        reader.close()


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"x" * 70_000,
        CHUNKED.replace(b"\r\n3\r\n", b"\r\nzz\r\n"),
        CHUNKED.replace(b"abc\r\n", b"abcd\r\n"),
        CHUNKED.replace(b"\r\n3\r\n", b"\r\n" + b"0" * 2000),
    ],
)
def test_what_is_no_http_is_an_error(data: bytes) -> None:
    """Heads and chunks that make no sense are refused."""
    with pytest.raises(ConnectionLostError):
        Body().feed(data)


@pytest.mark.parametrize("dialect", dialects.DIALECTS)
def test_every_dialect(dialect: str) -> None:
    """The reference speaks whatever there is a dialect for."""
    report = contract.run(reference(dialect=dialect), rules=["1", "2"])
    told = [(result.rule.id, result.message) for result in report.results if result.verdict != "PASS"]
    assert told == []


async def test_limits_fire_in_time() -> None:
    """No byte, no progress, and too long in all."""
    cases: list[tuple[faults.Fault, dict[str, Any], type[Exception], float]] = [
        (faults.Stall(event=3), {"byte_idle": 5.0}, IdleTimeout, 5),
        (faults.Pings(event=3, every=1.0), {"idle": 8.0, "byte_idle": 5.0}, IdleTimeout, 8),
        (faults.Endless(pause=1.0), {"total": 9.5, "idle": 5.0}, TotalTimeout, 9.5),
    ]
    for fault, limits, kind, at in cases:
        async with MockServer(text("Hello there."), fault=fault) as server:
            stream = ReferenceStream(ReferenceClient(server.base_url(), **limits))
            with pytest.raises(kind):
                async for _ in stream:
                    pass
            assert server.now() == pytest.approx(at, abs=0.01)


async def test_a_refusal_is_tried_again_after_the_wait_it_asks_for() -> None:
    """Retries honour Retry-After, and end."""
    async with MockServer(turns(http_error(429, retry_after=7), text("Hello."))) as server:
        stream = ReferenceStream(ReferenceClient(server.base_url(), retries=1))
        async for _ in stream:
            pass
        assert stream.response.text == "Hello."
        assert server.journal.exchanges[1].at == pytest.approx(7, abs=0.01)
    async with MockServer(http_error(429, retry_after=7)) as server:
        with pytest.raises(RateLimitError):
            await anext(ReferenceStream(ReferenceClient(server.base_url())))


async def test_a_page_of_html_is_no_stream() -> None:
    """The content type is looked at."""
    async with MockServer(Reply(200, {"content-type": "text/html"}, [b"<p>"])) as server:
        with pytest.raises(ContentTypeError):
            await anext(ReferenceStream(ReferenceClient(server.base_url())))
