"""The decoder of Cohere's chat: every oddity by itself, every way to end, and any cut. Recordings have their own file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn import dialects
from bourn.dialects.cohere.decoder import DIALECT, CohereDecoder
from bourn.dialects.cohere.words import PLAN
from bourn.errors import ModelError, PayloadError, TruncatedError
from bourn.events import (
    ChosenToken,
    Citation,
    Finish,
    Logprobs,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.testing.strategies import chunkings
from bourn.wire import sse
from bourn.wire.sse import SSEFrame
from tests.dialects.cohere_wire import (
    DONE,
    SPOKEN,
    STOPPED,
    TEXT,
    WIRE,
    arguments,
    begin,
    body,
    call,
    decoded,
    end,
    events,
    message,
    piece,
    plan,
    start,
    stop,
)
from tests.recordings import decode


def test_the_dialect_is_found_by_its_name() -> None:
    """``dialects.get`` gives it, with the version in its path."""
    assert dialects.get("cohere") is DIALECT
    assert (DIALECT.root, DIALECT.paths, DIALECT.auth) == ("", ("/v2/chat",), ("authorization", "Bearer "))


# --- what is said -----------------------------------------------------------------------------------------------------------


def test_blocks_of_thinking_and_text_are_parts() -> None:
    """Each begins and ends where its block does; what the start holds counts; an empty block is a part all the same."""
    assert events(
        start(0, "thinking", "H"),
        piece(0, "m", "thinking"),
        stop(0),
        *[{**payload, "index": 1} for payload in TEXT],
        start(2),
        stop(2),
        end(),
    ) == [
        ReasoningStart(0),
        ReasoningDelta(0, "H"),
        ReasoningDelta(0, "m"),
        ReasoningEnd(0),
        TextStart(1),
        TextDelta(1, "Hé"),
        TextDelta(1, "llo"),
        TextEnd(1),
        TextStart(2),
        TextEnd(2),
        STOPPED,
    ]


def test_the_tool_plan_is_reasoning_that_ends_where_something_begins() -> None:
    """It has neither start nor end on the wire; its id says what it is, so that it can be sent back as such."""
    planned = [ReasoningStart(0, PLAN), ReasoningDelta(0, "I "), ReasoningDelta(0, "will"), ReasoningEnd(0)]
    said = [plan("I "), plan(""), plan("will")]
    assert events(*said, call(0, "c", "f"), stop(0, "tool-call"), end("TOOL_CALL"))[:5] == [
        *planned,
        ToolCallStart(1, "c", "f"),
    ]
    assert events(*said, start(0), stop(0), end())[:5] == [*planned, TextStart(1)]
    assert events(*said, end()) == [*planned, STOPPED]


def test_calls_are_told_apart_by_their_number() -> None:
    """Their numbers are not those of the blocks; pieces are kept as they are, and may interleave."""
    assert events(
        start(0, "thinking"),
        stop(0),
        call(0, "c", "f"),
        arguments(0, '{"a":'),
        call(1, "d", "g", '{"b"'),
        arguments(1, ":2}"),
        arguments(0, " 1}"),
        stop(0, "tool-call"),
        stop(1, "tool-call"),
        end("TOOL_CALL"),
    ) == [
        ReasoningStart(0),
        ReasoningEnd(0),
        ToolCallStart(1, "c", "f"),
        ToolCallDelta(1, '{"a":'),
        ToolCallStart(2, "d", "g"),
        ToolCallDelta(2, '{"b"'),
        ToolCallDelta(2, ":2}"),
        ToolCallDelta(1, " 1}"),
        ToolCallEnd(1),
        ToolCallEnd(2),
        Finish("tool_calls", "TOOL_CALL"),
    ]


def test_a_call_without_arguments_has_no_delta() -> None:
    """As seen in ``…chat-function-calling-cohere-command-a-03-20-31c91e``; empty and null pieces are none."""
    assert events(call(0, "c", "f"), arguments(0, ""), arguments(0, None), stop(0, "tool-call"), end("TOOL_CALL")) == [
        ToolCallStart(0, "c", "f"),
        ToolCallEnd(0),
        Finish("tool_calls", "TOOL_CALL"),
    ]


def test_a_call_that_nobody_ended_stays_open() -> None:
    """Neither the end of the message nor a call of the same number makes it whole."""
    out = decoded(begin(), call(0, "c", "f", '{"a'), call(0, "d", "g", "{}"), stop(0, "tool-call"), end("MAX_TOKENS"))
    assert [(one.id, one.arguments, one.complete) for one in out.response.tool_calls] == [
        ("c", '{"a', False),
        ("d", "{}", True),
    ]
    assert out.events[-1] == Finish("length", "MAX_TOKENS")


CITATION = {"start": 0, "end": 2, "text": "Hé", "sources": [{"type": "document", "id": "doc:0"}]}


def cite(index: int, **fields: Any) -> list[dict[str, Any]]:
    return [message("citation-start", index, citations={**CITATION, **fields}), stop(index, "citation")]


def cited(citation: dict[str, Any], index: int | None = None) -> Citation:
    """The citation of a source, which says more than its fields."""
    places = {name: citation[name] for name in ("text", "start", "end")}
    return Citation(index, id=citation["sources"][0]["id"], raw=citation, **places)


def numbers(index: int | None = None) -> Logprobs:
    told = {"text": "Hé", "token_ids": [1], "logprobs": [-0.5]}
    return Logprobs((ChosenToken("Hé", -0.5),), index, told)


def test_citations_name_the_part_they_belong_to() -> None:
    """By the number of the block; without one it is the last text; a citation of the plan belongs to the plan."""
    assert events(
        plan("p"),
        *TEXT[:2],
        *cite(0),
        TEXT[2],
        stop(0),
        start(1),
        *cite(1, content_index=0),
        *cite(2, content_index=1, type="TEXT_CONTENT"),
        *cite(3, type="PLAN"),
        stop(1),
        start(2, "thinking"),
        *cite(4),
        *cite(5, content_index=[2]),
        *cite(6, content_index=2),
        stop(2),
        end(),
    ) == [
        ReasoningStart(0, PLAN),
        ReasoningDelta(0, "p"),
        ReasoningEnd(0),
        TextStart(1),
        TextDelta(1, "Hé"),
        cited(CITATION, 1),
        TextDelta(1, "llo"),
        TextEnd(1),
        TextStart(2),
        cited({**CITATION, "content_index": 0}, 1),
        cited({**CITATION, "content_index": 1, "type": "TEXT_CONTENT"}, 2),
        cited({**CITATION, "type": "PLAN"}, 0),
        TextEnd(2),
        ReasoningStart(3),
        cited(CITATION, 2),
        cited({**CITATION, "content_index": [2]}, 2),
        cited({**CITATION, "content_index": 2}, 3),
        ReasoningEnd(3),
        STOPPED,
    ]


def test_citations_may_be_several_or_come_first() -> None:
    """The name is plural, so a list is read, too; without a text there is no part to name."""
    several = message("citation-start", 0, citations=[CITATION, CITATION])
    assert events(several, end())[:2] == [cited(CITATION)] * 2


def test_logprobs_are_kept_with_their_part() -> None:
    """They come beside the text of a piece, or alone."""
    told = {"text": "Hé", "token_ids": [1], "logprobs": [-0.5]}
    assert events(
        start(0),
        message("content-delta", 0, content={"text": "Hé"}, logprobs=told),
        message("content-delta", 0, content={"text": ""}, logprobs=told),
        stop(0),
        end(),
    ) == [TextStart(0), TextDelta(0, "Hé"), numbers(0), numbers(0), TextEnd(0), STOPPED]
    assert events(
        start(0, "thinking"),
        message("content-delta", 0, content={"thinking": ""}, logprobs=told),
        message("content-delta", 0, content={"thinking": "Hm"}, logprobs=told),
        message("content-delta", 7, content={}, logprobs=told),
        end(),
    ) == [
        ReasoningStart(0),
        numbers(0),
        ReasoningDelta(0, "Hm"),
        numbers(0),
        numbers(),
        ReasoningEnd(0),
        STOPPED,
    ]


def test_unknown_events_are_kept() -> None:
    """One that the API may invent tomorrow, or asks to debug, is an ``Other`` with its payload, and disturbs nothing."""
    news = {"type": "message-mood", "mood": "fine", "message": "yes"}
    debug = {"type": "debug", "prompt": "..."}
    assert events(news, debug, *TEXT, end()) == [Other("message-mood", news), Other("debug", debug), *SPOKEN, STOPPED]
    untyped = [sse.encode(b'{"a":1}', name) for name in ("", "note")]
    out = decode(DIALECT, [body(begin()), *untyped, body(end())])
    assert out.events[1:] == [Other("message", {"a": 1}), Other("note", {"a": 1}), STOPPED]


def test_forgotten_starts_are_made_up_for() -> None:
    """An answer without ``message-start``, or a piece without its block, loses nothing; a start that is repeated is none."""
    assert decoded(*TEXT, end()).events == [Start(), *SPOKEN, STOPPED]
    out = decoded(piece(0, "Hm", "thinking"), piece(1, "Hi"), end())
    assert (out.response.reasoning, out.response.text, out.error) == ("Hm", "Hi", None)
    assert events(*TEXT, begin("j"), end()) == [*SPOKEN, STOPPED]
    assert decoded(stop(0, "citation"), stop(0), begin("j"), end()).events == [Start("j"), STOPPED]


def test_what_is_empty_is_not_told() -> None:
    """An empty id, reason or name is none, and a number that is missing is 0."""
    unnamed = {"type": "tool-call-start", "delta": {"message": {"tool_calls": {"id": "", "function": {}}}}}
    nothing = message("tool-call-start", 1)
    assert decoded(begin(""), *TEXT, unnamed, arguments(0, "{}"), {"type": "tool-call-end"}, nothing, end("")).events == [
        Start(),
        *SPOKEN,
        ToolCallStart(1, None, ""),
        ToolCallDelta(1, "{}"),
        ToolCallEnd(1),
        Finish("other"),
    ]
    bare = [{name: value for name, value in one.items() if name != "index"} for one in TEXT]
    assert events(*bare, *TEXT[1:], end())[:4] == SPOKEN


def test_a_piece_after_the_end_of_its_block_is_a_part_of_its_own() -> None:
    """Under the number of a block that is over."""
    assert events(*TEXT, piece(0, "!"), end()) == [*SPOKEN, TextStart(1), TextDelta(1, "!"), TextEnd(1), STOPPED]


def test_a_piece_may_hold_both_kinds() -> None:
    """Nobody sends it, and nothing of it is lost."""
    both = message("content-delta", 0, content={"text": "a", "thinking": "b"})
    for block in (start(0), start(0, "thinking")):
        out = decoded(begin(), block, both, stop(0), end())
        assert (out.error, out.response.text, out.response.reasoning) == (None, "a", "b")


def test_a_piece_of_another_kind_than_its_block_is_a_part_of_its_own() -> None:
    """Thinking in a block of text ends the text; nothing is lost."""
    assert events(*TEXT[:2], piece(0, "hm", "thinking"), piece(0, "?", "thinking"), stop(0), end()) == [
        *SPOKEN[:2],
        TextEnd(0),
        ReasoningStart(1),
        ReasoningDelta(1, "hm"),
        ReasoningDelta(1, "?"),
        ReasoningEnd(1),
        STOPPED,
    ]


def test_a_block_that_begins_again_ends_the_one_before() -> None:
    """Under the same number a new block is a new part."""
    assert events(*TEXT[:2], *TEXT, end())[:4] == [TextStart(0), TextDelta(0, "Hé"), TextEnd(0), TextStart(1)]


def test_strays_disturb_nothing() -> None:
    """Ends of what never began are nothing, a piece of an unknown call is kept."""
    stray = arguments(7, "{")
    assert events(stop(5), stop(5, "tool-call"), stray, *TEXT, end()) == [Other("tool-call-delta", stray), *SPOKEN, STOPPED]


# --- the end ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "tool_calls"),
        ("USER_CANCEL", "other"),
        (None, "other"),
    ],
)
def test_every_finish_reason_has_its_shared_word(raw: str | None, reason: str) -> None:
    """The provider's word is kept beside the shared one; none is invented."""
    finish = events(end(raw))[-1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.raw_reason) == (reason, raw)


