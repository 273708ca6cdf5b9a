"""The probes see what they are for, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import AsyncGenerator

import pytest

from bourn.testing.disturbances import Disturbances
from bourn.testing.leaks import Belongings, Generators
from bourn.testing.memory import growth, slope
from bourn.testing.patience import PatientLoop
from bourn.testing.stalls import Stalls


async def test_what_was_there_before_is_no_leak() -> None:
    """Nothing is left when nothing was begun."""
    before = Belongings.now()
    await asyncio.sleep(0)
    assert Belongings.now().since(before) == []


async def test_tasks_threads_and_sockets_are_seen() -> None:
    """A task, a thread and a socket that are left are each named."""
    before = Belongings.now()
    go = threading.Event()
    thread = threading.Thread(target=go.wait, name="left over")
    thread.start()
    task = asyncio.create_task(asyncio.sleep(100), name="forgotten")
    with socket.socket() as sock:
        left = Belongings.now().since(before)
        assert sock.fileno() >= 0
    go.set()
    thread.join()
    task.cancel()
    assert any(line.startswith("task") and "forgotten" in line for line in left)
    assert "thread left over" in left
    if sys.platform == "linux":
        assert any(line.startswith("socket fd") for line in left)
    await asyncio.wait({task})
    assert Belongings.now().since(before) == []


async def test_open_generators_are_seen() -> None:
    """A generator counts from its first step to its end."""

    async def numbers() -> AsyncGenerator[int]:
        yield 1
        yield 2

    with Generators() as begun:
        generator = numbers()
        assert begun.open() == []
        await anext(generator)
        assert begun.open() == [generator]
        await generator.aclose()
        assert begun.open() == []


def test_disturbances_are_recorded_and_hooks_restored() -> None:
    """Complaints of a loop, of finalizers and of warnings are kept in order, and nothing of it is left on."""
    hook, show = sys.unraisablehook, warnings.showwarning

    class Bad:
        def __del__(self) -> None:
            raise ValueError("in a finalizer")

    async def never() -> None:
        """Not awaited."""

    loop = asyncio.new_event_loop()
    with Disturbances() as seen:
        seen.watch(loop)
        loop.call_exception_handler({"message": "a task failed", "exception": KeyError("x")})
        Bad()
        gc.collect()
        never()  # type: ignore[unused-coroutine]  # that is what is complained about
        gc.collect()
    loop.close()
    assert [each.kind for each in seen.seen] == ["loop", "unraisable", "warning"]
    assert seen.of("loop")[0].message == "a task failed (KeyError: 'x')"
    assert "ValueError: in a finalizer" in str(seen.of("unraisable")[0])
    assert "never awaited" in seen.of("warning")[0].message
    assert (sys.unraisablehook, warnings.showwarning) == (hook, show)


def test_a_stall_is_measured() -> None:
    """A blocked loop is seen, with what it waited told apart from what it computed."""

    async def main() -> Stalls:
        async with Stalls() as stalls:
            await asyncio.sleep(0.01)
            time.sleep(0.1)  # noqa: ASYNC251  # that is what is measured
            await asyncio.sleep(0.01)
        return stalls

    stalls = asyncio.run(main())
    assert stalls.worst > 0.09
    assert stalls.within(10) >= stalls.worst
    longest = max(stalls.seen, key=lambda stall: stall.seconds)
    assert longest.cpu < 0.05


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how long a thread waited for a processor")
def test_a_busy_machine_makes_no_stall() -> None:
    """Time for which no processor was free is told apart: only the loop's own share of a stall counts."""

    async def main() -> Stalls:
        async with Stalls() as stalls:
            began = time.thread_time()
            while time.thread_time() - began < 0.03:
                pass
        return stalls

    spinning = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(spinning) for _ in range(4 * (os.cpu_count() or 1))]  # noqa: S603 -- the command is written here
    try:
        stalls = asyncio.run(main())
    finally:
        for other in others:
            other.kill()
            other.wait()
    longest = max(stalls.seen, key=lambda stall: stall.seconds)
    assert 0.02 < longest.seconds < 0.045
    assert longest.queued > 0.0


async def test_growth_is_the_slope_of_what_is_held() -> None:
    """A round that keeps something grows; one that does not, does not."""
    kept: list[bytes] = []

    async def keeps() -> None:
        kept.append(bytes(1000))

    async def frees() -> None:
        bytes(1000)

    assert (await growth(keeps, rounds=20)).per_round > 900
    assert abs((await growth(frees, rounds=20)).per_round) < 100


async def test_what_takes_an_older_things_place_is_no_growth() -> None:
    """A cache that the first rounds filled has the size that it had, though each round puts new things into it."""
    cache: deque[bytes] = deque(maxlen=40)

    async def one_round() -> None:
        for _ in range(4):
            cache.append(bytes(1000))

    assert abs((await growth(one_round, rounds=10, warm=10)).per_round) < 100


@pytest.mark.parametrize(
    ("values", "wanted"), [([], 0), ([5], 0), ([1, 2, 3], 1), ([4, 4, 4, 4], 0), ([0, 2, 5, 7], 2), ([0, 0, 90, 90, 90], 0)]
)
def test_slope(values: list[int], wanted: float) -> None:
    """It is what a typical step adds, whatever one jump says."""
    assert slope(values) == wanted


def test_time_stands_still_while_an_executor_works() -> None:
    """A limit does not fire because a thread took a while, and a wait still costs nothing."""

    async def main() -> tuple[str, float]:
        async with asyncio.timeout(0.01):
            await asyncio.to_thread(time.sleep, 0.1)
        await asyncio.sleep(1000)
        return "done", asyncio.get_running_loop().time()

    began = time.perf_counter()
    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        done, now = runner.run(main())
    assert done == "done"
    assert 1000 <= now < 1001
    assert time.perf_counter() - began < 5


def test_a_strange_thread_gets_a_moment() -> None:
    """A jump of the clock waits a moment for threads of which the loop knows nothing."""

    async def main() -> str:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()

        def work() -> None:
            time.sleep(0.01)
            loop.call_soon_threadsafe(future.set_result, "done")

        threading.Thread(target=work).start()
        async with asyncio.timeout(10):
            return await future

    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        assert runner.run(main()) == "done"
