"""Twice the answer is twice the work, never more: no decoder looks at, or copies, again and again what it had before.

Work is counted, not timed: calls of functions, and bytes allocated for each frame by itself (a text that is joined anew with
every piece shows there).
"""

from __future__ import annotations

import base64
import json
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from bourn import dialects
from bourn.dialects.base import Dialect
from bourn.errors import BournError
from bourn.events import (
    Event,
    Finish,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)
from bourn.messages import Message, Request
from bourn.wire import eventstream, ndjson, sse
from bourn.wire.base import FRAME_LIMIT
from tests.dialects.spoilt import OURS

PIECE = "abcdefgh" * 8
REQUEST = Request("m", (Message("user", "hi"),), stream=True)


def text(count: int) -> Iterator[Event]:
    """One text in many pieces."""
    yield TextStart(0)
    yield from (TextDelta(0, PIECE) for _ in range(count))
    yield TextEnd(0)


def thought(count: int) -> Iterator[Event]:
    """One thought in many pieces."""
    yield ReasoningStart(0)
    yield from (ReasoningDelta(0, PIECE) for _ in range(count))
    yield ReasoningEnd(0)


def arguments(count: int) -> Iterator[Event]:
    """One call whose arguments come in many pieces."""
    yield ToolCallStart(0, "c", "f")
    yield ToolCallDelta(0, '{"x":"')
    yield from (ToolCallDelta(0, PIECE) for _ in range(count))
    yield ToolCallDelta(0, '"}')
    yield ToolCallEnd(0)


def calls(count: int) -> Iterator[Event]:
    """Many calls in a row."""
    for at in range(count):
        yield from (ToolCallStart(at, f"c{at}", "f"), ToolCallDelta(at, "{}"), ToolCallEnd(at))


def turns(count: int) -> Iterator[Event]:
    """Text and thought in turns."""
    for at in range(0, count, 2):
        yield from (ReasoningStart(at), ReasoningDelta(at, "a"), ReasoningEnd(at))
        yield from (TextStart(at + 1), TextDelta(at + 1, "b"), TextEnd(at + 1))


SHAPES: dict[Callable[[int], Iterator[Event]], frozenset[str]] = {
    text: frozenset({"text"}),
    thought: frozenset({"reasoning"}),
    arguments: frozenset({"tool_call"}),
    calls: frozenset({"tool_call"}),
    turns: frozenset({"text", "reasoning"}),
}
"""Answers as the services' own words tell them, and the kinds of parts that a format must have for them."""


def written(dialect: Dialect, shape: Callable[[int], Iterator[Event]], count: int) -> list[bytes]:
    encoder = dialect.encoder(REQUEST)
    return [encoder.encode(event) for event in (Start("i", "m"), *shape(count), Finish("stop"))]


def chat(*deltas: dict[str, Any]) -> list[bytes]:
    return [sse.encode(json.dumps({"id": "i", "choices": [{"index": 0, "delta": delta}]}).encode()) for delta in deltas]


def messages(*events: dict[str, Any]) -> list[bytes]:
    begin = {"type": "message_start", "message": {"id": "m", "model": "m"}}
    return [sse.encode(json.dumps(event).encode(), event["type"]) for event in (begin, *events)]


def block(at: int, kind: str, **told: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": at, "content_block": {"type": kind, **told}}


def delta(at: int, kind: str, **told: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": at, "delta": {"type": kind, **told}}


def responses(*events: dict[str, Any]) -> list[bytes]:
    return [sse.encode(json.dumps({**event, "type": f"response.{event['type']}"}).encode()) for event in events]


def converse(*events: tuple[str, dict[str, Any]]) -> list[bytes]:
    return [
        eventstream.encode(json.dumps(payload).encode(), {":message-type": "event", ":event-type": name})
        for name, payload in (("messageStart", {"role": "assistant"}), *events)
    ]


def gemini(*parts: dict[str, Any]) -> list[bytes]:
    return [sse.encode(json.dumps({"candidates": [{"content": {"parts": [part]}}]}).encode()) for part in parts]


def gemini_call(*pieces: dict[str, Any]) -> list[bytes]:
    """One call whose arguments come value by value."""
    return gemini(
        {"functionCall": {"name": "f", "willContinue": True}},
        *({"functionCall": {"partialArgs": [piece], "willContinue": True}} for piece in pieces),
    )


def redacted(piece: str) -> tuple[str, dict[str, Any]]:
    blob = base64.b64encode(piece.encode()).decode()
    return ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"redactedContent": blob}}})


def bedrock_tool(*pieces: str) -> list[bytes]:
    """A call of a tool that Bedrock runs itself."""
    start = {"toolUse": {"name": "f", "toolUseId": "t", "type": "server_tool_use"}}
    return converse(
        ("contentBlockStart", {"contentBlockIndex": 0, "start": start}),
        *(("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": piece}}}) for piece in pieces),
    )


def cohere(*events: dict[str, Any]) -> list[bytes]:
    return [sse.encode(json.dumps(event).encode(), event["type"]) for event in events]


