"""How an answer of Gemini's ends: complete, truncated, unverified, or with an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.gemini.decoder import DIALECT, GeminiDecoder
from bourn.errors import BournError, ModelError, PayloadError, TruncatedError
from bourn.events import Event, Finish, FinishReason, Safety, Start, TextDelta, TextEnd
from bourn.testing.strategies import json_values
from bourn.wire.sse import SSEFrame
from tests.dialects.gemini_wire import ARRAY, SPOKEN, STOPPED, TEXT, array, call, end, events, parts, piece, read, sse, text
from tests.recordings import decode

FEEDBACK = {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "no"}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("UNEXPECTED_TOOL_CALL", "error"),
        ("LANGUAGE", "other"),
        ("FAKE_ENUM", "other"),
        (1, "stop"),
        (2, "length"),
        (3, "content_filter"),
        (9, "other"),  # SPII at Google AI, MALFORMED_FUNCTION_CALL at Vertex
    ],
)
def test_the_services_word_is_kept_and_mapped(word: Any, reason: FinishReason) -> None:
    """Also as a number, which clients get who ask for it; a word nobody knows is other."""
    assert events(*TEXT, end(word))[-1] == Finish(reason, str(word))


def test_the_last_reason_counts_and_what_follows_it_is_taken() -> None:
    """Old models gave one in each object; text, usage and signatures after it still belong to the answer."""
    first = parts({"text": "Hé"}, finishReason="STOP")
    late = {**text("llo"), "usageMetadata": {"promptTokenCount": 1}}
    assert events(first, late, {"candidates": [{"finishReason": "RECITATION"}]})[:4] == SPOKEN
    assert events(first, late, {"candidates": [{"finishReason": "RECITATION"}]})[-1].raw_reason == "RECITATION"  # type: ignore[attr-defined]  # a Finish
    assert events(*TEXT, end(), text("", thoughtSignature="s"))[-2:] == [TextEnd(0, "s"), STOPPED]


def test_a_blocked_prompt_is_a_filtered_answer() -> None:
    """An object without candidates whose feedback has a reason is the whole answer."""
    assert read({"promptFeedback": FEEDBACK}).events == [
        Start(),
        Safety("prompt", raw=FEEDBACK),
        Finish("content_filter", "PROHIBITED_CONTENT"),
    ]
    assert read({"promptFeedback": {"blockReason": 1}}).events[-1] == Finish("content_filter", "1")


def test_the_decoder_never_says_that_it_is_done_before_it_is_closed() -> None:
    """There is no last mark: ``ended`` comes with the reason, ``done`` with the end of the bytes, and then nothing more."""
    decoder = GeminiDecoder()
    frames = [SSEFrame("", json.dumps(value).encode()) for value in (*TEXT, end())]
    for frame in frames[:-1]:
        decoder.feed(frame)
    assert (decoder.ended, decoder.done) == (False, False)
    assert list(decoder.feed(frames[-1])) == []
    assert (decoder.ended, decoder.done) == (True, False)
    assert list(decoder.close()) == [TextEnd(0), STOPPED]
    assert (decoder.ended, decoder.done) == (True, True)
    assert [*decoder.feed(frames[0]), *decoder.feed(b"{"), *decoder.close(), *decoder.close(verified=False)] == []


def test_a_gateways_done_is_the_last_mark_once_there_is_a_reason() -> None:
    """Before one it proves nothing; an event without data is nothing."""
    done = b"data: [DONE]\n\n"
    assert decode(DIALECT, [*sse(*TEXT, end()), b"data:\n\n", done, b"data: {\n\n"]).events[1:] == [*SPOKEN, STOPPED]
    assert isinstance(decode(DIALECT, [*sse(*TEXT), done]).error, TruncatedError)


def test_a_body_that_ends_early_is_truncated_and_keeps_its_text() -> None:
    """In both framings; the part that came is there, not ended."""
    for dialect, chunks in ((DIALECT, sse(*TEXT)), (ARRAY, array(*TEXT)), (ARRAY, array(*TEXT)[:-1])):
        out = decode(dialect, chunks)
        assert isinstance(out.error, TruncatedError)
        assert "finishReason" in str(out.error)
        assert out.events[-1] == TextDelta(0, "llo")
        assert (out.response.text, out.response.complete) == ("Héllo", False)


def test_a_service_without_end_marks_is_unverified() -> None:
    """Where a quirk says that none is sent, a clean end finishes with ``verified`` false; an empty body never does."""
    out = read(*TEXT, call("f", willContinue=True), verified=False)
    assert out.events[-1] == Finish("other", verified=False)
    assert [one.complete for one in out.response.tool_calls] == [False]
    assert isinstance(read(verified=False).error, TruncatedError)


WIRE = {
    "sse": (DIALECT, b"".join(sse(text("日本\u2028", thought=True), *TEXT, end()))),
    "array": (ARRAY, b"".join(array(text("日本\u2028", thought=True), *TEXT, end()))),
}


@pytest.mark.parametrize("framing", WIRE)
def test_a_cut_anywhere_is_truncated(framing: str) -> None:
    """No prefix without the reason is complete, and its text is a prefix of the text."""
    dialect, body = WIRE[framing]
    whole = decode(dialect, [body]).response
    for at in range(body.rindex(b"finishReason")):
        cut = decode(dialect, [body[:at]])
        assert isinstance(cut.error, TruncatedError), at
        assert whole.text.startswith(cut.response.text)
        assert whole.reasoning.startswith(cut.response.reasoning)


ERROR = {"error": {"code": 503, "message": "High demand.", "status": "UNAVAILABLE"}}


@pytest.mark.parametrize(
    ("tail", "expected", "retryable"),
    [
        (b"data: " + json.dumps(ERROR).encode() + b"\r\n\r\n", ("High demand.", "UNAVAILABLE", "503"), True),
        (json.dumps(ERROR, indent=2).encode() + b"\n", ("High demand.", "UNAVAILABLE", "503"), True),
        (json.dumps(ERROR).encode(), ("High demand.", "UNAVAILABLE", "503"), True),
        (json.dumps([ERROR], indent=2).encode(), ("High demand.", "UNAVAILABLE", "503"), True),
        (b'{"error":{"code":499,"message":"No","status":"CANCELLED"}}', ("No", "CANCELLED", "499"), False),
        (b'data: {"error":"No"}\n\n', ("No", None, None), False),
        (b'data: {"error":{"code":1}}\n\n', ("the service reported an error without a message", None, "1"), False),
    ],
)
@pytest.mark.parametrize("way", ["at once", "by the byte"])
def test_an_error_in_the_stream_is_raised_in_every_shape(tail: bytes, expected: Any, retryable: bool, way: str) -> None:
    """As an event, and as bare JSON after the events, which is how Google sends it; what came before it stays."""
    body = b"".join(sse(*TEXT)) + tail
    out = decode(DIALECT, [body] if way == "at once" else [body[at : at + 1] for at in range(len(body))])
    assert isinstance(out.error, ModelError)
    assert (out.error.message, out.error.type, out.error.code) == expected
    assert out.error.retryable is retryable
    assert out.response.text == "Héllo"


def test_an_error_in_the_array_is_raised() -> None:
    """It is one of the elements, or all there is."""
    for chunks in (array(*TEXT, ERROR), [json.dumps(ERROR, indent=2).encode()], array(ERROR)):
        out = decode(ARRAY, chunks)
        assert isinstance(out.error, ModelError)
        assert out.error.message == "High demand."


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"<html>",
        b"[1]",
        b'"x"',
        b'{"candidates":"x"}',
        b'{"candidates":[1]}',
        b'{"candidates":[{"content":[]}]}',
        b'{"candidates":[{"content":{"parts":{}}}]}',
        b'{"candidates":[{"content":{"parts":[{"text":1}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":[]}]}}]}',
        b'{"candidates":[{"finishReason":[]}]}',
        b'{"usageMetadata":1}',
        json.dumps(piece("$", stringValue="x")).encode(),
    ],
)
def test_an_undecodable_frame_is_an_error_with_its_bytes(data: bytes) -> None:
    """It is never skipped, and never a bare JSON error."""
    out = decode(DIALECT, [*sse(*TEXT), b"data: " + data + b"\n\n"])
    assert isinstance(out.error, PayloadError)
    assert out.error.raw == data
    assert out.response.text == "Héllo"


def test_invalid_utf_8_becomes_the_replacement_character() -> None:
    """The rule of the WHATWG; the slow reader takes over."""
    body = b"".join(sse(text("a?b"), end())).replace(b"?", b"\xff")
    assert decode(DIALECT, [body]).response.text == "a\ufffdb"


NAMES = (
    "candidates content parts text thought thoughtSignature functionCall name args partialArgs jsonPath stringValue "
    "willContinue finishReason index usageMetadata promptTokenCount promptFeedback blockReason error"
)
_names = st.sampled_from(NAMES.split())
shapes: st.SearchStrategy[Any] = st.recursive(
    json_values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4), max_leaves=12
)


@given(st.lists(st.binary(max_size=60) | shapes.map(lambda value: json.dumps(value).encode()), max_size=5), st.booleans())
def test_whatever_comes_only_our_own_errors_are_raised(frames: list[bytes], framed: bool) -> None:
    """Objects of the right names with the wrong values, and rubbish, in any framing: events, or an error of our tree."""
    chunks = [b"data: " + frame.replace(b"\n", b" ") + b"\n\n" for frame in frames] if framed else frames
    for dialect in (DIALECT, ARRAY):
        out = decode(dialect, chunks)
        assert out.error is None or isinstance(out.error, BournError)
        assert all(isinstance(event, Event) for event in out.events)


@pytest.mark.parametrize("framing", WIRE)
@given(st.data())
def test_a_damaged_body_raises_only_our_own_errors(framing: str, data: st.DataObject) -> None:
    """Bytes changed, left out or put in anywhere: events in legal order, or an error of our tree."""
    dialect, body = WIRE[framing]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        body = body[:at] + data.draw(st.binary(max_size=3)) + body[at + data.draw(st.integers(0, 3)) :]
    out = decode(dialect, [body])
    assert out.error is None or isinstance(out.error, (ModelError, PayloadError, TruncatedError))
