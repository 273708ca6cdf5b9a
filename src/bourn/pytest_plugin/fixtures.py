"""The fixtures of the plugin. House rule: what a fixture needs is imported when it is used, not when pytest starts."""

from __future__ import annotations

import functools
import gc
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from bourn.pytest_plugin import around

if TYPE_CHECKING:
    from bourn.client import Client
    from bourn.pytest_plugin.checks import NoStall
    from bourn.pytest_plugin.scripted import Llm


@pytest.fixture
def llm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Llm]:
    """A scripted model over real HTTP: ``llm.answers("Hello")``. Base URLs and keys in the environment point at it."""
    from bourn.mock import ThreadedServer
    from bourn.pytest_plugin.scripted import Llm

    seed = request.config.option.llm_seed
    with ThreadedServer(seed=seed) as server:
        made = Llm(server, seed, monkeypatch)
        request.node.stash[around.SHOWN] = made.describe
        yield made


@pytest.fixture
def mock_llm_client(request: pytest.FixtureRequest, llm: Llm) -> Client:
    """A ``bourn.Client`` whose every provider is ``llm``; closed when the test has ended."""
    del llm  # it has pointed the environment at itself
    from bourn.client import Client

    client = Client()
    around.add(request.node, None, lambda: aclosing(client))
    return client


@pytest.fixture
def llm_recording(llm: Llm) -> Callable[..., Llm]:
    """``llm_recording("recordings/tools")``: the model answers as recorded; ``speed=1`` with the recorded pauses."""

    def replay(folder: Any, **options: Any) -> Llm:
        llm.replays(folder, **options)
        return llm

    return replay


@pytest.fixture
def no_leaks(request: pytest.FixtureRequest) -> None:
    """Fail if the test leaves tasks, asynchronous generators, sockets, threads or unretrieved exceptions behind."""
    if request.node.get_closest_marker("no_leaks") is None:
        request.node.add_marker("no_leaks")


@pytest.fixture
def loop_stall() -> Callable[..., NoStall]:
    """Fail if the event loop stands still for longer than ``max_ms`` (100) under ``async with`` of what it gives."""
    from bourn.pytest_plugin.checks import NoStall

    return NoStall


@pytest.fixture
def memory_growth() -> Callable[..., Any]:
    """Fail if each round keeps more than ``max_bytes`` for good: call what it gives with one round, and await that.

    The round is a coroutine function; or a plain function, and then nothing is awaited. ``rounds`` and ``warm`` are as in
    ``bourn.testing.memory.growth``. Gives the bytes that a round adds, on average.
    """
    from bourn.testing.memory import growth

    async def measure(one_round: Callable[[], Awaitable[object]], max_bytes: float, **options: int) -> float:
        gc.collect()
        gc.freeze()  # what was there before is no garbage of the rounds: each of their collections is short
        try:
            found = await growth(one_round, **options)
        finally:
            gc.unfreeze()
        if found.per_round > max_bytes:
            message = f"memory grows by {found.per_round:.0f} bytes a round, and {max_bytes:g} are allowed"
            pytest.fail(f"{message}; held after each round: {found.held}", pytrace=False)
        return found.per_round

    def begin(one_round: Callable[[], Any], max_bytes: float = 1000, **options: int) -> Any:
        if inspect.iscoroutinefunction(one_round):
            return measure(one_round, max_bytes, **options)

        async def plain() -> None:
            one_round()

        return _run(measure(plain, max_bytes, **options))

    return begin


@pytest.fixture
def contract_rule(request: pytest.FixtureRequest) -> Callable[..., None]:
    """One rule of the contract, and the test is run for each: ``contract_rule(subject, known_failing=["8.2"], seed=0)``.

    As ``bourn.contract.hold``: it fails where the stream breaks the rule, and skips where that cannot be judged.
    """
    from bourn.contract import hold

    return functools.partial(hold, request.param)


def _run(coroutine: Any) -> Any:
    """A coroutine that waits for nothing, run to its end without a loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a plain function was measured, and something waited")
