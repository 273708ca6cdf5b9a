"""Several consumers of one stream: what each is given, what becomes of a slow one, and who closes the connection."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from typing import Any

import pytest

import bourn
from bourn.mock import faults, http_error, serve, text
from bourn.testing.leaks import Belongings
from bourn.testing.suspensions import each_suspension
from tests.plain import answer, chunks
from tests.steering.streams import NEVER, make, paced, words

ANSWER = [bourn.Start("id-1", "m", "openai"), *answer("a", "b", "c")[1:]]


async def read(branch: bourn.Branch[Any], pause: float = 0.0) -> list[Any]:
    """Everything that it gives, each after a pause."""
    events = []
    async for event in branch:
        events.append(event)
        await asyncio.sleep(pause)
    return events


async def read_until(branch: bourn.Branch[Any], error: type[BaseException]) -> list[Any]:
    """What it gives before the error."""
    events: list[Any] = []
    with pytest.raises(error):
        async for event in branch:
            events.append(event)
    return events


class TestTogether:
    @pytest.mark.parametrize("n", [1, 2, 5])
    async def test_each_gets_every_event_and_one_request_is_sent(self, n: int) -> None:
        """All branches give the same events, whatever their pace; the service is asked once."""
        stream, transport = make(paced("a", "b", "c"))
        branches = bourn.tee(stream, n)
        assert transport.calls == []
        got = await asyncio.gather(*(read(branch, pause=0.3 * at) for at, branch in enumerate(branches)))
        assert got == [ANSWER] * n
        assert len(transport.calls) == 1
        assert all(branch.response.text == "abc" and branch.response.complete for branch in branches)
        assert transport.wires[0].closed == "released"

    async def test_one_after_the_other_within_the_buffer(self) -> None:
        """Who comes later finds in its buffer what the first one read."""
        stream, _ = make(chunks(answer("a", "b", "c")))
        first, second = bourn.tee(stream, 2)
        assert await read(first) == ANSWER
        assert second.response.text == ""
        assert await read(second) == ANSWER

    async def test_no_task_is_made(self) -> None:
        """While two wait there are only their own tasks."""
        stream, _ = make([*chunks(answer("a", finish=False)), NEVER])
        tasks = [asyncio.ensure_future(read(branch)) for branch in bourn.tee(stream, 2)]
        await asyncio.sleep(1)
        assert asyncio.all_tasks() == {*tasks, asyncio.current_task()}
        await cancelled(*tasks)

    async def test_the_end_is_sticky(self) -> None:
        """After its end a branch ends again at once, also when it was closed."""
        stream, _ = make(chunks(answer("a")))
        (branch,) = bourn.tee(stream, 1)
        await read(branch)
        await branch.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(branch)

    async def test_the_loop_gets_its_turn(self) -> None:
        """Another task runs at least every 64 events, for who reads first and for who follows."""
        stream, _ = make([b"".join(chunks(answer(*("x" * 500))))])
        first, second = bourn.tee(stream, 2)
        for branch in (first, second):
            turns, seen = 0, []

            async def other() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            task = asyncio.ensure_future(other())
            async for _ in branch:
                seen.append(turns)
            await cancelled(task)
            assert max(seen.count(turn) for turn in seen) <= 64

    async def test_usage_that_was_told_is_there_before_the_finish(self) -> None:
        """A branch that is closed early knows what the provider told of usage."""
        told = b'event: usage\ndata: {"input_tokens": 7}\n\n'
        stream, _ = make([told, *chunks(answer("a", finish=False)), NEVER])
        (branch,) = bourn.tee(stream, 1)
        await anext(branch)
        await branch.aclose()
        assert branch.response.usage == bourn.Usage(7)


class TestSlow:
    async def test_wait_holds_the_others_and_the_server(self) -> None:
        """With `wait` nobody gets more than the buffer ahead of the slowest, and no more is asked of the wire."""
        stream, transport = make(chunks(answer(*"abcdefgh")))
        quick, slow = bourn.tee(stream, 2, buffer=3)
        task = asyncio.ensure_future(read(quick))
        await asyncio.sleep(1)
        assert quick.response.text == "a"  # Start, TextStart, "a": three that the slow one has not read
        await anext(slow)
        await asyncio.sleep(1)
        assert quick.response.text == "ab"
        assert len(await read(slow)) == 11
        assert words(await task) == "abcdefgh"
        assert transport.wires[0].closed == "released"

    async def test_the_slow_ones_time_is_nobodys(self) -> None:
        """While all wait for the slow one the provider's time does not run."""
        stream, _ = make([0.5, *chunks(answer("a", "b"))], timeouts=bourn.Timeouts(first_event=1, idle=1, total=2))
        quick, slow = bourn.tee(stream, 2, buffer=1)
        got = await asyncio.gather(read(quick), read(slow, pause=60))
        assert [words(events) for events in got] == ["ab", "ab"]

    async def test_a_slow_one_that_leaves_holds_nobody(self) -> None:
        """When the slow one closes, or is dropped, the others go on."""
        for drop in (False, True):
            stream, _ = make(chunks(answer(*"abcdefgh")))
            quick, slow = bourn.tee(stream, 2, buffer=1)
            task = asyncio.ensure_future(read(quick))
            await asyncio.sleep(1)
            assert not task.done()
            if not drop:
                await slow.aclose()
            del slow
            assert words(await task) == "abcdefgh"

    async def test_drop_says_how_many_and_the_response_has_them(self) -> None:
        """With `drop` the oldest go, a marker stands in their place, the last events are kept and the answer is whole."""
        stream, _ = make(chunks(answer(*"abcdefgh")))
        quick, slow = bourn.tee(stream, 2, buffer=3, slow="drop")
        assert await anext(slow) == ANSWER[0]
        assert words(await read(quick)) == "abcdefgh"
        assert await anext(slow) == bourn.Dropped(8)
        assert slow.response.text == "abcdefg"
        assert [type(event) for event in await read(slow)] == [bourn.TextDelta, bourn.TextEnd, bourn.Finish]
        assert (slow.response.text, slow.response.complete) == ("abcdefgh", True)

    async def test_fail_gives_what_is_held_and_then_the_error(self) -> None:
        """With `fail` the slow one reads its buffer and then `LaggedError`, again and again; the others never notice."""
        stream, _ = make(chunks(answer(*"abcdefgh")))
        quick, slow = bourn.tee(stream, 2, buffer=3, slow="fail")
        assert words(await read(quick)) == "abcdefgh"
        assert [type(event) for event in await read_until(slow, bourn.LaggedError)] == [
            bourn.Start,
            bourn.TextStart,
            bourn.TextDelta,
        ]
        with pytest.raises(bourn.LaggedError) as caught:
            await anext(slow)
        assert caught.value.response is slow.response
        assert slow.response.text == "a"
        assert slow.is_closed()

    @pytest.mark.parametrize("slow", ["wait", "drop", "fail"])
    async def test_what_is_held_is_bounded(self, slow: Any) -> None:
        """No policy holds more than the buffer for a branch that does not read."""
        stream, _ = make(chunks(answer(*"abcdefgh" * 50)))
        quick, idle = bourn.tee(stream, 2, buffer=5, slow=slow)
        task = asyncio.ensure_future(read(quick))
        await asyncio.sleep(1)
        assert len(idle._mine.events) <= 5
        await idle.aclose()
        await task

    async def test_an_unread_branch_stops_the_server(self) -> None:
        """With `wait` a server that floods is stopped by the consumer that does not read."""
        flood = text(*(["x" * 1000] * 20_000))
        async with serve(flood, send_buffer=64 * 1024) as server, bourn.Client() as client:
            quick, idle = bourn.tee(client.stream("openai/any", "hi", base_url=server.base_url(), api_key="k"), 2, buffer=10)
            task = asyncio.ensure_future(read(quick))
            connection = await server.journal.blocked()
            await asyncio.sleep(50)
            taken = connection.bytes_sent
            await asyncio.sleep(50)
            assert connection.bytes_sent == taken < 8 * 1024 * 1024
            await cancelled(task)
            await quick.aclose()
            await idle.aclose()


