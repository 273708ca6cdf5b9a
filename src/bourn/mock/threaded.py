"""The same server in a thread of its own, with a plain event loop: for synchronous tests, and for any other event loop.

House rule: nothing of the server is touched from outside its thread, except through :meth:`ThreadedServer.call`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TypeVar

from bourn.mock.faults.base import Fault
from bourn.mock.journal import Exchange, Journal
from bourn.mock.mounts import Answering, Mount
from bourn.mock.server import MockServer

T = TypeVar("T")


class ThreadedServer:
    """A ``MockServer`` under a plain ``with``; the arguments are the same. Time is real time here."""

    def __init__(self, answer: Answering | None = None, **options: Any) -> None:
        self._server = MockServer(answer, **options)
        self._ready = threading.Event()
        self._running = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="bourn mock", daemon=True)

    def __enter__(self) -> ThreadedServer:
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    @property
    def url(self) -> str:
        """Where the server's own answer is reached."""
        return self._server.url

    @property
    def origin(self) -> str:
        """``http://host:port``, without a path."""
        return self._server.origin

    def base_url(self, dialect: str = "openai-chat") -> str:
        """The base URL to give to a client or SDK of a dialect. Raises ``InputError`` for an unknown one."""
        return self._server.base_url(dialect)

    def add(self, answer: Answering, *, name: str | None = None, fault: Fault | str | Iterable[Fault | str] = ()) -> Mount:
        """Serve something under a base URL of its own, as ``MockServer.add`` does."""
        return self.call(lambda: self._server.add(answer, name=name, fault=fault))

    def signal(self, name: str) -> None:
        """Let one ``WaitFor(name)`` pass."""
        self.call(lambda: self._server.signal(name))

    @property
    def exchanges(self) -> list[Exchange]:
        """All requests so far, in the order in which they came."""
        return self.call(lambda: self._server.journal.exchanges)

    @property
    def journal(self) -> Journal:
        """What happened on every connection; look at it through :meth:`call` while the server runs."""
        return self._server.journal

    def wait(self, question: Callable[[Journal], T | None], timeout: float = 10.0) -> T:
        """Wait until ``question(journal)`` is true, and give its value. Raises ``TimeoutError`` that shows the journal."""
        answer = asyncio.run_coroutine_threadsafe(self._server.journal.wait(question), self._loop)
        try:
            return answer.result(timeout)
        except TimeoutError:
            answer.cancel()
            shown = self.call(lambda: repr(self._server.journal))
            raise TimeoutError(
                f"what the test waits for did not happen within {timeout} s; the journal says:\n{shown}"
            ) from None

    def call(self, function: Callable[[], T]) -> T:
        """Run a function in the server's thread, and give its value; here, when that is this thread, or does not run."""
        if not self._running or threading.current_thread() is self._thread:
            return function()

        async def run() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 -- handed over to the thread that entered or left
            self._error = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with self._server:
            self._running = True
            self._ready.set()
            await self._stop.wait()
            self._running = False
