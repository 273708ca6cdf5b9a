"""The server's half of Gemini's dialect: what it writes is read back the same, by our decoder and by the official SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.base import HttpCall, WireError
from bourn.dialects.gemini.beside import Beside
from bourn.dialects.gemini.decoder import DIALECT
from bourn.dialects.gemini.words import ANSWER_KINDS, CANDIDATE_KINDS, REPEATED
from bourn.events import (
    Event,
    Finish,
    FinishReason,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Safety,
    SafetyRating,
    ServerToolCall,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.messages import Image, Message, Options, Request, Schema, Text, Tool, ToolCall, ToolResult
from bourn.testing.strategies import Kind, event_runs, json_values, names, usages
from tests.dialects.gemini_wire import Json
from tests.recordings import decode

REQUEST = Request("gemini-x", (Message("user", "hi"),))

starts = st.builds(Start, id=names, model=names)
REASONS: list[tuple[FinishReason, str]] = [
    ("stop", "STOP"),
    ("length", "MAX_TOKENS"),
    ("content_filter", "RECITATION"),
    ("error", "MALFORMED_RESPONSE"),
    ("other", "OTHER"),
    ("other", "FAKE_ENUM"),
]
TOLD = [("input_tokens",), ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")]
counts = st.sampled_from(TOLD).flatmap(lambda fields: usages(fields, optional=False))
finishes = st.builds(lambda word, usage: Finish(word[0], word[1], usage), st.sampled_from(REASONS), st.none() | counts)
others = st.builds(
    Other,
    st.sampled_from(sorted(CANDIDATE_KINDS - REPEATED - Beside._FIELDS.keys())),
    st.dictionaries(names, json_values, min_size=1, max_size=3) | st.integers(1, 9),
)
MAY_BE_EMPTY: tuple[Kind, ...] = ("tool_call",)
runs = event_runs(
    kinds=("text", "reasoning", "tool_call"),
    once=("text", "reasoning"),
    empty=MAY_BE_EMPTY,
    layout="one_by_one",
    custom_tools=False,
    reasoning_ids=False,
    redacted=False,
    start=starts,
    other=others,
    finish=finishes,
)
"""What the dialect can express: one text and one thought (two would flow together), no refusals, no ids of reasoning."""


def encode(events: list[Event]) -> bytes:
    encoder = DIALECT.encoder(REQUEST)
    return b"".join(encoder.encode(event) for event in events)


def plain(events: list[Event]) -> list[Any]:
    """The events without the ``Other``s, each call's arguments as one value, and calls as the reason to stop.

    The end of a text without a signature is not on the wire: it is seen where something else begins, so that what is strewn in
    between may stand before it; and two JSON writers may differ in how they write a number.
    """
    said: list[Any] = []
    pieces: list[str] = []
    called = False
    for event in events:
        if isinstance(event, ToolCallDelta):
            pieces.append(event.arguments)
        elif isinstance(event, ToolCallEnd):
            said += [json.loads("".join(pieces) or "null"), event]
            pieces, called = [], True
        elif isinstance(event, Finish) and called and event.reason == "stop":
            said.append(Finish("tool_calls", event.raw_reason, event.usage))
        elif not isinstance(event, Other):
            said.append(event)
    return said


def strewn(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, Other)]


@given(runs)
def test_what_is_written_is_read_back_the_same(events: list[Event]) -> None:
    """Every legal run that the dialect can express survives its wire."""
    out = decode(DIALECT, [encode(events)])
    assert out.error is None
    assert plain(out.events) == plain(events)
    assert strewn(out.events) == strewn(events)


@given(event_runs(cut_calls=True, redacted=True))
def test_any_run_is_written_and_read_without_an_error(events: list[Event]) -> None:
    """Also what the dialect cannot express: it is changed as documented, and what is said of text and calls stays."""
    out = decode(DIALECT, [encode(events)], verified=False)
    assert out.error is None or not events[-1].verified  # type: ignore[attr-defined]  # a Finish
    said = "".join(event.text for event in events if isinstance(event, (TextDelta, RefusalDelta)))
    assert out.response.text == said
    ended = [event.index for event in events if isinstance(event, ToolCallEnd)]
    assert sum(isinstance(event, ToolCallEnd) for event in out.events) == len(ended)
    json.loads(DIALECT.encode_whole(REQUEST, events))


ANSWER: list[Event] = [
    Start("r1", "gemini-y"),
    ReasoningStart(0),
    ReasoningDelta(0, "Let me "),
    ReasoningDelta(0, "think."),
    ReasoningEnd(0),
    TextStart(1),
    TextDelta(1, "Grüße\u2028"),
    TextDelta(1, "!"),
    TextEnd(1, "c2lnbmVk"),
    ToolCallStart(2, "c1", "weather"),
    ToolCallDelta(2, '{"city": "Sa'),
    ToolCallDelta(2, 'n José"}'),
    ToolCallEnd(2, "c2ln"),
    ToolCallStart(3, None, "now"),
    ToolCallEnd(3),
    Finish("tool_calls", "STOP", Usage(100, 20, 30, reasoning_tokens=5)),
]
"""Everything at once, in the order in which Gemini would say it."""

PARTS: list[Json] = [
    {"text": "Let me think.", "thought": True},
    {"text": "Grüße\u2028!", "thoughtSignature": "c2lnbmVk"},
    {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "San José"}}, "thoughtSignature": "c2ln"},
    {"functionCall": {"name": "now"}},
]
COUNTS = {
    "promptTokenCount": 100,
    "candidatesTokenCount": 15,
    "totalTokenCount": 120,
    "cachedContentTokenCount": 30,
    "thoughtsTokenCount": 5,
}


def written(events: list[Event]) -> list[Json]:
    """The objects that the encoder wrote, after a look at how they are framed."""
    body = encode(events)
    assert body.endswith(b"}\r\n\r\n") or not body
    return [json.loads(line.removeprefix("data: ")) for line in body.decode().split("\r\n\r\n")[:-1]]


def test_an_answer_is_written_in_geminis_order() -> None:
    """Each piece is an object that names the answer; the last one has the reason, an empty text and the usage."""
    objects = written(ANSWER)
    assert all((value["responseId"], value["modelVersion"]) == ("r1", "gemini-y") for value in objects)
    said = [part for value in objects for part in value["candidates"][0]["content"]["parts"]]
    assert said == [
        {"text": "Let me ", "thought": True},
        {"text": "think.", "thought": True},
        {"text": "Grüße\u2028"},
        {"text": "!"},
        {"text": "", "thoughtSignature": "c2lnbmVk"},
        *PARTS[2:],
        {"text": ""},
    ]
    assert objects[-1]["candidates"][0]["finishReason"] == "STOP"
    assert objects[-1]["usageMetadata"] == COUNTS
    assert not any("usageMetadata" in value or "finishReason" in value["candidates"][0] for value in objects[:-1])


def test_an_answer_is_written_whole_for_who_did_not_ask_for_a_stream() -> None:
    """One object with the same parts."""
    assert json.loads(DIALECT.encode_whole(REQUEST, ANSWER)) == {
        "candidates": [{"content": {"parts": PARTS, "role": "model"}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": COUNTS,
        "modelVersion": "gemini-y",
        "responseId": "r1",
    }


def test_texts_flow_together_up_to_a_signature() -> None:
    """What follows a signed text is a part of its own, in a stream as in a whole answer."""
    texts = [*(TextStart(0), TextDelta(0, "a"), TextEnd(0)), *(TextStart(1), TextDelta(1, "b"), TextEnd(1, "s"))]
    events: list[Event] = [Start(), *texts, TextStart(2), TextDelta(2, "c"), TextEnd(2), Finish("stop")]
    whole = json.loads(DIALECT.encode_whole(REQUEST, events))
    assert whole["candidates"][0]["content"]["parts"] == [{"text": "ab", "thoughtSignature": "s"}, {"text": "c"}]
    parts = decode(DIALECT, [encode(events)]).response.parts
    assert parts == (Text("ab", "s"), Text("c"))


def test_an_empty_answer_is_written() -> None:
    """It has the empty text that Gemini sends; what nobody named has a name, and no usage is made up."""
    whole = json.loads(DIALECT.encode_whole(REQUEST, [Start(), Finish("stop")]))
    assert whole["candidates"][0]["content"]["parts"] == [{"text": ""}]
    assert (whole["modelVersion"], whole["responseId"]) == ("gemini-x", "bourn")
    assert written([Start(), Finish("stop")]) == [whole]


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        ("stop", None, "STOP"),
        ("stop", "end_turn", "STOP"),
        ("tool_calls", "STOP", "STOP"),
        ("tool_calls", "tool_use", "STOP"),
        ("length", "MAX_TOKENS", "MAX_TOKENS"),
        ("length", "2", "MAX_TOKENS"),
        ("content_filter", None, "SAFETY"),
        ("content_filter", "SPII", "SPII"),
        ("error", None, "MALFORMED_RESPONSE"),
        ("other", "LANGUAGE", "LANGUAGE"),
        ("other", "NEW_WORD", "NEW_WORD"),
        ("other", None, "OTHER"),
    ],
)
def test_the_reason_is_geminis_word(reason: FinishReason, raw: str | None, word: str) -> None:
    """The raw word is kept where it is Gemini's; another dialect's becomes the word of its reason."""
    assert written([Start(), Finish(reason, raw)])[-1]["candidates"][0]["finishReason"] == word


RATING = {"category": "HARM", "probability": "LOW"}


def test_others_are_written_where_they_belong() -> None:
    """As a part, in the candidate, beside the candidates, as another candidate, in the usage; foreign kinds are not."""
    code = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "s"}
    second = {"content": {"parts": [{"text": "b"}]}, "index": 1}
    events: list[Event] = [
        Start("r", "gemini-x"),
        Safety("prompt", (SafetyRating("HARM", "LOW"),), {"safetyRatings": [RATING], "blockReason": "SAFETY"}),
        Safety("answer", (SafetyRating("HARM", "LOW"),)),
        ServerToolCall(None, "code_execution", "1", code),
        Other("groundingMetadata", {"webSearchQueries": ["q"]}),
        Other("candidate", second),
        Other("usageMetadata", {"toolUsePromptTokenCount": 4, "trafficType": "ON_DEMAND"}),
        Finish("stop", "STOP", Usage(10, 2)),
    ]
    assert decode(DIALECT, [encode(events)]).events == events
    whole = json.loads(DIALECT.encode_whole(REQUEST, events))
    assert whole["candidates"][0]["content"]["parts"] == [code]
    assert whole["candidates"][0]["safetyRatings"] == [RATING]
    assert whole["candidates"][0]["groundingMetadata"] == {"webSearchQueries": ["q"]}
    assert whole["candidates"][1] == second
    assert whole["promptFeedback"] == {"safetyRatings": [RATING], "blockReason": "SAFETY"}
    assert (whole["usageMetadata"]["promptTokenCount"], whole["usageMetadata"]["toolUsePromptTokenCount"]) == (6, 4)
    assert set(ANSWER_KINDS) >= {"promptFeedback"}
    assert written([Start(), Other("logprobs", [1]), Other("inlineData", "x"), Other("usageMetadata", 1)]) == []


def test_what_the_dialect_has_no_word_for_is_changed_as_documented() -> None:
    """A refusal is text, texts flow together, and arguments that are no JSON object become one."""
    out = decode(
        DIALECT,
        [
            encode(
                [
                    Start(),
                    *(RefusalStart(0), RefusalDelta(0, "No"), RefusalEnd(0)),
                    *(TextStart(1), TextDelta(1, "."), TextEnd(1)),
                    *(ReasoningStart(2, "rs_1"), ReasoningEnd(2, "s", redacted=True)),
                    *(ToolCallStart(3, "c", "f", custom=True), ToolCallDelta(3, "x"), ToolCallEnd(3)),
                    Finish("stop"),
                ]
            )
        ],
    )
    assert out.events[1:-1] == [
        *(TextStart(0), TextDelta(0, "No"), TextDelta(0, "."), TextEnd(0)),
        *(ReasoningStart(1), ReasoningEnd(1, "s")),
        *(ToolCallStart(2, "c", "f"), ToolCallDelta(2, '{"input":"x"}'), ToolCallEnd(2)),
    ]


def test_a_call_that_was_cut_stays_cut() -> None:
    """It is written as one that continues, and read back as not complete."""
    cut: list[Event] = [Start("r", "m"), ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"a'), Finish("length", "MAX_TOKENS")]
    out = decode(DIALECT, [encode(cut)])
    assert [(call.id, call.name, call.complete) for call in out.response.tool_calls] == [("c", "f", False)]
    assert out.events[-1] == cut[-1]


def test_an_unverified_finish_writes_no_end() -> None:
    """A service without end marks sends none; what it told of usage comes all the same."""
    said = ANSWER[5:9]
    assert encode([*said, Finish("other", verified=False)]) == encode(said)
    told = written([*said, Finish("other", None, Usage(1), verified=False)])
    assert (told[-1]["usageMetadata"]["promptTokenCount"], "finishReason" in told[-1]["candidates"][0]) == (1, False)


def test_an_error_in_mid_stream_is_read_back() -> None:
    """It is bare JSON after the events; without a type it is an overload."""
    encoder = DIALECT.encoder(REQUEST)
    tail = encoder.error(WireError("High demand."))
    assert tail.startswith(b"{\n  ")
    out = decode(DIALECT, [encode(ANSWER[:8]), tail])
    assert (str(out.error), getattr(out.error, "type", ""), getattr(out.error, "code", "")) == (
        "High demand.",
        "UNAVAILABLE",
        "503",
    )
    assert out.response.text == "Grüße\u2028!"


# --- the official SDK ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def sdk() -> Callable[..., Any]:
    """Makes a client of the official SDK that is answered with the given status, body and content type."""
    genai = pytest.importorskip("google.genai", reason="the official SDK is in the dependency group sdk")
    httpx2 = pytest.importorskip("httpx2", reason="the official SDK works with httpx2")

    def client(status: int, body: bytes, content_type: str = "text/event-stream", **options: Any) -> Any:
        def answer(request: Any) -> Any:
            parsed = DIALECT.parse(HttpCall(request.url.raw_path.decode(), request.content, dict(request.headers)))
            assert (parsed.model, parsed.messages[-1]) == ("gemini-y", Message("user", (Text("hi"),)))
            assert parsed.stream is ("alt=sse" in str(request.url))
            assert request.headers["x-goog-api-key"] == "k"
            return httpx2.Response(status, content=body, headers={"content-type": content_type})

        http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        return genai.Client(
            api_key="k",
            vertexai=False,
            http_options=genai.types.HttpOptions(base_url="http://mock", httpx_async_client=http, **options),
        ).aio

    return client


ASKED: dict[str, Any] = {"model": "gemini-y", "contents": "hi"}


def assert_same(answers: list[Any]) -> None:
    """The SDK's answers, one or many, say together what ``ANSWER`` says."""
    parts = [part for answer in answers for part in answer.candidates[0].content.parts]
    assert "".join(part.text for part in parts if part.thought) == "Let me think."
    assert "".join(part.text for part in parts if part.text and not part.thought) == "Grüße\u2028!"
    calls = [part.function_call for part in parts if part.function_call]
    assert [(call.id, call.name, call.args) for call in calls] == [("c1", "weather", {"city": "San José"}), (None, "now", None)]
    assert [part.thought_signature for part in parts if part.thought_signature] == [b"signed", b"sig"]
    last = answers[-1]
    assert (last.response_id, last.model_version, last.candidates[0].finish_reason.name) == ("r1", "gemini-y", "STOP")
    usage = last.usage_metadata
    assert (usage.prompt_token_count, usage.cached_content_token_count) == (100, 30)
    assert (usage.candidates_token_count, usage.thoughts_token_count, usage.total_token_count) == (15, 5, 120)


