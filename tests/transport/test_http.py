"""The HTTP transport against a real server on loopback, in virtual time."""

from __future__ import annotations

import asyncio
import gc
import gzip
import weakref
import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import bourn
from bourn.mock import HttpRequest, MockServer, Reply, ops
from bourn.testing.clock import run
from bourn.testing.leaks import collector_off
from bourn.testing.suspensions import cancel_at
from tests.plain import answer, chunks, wire

SSE = {"content-type": "text/event-stream; charset=utf-8"}
HEAD = chunks(answer("a", "b", finish=False))
WHOLE = chunks(answer("a", "b"))


def reply(*body: Any, **options: Any) -> Reply:
    return Reply(options.pop("status", 200), SSE | options.pop("headers", {}), list(body), **options)


@asynccontextmanager
async def serving(script: Any, **options: Any) -> AsyncIterator[tuple[MockServer, bourn.Client]]:
    """A server that answers with `script`, and a client pointed at it."""
    async with MockServer(script, **options) as server, bourn.Client(base_url=server.url) as client:
        yield server, client


def ask(client: bourn.Client, **options: Any) -> bourn.Stream:
    return client.stream("openai/m", "hi", dialect="plain", **options)


def words(events: Iterable[bourn.Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, bourn.TextDelta))


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
async def test_an_answer_comes_through_in_every_framing(framing: Any) -> None:
    """Chunked, content-length and close-delimited bodies give the same events."""
    async with serving(reply(*WHOLE, framing=framing)) as (_, client):
        events = [event async for event in ask(client)]
    assert events[1:] == answer("a", "b")[1:]


async def test_the_request_is_sent_once_and_says_only_what_it_should() -> None:
    """One POST with the key in its header, no compression asked for, nothing that identifies more than the library."""
    async with serving(reply(*WHOLE)) as (server, client):
        stream = ask(client, api_key="sk-1")
        assert server.journal.opened == 0
        await stream.collect()
        [exchange] = server.journal.exchanges
    assert (exchange.method, exchange.path) == ("POST", "/plain")
    headers = exchange.headers
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"] == "bourn"
    assert headers["content-type"] == "application/json"
    assert set(headers) == {
        "host", "accept", "accept-encoding", "user-agent", "content-type", "content-length", "authorization"
    }  # fmt: skip


async def test_a_client_reuses_its_connection_and_closes_it() -> None:
    """After whole answers one connection served all; leaving the client closes it."""
    async with MockServer(reply(*WHOLE)) as server:
        async with bourn.Client(base_url=server.url) as client:
            for _ in range(3):
                assert words([event async for event in ask(client)]) == "ab"
            assert server.journal.opened == 1
        await server.journal.closed()
        assert server.journal.connections[0].peer == "eof"


async def test_a_stream_of_its_own_closes_its_connection() -> None:
    """`bourn.stream` leaves no connection behind after a whole answer."""
    async with MockServer(reply(*WHOLE)) as server:
        response = await bourn.stream("openai/m", "hi", dialect="plain", base_url=server.url).collect()
        assert response.text == "ab"
        await server.journal.closed()


@pytest.mark.parametrize("pause", [0, 30])
async def test_what_arrived_is_given_before_a_reset(pause: float) -> None:
    """Everything the server had sent before its RST reaches the reader, slow or fast, and then ConnectionLostError."""
    async with serving(reply(*HEAD, ops.Flush(), ops.Wait(5), ops.Reset())) as (_, client):
        seen = []
        with pytest.raises(bourn.ConnectionLostError) as caught:
            async for event in ask(client):
                seen.append(event)
                await asyncio.sleep(pause)
    assert words(seen) == "ab"
    assert caught.value.__cause__ is not None
    assert caught.value.response is not None
    assert caught.value.response.text == "ab"


def one_write(body: bytes, *, length: int | None = None, parts: int = 1) -> list[ops.Op]:
    """An answer's head and body, in so many writes; the body is in one chunk, or of a length that is told."""
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{framing}\r\n\r\n".encode()
    sent = (head + body,) if parts == 1 else (head, body)
    return [op for data in sent for op in (ops.Send(data), ops.Flush(), ops.Wait(1))]