@pytest.mark.parametrize(
    ("fields", "expected", "retryable"),
    [
        ({"reason": "ERROR", "error": "bad tools", "error_type": "INVALID"}, ("bad tools", "INVALID", None), False),
        ({"reason": "ERROR", "error": "no"}, ("no", None, None), False),
        ({"reason": "ERROR"}, ("the generation failed", None, None), False),
        ({"reason": "ERROR_LIMIT", "error": "long"}, ("long", None, "ERROR_LIMIT"), False),
        ({"reason": "ERROR_TOXIC"}, ("the generation was stopped since it was found to be toxic", None, "ERROR_TOXIC"), False),
        ({"reason": "TIMEOUT"}, ("the generation took too long", None, "TIMEOUT"), True),
        ({"reason": None, "error": "no"}, ("no", None, None), False),
        ({"reason": "COMPLETE", "error": "no"}, ("no", None, None), False),
    ],
)
def test_an_answer_that_failed_is_an_error(fields: dict[str, Any], expected: tuple[str, Any, Any], retryable: bool) -> None:
    """Its words are the provider's where there are any, the text before it stays, and usage that was told is known."""
    out = decode(DIALECT, [body(begin(), *TEXT, end(**fields, usage={"tokens": {"input_tokens": 3}})) + DONE])
    assert isinstance(out.error, ModelError)
    assert (out.error.message, out.error.type, out.error.code) == expected
    assert out.error.retryable is retryable
    assert (out.response.text, out.response.complete) == ("Héllo", False)
    assert out.usage == Usage(3)


