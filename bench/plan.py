"""What is measured, as tables, and how: each figure in a process of its own, the readers in turn, round after round.

House rule: a measurement that fails is a row that says why, never the end of the run; no process outlives it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from bench import outside
from bench.bounds import WAYS
from bench.readers import READERS
from bench.report import Cell, Table
from bourn.dialects import DIALECTS

OURS = ("floor", "aiohttp", "bourn")
PEERS = tuple(name for name in READERS if name not in OURS)


class Scale(NamedTuple):
    """How much is measured."""

    rounds: int
    deltas: int  # of a flood at most
    seconds: float  # of a flood, and of a window of paced answers
    streams: tuple[int, ...]
    sizes: tuple[int, ...]  # of answers, in deltas
    calls: int
    dialects: tuple[str, ...]


QUICK = Scale(1, 2000, 0.1, (1, 50), (100, 10_000), 50, ("openai-chat", "anthropic"))
FULL = Scale(
    4,
    20_000,
    0.2,
    (1, 50, 500, 5000),
    (100, 1000, 10_000, 100_000, 1_000_000),
    300,
    ("openai-chat", "openai-chat+padding", *list(DIALECTS)[1:]),
)

RATE = 1250
"""Packets a second of all paced streams together; one stream alone gets a hundred."""


Figure = Callable[[list[float]], float]
"""What stands for some rounds: of CPU, and of a call, the least, since a busy machine only adds to it; else the median."""


def say(text: str) -> None:
    """Tell of progress."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


@contextmanager
def serving(dialect: str, *certificate: str) -> Iterator[str]:
    """A byte server for one dialect, in a process of its own; its address. It ends with its standard input."""
    command = [sys.executable, "-m", "bench.server", dialect, *certificate]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.stdin.close()
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()


def measured(module: str, *words: object, env: Mapping[str, str] | None = None, limit: float = 150) -> dict[str, float] | str:
    """One measurement in a process of its own; why it failed, in a few words, where it did."""
    command = [sys.executable, "-m", module, *map(str, words)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=limit, env={**os.environ, **(env or {})}
        )
    except subprocess.TimeoutExpired:
        return f"took more than {limit:g} s"
    if done.returncode == 3:
        return ""
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["ended without a word"])[-1][:160]
    result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


class Gathering:
    """The figures of one table while they come: reader to what was seen."""

    def __init__(self) -> None:
        self.seen: dict[str, list[dict[str, float]]] = {}
        self.failed: dict[str, str] = {}

    def take(self, name: str, result: dict[str, float] | str) -> None:
        """A result, or why there is none."""
        if isinstance(result, str):
            if result:
                say(f"    {name}: {result}")
            self.failed[name] = result
        else:
            self.seen.setdefault(name, []).append(result)

    def table(self, title: str, unit: str, key: str, note: str = "", *, figure: Figure = statistics.median) -> Table:
        """``figure`` of the rounds, with the least and the most; failures that have words are rows too."""
        cells = {
            name: Cell(figure(values), min(values), max(values))
            for name, results in self.seen.items()
            if (values := [result[key] for result in results])
        }
        failed = {name: why for name, why in self.failed.items() if why and name not in cells}
        return Table(title, unit, cells, note, failed)


def compared(
    kind: str,
    dialect: str,
    loop: str,
    rounds: Callable[[str], int],
    numbers: tuple[object, ...],
    names: tuple[str, ...] = tuple(READERS),
) -> Gathering:
    """Every reader in turn, round after round, against one server."""
    gathered = Gathering()
    say(f"{kind} {dialect} {loop} {' '.join(map(str, numbers))}")
    with serving(dialect) as root:
        for turn in range(max(map(rounds, names))):
            for name in names:
                if turn < rounds(name) and name not in gathered.failed:
                    gathered.take(name, measured("bench.measure", kind, name, dialect, root, loop, *numbers))
    return gathered


def _fewer_for_peers(rounds: int) -> Callable[[str], int]:
    return lambda name: rounds if name in OURS else min(rounds, 2)


