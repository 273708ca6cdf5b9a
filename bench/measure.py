"""One measurement in a process of its own: ``python -m bench.measure KIND READER DIALECT ROOT LOOP [NUMBERS...]`` prints JSON.

CPU is the process's own (user and system), so a server beside it does not count; memory is the resident set (Linux).
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.readers import READERS, Reader, Seen

ENDLESS = 10**9
UNSUITED = 3
"""The exit code of a reader that does not speak the dialect, or is not installed."""


class _FirstSeen(Seen):
    """Notes when the first piece of text was read."""

    __slots__ = ("_pieces", "at")

    def __init__(self) -> None:
        self._pieces = 0
        self.at = 0.0

    @property
    def pieces(self) -> int:
        return self._pieces

    @pieces.setter
    def pieces(self, pieces: int) -> None:
        if pieces and not self._pieces:
            self.at = time.perf_counter()
        self._pieces = pieces


def resident() -> int:
    """Resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _whole(read: Reader, deltas: int) -> float:
    """CPU seconds of one whole answer that comes as fast as it is taken."""
    gc.collect()
    seen = Seen()
    before = time.process_time()
    await read(deltas, 0, seen)
    spent = time.process_time() - before
    if seen.pieces < deltas * 0.99:
        raise SystemExit(f"read only {seen.pieces} of {deltas} deltas")
    return spent


async def flood(read: Reader, deltas: int, seconds: float) -> dict[str, Any]:
    """Microseconds of CPU a delta: the best of three answers of at most so many deltas, that take about so long each."""
    await _whole(read, 50)
    probe = await _whole(read, 500) / 500
    deltas = max(1000, min(deltas, int(seconds / probe)))
    return {"us": min([await _whole(read, deltas) for _ in range(3)]) / deltas * 1e6}


async def grow(read: Reader, deltas: int) -> dict[str, Any]:
    """Microseconds of CPU a delta of one answer of exactly so many."""
    await _whole(read, 100)
    times = max(1, 20_000 // deltas)
    return {"us": min([sum([await _whole(read, deltas) for _ in range(times)]) for _ in range(3)]) / deltas / times * 1e6}


async def _open(read: Reader, streams: int, pause: float, seen: Seen) -> Sequence[asyncio.Future[None]]:
    """Open so many streams, evenly over one pause as far as the reader keeps up, and wait until all of them flow quietly."""
    tasks: list[asyncio.Future[None]] = []
    for at in range(streams):
        tasks.append(asyncio.ensure_future(read(ENDLESS, pause, seen)))
        if at % 10 == 9:
            await asyncio.sleep(pause * 10 / streams)
    until = time.perf_counter() + 60
    while seen.pieces < streams * 2 and time.perf_counter() < until:  # noqa: ASYNC110 - an event would be what is measured
        await asyncio.sleep(0.05)
    gc.collect()
    await asyncio.sleep(pause)  # what came in a crowd is read by now, and what the collection swept from the caches is back
    return tasks


async def paced(read: Reader, streams: int, pause: float, seconds: float) -> dict[str, Any]:
    """Microseconds of CPU a delta while many answers flow, one packet a delta, and the resident bytes of an open stream."""
    seen = Seen()
    await read(10, 0, seen)
    gc.collect()
    empty = resident()
    tasks = await _open(read, streams, pause, seen)
    before, pieces = time.process_time(), seen.pieces
    await asyncio.sleep(seconds)
    spent, pieces = time.process_time() - before, seen.pieces - pieces
    if failed := [task for task in tasks if task.done()]:
        raise SystemExit(f"{len(failed)} of {streams} streams ended early: {failed[0].exception()!r}")
    expected = streams * seconds / pause
    if pieces < expected / 2:
        raise SystemExit(f"only {pieces} of {expected:.0f} deltas came: the machine, the server or the reader is too slow")
    return {"us": spent / pieces * 1e6, "bytes": (resident() - empty) / streams, "share": pieces / expected}


async def weigh(read: Reader, streams: int) -> dict[str, Any]:
    """Bytes of Python objects of an open stream (tracemalloc)."""
    seen = Seen()
    await read(10, 0, seen)
    gc.collect()
    tracemalloc.start()
    tasks = await _open(read, streams, 0.5, seen)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    del tasks
    return {"bytes": held / streams}


async def _one_word(read: Reader) -> tuple[float, float]:
    """A call whose answer is one word: milliseconds until it was read, and to the end."""
    seen = _FirstSeen()
    before = time.perf_counter()
    await read(1, 0, seen)
    return (seen.at - before) * 1000, (time.perf_counter() - before) * 1000


async def call(read: Reader, calls: int) -> dict[str, Any]:
    """Calls over a connection that is kept: milliseconds to the first word and to the end (medians); CPU, microseconds."""
    for _ in range(10):
        await _one_word(read)
    cpu = time.process_time()
    spent = [await _one_word(read) for _ in range(calls)]
    used = (time.process_time() - cpu) / calls * 1e6
    first_ms, ms = (sorted(column)[calls // 2] for column in zip(*spent, strict=True))
    return {"first_ms": first_ms, "ms": ms, "cpu_us": used}


async def connect(make: Callable[[], Reader], calls: int) -> dict[str, Any]:
    """Milliseconds to the first word of calls over connections of their own (median)."""
    spent = [(await _one_word(make()))[0] for _ in range(calls + 3)]
    return {"first_ms": sorted(spent[3:])[calls // 2]}


KINDS: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
    "flood": flood,
    "grow": grow,
    "paced": paced,
    "weigh": weigh,
    "call": call,
    "connect": connect,
}


def main(kind: str, reader: str, dialect: str, root: str, loop: str, *numbers: str) -> None:
    """Run one measurement, print it, and end without a good-bye: what is still open is the system's business."""
    import logging
    import warnings

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    make = partial(READERS[reader], root, dialect)
    try:
        read = make()
    except (ImportError, KeyError):
        raise SystemExit(UNSUITED) from None

    async def run() -> dict[str, Any]:
        return await KINDS[kind](make if kind == "connect" else read, *(_number(word) for word in numbers))

    with asyncio.Runner(loop_factory=factory) as runner:
        print(json.dumps(runner.run(run())), flush=True)
        os._exit(0)


def _number(word: str) -> float:
    return int(word) if word.isdigit() else float(word)


if __name__ == "__main__":
    main(*sys.argv[1:])