class TestErrors:
    async def test_each_gets_the_error_after_what_came_before(self) -> None:
        """A cut reaches every branch after the events, fresh each time, with its own answer so far."""
        stream, _ = make(paced("a", "b", tail=bourn.ConnectionLostError("cut")))
        branches = bourn.tee(stream, 3)
        for events in await asyncio.gather(*(read_until(branch, bourn.ConnectionLostError) for branch in branches)):
            assert words(events) == "ab"
        for branch in branches:
            with pytest.raises(bourn.ConnectionLostError, match="cut") as caught:
                await anext(branch)
            assert caught.value.response is branch.response
            assert (caught.value.provider, caught.value.model) == ("openai", "m")

    async def test_a_refusal_reaches_each(self) -> None:
        """A status is every branch's error."""
        refused = bourn.stream("openai/any", "hi", mock=http_error(429, "Slow down.", retry_after=3))
        for branch in bourn.tee(refused, 2):
            with pytest.raises(bourn.RateLimitError, match="Slow down") as caught:
                await anext(branch)
            assert caught.value.retry_after == 3

    @pytest.mark.parametrize("at", range(1, 8))
    async def test_faults_at_every_event(self, at: int) -> None:
        """Wherever the connection breaks, both have the same events and the same error."""
        broken = text("one ", "two ", "three ", "four").broken(faults.Reset(event=at))
        first, second = bourn.tee(bourn.stream("anthropic/any", "hi", mock=broken, max_tokens=9), 2)
        ends = await asyncio.gather(read(first), read(second), return_exceptions=True)
        kinds = {type(end) for end in ends}
        assert kinds in ({bourn.ConnectionLostError}, {list})
        assert first.response.text == second.response.text

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ({"n": 0}, "n must be a whole number of at least 1, not 0"),
            ({"n": True}, "n must be"),
            ({"buffer": 0}, "buffer must be a whole number of at least 1"),
            ({"buffer": 1.5}, "buffer must be"),
            ({"slow": "skip"}, "slow must be one of 'wait', 'drop', 'fail', not 'skip'"),
        ],
    )
    async def test_wrong_arguments(self, arguments: dict[str, Any], says: str) -> None:
        """What is wrong is named, and nothing is sent."""
        stream, transport = make(chunks(answer("a")))
        with pytest.raises(bourn.InputError, match=says):
            bourn.tee(stream, **arguments)
        assert transport.calls == []

    async def test_only_an_unused_stream(self) -> None:
        """A stream that was read, entered or closed, and what is no stream, are refused."""
        read_one, _ = make(chunks(answer("a")))
        await anext(read_one)
        closed, _ = make([])
        await closed.aclose()
        for used in (read_one, closed):
            with pytest.raises(bourn.InputError, match="nobody has entered"):
                bourn.tee(used, 2)
        not_a_stream: Any = "hello"
        with pytest.raises(bourn.InputError, match="not str"):
            bourn.tee(not_a_stream, 2)
        await read_one.aclose()


