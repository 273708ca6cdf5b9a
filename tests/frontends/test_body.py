"""The body of a streamed response: what ends it, what closes it, what keeps it alive."""

from __future__ import annotations

import asyncio

import pytest

import bourn
from bourn.frontends import PROTOCOLS, to_sse
from bourn.frontends.base import Failure
from bourn.mock import MockServer, http_error, ops, pause, serve, text
from bourn.testing.leaks import Belongings, collector_off
from tests.frontends.answers import stream
from tests.frontends.browser import collected


def asked(server: MockServer, client: bourn.Client) -> bourn.Stream:
    return client.stream("openai/any", "hi", base_url=server.base_url(), api_key="k")


async def test_nothing_is_sent_before_the_first_bytes() -> None:
    """A body that is made and closed asks nobody."""
    async with serve(text("Hello")) as server, bourn.Client() as client:
        await to_sse(asked(server, client)).aclose()
        assert server.journal.opened == 0


async def test_a_refused_request_ends_with_an_error_event() -> None:
    """A status is told as the protocol's error, and kept in `error`; iteration raises nothing."""
    body = to_sse(stream(http_error(429, "secret details of the account")))
    told = b"".join(await collected(body))
    assert b"event: error" in told
    assert b"rate_limited" in told
    assert b"secret" not in told
    assert isinstance(body.error, bourn.RateLimitError)


async def test_what_is_told_can_be_changed() -> None:
    """`explain` decides what people read."""
    body = to_sse(stream(http_error(429, "Slow down.")), "ai-sdk-ui", explain=lambda error: Failure(error.message, "mine"))
    assert b'"errorText":"Slow down."' in b"".join(await collected(body))


class BegunAnew:
    """Events of an answer that broke off and began anew."""

    def __init__(self) -> None:
        self.events = iter(
            [bourn.Start(), bourn.TextStart(0), bourn.TextDelta(0, "old"), bourn.Restart((0,), "cut: secret"), bourn.Start()]
        )
        self.closed = False

    async def __anext__(self) -> bourn.Event:
        try:
            return next(self.events)
        except StopIteration:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        self.closed = True


async def test_a_restart_is_an_event_where_it_can_be_said() -> None:
    """Our own protocol tells it and goes on."""
    told = await collected(to_sse(BegunAnew()))
    assert told[3].startswith(b"event: restart\n")
    assert told[4].startswith(b"event: start\n")


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name != "bourn"])
async def test_a_restart_fails_where_it_cannot_be_said(protocol: str) -> None:
    """Elsewhere the answer ends with the protocol's error, in words for people, and the stream is closed."""
    events = BegunAnew()
    body = to_sse(events, protocol)
    told = b"".join(await collected(body))
    assert b"began anew" in told
    assert b"secret" not in told
    assert isinstance(body.error, bourn.EventOrderError)
    assert events.closed


async def test_silence_is_pinged() -> None:
    """Every 15 silent seconds a comment is sent, no event is lost to it, and `None` sends none."""
    slow = text("a") + pause(40) + text("b")
    pings = [data for data in await collected(to_sse(stream(slow))) if data == b": ping\n\n"]
    assert len(pings) == 2
    plain = await collected(to_sse(stream(slow), ping=None))
    assert b": ping\n\n" not in plain
    assert [data for data in await collected(to_sse(stream(slow), ping=7)) if data != b": ping\n\n"] == plain


async def test_the_streams_own_limit_is_no_ping() -> None:
    """A `DeadlineError` is a `TimeoutError`, and still the answer's end."""
    limited = bourn.stream("openai/any", "hi", mock=text("a") + pause(400), timeouts=bourn.Timeouts(idle=20))
    body = to_sse(limited, ping=15)
    told = await collected(body)
    assert isinstance(body.error, bourn.IdleTimeout)
    assert told.count(b": ping\n\n") == 1
    assert b"timeout" in told[-1]


@pytest.mark.parametrize("way", ["cancel", "aclose", "drop"])
async def test_who_leaves_closes_the_connection(way: str) -> None:
    """A browser that is gone, told by cancellation, closing or letting go: the model's server sees it, no collector runs."""
    async with serve(text("Hello", ops.WaitFor("never"))) as server, bourn.Client() as client:
        before = Belongings.now()
        body = to_sse(asked(server, client), ping=None)
        while b"Hello" not in await anext(body):
            pass
        with collector_off():
            if way == "cancel":
                reading = asyncio.ensure_future(collected(body))
                await asyncio.sleep(1)
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
            elif way == "aclose":
                await body.aclose()
                await body.aclose()
                with pytest.raises(bourn.ClosedError):
                    await anext(body)
            else:
                del body
            (record,) = await server.journal.closed()
        assert record.exchanges[0].ending == "peer left"
        assert Belongings.now().since(before) == []


async def test_the_end_stays_the_end() -> None:
    """After the last bytes every read ends at once, after an error, too."""
    for scenario in (text("Hello"), http_error(500)):
        body = to_sse(stream(scenario))
        await collected(body)
        assert await collected(body) == []


async def test_open_raises_what_the_stream_raises() -> None:
    """A model that refuses at once can be answered with a status: nothing was written yet, and nothing is left open."""
    refused = stream(http_error(429))
    with pytest.raises(bourn.RateLimitError):
        await to_sse(refused).open()
    assert refused.is_closed()
    body = await to_sse(stream("Hello"), "ai-sdk-ui").open()
    assert b"Hello" in b"".join(await collected(body))


async def test_the_headers_keep_everybody_from_holding_it_back() -> None:
    """No cache, no compression, no buffering; the protocol adds its own."""
    body = to_sse(stream("Hello"), "ai-sdk-ui")
    assert body.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert body.headers["cache-control"] == "no-cache, no-transform"
    assert body.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert body.media_type == "text/event-stream"
    await body.aclose()
