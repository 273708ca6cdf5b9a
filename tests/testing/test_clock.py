"""Virtual time: exact, in order, blind to cancelled timers, and fair to real sockets on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import selectors
import socket
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bourn.testing.clock import VirtualLoop, run

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

MEGABYTE = bytes(range(256)) * 4096


def now() -> float:
    return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def connected(serve: Serve) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client's ends of a real connection to a server in the same loop."""
    over = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()
            over.set()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()
        await over.wait()


# time


def test_time_begins_at_zero() -> None:
    """A new loop's clock stands at zero, and work that does not wait leaves it there."""

    async def main() -> float:
        for _ in range(100):
            await asyncio.sleep(0)
        return now()

    assert run(main()) == 0.0


@pytest.mark.parametrize("seconds", [0.000_001, 0.1, 1, 15, 3600, 86_400, 86_401.5, 80 * 86_400.25])
async def test_a_wait_ends_exactly_when_it_should(seconds: float) -> None:
    """However short or long, a wait ends at its second, also past the day that a selector may wait at most."""
    await asyncio.sleep(seconds)
    assert now() == seconds


@pytest.mark.parametrize("seconds", [100 * 86_400, 1e9, 1e12])
async def test_a_wait_of_years_ends(seconds: float) -> None:
    """Where floats are too coarse for nanoseconds, waits still end, the first and the next."""
    asyncio.get_running_loop()._jumping.now = seconds - 1000  # type: ignore[attr-defined]  # years of jumps of a day take real time
    await asyncio.sleep(1000)
    assert now() == pytest.approx(seconds)
    await asyncio.sleep(0.5)
    assert seconds < now() <= seconds + 1


@given(st.lists(st.integers(1, 100_000), max_size=20))
@settings(max_examples=50)
def test_waits_add_up_exactly(milliseconds: list[int]) -> None:
    """After waits of whole milliseconds the clock shows their sum, with no rounding error."""

    async def main() -> float:
        for wait in milliseconds:
            await asyncio.sleep(wait / 1000)
        return now()

    assert run(main()) == sum(milliseconds) / 1000


async def test_waits_side_by_side_take_as_long_as_the_longest() -> None:
    """Ten thousand tasks that wait together are done when the longest is."""
    await asyncio.gather(*(asyncio.sleep(1 + number / 1000) for number in range(10_000)))
    assert now() == 10.999


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
@settings(max_examples=50)
def test_timers_fire_in_order_and_on_time(delays: list[int]) -> None:
    """Timers set in any order fire by their time, each exactly at it."""

    async def main() -> list[tuple[int, float]]:
        fired: list[tuple[int, float]] = []
        for delay in delays:
            asyncio.get_running_loop().call_later(delay, lambda due: fired.append((due, now())), delay)
        await asyncio.sleep(max(delays) + 1)
        return fired

    assert run(main()) == [(delay, delay) for delay in sorted(delays)]


async def test_a_timer_set_by_a_timer_counts_from_it() -> None:
    """A chain of timers fires at the sums of their delays."""
    times: list[float] = []

    def tick() -> None:
        times.append(now())
        if len(times) < 5:
            asyncio.get_running_loop().call_later(0.7, tick)

    tick()
    await asyncio.sleep(10)
    assert times == [0.0, 0.7, 1.4, 2.1, 2.8]


async def test_what_is_ready_runs_before_the_clock_moves() -> None:
    """A task that gives up its turn a thousand times is done before a timer of a microsecond fires."""
    order: list[str] = []
    asyncio.get_running_loop().call_later(0.000_001, order.append, "timer")
    for _ in range(1000):
        await asyncio.sleep(0)
    order.append("turns")
    await asyncio.sleep(1)
    assert order == ["turns", "timer"]


@pytest.mark.parametrize("count", [1, 10, 1000])
async def test_cancelled_timers_do_not_move_the_clock(count: int) -> None:
    """Timers that were cancelled neither fire nor count, few or many."""
    fired: list[int] = []
    handles = [asyncio.get_running_loop().call_later(number + 1, fired.append, number) for number in range(count)]
    for handle in handles:
        handle.cancel()
    await asyncio.sleep(count + 100)
    assert (fired, now()) == ([], count + 100)