def one_chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("framing", ["chunked", "length"])
async def test_bytes_after_a_body_change_nothing(framing: str, parts: int) -> None:
    """Whatever a server says after a whole answer, the answer is whole, and the connection is not used again."""
    body = b"".join(WHOLE)
    told = one_chunk(body) + b"0\r\n\r\n" if framing == "chunked" else body
    script = one_write(told + b"SSH-2.0\r\n\r\n", length=None if framing == "chunked" else len(body), parts=parts)
    async with serving(script) as (server, client):
        for _ in range(2):
            assert words([event async for event in ask(client)]) == "ab"
        assert server.journal.opened == 2


@pytest.mark.parametrize("parts", [1, 2])
async def test_what_came_before_a_broken_chunk_is_given(parts: int) -> None:
    """A chunk without a size is ProtocolError at once, after the events that came before it, in the same read or not."""
    async with serving(one_write(one_chunk(b"".join(HEAD)) + b"zz\r\n", parts=parts)) as (server, client):
        stream, seen = ask(client), []
        with pytest.raises(bourn.ProtocolError, match="not HTTP that can be read") as caught:
            async for event in stream:
                seen.append(event)
        assert (words(seen), server.now() < 2) == ("ab", True)
        assert caught.value.__cause__ is not None


async def test_what_aiohttp_holds_is_given_before_its_stored_error() -> None:
    """Bytes and the reset that reach the reader's buffer together come out bytes first."""
    gate = asyncio.Event()
    async with serving(reply(HEAD[0], ops.WaitFor("go"), *HEAD[1:], ops.Flush(), ops.Reset())) as (server, client):
        stream = ask(client)
        seen = [await anext(stream)]
        server.signal("go")
        await server.journal.ended()
        asyncio.get_running_loop().call_later(1, gate.set)
        await gate.wait()  # both the bytes and the reset have been read by the loop
        with pytest.raises(bourn.ConnectionLostError):
            async for event in stream:
                seen.append(event)
    assert words(seen) == "ab"


async def test_a_fin_inside_a_chunk_is_a_lost_connection_and_a_clean_end_is_truncated() -> None:
    """Two ways of being cut, two errors, the same partial answer."""
    cut = [
        ops.Send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"),
        *[ops.Send(b"%x\r\n%s\r\n" % (len(piece), piece)) for piece in HEAD],
        ops.Send(b"ff\r\ndata: "),
        ops.Flush(),
        ops.Close(),
    ]
    for script, kind in ((cut, bourn.ConnectionLostError), (reply(*HEAD), bourn.TruncatedError)):
        async with serving(script) as (_, client):
            stream = ask(client)
            with pytest.raises(kind):
                await stream.collect()
            assert stream.response.text == "ab"


@pytest.mark.parametrize("way", ["aclose", "break", "error", "drop", "cancel"])
async def test_leaving_early_closes_the_connection(way: str) -> None:
    """The server sees the disconnect at once, with the cyclic collector off, however the reader left."""
    async with MockServer(reply(*HEAD, ops.Stall())) as server, bourn.Client(base_url=server.url) as client:
        before = asyncio.all_tasks()
        gc.disable()
        try:
            await LEAVE[way](client)
            await server.journal.closed()
        finally:
            gc.enable()
        assert server.journal.connections[0].peer in {"eof", "reset"}
        assert asyncio.all_tasks() == before


async def leave_by_aclose(client: bourn.Client) -> None:
    stream = ask(client)
    await anext(stream)
    await stream.aclose()


async def leave_by_break(client: bourn.Client) -> None:
    async with ask(client) as stream:
        async for _ in stream:
            break


async def leave_by_error(client: bourn.Client) -> None:
    with pytest.raises(ZeroDivisionError):
        async with ask(client) as stream:
            async for _ in stream:
                raise ZeroDivisionError


async def leave_by_drop(client: bourn.Client) -> None:
    stream = ask(client)
    alive = weakref.ref(stream)
    await anext(stream)
    del stream
    assert alive() is None


async def leave_by_cancel(client: bourn.Client) -> None:
    task = asyncio.create_task(ask(client).collect())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task


LEAVE = {
    "aclose": leave_by_aclose,
    "break": leave_by_break,
    "error": leave_by_error,
    "drop": leave_by_drop,
    "cancel": leave_by_cancel,
}


