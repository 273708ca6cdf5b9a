"""Cloudflare's own format: requests both ways, answers both ways, and what services send besides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.base import HttpCall, WireError
from bourn.dialects.cloudflare import DIALECT
from bourn.errors import InputError, ModelError, PayloadError, TruncatedError
from bourn.events import (
    Event,
    Finish,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.messages import Message, Options, Request, Tool
from bourn.response import Response
from bourn.testing.strategies import Kind, chunkings, event_runs, usages
from tests.dialects.openai_chat_wire import DONE, TOLD, sse
from tests.recordings import decode

MODEL = "@cf/meta/llama-4-scout-17b-16e-instruct"
ASKED = Request(MODEL, (Message("user", "hi"),))
ANSWER: list[Event] = [
    Start(),
    TextStart(0),
    TextDelta(0, "Hello"),
    TextEnd(0),
    ToolCallStart(1, "c", "f"),
    ToolCallDelta(1, '{"x":1}'),
    ToolCallEnd(1),
    Finish("other", None, Usage(3, 5)),
]


def encoded(events: list[Event]) -> bytes:
    encoder = DIALECT.encoder(ASKED)
    return b"".join(encoder.encode(event) for event in events)


def test_a_request_is_written_and_read_back() -> None:
    """The model is in the path, the rest is OpenAI chat's."""
    options = Options(max_tokens=5, temperature=0.5, seed=3, tools=(Tool("f"),), extra={"top_k": 4})
    request = Request(MODEL, (Message("system", "Be brief."), Message("user", "hi")), options)
    call = DIALECT.call(request)
    assert (call.path, call.warnings) == (f"/ai/run/{MODEL}", ())
    body = json.loads(call.body)
    assert body.keys() == {"messages", "max_tokens", "temperature", "seed", "tools", "stream", "top_k"}
    read = DIALECT.parse(call)
    assert (read.model, [message.text for message in read.messages], read.stream) == (MODEL, ["Be brief.", "hi"], True)
    assert (read.options.max_tokens, read.options.tools, read.options.extra) == (5, (Tool("f"),), {"top_k": 4})


def test_options_that_it_does_not_have_are_warned_of() -> None:
    """Stop sequences and the choice of a tool, unless the caller insists in extra."""
    asked = Options(stop=("x",), tools=(Tool("f"),), tool_choice="required")
    call = DIALECT.call(Request("m", ASKED.messages, asked))
    assert not {"stop", "tool_choice"} & json.loads(call.body).keys()
    assert call.warnings == (
        "stop sequences were left out: Workers AI has no such option",
        "the choice of a tool was left out: Workers AI has no such option",
    )
    insisting = DIALECT.call(Request("m", ASKED.messages, Options(extra={"stop": ["x"]})))
    assert (json.loads(insisting.body)["stop"], insisting.warnings) == (["x"], ())


def test_a_prompt_is_a_message_of_the_user() -> None:
    """Cloudflare takes a bare prompt, too; a model's odd characters are quoted in the path."""
    read = DIALECT.parse(HttpCall("/ai/run/bad%20model?x=1", b'{"prompt": "hi"}'))
    assert (read.model, read.messages, read.stream) == ("bad model", (Message("user", "hi"),), False)
    assert DIALECT.call(Request("bad model", ASKED.messages)).path == "/ai/run/bad%20model"


@pytest.mark.parametrize("body", [b"{}", b"[", b'{"messages": 3}'])
def test_a_wrong_request_is_refused(body: bytes) -> None:
    """With a sentence; status 400 is the caller's business."""
    with pytest.raises(InputError):
        DIALECT.parse(HttpCall("/ai/run/m", body))


_USAGES = st.none() | usages(("input_tokens", "output_tokens"), optional=False)
_CALLABLE: tuple[Kind, ...] = ("tool_call",)
_runs = event_runs(
    kinds={"text", "tool_call"},
    empty=_CALLABLE,
    layout="one_by_one",
    custom_tools=False,
    signed=(),
    start=st.just(Start()),
    other=None,
    finish=_USAGES.map(lambda usage: Finish("other", None, usage)),
)


def _folded(events: list[Event]) -> tuple[Any, ...]:
    response = Response()
    for event in events:
        response.fold(event)
    return response.text, response.tool_calls, response.finish_reason, response.usage, response.complete


@given(events=_runs, data=st.data())
def test_what_is_written_is_read_back(events: list[Event], data: st.DataObject) -> None:
    """Texts and calls, wherever the bytes are cut; where a part ends is not in the format."""
    got = decode(DIALECT, data.draw(chunkings(encoded(events))))
    assert got.error is None
    assert _folded(got.events) == _folded(events)


