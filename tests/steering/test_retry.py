"""Retry: the same model again, before content, within bounds; and what is told of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest

import bourn
from bourn.mock import Reply, empty, faults, http_error, ops, serve, text
from bourn.mock.http import HttpRequest
from bourn.transport.memory import MemoryTransport
from tests.plain import answer, chunks, wire
from tests.steering.stages import AFTER, BEFORE, CALL, DEAD, GOOD, IN_CALL, WORDS, outcomes, read, said, service

PLAIN = bourn.Retry(backoff=1, jitter=0)
HERE: dict[str, Any] = {"base_url": "http://test", "dialect": "plain"}


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("stage", BEFORE)
async def test_a_failure_before_content_leaves_no_trace(stage: str) -> None:
    """The next attempt's answer is given as if it had been the first; the failed one is in `attempts` alone."""
    async with service(retry=bourn.Retry(on=(bourn.BournError,))) as here:
        model = here.add("m", BEFORE[stage].scenario, GOOD)
        stream = here.client.stream(model, "hi")
        events, error = await read(stream)
        assert error is None
        assert said(events) == WORDS
        assert len([event for event in events if isinstance(event, bourn.Start)]) == 1
        assert stream.response.text == WORDS
        failed, whole = stream.response.attempts
        assert (failed.outcome, whole.outcome) == ("failed", "complete")
        assert isinstance(failed.error, BEFORE[stage].error)
        assert failed.response is not None
        assert not failed.response.text
        assert failed.waited == 0 < whole.waited
        assert here.asked == 2


async def test_an_attempt_has_the_providers_name_for_it() -> None:
    """A refusal is named in `attempts` as in its error, although no stream came of it."""
    async with service(retry=PLAIN) as here:
        stream = here.client.stream(here.add("m", http_error(429), GOOD), "hi")
        await stream.collect()
    refused, whole = stream.response.attempts
    assert refused.error is not None
    assert refused.request_id == refused.error.request_id
    assert refused.request_id
    assert whole.request_id == stream.request_id != refused.request_id


@pytest.mark.parametrize("stage", BEFORE)
async def test_only_what_may_help_is_tried_again(stage: str) -> None:
    """Without `on` the error itself says whether the same request may succeed later."""
    async with service(retry=PLAIN) as here:
        events, error = await read(here.client.stream(here.add("m", BEFORE[stage].scenario, GOOD), "hi"))
        if BEFORE[stage].retryable:
            assert (said(events), error, here.asked) == (WORDS, None, 2)
        else:
            assert (type(error), events, here.asked) == (BEFORE[stage].error, [], 1)
            assert "not tried again" not in str(error)


@pytest.mark.parametrize("stage", AFTER)
async def test_nothing_is_repeated_after_content(stage: str) -> None:
    """An error after the first content is the stream's, and no second request is sent."""
    async with service(retry=bourn.Retry(on=(bourn.BournError,))) as here:
        stream = here.client.stream(here.add("m", AFTER[stage].scenario, GOOD), "hi")
        events, error = await read(stream)
        assert isinstance(error, AFTER[stage].error)
        assert WORDS.startswith(said(events))
        assert stream.response.text == said(events)
        assert outcomes(stream) == [("m", "failed")]
        assert here.asked == 1


async def test_a_refused_connection_is_tried_again() -> None:
    """Where nobody listens, each attempt fails, and the last error says how many there were."""
    began = now()
    async with bourn.Client(retry=PLAIN, api_key="k", base_url=DEAD) as client:
        with pytest.raises(bourn.ConnectError, match="3 attempts were made") as caught:
            await client.stream("openai/m", "hi").collect()
    assert now() - began == pytest.approx(1 + 2)
    assert caught.value.response
    assert [type(attempt.error) for attempt in caught.value.response.attempts] == [bourn.ConnectError] * 3


async def test_entering_tries_again_too() -> None:
    """`async with` is left with the head of an attempt that was let in."""
    async with service(retry=PLAIN) as here, here.client.stream(here.add("m", http_error(503), GOOD), "hi") as stream:
        assert here.asked == 2
        assert said([event async for event in stream]) == WORDS


