"""The server's half of the Responses format: what it writes is read back the same, by our decoder and by the official SDK."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.base import HttpCall, WireError
from bourn.dialects.openai_responses.decoder import DIALECT
from bourn.dialects.openai_responses.server import ResponsesEncoder
from bourn.errors import ModelError
from bourn.events import (
    ChosenToken,
    Citation,
    Event,
    Finish,
    Logprobs,
    Other,
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
from bourn.messages import Message, Options, Request, Schema, Tool
from bourn.response import Response
from bourn.testing.strategies import KINDS, Kind, chunkings, event_runs, json_values, names, notes, usages
from bourn.wire.sse import SSEFramer
from tests.recordings import decode

SIGNED: tuple[Kind, ...] = ("reasoning",)
REQUEST = Request("gpt-x", (Message("user", "hi"),))


def encode(events: list[Event], request: Request = REQUEST) -> bytes:
    encoder = DIALECT.encoder(request)
    return b"".join(encoder.encode(event) for event in events)


def payloads(data: bytes) -> list[dict[str, Any]]:
    """The payloads of a body, each named by its ``event:`` line."""
    frames = SSEFramer().feed(data)
    found = [json.loads(frame.data) for frame in frames]
    assert [frame.event for frame in frames] == [one["type"] for one in found]
    return found


# --- read back ---

starts = st.builds(Start, id=names, model=names)
finishes = st.builds(
    lambda word, usage: Finish(word[0], word[1], usage),
    st.sampled_from([("stop", "completed"), ("length", "max_output_tokens"), ("content_filter", "content_filter")])
    | names.map(lambda name: ("other", f"x_{name}")),
    st.none() | usages(),
)
_fields = st.dictionaries(names.filter(lambda name: name not in ("type", "call_id", "id")), json_values, max_size=3)
own_items = st.builds(
    lambda kind, fields: Other(kind, {"type": kind, "id": f"{kind}_1", **fields}),
    st.sampled_from(["shell_call", "mcp_list_tools", "compaction"]),
    _fields,
)
own_events = st.builds(
    lambda kind, fields: Other(kind, {"type": kind, **fields}),
    st.sampled_from(["response.web_search_call.searching", "response.image_generation_call.partial_image"]),
    _fields,
)


def expressible(events: list[Event]) -> list[Event]:
    """The run with an id for all reasoning, and with calls for the reason where there are calls: the format has no others."""
    out: list[Event] = []
    for event in events:
        if isinstance(event, ReasoningStart) and event.id is None:
            event = ReasoningStart(event.index, f"rs_{event.index}")
        if isinstance(event, Finish) and event.reason == "stop" and any(isinstance(one, ToolCallStart) for one in events):
            event = msgspec.structs.replace(event, reason="tool_calls")
        out.append(event)
    return out


def runs(*, cut_calls: bool = False) -> st.SearchStrategy[list[Event]]:
    """What the format can express: ids everywhere, signatures on reasoning only, nothing redacted."""
    drawn = event_runs(
        signed=SIGNED,
        redacted=False,
        cut_calls=cut_calls,
        start=starts,
        other=own_items | own_events,
        finish=finishes,
    )
    return drawn.map(expressible)


@given(runs(cut_calls=True), st.data())
def test_what_is_written_is_read_back(events: list[Event], data: st.DataObject) -> None:
    """Every run of events that the format can express, parts interleaved, calls cut, at any cut of its bytes."""
    decoded = decode(DIALECT, data.draw(chunkings(encode(events))))
    assert decoded.error is None
    assert decoded.events == events


@given(runs())
def test_the_events_are_numbered_and_the_last_one_has_it_all(events: list[Event]) -> None:
    """Sequence numbers count up from 0, and the terminal response alone decodes to the same parts in their order."""
    sent = [one for one in payloads(encode(events)) if not one["type"].startswith(("response.web_", "response.image_"))]
    assert [one["sequence_number"] for one in sent] == list(range(len(sent)))
    whole = decode(DIALECT, [encode(events)]).response
    alone = decode(DIALECT, [b"data: " + json.dumps({**sent[-1], "sequence_number": 0}).encode() + b"\n\n"]).response
    assert alone.parts == whole.parts
    assert (alone.finish_reason, alone.raw_finish_reason, alone.usage) == (
        whole.finish_reason,
        whole.raw_finish_reason,
        whole.usage,
    )


@given(runs())
def test_the_whole_response_is_that_of_the_last_event(events: list[Event]) -> None:
    """Without ``stream`` the answer is the object that a stream ends with."""
    assert json.loads(DIALECT.encode_whole(REQUEST, events)) == payloads(encode(events))[-1]["response"]


def test_notes_on_a_text_are_read_back() -> None:
    """Annotations and logprobs belong to an open text; without one they cannot be said."""
    note, file = Citation(0, "u", "t", start=1, end=2), Citation(0, title="f", id="file_1")
    odd, logprobs = Other("annotation", {"url": "u"}, 0), Logprobs((ChosenToken("a", -0.5),), 0)
    said: list[Event] = [Start("r", "m"), TextStart(0), TextDelta(0, "a"), note, file, odd, logprobs, TextEnd(0)]
    events = [*said, Finish("stop", "completed")]
    assert decode(DIALECT, [encode(events)]).events == events
    assert len(payloads(encode(events))[-1]["response"]["output"][0]["content"][0]["annotations"]) == 3
    encoder = DIALECT.encoder(REQUEST)
    for event in (Start("r", "m"), RefusalStart(0)):
        encoder.encode(event)
    for unsaid in (note, odd, logprobs, msgspec.structs.replace(note, index=None)):
        assert encoder.encode(unsaid) == b""


@given(event_runs(kinds=KINDS, other=notes))
def test_every_legal_run_can_be_written(events: list[Event]) -> None:
    """Also what this format has no words for makes a whole answer, in which no text or argument is missing."""
    out, expected = decode(DIALECT, [encode(events)]), Response()
    for event in events:
        expected.fold(event)
    assert isinstance(out.error, ModelError) == (expected.finish_reason == "error")
    assert (out.response.text, out.response.refusal) == (expected.text, expected.refusal)
    assert [call.arguments for call in out.response.tool_calls] == [call.arguments for call in expected.tool_calls]


def test_the_tier_and_the_rest_of_the_usage_are_written() -> None:
    """Beside the counts, and in the response."""
    events: list[Event] = [
        Start("r", "m"),
        Other("usage", {"cost": 0.5, "input_tokens_details": {"audio_tokens": 3}}),
        Finish("stop", "completed", Usage(1, 2, 1), service_tier="flex"),
    ]
    assert decode(DIALECT, [encode(events)]).events == events


@pytest.mark.parametrize(
    "other",
    [
        Other("citations", ["u"]),
        Other("web_search_call", {"type": "another"}),
        Other("message", {"type": "message", "content": []}),
        Other("function_call", {"type": "function_call", "call_id": "c", "name": "f"}),
        Other("response.output_text.delta", {"type": "response.output_text.delta", "delta": "forged"}),
        Other("response.completed", {"type": "response.completed"}),
        Other("response.reasoning_part.added", {"type": "response.reasoning_part.added"}),
    ],
)
def test_a_foreign_other_becomes_no_bytes(other: Other) -> None:
    """What this format has no place for, and what would be taken for a part, is not written."""
    encoder = DIALECT.encoder(REQUEST)
    encoder.encode(Start("r", "m"))
    assert encoder.encode(other) == b""


# --- as OpenAI writes it ---

ANSWER: list[Event] = [
    Start("resp_abc", "gpt-x-1"),
    ReasoningStart(0, "rs_1"),
    ReasoningDelta(0, "th"),
    ReasoningDelta(0, "ink"),
    ReasoningEnd(0, "ENC"),
    TextStart(1),
    TextDelta(1, "Hel"),
    TextDelta(1, "lo"),
    TextEnd(1),
    ToolCallStart(2, "call_1", "f"),
    ToolCallDelta(2, '{"a":'),
    ToolCallDelta(2, "1}"),
    ToolCallEnd(2),
    ToolCallStart(3, "call_2", "g", custom=True),
    ToolCallDelta(3, "go"),
    ToolCallEnd(3),
    Finish("tool_calls", "completed", Usage(10, 20, 3, 1, 5)),
]


def test_the_events_come_in_openais_order() -> None:
    """Announced, said, said whole; item by item; then the terminal event."""
    assert [one["type"].removeprefix("response.") for one in payloads(encode(ANSWER))] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
        "completed",
    ]


def test_ids_that_are_missing_are_made_from_the_answers_own() -> None:
    """An item has an id whether or not an event brought one, and never one of another answer."""
    events = [Start("resp_abc"), ReasoningStart(0), ReasoningEnd(0), TextStart(1), TextEnd(1), ToolCallStart(2, None, "f")]
    items = [one["item"] for one in payloads(encode(events)) if one["type"] == "response.output_item.added"]
    assert [item["id"] for item in items] == ["rs_abc_0", "msg_abc_1", "fc_abc_2"]
    assert items[2]["call_id"] == "call_2"


def test_the_response_repeats_what_was_asked() -> None:
    """With OpenAI's defaults where nothing was, and what came beyond the options as it came."""
    tool = Tool("f", parameters={})
    options = Options(64, 0.5, tools=(tool,), tool_choice="f", reasoning="low", schema=Schema({}), extra={"store": False})
    response = payloads(encode([Start("r")], Request("gpt-x", REQUEST.messages, options)))[0]["response"]
    assert (response["max_output_tokens"], response["temperature"], response["top_p"]) == (64, 0.5, 1.0)
    assert response["tools"] == [{"type": "function", "name": "f", "parameters": {}}]
    assert response["tool_choice"] == {"type": "function", "name": "f"}
    assert response["reasoning"] == {"effort": "low"}
    assert response["text"]["format"]["type"] == "json_schema"
    assert (response["store"], response["truncation"], response["model"]) == (False, "disabled", "gpt-x")


