"""How to test code that iterates over the streaming answer of an LLM: one short test for each thing that can happen.

Plain pytest and pytest-asyncio against `bourn.mock`, a real HTTP server in the test's own event loop. Copy the file, and let
`ask` give your own iterator instead: point it at `server.add(answer).base_url()`, or at `.base_url("anthropic")` and the like.
Nothing sleeps: a test waits for what happens (`server.journal`) and says when it may go on (`server.signal`).
"""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio

import bourn
from bourn.mock import MockServer, Reply, Scenario, empty, error, faults, http_error, ops, reasoning, serve, text, usage

pytestmark = pytest.mark.asyncio

Ask = Callable[..., bourn.Stream]
PATIENCE = 0.2
"""Seconds until a stream gives up on a silent server."""

SOON = 10
"""Seconds in which what a test waits for has happened on the busiest machine; a test may fail, but never hang."""


@pytest_asyncio.fixture
async def server() -> AsyncIterator[MockServer]:
    """A server for one test; at the end every connection to it must be gone."""
    async with serve() as server:
        yield server
        await asyncio.wait_for(server.journal.wait(lambda journal: not journal.open), SOON)


@pytest_asyncio.fixture
async def client(server: MockServer) -> AsyncIterator[bourn.Client]:
    """A client for one test, closed before the server looks for what was left behind."""
    async with bourn.Client(base_url=server.base_url(), api_key="mock-key", timeouts=bourn.Timeouts(idle=SOON)) as client:
        yield client


@pytest.fixture
def ask(server: MockServer, client: bourn.Client) -> Ask:
    """`ask(answer)` is a stream that will get this answer."""

    def ask(answer: Scenario, timeouts: bourn.Timeouts | None = None) -> bourn.Stream:
        return client.stream(f"openai/{server.add(answer).model}", "Hello?", timeouts=timeouts)

    return ask


@pytest.fixture
def no_collector() -> Iterator[None]:
    """No cyclic garbage collector: what is not freed by its last reference stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def words(events: list[bourn.Event]) -> list[str]:
    """The pieces of text among the events."""
    return [event.text for event in events if isinstance(event, bourn.TextDelta)]


# The protocol


async def test_it_is_its_own_iterator(ask: Ask) -> None:
    """`aiter` gives the stream itself, and `anext` something to await."""
    async with ask(text("Hi")) as stream:
        assert aiter(stream) is stream
        coming = anext(stream)
        assert isinstance(await coming, bourn.Start)


async def test_the_end_is_sticky(ask: Ask, server: MockServer) -> None:
    """After the end every read raises `StopAsyncIteration`, and nothing is asked again."""
    stream = ask(text("Hi"))
    assert words([event async for event in stream]) == ["Hi"]
    for _ in range(3):
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    assert len(server.journal.exchanges) == 1


# Answers


async def test_a_realistic_answer(ask: Ask) -> None:
    """Thinking comes before the text, words come in order, and the end tells reason and usage."""
    answer = reasoning("Let me think.") + text("The sky ", "is ", "blue.", whole=True) + usage(12, 7)
    async with ask(answer.paced(rate=1000, jitter=0.5)) as stream:
        events = [event async for event in stream]
    assert words(events) == ["The sky ", "is ", "blue."]
    assert events[-1] == bourn.Finish("stop", "stop", bourn.Usage(12, 7))


async def test_a_role_chunk_and_empty_deltas_say_nothing(server: MockServer, client: bourn.Client) -> None:
    """Of chunks with a role or an empty string no piece of text is made."""
    deltas = ('"role":"assistant","content":""', '"content":"Hi"', '"content":""', '"content":"!"')
    chunks = [f'data: {{"id":"1","choices":[{{"index":0,"delta":{{{delta}}}}}]}}\n\n'.encode() for delta in deltas]
    end = b'data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    mount = server.add(Reply(200, {"content-type": "text/event-stream"}, [*chunks, end]))
    async with client.stream("openai/any", "Hello?", base_url=mount.url) as stream:
        assert words([event async for event in stream]) == ["Hi", "!"]


async def test_an_empty_answer_is_an_answer(ask: Ask) -> None:
    """An answer without a word is complete, and says why it ended."""
    response = await ask(empty()).collect()
    assert (response.text, response.complete, response.finish_reason) == ("", True, "stop")


# Failures: what had arrived is never lost


async def test_a_network_failure_keeps_the_partial_text(ask: Ask) -> None:
    """When the connection breaks, the words before come first, then the error, which has them too; and it stays."""
    stream = ask(text("one two three").broken(faults.Reset(event=3)))
    heard = []
    with pytest.raises(bourn.ConnectionLostError):
        async for event in stream:
            heard.append(event)
    assert words(heard) == ["one", " two"]
    with pytest.raises(bourn.ConnectionLostError) as caught:
        await anext(stream)
    assert caught.value.response is not None
    assert caught.value.response.text == "one two"


async def test_a_dropped_connection_is_no_end(ask: Ask) -> None:
    """A body that ends politely before the provider's end mark is truncated, and no reason is invented."""
    with pytest.raises(bourn.TruncatedError) as caught:
        await ask(text("one two three").broken(faults.CleanEnd(event=3))).collect()
    assert caught.value.response is not None
    assert (caught.value.response.complete, caught.value.response.finish_reason) == (False, None)