def test_usage_is_what_the_model_read_and_wrote() -> None:
    """What else is told, what is billed say, is kept beside it."""
    usage = {
        "billed_units": {"input_tokens": 1, "output_tokens": 2},
        "tokens": {"input_tokens": 10, "output_tokens": 20.0, "image_tokens": 5},
        "cached_tokens": 4,
    }
    assert events(*TEXT, end(usage=usage))[4:] == [
        Other("usage", {"billed_units": {"input_tokens": 1, "output_tokens": 2}, "tokens": {"image_tokens": 5}}),
        Finish("stop", "COMPLETE", Usage(10, 20, 4)),
    ]


def test_message_end_ends_the_answer_and_nothing_is_waited_for() -> None:
    """It brings reason and usage, so ``[DONE]``, and anything else after it, is nothing."""
    decoder = CohereDecoder()
    for one in (begin(), *TEXT):
        decoder.feed(SSEFrame(one["type"], json.dumps(one).encode()))
    assert (decoder.ended, decoder.done) == (False, False)
    assert list(decoder.feed(SSEFrame("message-end", json.dumps(end()).encode()))) == [STOPPED]
    assert (decoder.ended, decoder.done) == (True, True)
    assert [*decoder.feed(SSEFrame("", b"[DONE]")), *decoder.feed(SSEFrame("x", b"{")), *decoder.close()] == []


