"""A recording of every dialect, cut at every byte: truncated before the first end mark, complete from there on, text a prefix.

The tests of each dialect cut all its recordings at random; here nothing is left to chance.
"""

from __future__ import annotations

import pytest

from bourn import dialects
from bourn.dialects.base import Dialect
from bourn.errors import TruncatedError
from bourn.events import Finish, ToolCallEnd
from bourn.wire.base import FRAME_LIMIT
from tests.dialects.spoilt import OURS
from tests.dialects.test_docs import FORMATS
from tests.recordings import Recording, decode, needs_corpus, recordings

LEAST, COUNT = 400, 2
"""Bytes that a recording must have, and how many of each format are cut at every byte: the smallest that say something."""


ENDS_CALLS_LAST = ("openai-chat", "openai-completions", "mistral", "cloudflare", "huggingface-tgi")
"""Dialects that do not say that a call is whole before the answer is."""


def sample(format: str) -> list[Recording]:
    """The smallest recordings of whole answers with a text, and of those with a call."""
    whole = [one for one in recordings(format) if one.expected.get("outcome") == "complete" and len(one.body) > LEAST]
    whole.sort(key=lambda one: len(one.body))
    texts = [one for one in whole if one.expected["text"]][:COUNT]
    calls = [one for one in whole if one.expected["tool_calls"] and one not in texts][:COUNT]
    return texts + calls


CASES = [(dialect, one) for format, dialect in FORMATS.items() for one in sample(format)]


def media_type(recording: Recording) -> str:
    told = {name.lower(): str(value) for name, value in (recording.response.get("headers") or {}).items()}
    return told.get("content-type", "").partition(";")[0].strip()


def first_mark(dialect: Dialect, body: bytes) -> int:
    """How many bytes must have come until the end evidence is there."""
    framer, decoder = dialect.framer(FRAME_LIMIT), dialect.decoder()
    for at in range(len(body)):
        for frame in framer.feed(body[at : at + 1]):
            list(decoder.feed(frame))
        if decoder.ended:
            return at + 1
    raise AssertionError("no end mark")


@needs_corpus
@pytest.mark.parametrize(("name", "recording"), CASES, ids=[f"{name}-{one.name}" for name, one in CASES])
def test_it_is_truncated_before_its_end_mark_and_complete_after_it(name: str, recording: Recording) -> None:
    """At every single byte."""
    dialect, body = dialects.get(name), recording.body
    if media_type(recording) in dialect.other_framings:
        pytest.fail("choose a recording in the usual framing")
    early = (Finish, ToolCallEnd) if name in ENDS_CALLS_LAST else Finish
    mark, whole = first_mark(dialect, body), decode(dialect, [body]).response
    for at in range(len(body)):
        cut = decode(dialect, [body[:at]])
        assert whole.text.startswith(cut.response.text), at
        assert whole.reasoning.startswith(cut.response.reasoning), at
        if at < mark:
            assert isinstance(cut.error, TruncatedError), at
            assert not any(isinstance(event, early) for event in cut.events), at
        else:
            assert cut.error is None, at
            assert cut.response.complete, at


@needs_corpus
def test_every_dialect_is_cut() -> None:
    """But for the one that has no recordings of its own: it reads Anthropic's."""
    assert {name for name, _ in CASES} == set(OURS) - {"anthropic-vertex"}
