"""Payloads without framing, kept by another project's tests: each is decoded by the dialect of its service.

Those of Anthropic, Gemini and the Responses format are read in ``test_anthropic_recordings``, ``test_gemini_recordings`` and
``test_openai_responses_recordings``. What is said in them is added up here a second time, in the simplest way there is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bourn.dialects import get
from bourn.events import Event, Finish, OrderCheck
from bourn.response import Response
from bourn.wire.eventstream import EventStreamFrame
from bourn.wire.sse import SSEFrame
from tests.recordings import PAYLOADS, needs_payloads

Json = dict[str, Any]

READ_ELSEWHERE = ('"type":"response.', '"type":"message_start"', '"candidates"', '"event_type"', "serverContent", "session.")
"""What payloads of the formats hold that have tests of their own, or (the last three) no dialect."""


def _is_here(path: Path) -> bool:
    head = path.read_text()[:4000].replace(": ", ":")
    return not any(mark in head for mark in READ_ELSEWHERE)


FILES = [path for path in sorted(PAYLOADS.glob("*/*.chunks.txt")) if _is_here(path)]


def _named(path: Path) -> str:
    return f"{path.parent.name}-{path.name.removesuffix('.chunks.txt')}"


def _dialect(path: Path) -> str:
    special = {"amazon-bedrock": "bedrock-converse", "cohere": "cohere", "mistral": "mistral"}
    return "openai-completions" if path.name.startswith("completion") else special.get(path.parent.name, "openai-chat")


def _frames(path: Path) -> Iterator[Any]:
    for line in path.read_bytes().splitlines():
        if path.parent.name == "amazon-bedrock":
            [(name, told)] = json.loads(line).items()
            yield EventStreamFrame({":event-type": name, ":message-type": "event"}, json.dumps(told).encode())
        elif line.strip():
            yield SSEFrame("", line)


Told = tuple[str, str, list[tuple[str, str]]]
"""Text, reasoning, and name and arguments of each call."""


def _chat(payloads: list[Json]) -> Told:
    text, thoughts, calls = "", "", dict[int, list[str]]()
    deltas = [choice.get("delta") or {} for one in payloads for choice in one.get("choices") or ()]
    for delta in deltas:
        content = delta.get("content") or ""
        parts: list[Json] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        text += "".join(part["text"] for part in parts if part["type"] == "text")
        thoughts += "".join(inner["text"] for part in parts if part["type"] == "thinking" for inner in part["thinking"])
        thoughts += delta.get("reasoning_content") or delta.get("reasoning") or ""
        for piece in delta.get("tool_calls") or ():
            call = calls.setdefault(piece.get("index", len(calls)), ["", ""])
            call[0] = call[0] or piece["function"].get("name") or ""
            call[1] += piece["function"].get("arguments") or ""
    return text, thoughts, [(name, arguments) for name, arguments in calls.values()]


def _completions(payloads: list[Json]) -> Told:
    return "".join(choice["text"] for one in payloads for choice in one["choices"]), "", []


def _converse(payloads: list[Json]) -> Told:
    calls: list[list[str]] = []
    deltas = [one["contentBlockDelta"]["delta"] for one in payloads if "contentBlockDelta" in one]
    for one in payloads:
        begun = one.get("contentBlockStart", {}).get("start", {})
        if "toolUse" in begun:
            calls.append([begun["toolUse"]["name"], ""])
        told = one.get("contentBlockDelta", {}).get("delta", {})
        if "toolUse" in told:
            calls[-1][1] += told["toolUse"]["input"]
    text = "".join(delta.get("text") or "" for delta in deltas)
    thoughts = "".join(delta.get("reasoningContent", {}).get("text") or "" for delta in deltas)
    return text, thoughts, [(name, arguments) for name, arguments in calls]


def _cohere(payloads: list[Json]) -> Told:
    text, thoughts, calls = "", "", list[list[str]]()
    for one in payloads:
        message = (one.get("delta") or {}).get("message") or {}
        if one["type"] == "content-delta":
            text += message["content"].get("text") or ""
            thoughts += message["content"].get("thinking") or ""
        elif one["type"] == "tool-plan-delta":
            thoughts += message["tool_plan"]
        elif one["type"] == "tool-call-start":
            function = message["tool_calls"]["function"]
            calls.append([function["name"], function["arguments"]])
        elif one["type"] == "tool-call-delta":
            calls[-1][1] += message["tool_calls"]["function"]["arguments"]
    return text, thoughts, [(name, arguments) for name, arguments in calls]


ADDED_UP: dict[str, Callable[[list[Json]], Told]] = {
    "bedrock-converse": _converse,
    "cohere": _cohere,
    "openai-completions": _completions,
}


@needs_payloads
@pytest.mark.parametrize("path", FILES, ids=_named)
def test_payloads_of_another_projects_tests_are_decoded(path: Path) -> None:
    """In the legal order, to a whole answer that says what the payloads add up to; no error is allowed."""
    name = _dialect(path)
    decoder, order, response = get(name).decoder(), OrderCheck(), Response()

    def take(events: Any) -> None:
        event: Event
        for event in events:
            order.feed(event)
            response.fold(event)
            assert type(event) is not Finish or event.verified

    for frame in _frames(path):
        take(decoder.feed(frame))
    take(decoder.close())
    payloads = [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
    text, thoughts, calls = ADDED_UP.get(name, _chat)(payloads)
    assert (response.text, response.reasoning) == (text, thoughts)
    assert [(call.name, call.arguments) for call in response.tool_calls] == calls
    assert all(call.complete for call in response.tool_calls)
    assert response.complete


@needs_payloads
def test_every_service_of_the_other_project_is_here() -> None:
    """The files that are read here are those of at least ten services."""
    assert len({path.parent.name for path in FILES}) >= 10
    assert len(FILES) >= 30
