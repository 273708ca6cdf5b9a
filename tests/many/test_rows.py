"""`client.map` and `Rows`: many prompts, a row for each, whatever happens to whichever of them."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest

import bourn
from bourn.dialects.base import HttpCall
from bourn.many.rows import AHEAD
from bourn.mock import faults, http_error, serve, text
from bourn.testing.leaks import Belongings, collector_off
from bourn.testing.suspensions import each_suspension
from bourn.transport.memory import MemoryTransport, Step
from tests.plain import answer, chunks

HERE: dict[str, Any] = {"base_url": "http://test", "dialect": "plain"}
NEVER = float("inf")


def said(call: HttpCall) -> str:
    """The prompt of a call."""
    return call.body.decode().rpartition('"content":"')[2].partition('"')[0]


def client(steps: Callable[[str], Sequence[Step]]) -> tuple[bourn.Client, MemoryTransport]:
    """A client whose every prompt is answered with `steps(prompt)`."""
    transport = MemoryTransport(lambda call: steps(said(call)))
    return bourn.Client(transport=transport), transport


def echo(prompt: str) -> Sequence[Step]:
    """The prompt, after as many seconds as it says."""
    return [float(prompt), *chunks(answer(prompt))] if prompt.replace(".", "").isdigit() else chunks(answer(prompt))


def texts(rows: list[bourn.Row[Any]]) -> list[str]:
    return [row.response.text if row.response is not None else "" for row in rows]


class TestOrder:
    async def test_rows_come_as_they_are_finished(self) -> None:
        """The quickest answer is first; index, input and seconds say which it is and how long it took."""
        rows = [row async for row in client(echo)[0].map(["3", "1", "2"], "openai/m", **HERE)]
        assert texts(rows) == ["1", "2", "3"]
        assert [row.index for row in rows] == [1, 2, 0]
        assert [row.input for row in rows] == ["1", "2", "3"]
        assert [row.seconds for row in rows] == pytest.approx([1, 2, 3])
        assert all(row.error is None and row.response is not None and row.response.complete for row in rows)

    async def test_or_in_the_order_of_the_prompts(self) -> None:
        """With `ordered` a slow one holds back those behind it, which are done meanwhile."""
        began = asyncio.get_running_loop().time()
        rows = [row async for row in client(echo)[0].map(["3", "1", "2"], "openai/m", ordered=True, **HERE)]
        assert [row.index for row in rows] == [0, 1, 2]
        assert asyncio.get_running_loop().time() - began == pytest.approx(3)

    @pytest.mark.parametrize("ordered", [False, True])
    async def test_prompts_may_be_asynchronous(self, ordered: bool) -> None:
        """An asynchronous generator is read one by one, as it gives."""

        async def prompts() -> AsyncIterator[str]:
            for word in ("1", "2", "3"):
                await asyncio.sleep(1)
                yield word

        rows = [row async for row in client(echo)[0].map(prompts(), "openai/m", ordered=ordered, **HERE)]
        assert texts(rows) == ["1", "2", "3"]

    async def test_no_prompts_no_rows(self) -> None:
        """An empty input ends at once, and sends nothing."""
        made, transport = client(echo)
        assert [row async for row in made.map([], "openai/m", **HERE)] == []
        assert transport.calls == []


class TestFailures:
    async def test_a_failure_is_a_row(self) -> None:
        """Whatever goes wrong with one prompt is that row's error, with what had arrived; the others are answered."""

        def steps(prompt: str) -> Sequence[Step]:
            if prompt == "cut":
                return [*chunks(answer("a", "b", finish=False)), bourn.ConnectionLostError("cut")]
            return chunks(answer(prompt))

        prompts: list[Any] = ["x", "cut", "", 7, [{"role": "king", "content": "?"}], "y"]
        rows = {row.index: row async for row in client(steps)[0].map(prompts, "openai/m", **HERE)}
        assert texts([rows[at] for at in range(6)]) == ["x", "ab", "", "", "", "y"]
        kinds = [type(rows[at].error).__name__ for at in range(6)]
        assert kinds == ["NoneType", "ConnectionLostError", "InputError", "InputError", "InputError", "NoneType"]
        assert rows[1].error is not None
        assert rows[1].error.__traceback__ is None

    async def test_a_bug_is_a_row_too(self) -> None:
        """An exception that nobody foresaw spoils its own row only."""

        def steps(prompt: str) -> Sequence[Step]:
            return [1 / 0] if prompt == "bug" else chunks(answer(prompt))

        rows = {row.index: row async for row in client(steps)[0].map(["bug", "ok"], "openai/m", **HERE)}
        assert isinstance(rows[0].error, ZeroDivisionError)
        assert rows[1].error is None

    async def test_every_fault_of_the_mock_is_one_row(self) -> None:
        """Against a real server that misbehaves in every way it knows, there is one row each, and no connection is left."""
        before = Belongings.now()
        async with serve() as server:
            models = []
            for name in faults.FAULTS:
                if name in ("endless", "refused"):  # one never ends; the other is of a whole server, see tests/mock
                    continue
                server.add(text("one two three four five"), name=name, fault=name)
                models.append(f"openai/mock/{name}")
            server.add(http_error(429, retry_after=1), name="busy")
            models.append("openai/mock/busy")
            timeouts = bourn.Timeouts(connect=5, first_event=5, idle=5, total=20)
            limits = bourn.Limits(frame_bytes=100_000, decoded_bytes=100_000)
            async with bourn.Client(base_url=server.base_url(), api_key="k", timeouts=timeouts, limits=limits) as made:
                asked = bourn.Rows(lambda model: made.stream(model, "hi"), models, concurrency=5)
                async with asked as rows:
                    seen = [row async for row in rows]
                assert sorted(row.index for row in seen) == list(range(len(models)))
                for row in seen:
                    assert row.error is None or isinstance(row.error, bourn.BournError), row
                    assert row.error is not None or (row.response is not None and row.response.complete), row
                assert sum(row.error is not None for row in seen) > 10
        gc.collect()
        left = [each for each in Belongings.now().since(before) if each != "thread bourn-offload"]  # it ends by itself
        assert not left

    async def test_no_connection_is_a_row(self) -> None:
        """A server that is not there is told in each row, and the rows of the others come."""
        with socket.create_server(("127.0.0.1", 0)) as gone:
            nobody = f"http://127.0.0.1:{gone.getsockname()[1]}/v1"
        async with serve(text("one")) as server, bourn.Client(api_key="k") as made:
            urls = [nobody, server.base_url(), nobody]
            asked = bourn.Rows(lambda url: made.stream("openai/m", "hi", base_url=url), urls, concurrency=2)
            async with asked as rows:
                seen = {row.index: type(row.error) async for row in rows}
        assert seen == {0: bourn.ConnectError, 1: type(None), 2: bourn.ConnectError}

    async def test_what_the_prompts_raise_comes_after_the_rows_of_those_before(self) -> None:
        """An input that fails takes no answer away: it is raised last, and again when asked again."""

        def prompts() -> Iterator[str]:
            yield from ("2", "1")
            raise LookupError("the file ended")

        rows = client(echo)[0].map(prompts(), "openai/m", **HERE)
        assert texts([await anext(rows), await anext(rows)]) == ["1", "2"]
        for _ in range(2):
            with pytest.raises(LookupError):
                await anext(rows)
        assert rows.running == 0

    async def test_a_cancellation_that_comes_from_within_is_nobodys_row(self) -> None:
        """What is cancelled by others than the reader ends the rows, as a cancellation."""

        def steps(prompt: str) -> Sequence[Step]:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await anext(client(steps)[0].map(["x"], "openai/m", **HERE))


