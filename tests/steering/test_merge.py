"""Many streams as one: fair, bounded, with every failure told; and what it costs when most of them are idle."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bourn
from bourn.mock import faults, http_error, serve, text
from bourn.steering.leg import Leg
from bourn.testing.clock import run
from bourn.testing.leaks import Belongings
from bourn.testing.suspensions import each_suspension
from bourn.transport.memory import MemoryTransport, Step
from tests.plain import answer, chunks
from tests.steering.streams import NEVER, make, paced, words

NO_LIMITS = bourn.Timeouts(connect=None, first_event=None, idle=None)


def several(steps: Mapping[str, Sequence[Step]], **options: Any) -> tuple[dict[str, bourn.Stream], dict[str, MemoryTransport]]:
    made = {name: make(each, name, **options) for name, each in steps.items()}
    return {name: stream for name, (stream, _) in made.items()}, {name: transport for name, (_, transport) in made.items()}


async def read(merged: bourn.Merge[Any]) -> dict[str, list[Any]]:
    """What each stream gave, in its order."""
    got: dict[str, list[Any]] = {}
    async for name, event in merged:
        got.setdefault(name, []).append(event)
    return got


def events(model: str, *pieces: str) -> list[bourn.Event]:
    return [bourn.Start("id-1", "m", "openai"), *answer(*pieces)[1:]]


async def cancelled(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


class TestTogether:
    async def test_all_events_of_all_come_as_they_come(self) -> None:
        """Each stream's events in their order, as they come, with its name; nothing is sent before the first read."""
        streams, transports = several({"a": paced("a1", "a2", pause=1.0), "b": paced("b1", pause=1.7)})
        merged = bourn.merge(streams)
        assert not any(transport.calls for transport in transports.values())
        loop, began, seen = asyncio.get_running_loop(), asyncio.get_running_loop().time(), []
        async for name, event in merged:
            if isinstance(event, bourn.TextDelta):
                seen.append((name, event.text, round(loop.time() - began, 3)))
        assert seen == [("a", "a1", 3.0), ("a", "a2", 4.0), ("b", "b1", 5.1)]
        assert {name: response.text for name, response in merged.responses.items()} == {"a": "a1a2", "b": "b1"}
        assert [transport.wires[0].closed for transport in transports.values()] == ["released", "released"]
        assert merged.is_closed()

    async def test_a_ready_stream_gets_its_turn_each_round(self) -> None:
        """Of streams that all have events each gives one before the first gives another."""
        streams, _ = several({name: [b"".join(chunks(answer(*"xxxxxxxx")))] for name in "abc"})
        names = [name async for name, _ in bourn.merge(streams)]
        assert names == list("abc") * 12

    async def test_a_flood_starves_nobody(self) -> None:
        """A stream that always has events does not keep another from the reader, nor the loop from its turn."""
        flood = [b"".join(chunks(answer(*"x" * 2000)))]
        streams, _ = several({"flood": flood, "slow": paced("s", pause=0.0)})
        names = [name async for name, _ in bourn.merge(streams)]
        assert len(names) - 1 - names[::-1].index("slow") < 64 * 10

    async def test_the_loop_gets_its_turn(self) -> None:
        """Another task runs at least every 64 events."""
        streams, _ = several({name: [b"".join(chunks(answer(*"x" * 500)))] for name in "ab"})
        turns, seen = 0, []

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.ensure_future(other())
        async for _ in bourn.merge(streams):
            seen.append(turns)
        await cancelled(task)
        assert max(seen.count(turn) for turn in seen) <= 64

    async def test_no_task_is_made(self) -> None:
        """While it waits there is only the task that reads."""
        streams, _ = several({name: [*chunks(answer("a", finish=False)), NEVER] for name in "abc"})
        task = asyncio.ensure_future(read(bourn.merge(streams)))
        await asyncio.sleep(1)
        assert asyncio.all_tasks() == {task, asyncio.current_task()}
        await cancelled(task)

    async def test_the_end_is_sticky(self) -> None:
        """After the last stream's end every read ends at once."""
        streams, transports = several({"a": chunks(answer("a"))})
        merged = bourn.merge(streams)
        await read(merged)
        await merged.aclose()
        for _ in range(3):
            with pytest.raises(StopAsyncIteration):
                await anext(merged)
        assert len(transports["a"].calls) == 1

    async def test_it_holds_no_event(self) -> None:
        """An unread merge takes nothing from its streams: a server that floods is stopped."""
        flood = text(*(["x" * 1000] * 20_000))
        async with serve(flood, send_buffer=64 * 1024) as server, bourn.Client() as client:
            streams = {
                name: client.stream("openai/any", "hi", base_url=server.base_url(), api_key="k") for name in ("a", "b", "c")
            }
            async with bourn.merge(streams) as merged:
                for _ in range(10):
                    await anext(merged)
                await server.journal.blocked()
                await asyncio.sleep(50)
                taken = [connection.bytes_sent for connection in server.journal.connections]
                await asyncio.sleep(50)
                assert [connection.bytes_sent for connection in server.journal.connections] == taken
                assert len(taken) == 3
                assert max(taken) < 8 * 1024 * 1024


