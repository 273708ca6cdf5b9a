"""What the checks find, what they leave alone, and how they say it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

LEAKS = """
import asyncio, socket, threading
import pytest

pytestmark = [pytest.mark.no_leaks, pytest.mark.RUNNER]
kept = []
go = threading.Event()

@pytest.fixture
def anyio_backend():
    return "asyncio"

async def test_task():
    kept.append(asyncio.create_task(asyncio.sleep(60)))

async def test_generator():
    async def numbers():
        yield 1
        yield 2
    async for _ in numbers():
        break

async def test_held_generator():
    async def numbers():
        yield 1
        yield 2
    kept.append(numbers())
    await anext(kept[-1])

async def test_socket():
    kept.append(socket.socket())

async def test_thread():
    threading.Thread(target=go.wait, daemon=True).start()

async def test_unretrieved():
    async def fail():
        raise ValueError("lost")
    asyncio.create_task(fail())

async def test_clean():
    async def numbers():
        yield 1
        yield 2
    found = numbers()
    async for _ in found:
        break
    await found.aclose()
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await asyncio.to_thread(lambda: None)
    with socket.socket():
        pass
"""

FOUND = {
    "task": "task <Task pending*",
    "generator": "asynchronous generator*dropped and not closed",
    "held_generator": "asynchronous generator*",
    "socket": "socket fd *",
    "thread": "thread Thread-*",
    "unretrieved": "unretrieved: Task exception was never retrieved (ValueError('lost'))",
}


@pytest.mark.parametrize("runner", ["asyncio", "anyio"])
def test_each_leak_is_found_whoever_runs_the_test(run: Run, runner: str) -> None:
    """Tasks, generators, sockets, threads and lost exceptions are named; what is cleaned up is not."""
    pytest.importorskip(
        {"asyncio": "pytest_asyncio"}.get(runner, runner), reason="a plugin of the dependency groups is missing"
    )
    result = run(LEAKS.replace("RUNNER", runner), "-W", "ignore")
    result.assert_outcomes(passed=1, failed=len(FOUND))
    for name, line in FOUND.items():
        result.stdout.fnmatch_lines([f"*_ test_{name} _*", "the test left behind:", f"  {line}"])


def test_leaks_of_a_plain_test(run: Run) -> None:
    """Sockets and threads are found without a loop; the fixture does what the marker does; a failure keeps its own words."""
    result = run(
        """
        import asyncio, socket, threading
        import pytest

        kept = []
        go = threading.Event()

        def test_socket(no_leaks):
            kept.append(socket.socket())

        @pytest.mark.no_leaks
        def test_thread():
            threading.Thread(target=go.wait, daemon=True).start()

        def test_failing(no_leaks):
            kept.append(socket.socket())
            assert 1 == 2

        def test_ending(no_leaks):
            threading.Thread(target=lambda: go.wait(0.05)).start()

        def test_unmarked():
            kept.append(socket.socket())
        """,
        "-W",
        "ignore",
    )
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(["  socket fd *", "  thread Thread-*", "E*assert 1 == 2", "*the test left behind:"])


def test_a_client_of_the_fixture_leaves_nothing(run: Run) -> None:
    """`mock_llm_client` is closed inside the loop, before the leaks are counted; its server is no leak of the test."""
    pytest.importorskip("pytest_asyncio", reason="the extra `test` is not installed")
    result = run("""
        import pytest

        @pytest.mark.asyncio
        async def test_it(mock_llm_client, llm, no_leaks):
            llm.answers("one", "two")
            assert (await mock_llm_client.stream("openai/m", "hi").collect()).text == "one"
            assert (await mock_llm_client.stream("anthropic/m", "hi").collect()).text == "two"
            assert llm.wait(lambda journal: journal.opened) == 1
    """)
    result.assert_outcomes(passed=1)


def test_a_stall_is_found(run: Run) -> None:
    """By the marker over the whole test, by the fixture over a part of it; a short one passes."""
    pytest.importorskip("pytest_asyncio", reason="the extra `test` is not installed")
    result = run("""
        import asyncio, time
        import pytest

        @pytest.mark.asyncio
        @pytest.mark.loop_stall(max_ms=200)
        async def test_marked():
            time.sleep(0.5)

        @pytest.mark.asyncio
        async def test_part(loop_stall):
            time.sleep(0.5)
            async with loop_stall(max_ms=200):
                time.sleep(0.4)

        @pytest.mark.asyncio
        @pytest.mark.loop_stall(max_ms=5000)
        async def test_short():
            time.sleep(0.01)

        @pytest.mark.loop_stall
        def test_plain():
            pass
    """)
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "the event loop stood still for more than 200 ms:",
            "  * ms (* ms of them computing), over after *",
            "*must be a coroutine*",
        ]
    )


def test_growth_is_found(run: Run) -> None:
    """What each round keeps is measured, for plain and for coroutine functions; caches that fill up once are none."""
    pytest.importorskip("pytest_asyncio", reason="the extra `test` is not installed")
    result = run("""
        import asyncio
        import pytest

        kept, cache = [], {}

        def test_plain(memory_growth):
            memory_growth(lambda: kept.append(bytearray(5000)), max_bytes=1000)

        def test_cache(memory_growth):
            memory_growth(lambda: cache.setdefault("x", bytearray(5000)), max_bytes=1000)

        @pytest.mark.asyncio
        async def test_coroutine(memory_growth):
            async def one_round():
                await asyncio.sleep(0)
                kept.append(bytearray(5000))

            await memory_growth(one_round, max_bytes=1000, rounds=10)
    """)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["memory grows by 5*", "memory grows by 5*"])
