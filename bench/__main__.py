"""``python -m bench [--quick] [--write]``: every reader, every measurement, one run; ``--write`` makes docs/performance.md."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.readers import PATHS, READERS
from bench.report import Cell, write

HERE = Path(__file__).parent
IMPORTS = {
    "bourn": "import bourn",
    "bourn, first stream": "import bourn; bourn.stream",
    "bourn, HTTP loaded": "import bourn.client, bourn.transport.http",
    "aiohttp": "import aiohttp",
    "openai": "import openai",
    "anthropic": "import anthropic",
    "litellm": "import litellm",
    "any-llm": "import any_llm",
    "langchain-openai": "import langchain_openai",
    "pydantic-ai": "import pydantic_ai.models.openai",
}
PACKAGES = (
    "bourn",
    "aiohttp",
    "msgspec",
    "openai",
    "anthropic",
    "litellm",
    "any-llm-sdk",
    "langchain-openai",
    "pydantic-ai-slim",
)

Table = dict[str, dict[str, Cell]]
"""Measurement to reader to what was seen."""


@contextmanager
def serving(dialect: str) -> Iterator[str]:
    """A byte server for one dialect, in a process of its own; its root address."""
    with subprocess.Popen([sys.executable, "-m", "bench.server", dialect], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def measured(*words: str) -> dict[str, Any] | None:
    """One measurement in a process of its own; ``None`` where the reader cannot do it, with the reason on standard error."""
    done = subprocess.run([sys.executable, "-m", "bench.measure", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"  {' '.join(words[:3])}: {(done.stderr.strip().splitlines() or ['failed'])[-1][:150]}", file=sys.stderr)
        return None
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def compared(kind: str, dialect: str, loop: str, rounds: int, *numbers: str) -> dict[str, list[dict[str, Any]]]:
    """Every reader in turn, round after round, against one server."""
    seen: dict[str, list[dict[str, Any]]] = {}
    able = [name for name in READERS if name not in ("openai", "anthropic") or _speaks(name, dialect)]
    with serving(dialect) as root:
        for turn in range(rounds):
            for name in list(able):
                result = measured(kind, name, dialect, root, loop, *numbers)
                if result is None:
                    able.remove(name)
                    continue
                seen.setdefault(name, []).append(result)
                print(f"  {kind} {dialect} {loop} round {turn + 1} {name}: {result}", file=sys.stderr)
    return seen


def _speaks(name: str, dialect: str) -> bool:
    return dialect.startswith(name)


def table_of(title: str, unit: str, seen: dict[str, list[dict[str, Any]]], key: str) -> Table:
    """One column: the median of the rounds, with the least and the most."""
    return {
        f"{title} ({unit})": {
            name: Cell(statistics.median(values), min(values), max(values))
            for name, results in seen.items()
            if (values := [result[key] for result in results])
        }
    }


def import_costs(rounds: int) -> Table:
    """CPU milliseconds of an import in a new interpreter, the interpreter's own start taken off."""
    code = "import time; t = time.process_time(); {}; print((time.process_time() - t) * 1000)"
    cells: dict[str, Cell] = {}
    for name, statement in IMPORTS.items():
        values = []
        for _ in range(rounds):
            done = subprocess.run([sys.executable, "-c", code.format(statement)], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                values.append(float(done.stdout.strip().splitlines()[-1]))
        if values:
            cells[name] = Cell(statistics.median(values), min(values), max(values))
    return {"import, CPU (ms)": cells}


def versions() -> dict[str, str]:
    """What was measured, on what."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "absent"
    return found


def main() -> None:
    """Measure, print, and, if asked, write."""
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="one round, small numbers: to see that it works")
    arguments.add_argument(
        "--write", action="store_true", help="write docs/performance.md, its pictures and bench/results.json"
    )
    given = arguments.parse_args()
    rounds, deltas = (1, "2000") if given.quick else (3, "20000")
    levels = (1, 50) if given.quick else (1, 50, 500)
    table: Table = {}
    for dialect in PATHS:
        table |= table_of(
            f"flooded, {dialect}", "µs of CPU an event", compared("flood", dialect, "asyncio", rounds, deltas), "us_per_event"
        )
    for loop in ("asyncio", "uvloop"):
        for streams in levels:
            pause = max(0.02, streams / 2500)
            seen = compared("paced", "openai-chat", loop, rounds, str(streams), "100", str(pause))
            table |= table_of(f"paced, {streams} streams, {loop}", "µs of CPU an event", seen, "us_per_event")
            if streams == levels[-1]:
                table |= table_of(f"memory, {streams} streams, {loop}", "bytes a stream", seen, "bytes_per_stream")
    table |= table_of("whole short call", "ms", compared("first", "openai-chat", "asyncio", rounds, "200"), "ms")
    table |= import_costs(rounds)
    write(table, versions(), HERE.parent, keep=given.write)


if __name__ == "__main__":
    main()