def floods(scale: Scale) -> Iterator[Table]:
    """CPU an event of answers that come as fast as they are taken, per dialect."""
    for dialect in scale.dialects:
        seen = compared("flood", dialect, "uvloop", _fewer_for_peers(scale.rounds), (scale.deltas, scale.seconds))
        name, padded, _ = dialect.partition("+padding")
        note = "Every payload has a random field, as OpenAI's own have (`obfuscation`)." if padded else ""
        yield seen.table(
            f"flooded, {name}{', no two payloads alike' if padded else ''}", "µs of CPU an event", "us", note, figure=min
        )


def paces(scale: Scale) -> Iterator[Table]:
    """CPU an event of many answers at once, a packet an event, and what an open stream weighs."""
    for streams in scale.streams:
        for loop in ("uvloop", "asyncio") if streams == 50 else ("uvloop",):
            names = (*OURS, "openai", "litellm") if streams == 50 else (*OURS, "openai")
            rounds = min(scale.rounds, 4 if streams < 5000 else 2)
            pause = streams / RATE if streams > 1 else 0.01
            window = max(2.0 if scale.rounds > 1 else 1.0, pause)
            seen = compared("paced", "openai-chat", loop, _fewer_for_peers(rounds), (streams, pause, window), names)
            title = f"{streams:,} stream{'s' if streams > 1 else ''}"
            opened = " in each stream; they were opened evenly over such a pause" if streams > 1 else ""
            note = f"A packet every {pause:g} s{opened}."
            yield seen.table(f"paced, {title}, {loop}", "µs of CPU an event", "us", note, figure=min)
            if streams >= 500 or streams == scale.streams[-1]:
                yield seen.table(f"memory, {title}, resident", "bytes a stream", "bytes")


