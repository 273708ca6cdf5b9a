"""Fallback: the next model when one fails before content; what each said is kept."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

import bourn
from bourn.mock import empty, faults, http_error, serve, text, turns
from bourn.testing.leaks import Belongings, collector_off
from bourn.testing.suspensions import each_suspension
from tests.steering.stages import AFTER, BEFORE, CALL, DEAD, GOOD, IN_CALL, WORDS, outcomes, read, said, service


@pytest.mark.parametrize("stage", BEFORE)
async def test_the_next_model_answers_whatever_went_wrong(stage: str) -> None:
    """Every failure before content leads to the next model, retryable or not; the events are its alone."""
    async with service() as here:
        stream = here.client.fallback([here.add("bad", BEFORE[stage].scenario), here.add("good", GOOD)], "hi")
        events, error = await read(stream)
        assert (said(events), error) == (WORDS, None)
        assert outcomes(stream) == [("bad", "failed"), ("good", "complete")]
        assert isinstance(stream.response.attempts[0].error, BEFORE[stage].error)
        assert (stream.response.model, stream.response.text) == ("mock/good", WORDS)
        assert isinstance(events[0], bourn.Start)
        assert events[0].model == "mock/good"


async def test_a_model_that_cannot_be_reached_is_left() -> None:
    """A refused connection, given as a stream of its own."""
    async with service() as here:
        dead = here.client.stream("openai/dead", "hi", base_url=DEAD)
        stream = here.client.fallback([dead, here.add("good", GOOD)], "hi")
        assert (await stream.collect()).text == WORDS
        assert isinstance(stream.response.attempts[0].error, bourn.ConnectError)


@pytest.mark.parametrize("stage", AFTER)
async def test_with_content_the_choice_is_made(stage: str) -> None:
    """After the first content no other model is asked, and the error is the stream's."""
    async with service() as here:
        stream = here.client.fallback([here.add("bad", AFTER[stage].scenario), here.add("good", GOOD)], "hi")
        events, error = await read(stream)
        assert isinstance(error, AFTER[stage].error)
        assert WORDS.startswith(said(events))
        assert outcomes(stream) == [("bad", "failed")]
        assert here.asked == 1


@pytest.mark.parametrize("stage", AFTER)
async def test_recovery_goes_on_with_the_next_model(stage: str) -> None:
    """With `recover` its answer begins with `Restart`, and is the response alone."""
    async with service() as here:
        models = [here.add("bad", AFTER[stage].scenario), here.add("good", GOOD)]
        stream = here.client.fallback(models, "hi", recover=True)
        events, error = await read(stream)
        [place] = [place for place, event in enumerate(events) if isinstance(event, bourn.Restart)]
        assert (said(events[place:]), error) == (WORDS, None)
        assert stream.response.text == WORDS
        assert stream.response.model == "mock/good"


@pytest.mark.parametrize("stage", IN_CALL)
async def test_nothing_begins_anew_after_a_tool_call(stage: str) -> None:
    """A call may have been run: the error is raised."""
    async with service() as here:
        models = [here.add("bad", IN_CALL[stage]), here.add("good", CALL)]
        _, error = await read(here.client.fallback(models, "hi", recover=True))
        assert error is not None
        assert "not begun anew: a tool call had begun" in error.message
        assert here.asked == 1


async def test_when_all_fail_the_error_names_each() -> None:
    """The last error is raised, with a line for every model and all attempts in its response."""
    async with service() as here:
        models = [here.add("a", http_error(401, "No such key.")), here.add("b", GOOD.broken(faults.Empty()))]
        models.append(here.add("c", http_error(429, "Slow down.", retry_after=9)))
        stream = here.client.fallback(models, "hi")
        events, error = await read(stream)
        assert events == []
        assert isinstance(error, bourn.RateLimitError)
        assert error.retry_after == 9
        head, *lines = str(error).splitlines()
        assert head == "none of 3 models answered:"
        assert [line.split(": ")[:2] for line in lines[:3]] == [
            ["- openai/mock/a", "AuthenticationError"],
            ["- openai/mock/b", "TruncatedError"],
            ["- openai/mock/c", "RateLimitError"],
        ]
        assert error.response is stream.response
        assert outcomes(stream) == [("a", "failed"), ("b", "failed"), ("c", "failed")]


async def test_one_model_fails_as_it_would_alone() -> None:
    """A fallback of one adds nothing to its error."""
    async with service() as here:
        _, error = await read(here.client.fallback([here.add("a", http_error(401, "No such key."))], "hi"))
        assert isinstance(error, bourn.AuthenticationError)
        assert error.message == "No such key."


async def test_errors_that_end_it_are_data() -> None:
    """With `on` only these lead to the next model; the error says that nobody else was asked."""
    async with service() as here:
        models = [here.add("a", http_error(503)), here.add("b", http_error(401, "No.")), here.add("c", GOOD)]
        _, error = await read(here.client.fallback(models, "hi", on=(bourn.OverloadedError,)))
        assert isinstance(error, bourn.AuthenticationError)
        assert "no other model was asked: AuthenticationError is no error after which another one is asked" in error.message
        assert here.asked == 2


async def test_the_callers_own_mistakes_end_it() -> None:
    """A client that was closed is no reason to ask another model with it."""
    async with serve(GOOD) as server:
        client = bourn.Client(base_url=server.base_url(), api_key="k")
        stream = client.fallback(["openai/a", "openai/b"], "hi")
        await client.aclose()
        with pytest.raises(bourn.ClosedError):
            await stream.collect()
        assert server.journal.opened == 0


