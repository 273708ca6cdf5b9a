"""The work of the hot path, counted and not timed: calls of Python functions and of built-ins an event, on fixed input.

A count is the same on every machine; it differs a little between versions of Python and of the libraries, so each bar has some
room. What makes an object by calling its class is no call of a function, and is not seen. Who makes the hot path do less lowers
the bar; who must raise one says why in the commit.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

import bourn
from bourn import dialects
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart, Usage
from bourn.messages import Message, Request
from bourn.response import Response
from bourn.transport.memory import MemoryTransport

EVENTS = 400

ROOM = 0.6
"""Calls an event that may come on top: one needless call an event, of any function, is more."""

PADDED = "openai-chat, padded"
"""OpenAI's own stream: each payload ends with a padding of its own."""

UNLIKE = "openai-chat, unlike"
"""A stream whose payloads have nothing in common that could be learnt: they differ from their beginning."""

CALLS: dict[tuple[str, str], float] = {
    ("openai-chat", "flood"): 10.2,
    ("openai-chat", "paced"): 39.5,
    (PADDED, "flood"): 12.3,
    (PADDED, "paced"): 41.5,
    (UNLIKE, "flood"): 11.3,
    (UNLIKE, "paced"): 40.5,
    ("mistral", "flood"): 10.0,
    ("mistral", "paced"): 39.5,
    ("openai-responses", "flood"): 17.0,
    ("openai-responses", "paced"): 46.6,
    ("openai-completions", "flood"): 10.0,
    ("openai-completions", "paced"): 39.5,
    ("anthropic", "flood"): 11.0,
    ("anthropic", "paced"): 40.5,
    ("anthropic-vertex", "flood"): 11.0,
    ("anthropic-vertex", "paced"): 40.5,
    ("gemini", "flood"): 11.0,
    ("gemini", "paced"): 53.5,
    ("bedrock-converse", "flood"): 15.8,
    ("bedrock-converse", "paced"): 38.5,
    ("bedrock-invoke", "flood"): 26.9,
    ("bedrock-invoke", "paced"): 49.5,
    ("cohere", "flood"): 11.8,
    ("cohere", "paced"): 41.5,
    ("ollama", "flood"): 14.8,
    ("ollama", "paced"): 40.5,
    ("cloudflare", "flood"): 7.7,
    ("cloudflare", "paced"): 37.5,
    ("huggingface-tgi", "flood"): 8.9,
    ("huggingface-tgi", "paced"): 38.5,
}
"""Dialect, and how the answer comes (``flood``: all in one read; ``paced``: a read an event), to the calls an event."""


def answer(name: str, deltas: int) -> list[bytes]:
    """The packets of an answer of so many deltas."""
    encoder = dialects.get(name.partition(",")[0]).encoder(Request("m", (Message("user", "hi"),)))
    words = (TextDelta(0, f" word{at}") for at in range(deltas))
    events: list[Event] = [Start("1", "m"), TextStart(0), *words, TextEnd(0), Finish("stop", "stop", Usage(1, deltas))]
    packets = [data for event in events if (data := encoder.encode(event))]
    if name == PADDED:
        return [data.replace(b"}\n", b',"obfuscation":"%x"}\n' % (at * at)) for at, data in enumerate(packets)]
    if name == UNLIKE:
        return [data.replace(b"{", b'{"obfuscation":"%x",' % (at * at), 1) for at, data in enumerate(packets)]
    return packets


def counted(run: Callable[[], object]) -> int:
    """The calls of functions, Python's and built-in ones, that ``run`` makes."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(before)
    return calls


def work(name: str, way: str, deltas: int) -> int:
    """The calls of reading one answer to its end."""
    packets = answer(name, deltas)
    client = bourn.Client(transport=MemoryTransport(packets if way == "paced" else [b"".join(packets)]))

    async def read() -> None:
        async for _ in client.stream("openai/m", "hi", api_key="k", dialect=name.partition(",")[0]):
            pass

    return counted(lambda: asyncio.run(read()))


def an_event(name: str, way: str) -> float:
    """Calls an event: the difference between a long answer and a short one, so that opening and closing do not count."""
    work(name, way, 10)  # what is loaded once
    return (work(name, way, 2 * EVENTS) - work(name, way, EVENTS)) / EVENTS


@pytest.mark.parametrize("way", ["flood", "paced"])
@pytest.mark.parametrize("name", [*dialects.DIALECTS, PADDED, UNLIKE])
def test_an_event_costs_no_more_calls_than_it_did(name: str, way: str) -> None:
    """Reading an event takes at most the calls in the table, and a little room."""
    seen = an_event(name, way)
    assert seen <= CALLS[name, way] + ROOM, f"{seen:.1f} calls an event, {CALLS[name, way]} were enough"


@pytest.mark.parametrize("way", ["flood", "paced"])
def test_one_needless_call_an_event_is_noticed(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that only hands on, around the folding of an event, takes more than the room."""
    fold = Response.fold

    def needless(self: Any, event: Event) -> None:
        fold(self, event)

    before = an_event("openai-chat", way)
    monkeypatch.setattr(Response, "fold", needless)
    assert an_event("openai-chat", way) > before + ROOM
