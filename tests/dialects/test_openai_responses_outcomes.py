"""The decoder of the Responses format: how an answer begins, ends and fails."""

from __future__ import annotations

import json

import pytest

from bourn.dialects.openai_responses.decoder import DIALECT
from bourn.errors import ModelError, PayloadError, TruncatedError
from bourn.events import (
    Finish,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallStart,
    Usage,
)
from bourn.wire.sse import SSEFrame
from tests.dialects.responses_wire import (
    CALL,
    COMPLETED,
    CREATED,
    FINISH,
    HELLO,
    START,
    Payload,
    added,
    done,
    event,
    message,
    run,
    said,
    text,
)


def test_an_answer_begins_with_whatever_comes_first() -> None:
    """Where ``response.created`` is missing, ``response.in_progress`` says who answers, or nobody does."""
    assert run({**CREATED, "type": "response.in_progress"}, CREATED, COMPLETED).events == [START, FINISH]
    assert run(done(0, **message(text("Hello"))), COMPLETED).events == [Start(), *HELLO, FINISH]
    assert run({"type": "response.completed"}).events == [Start(), Finish("stop", "completed")]


@pytest.mark.parametrize(
    ("type", "response", "finish"),
    [
        ("completed", {"status": "completed"}, Finish("stop", "completed")),
        ("completed", {}, Finish("stop", "completed")),
        ("incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}, Finish("length", "max_output_tokens")),
        ("incomplete", {"incomplete_details": {"reason": "content_filter"}}, Finish("content_filter", "content_filter")),
        ("incomplete", {"incomplete_details": {"reason": "bad_weather"}}, Finish("other", "bad_weather")),
        ("incomplete", {"status": "incomplete", "incomplete_details": None}, Finish("other", "incomplete")),
    ],
)
def test_the_finish_reason_is_the_services_own_word(type: str, response: Payload, finish: Finish) -> None:
    """What it does not say is not invented."""
    assert run(CREATED, event(type, response=response)).events == [START, finish]


def test_usage_counts_what_was_cached_and_thought() -> None:
    """Input includes the cache, output the reasoning; what was not told is None."""
    details = {"input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 1}}
    usage = {"input_tokens": 10, **details, "output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 5}}
    for told, expected in ((usage, Usage(10, 20, 3, 1, 5)), ({"output_tokens": 2}, Usage(output_tokens=2)), (None, None)):
        decoded = run(CREATED, event("completed", response={"status": "completed", "usage": told}))
        assert decoded.events[-1] == Finish("stop", "completed", expected)


def test_nothing_is_wanted_after_the_terminal_event() -> None:
    """The decoder is done, ignores OpenRouter's ``[DONE]`` and anything else, and closing it changes nothing."""
    decoder = DIALECT.decoder()
    for payload in (CREATED, COMPLETED):
        assert not decoder.done
        assert list(decoder.feed(SSEFrame("", json.dumps(payload).encode())))
    assert decoder.ended
    assert decoder.done
    assert list(decoder.feed(SSEFrame("", b"[DONE]"))) == []
    assert list(decoder.feed(SSEFrame("", b"junk"))) == []
    assert list(decoder.close()) == []


def test_done_is_no_end_evidence_without_the_terminal_event() -> None:
    """Only ``response.completed`` and ``response.incomplete`` say how the answer ended."""
    decoded = run(CREATED, b"data: [DONE]")
    assert isinstance(decoded.error, TruncatedError)
    assert "response.completed" in str(decoded.error)


def test_an_unverified_end_leaves_calls_open() -> None:
    """Of a service that is known to send no end mark: texts end, a call does not, and no reason is invented."""
    begun = [CREATED, event("output_text.delta", output_index=0, delta="Hello"), added(1, **CALL)]
    expected = [START, *HELLO[:2], ToolCallStart(1, "c", "f"), TextEnd(0), Finish("other", verified=False)]
    assert run(*begun, verified=False).events == expected
    assert run(verified=False).events == [Start(), Finish("other", verified=False)]


FAILURES: dict[str, tuple[Payload | bytes, tuple[str, str | None, str | None]]] = {
    "nested": ({"type": "error", "error": {"type": "t", "code": "c", "message": "no", "param": None}}, ("no", "t", "c")),
    "flat": ({"type": "error", "code": "c", "message": "no", "param": None, "sequence_number": 2}, ("no", None, "c")),
    "failed": (event("failed", response={"status": "failed", "error": {"code": "c", "message": "no"}}), ("no", None, "c")),
    "without a type": ({"error": {"message": "no", "code": 502}}, ("no", None, "502")),
    "by its line": (b'event: error\ndata: {"error":{"message":"no"}}', ("no", None, None)),
    "in a field": (b'error: {"error":{"message":"no"}}', ("no", None, None)),
    "under another name": ({"type": "response.error", "error": {"message": "no", "type": "t"}}, ("no", "t", None)),
    "by a line of another name": (b'event: message\ndata: {"error":{"message":"no"}}', ("no", None, None)),
    "in one word": ({"type": "error", "error": "no"}, ("no", None, None)),
}


@pytest.mark.parametrize(("payload", "words"), FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize(
    "before", [[], [CREATED, event("output_text.delta", output_index=0, delta="Hel")]], ids=["first", "mid"]
)
def test_a_failure_in_the_stream_is_raised(
    payload: Payload | bytes, words: tuple[str, str | None, str | None], before: list[Payload]
) -> None:
    """In every shape, first or in mid-answer; what arrived before it stays."""
    decoded = run(*before, payload, COMPLETED)
    assert isinstance(decoded.error, ModelError)
    assert (decoded.error.message, decoded.error.type, decoded.error.code) == words
    assert decoded.response.text == ("Hel" if before else "")
    assert not decoded.response.complete


def test_a_failed_answer_still_tells_its_usage() -> None:
    """Tokens of a failed answer are paid for."""
    failed = event("failed", response={"error": None, "usage": {"input_tokens": 7}})
    decoded = run(CREATED, failed)
    assert isinstance(decoded.error, ModelError)
    assert decoded.usage == Usage(7)


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"null",
        b"[]",
        b'{"type":"response.output_text.delta","delta":5}',
        b'{"type":"response.output_item.added","item":"x"}',
        b'{"type":"response.output_item.done","item":{"type":"function_call","arguments":{}}}',
        b'{"type":"response.output_item.done","item":{"type":"message","content":[3]}}',
    ],
)
def test_a_frame_that_cannot_be_understood_is_an_error_with_its_bytes(data: bytes) -> None:
    """No frame is skipped."""
    decoded = run(CREATED, b"data: " + data, COMPLETED)
    assert isinstance(decoded.error, PayloadError)
    assert decoded.error.raw == data


def test_sloppy_bytes_are_read_all_the_same() -> None:
    """Invalid UTF-8, lone surrogates and ``NaN`` do not end an answer."""
    bad = b'data: {"type":"response.output_text.delta","output_index":0,"delta":"a\xff\\ud800","sequence_number":NaN}'
    assert said(bad) == [TextStart(0), TextDelta(0, "a\ufffd\ufffd"), TextEnd(0)]
