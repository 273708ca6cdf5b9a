"""`Inflater`: compressed bodies in bounded pieces."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.errors import FrameTooLargeError, ProtocolError
from bourn.transport.inflate import ENCODINGS, Inflater

PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}


def unpack(encoding: str, packed: bytes, cut: int, limit: int = 10**9) -> bytes:
    inflater, out = Inflater(encoding, limit), []
    for at in range(0, len(packed), cut):
        inflater.feed(packed[at : at + cut])
        while piece := inflater.take():
            out.append(piece)
    assert inflater.finished
    return b"".join(out)


@given(st.binary(max_size=3000), st.sampled_from(sorted(ENCODINGS)), st.integers(1, 50))
def test_what_was_packed_comes_out(data: bytes, encoding: str, cut: int) -> None:
    """Every encoding, fed in pieces of any size, gives the bytes back."""
    assert unpack(encoding, PACK[encoding](data), cut) == data


def test_a_bomb_costs_its_compressed_bytes_only() -> None:
    """100 MB of zeros are refused at the limit, with a peak far below it."""
    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(FrameTooLargeError, match="decoded_bytes"):
            unpack("gzip", bomb, len(bomb), limit=50_000_000)
        assert tracemalloc.get_traced_memory()[1] < 51_000_000
    finally:
        tracemalloc.stop()


def test_a_piece_is_bounded() -> None:
    """However much a read decodes to, it comes in pieces of 64 KiB."""
    inflater = Inflater("gzip", 10**9)
    inflater.feed(gzip.compress(bytes(10_000_000)))
    assert len(inflater.take()) == 64 * 1024


def test_damage_is_a_protocol_error() -> None:
    """Bytes that are not compressed, and an encoding that is not known, are ProtocolError."""
    inflater = Inflater("gzip", 100)
    inflater.feed(b"plain text")
    with pytest.raises(ProtocolError, match="damaged"):
        inflater.take()
    with pytest.raises(ProtocolError, match="'zstd'"):
        Inflater("zstd", 100)