class TestErrors:
    async def test_a_failure_is_told_and_the_others_go_on(self) -> None:
        """A stream that breaks, or is refused, gives its error last; nothing is raised; its answer so far is kept."""
        streams, _ = several({"good": paced("g"), "cut": paced("c", tail=bourn.ConnectionLostError("cut"))})
        streams["busy"] = bourn.stream("openai/any", "hi", mock=http_error(429, "Slow down."))
        merged = bourn.merge(streams)
        got = await read(merged)
        assert words(got["good"]) == "g"
        assert isinstance(got["good"][-1], bourn.Finish)
        cut, busy = got["cut"][-1], got["busy"][-1]
        assert isinstance(cut, bourn.ConnectionLostError)
        assert cut.response is merged.responses["cut"]
        assert merged.responses["cut"].text == "c"
        assert (len(got["busy"]), type(busy)) == (1, bourn.RateLimitError)

    async def test_raise_closes_all(self) -> None:
        """With `raise` the first error says whose it is, closes every connection, and is raised again when asked again."""
        streams, transports = several({"good": [*chunks(answer("g", finish=False)), NEVER], "cut": paced("c", tail=b"")})
        merged = bourn.merge(streams, on_error="raise")
        got = []
        with pytest.raises(bourn.TruncatedError) as caught:
            async for name, event in merged:
                got.append((name, event))
        assert caught.value.__notes__ == ["merge: this was the stream 'cut'"]
        assert words([event for name, event in got if name == "cut"]) == "c"
        assert all(wire.closed for transport in transports.values() for wire in transport.wires)
        with pytest.raises(bourn.TruncatedError):
            await anext(merged)
        await merged.aclose()

    async def test_the_first_error_is_the_one_that_is_raised(self) -> None:
        """Streams that could have gone on when one failed are closed, and that they were is not what is told."""
        streams, _ = several({name: paced("x", tail=b"") for name in "abc"})
        merged = bourn.merge(streams, on_error="raise")
        with pytest.raises(bourn.TruncatedError) as caught:
            await read(merged)
        assert caught.value.__notes__ == ["merge: this was the stream 'a'"]

    @pytest.mark.parametrize("at", range(1, 8))
    async def test_faults_at_every_event(self, at: int) -> None:
        """Wherever one connection breaks, the other's answer is whole."""
        answers = text("one ", "two ", "three ", "four")
        streams = {
            "broken": bourn.stream("openai/any", "hi", mock=answers.broken(faults.Reset(event=at))),
            "whole": bourn.stream("openai/any", "hi", mock=answers),
        }
        merged = bourn.merge(streams)
        got = await read(merged)
        assert isinstance(got["broken"][-1], bourn.ConnectionLostError | bourn.Finish)
        assert merged.responses["whole"].complete
        assert merged.responses["whole"].text == "one two three four"

    async def test_wrong_arguments(self) -> None:
        """What is wrong is named, and nothing is sent."""
        stream, transport = make(chunks(answer("a")))
        used, _ = make(chunks(answer("a")))
        await anext(used)
        given: list[tuple[Any, dict[str, Any], str]] = [
            ({}, {}, "at least one stream"),
            ([stream], {}, "a mapping from name to stream"),
            ({"a": "hello"}, {}, "'a' is str"),
            ({1: stream}, {}, "names that are strings, not 1"),
            ({"a": stream, "b": stream}, {}, "the same stream under two names"),
            ({"a": stream, "b": used}, {}, "make a new one for 'b'"),
            ({"a": stream}, {"on_error": "skip"}, "on_error must be one of 'tell', 'raise', not 'skip'"),
        ]
        for streams, options, says in given:
            with pytest.raises(bourn.InputError, match=says):
                bourn.merge(streams, **options)
        assert transport.calls == []
        await used.aclose()

    async def test_one_reader_at_a_time(self) -> None:
        """A second task that reads gets BusyError and disturbs nobody."""
        streams, _ = several({"a": paced("a")})
        merged = bourn.merge(streams)
        task = asyncio.ensure_future(read(merged))
        await asyncio.sleep(0.5)
        with pytest.raises(bourn.BusyError):
            await anext(merged)
        assert words((await task)["a"]) == "a"


