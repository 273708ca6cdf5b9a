"""One measurement in a process of its own: ``python -m bench.measure KIND READER DIALECT ROOT [NUMBERS...]`` prints JSON.

CPU is the process's own (user and system), so a server beside it does not count; memory is the resident set.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.readers import READERS, Reader


def resident() -> int:
    """Resident bytes of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


async def flood(read: Reader, deltas: int) -> dict[str, Any]:
    """CPU per delta of one answer that comes as fast as it is taken; the best of three after a warm-up."""
    await read(100, 0)
    spent = []
    for _ in range(3):
        gc.collect()
        before = time.process_time()
        count = await read(deltas, 0)
        spent.append((time.process_time() - before) / deltas * 1e6)
        _check(count, deltas)
    return {"us_per_event": min(spent)}


async def paced(read: Reader, streams: int, deltas: int, pause: float) -> dict[str, Any]:
    """CPU per delta of many answers at once, one packet a delta, and what an open stream weighs."""
    await read(10, 0)
    gc.collect()
    empty = resident()
    before = time.process_time()
    tasks = [asyncio.ensure_future(read(deltas, pause)) for _ in range(streams)]
    await asyncio.sleep(pause * deltas / 2)
    full = resident()
    for count in await asyncio.gather(*tasks):
        _check(count, deltas)
    return {
        "us_per_event": (time.process_time() - before) / deltas / streams * 1e6,
        "bytes_per_stream": (full - empty) / streams,
    }


async def first(read: Reader, calls: int) -> dict[str, Any]:
    """Milliseconds from asking to the end of a one-delta answer, after a warm-up; the median of many calls."""
    for _ in range(5):
        await read(1, 0)
    spent = []
    for _ in range(calls):
        before = time.perf_counter()
        await read(1, 0)
        spent.append((time.perf_counter() - before) * 1000)
    return {"ms": sorted(spent)[len(spent) // 2]}


KINDS: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {"flood": flood, "paced": paced, "first": first}


def _check(count: int, deltas: int) -> None:
    if count < deltas * 0.99:
        raise SystemExit(f"read only {count} of {deltas} deltas")


def main(kind: str, reader: str, dialect: str, root: str, loop: str, *numbers: str) -> None:
    """Run one measurement and print it."""
    import logging
    import warnings

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop

    async def run() -> dict[str, Any]:
        return await KINDS[kind](READERS[reader](root, dialect), *(_number(word) for word in numbers))

    with asyncio.Runner(loop_factory=factory) as runner:
        print(json.dumps(runner.run(run())))


def _number(word: str) -> float:
    return int(word) if word.isdigit() else float(word)


if __name__ == "__main__":
    main(*sys.argv[1:])
