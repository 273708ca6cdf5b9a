"""How an answer of Bedrock's Converse API ends: complete, truncated, unverified, or with an error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.bedrock.converse import DIALECT, ConverseDecoder
from bourn.errors import ChecksumError, ModelError, TruncatedError
from bourn.events import Finish, Other, Start, TextEnd, Usage
from bourn.wire.eventstream import EventStreamFramer
from tests.dialects.bedrock_wire import (
    END,
    EVIDENCE,
    SPOKEN,
    STOPPED,
    TEXT,
    WIRE,
    begin,
    delta,
    end,
    events,
    exception,
    frame,
    frames,
    metadata,
    start,
)
from tests.recordings import decode


def test_a_cut_call_stays_open_although_the_answer_finished() -> None:
    """``max_tokens`` in the middle of the input: text is ended by the finish, the call is not."""
    cut = [start(1, toolUse={"toolUseId": "t", "name": "f"}), delta(1, toolUse={"input": '{"a'}), end("max_tokens"), metadata()]
    out = decode(DIALECT, frames(begin(), delta(0, text="Hi"), *cut))
    assert out.events[-2:] == [TextEnd(0), Finish("length", "max_tokens")]
    assert out.response.complete
    assert [(call.arguments, call.complete) for call in out.response.tool_calls] == [('{"a', False)]


@pytest.mark.parametrize(
    ("marks", "finish"),
    [
        ([end(), metadata(usage={"inputTokens": 1})], Finish("stop", "end_turn", Usage(1))),
        ([metadata(usage={"inputTokens": 1}), end()], Finish("stop", "end_turn", Usage(1))),
        ([end()], STOPPED),
        ([("messageStop", {}), metadata()], Finish("other")),
        ([("messageStop", {"stopReason": None}), metadata()], Finish("other")),
        ([("messageStop", {"stopReason": 7}), metadata()], Finish("other")),
    ],
    ids=["both", "metadata first", "stop only", "no reason", "null reason", "a reason that is no word"],
)
def test_the_stop_completes_the_answer(marks: list[Any], finish: Finish) -> None:
    """``messageStop`` is the end evidence, whatever it says; no reason is invented."""
    assert events(*TEXT, *marks) == [*SPOKEN, finish]


def test_usage_is_waited_for_and_nothing_after_it() -> None:
    """``ended`` comes with the stop, ``done`` with the metadata; rubbish after them is nothing."""
    decoder, framer = ConverseDecoder(), EventStreamFramer()

    def feed(*messages: Any) -> list[Any]:
        return [event for one in framer.feed(b"".join(frames(*messages))) for event in decoder.feed(one)]

    feed(begin(), *TEXT)
    assert (decoder.ended, decoder.done) == (False, False)
    assert feed(end()) == []
    assert (decoder.ended, decoder.done) == (True, False)
    assert feed(metadata(usage={"inputTokens": 2, "outputTokens": 3})) == [Finish("stop", "end_turn", Usage(2, 3))]
    assert (decoder.ended, decoder.done, decoder.usage) == (True, True, Usage(2, 3))
    assert [*feed(*TEXT, end("tool_use"), ("metadata", {"usage": "x"})), *decoder.close()] == []


def test_metadata_alone_prove_nothing() -> None:
    """Without ``messageStop`` an answer is truncated, although its usage is known."""
    out = decode(DIALECT, frames(begin(), *TEXT, metadata(usage={"inputTokens": 2})))
    assert isinstance(out.error, TruncatedError)
    assert out.usage == Usage(2)


def test_a_body_that_ends_early_is_truncated_and_keeps_its_text() -> None:
    """Without the mark there is no finish; the parts that came are there, the last one not ended."""
    out = decode(DIALECT, frames(begin(), *TEXT[:2]))
    assert isinstance(out.error, TruncatedError)
    assert "messageStop" in str(out.error)
    assert (out.response.text, out.response.complete) == ("Hé", False)


def test_a_service_without_end_marks_is_unverified() -> None:
    """Where a quirk says that none is sent, a clean end finishes with ``verified`` false; an empty body never does."""
    out = decode(DIALECT, frames(begin(), *TEXT[:2]), verified=False)
    assert out.events[-2:] == [TextEnd(0), Finish("other", verified=False)]
    assert isinstance(decode(DIALECT, [], verified=False).error, TruncatedError)


def test_a_repeated_start_is_ignored_and_another_answer_is_an_error() -> None:
    """Two starts before anything was said are one; a gateway that began anew would double the text, unless it was all said."""
    assert events(begin(), *TEXT, *END) == [*SPOKEN, STOPPED]
    out = decode(DIALECT, frames(begin(), *TEXT, begin(), *TEXT, *END))
    assert isinstance(out.error, TruncatedError)
    assert out.error.retryable
    assert out.response.text == "Héllo"
    assert events(*TEXT, end(), begin(), *TEXT, *END) == [*SPOKEN, STOPPED]


@pytest.mark.parametrize(
    ("message", "expected", "retryable"),
    [
        (exception("throttlingException", {"message": "Slow"}), ("Slow", "throttlingException", None), True),
        (exception("internalServerException", {"message": "Oops"}), ("Oops", "internalServerException", None), True),
        (exception("serviceUnavailableException", {"message": "No"}), ("No", "serviceUnavailableException", None), True),
        (exception("modelTimeoutException", {"message": "Late"}), ("Late", "modelTimeoutException", None), True),
        (
            exception("modelStreamErrorException", {"message": "Broke", "originalStatusCode": 424, "originalMessage": "x"}),
            ("Broke", "modelStreamErrorException", "424"),
            True,
        ),
        (
            exception("modelStreamErrorException", {"originalMessage": "why"}),
            ("why", "modelStreamErrorException", None),
            True,
        ),
        (exception("validationException", {"message": "Bad"}), ("Bad", "validationException", None), False),
        (exception("newException", {}), ("the provider sent an exception without a message", "newException", None), False),
        (exception("validationException", b"<html>no</html>"), ("<html>no</html>", "validationException", None), False),
        (exception("validationException", ["no"]), ('["no"]', "validationException", None), False),
        (
            frame(b"", error_code="InternalError", error_message="Unmodelled", message_type="error"),
            ("Unmodelled", "InternalError", None),
            False,
        ),
        (frame({"message": "who?"}, message_type="exception"), ("who?", None, None), False),
        (
            frame({"message": "No"}, event_type="metadata", exception_type="validationException", message_type="exception"),
            ("No", "validationException", None),
            False,
        ),
    ],
)
def test_an_exception_is_raised_in_every_shape(message: bytes, expected: tuple[str, Any, Any], retryable: bool) -> None:
    """Its words are the provider's, and what came before it stays."""
    out = decode(DIALECT, [*frames(begin(), *TEXT[:2]), message])
    assert isinstance(out.error, ModelError)
    assert (out.error.message, out.error.type, out.error.code) == expected
    assert out.error.retryable is retryable
    assert out.response.text == "Hé"


