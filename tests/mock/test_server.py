"""The server at the level of sockets: ops do what they say, and nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bourn.errors import InputError
from bourn.mock import HttpRequest, MockServer, Reply, ops

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@contextlib.asynccontextmanager
async def peer(server: MockServer) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A raw client connection."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def read_all(reader: asyncio.StreamReader) -> tuple[bytes, str]:
    """All bytes, and the way they ended: `eof` or `reset`."""
    data = b""
    try:
        while piece := await reader.read(65536):
            data += piece
    except ConnectionResetError:
        return data, "reset"
    return data, "eof"


async def test_a_script_of_ops_is_sent_as_it_is():
    async with MockServer([ops.Send(b"HTTP/1.1 200 OK\r\n\r\nhi"), ops.Close()]) as server, peer(server) as (reader, writer):
        writer.write(GET)
        assert await read_all(reader) == (b"HTTP/1.1 200 OK\r\n\r\nhi", "eof")


async def test_small_pieces_are_sent_at_once():
    """No piece waits for the acknowledgement of the one before it, as Nagle's algorithm would have it."""
    async with MockServer([ops.Send(b"HTTP/1.1 200 OK\r\n\r\nhi"), ops.Stall()]) as server, peer(server) as (reader, writer):
        writer.write(GET)
        await reader.read(1)
        (connection,) = server._connections
        sock = connection._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_reset_after_a_flush_takes_nothing_back():
    big = b"x" * 500_000
    async with (
        MockServer([ops.Send(big), ops.Flush(), ops.Reset()], send_buffer=8192) as server,
        peer(server) as (reader, writer),
    ):
        writer.write(GET)
        data, end = await read_all(reader)
        assert (len(data), end) == (len(big), "reset")
        assert server.journal.connections[0].bytes_sent == len(big)
        assert server.journal.exchanges[0].ending == "cut"


async def test_a_chunked_reply_keeps_the_connection():
    reply = Reply(200, {"content-type": "text/plain"}, [b"one", b"two"])
    async with MockServer(reply) as server, peer(server) as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head == b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
            assert await reader.readuntil(b"0\r\n\r\n") == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
        assert server.journal.opened == 1


async def test_pipelined_requests_are_answered_in_order():
    def echo(request: HttpRequest) -> Reply:
        return Reply(200, {}, [request.path.encode()], "length")

    async with MockServer(echo) as server, peer(server) as (reader, writer):
        writer.write(
            b"GET /a HTTP/1.1\r\n\r\n"
            b"POST /b HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc"
            b"GET /c HTTP/1.1\r\nconnection: close\r\n\r\n"
        )
        data, end = await read_all(reader)
        assert (data.replace(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b""), end) == (b"/a/b/c", "eof")


async def test_the_journal_sees_the_peer_leave_and_the_script_is_dropped():
    closed: list[str] = []

    def handler(_: HttpRequest) -> Iterator[ops.Op]:
        try:
            yield ops.Send(b"x")
            yield ops.Stall()
        finally:
            closed.append("dropped")

    async with MockServer(handler) as server:
        async with peer(server) as (reader, writer):
            writer.write(GET)
            await reader.readexactly(1)
            await asyncio.sleep(5)
        (record,) = await server.journal.closed()
        assert (record.peer, record.peer_at, record.exchanges[0].ending) == ("eof", 5.0, "peer left")
        assert closed == ["dropped"]


async def test_waits_take_the_time_of_the_loop_and_signals_let_one_wait_pass():
    script = [ops.Wait(30), ops.Send(b"a"), ops.WaitFor("go"), ops.Send(b"b"), ops.WaitFor("go"), ops.Close()]
    async with MockServer(script) as server, peer(server) as (reader, writer):
        start = asyncio.get_running_loop().time()
        writer.write(GET)
        assert await reader.readexactly(1) == b"a"
        assert asyncio.get_running_loop().time() - start == pytest.approx(30)
        server.signal("go")
        assert await reader.readexactly(1) == b"b"
        server.signal("go")
        assert await read_all(reader) == (b"", "eof")