def test_a_call_that_was_cut_is_done_as_incomplete() -> None:
    """As OpenAI sends it when the token limit cuts a call."""
    events = [Start("r"), ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"a'), Finish("length")]
    last, item = payloads(encode(events))[-1], payloads(encode(events))[-2]
    assert (item["type"], item["item"]["status"], item["item"]["arguments"]) == (
        "response.output_item.done",
        "incomplete",
        '{"a',
    )
    assert (last["type"], last["response"]["status"]) == ("response.incomplete", "incomplete")
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


@pytest.mark.parametrize(
    ("finish", "type", "details"),
    [
        (Finish("stop", "end_turn"), "completed", None),
        (Finish("tool_calls"), "completed", None),
        (Finish("content_filter", "refusal"), "incomplete", {"reason": "content_filter"}),
        (Finish("other", "pause_turn"), "incomplete", {"reason": "pause_turn"}),
        (Finish("other", verified=False), "incomplete", {"reason": "other"}),
    ],
)
def test_a_foreign_finish_is_said_in_openais_words(finish: Finish, type: str, details: dict[str, str] | None) -> None:
    """The shared reason counts; another dialect's word is kept only where the format has none."""
    last = payloads(encode([Start("r"), finish]))[-1]
    assert (last["type"], last["response"]["status"]) == (f"response.{type}", type)
    assert last["response"]["incomplete_details"] == details


def test_an_answer_that_ends_in_an_error_has_failed() -> None:
    """There is no other way to say so, and a reader raises it."""
    decoded = decode(DIALECT, [encode([Start("r"), Finish("error", "overloaded")])])
    assert isinstance(decoded.error, ModelError)
    assert (decoded.error.message, decoded.error.code) == ("overloaded", "server_error")


def test_an_error_in_mid_stream_is_followed_by_the_failed_response() -> None:
    """As recorded of OpenAI; the reader has the words of the first, the text before it, and nothing of the second."""
    encoder = DIALECT.encoder(REQUEST)
    data = b"".join(encoder.encode(event) for event in (Start("r"), TextStart(0), TextDelta(0, "Hel")))
    data += encoder.error(WireError("no", "server_error", "c"))
    decoded = decode(DIALECT, [data])
    assert isinstance(decoded.error, ModelError)
    assert (decoded.error.message, decoded.error.type, decoded.error.code) == ("no", "server_error", "c")
    assert decoded.response.text == "Hel"
    assert [one["type"] for one in payloads(data)][-2:] == ["error", "response.failed"]


# --- the official SDK ---


class _Sdk:
    """The official client on a transport that answers each request with what the server half makes of ``events``."""

    def __init__(self, events: list[Event], error: WireError | None = None) -> None:
        openai = pytest.importorskip("openai", reason="the official SDK (dependency group `sdk`) is not installed")
        web = pytest.importorskip("httpx2", reason="comes with the official SDK")

        def answer(request: Any) -> Any:
            self.request = DIALECT.parse(HttpCall("/responses", request.content))
            if not self.request.stream:
                body = DIALECT.encode_whole(self.request, events)
                return web.Response(200, headers={"content-type": "application/json"}, content=body)
            encoder = ResponsesEncoder(self.request)
            body = b"".join(encoder.encode(event) for event in events) + (b"" if error is None else encoder.error(error))
            return web.Response(200, headers={"content-type": DIALECT.media_types[0]}, content=body)

        self.errors = openai
        transport = web.AsyncClient(transport=web.MockTransport(answer))
        self.client = openai.AsyncOpenAI(api_key="k", base_url="http://mock/v1", http_client=transport, max_retries=0)


TOOLS = [
    {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False},
    {"type": "custom", "name": "g"},
]


def judge(response: Any) -> None:
    """What the SDK made of ``ANSWER``."""
    thought, message, call, custom = response.output
    assert (response.id, response.model, response.status) == ("resp_abc", "gpt-x-1", "completed")
    assert response.output_text == message.content[0].text == "Hello"
    assert (thought.id, thought.summary[0].text, thought.encrypted_content) == ("rs_1", "think", "ENC")
    assert (call.type, call.call_id, call.name, call.arguments) == ("function_call", "call_1", "f", '{"a":1}')
    assert (custom.type, custom.call_id, custom.name, custom.input) == ("custom_tool_call", "call_2", "g", "go")
    usage = response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (10, 20, 30)
    assert (usage.input_tokens_details.cached_tokens, usage.output_tokens_details.reasoning_tokens) == (3, 5)


async def test_the_sdk_reads_a_whole_answer() -> None:
    """Text, reasoning, calls, usage and status, without a stream."""
    sdk = _Sdk(ANSWER)
    async with sdk.client as client:
        judge(await client.responses.create(model="gpt-x", input="hi", tools=TOOLS))
    assert not sdk.request.stream


async def test_the_sdk_reads_a_stream() -> None:
    """Event by event: the deltas add up, numbers count up, the last response is the whole answer."""
    sdk = _Sdk(ANSWER)
    async with sdk.client as client:
        events = [event async for event in await client.responses.create(model="gpt-x", input="hi", tools=TOOLS, stream=True)]
    pieces = {
        kind: "".join(event.delta for event in events if event.type == f"response.{kind}.delta")
        for kind in ("output_text", "reasoning_summary_text", "function_call_arguments", "custom_tool_call_input")
    }
    assert pieces == {
        "output_text": "Hello",
        "reasoning_summary_text": "think",
        "function_call_arguments": '{"a":1}',
        "custom_tool_call_input": "go",
    }
    assert [event.sequence_number for event in events] == list(range(len(events)))
    judge(events[-1].response)


async def test_the_sdks_own_accumulator_agrees() -> None:
    """``responses.stream()`` checks the order of events against its snapshot, and ends with the whole answer."""
    sdk = _Sdk(ANSWER)
    async with sdk.client as client, client.responses.stream(model="gpt-x", input="hi", tools=TOOLS) as stream:
        async for event in stream:
            assert event.type.startswith("response.")
        judge(await stream.get_final_response())


async def test_the_sdk_reads_a_refusal_and_an_incomplete_answer() -> None:
    """Kinds of contents and reasons other than the usual ones."""
    refused: list[Event] = [Start("r"), RefusalStart(0), RefusalDelta(0, "No."), RefusalEnd(0), Finish("length")]
    sdk = _Sdk(refused)
    async with sdk.client as client:
        response = await client.responses.create(model="gpt-x", input="hi")
    assert response.output[0].content[0].refusal == "No."
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")


async def test_the_sdk_raises_an_error_in_mid_stream() -> None:
    """With its message."""
    sdk = _Sdk([Start("r"), TextStart(0), TextDelta(0, "Hel")], WireError("no capacity", "server_error", "server_error"))
    async with sdk.client as client:
        stream = await client.responses.create(model="gpt-x", input="hi", stream=True)
        with pytest.raises(sdk.errors.APIError, match="no capacity"):
            async for _ in stream:
                pass


async def test_the_sdk_raises_a_refused_request() -> None:
    """The body of a refusal in the SDK's own classes."""
    openai = pytest.importorskip("openai", reason="the official SDK (dependency group `sdk`) is not installed")
    web = pytest.importorskip("httpx2", reason="comes with the official SDK")
    body = DIALECT.encode_error(429, WireError("slow down", "requests", "rate_limit_exceeded"))
    transport = web.MockTransport(lambda _: web.Response(429, headers={"content-type": "application/json"}, content=body))
    client = openai.AsyncOpenAI(
        api_key="k", base_url="http://mock/v1", http_client=web.AsyncClient(transport=transport), max_retries=0
    )
    async with client:
        with pytest.raises(openai.RateLimitError, match="slow down") as raised:
            await client.responses.create(model="gpt-x", input="hi")
    assert (raised.value.code, raised.value.type) == ("rate_limit_exceeded", "requests")


async def test_what_the_sdk_sends_back_is_read() -> None:
    """Its own output items, sent as the next input, are one turn of the assistant's."""
    sdk = _Sdk(ANSWER)
    async with sdk.client as client:
        first = await client.responses.create(model="gpt-x", input="hi", tools=TOOLS)
        sent = [{"role": "user", "content": "hi"}, *first.output]
        results = [{"type": "function_call_output", "call_id": "call_1", "output": "1"}]
        await client.responses.create(model="gpt-x", input=[*sent, *results], tools=TOOLS)
    whole = decode(DIALECT, [encode(ANSWER)]).response
    assert sdk.request.messages[1] == whole.message
    assert [message.role for message in sdk.request.messages] == ["user", "assistant", "tool"]
