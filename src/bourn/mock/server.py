"""The server: listens on loopback, gives every connection a handler of its own, and closes everything on exit.

It runs in the event loop that enters it, so a test with virtual time has virtual time on both ends of a real connection.

House rule: bounded, no timer of its own, no task left behind; what a script raised is raised again when the server is left.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections.abc import Callable, Collection, Iterable
from types import TracebackType

from bourn import dialects
from bourn.errors import InputError
from bourn.mock import faults as all_faults
from bourn.mock.connection import Connection
from bourn.mock.faults.base import Fault
from bourn.mock.http import BODY_LIMIT, HEAD_LIMIT, HttpRequest, RequestReader
from bourn.mock.journal import Exchange, Journal
from bourn.mock.mounts import Answering, Mount
from bourn.mock.ops import Script
from bourn.mock.scenario import Scenario
from bourn.mock.service import Service
from bourn.mock.signals import Signals


class MockServer:
    """A real HTTP server under ``async with``; ``url`` is where it listens, ``journal`` what happened.

    ``answer`` decides what every request gets: a scenario, in every dialect; or a handler, a ``Reply``, or a list of ops, for
    any path whatever. Without it only what :meth:`add` gave a name is served. ``fault`` (one, several, or names) breaks a
    scenario. ``seed`` makes all random choices. ``keys`` are the API keys to accept (any, by default). ``port=0`` takes a free
    port. ``send_buffer`` makes the kernel's send buffer small, so that a reader that does not read is felt early.
    ``head_limit`` and ``body_limit`` bound requests, in bytes. ``observe`` is called with each exchange that has ended.
    Raises ``InputError`` when the port is in use.
    """

    def __init__(
        self,
        answer: Answering | None = None,
        *,
        fault: Fault | str | Iterable[Fault | str] = (),
        seed: int | str = 0,
        keys: Collection[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        send_buffer: int | None = None,
        head_limit: int = HEAD_LIMIT,
        body_limit: int = BODY_LIMIT,
        observe: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.seed = seed
        self.journal = Journal()
        self.errors: list[Exception] = []
        self._send_buffer = send_buffer
        self._limits = (head_limit, body_limit)
        self._observe = observe
        self._signals = Signals()
        self._connections: set[Connection] = set()
        self._refuser: socket.socket | None = None
        self._began = 0.0
        self._stopping = False
        self._added = 0
        self._service = Service(self, seed, keys)
        if answer is not None:
            self._put("", answer, fault)

    def __repr__(self) -> str:
        return f"<MockServer {self.origin} seed={self.seed!r}>"

    @property
    def origin(self) -> str:
        """``http://host:port``, without a path."""
        return f"http://{_bracketed(self.host)}:{self.port}"

    @property
    def url(self) -> str:
        """Where the server's own answer is reached: the origin, or a port that refuses, under the fault ``refused``."""
        mount = self._service.mounts.get("")
        return self.origin if mount is None else mount.url

    def base_url(self, dialect: str = "openai-chat") -> str:
        """The base URL to give to a client or SDK of a dialect. Raises ``InputError`` for an unknown one."""
        return self.url + dialects.get(dialect).root

    def add(self, answer: Answering, *, name: str | None = None, fault: Fault | str | Iterable[Fault | str] = ()) -> Mount:
        """Serve something under a base URL of its own, and a scenario also under its name as the model's name.

        Without a name a new one is made. Raises ``InputError`` for a name that is taken or has odd characters.
        """
        self._added += name is None
        return self._put(name if name is not None else f"t{self._added}", answer, fault)

    def signal(self, name: str) -> None:
        """Let one ``WaitFor(name)`` pass: the one that waits, or the next."""
        self._signals.give(name)

    @property
    def refusing_origin(self) -> str:
        """The origin of a port that is taken and refuses every connection, as long as the server runs."""
        if self._refuser is None:
            self._refuser = _bind(self.host, 0)  # bound and never listening: the kernel refuses
        return f"http://{_bracketed(self.host)}:{self._refuser.getsockname()[1]}"

    async def __aenter__(self) -> MockServer:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.journal.bind(self._loop)
        listener = self._listener = _bind(self.host, self.port)
        if self._send_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)  # what it accepts inherits this
        self.port = listener.getsockname()[1]
        listener.listen(1024)
        listener.settimeout(0)
        self._accepting = self._loop.create_task(self._accept())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping = True
        with _caller(self._listener):  # a cancelled sock_accept loses the connection it just took: rather give it one
            await self._accepting
        self._listener.close()
        while self._connections:
            await asyncio.gather(*(connection.stop() for connection in self._connections))
        if self._refuser is not None:
            self._refuser.close()
        if self.errors and error is None:
            raise self.errors[0]

    async def _accept(self) -> None:
        """Take connections one by one: ``loop.create_server`` forgets those that are half made when it is closed."""
        while not self._stopping:
            try:
                sock, _ = await self._loop.sock_accept(self._listener)
            except OSError as error:  # no descriptor is left: a connection must end before another can come
                self.failed(error)
                await asyncio.sleep(1)
            else:
                await self._loop.connect_accepted_socket(lambda: Connection(self), sock)

    # what a connection asks

    def now(self) -> float:
        """Seconds since the server began."""
        return self._loop.time() - self._began

    def reader(self) -> RequestReader:
        """A request reader with this server's limits."""
        return RequestReader(*self._limits)

    async def script(self, request: HttpRequest, exchange: Exchange) -> Script:
        """The script that answers a request."""
        return await self._service.script(request, exchange)

    async def signalled(self, name: str) -> None:
        """Wait for a signal from the test."""
        await self._signals.take(name)

    def ended(self, exchange: Exchange) -> None:
        """An answer is over."""
        self.journal.changed()
        if self._observe is not None:
            self._observe(exchange)

    def failed(self, error: Exception) -> None:
        """A script or its maker raised: kept, and raised when the server is left."""
        self.errors.append(error)

    def accept(self, connection: Connection) -> bool:
        """A connection is there; it is served unless the server is being left."""
        if not self._stopping:
            self._connections.add(connection)
        return not self._stopping

    def forget(self, connection: Connection) -> None:
        """The connection is gone."""
        self._connections.discard(connection)

    def _put(self, name: str, answer: Answering, fault: Fault | str | Iterable[Fault | str]) -> Mount:
        given = [fault] if isinstance(fault, Fault | str) else fault
        faults = [all_faults.read(each) if isinstance(each, str) else each for each in given]
        if name in self._service.mounts:
            raise InputError(f"a scenario called {name!r} was added before: give another name, or none")
        if faults and not isinstance(answer, Scenario):
            raise InputError("a fault breaks a scenario; a handler or a list of ops says itself what goes wrong")
        if isinstance(answer, Scenario):
            answer = answer.broken(*faults)
        mount = self._service.mounts[name] = Mount(self, name, answer)
        return mount


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, or asyncio leaves Nagle's delay on
    try:
        if sys.platform != "win32":  # there it would let two servers share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except (OSError, OverflowError) as error:
        sock.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            message = f"port {port} on {host} is in use: end the program that has it, or give port=0 for a free one"
        else:
            message = f"cannot listen on {host} port {port}: {error}"
        raise InputError(message) from None
    return sock


def _caller(listener: socket.socket) -> socket.socket:
    """A socket that calls a listening one, without waiting for the answer."""
    host, port = listener.getsockname()[:2]
    caller = socket.socket(listener.family)
    caller.settimeout(0)
    caller.connect_ex(({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port))  # noqa: S104 -- the other way round
    return caller