async def test_giving_up_while_the_request_is_under_way_loses_nothing() -> None:
    """Polling with a timeout before the headers come sends one request and gets the whole answer."""
    async with serving(_slow_head) as (server, client):
        stream = ask(client)
        gave_up = 0
        while True:
            try:
                first = await asyncio.wait_for(anext(stream), 0.5)
                break
            except TimeoutError:
                gave_up += 1
        assert isinstance(first, bourn.Start)
        assert words([event async for event in stream]) == "ab"
        assert gave_up >= 5
        assert len(server.journal.exchanges) == 1


def _slow_head(_request: HttpRequest) -> list[ops.Op]:
    return [
        ops.Wait(3),
        ops.Send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + b"".join(WHOLE)),
        ops.Close(),
    ]


@pytest.mark.parametrize("way", ["aclose", "drop", "cancel"])
async def test_leaving_while_the_request_is_under_way_closes_the_connection(way: str) -> None:
    """Closing, dropping or cancelling a stream that waits for its headers leaves no connection."""
    async with MockServer([ops.Stall()]) as server, bourn.Client(base_url=server.url) as client:
        stream = ask(client)
        task = asyncio.create_task(_enter(stream))
        await server.journal.requests()
        if way == "aclose":
            await stream.aclose()
            with pytest.raises(bourn.ClosedError):
                await task
        else:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        del stream, task
        await server.journal.closed()


async def _enter(stream: bourn.Stream) -> None:
    async with stream:
        raise AssertionError("entered")


async def test_dropping_it_after_a_cancelled_read_closes_the_connection() -> None:
    """Given up while it connected or waited for its headers, and dropped with the collector off, it leaves no connection."""
    async with MockServer([ops.Stall()]) as server, bourn.Client(base_url=server.url) as client:
        for at in (1, 2):
            with collector_off():
                stream = ask(client)
                cut = await cancel_at(at, stream.__anext__())
                assert cut.delivered
                del stream
                async with asyncio.timeout(1):
                    await server.journal.closed(at)


async def test_cancellation_at_every_suspension_point() -> None:
    """Whichever suspension the cancellation hits, the task is cancelled, nothing is left, and the client still serves."""
    n, done = 0, False
    async with serving(reply(*WHOLE)) as (server, client):
        while not done:
            task = asyncio.create_task(ask(client).collect())
            for _ in range(n):
                await asyncio.sleep(0)
            done = task.done()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled() is not done
            n += 1
        assert words([event async for event in ask(client)]) == "ab"
        assert n > 5
    await server.journal.closed()


async def test_an_unread_stream_stops_the_server() -> None:
    """Of 21 MB that nobody reads, the server cannot send more than the kernel holds."""
    flood = [wire(bourn.TextDelta(0, "x" * 1000))] * 20_000
    async with serving(reply(*HEAD, *flood), send_buffer=16_384) as (server, client):
        stream = ask(client)
        await anext(stream)
        connection = await server.journal.blocked()
        await asyncio.sleep(600)
        assert connection.bytes_sent < 8_000_000  # the kernel's buffers, and no more
        await stream.aclose()


async def test_no_redirect_is_followed() -> None:
    """A redirect is an error that names its target; the key goes nowhere else."""
    async with serving(reply(status=307, headers={"location": "http://127.0.0.1:9/other?k=1"})) as (server, client):
        with pytest.raises(bourn.BadRequestError, match=r"set base_url to http://127\.0\.0\.1:9/other \["):
            await ask(client, api_key="sk-1").collect()
        assert len(server.journal.exchanges) == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_is_compressed_all_the_same_is_read(encoding: str) -> None:
    """Both gzip and deflate are decoded as they come."""
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    packed = pack(b"".join(WHOLE))
    async with serving(reply(packed[:20], packed[20:], headers={"content-encoding": encoding})) as (_, client):
        assert words([event async for event in ask(client)]) == "ab"


async def test_a_bomb_is_capped_and_an_unknown_encoding_refused() -> None:
    """A gzip bomb ends at the limit; brotli, which was not asked for, is a protocol error."""
    bomb = gzip.compress(b"".join(HEAD) + b": " + bytes(50_000_000))
    async with serving(reply(bomb, headers={"content-encoding": "gzip"})) as (_, client):
        stream = ask(client, limits=bourn.Limits(decoded_bytes=1_000_000))
        with pytest.raises(bourn.FrameTooLargeError, match="decoded_bytes"):
            await stream.collect()
        assert stream.response.text == "ab"
    async with serving(reply(b"x", headers={"content-encoding": "br"})) as (_, client):
        with pytest.raises(bourn.ProtocolError, match="'br'"):
            await ask(client).collect()