async def test_pauses_grow_and_retry_after_is_waited() -> None:
    """The back-off doubles; where the provider asks for more, that is waited instead."""
    async with service(retry=bourn.Retry(attempts=5, backoff=1, jitter=0, max_backoff=3)) as here:
        model = here.add("m", http_error(503), http_error(503), http_error(503), http_error(429, retry_after=7), GOOD)
        stream = here.client.stream(model, "hi")
        await stream.collect()
        assert [attempt.waited for attempt in stream.response.attempts] == [0, 1, 2, 3, 7]
        at = [exchange.at for exchange in here.server.journal.exchanges]
        assert [later - earlier for earlier, later in pairwise(at)] == pytest.approx([1, 2, 3, 7], abs=0.1)


async def test_retry_after_as_a_date_is_waited() -> None:
    """A date in `Retry-After` is as many seconds from now."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=3600), usegmt=True)
    asked = []
    retry = bourn.Retry(attempts=2, max_wait=7200)

    def handler(_: HttpRequest) -> Reply:
        asked.append(now())
        return Reply(429, {"retry-after": date}, [b"{}"])

    async with serve(handler) as server:
        stream = bourn.stream("openai/m", "hi", base_url=server.base_url(), api_key="k", retry=retry)
        with pytest.raises(bourn.RateLimitError):
            await stream.collect()
    assert 3000 <= asked[1] - asked[0] <= 3601


async def test_who_asks_for_too_much_is_left() -> None:
    """Beyond `max_wait` the error is raised at once, and says so."""
    async with service(retry=bourn.Retry(max_wait=10)) as here:
        began = now()
        _, error = await read(here.client.stream(here.add("m", http_error(429, "Slow down.", retry_after=11), GOOD), "hi"))
        assert isinstance(error, bourn.RateLimitError)
        assert error.message == (
            "Slow down. (not tried again: the provider asks for 11 s, which is more than retry.max_wait, 10 s)"
        )
        assert error.retry_after == 11
        assert now() - began == pytest.approx(0, abs=0.1)


async def test_the_budget_is_shared_by_all_calls() -> None:
    """When the reserve is spent, errors are raised at once and say so, until requests have earned a retry again."""
    async with service(retry=bourn.Retry(attempts=2, reserve=2, budget=0.5, backoff=0, jitter=0)) as here:
        broken, good = here.add("broken", http_error(503)), here.add("good", GOOD)
        asked = []
        for model in (broken, broken, broken, broken, good, good, broken, broken):
            before = here.asked
            _, error = await read(here.client.stream(model, "hi"))
            asked.append((here.asked - before, error is not None and "budget" in str(error)))
        spent, tried = (1, True), (2, False)
        assert asked == [tried, tried, tried, spent, (1, False), (1, False), tried, tried]


async def test_total_bounds_attempts_and_pauses_together() -> None:
    """What an attempt waited is not there for the next; a pause that would go over the limit is not begun."""
    limits = bourn.Timeouts(first_event=20, total=30)
    async with service(timeouts=limits) as here:
        silent = here.add("silent", GOOD.broken(faults.Stall(event=0)))
        began = now()
        stream = here.client.stream(silent, "hi", retry=bourn.Retry(attempts=9, backoff=1, jitter=0))
        _, error = await read(stream)
        assert isinstance(error, bourn.TotalTimeout)
        assert error.message == "the answers took longer than 30 s together (timeouts.total)"
        assert now() - began == pytest.approx(30, abs=0.01)
        assert len(stream.response.attempts) == 2
        began = now()
        _, error = await read(here.client.stream(silent, "hi", retry=bourn.Retry(backoff=15, jitter=0)))
        assert isinstance(error, bourn.FirstEventTimeout)
        assert "a pause of 15 s is longer than what is left of timeouts.total, 10 s" in str(error)
        assert now() - began == pytest.approx(20, abs=0.01)


async def test_the_consumers_time_is_nobodys() -> None:
    """A reader who takes minutes between reads spends nothing of `total`, and a pause goes on meanwhile."""
    limits = bourn.Timeouts(total=10)
    transport = MemoryTransport(lambda _: chunks(answer("a")) if len(transport.calls) > 1 else [bourn.ConnectionLostError("x")])
    client = bourn.Client(transport=transport, timeouts=limits, retry=bourn.Retry(backoff=5, jitter=0))
    stream = client.stream("openai/m", "hi", **HERE)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 1)
    await asyncio.sleep(1000)
    began = now()
    assert isinstance(await anext(stream), bourn.Start)
    assert now() == began
    await asyncio.sleep(1000)
    assert said([event async for event in stream]) == "a"


async def test_a_client_s_policy_can_be_switched_off_and_replaced() -> None:
    """The call's own policy goes before the client's; one attempt is none."""
    async with service(retry=PLAIN) as here:
        model = here.add("m", http_error(503))
        for retry, asked in ((None, 3), (bourn.Retry(attempts=1), 1), (bourn.Retry(attempts=2, backoff=0), 2)):
            before = here.asked
            await read(here.client.stream(model, "hi", retry=retry))
            assert here.asked - before == asked
    async with service() as here:
        await read(here.client.stream(here.add("m", http_error(503)), "hi"))
        assert here.asked == 1


async def test_a_whole_answer_without_content_is_an_answer() -> None:
    """A model that has nothing to say is not asked again."""
    async with service(retry=PLAIN) as here:
        stream = here.client.stream(here.add("m", empty()), "hi")
        events, error = await read(stream)
        assert (error, stream.response.finish_reason, here.asked) == (None, "stop", 1)
        assert [type(event) for event in events] == [bourn.Start, bourn.Finish]


async def test_an_unverified_end_without_content_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a service has no end mark, a body that says nothing was cut, as far as anybody can tell."""
    import msgspec

    from bourn import providers

    row = msgspec.structs.replace(providers.PROVIDERS["openai"], quirks=frozenset({"no_end_mark"}))
    monkeypatch.setitem(providers.PROVIDERS, "openai", row)
    bodies = [answer(finish=False)[:1], answer("a", finish=False)]
    transport = MemoryTransport(lambda _: chunks(bodies[len(transport.calls) - 1]))
    stream = bourn.Client(transport=transport, retry=PLAIN).stream("openai/m", "hi", **HERE)
    events, error = await read_loosely(stream)
    assert error is None
    assert said(events) == "a"
    assert isinstance(stream.response.attempts[0].error, bourn.TruncatedError)