def calls(scale: Scale) -> Iterator[Table]:
    """What a call costs before and after its words."""
    seen = compared(
        "call", "openai-chat", "uvloop", _fewer_for_peers(scale.rounds), (scale.calls,), (*OURS, "openai", "litellm")
    )
    note = "Each round is the median of some hundred calls, one after the other."
    yield seen.table("a call, its connection kept, to the first word", "ms from asking", "first_ms", note, figure=min)
    yield seen.table("a call of one word, to its end", "ms from asking", "ms", note, figure=min)
    yield seen.table("a call of one word, CPU", "µs of CPU a call", "cpu_us", figure=min)
    seen = compared("connect", "openai-chat", "uvloop", _fewer_for_peers(scale.rounds), (scale.calls // 3,), (*OURS, "openai"))
    yield seen.table(
        "from connecting to the first word", "ms", "first_ms", "A new client each time; the HTTP client is loaded already."
    )


def sizes(scale: Scale) -> Iterator[Table]:
    """That the cost does not grow with the answer, nor with the way in which it was cut."""
    gathered = Gathering()
    with serving("openai-chat") as root:
        for _ in range(min(2, scale.rounds)):
            for deltas in scale.sizes:
                say(f"grow {deltas}")
                gathered.take(
                    f"{deltas:,} events", measured("bench.measure", "grow", "bourn", "openai-chat", root, "uvloop", deltas)
                )
    yield gathered.table("bourn, by length of the answer", "µs of CPU an event", "us", figure=min)
    gathered = Gathering()
    for name, words in {
        "64 KiB, byte by byte": ("reads", 65_536, 1),
        "256 KiB, byte by byte": ("reads", 262_144, 1),
        "1 MiB, byte by byte": ("reads", 1_048_576, 1),
        "1 MiB, 100 bytes a read": ("reads", 1_048_576, 100),
        "1 MiB, 10 KiB a read": ("reads", 1_048_576, 10_240),
        "one frame of 1 MiB": ("frame", 1),
        "one frame of 4 MiB": ("frame", 4),
        "one frame of 16 MiB": ("frame", 16),
    }.items():
        gathered.take(name, measured("bench.bounds", *words))
    yield gathered.table("bourn, by size and cut, in memory", "ns of CPU a byte", "ns")


def bounds(scale: Scale) -> Iterator[Table]:
    """Memory of streams, read and unread, and the stalls of the loop."""
    streams = 500 if scale.rounds > 1 else 50
    seen = compared("weigh", "openai-chat", "uvloop", lambda _: 1, (streams,), (*OURS, "openai"))
    yield seen.table(f"memory, {streams} streams, Python's own", "bytes a stream (tracemalloc)", "bytes")
    gathered = Gathering()
    say("unread")
    with serving("openai-chat") as root:
        for name in ("floor", "bourn", "openai"):
            gathered.take(name, measured("bench.bounds", "unread", name, root, 20))
    yield gathered.table(
        "a flooded stream that nobody reads", "KiB, resident", "kib", "What the kernel's socket buffers hold is not in it."
    )
    yield from _stalls(scale)


def _stalls(scale: Scale) -> Iterator[Table]:
    """The loop's longest stalls over TLS, a way to use this library after the other."""
    title, unit = "the loop's longest stall, over TLS, from construction to close", "ms"
    with tempfile.TemporaryDirectory() as folder:
        try:
            pem, key = outside.certificate(folder)
        except (OSError, subprocess.SubprocessError) as error:
            yield Table(title, unit, {}, "", {"first stream": f"no certificate could be made: {error}"[:100]})
            return
        with serving("openai-chat", pem, key) as root:
            seen = {way: Gathering() for way in WAYS}
            for _ in range(scale.rounds):
                for way, gathered in seen.items():
                    say(f"stall {way}")
                    gathered.take(way, measured("bench.bounds", "stall", root, way, env={"SSL_CERT_FILE": pem}))
    rows = Gathering()
    for name, figure in STALLS.items():
        for result in seen["stream"].seen.get("stream", ()):
            rows.take(name, {"ms": result[figure]})
    rows.failed = seen["stream"].failed
    yield rows.table(title, unit, "ms", STALL_NOTE)
    rows = Gathering()
    for gathered in seen.values():
        rows.seen |= gathered.seen
        rows.failed |= gathered.failed
    yield rows.table("the same, by what the process does first with this library", unit, "first_ms", FIRST_NOTE)


STALLS = {
    "first stream of the process": "first_ms",
    "first stream, computing": "first_cpu_ms",
    "second stream": "next_ms",
    "second stream, computing": "next_cpu_ms",
}
"""Row to the key of the figure."""

FIRST_NOTE = (
    "The modules of steering, objects and tools are loaded by their first use, in the loop's thread; where that matters, make "
    "one such stream, and leave it unread, before the program serves anybody."
)
"""What the rows have in common, and what to do about it."""

STALL_NOTE = (
    "*Computing* is the loop's thread at work; the rest is waiting for the interpreter's lock, which the thread that loads the "
    "HTTP client, the TLS context and the dialect beside the loop holds for moments, or a busy machine."
)


def programs(scale: Scale) -> Iterator[Table]:
    """Imports, starts, sizes, and the mock."""
    gathered = Gathering()
    say("imports")
    for _ in range(scale.rounds):
        for name, statement in outside.IMPORTS.items():
            spent = outside.import_ms(statement)
            gathered.take(name, "" if spent is None else {"ms": spent})
    yield gathered.table("import", "ms of CPU", "ms", "In a new interpreter; its own start is not in it.")
    gathered = Gathering()
    for _ in range(scale.rounds * 3):
        for name, words in outside.COMMANDS.items():
            clock, cpu = outside.start_ms(words)
            gathered.take(name, {"ms": clock, "cpu": cpu})
    yield gathered.table("start of the command line", "ms by the clock, from start to end", "ms")
    gathered = Gathering()
    say("install")
    try:
        for name, size in outside.install_mb().items():
            gathered.take(name, {"mb": size})
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        gathered.take("core install, all packages", f"pip could not install it: {error}"[:120])
    yield gathered.table("size", "MB", "mb", "Installed by pip into an empty folder, without compiled files.")
    gathered = Gathering()
    say("mock")
    for dialect in ("openai-chat", "anthropic"):
        for connections in (1, 100):
            for _ in range(scale.rounds):
                gathered.take(f"{dialect}, {connections} at once", measured("bench.mock", dialect, connections))
    yield gathered.table("the mock server", "events a second", "per_second")


def tables(scale: Scale) -> Iterator[Table]:
    """All of it."""
    for part in (floods, paces, calls, sizes, bounds, programs):
        yield from part(scale)
