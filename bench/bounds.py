"""What must stay bounded: ``python -m bench.bounds KIND [WORDS...]`` prints JSON, in a process of its own.

Time by size (one-byte reads, one huge frame), the loop's worst stall, and the memory of a stream that nobody reads.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import suppress
from typing import Any

import bourn
from bench.measure import resident
from bench.readers import request
from bench.server import packets
from bourn.testing.stalls import Stalls
from bourn.transport.memory import MemoryTransport

MIB = 1024 * 1024


async def _cpu(pieces: list[bytes]) -> float:
    """CPU seconds of reading these pieces as one answer in memory."""
    client = bourn.Client(transport=MemoryTransport(pieces), limits=bourn.Limits(frame_bytes=64 * MIB))
    before = time.process_time()
    await client.stream("openai/bench", "hi", api_key="bench").collect()
    return time.process_time() - before


async def reads(size: int, cut: int) -> dict[str, Any]:
    """Nanoseconds a byte of an answer of about so many bytes that comes in pieces of ``cut`` bytes."""
    whole = packets("openai-chat", 1000)
    answer = b"".join([*whole[:-2], *whole[2:-2] * (size // len(b"".join(whole))), *whole[-2:]])
    spent = min([await _cpu([answer[at : at + cut] for at in range(0, len(answer), cut)]) for _ in range(2)])
    return {"ns": spent / len(answer) * 1e9}


async def frame(mib: int) -> dict[str, Any]:
    """Nanoseconds a byte of one frame of so many MiB that comes in pieces of 64 KiB."""
    words = "word " * (mib * MIB // 5)
    told = json.dumps(
        {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": words}, "finish_reason": "stop"}]}
    )
    body = f"data: {told}\n\ndata: [DONE]\n\n".encode()
    spent = min([await _cpu([body[at : at + 65536] for at in range(0, len(body), 65536)]) for _ in range(3)])
    return {"ns": spent / len(body) * 1e9}


async def _drain(items: AsyncIterable[object]) -> None:
    async for _ in items:
        pass


async def _objects(options: Any) -> None:
    with suppress(bourn.BournError):  # the words of the bench are no object
        await _drain(bourn.stream(_MODEL, "hi", **options).objects(dict[str, int]))


async def _tools(options: Any) -> None:
    def weather(city: str) -> str:
        """The weather of a city."""
        return city

    await _drain(bourn.tool_loop(_MODEL, "hi", tools=[weather], **options))


async def _map(options: Any) -> None:
    async with bourn.Client(**options) as client:
        await _drain(client.map(["hi", "ho"], _MODEL))


_MODEL, _OTHER = "openai/bench", "openai/other"

WAYS: dict[str, Callable[[Any], Awaitable[object]]] = {
    "stream": lambda options: bourn.stream(_MODEL, "hi", **options).collect(),
    "text": lambda options: _drain(bourn.stream(_MODEL, "hi", **options).text()),
    "objects": _objects,
    "retry": lambda options: bourn.stream(_MODEL, "hi", retry=bourn.Retry(), **options).collect(),
    "fallback": lambda options: bourn.fallback([_MODEL, _OTHER], "hi", **options).collect(),
    "race": lambda options: bourn.race([_MODEL, _OTHER], "hi", **options).collect(),
    "tool_loop": _tools,
    "map": _map,
}
"""What may be the first that a process does with this library, to how it is done."""


async def stall(root: str, way: str) -> dict[str, Any]:
    """The longest time that the loop could not turn, in milliseconds: the first time over TLS, and the second."""
    options = {"api_key": "bench", "base_url": f"{root}/500/0.002/v1"}
    worst = []
    for _ in range(2):
        gc.collect()
        async with Stalls(0.0) as stalls:
            await WAYS[way](options)
        worst.append((stalls.worst, max((seen.cpu for seen in stalls.seen), default=0.0)))
    (first, first_cpu), (second, second_cpu) = worst
    return {"first_ms": first * 1e3, "first_cpu_ms": first_cpu * 1e3, "next_ms": second * 1e3, "next_cpu_ms": second_cpu * 1e3}


async def unread(reader: str, root: str, streams: int) -> dict[str, Any]:
    """KiB of resident memory of a stream whose server floods it and whose reader stopped after the first word."""
    kept: list[Any] = [await STARTS[reader](f"{root}/10/0")]
    gc.collect()
    before = resident()
    kept += [await STARTS[reader](f"{root}/500000/0") for _ in range(streams)]
    await asyncio.sleep(1.5)
    gc.collect()
    return {"kib": (resident() - before) / streams / 1024}


async def _bourn(root: str) -> Any:
    client = bourn.Client(api_key="bench", base_url=root + "/v1")
    stream = client.stream("openai/bench", "hi")
    async for event in stream:
        if type(event) is bourn.TextDelta:
            break
    return client, stream


async def _openai(root: str) -> Any:
    import openai

    client = openai.AsyncOpenAI(api_key="bench", base_url=root + "/v1", max_retries=0)
    stream = await client.chat.completions.create(model="bench", messages=[{"role": "user", "content": "hi"}], stream=True)
    return client, stream, await anext(aiter(stream))


async def _floor(root: str) -> Any:
    host, port = root.split("/")[2].split(":")
    path, body = request("openai-chat")
    reader, writer = await asyncio.open_connection(host, int(port))
    asked = f"POST /{'/'.join(root.split('/')[3:])}{path} HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(asked.encode() + body)
    return reader, writer, await reader.read(4096)


STARTS: dict[str, Callable[[str], Awaitable[Any]]] = {"floor": _floor, "bourn": _bourn, "openai": _openai}
"""Reader to what starts one and takes its first word."""

KINDS: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {"reads": reads, "frame": frame, "stall": stall, "unread": unread}


def main(kind: str, *words: str) -> None:
    """Run one measurement, print it, and end without a good-bye."""

    async def run() -> dict[str, Any]:
        return await KINDS[kind](*(int(word) if word.isdigit() else word for word in words))

    print(json.dumps(asyncio.run(run())) if kind != "unread" else json.dumps(_run_on(run)), flush=True)
    os._exit(0)


def _run_on(run: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    loop = asyncio.new_event_loop()  # it is left as it is: its streams are open
    return loop.run_until_complete(run())


if __name__ == "__main__":
    main(*sys.argv[1:])
