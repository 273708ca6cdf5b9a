"""The mock without a socket: the same outcome as over HTTP, for every dialect, scenario and fault."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import bourn
from bourn import dialects, providers
from bourn.mock import MockServer, do, faults, http_error, ops, pause, reasoning, text, tool_call, turns, usage
from bourn.mock.faults import FAULTS, Fault
from bourn.mock.named import SCENARIOS
from bourn.mock.scenario import Scenario
from bourn.testing.clock import VirtualLoop

TIMEOUTS = bourn.Timeouts(first_event=5, idle=5)
SAID = (
    reasoning("Let me think.", signature="sig")
    + text("Hello, wörld, how are you?")
    + tool_call("now", {"zone": "Zürich"}, id="c1")
    + usage(11, 7)
)
SMALL = {"gzip-bomb": {"size": 300_000}, "huge-header": {"size": 100_000}, "huge-line": {"size": 300_000}}
"""Faults that are large by default, as large as they need to be here."""
PLACED = [faults.Reset(byte=300), faults.CleanEnd(inside="frame"), faults.Stall(inside="chunk_header")]
LIMITS = bourn.Limits(frame_bytes=200_000, decoded_bytes=200_000)


async def outcome(stream: bourn.Stream) -> tuple[Any, ...]:
    """How a stream ended, what it had said by then, and when."""
    began = asyncio.get_running_loop().time()
    error = None
    try:
        async with stream:
            async for _ in stream:
                pass
    except bourn.BournError as caught:
        error = caught
    said = stream.response
    took = asyncio.get_running_loop().time() - began
    return type(error), getattr(error, "retry_after", None), said.parts, said.finish_reason, said.usage, round(took, 6)


async def over_http(scenario: Scenario, dialect: str) -> tuple[Any, ...]:
    """The outcome at a real server."""
    async with MockServer(scenario) as server:
        base = server.base_url(dialect)
        stream = bourn.stream("mock/m", "hi", base_url=base, api_key="k", dialect=dialect, timeouts=TIMEOUTS, limits=LIMITS)
        return await outcome(stream)


async def in_memory(scenario: Scenario, dialect: str) -> tuple[Any, ...]:
    """The outcome without a socket."""
    return await outcome(bourn.stream("mock/m", "hi", mock=scenario, dialect=dialect, timeouts=TIMEOUTS, limits=LIMITS))


NAMED = {name: scenario for name, scenario in SCENARIOS.items() if name != "slow"} | {
    "all": SAID,
    "paced": SAID.paced(first=0.5, rate=10),
    "paused": text("a", 0.25, "b") + pause(1) + text("c"),
}


@pytest.mark.parametrize("dialect", dialects.DIALECTS)
@pytest.mark.parametrize("name", NAMED)
async def test_a_scenario_comes_out_as_over_http(name: str, dialect: str) -> None:
    """Parts, finish, usage, errors and times are those of the server."""
    scenario = NAMED[name]
    assert await in_memory(scenario, dialect) == await over_http(scenario, dialect)


@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"endless", "redirect"}))
async def test_a_fault_comes_out_as_over_http(name: str) -> None:
    """The same error, after the same words, at the same time."""
    scenario = SAID.broken(faults.fault(name, **SMALL.get(name, {})))
    assert await in_memory(scenario, "openai-chat") == await over_http(scenario, "openai-chat")


@pytest.mark.parametrize("fault", PLACED)
@pytest.mark.parametrize("dialect", dialects.DIALECTS)
async def test_a_fault_inside_something_comes_out_as_over_http(fault: Fault, dialect: str) -> None:
    """Places within frames are the same places."""
    scenario = SAID.broken(fault)
    assert await in_memory(scenario, dialect) == await over_http(scenario, dialect)


async def test_a_redirect_is_not_followed() -> None:
    """It is the error that it is over HTTP, and names the address."""
    with pytest.raises(bourn.StatusError, match="http://localhost:80/elsewhere"):
        await bourn.stream("openai/m", "hi", mock=text("x").broken(faults.Redirect())).collect()


async def test_an_endless_answer_can_be_left() -> None:
    """What never ends gives the loop its turn: a timeout of the caller's ends it, with comments only, too."""
    stream = bourn.stream("openai/m", "hi", mock=text("x").broken(faults.Endless()))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0), stream:
            async for _ in stream:
                pass


async def test_words_need_nothing_but_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """An inline answer needs no key, no address and no known model, for any provider."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    response = await bourn.stream("anthropic/any", "hi", mock="Hello world").collect()
    assert (response.text, response.finish_reason, response.complete) == ("Hello world", "stop", True)
    async with bourn.Client() as client:
        assert [piece async for piece in client.stream("cloudflare/x", "hi", mock="Hello world").text()] == ["Hello", " world"]


async def test_the_default_dialect_is_openai_chat() -> None:
    """`mock/NAME` is told in OpenAI chat unless `dialect` says otherwise."""
    assert providers.get("mock").dialect == "openai-chat"
    told = await bourn.stream("mock/reasoning", "hi", dialect="anthropic").collect()
    assert told.finish_reason == "stop"
    assert told.raw_finish_reason == "end_turn"


async def test_the_same_call_gives_the_same_answer() -> None:
    """The dice fall the same way each time: the ids are equal."""
    first, second = [await bourn.stream("mock/tool-calls", "hi").collect() for _ in range(2)]
    assert (first.id, first.parts) == (second.id, second.parts)


def test_what_cannot_answer_is_refused_at_once() -> None:
    """The wrong kind of answer is found where the call is made."""
    with pytest.raises(bourn.InputError, match="not int"):
        bourn.stream("openai/m", "hi", mock=7)  # type: ignore[arg-type]


async def test_an_unknown_scenario_is_named() -> None:
    """The nearest ones are listed."""
    with pytest.raises(bourn.InputError, match="did you mean 'hello'"):
        await bourn.stream("mock/helo", "hi").collect()


async def test_a_signal_needs_a_server() -> None:
    """An op that only a server can do is refused with the way to do it, never waited for."""
    with pytest.raises(bourn.InputError, match="use a server"):
        await bourn.stream("openai/m", "hi", mock=text("a") + do(ops.WaitFor("go"))).collect()


async def test_a_request_that_the_dialect_cannot_read_is_refused_as_by_a_server() -> None:
    """What `extra` spoilt becomes the provider's 400."""
    with pytest.raises(bourn.BadRequestError, match="messages"):
        await bourn.stream("mock/hello", "hi", extra={"messages": 7}).collect()


async def test_turns_of_one_inline_answer_begin_anew_with_each_call() -> None:
    """A scenario given with the call belongs to that call."""
    scenario = turns(http_error(429), text("at last"))
    for _ in range(2):
        with pytest.raises(bourn.RateLimitError):
            await bourn.stream("openai/m", "hi", mock=scenario).collect()


def test_a_closed_client_cuts_what_is_being_told() -> None:
    """A stream of `mock/NAME` that is open when its client is closed ends with an error, as over HTTP."""

    async def main() -> None:
        client = bourn.Client()
        stream = client.stream("mock/slow", "hi")
        await anext(stream)
        reading = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises((bourn.ClosedError, bourn.ConnectionLostError)):
            await reading

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