async def test_leaving_the_server_ends_every_connection_and_task():
    before = asyncio.all_tasks()
    async with MockServer([ops.Send(b"x"), ops.Stall()]) as server:
        pairs = [await asyncio.open_connection(server.host, server.port) for _ in range(5)]
        for reader, writer in pairs:
            writer.write(GET)
            await reader.readexactly(1)
    assert asyncio.all_tasks() == before
    assert all(record.closed_at is not None for record in server.journal)
    assert [exchange.ending for exchange in server.journal.exchanges] == ["server stopped"] * 5
    for _, writer in pairs:
        writer.close()


async def test_leaving_while_connections_come_in_leaves_nothing():
    before = asyncio.all_tasks()
    for turns in range(6):
        async with MockServer([ops.Stall()]) as server:
            opening = [asyncio.create_task(asyncio.open_connection(server.host, server.port)) for _ in range(20)]
            for _ in range(turns):
                await asyncio.sleep(0)
        for opened in await asyncio.gather(*opening, return_exceptions=True):
            if not isinstance(opened, BaseException):
                with contextlib.suppress(ConnectionError):
                    await opened[0].read()
                opened[1].close()
        await asyncio.sleep(1)
        assert not server.journal.open
        assert asyncio.all_tasks() == before


async def test_an_endless_script_stops_where_the_peer_does_not_read():
    def endless(_: HttpRequest) -> Iterator[ops.Op]:
        while True:
            yield ops.Send(b"x" * 1000)

    async with MockServer(endless, send_buffer=4096) as server:
        _, writer = await asyncio.open_connection(server.host, server.port, limit=1000)
        writer.write(GET)
        record = await server.journal.blocked()
        for _ in range(3):
            await asyncio.sleep(1)
        assert record.bytes_sent < 5_000_000
        assert record.blocked
        writer.transport.abort()
        await server.journal.closed()


async def test_what_a_handler_raises_is_raised_when_the_server_is_left():
    def broken(_: HttpRequest) -> Reply:
        raise ZeroDivisionError("my own bug")

    with pytest.raises(ZeroDivisionError, match="my own bug"):
        async with MockServer(broken) as server, peer(server) as (reader, writer):
            writer.write(GET)
            assert await read_all(reader) == (b"", "reset")
            assert server.journal.exchanges[0].ending == "failed"


async def test_where_no_descriptor_is_left_connections_wait_and_the_test_is_told():
    loop = asyncio.get_running_loop()
    accept, refusals = loop.sock_accept, [OSError(errno.EMFILE, "Too many open files")]

    async def accept_later(sock: socket.socket) -> Any:
        if refusals:
            raise refusals.pop()
        return await accept(sock)

    with pytest.raises(OSError, match="Too many open files"), contextlib.ExitStack() as undo:
        undo.callback(setattr, loop, "sock_accept", accept)
        loop.sock_accept = accept_later  # type: ignore[method-assign]  # restored at once
        async with MockServer([ops.Send(b"x"), ops.Close()]) as server, peer(server) as (reader, writer):
            writer.write(GET)
            assert await read_all(reader) == (b"x", "eof")
            assert server.journal.connections[0].at == 1


async def test_an_address_that_cannot_be_had_is_named():
    for options in ({"host": "192.0.2.1"}, {"host": "no.such.host.invalid"}, {"port": 99999}, {"port": -1}):
        with pytest.raises(InputError, match="cannot listen on"):
            await MockServer([], **options).__aenter__()


async def test_a_port_in_use_is_named():
    async with MockServer([]) as server:
        with pytest.raises(InputError, match=f"port {server.port} on 127.0.0.1 is in use.*port=0"):
            await MockServer([], port=server.port).__aenter__()
