"""Errors inside a 200 stream of OpenAI chat completions, in every shape seen, and frames that are no chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.openai_chat.decoder import DIALECT, ChatDecoder
from bourn.errors import BournError, ModelError, PayloadError
from bourn.events import Event, Other, Start, TextDelta, TextStart, Usage
from bourn.wire.sse import SSEFrame
from tests.dialects.openai_chat_wire import DONE, TOLD, chunk_of, decoded_from, sse
from tests.recordings import decode


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (sse({"error": {"message": "no", "type": "t", "code": "c"}}), ("no", "t", "c")),
        (sse({"id": "i", "choices": [], "error": {"message": "no", "code": 502}}), ("no", None, "502")),
        (sse({**chunk_of(content=""), "error": "no"}), ("no", None, None)),
        (sse({"object": "error", "message": "no", "type": "t", "code": 40303}), ("no", "t", "40303")),
        (sse({"detail": "no"}), ("no", None, None)),
        (sse({"id": "i", "choices": [], "x_groq": {"error": "no"}}), ("no", None, None)),
        (b'event: error\ndata: {"error":{"message":"no","type":"t"}}\n\n', ("no", "t", None)),
        (b'event: error\ndata: {"message":"no"}\n\n', ("no", None, None)),
        (b"event: error\ndata: no\n\n", ("no", None, None)),
        (b'error: {"error":{"message":"no"}}\n\n', ("no", None, None)),
    ],
)
def test_an_error_inside_a_good_stream_is_raised_in_every_shape(body: bytes, said: tuple[str, str | None, str | None]) -> None:
    """Message, type and code are the service's own, and what came before the error was given out."""
    decoded = decode(DIALECT, [sse(chunk_of(content="a")) + body + sse(DONE)])
    assert isinstance(decoded.error, ModelError)
    assert (decoded.error.message, decoded.error.type, decoded.error.code) == said
    assert [event for event in decoded.events if not isinstance(event, Other)] == [
        Start("i", "m"),
        TextStart(0),
        TextDelta(0, "a"),
    ]


def test_what_came_with_an_error_is_given_before_it() -> None:
    """The words and the usage of the failing chunk itself are not lost."""
    chunk = {**chunk_of(content="a"), "error": {"message": "no"}, "usage": TOLD}
    decoder, got = ChatDecoder(), list[Event]()
    with pytest.raises(ModelError, match="no"):
        got.extend(decoder.feed(SSEFrame("", json.dumps(chunk).encode())))
    assert got == [Start("i", "m"), TextStart(0), TextDelta(0, "a")]
    assert decoder.usage == Usage(3, 5)


@pytest.mark.parametrize(("code", "retryable"), [(502, True), ("429", True), (400, False), ("tool_use_failed", False)])
def test_an_error_that_may_pass_says_so(code: Any, retryable: bool) -> None:
    """A gateway's status in the code tells whether asking again can help."""
    error = decoded_from({"error": {"message": "no", "code": code}}).error
    assert isinstance(error, ModelError)
    assert error.retryable is retryable


@pytest.mark.parametrize("data", ["{", "[1]", '{"choices": 3}', '{"choices": [{"delta": {"content": 3}}]}', '"x"'])
def test_a_frame_that_cannot_be_read_is_an_error_with_its_bytes(data: str) -> None:
    """Never skipped, and what came before it stays."""
    decoded = decoded_from(chunk_of(content="a"), data, DONE)
    assert isinstance(decoded.error, PayloadError)
    assert decoded.error.raw == data.encode()
    assert decoded.response.text == "a"


def test_an_event_without_data_says_nothing() -> None:
    """A bare data line is no broken JSON, and a chunk that is an empty object has nothing to say."""
    decoded = decoded_from(chunk_of(content="a"), "", {}, DONE)
    assert decoded.error is None
    assert decoded.response.text == "a"


_KEYS = st.sampled_from(
    [
        *("id", "model", "choices", "index", "delta", "content", "reasoning", "reasoning_content", "reasoning_details"),
        *("refusal", "tool_calls", "function", "name", "arguments", "custom", "input", "function_call", "finish_reason"),
        *("usage", "x_groq", "error", "type", "text", "thinking", "citations", "audio"),
    ]
)
_junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3) | st.just("text"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=10,
)
_deltas = st.dictionaries(_KEYS, _junk, max_size=4)


def _chunks(junk: Any, deltas: list[Any]) -> Iterator[Any]:
    yield junk
    for delta in deltas:
        yield {"choices": [{"index": 0, "delta": delta}]}


@given(junk=_junk, deltas=st.lists(_deltas, max_size=4), verified=st.booleans())
def test_nothing_but_our_own_errors_comes_of_junk(junk: Any, deltas: list[Any], verified: bool) -> None:
    """Whatever JSON a service sends, the events stay legal (the harness checks) and the error is one of ours."""
    decoded = decoded_from(*_chunks(junk, deltas), verified=verified)
    assert decoded.error is None or isinstance(decoded.error, BournError)
