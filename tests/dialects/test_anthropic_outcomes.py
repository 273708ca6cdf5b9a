"""How an answer of Anthropic's ends: complete, truncated, unverified, or with an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.anthropic.decoder import DIALECT, AnthropicDecoder
from bourn.errors import ModelError, PayloadError, TruncatedError
from bourn.events import (
    Finish,
    TextEnd,
)
from bourn.wire import sse
from tests.dialects.anthropic_wire import SPOKEN, STOPPED, TEXT, WIRE, begin, block, delta, end, events, frames
from tests.recordings import decode


def test_a_cut_call_stays_open_although_the_answer_finished() -> None:
    """``max_tokens`` in the middle of the arguments: text is ended by the finish, the call is not."""
    out = decode(
        DIALECT,
        frames(
            begin(),
            block(0, type="text", text="Hi"),
            block(1, type="tool_use", id="toolu_1", name="f", input={}),
            delta(1, "input_json_delta", partial_json='{"a'),
            *end("max_tokens"),
        ),
    )
    assert out.events[-2:] == [TextEnd(0), Finish("length", "max_tokens")]
    assert out.response.complete
    assert [(call.arguments, call.complete) for call in out.response.tool_calls] == [('{"a', False)]


@pytest.mark.parametrize(
    ("marks", "finish"),
    [
        (end(), STOPPED),
        (end()[:1], STOPPED),
        (end()[1:], Finish("other")),
        (end(None), Finish("other")),
    ],
    ids=["both", "stop reason only", "message_stop only", "null stop reason"],
)
def test_either_end_mark_completes_the_answer(marks: list[dict[str, Any]], finish: Finish) -> None:
    """A stop reason or ``message_stop`` will do; no reason is invented."""
    assert events(*TEXT, *marks) == [*SPOKEN, finish]


def test_the_last_mark_ends_the_answer_and_later_bytes_are_ignored() -> None:
    """``ended`` comes with the stop reason, ``done`` with ``message_stop``; ``[DONE]`` and rubbish after it are nothing."""
    decoder = AnthropicDecoder()
    for payload in (begin(), *TEXT):
        decoder.feed_payload(json.dumps(payload).encode())
    assert (decoder.ended, decoder.done) == (False, False)
    decoder.feed_payload(json.dumps(end()[0]).encode())
    assert (decoder.ended, decoder.done) == (True, False)
    assert list(decoder.feed_payload(b'{"type":"message_stop"}')) == [STOPPED]
    assert (decoder.ended, decoder.done) == (True, True)
    assert [*decoder.feed_payload(b"[DONE]", "data"), *decoder.feed_payload(b"{"), *decoder.close()] == []


def test_done_without_message_stop_is_the_last_mark() -> None:
    """A gateway's ``[DONE]`` after the stop reason ends the answer; before any evidence it proves nothing."""
    done = sse.encode(b"[DONE]", "data")
    assert decode(DIALECT, [*frames(begin(), *TEXT, end()[0]), done]).events[-1] == STOPPED
    assert isinstance(decode(DIALECT, [*frames(begin(), *TEXT), done]).error, TruncatedError)


def test_a_body_that_ends_early_is_truncated_and_keeps_its_text() -> None:
    """Without a mark there is no finish; the parts that came are there, the last one not ended."""
    out = decode(DIALECT, frames(begin(), *TEXT[:2]))
    assert isinstance(out.error, TruncatedError)
    assert "message_stop" in str(out.error)
    assert (out.response.text, out.response.complete) == ("Hé", False)


def test_a_service_without_end_marks_is_unverified() -> None:
    """Where a quirk says that none is sent, a clean end finishes with ``verified`` false; an empty body never does."""
    out = decode(DIALECT, frames(begin(), *TEXT[:2]), verified=False)
    assert out.events[-2:] == [TextEnd(0), Finish("other", verified=False)]
    assert isinstance(decode(DIALECT, [], verified=False).error, TruncatedError)


def test_a_repeated_start_is_ignored() -> None:
    """Gateways send ``message_start`` twice; the second one changes nothing."""
    assert events(begin(), *TEXT, *end()) == [*SPOKEN, STOPPED]
    assert events(*TEXT, begin(), *end()) == [*SPOKEN, STOPPED]