async def test_a_cancelled_wait_costs_no_time() -> None:
    """Cancelling a sleeper ends it at the second of the cancel."""
    sleeper = asyncio.create_task(asyncio.sleep(1000))
    await asyncio.sleep(2)
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    assert now() == 2.0


async def test_a_limit_fires_at_its_second() -> None:
    """The limits of asyncio work: one that passes, one that is met, one inside another."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(15):
            await asyncio.Event().wait()
    assert now() == 15.0
    async with asyncio.timeout(5):
        await asyncio.sleep(4.9)
    assert now() == 19.9
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.sleep(9), 0.1)
    assert now() == 20.0


async def test_a_limit_in_the_past_fires_at_once() -> None:
    """A time limit of zero or less lets no virtual time pass."""
    for limit in (0, -5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(limit):
                await asyncio.Event().wait()
    assert now() == 0.0


# real sockets


async def test_a_megabyte_trips_no_idle_limit() -> None:
    """A transfer through a real socket takes no virtual time, though a limit is pending all the while."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for at in range(0, len(MEGABYTE), 10_000):
            writer.write(MEGABYTE[at : at + 10_000])
            await writer.drain()

    async with connected(serve) as (reader, _):
        got = bytearray()
        while True:
            async with asyncio.timeout(0.5):
                data = await reader.read(3000)
            if not data:
                break
            got += data
        assert got == MEGABYTE
        assert now() == 0.0


async def test_a_narrow_pipe_trips_no_limit() -> None:
    """With the smallest send buffer, where the server waits for the kernel all the time, no virtual time passes either."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        writer.transport.set_write_buffer_limits(0)
        for at in range(0, len(MEGABYTE), 50_000):
            writer.write(MEGABYTE[at : at + 50_000])
            await writer.drain()

    async with connected(serve) as (reader, _):
        async with asyncio.timeout(30):
            assert await reader.readexactly(len(MEGABYTE)) == MEGABYTE
        assert now() == 0.0


async def test_a_late_kernel_trips_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that the kernel hands over only at the second look, as on a busy machine, still come before the clock moves."""
    look = selectors.DefaultSelector.select

    def late(selector: selectors.DefaultSelector, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return [] if timeout == 0 else look(selector, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", late)
    await test_a_megabyte_trips_no_idle_limit()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what is under way")
async def test_the_kernel_gets_longer_while_bytes_are_under_way() -> None:
    """A long jump waits longer when a socket has bytes that the other side has not taken, a short jump does not."""
    grace = asyncio.get_running_loop()._jumping._grace  # type: ignore[attr-defined]  # the policy itself is what is tested
    taken = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket transport has it
        await taken.wait()

    async with connected(serve) as (_, writer):
        idle = grace(30)
        writer.write(MEGABYTE * 16)
        await asyncio.sleep(0)
        assert grace(0.01) == idle < grace(10) < grace(30)
        assert grace(30) == grace(1e6) < 1
        writer.transport.abort()
        taken.set()


async def test_a_conversation_trips_no_limit() -> None:
    """Two hundred questions and answers over one connection take no virtual time."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())

    async with connected(serve) as (reader, writer):
        for number in range(200):
            writer.write(b"question %d\n" % number)
            async with asyncio.timeout(1):
                assert await reader.readline() == b"QUESTION %d\n" % number
        assert now() == 0.0


async def test_a_pause_of_the_server_takes_its_virtual_time() -> None:
    """What a server sends after a wait arrives at that second, and a longer limit does not fire."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(5):
            writer.write(b"x")
            await asyncio.sleep(10)

    async with connected(serve) as (reader, _):
        arrived = []
        for _ in range(5):
            async with asyncio.timeout(15):
                assert await reader.readexactly(1) == b"x"
            arrived.append(now())
        assert arrived == [0.0, 10.0, 20.0, 30.0, 40.0]


async def test_a_stall_of_the_server_trips_the_limit() -> None:
    """A limit shorter than the server's pause fires at its second, and the late byte still comes at its own."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)
        writer.write(b"x")

    async with connected(serve) as (reader, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4):
                await reader.readexactly(1)
        assert now() == 4.0
        assert await reader.readexactly(1) == b"x"
        assert now() == 10.0


async def test_an_end_is_seen_before_a_limit() -> None:
    """That the other side closed, or cut, the connection arrives before the clock moves."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x")

    async with connected(serve) as (reader, _):
        async with asyncio.timeout(1):
            assert await reader.read() == b"x"
        assert now() == 0.0


async def test_a_refused_connection_is_seen_before_a_limit() -> None:
    """Nobody listens: the refusal comes at once."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            async with asyncio.timeout(1):
                await asyncio.open_connection(*closed.getsockname())
    assert now() == 0.0


async def test_without_a_timer_sockets_are_really_waited_for() -> None:
    """A thread may take its real time to write, as long as no timer is pending."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)

    def answer() -> None:
        with theirs:
            theirs.sendall(theirs.recv(10).replace(b"i", b"o"))

    answered = asyncio.get_running_loop().run_in_executor(None, answer)
    writer.write(b"ping")
    assert await reader.read() == b"pong"
    await answered
    writer.close()
    assert now() == 0.0


# run()


def test_run_returns() -> None:
    """The coroutine's value comes back."""

    async def main() -> str:
        await asyncio.sleep(5)
        return "value"

    assert run(main()) == "value"


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("y"), TimeoutError(), SystemExit(3), asyncio.CancelledError()], ids=repr
)
def test_run_raises(error: BaseException) -> None:
    """The coroutine's error comes out, the same object."""

    async def main() -> None:
        await asyncio.sleep(5)
        raise error

    with pytest.raises(type(error)) as caught:
        run(main())
    assert isinstance(error, asyncio.CancelledError) or caught.value is error


