"""Who is measured: a table from name to a function that makes a reader for one dialect.

A reader is ``async (deltas, pause, seen)``: it reads one whole answer as its users would, over connections that it keeps, and
adds each piece of text to ``seen.pieces``, so that nobody can win by reading less. Imports are inside: they are measured apart,
and may be absent. Other people's clients are in ``peers``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from bench import peers
from bench.floors import counting, read_answer
from bench.server import PADDED


class Seen:
    """What was read so far."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces = 0


Reader = Callable[[int, float, Seen], Awaitable[None]]
Maker = Callable[[str, str], Reader]

SSE_AND_LINES = {
    "openai-chat",
    "openai-responses",
    "anthropic",
    "gemini",
    "cohere",
    "ollama",
    "openai-completions",
    "cloudflare",
}


def request(dialect: str) -> tuple[str, bytes]:
    """Path and body of a small streamed request."""
    from bourn import dialects
    from bourn.messages import Message, Request

    found = dialects.get(dialect)
    call = found.call(Request("bench", (Message("user", "hi"),)))
    return found.root + call.path, call.body


def floor(root: str, dialect: str) -> Reader:
    """The bytes themselves: see ``bench.floors``."""
    dialect = dialect.removesuffix(PADDED)
    address = urlsplit(root)
    path, body = request(dialect)
    count = counting(dialect)
    free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def read(deltas: int, pause: float, seen: Seen) -> None:
        reader, writer = free.pop() if free else await asyncio.open_connection(address.hostname, address.port)
        asked = f"POST /{deltas}/{pause}{path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(asked.encode() + body)
        async for pieces in read_answer(reader, count):
            seen.pieces += pieces
        free.append((reader, writer))

    return read


def by_aiohttp(root: str, dialect: str) -> Reader:
    """What many write by hand: aiohttp, lines, ``json.loads``."""
    import aiohttp

    if dialect.removesuffix(PADDED) not in SSE_AND_LINES:
        raise KeyError(dialect)
    path, body = request(dialect.removesuffix(PADDED))
    session: list[aiohttp.ClientSession] = []

    async def read(deltas: int, pause: float, seen: Seen) -> None:
        if not session:
            connector = aiohttp.TCPConnector(limit=0)
            session.append(aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)))
        async with session[0].post(f"{root}/{deltas}/{pause}{path}", data=body) as response:
            async for line in response.content:
                text = line.removeprefix(b"data: ")
                if text[:1] == b"{":
                    json.loads(text)
                    seen.pieces += 1

    return read


def by_bourn(root: str, dialect: str) -> Reader:
    """This library, promises kept: typed events, the response folded."""
    import bourn
    from bourn import dialects

    dialect = dialect.removesuffix(PADDED)
    prefix = dialects.get(dialect).root
    client = bourn.Client(api_key="bench")

    async def read(deltas: int, pause: float, seen: Seen) -> None:
        base_url = f"{root}/{deltas}/{pause}{prefix}"
        async with client.stream("openai/bench", "hi", base_url=base_url, dialect=dialect) as stream:
            async for event in stream:
                if type(event) is bourn.TextDelta:
                    seen.pieces += 1

    return read


READERS: dict[str, Maker] = {"floor": floor, "aiohttp": by_aiohttp, "bourn": by_bourn, **peers.PEERS}
"""Name to the maker of its reader, which raises ``KeyError`` for a dialect that it does not speak."""
