"""The decoder of Ollama's native API: every oddity by itself, every way to end, and any cut. Recordings have their own file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn import dialects
from bourn.dialects.ollama.decoder import DIALECT, OllamaDecoder
from bourn.errors import ModelError, PayloadError, TruncatedError
from bourn.events import (
    ChosenToken,
    Finish,
    Logprobs,
    MediaDelta,
    MediaEnd,
    MediaStart,
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
from tests.dialects.ollama_wire import STOPPED, body, called, decoded, end, events, said
from tests.recordings import decode

TEXT = [said("Hé"), said("llo")]
SPOKEN = [TextStart(0), TextDelta(0, "Hé"), TextDelta(0, "llo"), TextEnd(0)]

WIRE = body(said(thinking="日本\u2028}"), *TEXT, called("f", {"a": "{"}, id="c"), end(prompt_eval_count=3, eval_count=4))
"""One answer with everything that a cut could hurt."""


def test_the_dialect_is_found_by_its_name() -> None:
    """``dialects.get`` gives it, without a root, under the path that Ollama has."""
    assert dialects.get("ollama") is DIALECT
    assert (DIALECT.root, DIALECT.paths) == ("", ("/api/chat",))


def test_both_content_types_of_a_stream_are_taken() -> None:
    """Ollama says NDJSON, its cloud says JSON for the same lines."""
    assert DIALECT.framings() == {
        "application/x-ndjson": DIALECT.framer,
        "application/json": DIALECT.framer,
    }


# --- what is said -----------------------------------------------------------------------------------------------------------


def test_thinking_comes_before_text() -> None:
    """Each is a part of its own, ended when the other begins; empty texts say nothing."""
    assert events(said(thinking="Hm"), said(thinking="."), *TEXT, said(), end()) == [
        ReasoningStart(0),
        ReasoningDelta(0, "Hm"),
        ReasoningDelta(0, "."),
        ReasoningEnd(0),
        TextStart(1),
        TextDelta(1, "Hé"),
        TextDelta(1, "llo"),
        TextEnd(1),
        STOPPED,
    ]


def test_thinking_and_text_may_share_a_line() -> None:
    """A model that stops thinking in the middle of a token gives both; the thinking was first."""
    assert events(said("a", thinking="b"), end())[1:4] == [ReasoningDelta(0, "b"), ReasoningEnd(0), TextStart(1)]


def test_words_after_words_of_the_other_kind_are_told_apart() -> None:
    """However many lines went on with one part, a line with both kinds, or with the other one, is read as a whole."""
    told = events(said("a"), said("b"), said("d", thinking="c"), said(thinking="e"), said("f"), end())
    deltas = [event for event in told if isinstance(event, TextDelta | ReasoningDelta)]
    assert [event.text for event in deltas] == ["a", "b", "c", "d", "e", "f"]
    assert [event.index for event in deltas] == [0, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("lines", [1, 7, 8, 9, 30])
def test_lines_with_more_than_words_are_read_however_many(lines: int) -> None:
    """What stands beside the words of a line is given, after plain lines and before them, and no word is lost."""
    odd = [{**said(f"{at} "), "completed": at} for at in range(1, lines + 1)]
    told = events(said("a"), *odd, said("b"), said("c"), end())
    words = ["a", *(f"{at} " for at in range(1, lines + 1)), "b", "c"]
    assert [event.text for event in told if isinstance(event, TextDelta)] == words
    assert [event.payload for event in told if isinstance(event, Other)] == [*range(1, lines + 1)]


def test_text_in_the_last_line_counts() -> None:
    """As seen in ``ollama-gpt-oss-20b-stream-with-thinking-1-2fe0e7``."""
    last = {**said("llo"), "done": True, "done_reason": "stop"}
    assert events(TEXT[0], last) == [*SPOKEN, STOPPED]


def test_a_last_line_that_looks_like_the_others_is_the_last() -> None:
    """After words, one with more of them that says no more than that it is done ends the answer."""
    told = events(said("a"), {**said("b"), "done": True})
    assert told == [TextStart(0), TextDelta(0, "a"), TextDelta(0, "b"), TextEnd(0), Finish("other", None)]


def test_calls_come_whole() -> None:
    """Arguments are compact JSON with the keys and letters as they came; an id is given where there is one."""
    assert events(
        said("Look:"),
        called("f", {"b": "é<", "a": [1, 2.5]}, id="call_1"),
        called("g", {}),
        said("after"),
        end(),
    ) == [
        TextStart(0),
        TextDelta(0, "Look:"),
        TextEnd(0),
        ToolCallStart(1, "call_1", "f"),
        ToolCallDelta(1, '{"b":"é<","a":[1,2.5]}'),
        ToolCallEnd(1),
        ToolCallStart(2, None, "g"),
        ToolCallDelta(2, "{}"),
        ToolCallEnd(2),
        TextStart(3),
        TextDelta(3, "after"),
        TextEnd(3),
        Finish("tool_calls", "stop"),
    ]


@pytest.mark.parametrize(("arguments", "text"), [(None, ""), ('{"a": 1}', '{"a": 1}'), ([1], "[1]")])
def test_arguments_of_other_shapes_are_kept(arguments: Any, text: str) -> None:
    """Servers that stand in for Ollama send them as a text, or not at all."""
    assert decoded(called("f", arguments), end()).response.tool_calls[0].arguments == text


def test_several_calls_may_share_a_line() -> None:
    """Each is a part of its own, in their order."""
    line = said(tool_calls=[{"function": {"name": name, "arguments": {}}} for name in "fg"])
    assert [call.name for call in decoded(line, end()).response.tool_calls] == ["f", "g"]


def test_generate_is_read_as_well() -> None:
    """``/api/generate`` has ``response`` for the message's content, and the context at its end."""
    lines = [
        {"model": "m", "response": "", "thinking": "Hm", "done": False},
        {"model": "m", "response": "Hi", "done": False},
        {"model": "m", "response": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}], "done": False},
        {"model": "m", "response": "", "done": True, "done_reason": "stop", "context": [1, 2], "eval_count": 2},
    ]
    assert events(*lines) == [
        ReasoningStart(0),
        ReasoningDelta(0, "Hm"),
        ReasoningEnd(0),
        TextStart(1),
        TextDelta(1, "Hi"),
        TextEnd(1),
        ToolCallStart(2, None, "f"),
        ToolCallDelta(2, "{}"),
        ToolCallEnd(2),
        Other("context", [1, 2]),
        Finish("tool_calls", "stop", Usage(None, 2)),
    ]


