"""What many write by hand: aiohttp, lines, ``json.loads``.

House rule: the shape that is found in articles and answers, with a limit on silence and one on the whole, as aiohttp offers.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from bourn.contract.subject import Subject

SECONDS, TOTAL = 20.0, 120.0
CONNECTIONS = 60
BODY: dict[str, Any] = {"model": "mock", "messages": [{"role": "user", "content": "Say something."}], "stream": True}


async def client(base_url: str) -> Any:
    """A session for a base URL."""
    import aiohttp

    limits = aiohttp.ClientTimeout(total=TOTAL, sock_read=SECONDS)
    pool = aiohttp.TCPConnector(limit=CONNECTIONS)
    key = {"authorization": "Bearer none"}
    return aiohttp.ClientSession(base_url.rstrip("/") + "/", headers=key, connector=pool, timeout=limits)


async def answer(session: Any) -> AsyncIterator[dict[str, Any]]:
    """The chunks of an answer."""
    async with session.post("chat/completions", json=BODY) as response:
        response.raise_for_status()
        async for line in response.content:
            if line.startswith(b"data: "):
                data = line[6:].strip()
                if data == b"[DONE]":
                    break
                yield json.loads(data)


def chat() -> Subject:
    """The generator above."""
    import aiohttp

    return Subject(
        name="aiohttp by hand",
        dialect="openai-chat",
        client=client,
        connect=answer,
        text=lambda chunk: chunk["choices"][0]["delta"].get("content") if chunk["choices"] else None,
        errors=(aiohttp.ClientError, TimeoutError),
        byte_idle=SECONDS,
        total=TOTAL,
        pool_size=CONNECTIONS,
        keeps_alive=True,
    )
