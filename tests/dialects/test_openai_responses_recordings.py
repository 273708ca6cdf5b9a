"""The Responses format held to recorded traffic: every answer at every cut, every refusal, every request."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from bourn.dialects.base import HttpCall
from bourn.dialects.media import write_base64
from bourn.dialects.openai_responses.decoder import DIALECT
from bourn.dialects.openai_responses.notes import CITATION, TOOLS, gave
from bourn.dialects.openai_responses.words import modelled
from bourn.errors import PayloadError, TruncatedError
from bourn.events import ServerToolCall, ServerToolResult
from bourn.messages import Message, Reasoning, Request
from bourn.wire import sse
from tests.recordings import (
    PAYLOADS,
    Recording,
    cuts,
    decode,
    expected_outcome,
    needs_corpus,
    needs_payloads,
    outcome,
    recordings,
)

ANSWERS = [
    one
    for one in recordings("openai-responses", "openai-responses-curated", "openai-responses-errors")
    if "status" not in one.expected
]
COMPLETE = [one for one in ANSWERS if one.expected["outcome"] == "complete"]
REFUSED = [one for one in recordings("openai-responses-errors") if "status" in one.expected]
LINES = [
    path
    for path in sorted(PAYLOADS.glob("*/*.chunks.txt"))
    if path.read_bytes().startswith(b'{"type":"response.') or b'"type":"response.created"' in path.read_bytes()[:4000]
]

WAYS = ("whole", "bytes", "random")
CUTS = 8
"""Points at which each recording is cut off."""

NOT_SO = {
    "openai-gpt-4o-2024-08-06-stream-unknown-error-responses-1-46ca35": {
        "raw_finish_reason": "an answer that fails has no Finish: the error event raises before response.failed comes",
        "finish_reason": "the same",
    },
}
"""Expectations that are not met, and why."""


@needs_corpus
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("recording", ANSWERS, ids=repr)
def test_a_recorded_answer_is_decoded_as_the_oracle_says(recording: Recording, way: str) -> None:
    """Text, reasoning, calls, usage, reason and outcome of every recording hold, however the network cut it."""
    expected = expected_outcome(recording, but=NOT_SO.get(recording.name, ()))
    got = outcome(decode(DIALECT, cuts(recording.body, way, recording.name)))
    assert {field: got[field] for field in expected} == expected


@needs_corpus
@pytest.mark.parametrize("recording", COMPLETE, ids=repr)
def test_a_recorded_answer_that_is_cut_off_is_never_complete(recording: Recording) -> None:
    """Cut anywhere before its terminal event, an answer is truncated, and what arrived is the beginning of what was said."""
    body, whole = recording.body, decode(DIALECT, [recording.body]).response
    end = max(found.start() for found in re.finditer(rb"^data:.*\"response\.(completed|incomplete)\"", body, re.MULTILINE))
    dice = random.Random(recording.name)
    for at in sorted(dice.sample(range(end), CUTS)):
        cut = decode(DIALECT, cuts(body[:at], "random", recording.name))
        assert isinstance(cut.error, TruncatedError), at
        assert whole.text.startswith(cut.response.text)
        assert whole.reasoning.startswith(cut.response.reasoning)
        assert not cut.response.complete
        for call, meant in zip(cut.response.tool_calls, whole.tool_calls, strict=False):
            assert meant.arguments.startswith(call.arguments)
            assert call.arguments == meant.arguments or not call.complete


@needs_corpus
@pytest.mark.parametrize("recording", COMPLETE, ids=repr)
def test_a_recorded_call_is_whole_unless_the_answer_was_cut_by_its_length(recording: Recording) -> None:
    """Where the arguments of a call are JSON, or free text, the call is complete; one cut by the token limit is not."""
    for call in decode(DIALECT, [recording.body]).response.tool_calls:
        assert call.complete == (call.custom or _is_json(call.arguments))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@needs_corpus
@pytest.mark.parametrize("recording", COMPLETE, ids=repr)
def test_no_item_of_a_recorded_answer_is_lost(recording: Recording) -> None:
    """Each item of the terminal event is there once: as a part, as a tool of the service, or as an ``Other``."""
    payloads = [json.loads(line[5:]) for line in recording.body.splitlines() if re.match(rb"data:\s*{", line)]
    items = next(one["response"]["output"] for one in payloads if one["type"] in ("response.completed", "response.incomplete"))
    response = decode(DIALECT, [recording.body]).response
    own = [one for one in items if not modelled(one["type"], one.get("call_id"))]
    tools = [event for event in response.server_tools if isinstance(event, ServerToolCall)]
    rest = [other for other in response.others if other.kind in {one["type"] for one in own}]
    assert [event.id for event in tools] == [one["id"] for one in own if one["type"] in TOOLS]
    assert [other.kind for other in rest] == [one["type"] for one in own if one["type"] not in TOOLS]
    given = {one["id"]: gave(one)[0] for one in own if one["type"] in TOOLS}
    found: dict[str | None, Any] = {one.id: one.content for one in response.server_tools if isinstance(one, ServerToolResult)}
    found |= {media.id: write_base64(media.data) for media in response.media}
    assert found == {id: content for id, content in given.items() if content is not None}
    cited = [note for one in items for part in one.get("content") or () for note in part.get("annotations") or ()]
    assert [CITATION.give(citation) for citation in response.citations][: len(cited)] == cited
    thoughts = [part for part in response.parts if isinstance(part, Reasoning)]
    assert len(thoughts) >= sum(one["type"] == "reasoning" for one in items)
    if any(one.get("encrypted_content") for one in items if one["type"] == "reasoning"):
        assert all(part.signature for part in thoughts)
        assert all(part.id for part in thoughts)


@needs_corpus
@pytest.mark.parametrize("recording", REFUSED, ids=repr)
def test_a_recorded_refusal_is_read_in_the_services_words(recording: Recording) -> None:
    """Message, type, code and wait of every refused request are those of the oracle."""
    expected, response = recording.expected, recording.response
    error = DIALECT.read_error(response["status"], response["headers"], recording.body)
    assert {"message": error.message, "type": error.type, "code": error.code} == expected["error"]
    assert error.retry_after == expected["retry_after"]


BROKEN = {"parallel-tool-call-wrapper.1"}
"""Files without framing whose first line lacks its closing brace."""

TOUCHED_UP = {"openai-phase.1", "openai-shell-container.1"}
"""Files without framing whose deltas were edited by hand and do not add up to the item: deltas count."""


@needs_payloads
@pytest.mark.parametrize("path", LINES, ids=lambda path: path.name.removesuffix(".chunks.txt"))
def test_answers_without_framing_agree_with_their_last_event(path: Path) -> None:
    """The parts of every answer in the file are the items that its terminal event repeats."""
    if any(one in path.name for one in BROKEN):
        assert isinstance(decode(DIALECT, map(sse.encode, path.read_bytes().splitlines())).error, PayloadError)
        return
    answers: list[list[bytes]] = []
    for line in path.read_bytes().splitlines():
        if line.strip():
            if json.loads(line)["type"] == "response.created":
                answers.append([])
            answers[-1].append(line)
    for lines in answers:
        last = json.loads(lines[-1])
        decoded = decode(DIALECT, [b"".join(sse.encode(line) for line in lines)])
        if last["type"] == "response.failed":
            assert outcome(decoded)["outcome"] == "model_error"
            assert outcome(decoded)["error"]["message"] == last["response"]["error"]["message"]
            continue
        _agrees(decoded.response, last["response"]["output"], path.name)


def _agrees(response: Any, items: list[dict[str, Any]], name: str) -> None:
    said = "".join(part.get("text") or "" for one in items if one["type"] == "message" for part in one["content"])
    calls = [one for one in items if one["type"] in ("function_call", "custom_tool_call")]
    calls = [one for one in calls if not one["call_id"].startswith("xs_call_")]
    assert response.complete
    assert response.text == said or any(one in name for one in TOUCHED_UP)
    assert [call.id for call in response.tool_calls] == [one["call_id"] for one in calls]
    assert [call.arguments for call in response.tool_calls] == [one.get("arguments", one.get("input")) for one in calls]
    assert all(call.complete for call in response.tool_calls)


def asked(recording: Recording) -> dict[str, Any] | None:
    """The request's body, where it was recorded."""
    body = recording.request.get("body")
    return body if isinstance(body, dict) and "input" in body and "model" in body else None