def test_what_is_empty_is_not_told() -> None:
    """An empty model, id or list of logprobs is none, and a last line need not hold a message."""
    lines = [{**said("a"), "model": "", "logprobs": []}, called("f", None, id=""), {"done": True}]
    assert decoded(*lines).events == [
        Start(),
        TextStart(0),
        TextDelta(0, "a"),
        TextEnd(0),
        ToolCallStart(1, None, "f"),
        ToolCallEnd(1),
        Finish("other"),
    ]


def test_what_has_no_word_here_is_kept() -> None:
    """Log probabilities, images, and the times at the end, after the part that they came with."""
    assert events(
        {**said("a"), "logprobs": [{"token": "a"}]},
        {**said("a"), "logprobs": [{"token": "a"}]},
        said(images=["aWQ=", "?"]),
        {**said(), "image": "aWQ="},
        end(total_duration=4, load_duration=1, prompt_eval_duration=2, eval_duration=3),
    ) == [
        TextStart(0),
        TextDelta(0, "a"),
        Logprobs((ChosenToken("a"),), 0, [{"token": "a"}]),
        TextDelta(0, "a"),
        Logprobs((ChosenToken("a"),), 0, [{"token": "a"}]),
        *(MediaStart(1, "image"), MediaDelta(1, b"id"), MediaEnd(1), Other("images", "?")),
        *(MediaStart(2, "image"), MediaDelta(2, b"id"), MediaEnd(2)),
        TextEnd(0),
        Other("total_duration", 4),
        Other("load_duration", 1),
        Other("prompt_eval_duration", 2),
        Other("eval_duration", 3),
        STOPPED,
    ]