async def test_a_refused_request_says_when_to_come_back(ask: Ask) -> None:
    """A status is an error of its own class, with what the provider said."""
    with pytest.raises(bourn.RateLimitError, match="slow down") as caught:
        await ask(http_error(429, "slow down", retry_after=3)).collect()
    assert (caught.value.status, caught.value.retryable, caught.value.retry_after) == (429, True, 3)


async def test_an_error_in_mid_stream_keeps_the_partial_text(ask: Ask) -> None:
    """An error event inside a 200 is an error, not text and not an end."""
    stream = ask(text("so far") + error("the model broke", type="server_error"))
    with pytest.raises(bourn.ModelError, match="the model broke"):
        await stream.collect()
    assert stream.response.text == "so far"


async def test_a_timeout_keeps_the_partial_text(ask: Ask) -> None:
    """A server that falls silent is left after the idle time; it is a `TimeoutError` too."""
    stream = ask(text("one two three").broken(faults.Stall(event=3)), bourn.Timeouts(idle=PATIENCE))
    with pytest.raises(bourn.IdleTimeout) as caught:
        await stream.collect()
    assert isinstance(caught.value, TimeoutError)
    assert stream.response.text == "one two"


# Leaving early


async def test_cancellation_cleans_up(ask: Ask, server: MockServer) -> None:
    """A task that is cancelled in mid-read ends with `CancelledError`, and the server sees it leave."""
    stream = ask(text("one", ops.Note("waiting"), ops.Stall()))
    reading = asyncio.create_task(stream.collect())
    await asyncio.wait_for(server.journal.noted("waiting"), SOON)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    [exchange] = await asyncio.wait_for(server.journal.ended(), SOON)
    assert exchange.ending == "peer left"


async def test_a_cancelled_read_loses_nothing(ask: Ask, server: MockServer) -> None:
    """After a read that was given up, the next one goes on where it stopped."""
    async with ask(text("one", ops.WaitFor("go"), " two")) as stream:
        while not stream.response.text:
            await anext(stream)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), timeout=0.01)
        server.signal("go")
        assert words([event async for event in stream]) == [" two"]


async def test_an_early_exit_closes_the_connection(ask: Ask, server: MockServer) -> None:
    """`break` out of `async with`, and the server may stop talking."""
    async with ask(text("for ever ").broken(faults.Endless())) as stream:
        async for piece in stream.text():
            assert piece
            break
    assert stream.is_closed()
    [exchange] = await asyncio.wait_for(server.journal.ended(), SOON)
    assert exchange.ending == "peer left"


# Many streams, slow readers, long lives


async def test_several_streams_at_once(ask: Ask) -> None:
    """Streams that run at the same time do not mix."""
    answers = [f"answer number {number} of fifty" for number in range(50)]
    responses = await asyncio.gather(*(ask(text(answer)).collect() for answer in answers))
    assert [response.text for response in responses] == answers


async def test_backpressure(ask: Ask, server: MockServer) -> None:
    """A reader that stops reading stops the server, which would talk for ever."""
    async with ask(text("word " * 1000, whole=True).broken(faults.Endless())) as stream:
        await anext(stream)
        connection = await asyncio.wait_for(server.journal.blocked(), SOON)
        assert connection.bytes_sent < 32 * 1024 * 1024  # what the kernel holds; the stream holds one read


async def test_the_loop_is_not_blocked(ask: Ask) -> None:
    """While a thousand events that came at once are read, other tasks get their turns."""
    given = turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.timeout(SOON), ask(text(*["word "] * 1000, whole=True).broken(faults.OneWrite())) as stream:
        bystander = asyncio.create_task(other())
        async for _ in stream:
            given += 1
        bystander.cancel()
    assert given > 1000
    assert turns >= given // 64


@pytest.mark.usefixtures("no_collector")
async def test_no_memory_leak(ask: Ask, server: MockServer) -> None:
    """A stream that is dropped in the middle is freed at once and takes its connection with it."""
    stream = ask(text("for ever ").broken(faults.Endless()))
    await anext(stream)
    gone = weakref.ref(stream)
    del stream
    assert gone() is None
    await asyncio.wait_for(server.journal.closed(), SOON)


async def test_the_client_is_closed_at_the_end(server: MockServer) -> None:
    """A client keeps its connection for the next call, and lets go of it when it is left."""
    async with bourn.Client(base_url=server.add(text("Hi")).base_url(), api_key="mock-key") as client:
        await client.stream("openai/any", "Hello?").collect()
        await client.stream("openai/any", "Hello?").collect()
        assert len(server.journal.open) == 1
    await asyncio.wait_for(server.journal.closed(), SOON)
    with pytest.raises(bourn.ClosedError):
        client.stream("openai/any", "Hello?")
