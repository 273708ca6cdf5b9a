"""Cohere's dialect held to recorded traffic: every answer at every cut, every refusal, every request."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from bourn.dialects.base import HttpCall
from bourn.dialects.cohere.decoder import DIALECT
from bourn.errors import InputError, TruncatedError
from tests.recordings import Recording, cuts, decode, expected_outcome, needs_corpus, outcome, recordings

RECORDED = [one for one in recordings("cohere-v2", "cohere-v2-errors") if "outcome" in one.expected]
REFUSED = [one for one in recordings("cohere-v2", "cohere-v2-errors") if "status" in one.expected]
WAYS = ("whole", "bytes", "random")

RAISED = "an answer that failed is an error and has no Finish, which alone would tell the reason"
DISPUTED: dict[str, tuple[set[str], str]] = {
    "cohere-command-a-03-2025-test-sql-agent-1c1f5d": ({"finish_reason", "raw_finish_reason"}, RAISED),
    "cohere-command-a-reasoning-08-2025-genstream-tools-websearch-1c161a": ({"finish_reason", "raw_finish_reason"}, RAISED),
    "cohere-command-a-reasoning-08-2025-genstream-toplogprobs-c5243d": ({"finish_reason", "raw_finish_reason"}, RAISED),
    "cohere-command-a-plus-05-2026-chat-citations-with-cohere-command-a-plus-05-408d26": (
        {"usage"},
        "its tokens say reasoning_tokens: 28, which the oracle does not read",
    ),
}
"""Recordings of which we expect something else, the fields, and why."""


@needs_corpus
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_answer_is_decoded_as_the_oracle_says(recording: Recording, way: str) -> None:
    """Text, reasoning, calls, usage, reason, error and outcome of every recording hold, however the network cut it."""
    expected = expected_outcome(recording, but=DISPUTED.get(recording.name, (set(), ""))[0])
    got = outcome(decode(DIALECT, cuts(recording.body, way, recording.name)))
    assert {field: got[field] for field in expected} == expected


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_what_is_disputed_is_so(recording: Recording) -> None:
    """A field that is held to something else differs indeed, in the way that the reason says."""
    fields, why = DISPUTED.get(recording.name, (set(), ""))
    expected, got = recording.expected, outcome(decode(DIALECT, [recording.body]))
    assert {field for field in got if got[field] != expected[field]} == fields
    if why == RAISED:
        assert (expected["raw_finish_reason"], got["outcome"]) == ("ERROR", "model_error")
    elif fields:
        assert got["usage"] == {**expected["usage"], "reasoning_tokens": 28}


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_answer_that_is_cut_off_is_never_complete(recording: Recording) -> None:
    """Cut anywhere before its end mark it is truncated, and what arrived is the beginning of what was said."""
    body, whole = recording.body, decode(DIALECT, [recording.body]).response
    end, dice = body.index(b"\n\n", body.index(b"message-end")) + 1, random.Random(recording.name)
    frames = [at + 2 for at in range(end - 1) if body[at : at + 2] == b"\n\n"]
    for at in (0, end, *frames[-1:], *dice.sample(frames, min(4, len(frames))), *(dice.randrange(end) for _ in range(6))):
        cut = decode(DIALECT, cuts(body[:at], "random", recording.name))
        assert isinstance(cut.error, TruncatedError), at
        assert whole.text.startswith(cut.response.text)
        assert whole.reasoning.startswith(cut.response.reasoning)
        assert not cut.response.complete


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_answer_needs_nothing_after_message_end(recording: Recording) -> None:
    """``[DONE]`` comes in every recording and adds nothing."""
    head, mark, _ = recording.body.partition(b"data: [DONE]")
    assert mark
    assert decode(DIALECT, [head]).events == decode(DIALECT, [recording.body]).events


@needs_corpus
@pytest.mark.parametrize("recording", REFUSED, ids=repr)
def test_a_recorded_refusal_is_read_in_the_providers_words(recording: Recording) -> None:
    """Message, type and wait of every refused request are those of the oracle."""
    expected, response = recording.expected, recording.response
    error = DIALECT.read_error(response["status"], response["headers"], recording.body)
    assert {"message": error.message, "type": error.type, "code": error.code} == expected["error"]
    assert error.retry_after == expected["retry_after"]


def asked(recording: Recording) -> dict[str, Any] | None:
    body = recording.request.get("body")
    return body if isinstance(body, dict) and "messages" in body else None


@needs_corpus
@pytest.mark.parametrize("recording", [one for one in (*RECORDED, *REFUSED) if asked(one)], ids=repr)
def test_a_recorded_request_survives_both_halves(recording: Recording) -> None:
    """What clients sent is read, and written and read again it is the same request; an elided image is refused."""
    text = json.dumps(asked(recording))
    if "elided" in text:
        with pytest.raises(InputError, match="not valid base64"):
            DIALECT.parse(HttpCall("/v2/chat", text.encode()))
        return
    request = DIALECT.parse(HttpCall("/v2/chat", text.encode()))
    written = DIALECT.call(request)
    assert written.warnings == ()
    assert DIALECT.parse(written) == request
