"""Anthropic inside Bedrock's ``invoke``, held to recorded traffic: answers at every cut, other families, refusals, requests."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from bourn.dialects.base import HttpCall
from bourn.dialects.bedrock.invoke import DIALECT, FAMILIES
from bourn.errors import InputError, PayloadError, TruncatedError
from bourn.events import Finish
from bourn.messages import Part, Request
from bourn.wire.eventstream import EventStreamFramer
from tests.recordings import CORPUS, Recording, cuts, decode, expected_outcome, needs_corpus, outcome, recordings

RECORDED = recordings("bedrock-invoke")
REFUSED = recordings("bedrock-invoke-errors")
FOREIGN = [one for one in sorted((CORPUS / "bedrock-invoke").glob("*")) if not (one / "expected.json").exists()]
"""Recordings of models whose bodies are not Anthropic's; the corpus expects nothing of them."""

WAYS = ("whole", "bytes", "random")
CUTS = 12
"""Points at which each recording is cut off."""


@needs_corpus
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_answer_is_decoded_as_the_oracle_says(recording: Recording, way: str) -> None:
    """Text, reasoning, calls, usage, reason and outcome of every recording hold, however the network cut it."""
    expected = expected_outcome(recording)
    got = outcome(decode(DIALECT, cuts(recording.body, way, recording.name)))
    assert {field: got[field] for field in expected} == expected


def end_of_stop_reason(body: bytes) -> int:
    """Where the message with the stop reason ends: the last one but the metrics."""
    framer = EventStreamFramer()
    ends = [at for at in range(1, len(body) + 1) if framer.feed(body[at - 1 : at])]
    return ends[-2]


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_answer_that_is_cut_off_is_never_complete(recording: Recording) -> None:
    """Cut anywhere before the stop reason, an answer is truncated, and what arrived is the beginning of what was said."""
    body, whole = recording.body, decode(DIALECT, [recording.body]).response
    end = end_of_stop_reason(body)
    dice = random.Random(recording.name)
    for at in [*dice.sample(range(end), CUTS), end - 1]:
        cut = decode(DIALECT, cuts(body[:at], "random", recording.name))
        assert isinstance(cut.error, TruncatedError), at
        assert whole.text.startswith(cut.response.text)
        assert whole.reasoning.startswith(cut.response.reasoning)
        assert not cut.response.complete
    assert decode(DIALECT, [body[:end]]).response.complete


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_bedrocks_metrics_are_told(recording: Recording) -> None:
    """They come with the last event, and do not count as usage: of calls and of thinking they count fewer tokens."""
    decoded = decode(DIALECT, [recording.body])
    [metrics] = [one.payload for one in decoded.response.others if one.kind == "amazon-bedrock-invocationMetrics"]
    assert metrics["outputTokenCount"] <= decoded.usage.output_tokens
    assert metrics["firstByteLatency"] <= metrics["invocationLatency"]
    assert type(decoded.events[-1]) is Finish


@needs_corpus
@pytest.mark.parametrize("folder", FOREIGN, ids=lambda one: one.name)
@pytest.mark.parametrize("way", WAYS)
def test_an_answer_of_another_family_says_what_to_use(folder: Path, way: str) -> None:
    """Before any event, one sentence: whose format it is, and which dialect to take instead."""
    out = decode(DIALECT, cuts((folder / "body.bin").read_bytes(), way, folder.name))
    assert isinstance(out.error, PayloadError)
    assert "use the dialect bedrock-converse" in out.error.message
    assert any(family in out.error.message for family in FAMILIES.values())
    assert out.events == []


@needs_corpus
def test_every_family_recorded_has_its_name() -> None:
    """The feature that the corpus names, and the family of the error."""
    named = {}
    for folder in FOREIGN:
        features = json.loads((folder / "response.json").read_text())["features"]
        [family] = [one.partition(":")[2] for one in features if one.startswith("family:")]
        out = decode(DIALECT, [(folder / "body.bin").read_bytes()])
        named[family] = next(name for name in FAMILIES.values() if out.error is not None and name in out.error.message)
    expected = {
        "openai-like": "an OpenAI-like model",
        "nova": "Amazon Nova",
        "titan": "Amazon Titan",
        "anthropic-v1": "Claude's old text completions",
        "cohere": "Cohere",
        "llama": "Llama",
        "mistral": "Mistral",
        "anthropic": "Claude's old text completions",  # claude-v2:1, named after its model
    }
    assert named == {family: expected[family] for family in named}


@needs_corpus
@pytest.mark.parametrize("recording", REFUSED, ids=repr)
def test_a_recorded_refusal_is_read_in_the_providers_words(recording: Recording) -> None:
    """Message, type and wait of every refused request are those of the oracle."""
    expected, response = recording.expected, recording.response
    error = DIALECT.read_error(response["status"], response["headers"], recording.body)
    assert {"message": error.message, "type": error.type, "code": error.code} == expected["error"]
    assert error.retry_after == expected["retry_after"]


UNVERSIONED = "tool-streaming", "simple-streaming"
"""Recordings (parts of their names) whose body, as it was saved, lacks the version that the service demands."""


def asked(recording: Recording) -> HttpCall:
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
    call = asked(recording)
    body: dict[str, Any] = json.loads(call.body)
    if "anthropic_version" not in body:
        assert any(name in recording.name for name in UNVERSIONED)
        with pytest.raises(InputError, match="anthropic_version"):
            DIALECT.parse(call)
        return
    request = DIALECT.parse(call)
    assert request.stream
    again = DIALECT.parse(DIALECT.call(request))
    assert turns(again) == turns(request)
    assert (again.model, again.options, again.stream) == (request.model, request.options, request.stream)