def test_another_message_in_the_same_body_is_an_error() -> None:
    """A gateway that retried within one body would double the text: the first message counts as cut off."""
    out = decode(DIALECT, frames(begin(), *TEXT, begin(id="msg_2"), *TEXT, *end()))
    assert isinstance(out.error, TruncatedError)
    assert out.error.retryable
    assert out.response.text == "Héllo"
    assert events(*TEXT, end()[0], begin(id="msg_2"), *TEXT, *end()) == [*SPOKEN, STOPPED]


@pytest.mark.parametrize(
    ("frame", "expected", "retryable"),
    [
        (
            b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
            ("Overloaded", "overloaded_error", None),
            True,
        ),
        (
            b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"Oops"},"request_id":"req_1"}\n\n',
            ("Oops", "api_error", None),
            True,
        ),
        (
            b'data: {"type":"error","error":{"type":"rate_limit_error","message":"Slow"}}\n\n',
            ("Slow", "rate_limit_error", None),
            True,
        ),
        (
            b'data: {"type":"error","error":{"type":"invalid_request_error","message":"No","details":{"error_code":"x"}}}\n\n',
            ("No", "invalid_request_error", "x"),
            False,
        ),
        (b'data: {"error":{"message":"No","type":"t","code":500}}\n\n', ("No", "t", "500"), False),
        (b'event: error\ndata: {"error":"No"}\n\n', ("No", None, None), False),
        (b'event: error\ndata: {"detail":"No"}\n\n', ("No", None, None), False),
        (b'event: error\ndata: ["No"]\n\n', ('["No"]', None, None), False),
        (b"event: error\ndata: upstream died\n\n", ("upstream died", None, None), False),
        (
            b'event: error\ndata: {"type":"error","error":{}}\n\n',
            ("the provider sent an error without a message", None, None),
            False,
        ),
        (b'error: {"message":"slot"}\n\n', ("slot", None, None), False),
    ],
)
def test_an_error_event_is_raised_in_every_shape(frame: bytes, expected: tuple[str, Any, Any], retryable: bool) -> None:
    """Its words are the provider's, and what came before it stays."""
    out = decode(DIALECT, [*frames(begin(), *TEXT[:2]), frame])
    assert isinstance(out.error, ModelError)
    assert (out.error.message, out.error.type, out.error.code) == expected
    assert out.error.retryable is retryable
    assert out.error.request_id == ("req_1" if b"req_1" in frame else None)
    assert out.response.text == "Hé"


@pytest.mark.parametrize(
    "frame",
    [
        b"data: {\n\n",
        b"event: content_block_delta\ndata: <html>\n\n",
        b'event: content_block_delta\ndata: {"index":0}\n\n',
        b'event: content_block_delta\ndata: {"delta":{"type":"text_delta","text":"x"}}\n\n',
        b'event: content_block_start\ndata: {"index":0}\n\n',
        b'event: message_start\ndata: {"message":"x"}\n\n',
        b'event: message_delta\ndata: {"delta":[]}\n\n',
        b'event: message_delta\ndata: {"delta":{},"usage":{"output_tokens":"many"}}\n\n',
        b'event: message_stop\ndata: "x"\n\n',
        b"data: [1]\n\n",
    ],
)
def test_an_undecodable_frame_is_an_error_with_its_bytes(frame: bytes) -> None:
    """It is never skipped, and never a bare JSON error."""
    out = decode(DIALECT, [*frames(begin(), *TEXT[:2]), frame])
    assert isinstance(out.error, PayloadError)
    assert out.error.raw == frame.rpartition(b"data: ")[2].strip()
    assert out.response.text == "Hé"


@given(st.integers(0, WIRE.index(b"message_delta")))
def test_a_cut_anywhere_is_truncated(at: int) -> None:
    """No prefix without a mark is complete, and its text is a prefix of the text."""
    cut, whole = decode(DIALECT, [WIRE[:at]]), decode(DIALECT, [WIRE])
    assert isinstance(cut.error, TruncatedError)
    assert whole.response.text.startswith(cut.response.text)