async def test_an_empty_answer_is_an_answer() -> None:
    """A model that ends by itself with nothing to say has answered."""
    async with service() as here:
        stream = here.client.fallback([here.add("empty", empty()), here.add("good", GOOD)], "hi")
        assert (await stream.collect()).text == ""
        assert outcomes(stream) == [("empty", "complete")]


async def test_each_model_is_retried_before_the_next() -> None:
    """With a policy the attempts of all models are told in order."""
    async with service(retry=bourn.Retry(attempts=2, backoff=1, jitter=0)) as here:
        models = [here.add("a", http_error(503)), here.add("b", http_error(503), GOOD)]
        stream = here.client.fallback(models, "hi")
        assert (await stream.collect()).text == WORDS
        assert outcomes(stream) == [("a", "failed"), ("a", "failed"), ("b", "failed"), ("b", "complete")]
        assert [attempt.waited for attempt in stream.response.attempts] == [0, 1, 0, 1]


async def test_total_bounds_all_models_together() -> None:
    """When the limit is spent nobody else is asked."""
    async with service(timeouts=bourn.Timeouts(first_event=20, total=30)) as here:
        silent = [here.add(name, GOOD.broken(faults.Stall(event=0))) for name in "abc"]
        began = asyncio.get_running_loop().time()
        _, error = await read(here.client.fallback(silent, "hi"))
        assert asyncio.get_running_loop().time() - began == pytest.approx(30, abs=0.01)
        assert isinstance(error, bourn.TotalTimeout)
        assert "timeouts.total is spent" in error.message
        assert here.asked == 2


async def test_across_dialects() -> None:
    """Models of different providers and formats, each at its own address."""
    async with serve(turns(http_error(529), GOOD)) as server:
        urls = {name: server.base_url(name) for name in ("anthropic", "gemini", "openai-chat")}
        async with bourn.Client(api_key="k") as client:
            streams = [
                client.stream("anthropic/a", "hi", base_url=urls["anthropic"]),
                client.stream("gemini/g", "hi", base_url=urls["gemini"]),
            ]
            stream = client.fallback(streams)
            assert (await stream.collect()).text == WORDS
        assert [(attempt.provider, attempt.outcome) for attempt in stream.response.attempts] == [
            ("anthropic", "failed"),
            ("gemini", "complete"),
        ]


async def test_without_a_client() -> None:
    """`bourn.fallback` gives each model a connection of its own, which is closed with it."""
    async with serve() as server:
        server.add(http_error(503), name="bad")
        server.add(GOOD, name="good")
        stream = bourn.fallback(["openai/mock/bad", "openai/mock/good"], "hi", base_url=server.base_url(), api_key="k")
        assert (await stream.collect()).text == WORDS
        await server.journal.closed()


async def test_cancelled_anywhere_it_leaves_nothing() -> None:
    """At every suspension: the cancellation goes through, no connection or task is left, with the collector off."""
    async with serve() as server:
        server.add(http_error(503), name="a")
        server.add(AFTER["a reset in the text"].scenario, name="b")
        server.add(text("The ", 0.5, "end."), name="c")
        models = [f"openai/mock/{name}" for name in "abc"]
        retry = bourn.Retry(attempts=2, backoff=1, on=(bourn.OverloadedError,))
        alive: list[weakref.ref[bourn.Stream]] = []

        async def whole() -> str:
            stream = bourn.fallback(models, "hi", recover=True, retry=retry, base_url=server.base_url(), api_key="k")
            alive.append(weakref.ref(stream))
            return (await stream.collect()).text

        assert await whole() == "The end."
        before = Belongings.now()
        points = 0
        with collector_off():
            async for cut in each_suspension(whole):
                points += 1
                assert cut.ending == "cancelled", cut
                assert alive[-1]() is None, cut.where
                await asyncio.sleep(0.1)
                assert not server.journal.open, cut.where
        gc.collect()
        assert not Belongings.now().since(before)
        assert points > 10


async def test_a_cancelled_read_loses_nothing() -> None:
    """Polled with a timeout through refusals, pauses and a restart, every event comes once."""
    async with service(retry=bourn.Retry(attempts=2, backoff=1, on=(bourn.OverloadedError,))) as here:
        slow = GOOD.paced(first=2, rate=3)
        models = [here.add("a", http_error(503)), here.add("b", slow.broken(faults.Reset(event=4))), here.add("c", slow)]
        whole, error = await read(here.client.fallback(models, "hi", recover=True))
        assert error is None
        stream, seen, gave_up = here.client.fallback(models, "hi", recover=True), [], 0
        while True:
            try:
                seen.append(await asyncio.wait_for(anext(stream), 0.21))
            except TimeoutError:
                gave_up += 1
            except StopAsyncIteration:
                break
        assert gave_up > 15
        assert [type(event) for event in seen] == [type(event) for event in whole]
        assert said(seen) == said(whole)
        assert here.asked == 2 * 4


@pytest.mark.parametrize("after", range(7))
async def test_the_last_reference_closes_it_with_the_collector_off(after: int) -> None:
    """Dropped after any number of events, it dies and its connection with it."""
    async with serve() as server, bourn.Client(base_url=server.base_url(), api_key="k") as client:
        server.add(AFTER["a reset in the text"].scenario, name="a")
        server.add(GOOD.broken(faults.Stall(event=5)), name="b")
        with collector_off():
            stream = client.fallback(["openai/mock/a", "openai/mock/b"], "hi", recover=True)
            for _ in range(after):
                await anext(stream)
            alive = weakref.ref(stream)
            del stream
            assert alive() is None
            await asyncio.sleep(1)
            assert not server.journal.open