def test_done_alone_is_an_end_mark() -> None:
    """A service that drops ``message-end`` still says that it is done; no reason is invented."""
    assert decode(DIALECT, [body(begin(), *TEXT) + DONE]).events[1:] == [*SPOKEN, Finish("other")]
    assert decode(DIALECT, [DONE]).events == [Start(), Finish("other")]


def test_a_body_that_ends_early_is_truncated_and_keeps_its_text() -> None:
    """Without a mark there is no finish; the parts that came are there, the last one not ended."""
    out = decoded(begin(), *TEXT[:2])
    assert isinstance(out.error, TruncatedError)
    assert "message-end" in str(out.error)
    assert (out.response.text, out.response.complete) == ("Hé", False)
    with pytest.raises(TruncatedError):
        CohereDecoder().close()


def test_a_service_without_end_marks_is_unverified() -> None:
    """Where a quirk says that none is sent, a clean end finishes with ``verified`` false; an empty body never does."""
    assert decoded(begin(), *TEXT[:2], verified=False).events[-2:] == [TextEnd(0), Finish("other", verified=False)]
    assert isinstance(decode(DIALECT, [], verified=False).error, TruncatedError)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b'data: {"message":"no","id":"r"}\n\n', ("no", None, None, "r")),
        (b'data: {"error":{"message":"no","type":"t","code":7}}\n\n', ("no", "t", "7", None)),
        (b'event: error\ndata: {"message":"no","error_type":"T"}\n\n', ("no", "T", None, None)),
        (b"event: error\ndata: upstream died\n\n", ("upstream died", None, None, None)),
        (b"event: error\ndata: {}\n\n", ("Cohere reported an error without a message", None, None, None)),
        (b'error: {"message":"slot"}\n\n', ("slot", None, None, None)),
    ],
)
def test_an_error_of_a_gateway_is_raised(frame: bytes, expected: tuple[Any, ...]) -> None:
    """In the shapes in which proxies put one into a stream, after the text that came."""
    out = decode(DIALECT, [body(begin(), *TEXT) + frame])
    assert isinstance(out.error, ModelError)
    assert (out.error.message, out.error.type, out.error.code, out.error.request_id) == expected
    assert out.response.text == "Héllo"