class TestClosing:
    async def test_the_last_one_closes_the_connection(self) -> None:
        """As long as one branch is open the connection is; then it is closed at once."""
        stream, transport = make([*chunks(answer("a", finish=False)), NEVER])
        first, second = bourn.tee(stream, 2)
        await anext(first)
        await first.aclose()
        await first.aclose()
        (wire,) = transport.wires
        assert (wire.closed, first.is_closed(), second.is_closed()) == (None, True, False)
        async with second:
            await anext(second)
        assert wire.closed == "aborted"
        for branch in (first, second):
            with pytest.raises(bourn.ClosedError):
                await anext(branch)

    async def test_a_close_wakes_the_one_who_reads_for_all(self) -> None:
        """The leader's branch is closed: it gets ClosedError at once, the follower takes over and misses nothing."""
        stream, transport = make(paced("a", "b", "c", pause=2))
        leader, follower = bourn.tee(stream, 2)
        leading = asyncio.ensure_future(read(leader))
        following = asyncio.ensure_future(read(follower))
        await asyncio.sleep(5)
        await leader.aclose()
        with pytest.raises(bourn.ClosedError):
            await leading
        assert await following == ANSWER
        assert len(transport.calls) == 1

    async def test_a_close_wakes_one_who_follows(self) -> None:
        """A follower whose branch is closed gets ClosedError at once."""
        stream, _ = make([*chunks(answer("a", finish=False)), NEVER])
        leader, follower = bourn.tee(stream, 2)
        leading, following = asyncio.ensure_future(read(leader)), asyncio.ensure_future(read(follower))
        await asyncio.sleep(1)
        await follower.aclose()
        with pytest.raises(bourn.ClosedError):
            await following
        await cancelled(leading)

    async def test_the_last_reference_closes_with_the_collector_off(self) -> None:
        """Branches that are dropped in mid-answer close the connection, even where the stream itself is still held."""
        gc.disable()
        try:
            for keep in (False, True):
                stream, transport = make([*chunks(answer("a", finish=False)), NEVER])
                kept = stream if keep else None
                first, second = bourn.tee(stream, 2)
                del stream
                alive = weakref.ref(first), weakref.ref(second)
                await anext(first)
                await anext(second)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(read(first), 1)
                del first
                assert (alive[0](), transport.wires[0].closed) == (None, None)
                del second
                assert alive[1]() is None
                assert transport.wires[0].closed == "aborted"
                del kept
        finally:
            gc.enable()

    async def test_what_was_held_is_in_the_response(self) -> None:
        """Closing early keeps what had come for this branch; another's stays as it is."""
        stream, _ = make(chunks(answer("a", "b")))
        first, second = bourn.tee(stream, 2)
        await read(first)
        await second.aclose()
        assert (second.response.text, second.response.complete) == ("ab", True)

    async def test_one_reader_at_a_time(self) -> None:
        """A second task that reads the same branch gets BusyError and disturbs nobody."""
        stream, _ = make(paced("a"))
        branch, _other = bourn.tee(stream, 2)
        task = asyncio.ensure_future(read(branch))
        await asyncio.sleep(0.5)
        with pytest.raises(bourn.BusyError):
            await anext(branch)
        assert words(await task) == "a"