def test_ctrl_c_goes_through() -> None:
    """`KeyboardInterrupt` in the middle of the work is no row: it leaves the event loop, and nothing is left running."""

    def steps(prompt: str) -> Sequence[Step]:
        if prompt == "stop":
            raise KeyboardInterrupt
        return [1.0, *chunks(answer(prompt))]

    made, transport = client(steps)

    async def main() -> None:
        async with made.map(["a", "stop", "b"], "openai/m", **HERE) as rows:
            async for _ in rows:
                pass

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert all(wire.closed for wire in transport.wires)


class TestBounds:
    @pytest.mark.parametrize(("ordered", "window"), [(False, 3), (True, 3 * AHEAD)])
    async def test_nothing_is_begun_that_nobody_will_read(self, ordered: bool, window: int) -> None:
        """Of endless prompts only so many are taken while nobody reads; each row that is read makes room for one more."""
        taken = 0

        def prompts() -> Iterator[str]:
            nonlocal taken
            while True:
                taken += 1
                yield "1"

        made, transport = client(echo)
        async with made.map(prompts(), "openai/m", concurrency=3, ordered=ordered, **HERE) as rows:
            assert taken == 0
            for given in range(1, 20):
                await anext(rows)
                await asyncio.sleep(60)
                assert taken == len(transport.calls) == window + given
            assert rows.running == 3

    async def test_so_many_run_at_a_time_and_no_more(self) -> None:
        """The number of open requests is at most `concurrency`, and as many as that while there is work."""
        running = most = 0

        def steps(prompt: str) -> Any:
            nonlocal running, most
            running += 1
            most = max(most, running)
            yield 1.0
            yield from chunks(answer(prompt))
            running -= 1

        began = asyncio.get_running_loop().time()
        rows = [row async for row in client(steps)[0].map(["x"] * 40, "openai/m", concurrency=4, **HERE)]
        assert (len(rows), most) == (40, 4)
        assert asyncio.get_running_loop().time() - began == pytest.approx(10)

    async def test_few_prompts_need_few_tasks(self) -> None:
        """A thousand may run; for three prompts there are four tasks at most."""
        made, _ = client(echo)
        rows = made.map(["1", "1", "1"], "openai/m", concurrency=1000, **HERE)
        waits = asyncio.ensure_future(anext(rows))
        for _ in range(20):
            await asyncio.sleep(0)
            assert rows.running <= 4
        await waits
        await rows.aclose()

    @pytest.mark.parametrize("ordered", [False, True])
    @pytest.mark.parametrize("count", [pytest.param(20_000, id="few"), pytest.param(500_000, marks=pytest.mark.thorough)])
    async def test_memory_does_not_grow_with_the_number_of_rows(self, count: int, ordered: bool) -> None:
        """A million rows in all, made as they are asked for, never hold more than a few thousand objects more."""

        class Said:
            """A stream, as far as rows know one."""

            def __init__(self, number: int) -> None:
                self._number = number

            async def collect(self) -> Any:
                await asyncio.sleep(0)
                return self._number

        total = most = 0
        gc.collect()
        before = sys.getallocatedblocks()
        rows: bourn.Rows[int] = bourn.Rows(Said, range(count), concurrency=16, ordered=ordered)  # type: ignore[arg-type]
        async with rows:
            async for row in rows:
                total += row.index
                if row.index % 1000 == 999:
                    most = max(most, sys.getallocatedblocks() - before)
        assert total == count * (count - 1) // 2
        assert 0 < most < 10_000


