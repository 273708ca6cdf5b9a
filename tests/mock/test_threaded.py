"""The server in a thread: for synchronous clients, with the same answers, and nothing left behind."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request

import pytest

from bourn.errors import InputError
from bourn.mock import Reply, ThreadedServer, ops, text
from bourn.mock.http import HttpRequest


def post(server: ThreadedServer, **body: object) -> bytes:
    request = urllib.request.Request(  # noqa: S310 -- loopback
        server.base_url() + "/chat/completions",
        json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], **body}).encode(),
        {"authorization": "Bearer k", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 -- loopback
        data: bytes = response.read()
        return data


def test_a_synchronous_client_is_answered_and_the_thread_ends_with_the_server():
    before = threading.active_count()
    with ThreadedServer(text("Hello"), seed=3) as server:
        assert json.loads(post(server))["choices"][0]["message"]["content"] == "Hello"
        assert b"[DONE]" in post(server, stream=True)
        assert [exchange.path for exchange in server.exchanges] == ["/v1/chat/completions"] * 2
        assert server.url == server.origin
        mount = server.add(text("more"), name="more")
        assert mount.url == server.url + "/s/more"
    assert threading.active_count() == before
    assert len(server.exchanges) == 2


def test_signals_and_waits_cross_the_threads():
    with ThreadedServer(text("a", ops.Note("asked"), ops.WaitFor("go"), "b")) as server:
        said: list[bytes] = []
        asking = threading.Thread(target=lambda: said.append(post(server)))
        asking.start()
        server.wait(lambda journal: any("asked" in each.notes for each in journal.exchanges))
        assert not said
        server.signal("go")
        asking.join()
        assert json.loads(said[0])["choices"][0]["message"]["content"] == "ab"
        assert server.wait(lambda journal: journal.opened) == 1


def test_waiting_in_vain_shows_the_journal():
    with ThreadedServer(text("a")) as server:
        post(server)
        with pytest.raises(TimeoutError, match=r"did not happen within 0\.01 s; the journal says:\n<Journal\n  <Connection 1"):
            server.wait(lambda journal: journal.opened > 5, timeout=0.01)


def test_what_a_handler_raises_reaches_the_test():
    def broken(_: HttpRequest) -> Reply:
        raise ZeroDivisionError("my own bug")

    with pytest.raises(ZeroDivisionError, match="my own bug"), ThreadedServer(broken) as server, pytest.raises(ConnectionError):
        post(server)


def test_a_port_in_use_is_named_in_the_thread_that_asked():
    with ThreadedServer(text("a")) as server:
        port = int(server.origin.rpartition(":")[2])
        with pytest.raises(InputError, match=f"port {port} on 127.0.0.1 is in use"):
            ThreadedServer(text("a"), port=port).__enter__()
