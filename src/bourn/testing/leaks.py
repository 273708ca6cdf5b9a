"""What is left behind: tasks, threads, sockets and asynchronous generators that were not there before.

    before = Belongings.now()
    ...
    assert not Belongings.now().since(before)

House rule: it only looks. Nothing is collected, closed or cancelled; call ``gc.collect`` first where cycles may be pending.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

import msgspec


class Belongings(msgspec.Struct, frozen=True):
    """What a process holds now; call it inside the running loop to see its tasks."""

    tasks: dict[int, str]
    threads: dict[int, str]
    sockets: dict[str, str]

    @classmethod
    def now(cls) -> Self:
        """Look: unfinished tasks of the running loop but the current one, live threads, open sockets (where /proc tells).

        Threads of the running loop's own executor, in which it looks up names, are the loop's and not looked at.
        """
        running = asyncio._get_running_loop() is not None  # noqa: SLF001 - the public one raises where none runs
        current = asyncio.current_task() if running else None
        tasks = {
            _key(task, task.get_name()): repr(task) for task in (asyncio.all_tasks() if running else ()) if task is not current
        }
        pool = getattr(asyncio.get_running_loop(), "_default_executor", None) if running else None
        loops = getattr(pool, "_threads", ())
        threads = {_key(thread, thread.name): thread.name for thread in threading.enumerate() if thread not in loops}
        return cls(tasks, threads, _sockets())

    def since(self, before: Belongings) -> list[str]:
        """A line for each thing that was not there before."""
        left = [f"task {name}" for key, name in self.tasks.items() if key not in before.tasks]
        left += [f"thread {name}" for key, name in self.threads.items() if key not in before.threads]
        left += [f"socket {name}" for key, name in self.sockets.items() if key not in before.sockets]
        return left


@contextmanager
def collector_off() -> Iterator[None]:
    """Within it nothing is freed but by its last reference: what hangs in a cycle stays."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _key(thing: object, name: str) -> int:
    """Of the name too: what is gone may have left its place in memory, and so its id, to what came after it."""
    return hash((id(thing), name))


def _sockets() -> dict[str, str]:
    """Open sockets of this process: inode to file descriptor."""
    found = {}
    for link in _links():
        try:
            target = str(link.readlink())
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:"):
            found[target] = f"fd {link.name}"
    return found


def _links() -> list[Path]:
    try:
        return list(Path("/proc/self/fd").iterdir())
    except OSError:
        return []  # not Linux


class Generators:
    """Asynchronous generators begun while entered, as long as they live: ``with Generators() as begun: ... begun.open()``.

    ``dropped`` names those that lost their last reference before they had ended or been closed, and were left to the loop.
    Enter it inside the running loop.
    """

    def __init__(self) -> None:
        self._begun: WeakSet[Any] = WeakSet()
        self.dropped: list[str] = []

    def open(self) -> list[AsyncGenerator[Any, Any]]:
        """Those that were begun and neither ended nor closed."""
        return [each for each in self._begun if each.ag_frame is not None]

    def __enter__(self) -> Self:
        self._hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._first, finalizer=self._last)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        sys.set_asyncgen_hooks(*self._hooks)

    def _first(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._begun.add(generator)
        if self._hooks.firstiter is not None:
            self._hooks.firstiter(generator)

    def _last(self, generator: AsyncGenerator[Any, Any]) -> None:
        self.dropped.append(repr(generator))
        if self._hooks.finalizer is not None:
            self._hooks.finalizer(generator)