async def test_the_sdk_streams_the_same_answer(sdk: Callable[..., Any]) -> None:
    """Text, thoughts, calls, signatures, reason and usage come through ``generate_content_stream``."""
    async with sdk(200, encode(ANSWER)) as client:
        answers = [answer async for answer in await client.models.generate_content_stream(**ASKED)]
    assert len(answers) == len(written(ANSWER))
    assert_same(answers)


async def test_the_sdk_reads_the_whole_answer(sdk: Callable[..., Any]) -> None:
    """``generate_content`` gets the same in one object."""
    async with sdk(200, DIALECT.encode_whole(REQUEST, ANSWER), "application/json") as client:
        assert_same([await client.models.generate_content(**ASKED)])


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (400, "ClientError", "INVALID_ARGUMENT"),
        (403, "ClientError", "PERMISSION_DENIED"),
        (429, "ClientError", "RESOURCE_EXHAUSTED"),
        (500, "ServerError", "INTERNAL"),
        (503, "ServerError", "UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_the_sdk_raises_the_error_of_its_status(
    sdk: Callable[..., Any], status: int, kind: str, word: str, stream: bool
) -> None:
    """A refusal as we write it has the SDK's class, and our words and status."""
    from google.genai import errors

    async with sdk(status, DIALECT.encode_error(status, WireError("Not today")), "application/json") as client:
        with pytest.raises(getattr(errors, kind)) as refused:
            if stream:
                await anext(await client.models.generate_content_stream(**ASKED))
            else:
                await client.models.generate_content(**ASKED)
    assert (refused.value.code, refused.value.status, refused.value.message) == (status, word, "Not today")


