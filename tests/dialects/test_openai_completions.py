"""OpenAI's legacy completions: requests both ways, answers both ways, and the official SDK as the judge."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.base import HttpCall, WireError
from bourn.dialects.openai_completions import DIALECT
from bourn.errors import InputError, ModelError, PayloadError
from bourn.events import (
    ChosenToken,
    Event,
    Finish,
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
from bourn.testing.strategies import chunkings, event_runs, names, usages
from tests.dialects.openai_chat_wire import DONE, TOLD, sse
from tests.recordings import decode

ASKED = Request("m", (Message("user", "hi"),), Options(extra={"stream_options": {"include_usage": True}}))
ANSWER: list[Event] = [
    Start("i", "m"),
    TextStart(0),
    TextDelta(0, "He"),
    TextDelta(0, "llo"),
    TextEnd(0),
    Finish("length", "length", Usage(3, 5)),
]


def encoded(events: list[Event], request: Request = ASKED) -> bytes:
    encoder = DIALECT.encoder(request)
    return b"".join(encoder.encode(event) for event in events)


def chunk_of(text: str | None, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "i", "model": "m", "choices": [{"index": 0, "text": text, "finish_reason": finish_reason, **more}]}


def test_a_request_is_written_and_read_back() -> None:
    """Every option that the format has, and extra; the usage is asked for."""
    options = Options(max_tokens=5, temperature=0.5, top_p=0.9, stop=("x",), seed=3, extra={"best_of": 2})
    call = DIALECT.call(Request("m", (Message("user", "hi"),), options))
    assert (call.path, call.warnings) == ("/completions", ())
    assert json.loads(call.body) == {
        "model": "m", "prompt": "hi", "max_tokens": 5, "temperature": 0.5, "top_p": 0.9, "stop": ["x"], "seed": 3,
        "stream": True, "stream_options": {"include_usage": True}, "best_of": 2,
    }  # fmt: skip
    read = DIALECT.parse(call)
    assert (read.messages, read.stream, read.options.max_tokens, read.options.extra["best_of"]) == (
        (Message("user", "hi"),), True, 5, 2,
    )  # fmt: skip


def test_what_the_format_cannot_say_is_a_warning_in_the_call() -> None:
    """Tools, and who said what."""
    said = (Message("system", "Be brief."), Message("user", "Hi"))
    call = DIALECT.call(Request("m", said, Options(tools=(Tool("f"),))))
    assert [warning.partition(" was left out")[0] for warning in call.warnings] == ["who said what", "tools"]


def test_a_quirk_renames_and_leaves_out() -> None:
    """The same words as in OpenAI chat; the server half reads the new name, too."""
    quirks = frozenset({"no_stream_options", "random_seed"})
    call = DIALECT.call(Request("m", (Message("user", "hi"),), Options(seed=3), quirks=quirks))
    assert json.loads(call.body) == {"model": "m", "prompt": "hi", "random_seed": 3, "stream": True}
    assert DIALECT.parse(call).options.seed == 3


@pytest.mark.parametrize(
    "body", [b"{}", b"[", b'{"model": "m"}', b'{"model": 1, "prompt": "x"}', b'{"model": "m", "prompt": [1]}']
)
def test_a_wrong_request_is_refused(body: bytes) -> None:
    """With a sentence; status 400 is the caller's business."""
    with pytest.raises(InputError):
        DIALECT.parse(HttpCall("/completions", body))


_finishes = st.builds(
    lambda word, usage: Finish(word, word, usage),
    st.sampled_from(["stop", "length", "content_filter"]),
    st.none() | usages(("input_tokens", "output_tokens"), optional=False),
)
_runs = event_runs(
    kinds={"text"}, once={"text"}, empty=(), signed=(), start=st.builds(Start, names, names), other=None, finish=_finishes
)


@given(events=_runs, data=st.data())
def test_what_is_written_is_read_back(events: list[Event], data: st.DataObject) -> None:
    """One text, wherever the bytes are cut."""
    assert decode(DIALECT, data.draw(chunkings(encoded(events)))).events == events


def test_what_a_text_cannot_hold_is_not_written() -> None:
    """A refusal is text; log probabilities are passed on; an end that nobody knows has no mark."""
    refused: list[Event] = [Start("i", "m"), RefusalStart(0), RefusalDelta(0, "No."), RefusalEnd(0), Finish("stop", "stop")]
    assert decode(DIALECT, [encoded(refused)]).response.text == "No."
    told: list[Event] = [Start("i", "m"), Other("logprobs", {"tokens": ["a"]}), Other("x", 1), Finish("stop", "stop")]
    assert decode(DIALECT, [encoded(told)]).events == [told[0], told[1], told[3]]
    assert encoded([Finish("other", verified=False)]) == b""