@pytest.mark.parametrize(
    "frame",
    [
        b"data: {\n\n",
        b"event: content-delta\ndata: <html>\n\n",
        b'event: content-delta\ndata: {"index":0}\n\n',
        b'event: content-delta\ndata: {"index":0,"delta":{"message":{"content":{"text":1}}}}\n\n',
        b'event: content-start\ndata: {"index":"a","delta":{"message":{"content":{}}}}\n\n',
        b'event: tool-call-start\ndata: {"delta":{"message":{"tool_calls":"x"}}}\n\n',
        b'event: citation-start\ndata: {"delta":{"message":{"citations":1}}}\n\n',
        b'event: message-end\ndata: {"delta":{"usage":[]}}\n\n',
        b'event: message-start\ndata: "x"\n\n',
        b"data: [1]\n\n",
    ],
)
def test_an_undecodable_frame_is_an_error_with_its_bytes(frame: bytes) -> None:
    """It is never skipped, and never a bare JSON error."""
    first = b"" if b"message-start" in frame else body(begin(), *TEXT[:2])
    out = decode(DIALECT, [first + frame])
    assert isinstance(out.error, PayloadError)
    assert out.error.raw == frame.rpartition(b"data: ")[2].strip()


def test_bad_bytes_become_replacement_characters() -> None:
    """Invalid UTF-8 and lone surrogates inside a piece cost a letter, not the answer."""
    shape = b'event: content-delta\ndata: {"index":0,"delta":{"message":{"content":{"text":"%b"}}}}\n\n'
    out = decode(DIALECT, [body(begin(), TEXT[0]), shape % b"a\xff", shape % b"b\\ud83d", body(end())])
    assert out.error is None
    assert out.response.text == "a\ufffdb\ufffd"


def test_names_do_not_matter_where_the_payload_has_its_type() -> None:
    """Without ``event`` lines, or with wrong ones, and with its keys sorted, the answer is the same."""
    for name in ("", "message", "data"):
        chunks = [sse.encode(json.dumps(one, sort_keys=True).encode(), name) for one in (begin(), *TEXT, end())]
        assert decode(DIALECT, chunks).events[1:] == [*SPOKEN, STOPPED]


@given(chunkings(WIRE))
def test_the_cuts_of_the_network_change_nothing(chunks: list[bytes]) -> None:
    """The same events come out of the same bytes, wherever they were cut, also inside a letter."""
    assert decode(DIALECT, chunks).events == decode(DIALECT, [WIRE]).events


@given(st.integers(0, len(WIRE) - 1))
def test_a_cut_anywhere_is_truncated(at: int) -> None:
    """No prefix without a mark is complete, its text is a prefix of the text, and its call is whole only with its end."""
    cut, whole = decode(DIALECT, [WIRE[:at]]), decode(DIALECT, [WIRE])
    assert isinstance(cut.error, TruncatedError)
    assert whole.response.text.startswith(cut.response.text)
    ended = WIRE.index(b"\n\n", WIRE.index(b"tool-call-end")) + 2
    assert all(call.complete == (at >= ended) for call in cut.response.tool_calls)