class TestTime:
    async def test_the_consumers_time_does_not_count(self) -> None:
        """A slow reader trips no limit of any stream, though their reads stay under way."""
        limits = bourn.Timeouts(first_event=3, idle=3, total=9)
        streams, _ = several({"a": paced("1", "2"), "b": paced("3", "4", pause=1.3)}, timeouts=limits)
        got: dict[str, list[Any]] = {}
        async for name, event in bourn.merge(streams):
            got.setdefault(name, []).append(event)
            await asyncio.sleep(60)
        assert {name: words(each) for name, each in got.items()} == {"a": "12", "b": "34"}

    async def test_a_consumer_that_blocks_the_loop_does_not_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nor does the time of one that computes, or sits in a debugger, between two reads."""
        loop: Any = asyncio.get_running_loop()
        streams, _ = several({"a": paced("1", "2"), "b": [1.5, *paced("3")]}, timeouts=bourn.Timeouts(first_event=3, idle=3))
        got = []
        async for name, event in bourn.merge(streams):
            got.append((name, event))
            loop._jumping.now += 100  # nobody runs meanwhile
        assert words([event for _, event in got]) == "123"

    async def test_each_limit_fires_at_its_time(self) -> None:
        """A stalled stream is told of when its provider has taken as long as it may, however often others were read."""
        streams, _ = several(
            {"live": paced(*"abcdefgh"), "dead": [*chunks(answer("d", finish=False)), NEVER]}, timeouts=bourn.Timeouts(idle=5.5)
        )
        loop, began, away = asyncio.get_running_loop(), asyncio.get_running_loop().time(), 0.0
        async for name, event in bourn.merge(streams):
            if isinstance(event, bourn.IdleTimeout):
                assert name == "dead"
                assert loop.time() - began - away == pytest.approx(5.5, abs=0.11)
                break
            if name == "live":
                await asyncio.sleep(0.25)
                away += 0.25
        else:
            raise AssertionError("it never fired")


class TestClosing:
    async def test_closing_closes_all(self) -> None:
        """`aclose` and `async with` close every connection, at any time, any number of times."""
        for after in range(5):
            streams, transports = several({name: [*chunks(answer("a", finish=False)), NEVER] for name in "ab"})
            async with bourn.merge(streams) as merged:
                for _ in range(after):
                    await anext(merged)
            await asyncio.gather(merged.aclose(), merged.aclose())
            assert merged.is_closed()
            assert all(wire.closed == "aborted" for transport in transports.values() for wire in transport.wires)
            with pytest.raises(bourn.ClosedError):
                await anext(merged)

    async def test_what_had_arrived_is_in_the_responses(self) -> None:
        """Closing early keeps what was decoded of each."""
        streams, _ = several({name: [b"".join(chunks(answer(name, name, finish=False)))] for name in "ab"})
        merged = bourn.merge(streams)
        await anext(merged)
        await anext(merged)
        await merged.aclose()
        assert {name: response.text for name, response in merged.responses.items()} == {"a": "aa", "b": "bb"}

    async def test_a_close_wakes_the_waiting_reader(self) -> None:
        """A reader that waits gets ClosedError at once when another task closes."""
        streams, _ = several({name: [*chunks(answer("a", finish=False)), NEVER] for name in "ab"})
        merged = bourn.merge(streams)
        reader = asyncio.ensure_future(read(merged))
        await asyncio.sleep(1)
        await merged.aclose()
        with pytest.raises(bourn.ClosedError):
            await reader

    async def test_the_ends_are_waited_for_side_by_side(self) -> None:
        """Closing many streams that have finished takes as long as closing one."""
        ended: list[Step] = [*chunks(answer("a")), NEVER]
        streams, _ = several({str(at): ended for at in range(20)}, limits=bourn.Limits(drain_seconds=0.5))
        merged = bourn.merge(streams)
        for _ in range(20 * 5):
            await anext(merged)
        began = asyncio.get_running_loop().time()
        await merged.aclose()
        assert asyncio.get_running_loop().time() - began == pytest.approx(0.5, abs=0.01)

    async def test_the_last_reference_closes_with_the_collector_off(self) -> None:
        """A merge that is dropped in mid-answer closes all connections, even where the streams are still held."""
        gc.disable()
        try:
            for keep in (False, True):
                streams, transports = several({name: [*chunks(answer("a", finish=False)), NEVER] for name in "ab"})
                merged = bourn.merge(streams)
                alive = weakref.ref(merged)
                if not keep:
                    streams.clear()
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(read(merged), 1)
                del merged
                assert alive() is None
                assert [transport.wires[0].closed for transport in transports.values()] == ["aborted", "aborted"]
        finally:
            gc.enable()

    async def test_an_error_that_was_told_keeps_nothing_alive(self) -> None:
        """Who keeps the error of one stream does not keep the others open."""
        gc.disable()
        try:
            streams, transports = several({"good": [*chunks(answer("g", finish=False)), NEVER], "cut": [b""]})
            merged = bourn.merge(streams)
            streams.clear()
            kept = [event async for _, event in _some(merged, 4) if isinstance(event, bourn.BournError)]
            assert len(kept) == 1
            del merged
            assert transports["good"].wires[0].closed == "aborted"
        finally:
            gc.enable()


async def _some(merged: bourn.Merge[Any], count: int) -> Any:
    for _ in range(count):
        yield await anext(merged)


class TestCancellation:
    async def test_a_cancelled_read_loses_nothing(self) -> None:
        """Polling with a timeout gives every event of every stream once, and asks each service once."""
        streams, transports = several({"a": paced("1", "2", pause=0.7), "b": paced("3", pause=0.45)})
        merged = bourn.merge(streams)
        got: dict[str, list[Any]] = {}
        gave_up = 0
        while True:
            try:
                name, event = await asyncio.wait_for(anext(merged), 0.21)
                got.setdefault(name, []).append(event)
            except TimeoutError:
                gave_up += 1
            except StopAsyncIteration:
                break
        assert got == {"a": events("a", "1", "2"), "b": events("b", "3")}
        assert gave_up > 10
        assert all(len(transport.calls) == 1 for transport in transports.values())

    async def test_cancelled_at_each_suspension(self) -> None:
        """Wherever the reader is cancelled, over real connections, the cancellation goes through and nothing is left behind."""
        await bourn.stream("openai/any", "hi", mock="warm").collect()
        before = Belongings.now()
        async with serve(text(*"abcdef").paced(rate=10)) as server, bourn.Client() as client:

            def stream() -> bourn.Stream:
                return client.stream("openai/any", "hi", base_url=server.base_url(), api_key="k")

            async def both() -> None:
                async with bourn.merge({"a": stream(), "b": stream()}) as merged:
                    await read(merged)

            cuts = [cut async for cut in each_suspension(both)]
            assert len(cuts) >= 8
            assert {cut.ending for cut in cuts} == {"cancelled"}
            await asyncio.gather(stream().collect(), stream().collect())
            assert len(server.journal.open) == 2  # the client's pool
        assert Belongings.now().since(before) == []

    async def test_tasks_may_take_turns(self) -> None:
        """Read in one task, read in another, close in a third: nothing is bound to a task."""
        streams, _ = several({name: [0.1, *chunks(answer("a", finish=False)), NEVER] for name in "ab"})
        merged = bourn.merge(streams)
        await asyncio.create_task(_anext(merged))
        await asyncio.create_task(_anext(merged))
        await asyncio.create_task(merged.aclose())
        assert merged.is_closed()


async def _anext(merged: bourn.Merge[Any]) -> Any:
    return await anext(merged)


@pytest.mark.parametrize("n", [2, 20, 200])
async def test_an_event_costs_the_same_however_many_are_idle(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One stream that talks among many that wait: per event one read is begun and few steps are made, whatever their number."""
    made = stepped = 0
    init, step = Leg.__init__, Leg.step

    def counting_init(self: Leg[Any], coroutine: Any) -> None:
        nonlocal made
        made += 1
        init(self, coroutine)

    def counting_step(self: Leg[Any]) -> None:
        nonlocal stepped
        stepped += 1
        step(self)

    monkeypatch.setattr(Leg, "__init__", counting_init)
    monkeypatch.setattr(Leg, "step", counting_step)
    idle: dict[str, list[Step]] = {str(at): [*chunks(answer("a", finish=False)), NEVER] for at in range(n - 1)}
    streams, _ = several(
        {**idle, "talks": [*chunks(answer(finish=False)), 1.0, *paced(*"x" * 500, tail=NEVER)[4:]]}, timeouts=NO_LIMITS
    )
    async with bourn.merge(streams) as merged:
        for _ in range(3 * (n - 1) + 3):
            await anext(merged)
        made = stepped = 0
        for _ in range(300):
            assert (await anext(merged)).name == "talks"
        assert made <= 301
        assert 300 <= stepped <= 3 * 300 + 3