def test_an_exception_after_the_stop_changes_nothing() -> None:
    """The answer is whole by then; only its usage is missing, and what went wrong is told beside it."""
    out = decode(DIALECT, [*frames(begin(), *TEXT, end()), exception("throttlingException", {"message": "Slow"})])
    assert (out.error, out.events) == (None, [Start(), *SPOKEN, Other("throttlingException", "Slow"), STOPPED])
    bare = decode(DIALECT, [*frames(end()), exception("throttlingException", {"message": "Slow"})])
    assert bare.events == [Start(), Other("throttlingException", "Slow"), STOPPED]


@given(st.integers(0, EVIDENCE - 1))
def test_a_cut_anywhere_is_truncated(at: int) -> None:
    """No prefix without the mark is complete, and its text is a prefix of the text."""
    cut, whole = decode(DIALECT, [WIRE[:at]]), decode(DIALECT, [WIRE])
    assert isinstance(cut.error, TruncatedError)
    assert whole.response.text.startswith(cut.response.text)


@given(st.integers(EVIDENCE, len(WIRE)))
def test_a_cut_after_the_mark_is_complete(at: int) -> None:
    """Only the usage may be missing."""
    cut, whole = decode(DIALECT, [WIRE[:at]]), decode(DIALECT, [WIRE])
    assert (cut.error, cut.response.complete, cut.response.parts) == (None, True, whole.response.parts)


@given(st.integers(0, EVIDENCE - 1), st.integers(1, 255))
def test_damage_is_never_a_wrong_answer(at: int, by: int) -> None:
    """A byte that was changed on its way is an error, after a true beginning of the answer."""
    out = decode(DIALECT, [WIRE[:at] + bytes((WIRE[at] ^ by,)) + WIRE[at + 1 :]])
    assert isinstance(out.error, ChecksumError)
    assert out.events == decode(DIALECT, [WIRE]).events[: len(out.events)]
