"""Hugging Face's text generation: requests both ways, answers both ways, and every way to end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.base import HttpCall, WireError
from bourn.dialects.huggingface_tgi import DIALECT
from bourn.errors import InputError, ModelError, PayloadError, TruncatedError
from bourn.events import (
    ChosenToken,
    Event,
    Finish,
    FinishReason,
    Logprobs,
    Other,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    TokenLogprob,
    Usage,
)
from bourn.messages import Message, Options, Request, Tool
from bourn.mock import MockServer, error, http_error, serve, text, usage
from bourn.testing.strategies import chunkings, event_runs, usages
from tests.dialects.openai_chat_wire import sse
from tests.recordings import decode

ASKED = Request("m", (Message("user", "hi"),))


def encoded(events: list[Event]) -> bytes:
    encoder = DIALECT.encoder(ASKED)
    return b"".join(encoder.encode(event) for event in events)


def token(text: str, *, special: bool = False, logprob: float = 0, **end: Any) -> dict[str, Any]:
    return {"token": {"id": 1, "text": text, "logprob": logprob, "special": special}, "generated_text": None, **end}


def test_a_request_is_written_and_read_back() -> None:
    """Options are parameters under TGI's names, and the details are asked for."""
    asked = Options(max_tokens=5, temperature=0.5, top_p=0.9, stop=("x",), seed=3)
    call = DIALECT.call(Request("m", ASKED.messages, asked))
    assert (call.path, call.warnings) == ("/generate_stream", ())
    parameters = {"max_new_tokens": 5, "temperature": 0.5, "top_p": 0.9, "stop": ["x"], "seed": 3, "details": True}
    assert json.loads(call.body) == {"model": "m", "inputs": "hi", "parameters": parameters, "stream": True}
    read = DIALECT.parse(call)
    assert (read.messages, read.stream, read.options.max_tokens, read.options.stop) == (ASKED.messages, True, 5, ("x",))
    assert (read.model, DIALECT.parse(HttpCall("/generate_stream", b'{"inputs": "hi"}')).model) == ("m", "tgi")


def test_the_log_probability_of_each_token_is_told() -> None:
    """TGI sends it whether asked for or not; a 0, as the server half writes it, says nothing."""
    tokens = [token("a", logprob=-0.5), token("b"), token("</s>", special=True, logprob=-1.5, generated_text="ab")]
    events = decode(DIALECT, [sse(*tokens)]).events
    assert [one for one in events if isinstance(one, Logprobs)] == [
        Logprobs((ChosenToken("a", -0.5),), 0),
        Logprobs((ChosenToken("</s>", -1.5),), 0),
    ]


def test_the_likeliest_tokens_and_the_seed_are_told() -> None:
    """What a caller asked for with ``top_n_tokens``, and what the details have beside reason and counts."""
    top = [{"id": 1, "text": "a", "logprob": -0.5, "special": False}, {"id": 2, "text": "b", "logprob": -1.5}]
    last = {"token": top[0], "top_tokens": top, "generated_text": "a", "details": {"finish_reason": "length", "seed": 7}}
    events = decode(DIALECT, [sse(last)]).events
    chosen = ChosenToken("a", -0.5, top=(TokenLogprob("a", -0.5), TokenLogprob("b", -1.5)))
    assert [event for event in events if isinstance(event, Logprobs | Other)] == [Logprobs((chosen,), 0), Other("seed", 7)]


def test_what_the_format_cannot_say_is_a_warning_in_the_call() -> None:
    """Tools have no place."""
    call = DIALECT.call(Request("m", ASKED.messages, Options(tools=(Tool("f"),))))
    assert call.warnings == ("tools was left out: this format has no such option",)


@pytest.mark.parametrize("body", [b"{}", b"[", b'{"inputs": 3}', b'{"inputs": "x", "parameters": 3}'])
def test_a_wrong_request_is_refused(body: bytes) -> None:
    """With a sentence; the status is the caller's business."""
    with pytest.raises(InputError):
        DIALECT.parse(HttpCall("/generate_stream", body))


_ENDS: list[tuple[FinishReason, str]] = [("stop", "eos_token"), ("stop", "stop_sequence"), ("length", "length")]
_finishes = st.builds(
    lambda ends, usage: Finish(ends[0], ends[1], usage),
    st.sampled_from(_ENDS),
    st.none() | usages(("input_tokens", "output_tokens"), optional=False),
)
_runs = event_runs(kinds={"text"}, once={"text"}, empty=(), signed=(), start=st.just(Start()), other=None, finish=_finishes)


@given(events=_runs, data=st.data())
def test_what_is_written_is_read_back(events: list[Event], data: st.DataObject) -> None:
    """One text, wherever the bytes are cut."""
    assert decode(DIALECT, data.draw(chunkings(encoded(events)))).events == events


def test_the_last_event_has_the_whole_text_and_the_details() -> None:
    """As TGI writes it: a special token that is not part of the text."""
    events: list[Event] = [
        Start(),
        TextStart(0),
        TextDelta(0, "a"),
        TextDelta(0, "b"),
        TextEnd(0),
        Finish("stop", None, Usage(3, 2)),
    ]
    last = json.loads(encoded(events).decode().split("data: ")[-1])
    assert (last["index"], last["token"]["special"], last["generated_text"]) == (3, True, "ab")
    assert last["details"] == {"finish_reason": "eos_token", "generated_tokens": 2, "input_length": 3}


