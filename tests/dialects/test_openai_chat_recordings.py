"""The decoder of OpenAI chat makes of every recorded stream what an independent oracle makes, however the network cut it."""

from __future__ import annotations

import random

import pytest

from bourn.dialects.openai_chat.decoder import DIALECT, ChatDecoder
from bourn.errors import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    StatusError,
    TruncatedError,
    status_error_class,
)
from bourn.events import Finish, ToolCallEnd
from tests.recordings import Recording, cuts, decode, expected_outcome, needs_corpus, outcome, recordings

STREAMS = [
    one
    for one in recordings("openai-chat", "openai-chat-curated", "openai-chat-errors", "mistral")
    if "outcome" in one.expected
]
SMALL = [one for one in STREAMS if len(one.body) < 30_000]

DISPUTED: dict[str, tuple[set[str], str]] = {
    "openrouter-minimax-m2-free-test-openrouter-stream-error-baafd4": (
        {"finish_reason", "raw_finish_reason"},
        "an error came after the finish reason, so there is no Finish, which alone would tell it",
    ),
}
"""Recordings of which we expect something else, the fields, and why."""


def _judge(recording: Recording, way: str) -> None:
    but = DISPUTED.get(recording.name, (set(), ""))[0]
    expected = expected_outcome(recording, but=but)
    got = outcome(decode(DIALECT, cuts(recording.body, way, recording.name)))
    assert {field: got[field] for field in expected} == expected


@needs_corpus
@pytest.mark.parametrize("recording", STREAMS, ids=repr)
def test_a_recorded_stream_gives_what_the_oracle_says(recording: Recording) -> None:
    """Text, reasoning, calls, finish reason, usage, ids, errors and outcome of every recording are right."""
    _judge(recording, "whole")


@needs_corpus
@pytest.mark.parametrize("recording", STREAMS, ids=repr)
def test_a_recorded_stream_gives_the_same_at_random_cuts(recording: Recording) -> None:
    """Where the network cuts changes nothing."""
    _judge(recording, "random")


@needs_corpus
@pytest.mark.parametrize("recording", SMALL, ids=repr)
def test_a_recorded_stream_gives_the_same_byte_by_byte(recording: Recording) -> None:
    """One byte a read changes nothing (bodies below 30 kB)."""
    _judge(recording, "bytes")


def _boundaries(body: bytes) -> list[int]:
    body = body.replace(b"\r\n\r\n", b"\r\n\n\n")  # the same length, one separator to look for
    at, ends = body.find(b"\n\n"), []
    while at >= 0:
        ends.append(at + 2)
        at = body.find(b"\n\n", at + 2)
    return ends


def _last_open(body: bytes) -> int:
    """The last byte position before the event that holds the first end mark."""
    framer, decoder, before = DIALECT.framer(1 << 24), ChatDecoder(), 0
    for end in _boundaries(body):
        for frame in framer.feed(body[before:end]):
            list(decoder.feed(frame))
        if decoder.ended:
            return end - 1
        before = end
    raise AssertionError("no end mark")


@needs_corpus
@pytest.mark.parametrize("recording", [one for one in STREAMS if one.expected["outcome"] == "complete"], ids=repr)
def test_a_stream_cut_before_its_end_mark_is_truncated(recording: Recording) -> None:
    """Cut at event boundaries or anywhere else: an error, no Finish, no ended call, and what was said is a prefix."""
    body, dice = recording.body, random.Random(recording.name)
    last = _last_open(body)
    whole = decode(DIALECT, [body]).response
    edges = [end for end in _boundaries(body) if end < last]
    sampled = [0, last, *edges[-1:], *dice.sample(edges, min(4, len(edges))), *(dice.randrange(last + 1) for _ in range(3))]
    for at in sampled:
        cut = decode(DIALECT, [body[:at]])
        assert isinstance(cut.error, TruncatedError), at
        assert whole.text.startswith(cut.response.text)
        assert whole.reasoning.startswith(cut.response.reasoning)
        assert not any(isinstance(event, (Finish, ToolCallEnd)) for event in cut.events)


CLASSES: dict[str, set[type[StatusError]]] = {
    "NotAllowed": {AuthenticationError, PermissionDeniedError},
    "NotFound": {NotFoundError},
    "TooLarge": {RequestTooLargeError},
    "RateLimited": {RateLimitError},
    "Overloaded": {OverloadedError},
    "ServerFailed": {ServerError},
    "BadRequest": {BadRequestError},
}
"""The corpus's word for a kind of refusal to our classes of it."""


@needs_corpus
@pytest.mark.parametrize(
    "recording",
    [one for one in recordings("openai-chat-errors", "mistral-errors") if "status" in one.expected],
    ids=repr,
)
def test_a_recorded_refusal_gives_what_the_oracle_says(recording: Recording) -> None:
    """Class, message, type, code and wait of every refused request are right."""
    expected, response = recording.expected, recording.response
    said = DIALECT.read_error(response["status"], response["headers"], recording.body)
    assert {"message": said.message, "type": said.type, "code": said.code} == expected["error"]
    assert said.retry_after == expected["retry_after"]
    assert status_error_class(response["status"]) in CLASSES[expected["class"]]
