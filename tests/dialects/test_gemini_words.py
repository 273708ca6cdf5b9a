"""The shared words of Gemini's dialect: usage both ways, errors both ways, reasons both ways."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.base import WireError
from bourn.dialects.gemini.decoder import DIALECT
from bourn.dialects.gemini.words import PATH, REASONS, STOP_WORDS, read_usage, said, write_usage
from bourn.events import Usage
from bourn.testing.strategies import usages

QUOTA = {
    "error": {
        "code": 429,
        "message": "Slow",
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.Help"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "48.5s"},
        ],
    }
}
SLOW = WireError("Slow", "RESOURCE_EXHAUSTED", "429", 48.5)


def retry(delay: Any) -> dict[str, Any]:
    return {"error": {"message": "x", "details": [1, {"@type": "google.rpc.RetryInfo", "retryDelay": delay}]}}


@pytest.mark.parametrize(
    ("headers", "value", "expected"),
    [
        ({}, QUOTA, SLOW),
        ({}, [QUOTA], SLOW),
        ({"Retry-After": "3"}, QUOTA, WireError("Slow", "RESOURCE_EXHAUSTED", "429", 3.0)),
        ({}, retry("1s"), WireError("x", retry_after=1.0)),
        ({}, retry("soon"), WireError("x")),
        ({}, retry(None), WireError("x")),
        ({}, {"error": "No"}, WireError("No")),
        ({}, {"message": "No", "code": 5}, WireError("No", code="5")),
        ({}, {"error": {"message": ["No"], "details": "x"}}, WireError('["No"]')),
        ({}, [], WireError("")),
        ({}, "No", WireError("No")),
        ({}, 7, WireError("7")),
    ],
)
def test_refusals_are_read_in_every_shape(headers: dict[str, str], value: Any, expected: WireError) -> None:
    """Google's JSON, also in an array; the wait of the header, else of the details; a gateway's shapes."""
    assert DIALECT.read_error(429, headers, json.dumps(value).encode()) == expected


@pytest.mark.parametrize(("body", "message"), [(b"<html>no</html>\n", "<html>no</html>"), (b"\xff", "\ufffd"), (b"", "")])
def test_a_body_that_is_no_json_is_the_message(body: bytes, message: str) -> None:
    """Whatever it is."""
    assert DIALECT.read_error(502, {}, body) == WireError(message)


TOLD = [
    ("input_tokens",),
    ("input_tokens", "output_tokens"),
    ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"),
]


@given(st.sampled_from(TOLD).flatmap(lambda fields: usages(fields, optional=False)))
def test_usage_survives_the_wire(usage: Usage) -> None:
    """Thoughts are apart on the wire and inside the output in ``Usage``; what nobody knows is left out."""
    assert read_usage(write_usage(usage, {})) == usage


def test_the_prompt_of_tools_is_input() -> None:
    """It is told apart on the wire, and the total is the sum of all."""
    raw = {"promptTokenCount": 10, "toolUsePromptTokenCount": 7, "candidatesTokenCount": 2, "thoughtsTokenCount": 3}
    assert read_usage(raw) == Usage(17, 5, reasoning_tokens=3)
    assert write_usage(Usage(17, 5, reasoning_tokens=3), {"toolUsePromptTokenCount": 7}) == {**raw, "totalTokenCount": 22}


@pytest.mark.parametrize(
    "raw", [{}, {"trafficType": "ON_DEMAND"}, {"promptTokenCount": "many"}, {"promptTokenCount": True}, {"totalTokenCount": 3}]
)
def test_usage_without_counts_is_none(raw: dict[str, Any]) -> None:
    """Nothing is made up."""
    assert read_usage(raw) is None


def test_every_reason_that_is_written_is_read_back() -> None:
    """The two tables of reasons agree; calls are a plain stop."""
    assert {reason: REASONS[word] for reason, word in STOP_WORDS.items()} == {
        **{reason: reason for reason in STOP_WORDS},
        "tool_calls": "stop",
    }


@pytest.mark.parametrize("nothing", [None, "", 0, "0", "FINISH_REASON_UNSPECIFIED", "BLOCK_REASON_UNSPECIFIED"])
def test_an_unspecified_word_says_nothing(nothing: Any) -> None:
    """It is what protobuf writes for a field that was not set."""
    assert said(nothing) is None
    assert (said("STOP"), said(1)) == ("STOP", "1")


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (422, "INVALID_ARGUMENT"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (502, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ],
)
def test_a_refusal_is_written_as_it_is_read(status: int, word: str) -> None:
    """The word follows from the status where none of Google's is given; a wait goes into the details."""
    assert DIALECT.read_error(status, {}, DIALECT.encode_error(status, WireError("No"))) == WireError("No", word, str(status))
    foreign = WireError("No", "invalid_request_error", "model_not_found", 1.5)
    assert DIALECT.read_error(status, {}, DIALECT.encode_error(status, foreign)) == WireError("No", word, str(status), 1.5)
    own = WireError("No", "FAILED_PRECONDITION", "9")
    assert DIALECT.read_error(status, {}, DIALECT.encode_error(status, own)) == own


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta/models/gemini-x:streamGenerateContent",
        "/v1/models/gemini-x:generateContent",
        "/v1beta/tunedModels/mine:streamGenerateContent",
        "/v1beta/models/mock/hello:streamGenerateContent",
        "/v1beta1/publishers/google/models/gemini-x:streamGenerateContent",
        "/v1/projects/p/locations/us-east5/publishers/google/models/gemini-x@001:streamGenerateContent",
    ],
)
def test_the_paths_of_all_services_are_answered(path: str) -> None:
    """Google AI's and Vertex's; other methods of theirs are not."""
    assert re.fullmatch(PATH, path)
    assert not re.fullmatch(PATH, path.rpartition(":")[0] + ":countTokens")