async def read_loosely(stream: bourn.Stream) -> tuple[list[bourn.Event], bourn.BournError | None]:
    """As `read`, for a dialect that leaves parts open."""
    events = []
    try:
        async for event in stream:
            events.append(event)
    except bourn.BournError as error:
        return events, error
    return events, None


async def test_what_is_held_back_is_bounded() -> None:
    """A model that says much without content is believed after 64 events, which are given out."""
    others = [wire(bourn.Other("note", number)) for number in range(200)]
    transport = MemoryTransport([*chunks(answer(finish=False))[:1], *others, bourn.ConnectionLostError("cut")])
    stream = bourn.Client(transport=transport, retry=PLAIN).stream("openai/m", "hi", **HERE)
    events, error = await read_loosely(stream)
    assert isinstance(error, bourn.ConnectionLostError)
    assert len(events) == 201
    assert len(transport.calls) == 1


@pytest.mark.parametrize("stage", AFTER)
async def test_recovery_begins_anew_and_says_what_to_discard(stage: str) -> None:
    """With `recover` the next attempt begins with `Restart`; the response holds the new answer alone."""
    retry = bourn.Retry(on=(bourn.BournError,), recover=True)
    async with service(retry=retry) as here:
        stream = here.client.stream(here.add("m", AFTER[stage].scenario, GOOD), "hi")
        events, error = await read(stream)
        assert error is None
        [place] = [place for place, event in enumerate(events) if isinstance(event, bourn.Restart)]
        restart = events[place]
        assert isinstance(restart, bourn.Restart)
        assert restart.discard == (0,)
        assert restart.reason.startswith(AFTER[stage].error.__name__)
        assert isinstance(events[place + 1], bourn.Start)
        assert said(events[place:]) == WORDS == stream.response.text
        assert outcomes(stream) == [("m", "failed"), ("m", "complete")]
        failed = stream.response.attempts[0].response
        assert failed is not None
        assert failed.text == said(events[:place])


