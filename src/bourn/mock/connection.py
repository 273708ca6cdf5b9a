"""One connection of the mock: reads requests, runs the script that answers each, one after the other.

House rule: one task a connection; when the peer goes, the script is dropped where it stands; every act is in the journal with
its time. Bytes are counted as sent when the kernel has taken them.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
import struct
import sys
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, ClassVar, Protocol, cast

from bourn.mock import flush, ops
from bourn.mock.http import BadHttpError, HttpRequest, RequestReader
from bourn.mock.journal import ConnectionRecord, Ending, Exchange, Journal, PeerAct
from bourn.mock.ops import Op, Script
from bourn.mock.reply import text_reply

_BACKLOG_LIMIT = 1024 * 1024
"""Bytes of later requests that are read ahead while an answer runs."""

_FAIR_SHARE = 32
"""Sends after which the event loop gets a turn."""

_LINGER_NOT = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Host(Protocol):
    """What a connection needs of its server."""

    journal: Journal

    def now(self) -> float:
        """Seconds since the server began."""
        ...

    def reader(self) -> RequestReader:
        """A request reader with the server's limits."""
        ...

    async def script(self, request: HttpRequest, exchange: Exchange, /) -> Script:
        """The script that answers a request."""
        ...

    async def signalled(self, name: str) -> None:
        """Wait for a signal from the test."""
        ...

    def ended(self, exchange: Exchange) -> None:
        """An answer is over."""
        ...

    def failed(self, error: Exception) -> None:
        """A script or its maker raised."""
        ...

    def accept(self, connection: Connection) -> bool:
        """A connection is there; whether it is served."""
        ...

    def forget(self, connection: Connection) -> None:
        """The connection is gone."""
        ...


