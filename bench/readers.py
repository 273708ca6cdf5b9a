"""Who is measured: a table from name to a function that makes a reader for one dialect.

A reader is ``async (deltas, pause) -> number of text pieces``; it reads one whole answer as its users would, and keeps the text
pieces' count so that nobody can win by reading less. Imports are inside: they are measured apart, and may be absent.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

Reader = Callable[[int, float], Awaitable[int]]

PATHS = {"openai-chat": "/v1/chat/completions", "openai-responses": "/v1/responses", "anthropic": "/v1/messages"}
BODY = json.dumps({"model": "bench", "messages": [{"role": "user", "content": "hi"}], "stream": True}).encode()
HI: list[Any] = [{"role": "user", "content": "hi"}]


def floor(root: str, dialect: str) -> Reader:
    """The bytes themselves: a socket, the chunks cut by hand, each payload decoded to a dict, nothing promised."""
    import asyncio
    from urllib.parse import urlsplit

    import msgspec

    decode = msgspec.json.decode
    host, port = urlsplit(root).hostname, urlsplit(root).port

    async def read(deltas: int, pause: float) -> int:
        reader, writer = await asyncio.open_connection(host, port)
        path = f"/{deltas}/{pause}{PATHS[dialect]}"
        writer.write(b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (path.encode(), len(BODY), BODY))
        await reader.readuntil(b"\r\n\r\n")
        count, rest, left = 0, b"", b""
        while True:
            data = await reader.read(65536)
            left += data
            ended = left.endswith(b"0\r\n\r\n")
            body, left = _unchunk(left)
            *events, rest = (rest + body).split(b"\n\n")
            for event in events:
                payload = event[event.index(b"data: ") + 6 :]
                if payload != b"[DONE]":
                    decode(payload)
                    count += 1
            if ended or not data:
                break
        writer.close()
        return count

    return read


def _unchunk(data: bytes) -> tuple[bytes, bytes]:
    """The bodies of the whole chunks in ``data``, and the rest."""
    pieces = []
    at = 0
    while True:
        line = data.find(b"\r\n", at)
        if line < 0:
            break
        size = int(data[at:line], 16)
        if len(data) < line + 4 + size:
            break
        pieces.append(data[line + 2 : line + 2 + size])
        at = line + 4 + size
        if size == 0:
            break
    return b"".join(pieces), data[at:]


def by_aiohttp(root: str, dialect: str) -> Reader:
    """What many write by hand: aiohttp, lines, ``json.loads``."""
    import aiohttp

    session: list[aiohttp.ClientSession] = []

    async def read(deltas: int, pause: float) -> int:
        if not session:
            session.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        count = 0
        async with session[0].post(f"{root}/{deltas}/{pause}{PATHS[dialect]}", data=BODY) as response:
            async for line in response.content:
                if line.startswith(b"data: ") and not line.startswith(b"data: [DONE]"):
                    json.loads(line[6:])
                    count += 1
        return count

    return read


def by_bourn(root: str, dialect: str) -> Reader:
    """This library, promises kept: typed events, the response folded."""
    import bourn

    provider = {"openai-chat": "openai"}.get(dialect, dialect)
    prefix = PATHS[dialect].removesuffix({"anthropic": "/v1/messages"}.get(dialect, PATHS[dialect][3:]))
    client = bourn.Client(api_key="bench")

    async def read(deltas: int, pause: float) -> int:
        count = 0
        async with client.stream(f"{provider}/bench", "hi", base_url=f"{root}/{deltas}/{pause}{prefix}") as stream:
            async for event in stream:
                if type(event) is bourn.TextDelta:
                    count += 1
        return count

    return read


def by_openai(root: str, dialect: str) -> Reader:
    """The official SDK of OpenAI."""
    import openai

    client = openai.AsyncOpenAI(api_key="bench", base_url=root, max_retries=0, timeout=600)

    async def chat(deltas: int, pause: float) -> int:
        there = client.with_options(base_url=f"{root}/{deltas}/{pause}/v1")
        stream = await there.chat.completions.create(model="bench", messages=HI, stream=True)
        return sum([1 async for chunk in stream if chunk.choices and chunk.choices[0].delta.content])

    async def responses(deltas: int, pause: float) -> int:
        there = client.with_options(base_url=f"{root}/{deltas}/{pause}/v1")
        stream = await there.responses.create(model="bench", input="hi", stream=True)
        return sum([1 async for event in stream if event.type == "response.output_text.delta"])

    return {"openai-chat": chat, "openai-responses": responses}[dialect]


def by_anthropic(root: str, dialect: str) -> Reader:
    """The official SDK of Anthropic."""
    import anthropic

    if dialect != "anthropic":
        raise KeyError(dialect)
    client = anthropic.AsyncAnthropic(api_key="bench", base_url=root, max_retries=0, timeout=600)

    async def read(deltas: int, pause: float) -> int:
        there = client.with_options(base_url=f"{root}/{deltas}/{pause}")
        stream = await there.messages.create(model="bench", max_tokens=9, messages=HI, stream=True)
        return sum([1 async for event in stream if event.type == "content_block_delta"])

    return read


_LITELLM = {"openai-chat": ("openai/bench", "/v1"), "anthropic": ("anthropic/bench", "")}


def by_litellm(root: str, dialect: str) -> Reader:
    """The usual wrapper."""
    import litellm

    litellm.suppress_debug_info = True
    model, prefix = _LITELLM[dialect]

    async def read(deltas: int, pause: float) -> int:
        stream: Any = await litellm.acompletion(
            model=model, messages=HI, stream=True, api_key="bench", base_url=f"{root}/{deltas}/{pause}{prefix}", max_tokens=9
        )
        return sum([1 async for chunk in stream if chunk.choices and chunk.choices[0].delta.content])

    return read


def by_any_llm(root: str, dialect: str) -> Reader:
    """Mozilla's wrapper."""
    from any_llm import acompletion

    if dialect != "openai-chat":
        raise KeyError(dialect)

    async def read(deltas: int, pause: float) -> int:
        stream: Any = await acompletion(
            model="bench", provider="openai", messages=HI, stream=True, api_key="bench", api_base=f"{root}/{deltas}/{pause}/v1"
        )
        return sum([1 async for chunk in stream if chunk.choices and chunk.choices[0].delta.content])

    return read


