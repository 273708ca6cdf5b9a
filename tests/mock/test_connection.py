"""One connection: keep-alive, pipelining, half-closed sides, 100-continue, and refusals, on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from bourn.mock import HttpRequest, MockServer, Reply, ops
from tests.mock.rawpeer import hear

ONE = b"GET /1 HTTP/1.1\r\n\r\n"
LAST = b"GET /2 HTTP/1.1\r\nconnection: close\r\n\r\n"


def echo(request: HttpRequest) -> Reply:
    """The path and the body, said back."""
    return Reply(200, {}, [request.path.encode() + request.body], "length")


async def test_a_hundred_pipelined_requests_are_answered_in_order_on_one_connection():
    requests = b"".join(f"POST /{n} HTTP/1.1\r\ncontent-length: 1\r\n\r\n!".encode() for n in range(100))
    async with MockServer(echo) as server:
        heard = await hear(server, requests + LAST)
        bodies = [part.rpartition(b"\r\n\r\n")[2] for part in heard.raw.split(b"HTTP/1.1 200 OK\r\n")[1:]]
        assert bodies == [f"/{n}!".encode() for n in range(100)] + [b"/2"]
        assert (server.journal.opened, heard.end) == (1, "eof")


async def test_a_pipelined_request_that_comes_during_an_answer_waits_for_its_turn():
    def slow(request: HttpRequest) -> Reply:
        return Reply(200, {}, [b"a", ops.Wait(10), request.path.encode()])

    async with MockServer(slow) as server:
        heard = await hear(server, ONE + LAST)
        assert heard.after.endswith(b"1\r\na\r\n2\r\n/2\r\n0\r\n\r\n")
        first, second = server.journal.exchanges
        assert (first.ended_at, second.at, second.ended_at) == (10, 10, 20)


async def test_more_than_is_read_ahead_of_an_answer_is_left_in_the_kernel_and_read_later():
    body = b"x" * 3_000_000

    def handler(request: HttpRequest) -> Reply:
        return Reply(200, {}, [ops.WaitFor("go"), b"%d" % len(request.body)], "length")

    async with MockServer(handler) as server:
        post = b"POST / HTTP/1.1\r\ncontent-length: %d\r\n%%b\r\n" % len(body)
        asking = asyncio.create_task(hear(server, ONE + post % b"" + body + post % b"connection: close\r\n" + body))
        await server.journal.requests(1)
        await asyncio.sleep(10)
        assert server.journal.connections[0].bytes_received < 3_000_000
        for _ in range(3):
            server.signal("go")
        heard = await asking
        assert [part[-7:] for part in heard.raw.split(b"HTTP/1.1 200 OK")[2:]] == [b"3000000", b"3000000"]


async def test_a_peer_that_expects_100_continue_gets_it_once_and_then_the_answer():
    head = b"POST /c HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\n"
    async with MockServer(echo) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(head)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert await reader.read() == b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n/chi"
        writer.close()


async def test_bytes_that_are_no_request_get_a_400_and_the_connection_is_closed():
    async with MockServer(echo) as server:
        heard = await hear(server, b"\x16\x03\x01 this is TLS\r\n\r\n")
        assert (heard.status, heard.end) == (400, "eof")
        assert b"not an HTTP/1.1 request line" in heard.body
        assert (await hear(server, ONE + LAST)).status == 200


async def test_a_request_over_the_limits_is_refused():
    async with MockServer(echo, head_limit=1000, body_limit=1000) as server:
        assert (await hear(server, b"POST / HTTP/1.1\r\ncontent-length: 1001\r\n\r\n")).status == 413
        assert (await hear(server, b"GET / HTTP/1.1\r\nx: " + b"y" * 2000)).status == 431


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
async def test_every_framing_delivers_the_body(framing: str) -> None:
    async with MockServer(Reply(200, {}, [b"one", ops.Wait(1), b"", b"two"], framing)) as server:  # type: ignore[arg-type]  # a name of each
        heard = await hear(server, LAST)
        assert (heard.body or heard.rest, heard.end) == (b"onetwo", "eof")
        assert heard.whole == (framing != "close")


async def test_after_a_half_close_the_peer_hears_the_end_and_is_still_heard():
    def handler(_: HttpRequest) -> Iterator[ops.Op]:
        yield ops.Send(b"bye")
        yield ops.HalfClose()
        yield ops.WaitFor("later")

    async with MockServer(handler) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(ONE)
        assert await reader.read() == b"bye"
        writer.write(b"still here")
        await asyncio.sleep(1)
        assert server.journal.connections[0].bytes_received == len(ONE) + 10
        assert server.journal.connections[0].peer == "open"
        writer.close()
        (record,) = await server.journal.closed()
        assert record.peer == "eof"


async def test_a_peer_is_not_seen_while_reading_is_stopped():
    script = [ops.StopReading(), ops.Note("deaf"), ops.WaitFor("listen"), ops.StartReading(), ops.Stall()]
    async with MockServer(script) as server:
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(ONE)
        await server.journal.noted("deaf")
        writer.close()
        await asyncio.sleep(60)
        assert server.journal.connections[0].peer == "open"
        server.signal("listen")
        (record,) = await server.journal.closed()
        assert (record.peer, record.peer_at) == ("eof", 60)


async def test_a_peer_that_resets_is_told_from_one_that_closes():
    async with MockServer([ops.Send(b"x"), ops.Stall()]) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(ONE)
        await reader.readexactly(1)
        import socket
        import struct

        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        (record,) = await server.journal.closed()
        assert (record.peer, record.exchanges[0].ending) == ("reset", "peer left")


async def test_an_asynchronous_script_runs_and_is_closed():
    steps: list[str] = []

    async def script() -> AsyncIterator[ops.Op]:
        try:
            yield ops.Send(b"a")
            await asyncio.sleep(5)
            yield ops.Send(b"b")
            yield ops.Stall()
        finally:
            steps.append("closed")

    async with MockServer(lambda _: script()) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(ONE)
        assert await reader.readexactly(2) == b"ab"
        writer.close()
        await server.journal.closed()
        assert steps == ["closed"]


async def test_a_script_that_yields_something_else_is_reported():
    with pytest.raises(TypeError, match="yielded b'raw bytes'"):
        async with MockServer([b"raw bytes"]) as server:  # type: ignore[list-item]  # that is the mistake
            assert (await hear(server, ONE)).end == "reset"


async def test_an_asynchronous_handler_may_wait_before_it_answers():
    async def handler(request: HttpRequest) -> Reply:
        await asyncio.sleep(3)
        return echo(request)

    async with MockServer(handler) as server:
        assert (await hear(server, LAST)).body == b"/2"
        assert server.journal.exchanges[0].ended_at == 3
