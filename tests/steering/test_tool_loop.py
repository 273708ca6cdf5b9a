"""Answers and tools in turn."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import bourn
from bourn.messages import Request
from bourn.mock import MockServer, computed, error, finish, http_error, ops, serve, text, tool_call, turns
from bourn.testing.leaks import Belongings, collector_off

pytest.importorskip("docstring_parser", reason="the extra `structured` is not installed")


class Tools:
    """Two tools, and a note of each run."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    async def weather(self, city: str) -> dict[str, str]:
        """The weather in a city."""
        await asyncio.sleep(1)
        self.ran.append(city)
        return {"city": city, "sky": "rain"}

    def clock(self) -> str:
        """The time."""
        self.ran.append(threading.current_thread().name)
        return "noon"

    async def fails(self) -> None:
        """Does not work."""
        raise RuntimeError("out of order")


def results(request: Request) -> str:
    """What tools gave, as a request tells it; a `!` for an error."""
    parts = [part for message in request.messages for part in message.parts]
    return " ".join(f"{part.content}{'!' * part.is_error}" for part in parts if isinstance(part, bourn.ToolResult))


ANSWERS = turns(
    text("Let me look.") + tool_call("weather", {"city": "Paris"}, id="c1") + tool_call("clock", {}, id="c2"),
    computed(lambda request: text(results(request))),
)


def loop(server: MockServer, tools: list[Any], **options: Any) -> bourn.ToolLoop:
    return bourn.tool_loop("anthropic/any", "hi", tools=tools, base_url=server.base_url("anthropic"), api_key="k", **options)


async def test_tools_are_run_and_their_results_sent() -> None:
    """Events of each answer, the results between them, and the conversation at the end; no tool that blocks holds the loop."""
    tools = Tools()
    async with serve(ANSWERS) as server, loop(server, [tools.weather, tools.clock]) as items:
        seen = [item async for item in items]
    kinds = [type(item).__name__ for item in seen if type(item) in (bourn.Start, bourn.Finish, bourn.ToolResult)]
    assert kinds == ["Start", "Finish", "ToolResult", "ToolResult", "Start", "Finish"]
    assert [item.id for item in seen if isinstance(item, bourn.ToolResult)] == ["c1", "c2"]
    assert items.response.text == '{"city":"Paris","sky":"rain"} noon'
    assert [message.role for message in items.messages] == ["user", "assistant", "tool", "assistant"]
    assert [response.text for response in items.responses] == ["Let me look.", items.response.text]
    assert "MainThread" not in tools.ran


async def test_tools_of_one_answer_run_at_the_same_time() -> None:
    """Two that take a second take a second."""
    tools = Tools()
    both = tool_call("weather", {"city": "Paris"}) + tool_call("weather", {"city": "Rome"})
    async with serve(turns(both, text("Rain."))) as server:
        began = asyncio.get_running_loop().time()
        assert (await loop(server, [tools.weather]).collect()).text == "Rain."
        assert asyncio.get_running_loop().time() - began == pytest.approx(1)
    assert tools.ran == ["Paris", "Rome"]


async def test_the_model_is_told_of_its_mistakes() -> None:
    """A tool that raises, that nobody has, or that gets wrong arguments is an error result; the loop goes on."""
    tools = Tools()
    wrong = tool_call("fails", {}) + tool_call("weather", {"town": "X"}) + tool_call("tides", {})
    async with serve(turns(wrong, computed(lambda request: text(results(request))))) as server:
        told = (await loop(server, [tools.weather, tools.fails]).collect()).text
    assert told.count("!") == 3
    for words in ("RuntimeError: out of order", "wrong arguments for weather", "there is no tool called tides; there are"):
        assert words in told
    assert tools.ran == []


async def test_what_a_tool_raised_can_be_raised() -> None:
    """With `on_error="raise"`, and the others are cancelled."""
    tools = Tools()
    async with serve(tool_call("weather", {"city": "Paris"}) + tool_call("fails", {})) as server:
        with pytest.raises(RuntimeError, match="out of order"):
            await loop(server, [tools.weather, tools.fails], on_error="raise").collect()
    assert tools.ran == []


async def test_rounds_are_bounded() -> None:
    """A model that never answers is stopped, and what it said is kept."""
    tools = Tools()
    async with serve(tool_call("weather", {"city": "Paris"})) as server:
        items = loop(server, [tools.weather], rounds=3)
        with pytest.raises(bourn.RoundsError, match="after 3 rounds") as caught:
            await items.collect()
        assert len(server.journal.exchanges) == 3
    assert tools.ran == ["Paris", "Paris"]
    assert caught.value.response is items.response
    with pytest.raises(bourn.RoundsError):
        await anext(items)


