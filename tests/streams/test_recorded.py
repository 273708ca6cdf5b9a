"""Every recording of every format that is read, head and body, through `Client.stream`: answers as expected, errors whole.

The tests of the dialects look at one half each; here is what a caller sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

import bourn
from bourn.errors import ModelError, StatusError, status_error_class
from bourn.transport.memory import MemoryTransport
from bourn.transport.opening import REQUEST_ID_HEADERS
from tests.dialects import (
    test_cohere_recordings,
    test_gemini_recordings,
    test_openai_chat_recordings,
    test_openai_responses_recordings,
)
from tests.dialects.test_docs import FORMATS
from tests.dialects.test_openai_chat_recordings import CLASSES
from tests.recordings import CORPUS, Decoded, Recording, cuts, expected_outcome, needs_corpus, outcome, recordings

ROWS: dict[str, str] = {
    "openai-chat": "openai",
    "openai-completions": "openai-completions",
    "openai-responses": "openai-responses",
    "mistral": "mistral",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "bedrock-converse": "bedrock",
    "bedrock-invoke": "bedrock-invoke",
    "cohere": "cohere",
    "ollama": "ollama",
    "cloudflare": "cloudflare-run",
    "huggingface-tgi": "huggingface-tgi",
}
"""Dialect to a row that speaks it; the address is given."""

EXCEPTED: dict[str, Iterable[str]] = {
    **{name: fields for name, (fields, _) in test_openai_chat_recordings.DISPUTED.items()},
    **{name: fields for name, (fields, _) in test_gemini_recordings.DISPUTED.items()},
    **{name: fields for name, (fields, _) in test_cohere_recordings.DISPUTED.items()},
    **test_openai_responses_recordings.NOT_SO,
}
"""Recording to the fields that are not as expected, on purpose: docs/dialects.md lists them."""

KINDS = ("", "-errors", "-curated")
ALL = [(ROWS[dialect], one) for name, dialect in FORMATS.items() for one in recordings(*(f"{name}{kind}" for kind in KINDS))]
ANSWERS = [(row, one) for row, one in ALL if "outcome" in one.expected]
REFUSALS = [(row, one) for row, one in ALL if "status" in one.expected]
FAILURES = [(row, one) for row, one in ANSWERS if one.expected["outcome"] == "model_error"]


def head(recording: Recording) -> dict[str, str]:
    """The recorded headers, names in small letters, without those that the recorder hid; of several values the last."""
    told: Mapping[str, Any] = recording.response.get("headers") or {}
    values = {name.lower(): value[-1] if isinstance(value, list) else str(value) for name, value in told.items()}
    return {name: value for name, value in values.items() if "REDACTED" not in value}


async def asked(row: str, recording: Recording) -> tuple[Decoded, bourn.BournError | None]:
    """What a caller gets of a recorded answer, cut at random."""
    if recording.expected.get("outcome") == "unverified":
        row = "writer-completions"  # the one service that is known to send no end mark
    steps = list(cuts(recording.body, "random", recording.name))
    transport = MemoryTransport(steps, status=recording.response["status"], headers=head(recording))
    got, error = Decoded(), None
    async with bourn.Client(transport=transport) as client:
        stream = client.stream(f"{row}/m", "hi", base_url="http://127.0.0.1:1", api_key="any")
        try:
            await stream.collect()
        except bourn.BournError as raised:
            error = raised
        got.response, got.error, got.usage = stream.response, error, stream.response.usage
    return got, error


def named(pairs: list[tuple[str, Recording]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("row", "recording"), pairs, ids=[f"{row}-{one.name}" for row, one in pairs])


@needs_corpus
@named(ANSWERS)
async def test_a_recorded_answer_is_what_a_caller_gets(row: str, recording: Recording) -> None:
    """Head, body, outcome: every field that the oracle knows."""
    expected = expected_outcome(recording, but=EXCEPTED.get(recording.name, ()))
    got, _ = await asked(row, recording)
    told = outcome(got)
    told["model"] = told["model"] if expected.get("model") else None  # a caller has the model that he asked for
    assert {field: told[field] for field in expected} == expected


@needs_corpus
@named(REFUSALS)
async def test_a_recorded_refusal_is_one_typed_error(row: str, recording: Recording) -> None:
    """Class, status, message, type, code, wait, and the id of the request, in the service's own words."""
    expected = recording.expected
    _, error = await asked(row, recording)
    assert isinstance(error, StatusError)
    assert type(error) is status_error_class(expected["status"])
    assert type(error) in CLASSES[expected["class"]]
    assert error.status == recording.response["status"]
    assert {"type": error.type, "code": error.code} == {name: expected["error"][name] for name in ("type", "code")}
    assert error.message == (expected["error"]["message"] or error.message)
    assert error.message
    assert expected["retry_after"] in (None, error.retry_after)
    check_id(recording, error)


@needs_corpus
@named(FAILURES)
async def test_a_recorded_failure_in_mid_stream_is_one_typed_error(row: str, recording: Recording) -> None:
    """Message, type, code, and the id of the request; what had come is in it."""
    got, error = await asked(row, recording)
    assert isinstance(error, ModelError)
    assert {"message": error.message, "type": error.type, "code": error.code} == recording.expected["error"]
    assert error.response is got.response
    check_id(recording, error)


def check_id(recording: Recording, error: bourn.BournError) -> None:
    """The id is one that the service told, in a header or in the body; it is there if a header has one."""
    ids = [value for name in REQUEST_ID_HEADERS if (value := head(recording).get(name))]
    assert error.request_id in ids or (error.request_id or "").encode() in recording.body
    assert error.request_id or not ids


@needs_corpus
def test_no_recording_is_passed_over() -> None:
    """Every folder of a format that is read is judged here, save the bodies of other families in Bedrock's invoke."""
    judged = {one.folder for _, one in ALL}
    read = {folder for name in FORMATS for kind in KINDS for folder in (CORPUS / f"{name}{kind}").glob("*")}
    unjudged = {folder for folder in read - judged if not (folder / "expected.json").exists()}
    assert read - judged == unjudged
    assert {folder.parent.name for folder in unjudged} == {"bedrock-invoke"}
    assert len(ANSWERS) + len(REFUSALS) == len(ALL)
    assert set(EXCEPTED) <= {folder.name for folder in judged}