class Connection(asyncio.Protocol):
    """The server's end of one connection. The event loop makes it; ``stop`` ends it; ``gone`` is done when nothing is left."""

    record: ConnectionRecord
    gone: asyncio.Future[None]
    _transport: asyncio.Transport
    _task: asyncio.Task[None]

    def __init__(self, host: Host) -> None:
        self._host = host
        self._reader = host.reader()
        self._loop = asyncio.get_running_loop()
        self._exchange: Exchange | None = None
        self._wake: asyncio.Future[None] | None = None  # set when there may be a new request
        self._drained: asyncio.Future[None] | None = None  # set while the kernel takes nothing
        self._held_back = False
        self._stopping = False
        self._accepted = False

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve."""
        self._transport = own = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._accepted = self._host.accept(self)
        if not self._accepted:
            own.abort()
            return
        own.set_write_buffer_limits(0)
        self.gone = self._loop.create_future()
        self.record = self._host.journal.begin(self._host.now(), own.get_write_buffer_size)
        self._task = self._loop.create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        self.record.bytes_received += len(data)
        self._reader.feed(data)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
        elif self._exchange is not None and self._reader.buffered > _BACKLOG_LIMIT:
            self._held_back = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The peer closed its side: it is gone, as clients are."""
        self._peer("eof")
        self._task.cancel()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        if not self._accepted:
            return
        if exc is not None and self.record.peer == "open":
            self._peer("reset")
        self.record.close(self._host.now())
        self._task.cancel()
        self.resume_writing()
        self._task.add_done_callback(self._gone)

    def pause_writing(self) -> None:
        """The kernel takes no more bytes."""
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """The kernel has taken everything."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    # what the server calls

    async def stop(self) -> None:
        """End the connection now; returns when its socket is closed and its task is done."""
        self._stopping = True
        self._task.cancel()
        self._transport.abort()
        await self.gone

    # the task

    async def _serve(self) -> None:
        try:
            while (request := await self._request()) is not None:
                over = await self._answer(request)
                if over or not request.keep_alive:
                    break
            self._transport.close()
        except BadHttpError as error:
            await self._run(text_reply(error.status, f"{error}\n").script())
            self._transport.close()
        except asyncio.CancelledError:
            if self.record.closed_at is None:  # a transport that was closed with bytes in hand cannot be aborted after it
                self._transport.abort()

    async def _request(self) -> HttpRequest | None:
        asked = False
        if self._held_back:
            self._held_back = False
            self._transport.resume_reading()
        while (request := self._reader.next()) is None:
            if self._reader.continue_wanted and not asked:
                asked = True
                await self._send(CONTINUE)
            self._wake = self._loop.create_future()
            await self._wake
            self._wake = None
        return request

    async def _answer(self, request: HttpRequest) -> bool:
        """Run the answer to one request; whether the connection is over."""
        self._exchange = exchange = Exchange(request, self.record, self._host.now())
        self._host.journal.asked(exchange)
        ending: Ending = "peer left"
        try:
            over = await self._run(await self._host.script(request, exchange))
            ending = "cut" if over else "whole"
        except asyncio.CancelledError:
            ending = "server stopped" if self._stopping and self.record.peer == "open" else "peer left"
            raise
        except Exception as error:  # noqa: BLE001 -- a script is the test's own code: the server reports what it raised
            ending = "failed"
            exchange.notes.append(f"{type(error).__name__}: {error}")
            self._host.failed(error)
            over = await self._reset(ops.Reset())
        finally:
            self._exchange = None
            exchange.end(ending, self._host.now())
            self._host.ended(exchange)
        return over

    async def _run(self, script: Script) -> bool:
        """Run a script; whether it ended the connection."""
        iterator = aiter(script) if isinstance(script, AsyncIterable) else iter(script)
        try:
            return await (self._run_async(iterator) if isinstance(iterator, AsyncIterator) else self._run_sync(iterator))
        finally:
            close = getattr(iterator, "aclose", None) or getattr(iterator, "close", None)
            result = close() if close is not None else None
            if inspect.isawaitable(result):
                await result

    async def _run_sync(self, script: Iterator[Op]) -> bool:
        sends, record, write = 0, self.record, self._transport.write
        for op in script:
            if type(op) is ops.Send:
                record.handed += len(op.data)
                write(op.data)
                sends += 1
                if self._drained is not None:
                    await self._wait_drained()
                elif sends % _FAIR_SHARE == 0:
                    await asyncio.sleep(0)
            elif await self._doer(op)(self, op):
                return True
        return False

    async def _run_async(self, script: AsyncIterator[Op]) -> bool:
        async for op in script:
            if await self._run_sync(iter((op,))):
                return True
        return False

    async def _wait_drained(self) -> None:
        if self._drained is None:
            return
        self.record.blocked = True
        self._host.journal.changed()
        try:
            await self._drained
        finally:
            self.record.blocked = False

    async def _send(self, data: bytes) -> None:
        await self._run_sync(iter((ops.Send(data),)))

    def _gone(self, _: asyncio.Task[None]) -> None:
        """The socket is closed and the task is done."""
        self.record.closed = True
        self.gone.set_result(None)
        self._host.forget(self)
        self._host.journal.changed()

    def _peer(self, act: PeerAct) -> None:
        self.record.peer, self.record.peer_at = act, self._host.now()
        self._host.journal.changed()

    def _doer(self, op: Op) -> Callable[[Any, Any], Awaitable[bool]]:
        do = self._DO.get(type(op))
        if do is None:
            raise TypeError(f"a script yields ops of bourn.mock.ops, and this one yielded {op!r}")
        return do

    # one coroutine an op: true when the connection is over

    async def _flush(self, _: ops.Flush) -> bool:
        await self._wait_drained()
        await flush.sent(self._transport.get_extra_info("socket"))
        return False

    async def _wait(self, op: ops.Wait) -> bool:
        await asyncio.sleep(op.seconds)
        return False

    async def _wait_for(self, op: ops.WaitFor) -> bool:
        await self._host.signalled(op.name)
        return False

    async def _stall(self, _: ops.Stall) -> bool:
        await self._loop.create_future()
        return False

    async def _note(self, op: ops.Note) -> bool:
        if self._exchange is not None:
            self._exchange.notes.append(op.text)
            self._host.journal.changed()
        return False

    async def _reset(self, _: ops.Reset) -> bool:
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()
        return True

    async def _half_close(self, _: ops.HalfClose) -> bool:
        self._transport.write_eof()
        return False

    async def _close(self, _: ops.Close) -> bool:
        await self._wait_drained()
        self._transport.close()
        return True

    async def _stop_reading(self, _: ops.StopReading) -> bool:
        self._transport.pause_reading()
        return False

    async def _start_reading(self, _: ops.StartReading) -> bool:
        self._transport.resume_reading()
        return False

    _DO: ClassVar[dict[type[Op], Callable[[Any, Any], Awaitable[bool]]]] = {
        ops.Flush: _flush,
        ops.Wait: _wait,
        ops.WaitFor: _wait_for,
        ops.Stall: _stall,
        ops.Note: _note,
        ops.Reset: _reset,
        ops.HalfClose: _half_close,
        ops.Close: _close,
        ops.StopReading: _stop_reading,
        ops.StartReading: _start_reading,
    }