async def test_the_sdk_raises_the_error_in_mid_stream(sdk: Callable[..., Any]) -> None:
    """Bare JSON after the events is an exception there too, after the text that came before."""
    from google.genai import errors

    text = []
    async with sdk(200, encode(ANSWER[:8]) + DIALECT.encoder(REQUEST).error(WireError("High demand."))) as client:
        with pytest.raises(errors.ServerError) as failed:
            async for answer in await client.models.generate_content_stream(**ASKED):
                text.append(answer.text or "")
    assert "".join(text) == "Grüße\u2028!"
    assert (failed.value.code, failed.value.message) == (503, "High demand.")


async def test_the_sdks_request_is_read(sdk: Callable[..., Any]) -> None:
    """What it sends for tools, schemas, thinking, images and a history with signatures means what its user wrote."""
    types = pytest.importorskip("google.genai.types", reason="the official SDK is in the dependency group sdk")
    seen: list[Request] = []
    httpx2 = pytest.importorskip("httpx2", reason="the official SDK works with httpx2")
    genai = pytest.importorskip("google.genai", reason="the official SDK is in the dependency group sdk")

    def answer(request: Any) -> Any:
        seen.append(DIALECT.parse(HttpCall(request.url.raw_path.decode(), request.content)))
        return httpx2.Response(200, content=encode(ANSWER), headers={"content-type": "text/event-stream"})

    config = types.GenerateContentConfig(
        system_instruction="s",
        temperature=0.5,
        max_output_tokens=9,
        stop_sequences=["x"],
        tools=[
            types.Tool(function_declarations=[types.FunctionDeclaration(name="f", parameters_json_schema={"type": "object"})])
        ],
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY")),
        response_mime_type="application/json",
        response_json_schema={"type": "object"},
        thinking_config=types.ThinkingConfig(thinking_budget=100),
    )
    history = [
        types.Content(
            role="user", parts=[types.Part(text="a"), types.Part.from_bytes(data=b"\xfb\xff", mime_type="image/png")]
        ),
        types.Content(
            role="model", parts=[types.Part(function_call={"name": "f", "args": {"n": 1}}, thought_signature=b"sig")]
        ),
        types.Content(role="user", parts=[types.Part.from_function_response(name="f", response={"output": "9"})]),
    ]
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    options = types.HttpOptions(base_url="http://mock", httpx_async_client=http)
    async with genai.Client(api_key="k", vertexai=False, http_options=options).aio as client:
        async for _ in await client.models.generate_content_stream(model="gemini-y", contents=history, config=config):
            pass
    assert seen == [
        Request(
            "gemini-y",
            (
                Message("system", "s"),
                Message("user", (Text("a"), Image(data=b"\xfb\xff", media_type="image/png"))),
                Message("assistant", (ToolCall(None, "f", '{"n":1}', signature="c2ln"),)),
                Message("tool", (ToolResult("", "9", name="f"),)),
            ),
            Options(
                max_tokens=9,
                temperature=0.5,
                stop=("x",),
                tools=(Tool("f", parameters={"type": "object"}),),
                tool_choice="required",
                reasoning=100,
                schema=Schema({"type": "object"}),
            ),
        )
    ]
