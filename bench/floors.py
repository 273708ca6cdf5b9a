"""The floor: what a dialect's bytes cost at least. A socket, the body's chunks and the frames cut by hand, each payload read.

What it does not do: check a status, a content type, a checksum or a limit; keep time; survive a cancellation, a cut at an odd
place or another way of writing the same; fold a response; make an event. Nobody could use it; nobody can be much below it.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from struct import Struct

import msgspec

_decode = msgspec.json.decode
_LENGTHS = Struct(">II")

Cut = Callable[[bytes], tuple[list[bytes], bytes]]
"""Bytes to the payloads in them, and to the rest."""


def _events(mark: bytes) -> Cut:
    """Server-sent events that end with ``mark``."""

    def cut(data: bytes) -> tuple[list[bytes], bytes]:
        *events, rest = data.split(mark)
        return [event[event.index(b"data:") + 5 :] for event in events], rest

    return cut


def _lines(data: bytes) -> tuple[list[bytes], bytes]:
    *lines, rest = data.split(b"\n")
    return lines, rest


def _messages(data: bytes) -> tuple[list[bytes], bytes]:
    """AWS event stream, its checksums unseen."""
    payloads, at = [], 0
    while len(data) - at >= 12:
        size, head = _LENGTHS.unpack_from(data, at)
        if len(data) - at < size:
            break
        payloads.append(data[at + 12 + head : at + size - 4])
        at += size
    return payloads, data[at:]


CUTS: dict[str, Cut] = {
    "gemini": _events(b"\r\n\r\n"),
    "ollama": _lines,
    "bedrock-converse": _messages,
    "bedrock-invoke": _messages,
}
"""Dialect to its framing; the others are server-sent events whose lines end with LF."""


def counting(dialect: str) -> Callable[[bytes], tuple[int, bytes]]:
    """A function that decodes all payloads in some bytes and gives their number, and what is left of the bytes."""
    cut = CUTS.get(dialect, _events(b"\n\n"))
    inner = dialect == "bedrock-invoke"

    def count(data: bytes) -> tuple[int, bytes]:
        payloads, rest = cut(data)
        seen = 0
        for payload in payloads:
            if not payload.endswith(b"[DONE]"):
                told = _decode(payload)
                if inner:
                    _decode(b64decode(told["bytes"]))
                seen += 1
        return seen, rest

    return count


def bodies(data: bytes) -> tuple[bytes, bytes, bool]:
    """The bodies of the whole chunks in ``data``, the rest, and whether the last chunk was there."""
    pieces, at = [], 0
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line], 16)
        if len(data) < line + 4 + size:
            break
        pieces.append(data[line + 2 : line + 2 + size])
        at = line + 4 + size
        if not size:
            return b"".join(pieces), data[at:], True
    return b"".join(pieces), data[at:], False


async def read_answer(reader: asyncio.StreamReader, count: Callable[[bytes], tuple[int, bytes]]) -> AsyncIterator[int]:
    """Read one chunked answer; the number of payloads of each read."""
    await reader.readuntil(b"\r\n\r\n")
    left = rest = b""
    ended = False
    while not ended:
        data = await reader.read(65536)
        if not data:
            raise ConnectionError("the body ended before its last chunk")
        body, left, ended = bodies(left + data)
        seen, rest = count(rest + body)
        yield seen
