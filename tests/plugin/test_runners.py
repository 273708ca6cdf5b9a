"""The plugin under pytest-asyncio, anyio, trio and pytest-xdist; and how little it is when nobody uses it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

HEAVY = ("aiohttp", "asyncio", "msgspec", "bourn.client", "bourn.mock", "ssl", "socket")


def test_it_is_light_to_load() -> None:
    """Loading the plugin loads four modules, none of them heavy."""
    code = (
        "import sys, pytest; before = set(sys.modules); import bourn.pytest_plugin;"
        f"print(len(set(sys.modules) - before), (set(sys.modules) - before) & set({HEAVY!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert done.stdout == "4 set()\n"


def test_a_suite_that_does_not_use_it_is_not_touched(run: Run) -> None:
    """The test's function is its own, nothing is patched, no module of ours beyond the plugin's is loaded."""
    result = run("""
        import socket, sys

        def test_it(request):
            assert request.node.obj.__code__ is sys._getframe().f_code
            assert request.node.obj.__name__ == "test_it" and not hasattr(request.node.obj, "__wrapped__")
            assert socket.getaddrinfo.__module__ == "socket"
            assert not {"bourn.mock", "bourn.client", "aiohttp", "msgspec"} & set(sys.modules)
    """)
    result.assert_outcomes(passed=1)


ASYNC = """
import bourn
import pytest
from bourn.mock import text

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.RUNNER
@pytest.mark.no_leaks
@pytest.mark.loop_stall(max_ms=5000)
async def test_function(llm):
    llm.answers(text("Hello"))
    assert (await bourn.stream("openai/m", "hi").collect()).text == "Hello"

class TestClass:
    @pytest.mark.RUNNER
    @pytest.mark.no_leaks
    @pytest.mark.parametrize("model", ["openai/m", "anthropic/m"])
    async def test_method(self, mock_llm_client, model):
        assert (await mock_llm_client.stream(model, "hi").collect()).text.startswith("Hello")
"""


@pytest.mark.parametrize("runner", ["asyncio", "anyio"])
def test_fixtures_and_checks_work_whoever_runs_the_test(run: Run, runner: str) -> None:
    """Functions and methods, with checks around them, under either plugin."""
    pytest.importorskip(
        {"asyncio": "pytest_asyncio"}.get(runner, runner), reason="a plugin of the dependency groups is missing"
    )
    run(ASYNC.replace("RUNNER", runner)).assert_outcomes(passed=3)


def test_leaks_under_trio(run: Run) -> None:
    """Threads and sockets are found under trio, too, and a scripted model serves it."""
    pytest.importorskip("trio", reason="the dependency group `plugins` is not installed")
    result = run(
        """
        import socket
        import pytest, trio

        kept = []

        @pytest.fixture
        def anyio_backend():
            return "trio"

        @pytest.mark.anyio
        async def test_leak(no_leaks):
            kept.append(socket.socket())

        @pytest.mark.anyio
        async def test_asks(llm, no_leaks):
            host, port = llm.url.split("/")[2].split(":")
            stream = await trio.open_tcp_stream(host, int(port))
            async with stream:
                await stream.send_all(b"GET /__bourn__/journal HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n")
                assert (await stream.receive_some(4096)).startswith(b"HTTP/1.1 200")
        """,
        "-W",
        "ignore",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["the test left behind:", "  socket fd *"])


def test_workers_of_xdist_keep_apart_and_share_the_seed(run: Run) -> None:
    """Each test has a server of its own, and a random seed is the same in all workers."""
    pytest.importorskip("xdist", reason="the dependency group `plugins` is not installed")
    result = run(
        """
        import asyncio, bourn, pytest

        @pytest.mark.parametrize("number", range(6))
        def test_it(llm, number):
            llm.answers(f"answer {number}")
            assert asyncio.run(bourn.stream("openai/m", "hi").collect()).text == f"answer {number}"
            assert len(llm.requests) == 1
            assert number != 5, f"SEED {llm.seed}."

        def test_other(llm):
            assert False, f"SEED {llm.seed}."
        """,
        "-n2",
        "--llm-seed=random",
    )
    result.assert_outcomes(passed=5, failed=2)
    seeds = {line.partition("SEED ")[2].partition(".")[0] for line in result.outlines if "E " in line and "SEED " in line}
    assert len(seeds) == 1
    result.stdout.fnmatch_lines([f"seed: {seeds.pop()} *"])