HOSTILE: dict[str, tuple[str, Callable[[int], list[bytes]]]] = {
    "a call that is never named": (
        "openai-chat",
        lambda count: chat(*[{"tool_calls": [{"index": 0, "function": {"arguments": PIECE}}]}] * count),
    ),
    "calls that are never done": (
        "openai-chat",
        lambda count: chat(
            *({"tool_calls": [{"index": at, "id": f"c{at}", "function": {"name": "f"}}]} for at in range(count))
        ),
    ),
    "calls without an index": (
        "openai-chat",
        lambda count: chat(*({"tool_calls": [{"id": f"c{at}", "function": {"name": "f"}}]} for at in range(count))),
    ),
    "text and refusal in turns": ("openai-chat", lambda count: chat(*[{"content": "a"}, {"refusal": "b"}] * count)),
    "a repeated kind that always changes": (
        "openai-chat",
        lambda count: [
            sse.encode(json.dumps({"id": "i", "choices": [], "citations": [str(at)]}).encode()) for at in range(count)
        ],
    ),
    "blocks that never stop": ("anthropic", lambda count: messages(*(block(at, "text", text="a") for at in range(count)))),
    "a block of an unknown kind in many pieces": (
        "anthropic",
        lambda count: messages(block(0, "mood"), *[delta(0, "mood_delta", mood=PIECE)] * count),
    ),
    "a server's tool with much input": (
        "anthropic",
        lambda count: messages(block(0, "server_tool_use"), *[delta(0, "input_json_delta", partial_json=PIECE)] * count),
    ),
    "one index for every block": ("anthropic", lambda count: messages(*[block(0, "text", text="a")] * count)),
    "usage with ever more fields": (
        "anthropic",
        lambda count: messages(
            *({"type": "message_delta", "delta": {}, "usage": {"output_tokens": at}} for at in range(count))
        ),
    ),
    "items that are never done": (
        "openai-responses",
        lambda count: responses(
            *(
                {"type": "output_item.added", "output_index": at, "item": {"type": "message", "id": f"i{at}"}}
                for at in range(count)
            )
        ),
    ),
    "contents of one item": (
        "openai-responses",
        lambda count: responses(
            *({"type": "output_text.delta", "output_index": 0, "content_index": at, "delta": "a"} for at in range(count))
        ),
    ),
    "arguments in values": (
        "gemini",
        lambda count: gemini_call(*({"jsonPath": f"$.a{at}", "stringValue": PIECE} for at in range(count))),
    ),
    "arguments in elements": (
        "gemini",
        lambda count: gemini_call(*({"jsonPath": f"$.a[{at}]", "numberValue": at} for at in range(count))),
    ),
    "blocks of Bedrock's that never stop": (
        "bedrock-converse",
        lambda count: converse(
            *(("contentBlockDelta", {"contentBlockIndex": at, "delta": {"text": "a"}}) for at in range(count))
        ),
    ),
    "thoughts of Bedrock's, redacted": ("bedrock-converse", lambda count: converse(*[redacted(PIECE)] * count)),
    "a call of Bedrock's own tool": ("bedrock-converse", lambda count: bedrock_tool(*[PIECE] * count)),
    "calls of Ollama's": (
        "ollama",
        lambda count: [ndjson.encode(b'{"message":{"tool_calls":[{"function":{"name":"f","arguments":{}}}]}}')] * count,
    ),
    "contents of Cohere's that never end": (
        "cohere",
        lambda count: cohere(
            *({"type": "content-delta", "index": at, "delta": {"message": {"content": {"text": "a"}}}} for at in range(count))
        ),
    ),
}
"""What no service sends, and a hostile one could: dialect, and frames for a count."""


def work(dialect: Dialect, frames: list[bytes]) -> tuple[int, int]:
    """Calls made, and bytes allocated frame by frame, for all of a body; an error ends it as the end would."""
    return _calls(_fed(dialect, frames)), _allocated(_fed(dialect, frames))


def _fed(dialect: Dialect, frames: list[bytes]) -> Iterator[None]:
    """Takes one frame a step; the events are let go of."""
    framer, decoder = dialect.framer(FRAME_LIMIT), dialect.decoder()
    try:
        for data in frames:
            for frame in framer.feed(data):
                list(decoder.feed(frame))
            yield
        list(decoder.close())
    except BournError:
        pass
    yield


def _calls(steps: Iterator[None]) -> int:
    made = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal made
        made += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        for _ in steps:
            pass
    finally:
        sys.setprofile(None)
    return made


def _allocated(steps: Iterator[None]) -> int:
    total = 0
    tracemalloc.start()
    try:
        while True:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            if next(steps, steps) is steps:
                return total
            total += tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


CASES = {
    f"{name}-{shape.__name__}": (name, shape)
    for name in OURS
    for shape, parts in SHAPES.items()
    if parts <= dialects.get(name).parts
}


def grows_linearly(dialect: Dialect, make: Callable[[int], list[bytes]]) -> None:
    few, many = work(dialect, make(200)), work(dialect, make(800))
    assert many[0] <= 4.2 * few[0] + 200, f"calls: {few[0]} for 200 pieces, {many[0]} for 800"
    assert many[1] <= 5.5 * few[1] + 20_000, f"bytes: {few[1]} for 200 pieces, {many[1]} for 800"


@pytest.mark.parametrize(("name", "shape"), CASES.values(), ids=CASES)
def test_an_answer_of_four_times_the_length_is_four_times_the_work(name: str, shape: Callable[[int], Iterator[Event]]) -> None:
    """Long texts, long calls, many parts, in every format."""
    dialect = dialects.get(name)
    grows_linearly(dialect, lambda count: written(dialect, shape, count))


@pytest.mark.parametrize(("name", "make"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_cannot_make_work_grow_faster_than_itself(name: str, make: Callable[[int], list[bytes]]) -> None:
    """Things that never end, pieces that must wait, one place used again and again."""
    grows_linearly(dialects.get(name), make)
