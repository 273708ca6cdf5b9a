"""The server: listens on loopback, gives every connection a handler of its own, and closes everything on exit.

It runs in the event loop that enters it, so a test with virtual time has virtual time on both ends of a real connection.

House rule: bounded, no timer of its own, no task left behind; what a script raised is raised again when the server is left.
"""

from __future__ import annotations

import asyncio
import errno
import inspect
import socket
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType

from bourn.errors import InputError
from bourn.mock.connection import Connection
from bourn.mock.http import BODY_LIMIT, HEAD_LIMIT, HttpRequest, RequestReader
from bourn.mock.journal import Exchange, Journal
from bourn.mock.ops import Op, Script
from bourn.mock.reply import Reply
from bourn.mock.signals import Signals

Answer = Reply | Script
Handler = Callable[[HttpRequest], Answer | Awaitable[Answer]]
"""Called with each request; gives a ``Reply`` or a script of ops, or an awaitable of one."""


class MockServer:
    """A real HTTP server under ``async with``; ``url`` is where it listens, ``journal`` what happened.

    ``answer`` decides what every request gets: a handler, a ``Reply``, or a list of ops. ``port=0`` takes a free port;
    ``send_buffer`` makes the kernel's send buffer small, so that a reader that does not read is felt early; ``head_limit`` and
    ``body_limit`` bound requests. Raises ``InputError`` when the port is in use.
    """

    def __init__(
        self,
        answer: Handler | Reply | Iterable[Op],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        send_buffer: int | None = None,
        head_limit: int = HEAD_LIMIT,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self._answer = _handler(answer)
        self.host = host
        self.port = port
        self.journal = Journal()
        self.errors: list[Exception] = []
        self._send_buffer = send_buffer
        self._limits = (head_limit, body_limit)
        self._signals = Signals()
        self._connections: set[Connection] = set()
        self._began = 0.0

    @property
    def url(self) -> str:
        """``http://host:port``, without a path."""
        return f"http://{self.host}:{self.port}"

    def signal(self, name: str) -> None:
        """Let one ``WaitFor(name)`` pass: the one that waits, or the next."""
        self._signals.give(name)

    async def __aenter__(self) -> MockServer:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.journal.bind(self._loop)
        listener = _listen(self.host, self.port, self._send_buffer)
        self.port = listener.getsockname()[1]
        self._server = await self._loop.create_server(self._connection, sock=listener, backlog=1024)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        while self._connections:
            await asyncio.gather(*(connection.stop() for connection in self._connections))
        await self._server.wait_closed()
        if self.errors and error is None:
            raise self.errors[0]

    # what a connection asks

    def now(self) -> float:
        """Seconds since the server began."""
        return self._loop.time() - self._began

    def reader(self) -> RequestReader:
        """A request reader with this server's limits."""
        return RequestReader(*self._limits)

    async def script(self, request: HttpRequest, _: Exchange) -> Script:
        """The script that answers a request."""
        answer = self._answer(request)
        if inspect.isawaitable(answer):
            answer = await answer
        return answer.script() if isinstance(answer, Reply) else answer

    async def signalled(self, name: str) -> None:
        """Wait for a signal from the test."""
        await self._signals.take(name)

    def failed(self, error: Exception) -> None:
        """A script or its maker raised: kept, and raised when the server is left."""
        self.errors.append(error)

    def forget(self, connection: Connection) -> None:
        """The connection is gone."""
        self._connections.discard(connection)

    def _connection(self) -> Connection:
        connection = Connection(self)
        self._connections.add(connection)
        return connection


def _handler(answer: Handler | Reply | Iterable[Op]) -> Handler:
    if callable(answer):
        return answer
    if isinstance(answer, Reply):
        return lambda _: answer
    if iter(answer) is answer:
        raise InputError("a generator can answer only one request: give a function that makes one, or a list of ops")
    return lambda _: answer


def _listen(host: str, port: int, send_buffer: int | None) -> socket.socket:
    # The protocol is named because asyncio turns Nagle's algorithm off only for sockets that name it.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_REUSEADDR"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if send_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"port {port} on {host} is in use: end the program that has it, or give port=0 for a free one"
            ) from None
        raise
    return listener