async def test_nobody_listening_is_a_connect_error() -> None:
    """A refused connection is ConnectError with a cause."""
    async with MockServer(reply()) as server:
        url = server.url
    with pytest.raises(bourn.ConnectError, match="no connection") as caught:
        await bourn.stream("openai/m", "hi", dialect="plain", base_url=url).collect()
    assert caught.value.__cause__ is not None
    assert caught.value.retryable


def test_a_name_that_cannot_be_looked_up_is_a_connect_error() -> None:
    """A host name that does not exist is ConnectError; real time, since a thread does the look-up."""
    stream = bourn.stream("openai/m", "hi", dialect="plain", base_url="http://no-such-host.invalid")
    with pytest.raises(bourn.ConnectError, match="looked up"):
        asyncio.run(stream.collect())


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ([ops.Send(b"SSH-2.0-OpenSSH\r\n"), ops.Close()], bourn.ProtocolError),
        ([ops.Send(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n"), ops.Close()], bourn.ProtocolError),
        ([ops.Close()], bourn.ConnectionLostError),
        ([ops.Reset()], bourn.ConnectionLostError),
    ],
)
async def test_a_head_that_is_no_head_is_typed(script: list[ops.Op], kind: type[bourn.BournError]) -> None:
    """Garbage, an endless header, a closed and a reset connection before the head are our errors, with a cause."""
    async with serving(script) as (_, client):
        with pytest.raises(kind) as caught:
            await ask(client).collect()
        assert caught.value.__cause__ is not None


async def test_limits_hold_over_a_real_connection() -> None:
    """First-event and idle limits fire at their virtual time over HTTP, and the connection is closed."""
    for script, kind, at in (
        ([ops.Stall()], bourn.FirstEventTimeout, 7),
        (reply(*HEAD, ops.Stall()), bourn.IdleTimeout, 3),
    ):
        async with MockServer(script) as server, bourn.Client(base_url=server.url) as client:
            loop = asyncio.get_running_loop()
            before = loop.time()
            with pytest.raises(kind):
                await ask(client, timeouts=bourn.Timeouts(first_event=7, idle=3)).collect()
            assert loop.time() - before == pytest.approx(at, abs=0.05)
            await server.journal.closed()


async def test_loopback_is_never_sent_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment is used for other hosts only."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with serving(reply(*WHOLE)) as (_, client):
        assert words([event async for event in ask(client)]) == "ab"
        with pytest.raises(bourn.ConnectError, match="proxy"):
            await ask(client, base_url="http://192.0.2.1").collect()


async def test_fifty_streams_do_not_mix() -> None:
    """Fifty streams of one client, interleaved, each get their own answer; one that stalls delays nobody."""

    def handler(request: HttpRequest) -> Reply:
        text = request.body.decode()
        name = text[text.index("<") + 1 : text.index(">")]
        pieces = [step for word in answer(*[name] * 20) for step in (wire(word), ops.Wait(0.01))]
        return reply(*HEAD, ops.Stall()) if name == "7" else reply(*pieces)

    async with MockServer(handler) as server, bourn.Client(base_url=server.url) as client:
        streams = [client.stream("openai/m", f"<{name}>", dialect="plain") for name in range(50)]
        results = await asyncio.gather(
            *(stream.collect() for at, stream in enumerate(streams) if at != 7), return_exceptions=True
        )
        await streams[7].aclose()
    names = [str(name) for name in range(50) if name != 7]
    assert [result.text if isinstance(result, bourn.Response) else result for result in results] == [n * 20 for n in names]


def test_a_client_works_in_one_loop_after_another() -> None:
    """Two `asyncio.run` with one client that is never closed work, and no loop has anything to complain of."""
    complaints: list[Any] = []
    client = [bourn.Client()]

    async def once() -> str:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with MockServer(reply(*WHOLE)) as server:
            return (await client[0].stream("openai/m", "hi", dialect="plain", base_url=server.url).collect()).text

    assert [run(once()), run(once())] == ["ab", "ab"]
    client.clear()
    assert complaints == []