def test_run_refuses_to_nest() -> None:
    """Inside a running loop it is refused, as asyncio.run is."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="cannot be called from a running event loop"):
            run(asyncio.sleep(1))

    run(main())


def test_run_cleans_up() -> None:
    """Tasks left behind are cancelled, asynchronous generators closed, the loop closed, and nothing is warned of."""
    seen: list[str] = []

    async def left_behind() -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            seen.append(f"cancelled at {now()}")
            raise

    async def numbers() -> AsyncIterator[int]:
        try:
            for number in range(10):
                yield number
        finally:
            seen.append("generator closed")

    async def main() -> asyncio.AbstractEventLoop:
        tasks.append(asyncio.create_task(left_behind()))
        kept.append(numbers())
        await anext(kept[0])
        await asyncio.sleep(3)
        return asyncio.get_running_loop()

    tasks: list[asyncio.Task[None]] = []
    kept: list[AsyncIterator[int]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loop = run(main())
        gc.collect()
    assert seen == ["cancelled at 3.0", "generator closed"]
    assert tasks[0].cancelled()
    assert loop.is_closed()


def test_threads_of_the_executor_are_awaited() -> None:
    """Work left in a thread is done when run() returns, and the limit that asyncio sets for it does not fire at once."""
    done: list[int] = []

    async def main() -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, lambda: done.append(sum(range(1_000_000))))
        return loop

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loop = run(main())
    assert (done, loop.time()) == ([499999500000], 0.0)


def test_each_run_has_a_clock_of_its_own() -> None:
    """A second run begins at zero again."""

    async def main() -> float:
        await asyncio.sleep(7)
        return now()

    assert [run(main()), run(main())] == [7.0, 7.0]


def test_a_loop_of_ones_own() -> None:
    """The loop can be made, used and closed by hand; its clock can be read when it stands still."""
    loop = VirtualLoop()
    try:
        waits: list[Coroutine[Any, Any, None]] = [asyncio.sleep(2), asyncio.sleep(3)]
        for wait in waits:
            loop.run_until_complete(wait)
        assert loop.time() == 5.0
    finally:
        loop.close()
    assert loop.is_closed()