def test_a_special_token_is_no_text_and_the_whole_text_is_not_said_again() -> None:
    """Some servers put the prompt into generated_text; the tokens count."""
    decoded = decode(DIALECT, [sse(token("a"), token("</s>", special=True, generated_text="prompt a", details=None))])
    assert decoded.response.text == "a"
    assert (decoded.response.complete, decoded.response.finish_reason, decoded.response.raw_finish_reason) == (
        True,
        "other",
        None,
    )


def test_the_answer_ends_with_its_mark_and_not_before() -> None:
    """Without generated_text it was cut; what comes after it is nobody's."""
    cut = decode(DIALECT, [sse(token("a"), token("b"))])
    assert isinstance(cut.error, TruncatedError)
    assert "generated_text" in str(cut.error)
    after = decode(DIALECT, [sse(token("a", generated_text="a", details={"finish_reason": "length"}), token("b"))])
    assert (after.error, after.response.text, after.response.finish_reason) == (None, "a", "length")


def test_what_a_text_cannot_hold_is_not_written() -> None:
    """A refusal is text; an end that nobody knows has no mark."""
    refused: list[Event] = [Start(), RefusalStart(0), RefusalDelta(0, "No."), RefusalEnd(0), Finish("stop")]
    assert decode(DIALECT, [encoded(refused)]).response.text == "No."
    assert encoded([Finish("other", verified=False)]) == b""
    assert decode(DIALECT, [encoded([Start(), Finish("other")])]).response.raw_finish_reason is None


def test_an_error_in_mid_stream_is_raised_after_the_words_before_it() -> None:
    """With TGI's type, both ways."""
    error = DIALECT.encoder(ASKED).error(WireError("too long", "validation"))
    decoded = decode(DIALECT, [sse(token("a")) + error])
    assert isinstance(decoded.error, ModelError)
    assert (decoded.error.message, decoded.error.type, decoded.response.text) == ("too long", "validation", "a")


def test_a_refusal_is_written_as_tgi_writes_it() -> None:
    """Message and type are read back."""
    body = DIALECT.encode_error(422, WireError("no", "validation"))
    assert json.loads(body) == {"error": "no", "error_type": "validation"}
    assert DIALECT.read_error(422, {}, body) == WireError("no", "validation")


def test_a_whole_answer_is_one_object() -> None:
    """The text and the details."""
    events: list[Event] = [Start(), TextStart(0), TextDelta(0, "a"), TextEnd(0), Finish("length", "length", Usage(3, 1))]
    assert json.loads(DIALECT.encode_whole(ASKED, events)) == {
        "generated_text": "a",
        "details": {"finish_reason": "length", "generated_tokens": 1, "input_length": 3},
    }


@pytest.mark.parametrize("data", ["{", "[]", '{"token": 3}'])
def test_an_event_that_cannot_be_read_is_an_error_with_its_bytes(data: str) -> None:
    """Never skipped."""
    decoded = decode(DIALECT, [sse(token("a"), data)])
    assert isinstance(decoded.error, PayloadError)
    assert decoded.error.raw == data.encode()


# the official client, huggingface_hub


def client(server: MockServer, path: str) -> Any:
    hub = pytest.importorskip("huggingface_hub", reason="the official client (dependency group `sdk`) is not installed")
    return hub.AsyncInferenceClient(model=server.base_url("huggingface-tgi") + path, token="k")


async def test_the_official_client_reads_a_stream_and_a_whole_answer() -> None:
    """The tokens, the end with its reason and counts; ``/generate`` answers at once, whatever the body says."""
    async with serve(text("Hello, wörld!") + usage(3, 5)) as server:
        async with client(server, "/generate_stream") as hub:
            stream = await hub.text_generation("hi", stream=True, details=True)
            *tokens, last = [piece async for piece in stream]
        async with client(server, "/generate") as hub:
            whole = await hub.text_generation("hi", details=True)
    assert "".join(piece.token.text for piece in tokens) == last.generated_text == whole.generated_text == "Hello, wörld!"
    for told in (last.details, whole.details):
        assert (told.finish_reason, told.generated_tokens) == ("eos_token", 5)
    assert last.details.input_length == 3


async def test_the_official_client_is_refused_and_failed() -> None:
    """A refusal, and an error in mid-stream after the words before it, are its own errors with our words."""
    errors = pytest.importorskip("huggingface_hub.errors", reason="the official client is not installed")
    said = []
    async with serve(http_error(429, "Slow down.")) as server, client(server, "/generate_stream") as hub:
        with pytest.raises(errors.GenerationError, match="Slow down"):
            await hub.text_generation("hi", stream=True)
    async with serve(text("Hi") + error("overheated", type="generation")) as server, client(server, "/generate_stream") as hub:
        stream = await hub.text_generation("hi", stream=True, details=True)
        with pytest.raises(errors.GenerationError, match="overheated"):
            async for piece in stream:
                said.append(piece.token.text)
    assert said == ["Hi"]
