"""Completions, Cloudflare's and Hugging Face's own formats: every recording gives what the oracle says, at every cut."""

from __future__ import annotations

import random

import pytest

from bourn.dialects import cloudflare, huggingface_tgi, openai_completions
from bourn.dialects.base import Dialect
from bourn.errors import TruncatedError, status_error_class
from bourn.events import Finish, ToolCallEnd
from tests.dialects.test_openai_chat_recordings import CLASSES
from tests.recordings import Recording, cuts, decode, expected_outcome, needs_corpus, outcome, recordings

FORMATS: dict[str, Dialect] = {
    "cloudflare-ai-run": cloudflare.DIALECT,
    "huggingface-tgi": huggingface_tgi.DIALECT,
    "openai-completions": openai_completions.DIALECT,
}
"""Format of the corpus to its dialect."""

ALL = [(dialect, one) for name, dialect in FORMATS.items() for one in recordings(name, f"{name}-errors")]
STREAMS = [(dialect, one) for dialect, one in ALL if "outcome" in one.expected]
COMPLETE = [(dialect, one) for dialect, one in STREAMS if one.expected["outcome"] == "complete"]
REFUSALS = [(dialect, one) for dialect, one in ALL if "status" in one.expected]


@needs_corpus
@pytest.mark.parametrize("way", ["whole", "bytes", "random"])
@pytest.mark.parametrize(("dialect", "recording"), STREAMS, ids=lambda one: one.name)
def test_a_recorded_stream_gives_what_the_oracle_says(dialect: Dialect, recording: Recording, way: str) -> None:
    """Text, calls, finish reason, usage, ids, errors and outcome are right, wherever the network cuts.

    Writer's stream has no end mark: with the quirk of its row it ends unverified.
    """
    expected = expected_outcome(recording)
    verified = expected["outcome"] != "unverified"
    got = outcome(decode(dialect, cuts(recording.body, way, recording.name), verified=verified))
    assert {field: got[field] for field in expected} == expected


@needs_corpus
@pytest.mark.parametrize(("dialect", "recording"), COMPLETE, ids=lambda one: one.name)
def test_a_stream_cut_before_its_end_mark_is_truncated(dialect: Dialect, recording: Recording) -> None:
    """Cut anywhere: an error, no Finish, no ended call, and what was said is a prefix."""
    body, dice = recording.body, random.Random(recording.name)
    whole = decode(dialect, [body]).response
    last = _last_open(dialect, body)
    for at in [0, last, *(dice.randrange(last + 1) for _ in range(8))]:
        cut = decode(dialect, [body[:at]])
        assert isinstance(cut.error, TruncatedError), at
        assert whole.text.startswith(cut.response.text)
        assert not any(isinstance(event, (Finish, ToolCallEnd)) for event in cut.events)


def _last_open(dialect: Dialect, body: bytes) -> int:
    """The last byte position before the first end mark has wholly come."""
    low, high = 0, len(body)
    while low + 1 < high:
        middle = (low + high) // 2
        framer, decoder = dialect.framer(1 << 24), dialect.decoder()
        for frame in framer.feed(body[:middle]):
            list(decoder.feed(frame))
        low, high = (low, middle) if decoder.ended else (middle, high)
    return low


@needs_corpus
def test_a_stream_without_any_mark_is_truncated_unless_that_is_known() -> None:
    """Writer's completions end as a cut would; only the row can know better."""
    (recording,) = [one for _, one in STREAMS if one.expected["outcome"] == "unverified"]
    assert isinstance(decode(openai_completions.DIALECT, [recording.body]).error, TruncatedError)


@needs_corpus
@pytest.mark.parametrize(("dialect", "recording"), REFUSALS, ids=lambda one: one.name)
def test_a_recorded_refusal_gives_what_the_oracle_says(dialect: Dialect, recording: Recording) -> None:
    """Class, message, type, code and wait of every refused request are right."""
    expected, response = recording.expected, recording.response
    said = dialect.read_error(response["status"], response["headers"], recording.body)
    assert {"message": said.message, "type": said.type, "code": said.code} == expected["error"]
    assert said.retry_after == expected["retry_after"]
    assert status_error_class(response["status"]) in CLASSES[expected["class"]]
