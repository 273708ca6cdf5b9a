"""Packets that are one whole chunk are taken past aiohttp's parser: the body, its end and its faults are the parser's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.testing.strategies import chunkings
from bourn.transport import http_wire
from bourn.transport.http_wire import Body, Connection

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


class Socket(asyncio.Transport):
    """A transport of nothing."""

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    def resume_reading(self) -> None:
        """Nothing comes by itself."""

    def close(self) -> None:
        """Nothing is open."""


def received(packets: Iterable[bytes], buffer: int = 65536) -> tuple[bytes, bool, str]:
    """What a body gives after these packets, whether it ended, and the class of what broke it."""

    async def run() -> tuple[bytes, bool, str]:
        connection = Connection(loop=asyncio.get_running_loop())
        connection.connection_made(Socket())
        connection.set_response_params(read_until_eof=True, auto_decompress=False, read_bufsize=buffer)
        connection.data_received(HEAD)
        body: Any = connection._payload
        body.__class__ = Body
        body.begin_http_chunk_receiving()
        for packet in packets:
            connection.data_received(packet)
        taken = []
        while body._buffer:
            taken.append(body.take())
        error = body.exception()
        return b"".join(taken), body._eof, "" if error is None else type(error).__name__

    return asyncio.run(run())


def chunk(data: bytes, form: str = "%x") -> bytes:
    return (form % len(data)).encode() + b"\r\n" + data + b"\r\n"


chunks = st.builds(
    chunk,
    st.binary(min_size=1, max_size=40) | st.sampled_from([b"\r\n", b"5\r\n", b"0\r\n\r\n"]),
    st.sampled_from(["%x", "%X", "0%x", "%x;a=b"]),
)
packets = st.lists(chunks, max_size=8).flatmap(lambda whole: st.just(whole) | chunkings(b"".join(whole)))


def by_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_wire, "_CHUNK", re.compile(rb"(?!)"))


@given(packets)
def test_the_body_is_the_parsers(packets: list[bytes]) -> None:
    """Whatever the chunks and the cuts, the body and its end are what the parser makes of them."""
    mine = received([*packets, LAST])
    with pytest.MonkeyPatch.context() as patch:
        by_the_parser(patch)
        assert mine == received([*packets, LAST])
    assert mine[1:] == (True, "")


def test_a_packet_waits_for_what_the_parser_holds() -> None:
    """Where the reader is slow the parser keeps what it was given: a chunk that comes then stands behind that."""
    packets = [chunk(b"1"), chunk(b"2" * 40), chunk(b"3") + chunk(b"4"), chunk(b"5"), LAST]
    assert received(packets, buffer=16) == (b"1" + b"2" * 40 + b"345", True, "")
    packets = [chunk(b"1"), chunk(b"2" * 40) + chunk(b"3" * 40) + chunk(b"4"), chunk(b"5"), LAST]
    assert received(packets, buffer=16) == (b"1" + b"2" * 40 + b"3" * 40 + b"45", True, "")


def test_what_looks_like_a_chunk_within_one_is_none() -> None:
    """A packet in the middle of a chunk is part of it, even if it reads as a chunk."""
    packets = [chunk(b"one"), chunk(b"two"), b"c\r\nab", b"5\r\nhello\r\n", b"\r\n", chunk(b"three"), LAST]
    assert received(packets) == (b"onetwoab5\r\nhello\r\nthree", True, "")


@pytest.mark.parametrize("held", [b"1", chunk(b"two") + b"1"], ids=["alone", "behind a chunk"])
def test_a_chunk_whose_size_is_cut_is_none(held: bytes) -> None:
    """The rest of a chunk's head, and what follows it, may read as a chunk: the parser holds the first digit."""
    packets = [chunk(b"one"), chunk(b"one"), held, b"5\r\nhello\r\n", b"x" * 14 + b"\r\n", chunk(b"three"), LAST]
    two = b"two" * (len(held) > 1)
    assert received(packets) == (b"oneone" + two + b"hello\r\n" + b"x" * 14 + b"three", True, "")


def test_every_two_cuts_give_the_same_body() -> None:
    """Of chunks that hold what reads as chunks, with sizes of two digits."""
    held = [b"ab", b"hello\r\n" + b"x" * 14, b"1\r\na\r\n" * 3]
    whole = b"".join(map(chunk, held)) + LAST
    for one, two in combinations(range(1, len(whole)), 2):
        assert received([whole[:one], whole[one:two], whole[two:]]) == (b"".join(held), True, ""), (one, two)


BROKEN = {
    "no size": b"\r\n",
    "no number": b"g\r\nx\r\n",
    "a sign": b"-1\r\nx\r\n",
    "a prefix": b"0x1\r\nx\r\n",
    "too short": b"5\r\nhell\r\n3\r\nabc\r\n",
    "too long": b"5\r\nhello!\r\n",
    "its end missing": b"5\r\nhelloworld\r\n",
    "another end": b"5\r\nhello!!",
    "a bare line end": b"5\nhello\n",
}


@pytest.mark.parametrize("packet", BROKEN.values(), ids=BROKEN)
def test_a_broken_chunk_is_judged_by_the_parser(packet: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not one whole chunk breaks the body as it always did, after what came before it."""
    given = [chunk(b"one"), chunk(b"two"), packet, chunk(b"three"), LAST]
    mine = received(given)
    by_the_parser(monkeypatch)
    assert mine == received(given)
    assert mine[0].startswith(b"onetwo")


def test_nothing_is_added_to_a_body_that_ended() -> None:
    """A chunk after the last one belongs to no body."""
    given = [chunk(b"one"), chunk(b"two"), LAST, chunk(b"three")]
    assert received(given)[0] == b"onetwo"


def test_the_parser_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred packets that are a chunk each it sees the first, and the last."""
    asked: list[bytes] = []
    parse = http_wire._received

    def counted(connection: Connection, data: bytes) -> None:
        asked.append(data)
        parse(connection, data)

    monkeypatch.setattr(http_wire, "_received", counted)
    assert received([*(chunk(b"%d" % at) for at in range(100)), LAST])[1]
    assert asked == [HEAD, chunk(b"0"), LAST]