async def test_a_call_that_was_cut_is_never_run() -> None:
    """The token limit came in the middle: the loop ends, and says why."""
    tools = Tools()
    cut = tool_call("weather", '{"city": "Par') + finish("length")
    async with serve(cut) as server:
        response = await loop(server, [tools.weather]).collect()
    assert (response.finish_reason, tools.ran) == ("length", [])


async def test_calls_of_the_callers_own_tools_end_the_loop() -> None:
    """A tool without a function is the caller's to run."""
    tools = Tools()
    async with serve(tool_call("weather", {"city": "Paris"}) + tool_call("mine", {})) as server:
        response = await loop(server, [tools.weather, bourn.Tool("mine")]).collect()
    assert [call.name for call in response.tool_calls] == ["weather", "mine"]
    assert tools.ran == []


async def test_a_cancelled_read_runs_no_tool_twice() -> None:
    """Given up at every suspension point in turn and read on, the tools run once and the answer is whole."""
    n = 1
    while True:
        tools = Tools()
        async with serve(ANSWERS) as server, loop(server, [tools.weather, tools.clock]) as items:
            cancelled = await _read_with_a_cancel(items, n)
            assert items.response.text == '{"city":"Paris","sky":"rain"} noon', n
            assert tools.ran.count("Paris") == 1
            assert len(server.journal.exchanges) == 2
        if not cancelled:
            break
        n += 1
    assert n > 5


async def _read_with_a_cancel(items: bourn.ToolLoop, n: int) -> bool:
    """Read to the end, cancelled once at the n-th wait; whether there was an n-th wait."""
    waits = 0
    cancelled = False
    while True:
        reading = asyncio.ensure_future(anext(items))
        while not reading.done():
            waits += 1
            if waits == n:
                reading.cancel()
                cancelled = True
            await asyncio.wait({reading}, timeout=0.25)
        if reading.cancelled():
            continue
        if isinstance(reading.exception(), StopAsyncIteration):
            return cancelled
        reading.result()


@pytest.mark.parametrize("moment", ["answer", "tools"])
@pytest.mark.parametrize("way", ["close", "drop"])
async def test_leaving_leaves_nothing_behind(moment: str, way: str) -> None:
    """In the middle of an answer, and while tools run: neither a task nor a connection stays, with the collector off."""
    tools = Tools()
    answer = text("Let", ops.WaitFor("never")) if moment == "answer" else tool_call("weather", {"city": "Paris"})
    async with serve(answer) as server:
        before = Belongings.now()
        items = loop(server, [tools.weather])
        with collector_off():
            reading = asyncio.ensure_future(_read(items))
            await asyncio.sleep(0.5)
            reading.cancel()
            await asyncio.wait({reading})
            del reading
            if way == "close":
                await items.aclose()
                with pytest.raises(bourn.ClosedError) as closed:
                    await anext(items)
                assert closed.value.response is items.response
                del closed
            del items
            await server.journal.closed()
            await asyncio.sleep(1)
        assert Belongings.now().since(before) == []
    assert tools.ran == []


async def _read(items: bourn.ToolLoop) -> None:
    async for _ in items:
        pass


async def test_what_a_stream_raises_is_raised() -> None:
    """An error of a later answer, with the conversation up to it."""
    tools = Tools()
    for broken, kind in ((http_error(429), bourn.RateLimitError), (error("boom"), bourn.ModelError)):
        async with serve(turns(tool_call("clock", {}), broken)) as server:
            items = loop(server, [tools.clock])
            with pytest.raises(kind):
                await items.collect()
            assert [message.role for message in items.messages] == ["user", "assistant", "tool"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tools": []}, "tools has no function"),
        ({"tools": [bourn.Tool("x")]}, "tools has no function"),
        ({"tools": [Tools().clock], "rounds": 0}, "rounds must be a whole number of at least 1"),
        ({"tools": [Tools().clock], "on_error": "ignore"}, "on_error must be 'tell' or 'raise'"),
        ({"tools": [Tools().clock], "max_tokens": 0}, "max_tokens"),
    ],
)
async def test_bad_input_is_refused_at_once(options: dict[str, Any], said: str) -> None:
    """One sentence, before anything is sent."""
    with pytest.raises(bourn.InputError, match=said):
        bourn.tool_loop("openai/any", "hi", api_key="k", **options)


async def test_a_client_shares_its_connection() -> None:
    """Both answers come over one."""
    tools = Tools()
    async with serve(ANSWERS) as server, bourn.Client(base_url=server.base_url(), api_key="k") as client:
        await client.tool_loop("openai/any", "hi", tools=[tools.weather, tools.clock]).collect()
        assert server.journal.opened == 1