Act = tuple[str, float]


@settings(max_examples=150)
@given(
    pauses=st.lists(st.sampled_from([0.0, 0.0, 0.4, 1.0]), min_size=1, max_size=5),
    cuts=st.sets(st.integers(0, 4)),
    acts=st.lists(
        st.tuples(st.sampled_from(["read", "read", "poll", "poll", "sleep", "close"]), st.sampled_from([0.0, 0.3, 2.0])),
        max_size=40,
    ),
)
def test_whatever_the_reader_does(pauses: list[float], cuts: set[int], acts: list[Act]) -> None:
    """Reads, polls, pauses and a close in any order: each stream's events come in order, once; what is closed stays closed."""

    async def play() -> None:
        cut = bourn.ConnectionLostError("cut")
        steps = {str(at): paced(*"abc", pause=pause, tail=cut if at in cuts else None) for at, pause in enumerate(pauses)}
        streams, transports = several(steps, timeouts=bourn.Timeouts(first_event=3.5, idle=3.5))
        merged = bourn.merge(streams)
        got: dict[str, list[Any]] = {name: [] for name in streams}
        closed = ended = False
        for act, seconds in [*acts, *[("read", 0.0)] * 8 * len(pauses)]:
            if act == "sleep":
                await asyncio.sleep(seconds)
            elif act == "close":
                closed = closed or not ended
                await merged.aclose()
            else:
                try:
                    name, event = await asyncio.wait_for(anext(merged), seconds if act == "poll" else None)
                    assert not closed
                    got[name].append(event)
                except TimeoutError:
                    assert act == "poll"
                except bourn.ClosedError:
                    assert closed
                except StopAsyncIteration:
                    ended = True
        assert closed or ended
        for at, (name, each) in enumerate(got.items()):
            whole = [*events(name, *"abc")[: -2 if at in cuts else None]]
            read = [event for event in each if isinstance(event, bourn.Event)]
            assert read == whole[: len(read)]
            assert closed or len(read) == len(whole)
            last = [type(event) for event in each[len(read) :]]
            assert last == ([bourn.ConnectionLostError] if at in cuts and (last or not closed) else [])
        await merged.aclose()
        assert all(wire.closed for transport in transports.values() for wire in transport.wires)
        assert all(len(transport.calls) <= 1 for transport in transports.values())

    run(play())
