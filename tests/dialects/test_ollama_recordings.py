"""Ollama's dialect held to recorded traffic: every answer at every cut, every refusal, every request."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from bourn.dialects.base import HttpCall
from bourn.dialects.ollama.decoder import DIALECT
from bourn.errors import InputError, TruncatedError
from tests.recordings import Recording, cuts, decode, expected_outcome, needs_corpus, outcome, recordings

RECORDED = recordings("ollama")
REFUSED = recordings("ollama-errors")
WAYS = ("whole", "bytes", "random")


@needs_corpus
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_answer_is_decoded_as_the_oracle_says(recording: Recording, way: str) -> None:
    """Text, thinking, calls, usage, reason and outcome of every recording hold, however the network cut it."""
    if way == "bytes" and len(recording.body) > 60_000:
        way = "random"
    expected = expected_outcome(recording)
    got = outcome(decode(DIALECT, cuts(recording.body, way, recording.name + way)))
    assert {field: got[field] for field in expected} == expected


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_answer_that_is_cut_off_is_never_complete(recording: Recording) -> None:
    """Cut anywhere before its last bracket it is truncated, and what arrived is the beginning of what was said."""
    body, whole = recording.body, decode(DIALECT, [recording.body]).response
    end, dice = body.rindex(b"}"), random.Random(recording.name)
    lines = [at + 1 for at in range(end) if body[at] == ord("\n")]
    for at in (0, end, *lines[-1:], *dice.sample(lines, min(4, len(lines))), *(dice.randrange(end) for _ in range(6))):
        cut = decode(DIALECT, cuts(body[:at], "random", recording.name))
        assert isinstance(cut.error, TruncatedError), at
        assert whole.text.startswith(cut.response.text)
        assert whole.reasoning.startswith(cut.response.reasoning)
        assert not cut.response.complete


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_answer_needs_no_last_line_end(recording: Recording) -> None:
    """The bracket that closes ``"done": true`` is enough."""
    body = recording.body.rstrip(b"\n")
    assert decode(DIALECT, [body]).events == decode(DIALECT, [recording.body]).events


@needs_corpus
@pytest.mark.parametrize("recording", REFUSED, ids=repr)
def test_a_recorded_refusal_is_read_in_the_providers_words(recording: Recording) -> None:
    """Message, type and wait of every refused request are those of the oracle."""
    expected, response = recording.expected, recording.response
    error = DIALECT.read_error(response["status"], response["headers"], recording.body)
    assert {"message": error.message, "type": error.type, "code": error.code} == expected["error"]
    assert error.retry_after == expected["retry_after"]


def asked(recording: Recording) -> dict[str, Any] | None:
    """The request's body, where it is one of ``/api/chat``."""
    body = recording.request.get("body")
    return body if isinstance(body, dict) and "messages" in body else None


@needs_corpus
@pytest.mark.parametrize("recording", [one for one in (*RECORDED, *REFUSED) if asked(one)], ids=repr)
def test_a_recorded_request_survives_both_halves(recording: Recording) -> None:
    """What clients sent is read, and written and read again it is the same request; an elided image is refused."""
    text = json.dumps(asked(recording))
    if "elided" in text:
        with pytest.raises(InputError, match="illegal base64"):
            DIALECT.parse(HttpCall("/api/chat", text.encode()))
        return
    request = DIALECT.parse(HttpCall("/api/chat", text.encode()))
    written = DIALECT.call(request)
    assert written.warnings == ()
    assert DIALECT.parse(written) == request
