"""Shares the servers of local models: all who use one model file use one child process.

``acquire(model)`` gives a ``Lease``. Event loops and threads do not matter: one process has one child a model file. With its
last lease given back the child is stopped; it also ends with the interpreter, and when the interpreter is killed.

House rule: nothing here waits under a lock, and a lease may be given back at any moment, also by the garbage collector.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from bourn.errors import BournError
from bourn.transport.local import models
from bourn.transport.local.process import PROGRAM, Order, Process
from bourn.transport.offload import in_thread


class Lease:
    """A share in a running server: ``base_url`` (without ``/v1``) and ``key`` reach it until :meth:`release`.

    Give it back with :meth:`release` or :meth:`aclose`; losing the last reference does it too. A lease does not notice that its
    server died: requests are then refused, and the next ``acquire`` starts another one.
    """

    __slots__ = ("__weakref__", "_process", "_servers", "base_url", "key", "name")

    def __init__(self, servers: Servers, process: Process, base_url: str) -> None:
        self.base_url = base_url
        self.key = process.order.key
        self.name = process.order.name
        self._servers = servers
        self._process: Process | None = process

    def __repr__(self) -> str:
        return f"<Lease of {self.name} at {self.base_url}{'' if self._process else ', given back'}>"

    def __del__(self) -> None:
        self.release()

    def release(self) -> None:
        """Give the share back; the last one stops the server. Returns at once, from anywhere, as often as called."""
        process, self._process = self._process, None
        if process is not None:
            self._servers.give_back(process)

    async def aclose(self) -> None:
        """Give the share back; if it was the last one, wait until the process is gone."""
        process = self._process
        self.release()
        if process is not None and process.ended:
            await in_thread(process.reap)


class Servers:
    """The servers of one process, at most one a model file. ``SERVERS`` is the one that the library uses."""

    def __init__(self, program: Sequence[str] = PROGRAM) -> None:
        self._program = program
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Path, Process] = {}
        self._stopped: list[Process] = []
        self._given_back: deque[Process] = deque()

    async def acquire(self, model: str, *, keep: bool = False) -> Lease:
        """A share in the server of a local model, started if none runs; give it back with ``release`` or ``aclose``.

        ``model`` is a name of the catalogue or the path of a GGUF file. With ``keep`` the server stays when its last lease is
        given back, until the interpreter ends. Raises ``InputError`` (unknown name, xllamacpp is not installed),
        ``ModelFileError`` (no file, a damaged one) or ``ConnectError`` (the process died). Cancelled, it leaves nothing behind.
        """
        process = self._use(model, keep=keep)
        started = process.started
        try:
            base_url = started.result() if started.done() else await asyncio.wrap_future(started)
        except BournError as error:
            self.give_back(process)
            raise type(error)(error.message) from None  # many may wait for it: each gets an error of its own
        except BaseException:
            self.give_back(process)
            raise
        return Lease(self, process, base_url)

    def give_back(self, process: Process) -> None:
        """Count one user less. Never waits: who holds the lock does it when done, and that may be this very thread."""
        self._given_back.append(process)
        self._settle()

    def stop_all(self) -> None:
        """Stop every server and wait for its end: for the exit of the interpreter."""
        with self._lock:
            ending = [*self._running.values(), *self._stopped]
            self._reset()
        for process in ending:
            process.stop()
        for process in ending:
            process.reap()

    def forget_all(self) -> None:
        """Start afresh in a forked process: the servers are its parent's."""
        for process in (*self._running.values(), *self._stopped):
            process.forget()
        self._reset()

    def _use(self, model: str, *, keep: bool) -> Process:
        """The process for a model, with one user more."""
        path = models.find(model).resolve()
        with self._lock:
            process = self._running.get(path)
            if process is None or not process.alive:
                process = self._replace(process, path, model)
            process.users += 1
            process.keep |= keep
        self._settle()
        return process

    def _replace(self, dead: Process | None, path: Path, model: str) -> Process:
        """Start a process, in the place of one that died if there was one."""
        row = models.CATALOGUE.get(model)
        order = Order(
            model=str(path),
            name=row.name if row else path.stem,
            sha256=row.sha256 if row else None,
            key=secrets.token_urlsafe(32),
            path=sys.path,
        )
        process = Process(self._program, order)
        process.launch()
        self._running[path] = process
        if dead is not None and not dead.users:
            self._stop(dead)
        return process

    def _settle(self) -> None:
        """Count what was given back, stop what has no user, reap what is gone."""
        while self._given_back and self._lock.acquire(blocking=False):
            try:
                while self._given_back:
                    self._drop(self._given_back.popleft())
                self._stopped = [process for process in self._stopped if not process.reap(0)]
            finally:
                self._lock.release()

    def _drop(self, process: Process) -> None:
        process.users -= 1
        if process.users or (process.keep and process.alive):
            return
        self._stop(process)
        path = Path(process.order.model)
        if self._running.get(path) is process:
            del self._running[path]

    def _stop(self, process: Process) -> None:
        process.stop()
        self._stopped.append(process)


SERVERS = Servers()
"""The servers of this process; they end with it at the latest."""

acquire = SERVERS.acquire

atexit.register(SERVERS.stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SERVERS.forget_all)