def by_langchain(root: str, dialect: str) -> Reader:
    """LangChain's model class for OpenAI."""
    from langchain_openai import ChatOpenAI

    if dialect != "openai-chat":
        raise KeyError(dialect)

    async def read(deltas: int, pause: float) -> int:
        model: Any = ChatOpenAI(model="bench", api_key="bench", base_url=f"{root}/{deltas}/{pause}/v1", max_retries=0)
        return sum([1 async for chunk in model.astream("hi") if chunk.content])

    return read


def by_pydantic_ai(root: str, dialect: str) -> Reader:
    """Pydantic AI's direct model request, without an agent around it."""
    from pydantic_ai.direct import model_request_stream
    from pydantic_ai.messages import ModelRequest
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    if dialect != "openai-chat":
        raise KeyError(dialect)

    async def read(deltas: int, pause: float) -> int:
        provider = OpenAIProvider(base_url=f"{root}/{deltas}/{pause}/v1", api_key="bench")
        model = OpenAIChatModel("bench", provider=provider)
        async with model_request_stream(model, [ModelRequest.user_text_prompt("hi")]) as stream:
            return sum([1 async for event in stream if event.event_kind in ("part_delta", "part_start")])

    return read


READERS: dict[str, Callable[[str, str], Reader]] = {
    "floor": floor,
    "aiohttp": by_aiohttp,
    "bourn": by_bourn,
    "openai": by_openai,
    "anthropic": by_anthropic,
    "litellm": by_litellm,
    "any-llm": by_any_llm,
    "langchain-openai": by_langchain,
    "pydantic-ai": by_pydantic_ai,
}
