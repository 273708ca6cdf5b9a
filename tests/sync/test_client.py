"""A client that several threads share: one pool of connections, in a thread that ends with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import bourn
from bourn.mock import ThreadedServer, echo, pause, text
from bourn.testing.leaks import Belongings, collector_off


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """No thread and no socket of a client outlives it."""
    bourn.sync.stream("openai/any", "hi", mock="warm").collect()
    before = Belongings.now()
    yield
    assert Belongings.now().since(before) == []


def test_streams_share_connections() -> None:
    """Three calls, one after the other, use one connection, which is closed with the client."""
    with ThreadedServer(text("Hello")) as server:
        with bourn.sync.Client(base_url=server.base_url(), api_key="k") as client:
            assert [client.stream("openai/any", "hi").collect().text for _ in range(3)] == ["Hello"] * 3
            assert server.journal.opened == 1
        server.wait(lambda journal: not journal.open)


def test_many_threads_use_one_client() -> None:
    """Twenty threads, each with streams of its own, get each its own answers."""
    with ThreadedServer(echo()) as server, bourn.sync.Client(base_url=server.base_url(), api_key="k") as client:
        said: dict[int, list[str]] = {}

        def ask(number: int) -> None:
            said[number] = [client.stream("openai/any", f"I am {number}, {at}").collect().text for at in range(5)]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said == {number: [f"I am {number}, {at}" for at in range(5)] for number in range(20)}


def test_what_is_left_open_is_closed_with_it() -> None:
    """A stream that is open when its client closes is closed; a closed client makes none."""
    with ThreadedServer(text("a") + pause(1000)) as server:
        client = bourn.sync.Client(base_url=server.base_url(), api_key="k")
        stream = client.stream("openai/any", "hi")
        next(stream)
        client.close()
        client.close()
        server.wait(lambda journal: journal.opened and not journal.open)
        assert stream.is_closed()
        with pytest.raises(bourn.ClosedError):
            next(stream)
        with pytest.raises(bourn.ClosedError):
            client.stream("openai/any", "hi")


def test_one_that_was_never_used_leaves_no_thread() -> None:
    """A client starts nothing before its first call."""
    before = threading.active_count()
    client = bourn.sync.Client()
    client.stream("openai/any", "hi", mock="Hello").close()
    assert threading.active_count() == before
    client.close()


def test_the_last_reference_ends_it_with_the_collector_off() -> None:
    """A client that is dropped closes its connections when its last stream is gone, too."""
    with collector_off(), ThreadedServer(text("a") + pause(1000)) as server:
        client = bourn.sync.Client(base_url=server.base_url(), api_key="k")
        stream = client.stream("openai/any", "hi")
        inside = client._thread._inside
        next(stream)
        del client
        assert next(stream) is not None
        del stream
        server.wait(lambda journal: journal.opened and not journal.open)
        assert inside._thread is not None
        inside._thread.join()


def test_a_leaving_reader_does_not_disturb_the_others() -> None:
    """One of two streams of a client is closed; the other goes on."""
    with ThreadedServer(text("one ", "two")) as server, bourn.sync.Client(base_url=server.base_url(), api_key="k") as client:
        left, kept = client.stream("openai/any", "hi"), client.stream("openai/any", "hi")
        with left:
            next(kept)
        assert kept.collect().text == "one two"


def test_wrong_arguments_are_found_at_once() -> None:
    """What `bourn.Client` refuses is refused here."""
    with pytest.raises(bourn.InputError):
        bourn.sync.Client(base_url={"nobody": "http://x"})