def test_what_is_said_on_every_line_is_given_once() -> None:
    """A local server that asks the cloud names the model there again and again."""
    remote = {"remote_model": "big", "remote_host": "https://ollama.com"}
    assert events(*({**line, **remote} for line in (*TEXT, end()))) == [
        TextStart(0),
        TextDelta(0, "Hé"),
        Other("remote_model", "big"),
        Other("remote_host", "https://ollama.com"),
        TextDelta(0, "llo"),
        TextEnd(0),
        STOPPED,
    ]


def test_unknown_lines_are_kept() -> None:
    """A line of a kind that nobody knows yet is an ``Other``, whole; one that says nothing is nothing."""
    news = {"status": "pulling", "digest": "d"}
    assert events(TEXT[0], news, {"model": "m", "created_at": "now"}, TEXT[1], end()) == [
        *SPOKEN[:2],
        Other("line", news),
        *SPOKEN[2:],
        STOPPED,
    ]


def test_progress_of_an_image_model_is_kept() -> None:
    """Lines with counts instead of a message are known."""
    line = {"model": "m", "completed": 1, "total": 4, "done": False}
    assert events(line, end())[:2] == [Other("completed", 1), Other("total", 4)]


# --- the end ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "reason"),
    [("stop", "stop"), ("length", "length"), ("load", "other"), ("unload", "other"), ("mood", "other"), (None, "other")],
)
def test_every_done_reason_has_its_shared_word(raw: str | None, reason: str) -> None:
    """The provider's word is kept beside the shared one; none is invented, and an empty one is none."""
    for last in (end(raw), end(raw or "")):
        finish = events(last)[-1]
        assert isinstance(finish, Finish)
        assert (finish.reason, finish.raw_reason) == (reason, raw)


@pytest.mark.parametrize(("raw", "reason"), [("stop", "tool_calls"), ("length", "length"), (None, "other")])
def test_only_a_plain_stop_becomes_tool_calls(raw: str | None, reason: str) -> None:
    """Ollama has no word for calls; an answer that was cut off after one was cut off all the same."""
    assert events(called("f", {}), end(raw))[-1] == Finish(reason, raw)  # type: ignore[arg-type]  # a literal by the table


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"prompt_eval_count": 3, "eval_count": 4}, Usage(3, 4)),
        ({"eval_count": 4}, Usage(None, 4)),  # a prompt that was cached whole
        ({"prompt_eval_count": 0}, Usage(0)),
        ({}, None),
    ],
)
def test_counts_become_usage(counts: dict[str, Any], usage: Usage | None) -> None:
    """Input is what was evaluated of the prompt, output what was generated; what was not told is ``None``."""
    assert events(end(**counts))[-1] == Finish("stop", "stop", usage)


def test_the_last_line_ends_the_answer_and_later_bytes_are_ignored() -> None:
    """``ended`` and ``done`` come with ``"done": true``; nothing is waited for, and rubbish after it is nothing."""
    decoder = OllamaDecoder()
    for line in TEXT:
        decoder.feed(json.dumps(line).encode())
        assert (decoder.ended, decoder.done) == (False, False)
    assert list(decoder.feed(json.dumps(end()).encode())) == [TextEnd(0), STOPPED]
    assert (decoder.ended, decoder.done) == (True, True)
    assert [*decoder.feed(b"{"), *decoder.feed(b'{"error":"x"}'), *decoder.close()] == []


def test_a_last_line_without_its_line_end_is_whole() -> None:
    """So Ollama answers a request without messages, which only loads the model."""
    whole = json.dumps(end("load")).encode()
    assert decode(DIALECT, [whole]).events == [Start(None, "m"), Finish("other", "load")]
    assert isinstance(decode(DIALECT, [whole[:-1]]).error, TruncatedError)


def test_a_body_that_ends_early_is_truncated_and_keeps_its_text() -> None:
    """Without the mark there is no finish; the parts that came are there, the last one not ended."""
    out = decoded(*TEXT)
    assert isinstance(out.error, TruncatedError)
    assert '"done": true' in str(out.error)
    assert (out.response.text, out.response.complete) == ("Héllo", False)
    assert isinstance(decode(DIALECT, []).error, TruncatedError)
    with pytest.raises(TruncatedError):
        OllamaDecoder().close()


