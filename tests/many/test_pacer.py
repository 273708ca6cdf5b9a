"""The pace of requests, in virtual time: bounds of one's own, and those that the provider tells of."""

from __future__ import annotations

import asyncio
import gc
import itertools
from typing import Any

import pytest

import bourn
from bourn.dialects.base import HttpCall
from bourn.mock import HttpRequest, Reply, ops, serve
from bourn.testing.leaks import Belongings, collector_off
from bourn.testing.suspensions import each_suspension
from bourn.transport.memory import MemoryTransport
from tests.plain import answer, chunks

HERE: dict[str, Any] = {"base_url": "http://test", "dialect": "plain"}


def paced(steps: Any = None, **pace: Any) -> tuple[bourn.Client, list[float], MemoryTransport]:
    """A client with a pace, and when its requests were sent."""
    times: list[float] = []

    def sent(call: HttpCall) -> Any:
        times.append(round(asyncio.get_running_loop().time(), 6))
        return chunks(answer("a")) if steps is None else steps

    transport = MemoryTransport(sent)
    return bourn.Client(transport=transport, pace=bourn.Pace(**pace)), times, transport


async def drain(client: bourn.Client, count: int, **options: Any) -> list[bourn.Row[Any]]:
    async with client.map(["hi"] * count, "openai/m", concurrency=20, **{**HERE, **options}) as rows:
        return [row async for row in rows]


class TestOwnBounds:
    async def test_sixty_a_minute_are_one_a_second(self) -> None:
        """Sixty requests take 59 seconds from the first to the last, whatever the concurrency."""
        client, times, _ = paced(requests_per_minute=60)
        await drain(client, 60)
        assert times == pytest.approx([float(at) for at in range(60)])

    async def test_tokens_a_minute(self) -> None:
        """What is expected is waited for; what the answer really used up takes its place."""
        client, times, _ = paced(tokens_per_minute=60)
        await drain(client, 5, max_tokens=10)
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert gaps == pytest.approx([2.0] * 4)  # the answer tells of one token in and one out

    async def test_so_many_answers_under_way(self) -> None:
        """The next is sent when one is over."""
        client, times, _ = paced([1.0, *chunks(answer("a"))], concurrency=2)
        await drain(client, 6)
        assert times == [0, 0, 1, 1, 2, 2]

    async def test_each_provider_has_its_own(self) -> None:
        """A mapping says whose pace it is; others are not held back."""
        transport = MemoryTransport(lambda _: chunks(answer("a")))
        client = bourn.Client(transport=transport, pace={"openai": bourn.Pace(requests_per_minute=1)})
        loop = asyncio.get_running_loop()
        for model, took in (("groq/m", 0), ("openai/m", 60)):
            began = loop.time()
            for _ in range(2):
                await client.stream(model, "hi", **HERE, api_key="k").collect()
            assert loop.time() - began == pytest.approx(took)


class Bucket:
    """A service with a token bucket: refuses what is too much, and tells what is left, as OpenAI does or in windows."""

    def __init__(self, limit: int, unit: str = "requests", each: int = 1, *, window: float | None = None) -> None:
        self.limit, self.unit, self.each, self.window = limit, unit, each, window
        self.level, self.at = float(limit), 0.0
        self.refused = self.answered = 0

    def __call__(self, request: HttpRequest) -> Reply:
        now = asyncio.get_running_loop().time()
        if self.window is None:
            self.level = min(self.limit, self.level + (now - self.at) * self.limit / 60)
        elif now // self.window > self.at // self.window:
            self.level = self.limit
        self.at = now
        if self.level < self.each:
            self.refused += 1
            return Reply(429, {"content-type": "application/json", "retry-after": "1"}, [b"{}"], "length")
        self.answered += 1
        self.level -= self.each
        reset = f"{(self.limit - self.level) * 60 / self.limit:.3f}s"
        names = {"limit": str(self.limit), "remaining": str(int(self.level)), "reset": reset}
        headers = {f"x-ratelimit-{field}-{self.unit}": text for field, text in names.items()}
        if self.window is not None:
            headers = {f"ratelimit-{field}": text for field, text in names.items()}
            headers["ratelimit-reset"] = str(int(self.window - now % self.window) + 1)
        return Reply(200, {"content-type": "text/event-stream", **headers}, chunks(answer("a")))


