"""Race: the first with content answers; the others are closed at once, and what they cost is kept."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

import bourn
from bourn.mock import error, faults, http_error, ops, reasoning, serve, text, usage
from bourn.testing.leaks import Belongings, collector_off
from bourn.testing.suspensions import each_suspension
from tests.steering.stages import AFTER, BEFORE, DEAD, GOOD, WORDS, outcomes, read, said, service

SLOW = GOOD.paced(first=10)


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("stage", BEFORE)
async def test_who_fails_before_content_never_wins(stage: str) -> None:
    """However quick a head, a role, a ping or an error is: the slower model with content answers."""
    async with service() as here:
        models = [here.add("bad", BEFORE[stage].scenario), here.add("slow", GOOD.paced(first=5))]
        stream = here.client.race(models, "hi")
        events, failure = await read(stream)
        assert (said(events), failure) == (WORDS, None)
        [bad, won] = outcomes(stream)
        assert won == ("slow", "complete")
        assert bad in [("bad", "failed"), ("bad", "lost")]


async def test_the_quickest_answers_and_the_others_are_closed_at_once() -> None:
    """When the first content comes the losers' connections go, while the winner's answer goes on."""
    async with service() as here:
        slow, quick = here.add("slow", SLOW), here.add("quick", text("The ", ops.WaitFor("go"), "end."))
        began = now()
        async with here.client.race([slow, quick], "hi") as stream:
            assert now() - began < 1
            await asyncio.sleep(0.1)
            assert len(here.server.journal.open) == 1
            assert outcomes(stream) == [("slow", "lost"), ("quick", "running")]
            here.server.signal("go")
            assert said([event async for event in stream]) == "The end."
        assert outcomes(stream) == [("slow", "lost"), ("quick", "complete")]
        assert stream.response.model == "mock/quick"


@pytest.mark.parametrize(("after", "starts"), [(None, [0, 0, 0]), (2, [0, 2, 4]), ([3, 0.5], [0, 3, 3.5]), (0, [0, 0, 0])])
async def test_models_start_after_their_delays(after: float | list[float] | None, starts: list[float]) -> None:
    """At once, each so many seconds after the one before, or each after its own delay."""
    async with service() as here:
        models = [here.add(name, SLOW) for name in "abc"]
        await here.client.race(models, "hi", after=after).collect()
        at = [exchange.at for exchange in here.server.journal.exchanges]
        assert [moment - at[0] for moment in at] == pytest.approx(starts, abs=0.05)


async def test_nobody_else_is_asked_where_the_first_is_quick() -> None:
    """A hedge costs nothing where there is content in time."""
    async with service() as here:
        stream = here.client.race([here.add("a", GOOD.paced(first=1)), here.add("b", GOOD)], "hi", after=1.5)
        await stream.collect()
        assert here.asked == 1
        assert outcomes(stream) == [("a", "complete")]


async def test_a_failure_starts_the_next_at_once() -> None:
    """It does not wait for the delay; the delays after it count from there."""
    async with service() as here:
        models = [here.add("a", http_error(503)), here.add("b", SLOW), here.add("c", SLOW)]
        await here.client.race(models, "hi", after=5).collect()
        at = [exchange.at for exchange in here.server.journal.exchanges]
        assert [moment - at[0] for moment in at] == pytest.approx([0, 0, 5], abs=0.05)


async def test_delays_go_on_while_nobody_reads() -> None:
    """A reader that is cancelled and comes back late finds the next model due."""
    async with service() as here:
        stream = here.client.race([here.add("a", SLOW), here.add("b", GOOD)], "hi", after=5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 1)
        await asyncio.sleep(4)
        began = now()
        assert isinstance(await anext(stream), bourn.Start)
        assert now() - began < 0.1
        assert said([event async for event in stream]) == WORDS
        assert here.asked == 2


@pytest.mark.parametrize("stage", AFTER)
async def test_with_content_the_race_is_over(stage: str) -> None:
    """A winner that fails later is an error; nobody else is asked."""
    async with service() as here:
        models = [here.add("bad", AFTER[stage].scenario), here.add("slow", SLOW)]
        stream = here.client.race(models, "hi")
        events, failure = await read(stream)
        assert isinstance(failure, AFTER[stage].error)
        assert WORDS.startswith(said(events))
        assert outcomes(stream) == [("bad", "failed"), ("slow", "lost")]


async def test_when_all_fail_the_error_names_each() -> None:
    """In the order in which they were named, whoever failed first."""
    async with service() as here:
        dead = here.client.stream("openai/dead", "hi", base_url=DEAD)
        models: list[str | bourn.Stream] = [
            here.add("a", error("No.").paced(first=3)),
            dead,
            here.add("c", http_error(401, "No key.")),
        ]
        stream = here.client.race(models, "hi")
        events, failure = await read(stream)
        assert (events, type(failure)) == ([], bourn.AuthenticationError)
        lines = str(failure).splitlines()
        assert lines[0] == "none of 3 models answered:"
        assert [line.split(": ")[1] for line in lines[1:4]] == ["ModelError", "ConnectError", "AuthenticationError"]
        assert [attempt.outcome for attempt in stream.response.attempts] == ["failed"] * 3


async def test_the_bill_of_each_is_kept() -> None:
    """What a provider told; where it told nothing an estimate from what had arrived, marked as one."""
    async with service() as here:
        told = here.add("told", text("x" * 40) + usage(7, 11))
        stream = here.client.race([here.add("slow", SLOW), told], "hi")
        await stream.collect()
        lost, won = stream.response.attempts
        assert (won.usage, won.estimated) == (bourn.Usage(7, 11), False)
        assert (lost.usage, lost.estimated) == (bourn.Usage(output_tokens=0), True)
        silent = here.add("silent", reasoning("y" * 8) + text("x" * 40, whole=True) + usage())
        stream = here.client.race([silent, here.add("slow2", SLOW)], "hi")
        await stream.collect()
        assert stream.response.usage is None
        assert (stream.response.attempts[0].usage, stream.response.attempts[0].estimated) == (
            bourn.Usage(output_tokens=12),
            True,
        )


async def test_total_bounds_the_race() -> None:
    """All of them together wait no longer than that, and nobody is asked when it is spent."""
    async with service(timeouts=bourn.Timeouts(first_event=None, total=30)) as here:
        silent = [here.add(name, GOOD.broken(faults.Stall(event=0))) for name in "abc"]
        began = now()
        _, failure = await read(here.client.race(silent, "hi", after=20))
        assert now() - began == pytest.approx(30, abs=0.01)
        assert isinstance(failure, bourn.TotalTimeout)
        assert here.asked == 2


async def test_across_dialects() -> None:
    """Models of different formats race, each at its own address."""
    async with serve(GOOD.paced(first=3)) as slow, serve(GOOD) as quick, bourn.Client(api_key="k") as client:
        streams = [
            client.stream("anthropic/a", "hi", base_url=slow.base_url("anthropic")),
            client.stream("gemini/g", "hi", base_url=quick.base_url("gemini")),
        ]
        stream = client.race(streams)
        assert (await stream.collect()).text == WORDS
        assert stream.response.provider == "gemini"
        await slow.journal.closed()


async def test_a_close_wakes_the_reader_and_closes_all() -> None:
    """A reader that waits for a winner gets `ClosedError`; every connection goes, and nobody is asked any more."""
    async with service() as here:
        stream = here.client.race([here.add("a", SLOW), here.add("b", SLOW), here.add("c", SLOW)], "hi", after=[0, 5])
        reader = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(1)
        await stream.aclose()
        with pytest.raises(bourn.ClosedError):
            await reader
        await here.server.journal.closed()
        await asyncio.sleep(10)
        assert here.asked == 2
        assert outcomes(stream) == [("a", "closed"), ("b", "closed")]


async def test_cancelled_anywhere_it_leaves_nothing() -> None:
    """At every suspension: the cancellation goes through, no connection or task is left, with the collector off."""
    async with serve() as server:
        server.add(http_error(503), name="a")
        server.add(SLOW, name="b")
        server.add(text(0.5, "The ", 0.5, "end."), name="c")
        models = [f"openai/mock/{name}" for name in "abc"]
        alive: list[weakref.ref[bourn.Stream]] = []

        async def whole() -> str:
            dead = bourn.stream("openai/dead", "hi", base_url=DEAD, api_key="k")
            stream = bourn.race([dead, *models], "hi", after=0.2, base_url=server.base_url(), api_key="k")
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
    """Polled with a timeout before and after a winner is there, every event comes once, and nobody is asked twice."""
    async with service() as here:
        models = [here.add("a", GOOD.paced(first=9)), here.add("b", GOOD.paced(first=3, rate=3))]
        stream = here.client.race(models, "hi", after=1)
        seen: list[bourn.Event] = []
        gave_up = 0
        while True:
            try:
                seen.append(await asyncio.wait_for(anext(stream), 0.21))
            except TimeoutError:
                gave_up += 1
            except StopAsyncIteration:
                break
        assert gave_up > 15
        assert said(seen) == WORDS
        assert here.asked == 2


@pytest.mark.parametrize("after", range(5))
async def test_the_last_reference_closes_every_leg_with_the_collector_off(after: int) -> None:
    """Dropped before a winner is there, or after some events, all connections go."""
    async with serve() as server, bourn.Client(base_url=server.base_url(), api_key="k") as client:
        server.add(SLOW, name="a")
        server.add(text(1, "a ", "b ", 100, "c"), name="b")
        with collector_off():
            stream = client.race(["openai/mock/a", "openai/mock/b"], "hi")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(stream), 0.5)
            for _ in range(after):
                await anext(stream)
            await asyncio.sleep(0.1)
            assert len(server.journal.open) == (2 if after == 0 else 1)
            alive = weakref.ref(stream)
            del stream
            assert alive() is None
            await server.journal.closed()