def test_an_answer_with_everything_is_read_back_as_it_was() -> None:
    """Save that all parts end at the mark; and there is no finish reason."""
    decoded = decode(DIALECT, [encoded(ANSWER)])
    assert (decoded.response.text, decoded.response.finish_reason, decoded.response.usage) == ("Hello", "other", Usage(3, 5))
    assert [(call.id, call.name, call.arguments) for call in decoded.response.tool_calls] == [("c", "f", '{"x":1}')]


def test_what_the_format_cannot_say_is_not_written() -> None:
    """A refusal is text, reasoning is nothing, an end that nobody knows has no mark."""
    said: list[Event] = [
        Start(), ReasoningStart(0), ReasoningDelta(0, "hm"), ReasoningEnd(0),
        RefusalStart(1), RefusalDelta(1, "No."), RefusalEnd(1), Finish("stop", "stop"),
    ]  # fmt: skip
    decoded = decode(DIALECT, [encoded(said)])
    assert (decoded.response.text, decoded.response.reasoning, decoded.response.finish_reason) == ("No.", "", "other")
    assert encoded([Finish("other", verified=False)]) == b""


def test_only_the_last_mark_is_an_end() -> None:
    """There is no finish reason, so usage alone proves nothing."""
    cut = decode(DIALECT, [sse({"response": "a"}, {"response": "", "usage": TOLD})])
    assert isinstance(cut.error, TruncatedError)
    assert "[DONE]" in str(cut.error)
    assert "finish reason" not in str(cut.error)


def test_an_answer_that_is_json_is_its_text() -> None:
    """Where JSON was asked for, ``response`` is the object itself."""
    decoded = decode(DIALECT, [sse({"response": {"a": [1, "ü"]}}, {}, DONE)])
    assert decoded.response.text == '{"a":[1,"ü"]}'


def test_models_that_answer_in_openais_chunks_are_read_too() -> None:
    """Some models send them here as well."""
    chunk = {"id": "i", "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}
    decoded = decode(DIALECT, [sse(chunk, DONE)])
    assert (decoded.response.text, decoded.response.finish_reason) == ("a", "stop")


def test_an_error_in_mid_stream_is_raised_after_the_words_before_it() -> None:
    """In the shape of a refusal's body, both ways."""
    error = DIALECT.encoder(ASKED).error(WireError("no", None, "5023"))
    decoded = decode(DIALECT, [sse({"response": "a"}) + error])
    assert isinstance(decoded.error, ModelError)
    assert (decoded.error.message, decoded.error.code, decoded.response.text) == ("no", "5023", "a")


@pytest.mark.parametrize(("code", "written"), [("7000", 7000), ("model_not_found", "model_not_found"), (None, None)])
def test_a_refusal_is_written_as_cloudflare_writes_it(code: str | None, written: object) -> None:
    """Codes are numbers where they can be; the message and the code are read back."""
    body = DIALECT.encode_error(400, WireError("no", None, code))
    assert json.loads(body) == {
        "result": None, "success": False, "errors": [{"code": written, "message": "no"}], "messages": [],
    }  # fmt: skip
    assert DIALECT.read_error(400, {}, body) == WireError("no", None, code)


def test_a_whole_answer_is_one_result() -> None:
    """Text, usage, and calls whose arguments are objects where they can be."""
    odd: list[Event] = [ToolCallStart(2, "d", "g"), ToolCallDelta(2, "{"), ToolCallEnd(2)]
    whole = json.loads(DIALECT.encode_whole(ASKED, [*ANSWER[:-1], *odd, ANSWER[-1]]))
    assert whole["success"] is True
    assert whole["result"]["response"] == "Hello"
    assert whole["result"]["tool_calls"] == [{"name": "f", "arguments": {"x": 1}}, {"name": "g", "arguments": "{"}]
    assert whole["result"]["usage"]["completion_tokens"] == 5
    assert json.loads(DIALECT.encode_whole(ASKED, [Start(), Finish("stop")]))["result"] == {"response": ""}


@pytest.mark.parametrize("data", ["{", "[]", '{"tool_calls": 3}'])
def test_an_event_that_cannot_be_read_is_an_error_with_its_bytes(data: str) -> None:
    """Never skipped."""
    decoded = decode(DIALECT, [sse({"response": "a"}, data)])
    assert isinstance(decoded.error, PayloadError)
    assert decoded.error.raw == data.encode()