class TestReading:
    @pytest.mark.parametrize("ordered", [False, True])
    async def test_a_cancelled_read_loses_nothing(self, ordered: bool) -> None:
        """Cut at every suspension there is, and read on: every row comes once, and every prompt is asked once."""
        prompts = ["3", "1", "2", "0.5", "4"]

        async def read(rows: bourn.Rows[Any], seen: list[bourn.Row[Any]]) -> None:
            async for row in rows:
                seen.append(row)

        runs: list[tuple[bourn.Rows[Any], list[bourn.Row[Any]], MemoryTransport]] = []

        def begin() -> Any:
            made, transport = client(echo)
            runs.append((made.map(prompts, "openai/m", concurrency=2, ordered=ordered, **HERE), [], transport))
            return read(*runs[-1][:2])

        async for cut in each_suspension(begin):
            rows, seen, transport = runs[-1]
            assert cut.ending == "cancelled", cut
            await read(rows, seen)
            assert sorted(row.index for row in seen) == list(range(5)), cut
            assert len(transport.calls) == 5
            assert [wire.closed for wire in transport.wires] == ["released"] * 5
        assert len(runs) > 3

    async def test_whoever_is_cancelled_within_its_block_leaves_nothing(self) -> None:
        """Cut at every suspension and left: no task, no connection, whichever moment it was."""
        before = Belongings.now()
        wires: list[Any] = []

        async def read() -> None:
            made, transport = client(echo)
            wires.append(transport.wires)
            async with made.map(["2", "1", "3", "1"], "openai/m", concurrency=2, **HERE) as rows:
                async for _ in rows:
                    await asyncio.sleep(0.1)

        cuts = 0
        async for cut in each_suspension(read):
            cuts += 1
            assert cut.ending == "cancelled", cut
            assert all(wire.closed for wire in wires[-1]), cut
            assert not Belongings.now().since(before), cut
        assert cuts > 4

    async def test_leaving_early_closes_every_connection_at_once(self) -> None:
        """Over real connections: one row is read, the others are left, and the server sees them go."""
        async with (
            serve(text("a long answer that takes its time").paced(rate=1)) as server,
            bourn.Client(base_url=server.base_url(), api_key="k") as made,
        ):
            rows = made.map(["x"] * 100, "openai/m", concurrency=10)
            waits = asyncio.ensure_future(anext(rows))
            await server.journal.requests(10)
            waits.cancel()
            await asyncio.wait({waits})
            began = asyncio.get_running_loop().time()
            await rows.aclose()
            await server.journal.closed(10)
            assert asyncio.get_running_loop().time() - began < 0.1
            assert server.journal.opened == 10
            assert rows.running == 0

    async def test_losing_the_last_reference_ends_the_work(self) -> None:
        """With the collector off: tasks and connections go with the iterator."""
        before = Belongings.now()
        made, transport = client(lambda _: [NEVER])
        with collector_off():
            rows = made.map(["x"] * 9, "openai/m", concurrency=3, **HERE)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(rows), 1)
            assert rows.running == 3
            del rows
            for _ in range(5):
                await asyncio.sleep(0)
            assert [wire.closed for wire in transport.wires] == ["aborted"] * 3
            assert not Belongings.now().since(before)

    async def test_one_reader_at_a_time(self) -> None:
        """The second gets BusyError, the first its row."""
        rows = client(echo)[0].map(["1"], "openai/m", **HERE)
        first = asyncio.ensure_future(anext(rows))
        await asyncio.sleep(0.5)
        with pytest.raises(bourn.BusyError):
            await anext(rows)
        assert (await first).index == 0

    async def test_the_end_stays_the_end_and_closed_stays_closed(self) -> None:
        """After the last row it is over, also when closed; closed before that, it says so, to one who waits, too."""
        rows = client(echo)[0].map(["0"], "openai/m", **HERE)
        assert rows.__aiter__() is rows
        await anext(rows)
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await anext(rows)
            await rows.aclose()
        left = client(echo)[0].map(["9"], "openai/m", **HERE)
        waits = asyncio.ensure_future(anext(left))
        await asyncio.sleep(1)
        await left.aclose()
        with pytest.raises(bourn.ClosedError):
            await waits
        with pytest.raises(bourn.ClosedError):
            await anext(left)

    async def test_finish_takes_no_more(self) -> None:
        """What is being worked on is given, then it is over."""
        made, transport = client(echo)
        rows = made.map(["1"] * 50, "openai/m", concurrency=3, **HERE)
        await anext(rows)
        rows.finish()
        rest = [row async for row in rows]
        assert 2 <= len(rest) <= 3
        assert len(transport.calls) == 1 + len(rest)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"concurrency": 0}, "concurrency must be a whole number of at least 1, not 0"),
        ({"concurrency": True}, "concurrency"),
        ({"concurrency": 2.0}, "concurrency"),
        ({"prompts": "one prompt"}, "prompts must be an iterable of prompts, asynchronous or not, and not str"),
        ({"prompts": 7}, "not int"),
        ({"model": "nonsense"}, "provider/model"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temprature": 1}, "temprature"),
    ],
)
def test_bad_input_is_one_clear_sentence_before_anything_is_sent(wrong: dict[str, Any], says: str) -> None:
    """Each wrong argument raises InputError that names it, at once."""
    made, transport = client(echo)
    arguments: dict[str, Any] = {"prompts": ["x"], "model": "openai/m", **HERE} | wrong
    with pytest.raises(bourn.InputError, match=says):
        made.map(**arguments)
    assert transport.calls == []