def held(request: Request) -> list[Message]:
    """What of the messages can be sent back: reasoning that the service encrypted, not what it would have to look up."""
    out: list[Message] = []
    for message in request.messages:
        if isinstance(message.content, str):
            out.append(message)
            continue
        parts = tuple(part for part in message.content if not isinstance(part, Reasoning) or (part.signature and part.id))
        while parts and isinstance(parts[-1], Reasoning):
            parts = parts[:-1]
        if parts:
            out.append(Message(message.role, parts))
    return out


@needs_corpus
@pytest.mark.parametrize("recording", [one for one in (*ANSWERS, *REFUSED) if asked(one)], ids=repr)
def test_a_recorded_request_survives_both_halves(recording: Recording) -> None:
    """What a service accepted is read, and written and read again it is the same request."""
    body = json.dumps(asked(recording)).encode()
    request = DIALECT.parse(HttpCall("/responses", body))
    again = DIALECT.parse(DIALECT.call(request))
    assert held(again) == held(request)
    assert (again.model, again.stream) == (request.model, request.stream)
    stateless = {"store", "include"}
    assert {**again.options.extra, **request.options.extra} == again.options.extra
    assert again.options.extra.keys() - request.options.extra.keys() <= stateless
    for field in set(again.options.__struct_fields__) - {"extra"}:
        assert getattr(again.options, field) == getattr(request.options, field)
