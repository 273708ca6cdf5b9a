"""Streams from a local model's server, with a fake child and the mock in the place of llama.cpp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import bourn
from bourn.errors import ClosedError, ConnectError, TotalTimeout
from bourn.mock import HttpRequest, MockServer, Reply
from bourn.transport.local.server import Servers
from bourn.transport.local.transport import LocalTransport
from tests.plain import answer, chunks
from tests.transport.local.witness import Witness

Gguf = Callable[[str], str]
REPLY = Reply(200, {"content-type": "text/event-stream"}, chunks(answer("a", "b")))


@asynccontextmanager
async def serving(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, script: Any = REPLY
) -> AsyncIterator[tuple[MockServer, bourn.Client]]:
    """A mock that the fake child names as its server, and a client over the local transport."""
    async with MockServer(script) as server:
        monkeypatch.setenv("BOURN_TEST_BASE_URL", server.url)
        async with bourn.Client(transport=LocalTransport(servers=servers)) as client:
            yield server, client


async def text(client: bourn.Client, model: str, timeouts: bourn.Timeouts | None = None) -> str:
    """The text of an answer."""
    return (await client.stream(f"local/{model}", "hi", dialect="plain", timeouts=timeouts).collect()).text


async def test_a_stream_reaches_the_server_with_the_leases_key(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, witness: Witness, gguf: Gguf
) -> None:
    """Below the root of its dialect; the child is started once and stopped with the client."""
    asked: list[tuple[str, str | None]] = []

    def answered(request: HttpRequest) -> Reply:
        asked.append((request.path, request.headers.get("authorization")))
        return REPLY

    async with serving(servers, monkeypatch, answered) as (_, client):
        assert await text(client, gguf("serves")) == "ab"
        assert await text(client, gguf("serves")) == "ab"
    child = witness.child()
    assert asked == [("/v1/plain", "Bearer " + child.told["order"]["key"])] * 2
    assert child.ended()
    assert not witness.saw_another()


async def test_no_connection_is_used_twice(servers: Servers, monkeypatch: pytest.MonkeyPatch, gguf: Gguf) -> None:
    """The server closes each after its answer, although it says that it keeps it."""
    async with serving(servers, monkeypatch) as (server, client):
        await text(client, gguf("serves"))
        await text(client, gguf("serves"))
        assert server.journal.opened == 2


async def test_loading_counts_for_the_total_only(servers: Servers, monkeypatch: pytest.MonkeyPatch, gguf: Gguf) -> None:
    """Were any other limit running, virtual time would reach it at once, since it does not see a process start."""
    timeouts = bourn.Timeouts(connect=1, first_event=1, idle=1, idle_bytes=None, total=None)
    async with serving(servers, monkeypatch) as (_, client):
        assert await text(client, gguf("serves"), timeouts=timeouts) == "ab"


async def test_a_load_that_takes_too_long_is_given_up(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, witness: Witness, gguf: Gguf
) -> None:
    """The child does not stay behind."""
    async with serving(servers, monkeypatch) as (_, client):
        with pytest.raises(TotalTimeout):
            await text(client, gguf("hangs"), timeouts=bourn.Timeouts(total=5))
        assert not servers._running
    (process,) = servers._stopped
    assert process.reap(20)


async def test_a_failed_start_is_the_streams_error(servers: Servers, monkeypatch: pytest.MonkeyPatch, gguf: Gguf) -> None:
    """It says whose model it was."""
    async with serving(servers, monkeypatch) as (_, client):
        with pytest.raises(ConnectError, match="no memory left") as caught:
            await text(client, gguf("dies"))
    assert (caught.value.provider, caught.value.model) == ("local", gguf("dies"))


async def test_a_server_that_died_is_replaced_by_the_next_stream(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, witness: Witness, gguf: Gguf
) -> None:
    """The client lives on."""
    async with serving(servers, monkeypatch) as (_, client):
        await text(client, gguf("serves"))
        (died,) = servers._running.values()
        died.stop()
        assert died.reap(20)
        assert await text(client, gguf("serves")) == "ab"
    assert witness.child().ended()
    assert witness.child().ended()


async def test_a_stream_of_its_own_leaves_the_server_for_the_next(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, witness: Witness, gguf: Gguf
) -> None:
    """Loading takes a second: who makes no client shall not pay for it every time."""
    async with MockServer(REPLY) as server:
        monkeypatch.setenv("BOURN_TEST_BASE_URL", server.url)
        for _ in range(2):
            transport = LocalTransport(pooled=False, servers=servers)
            async with bourn.Client(transport=transport) as client:
                assert await text(client, gguf("serves")) == "ab"
        witness.child()
        assert not witness.saw_another()


async def test_two_streams_at_once_start_one_server(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, witness: Witness, gguf: Gguf
) -> None:
    """And both of the leases are given back."""
    async with serving(servers, monkeypatch) as (_, client):
        first, second = await asyncio.gather(text(client, gguf("serves")), text(client, gguf("serves")))
        assert first == second == "ab"
    assert witness.child().ended()
    assert not witness.saw_another()


async def test_a_transport_that_is_cut_off_gives_its_leases_back(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, witness: Witness, gguf: Gguf
) -> None:
    """`abort` does not wait, and may be called twice."""
    async with MockServer(REPLY) as server:
        monkeypatch.setenv("BOURN_TEST_BASE_URL", server.url)
        transport = LocalTransport(servers=servers)
        await text(bourn.Client(transport=transport), gguf("serves"))
        transport.abort()
        transport.abort()
        assert witness.child().ended()


async def test_a_transport_closed_while_a_model_loads_starts_nothing_more(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, witness: Witness, gguf: Gguf
) -> None:
    """The lease that comes too late goes back."""
    transport = LocalTransport(servers=servers)
    async with MockServer(REPLY) as server:
        monkeypatch.setenv("BOURN_TEST_BASE_URL", server.url)
        loading, use = asyncio.Event(), servers._use

        def noting(*args: Any, **options: Any) -> Any:
            loading.set()
            return use(*args, **options)

        monkeypatch.setattr(servers, "_use", noting)
        waiting = asyncio.ensure_future(text(bourn.Client(transport=transport), gguf("serves")))
        await loading.wait()
        transport.abort()
        with pytest.raises(ClosedError):
            await waiting
        assert witness.child().ended()
