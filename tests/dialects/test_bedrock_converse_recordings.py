"""Bedrock's Converse dialect held to recorded traffic: every answer at every cut, every refusal, every request."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from bourn.dialects.base import HttpCall
from bourn.dialects.bedrock.converse import DIALECT
from bourn.errors import TruncatedError
from bourn.events import Other, ServerToolCall, ServerToolResult
from bourn.messages import Part, Request
from bourn.wire.eventstream import EventStreamFramer
from tests.recordings import Recording, cuts, decode, expected_outcome, needs_corpus, outcome, recordings

RECORDED = recordings("bedrock-converse")
FAILED = [one for one in recordings("bedrock-converse-errors") if "outcome" in one.expected]
REFUSED = [one for one in recordings("bedrock-converse-errors") if "outcome" not in one.expected]

WAYS = ("whole", "bytes", "random")
CUTS = 12
"""Points at which each recording is cut off."""


@needs_corpus
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("recording", [*RECORDED, *FAILED], ids=repr)
def test_a_recorded_answer_is_decoded_as_the_oracle_says(recording: Recording, way: str) -> None:
    """Text, reasoning, calls, usage, reason, outcome and error of every recording hold, however the network cut it."""
    expected = expected_outcome(recording)
    got = outcome(decode(DIALECT, cuts(recording.body, way, recording.name)))
    assert {field: got[field] for field in expected} == expected


def ends(recording: Recording) -> dict[str, int]:
    """Where in the body the last message of each type ends."""
    framer, found = EventStreamFramer(), {}
    for at, byte in enumerate(cuts(recording.body, "bytes", ""), 1):
        for frame in framer.feed(byte):
            found[str(frame.headers[":event-type"])] = at
    return found


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_answer_that_is_cut_off_is_never_complete(recording: Recording) -> None:
    """Cut anywhere before the stop reason, an answer is truncated, and what arrived is the beginning of what was said."""
    body, whole = recording.body, decode(DIALECT, [recording.body]).response
    end = ends(recording)["messageStop"]
    dice = random.Random(recording.name)
    for at in [*dice.sample(range(end), CUTS), end - 1]:
        cut = decode(DIALECT, cuts(body[:at], "random", recording.name))
        assert isinstance(cut.error, TruncatedError), at
        assert whole.text.startswith(cut.response.text)
        assert whole.reasoning.startswith(cut.response.reasoning)
        assert not cut.response.complete
    bare = decode(DIALECT, [body[:end]])
    assert (bare.error, bare.response.complete, bare.usage) == (None, True, None)


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_nothing_of_a_recorded_answer_is_dropped(recording: Recording) -> None:
    """Every word in every payload but padding, indexes and shapes is in some event."""
    said = repr(decode(DIALECT, [recording.body]).events)
    for frame in EventStreamFramer().feed(recording.body):
        for word in words(json.loads(frame.payload)):
            assert repr(word).strip("'\"") in said


def words(value: Any, field: str = "") -> list[Any]:
    """The texts and numbers in a payload that mean something; a total is a sum, and counts are told twice."""
    if isinstance(value, dict):
        return [word for name, inner in value.items() for word in words(inner, name)]
    if isinstance(value, list):
        return [word for inner in value for word in words(inner, field)]
    silent = field in {"p", "role", "contentBlockIndex", "totalTokens", "inputTokens", "input"} or field.endswith("Count")
    return [] if silent or value in KINDS else [value]


KINDS = ("tool_use", "server_tool_use", "success", "nova_grounding_result", "nova_code_interpreter_result")
"""What only says which event it became, or that nothing went wrong."""


@needs_corpus
@pytest.mark.parametrize("recording", REFUSED, ids=repr)
def test_a_recorded_refusal_is_read_in_the_providers_words(recording: Recording) -> None:
    """Message, type and wait of every refused request are those of the oracle."""
    expected, response = recording.expected, recording.response
    error = DIALECT.read_error(response["status"], response["headers"], recording.body)
    assert {"message": error.message, "type": error.type, "code": error.code} == expected["error"]
    assert error.retry_after == expected["retry_after"]


def asked(recording: Recording) -> HttpCall:
    """The recorded request; AWS's clients put the model into the path."""
    return HttpCall(recording.request["path"], json.dumps(recording.request["body"]).encode())


def turns(request: Request) -> list[tuple[str, list[Part]]]:
    """Who said what, turns of one side merged, as ``call`` merges them."""
    out: list[tuple[str, list[Part]]] = []
    for message in request.messages:
        if out and out[-1][0] == message.role != "system":
            out[-1][1].extend(message.parts)
        else:
            out.append((message.role, list(message.parts)))
    return out


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_request_survives_both_halves(recording: Recording) -> None:
    """What the service accepted is read, and written and read again it is the same request."""
    request = DIALECT.parse(asked(recording))
    assert request.stream
    assert request.model == recording.response["model"]
    again = DIALECT.parse(DIALECT.call(request))
    assert turns(again) == turns(request)
    assert (again.model, again.options, again.stream) == (request.model, request.options, request.stream)


@needs_corpus
def test_guardrails_and_the_services_own_tools_are_told() -> None:
    """What a guardrail found, the service's calls and results, and citations come as they were said."""
    kinds = {kind for one in RECORDED for kind in others(one)}
    assert kinds == {"metrics", "trace"}
    [search] = [one for one in RECORDED if "web-search" in one.name]
    response = decode(DIALECT, [search.body]).response
    id, name = "tooluse_Oqij0o-Rw7vDmltFQvRpVQ", "nova_grounding"
    called, gave = response.server_tools[:2]
    assert isinstance(called, ServerToolCall)
    assert (called.id, called.name, json.loads(called.arguments)) == (id, name, {"query": "latest stable Ruby version"})
    assert gave == ServerToolResult(id, name, [{"text": "[HIDDEN]"}])
    assert response.citations[0].url == "https://www.ruby-lang.org/en/downloads/"


def others(recording: Recording) -> list[str]:
    return [event.kind for event in decode(DIALECT, [recording.body]).events if type(event) is Other]