def test_usage_is_told_only_where_it_was_asked_for() -> None:
    """As at OpenAI: without stream_options none comes."""
    plain = Request("m", (Message("user", "hi"),))
    assert decode(DIALECT, [encoded(ANSWER, plain)]).response.usage is None
    assert decode(DIALECT, [encoded(ANSWER)]).response.usage == Usage(3, 5)


def test_writers_bare_values_are_text() -> None:
    """Chunks that are nothing but a value, and no mark at the end: unverified where that is known."""
    decoded = decode(DIALECT, [sse({"value": "Hel"}, {"value": "lo"})], verified=False)
    assert (decoded.response.text, decoded.response.verified) == ("Hello", False)


def test_other_choices_are_given_whole() -> None:
    """With n above 1 the first choice is the answer, the others are Other."""
    second = {"index": 1, "text": "b", "finish_reason": None}
    decoded = decode(DIALECT, [sse(chunk_of("a"), {"id": "i", "choices": [second]}, chunk_of("", "stop"), DONE)])
    assert (decoded.response.text, decoded.response.others) == ("a", [Other("choice", second)])


def test_an_error_in_mid_stream_is_raised_after_the_words_before_it() -> None:
    """In OpenAI's shape, both ways."""
    error = DIALECT.encoder(ASKED).error(WireError("no", "t", "c"))
    decoded = decode(DIALECT, [sse(chunk_of("a")) + error])
    assert isinstance(decoded.error, ModelError)
    assert (decoded.error.message, decoded.error.type, decoded.error.code, decoded.response.text) == ("no", "t", "c", "a")


@pytest.mark.parametrize("data", ["{", "[]", '{"choices": [{"text": 3}]}', '{"choices": 3}'])
def test_a_chunk_that_cannot_be_read_is_an_error_with_its_bytes(data: str) -> None:
    """Never skipped."""
    decoded = decode(DIALECT, [sse(chunk_of("a"), data)])
    assert isinstance(decoded.error, PayloadError)
    assert decoded.error.raw == data.encode()


def _sdk(events: list[Event]) -> Any:
    openai = pytest.importorskip("openai", reason="the official SDK (dependency group `sdk`) is not installed")
    web = pytest.importorskip("httpx2", reason="comes with the official SDK")

    def answer(http: Any) -> Any:
        request = DIALECT.parse(HttpCall(http.url.path, http.content))
        if request.stream:
            return web.Response(200, content=encoded(events, request), headers={"content-type": "text/event-stream"})
        whole = DIALECT.encode_whole(request, events)
        return web.Response(200, content=whole, headers={"content-type": "application/json"})

    http_client = web.AsyncClient(transport=web.MockTransport(answer))
    return openai.AsyncOpenAI(api_key="k", base_url="http://mock/v1", http_client=http_client, max_retries=0)


async def test_the_sdk_reads_the_stream() -> None:
    """Words, finish reason and usage as OpenAI's client has them."""
    async with _sdk(ANSWER) as client:
        stream = await client.completions.create(model="m", prompt="hi", stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == "Hello"
    assert chunks[-2].choices[0].finish_reason == "length"
    assert {name: getattr(chunks[-1].usage, name) for name in TOLD} == TOLD


async def test_the_sdk_reads_the_whole_answer() -> None:
    """A text_completion."""
    async with _sdk(ANSWER) as client:
        whole = await client.completions.create(model="m", prompt="hi")
    assert (whole.choices[0].text, whole.choices[0].finish_reason, whole.usage.completion_tokens) == ("Hello", "length", 5)


TOKENS = (ChosenToken("a", -0.5, top=(TokenLogprob("b", -1.5),)),)


def test_log_probabilities_are_columns() -> None:
    """Both halves say them in three lists; what else stands beside these is kept."""
    told: list[Event] = [
        *(Start("i", "m"), TextStart(0), TextDelta(0, "a"), Logprobs(TOKENS, 0), TextEnd(0)),
        Finish("stop", "stop"),
    ]
    assert decode(DIALECT, [encoded(told)]).events == told
    columns = {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"b": -1.5}]}
    assert json.loads(DIALECT.encode_whole(ASKED, told))["choices"][0]["logprobs"] == columns
    raw = {**columns, "text_offset": [7]}
    body = b'data: {"id":"i","choices":[{"text":"a","logprobs":' + json.dumps(raw).encode() + b"}]}\n\ndata: [DONE]\n\n"
    assert decode(DIALECT, [body]).events[3] == Logprobs(TOKENS, 0, raw)