@pytest.mark.parametrize("stage", IN_CALL)
async def test_nothing_begins_anew_after_a_tool_call(stage: str) -> None:
    """A call that had begun may have been run: the error is raised, and says why nothing was tried."""
    async with service(retry=bourn.Retry(recover=True)) as here:
        stream = here.client.stream(here.add("m", IN_CALL[stage], CALL), "hi")
        events, error = await read(stream)
        assert error is not None
        assert "not begun anew: a tool call had begun" in error.message
        assert not any(isinstance(event, bourn.Restart) for event in events)
        assert here.asked == 1


async def test_a_recovery_that_fails_gives_no_restart() -> None:
    """Where the next attempts have no content, what was given stays, and the error ends the stream."""
    async with service(retry=bourn.Retry(recover=True, backoff=0)) as here:
        stream = here.client.stream(
            here.add("m", AFTER["a reset in the text"].scenario, http_error(503), http_error(503)), "hi"
        )
        events, error = await read(stream)
        assert isinstance(error, bourn.OverloadedError)
        assert not any(isinstance(event, bourn.Restart) for event in events)
        assert stream.response.text == said(events) != ""
        assert outcomes(stream) == [("m", "failed")] * 3


async def test_text_cannot_be_taken_back() -> None:
    """`text()` of a stream that may begin anew is refused before anything is sent."""
    stream = bourn.stream("openai/m", "hi", mock=text("a"), retry=bourn.Retry(recover=True))
    with pytest.raises(bourn.InputError, match="begin anew"):
        stream.text()
    assert (await stream.collect()).text == "a"


async def test_a_text_stream_of_something_else_that_begins_anew_is_closed() -> None:
    """Should `Restart` come all the same, the text ends with an error; two answers are never glued together."""
    transport = MemoryTransport(chunks([*answer("a", finish=False), bourn.Restart((0,), "cut"), *answer("b")]))
    stream = bourn.Client(transport=transport).stream("openai/m", "hi", **HERE)
    pieces = []
    with pytest.raises(bourn.EventOrderError, match="began anew") as caught:
        async for piece in stream.text():
            pieces.append(piece)
    assert pieces == ["a"]
    assert caught.value.response is stream.response
    assert stream.is_closed()


async def test_observers_are_told_of_each_retry() -> None:
    """One call, however often it is tried: opened once, retried with error and pause, finished once."""
    told: list[tuple[Any, ...]] = []

    class Notes(bourn.Observer):
        def opened(self, call: bourn.Call) -> None:
            told.append(("opened",))

        def retried(self, call: bourn.Call, error: bourn.BournError, wait: float) -> None:
            told.append((type(error), wait))

        def finished(self, call: bourn.Call, finish: bourn.Finish) -> None:
            told.append((finish.reason,))

    async with service(retry=PLAIN, observers=[Notes()]) as here:
        await read(here.client.stream(here.add("m", http_error(503), http_error(429, retry_after=4), GOOD), "hi"))
    assert told == [("opened",), (bourn.OverloadedError, 1), (bourn.RateLimitError, 4), ("stop",)]


async def test_a_close_between_two_attempts_wakes_the_reader() -> None:
    """A reader that waits for the next attempt gets `ClosedError`, and no request is sent any more."""
    async with service(retry=bourn.Retry(backoff=30, jitter=0)) as here:
        stream = here.client.stream(here.add("m", http_error(503), GOOD), "hi")
        reader = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(1)
        await stream.aclose()
        with pytest.raises(bourn.ClosedError):
            await reader
        await asyncio.sleep(60)
        assert here.asked == 1


async def test_a_close_during_an_attempt_is_no_failure() -> None:
    """A connection that is cut by `aclose` is not tried again."""
    async with service(retry=PLAIN) as here:
        stream = here.client.stream(here.add("m", GOOD.broken(faults.Stall(event=0)), GOOD), "hi")
        reader = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(1)
        await stream.aclose()
        with pytest.raises(bourn.ClosedError):
            await reader
        await asyncio.sleep(60)
        assert here.asked == 1
        assert outcomes(stream) == [("m", "closed")]


async def test_the_running_attempt_is_in_the_response() -> None:
    """While the answer comes its attempt runs; closed early, it was closed."""
    async with service(retry=PLAIN) as here:
        stream = here.client.stream(here.add("m", text("a", ops.WaitFor("go"), "b")), "hi")
        for _ in range(3):
            await anext(stream)
        assert outcomes(stream) == [("m", "running")]
        await stream.aclose()
        assert outcomes(stream) == [("m", "closed")]