class TestToldBounds:
    @pytest.mark.parametrize(
        ("bucket", "count", "least"),
        [
            (Bucket(10), 40, 170),
            (Bucket(1000, "tokens", 50), 60, 110),
            (Bucket(10, window=60.0), 30, 115),
        ],
        ids=["requests", "tokens", "window"],
    )
    async def test_nothing_is_refused(self, bucket: Bucket, count: int, least: float) -> None:
        """A real server that enforces its limit never has to: requests wait until there is room, and no longer than needed."""
        async with (
            serve(bucket) as server,
            bourn.Client(base_url=server.url, pace=bourn.Pace()) as client,
        ):
            began = asyncio.get_running_loop().time()
            rows = await drain(client, count, base_url=server.url, api_key="k", max_tokens=49)
            took = asyncio.get_running_loop().time() - began
        assert [row.error for row in rows if row.error is not None] == []
        assert (bucket.answered, bucket.refused) == (count, 0)
        assert least <= took <= least * 1.3 + 15

    async def test_the_first_request_goes_alone(self) -> None:
        """Until it is known what the provider tells, one request is out; then all that may."""
        times: list[float] = []

        def service(_: HttpRequest) -> list[Any]:
            times.append(asyncio.get_running_loop().time())
            reply = Reply(200, {"content-type": "text/event-stream"}, chunks(answer("a")))
            return [ops.Wait(3.0), *reply.script()]

        async with serve(service) as server, bourn.Client(pace=bourn.Pace()) as client:
            await drain(client, 4, base_url=server.url, api_key="k")
        assert [round(at - times[0]) for at in times] == [0, 3, 3, 3]

    async def test_after_a_refusal_nothing_is_sent_for_as_long_as_was_asked(self) -> None:
        """`Retry-After` holds back those that wait."""
        times: list[float] = []

        def service(_: HttpRequest) -> Reply:
            times.append(asyncio.get_running_loop().time())
            if len(times) == 1:
                return Reply(429, {"content-type": "application/json", "retry-after": "7"}, [b"{}"], "length")
            return Reply(200, {"content-type": "text/event-stream"}, chunks(answer("a")))

        async with serve(service) as server, bourn.Client(pace=bourn.Pace()) as client:
            rows = await drain(client, 3, base_url=server.url, api_key="k")
        assert sum(isinstance(row.error, bourn.RateLimitError) for row in rows) == 1
        assert times[1] - times[0] == pytest.approx(7, abs=0.1)


class TestWaiting:
    async def test_a_wait_that_is_cancelled_holds_nothing(self) -> None:
        """Cut at every suspension, the next call passes as if there had been none."""
        wires: list[MemoryTransport] = []

        async def ask() -> None:
            client, _, transport = paced([0.5, *chunks(answer("a"))], concurrency=1)
            wires.append(transport)
            clients.append(client)
            async with client.map(["hi"] * 3, "openai/m", **HERE) as rows:
                async for _ in rows:
                    pass

        clients: list[bourn.Client] = []
        cuts = 0
        async for cut in each_suspension(ask):
            cuts += 1
            assert cut.ending == "cancelled"
            assert all(wire.closed for wire in wires[-1].wires)
            assert (await clients[-1].stream("openai/m", "hi", **HERE).collect()).text == "a"
        assert cuts > 3

    async def test_a_stream_that_waits_can_be_read_again_and_closed(self) -> None:
        """A cancelled read queues again; a close wakes the reader; neither sends anything."""
        client, times, _ = paced([5.0, *chunks(answer("a"))], concurrency=1)
        first, second = client.stream("openai/m", "hi", **HERE), client.stream("openai/m", "hi", **HERE)
        reading = asyncio.ensure_future(first.collect())
        await asyncio.sleep(1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(second), 1)
        waits = asyncio.ensure_future(anext(second))
        await asyncio.sleep(1)
        await second.aclose()
        with pytest.raises(bourn.ClosedError):
            await waits
        await reading
        assert len(times) == 1
        assert (await client.stream("openai/m", "hi", **HERE).collect()).text == "a"

    async def test_a_lost_stream_gives_its_turn_back(self) -> None:
        """With the collector off: whoever drops a stream in mid-answer lets the next one pass."""
        before = Belongings.now()
        client, _, _ = paced([0.1, *chunks(answer("a"))], concurrency=1)
        with collector_off():
            stream = client.stream("openai/m", "hi", **HERE)
            await anext(stream)
            del stream
            assert (await client.stream("openai/m", "hi", **HERE).collect()).text == "a"
        gc.collect()
        assert not Belongings.now().since(before)


@pytest.mark.parametrize(
    "wrong", [{"requests_per_minute": 0}, {"tokens_per_minute": -1}, {"concurrency": 1.5}, {"concurrency": True},
              {"requests_per_minute": float("nan")}, {"tokens_per_minute": "many"}]
)  # fmt: skip
def test_a_pace_of_nonsense_is_an_error(wrong: dict[str, Any]) -> None:
    """It names the bound."""
    with pytest.raises(bourn.InputError, match=f"pace.{next(iter(wrong))} must be"):
        bourn.Pace(**wrong)


def test_a_client_says_what_a_pace_is() -> None:
    """Wrong types, and providers that there are not, are found at once."""
    with pytest.raises(bourn.InputError, match=r"pace must be a bourn.Pace"):
        bourn.Client(pace=60)  # type: ignore[arg-type]
    with pytest.raises(bourn.InputError, match="did you mean 'openai'"):
        bourn.Client(pace={"opnai": bourn.Pace()})
