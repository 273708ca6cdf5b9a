"""The journal keeps what happened, wakes those who wait for it, and holds no key."""

from __future__ import annotations

import asyncio
import json

import pytest

from bourn.mock import MockServer, Reply, ThreadedServer, ops, text
from bourn.mock.http import HttpRequest
from bourn.mock.journal import ConnectionRecord, Exchange, Journal
from tests.mock.rawpeer import NAMES, ask, hear

LAST = b"GET /x?key=sk-query HTTP/1.1\r\nconnection: close\r\ncookie: sk-cookie\r\n\r\n"


@pytest.mark.parametrize("name", NAMES)
async def test_no_key_is_in_the_journal(name: str) -> None:
    async with MockServer(text("hi")) as server:
        await ask(server, name, key="sk-very-secret")
        await hear(server, LAST)
        shown = json.dumps(server.journal.to_dict()) + repr(server.journal)
        assert "sk-" not in shown + repr(server)
        assert "***" in shown


async def test_bytes_are_counted_as_they_left():
    async with MockServer(Reply(200, {}, [b"12345"], "length")) as server:
        heard = await hear(server, LAST)
        (exchange,) = server.journal.exchanges
        assert exchange.bytes_sent == exchange.connection.bytes_sent == len(heard.raw)
        assert exchange.connection.bytes_received == len(LAST)


async def test_waiting_is_woken_by_what_it_waits_for_and_by_nothing_else():
    async with MockServer([ops.Note("begun"), ops.Wait(5), ops.Note("over"), ops.Close()]) as server:
        order: list[str] = []

        async def watch(word: str) -> None:
            await (server.journal.noted(word) if word in ("begun", "over") else server.journal.ended())
            order.append(f"{word} {asyncio.get_running_loop().time():g}")

        watchers = [asyncio.create_task(watch(word)) for word in ("end", "over", "begun")]
        await hear(server, LAST)
        await asyncio.gather(*watchers)
        assert sorted(order) == ["begun 0", "end 5", "over 5"]
        assert (await server.journal.requests(1))[0].notes == ["begun", "over"]


async def test_the_journal_is_readable_at_a_url():
    async with MockServer(text("hi")) as server:
        await ask(server, "openai-chat")
        heard = await hear(server, b"GET /__bourn__/journal HTTP/1.1\r\nconnection: close\r\n\r\n")
        journal = json.loads(heard.body)
        (exchange,) = journal["connections"][0]["exchanges"]
        assert exchange["path"] == "/v1/chat/completions"
        assert (exchange["ending"], exchange["dialect"]) == ("whole", "openai-chat")
        assert json.loads(exchange["body"])["model"] == "m"


def _exchange(journal: Journal, record: ConnectionRecord, body: bytes) -> Exchange:
    exchange = Exchange(HttpRequest("GET", "/", "/", {}, {}, body), record, 0)
    journal.asked(exchange)
    return exchange


def test_only_so_much_is_kept():
    journal = Journal(limit=3, body_bytes=100)
    for _ in range(5):
        journal.begin(0, lambda: 0).closed = True
    assert [record.number for record in journal] == [3, 4, 5]
    record = journal.connections[-1]
    kept = [_exchange(journal, record, b"") for _ in range(5)]
    assert journal.exchanges == record.exchanges == kept[-3:]
    large = [_exchange(journal, record, b"x" * 60) for _ in range(2)]
    assert journal.exchanges == record.exchanges == large[-1:]


def test_a_connection_that_is_open_is_never_forgotten():
    journal = Journal(limit=2)
    for _ in range(4):
        journal.begin(0, lambda: 0)
    assert len(journal.open) == 4


async def test_a_journal_of_another_loop_says_how_to_wait_for_it():
    with ThreadedServer(text("hi")) as server:
        journal = server.call(lambda: server._server.journal)
        with pytest.raises(RuntimeError, match=r"use ThreadedServer\.wait"):
            await journal.requests()