class TestCancellation:
    @pytest.mark.parametrize("n", [1, 3])
    async def test_a_cancelled_read_loses_nothing(self, n: int) -> None:
        """Polling with a timeout gives every branch every event once, whoever reads for all just then."""

        async def poll(branch: bourn.Branch[Any], patience: float) -> list[Any]:
            events = []
            while True:
                try:
                    events.append(await asyncio.wait_for(anext(branch), patience))
                except TimeoutError:
                    continue
                except StopAsyncIteration:
                    return events

        stream, transport = make(paced("a", "b", "c", pause=0.7))
        branches = bourn.tee(stream, n)
        got = await asyncio.gather(*(poll(branch, 0.21 + 0.1 * at) for at, branch in enumerate(branches)))
        assert got == [ANSWER] * n
        assert len(transport.calls) == 1

    async def test_cancelled_at_each_suspension(self) -> None:
        """Wherever a reader is cancelled, over a real connection, the other gets all, and nothing is left behind."""
        async with serve(text(*"abcdef").paced(rate=10)) as server, bourn.Client() as client:
            await client.stream("openai/any", "hi", base_url=server.base_url(), api_key="k").collect()
            before = Belongings.now()
            complete: list[bool] = []

            async def both() -> None:
                first, second = bourn.tee(client.stream("openai/any", "hi", base_url=server.base_url(), api_key="k"), 2)
                other = asyncio.ensure_future(read(second))
                try:
                    async with first:
                        await read(first)
                finally:
                    complete.append(words(await asyncio.shield(other)) == "abcdef")

            cuts = [cut async for cut in each_suspension(both)]
            assert len(cuts) > 8
            assert {cut.ending for cut in cuts} == {"cancelled"}
            assert all(complete)
            assert Belongings.now().since(before) == []

    async def test_all_cancelled_at_each_suspension(self) -> None:
        """Wherever all are cancelled the connection is closed with them."""

        async def all_of_them() -> None:
            stream, transport = make(paced("a", "b"))
            transports.append(transport)
            branches = bourn.tee(stream, 2)
            try:
                await read(branches[0])
                await read(branches[1])
            finally:
                for branch in branches:
                    await branch.aclose()

        transports: list[Any] = []
        cuts = [cut async for cut in each_suspension(all_of_them)]
        assert len(cuts) > 4
        assert all(wire.closed for transport in transports for wire in transport.wires)


async def cancelled(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