def test_a_service_without_end_marks_is_unverified() -> None:
    """Where a quirk says that none is sent, a clean end finishes with ``verified`` false; an empty body never does."""
    assert decoded(*TEXT, verified=False).events[1:] == [*SPOKEN, Finish("other", verified=False)]
    assert isinstance(decode(DIALECT, [], verified=False).error, TruncatedError)
    decoder = OllamaDecoder()
    decoder.feed(json.dumps(TEXT[0]).encode())
    assert len(decoder.close(verified=False)) == 2
    assert (decoder.ended, decoder.done, decoder.close()) == (True, True, ())


@pytest.mark.parametrize(
    ("line", "expected", "retryable"),
    [
        ('{"error":"an error was encountered"}', ("an error was encountered", None, None), False),
        ('{"StatusCode":429,"Status":"429 Too Many Requests","error":"slow"}', ("slow", None, "429"), True),
        ('{"error":"bad","status":400}', ("bad", None, "400"), False),
        ('{"error":{"message":"bad","type":"t","code":"c"}}', ("bad", "t", "c"), False),
        ('{"error":{"message":["a"]}}', ('["a"]', None, None), False),
        ('{"error":{"message":""}}', ("Ollama reported an error without a message", None, None), False),
        ('{"error":{}, "message": null}', None, False),
        ('{"error":[1]}', ("[1]", None, None), False),
    ],
)
def test_an_error_line_is_raised_in_every_shape(line: str, expected: tuple[str, Any, Any] | None, retryable: bool) -> None:
    """Its words are the provider's, and what came before it stays; it may lack its line end. An empty one is no error."""
    out = decode(DIALECT, [body(*TEXT) + line.encode()])
    if expected is None:
        assert isinstance(out.error, TruncatedError)
        return
    assert isinstance(out.error, ModelError)
    assert (out.error.message, out.error.type, out.error.code) == expected
    assert out.error.retryable is retryable
    assert out.response.text == "Héllo"


def test_an_error_may_come_first() -> None:
    """Then there is no ``Start``."""
    out = decoded('{"error":"no"}')
    assert isinstance(out.error, ModelError)
    assert out.events == []


@pytest.mark.parametrize(
    "line",
    [
        "<html>",
        "[1]",
        '"x"',
        '{"message":"x"}',
        '{"message":{"content":1}}',
        '{"message":{"tool_calls":[{"id":"x"}]}}',
        '{"a":1]',
    ],
)
def test_an_undecodable_line_is_an_error_with_its_bytes(line: str) -> None:
    """It is never skipped, and never a bare JSON error."""
    out = decoded(TEXT[0], line, TEXT[1], end())
    assert isinstance(out.error, PayloadError)
    assert out.error.raw == line.encode()
    assert out.response.text == "Hé"


def test_bad_bytes_become_replacement_characters() -> None:
    """Invalid UTF-8 and lone surrogates inside a text cost a letter, not the answer."""
    out = decode(DIALECT, [b'{"message":{"content":"a\xff"}}\n{"message":{"content":"b\\ud83d"}}\n', body(end())])
    assert out.error is None
    assert out.response.text == "a\ufffdb\ufffd"


def test_keys_may_come_in_any_order() -> None:
    """Scrubbers and other servers sort them."""
    lines = [json.dumps(line, sort_keys=True) for line in (*TEXT, called("f", {"b": 1, "a": 2}), end())]
    out = decoded(*lines)
    assert (out.response.text, out.response.finish_reason) == ("Héllo", "tool_calls")


@given(chunkings(WIRE))
def test_the_cuts_of_the_network_change_nothing(chunks: list[bytes]) -> None:
    """The same events come out of the same bytes, wherever they were cut, also inside a letter."""
    assert decode(DIALECT, chunks).events == decode(DIALECT, [WIRE]).events


@given(st.integers(0, len(WIRE) - 2))
def test_a_cut_anywhere_is_truncated(at: int) -> None:
    """No prefix without the last bracket is complete, its text is a prefix of the text, and a call in it is whole or absent."""
    cut, whole = decode(DIALECT, [WIRE[:at]]), decode(DIALECT, [WIRE])
    assert isinstance(cut.error, TruncatedError)
    assert whole.response.text.startswith(cut.response.text)
    assert all(call.complete for call in cut.response.tool_calls)
