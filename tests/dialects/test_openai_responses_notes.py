"""Tools of the service and what stands beside a text, in the Responses format, from the server's half to the client's."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects import payload
from bourn.dialects.openai_responses.decoder import DIALECT
from bourn.dialects.openai_responses.notes import TOOLS
from bourn.errors import PayloadError
from bourn.events import (
    Event,
    Finish,
    MediaDelta,
    MediaEnd,
    MediaStart,
    Other,
    Safety,
    SafetyRating,
    ServerToolCall,
    ServerToolResult,
    Start,
    Usage,
)
from bourn.messages import Message, Request
from bourn.testing.strategies import json_values, names, texts
from tests.dialects.responses_wire import CREATED, Payload, done, run, said
from tests.recordings import decode


def encode(events: list[Event]) -> bytes:
    encoder = DIALECT.encoder(Request("gpt-x", (Message("user", "hi"),)))
    return b"".join(encoder.encode(event) for event in events)


_objects = st.dictionaries(names, json_values, max_size=2).map(lambda value: payload.dumps(value).decode())
_ids = st.integers(0, 999).map("id_{}".format)
_tools = st.sampled_from([tool.name for tool in TOOLS.values() if tool.name]) | names


@st.composite
def _used(draw: st.DrawFn) -> list[Event]:
    """A call of a tool of the service, with what it gave; a picture is media."""
    id, name = draw(_ids), draw(_tools)
    json_given = name in ("web_search", "file_search")
    given = draw(_objects if json_given else texts)
    call = ServerToolCall(id, name, given)
    gives = draw(st.booleans())
    if name == "image_generation":
        data = draw(st.binary(min_size=1, max_size=5))
        return [call, *((MediaStart(0, "image", id), MediaDelta(0, data), MediaEnd(0)) if gives else ())]
    content, failed = draw(json_values.filter(lambda value: value is not None)), draw(st.booleans())
    failed = failed or name == "web_search"
    return [call, *((ServerToolResult(id, name, content, failed),) if gives else ())]


@given(st.lists(_used(), max_size=4))
def test_tools_of_the_service_are_read_back(used: list[list[Event]]) -> None:
    """Each with what it gave, or without."""
    events: list[Event] = [Start("r", "m")]
    made = 0
    for tool in used:
        events += (
            msgspec.structs.replace(one, index=made) if isinstance(one, MediaStart | MediaDelta | MediaEnd) else one
            for one in tool
        )
        made += any(isinstance(one, MediaStart) for one in tool)
    events.append(Finish("stop", "completed"))
    assert decode(DIALECT, [encode(events)]).events == events


def test_a_picture_without_a_call_gets_one() -> None:
    """It stands in the item of the call that made it; what is not a picture, and what was cut, is written as far as can be."""
    picture: list[Event] = [MediaStart(0, "image/png"), MediaDelta(0, b"\x01")]
    events = decode(DIALECT, [encode([Start("r", "m"), *picture, MediaEnd(0), Finish("stop", "completed")])]).events
    assert [type(event) for event in events] == [Start, ServerToolCall, MediaStart, MediaDelta, MediaEnd, Finish]
    assert events[2] == MediaStart(0, "image/png", "image_generation_call_0")
    cut = decode(DIALECT, [encode([Start("r", "m"), *picture, Finish("length", "max_output_tokens")])])
    assert cut.response.media[0].data == b"\x01"
    speech: list[Event] = [MediaStart(0, "audio"), MediaDelta(0, b"\x01"), MediaEnd(0)]
    assert decode(DIALECT, [encode([Start("r", "m"), *speech, Finish("stop", "completed")])]).response.parts == ()


PICTURE = {"id": "ig", "type": "image_generation_call", "status": "completed", "revised_prompt": "a cat"}
MCP_CALL = {"id": "m", "type": "mcp_call", "status": "completed", "name": "ask", "server_label": "", "arguments": "{}"}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {"id": "ci", "type": "code_interpreter_call", "status": "completed", "code": "1+1", "outputs": [{"logs": "2"}]},
            [ServerToolCall("ci", "code_interpreter", "1+1"), ServerToolResult("ci", "code_interpreter", [{"logs": "2"}])],
        ),
        (
            {"id": "fs", "type": "file_search_call", "status": "completed", "queries": ["q"], "results": None},
            [ServerToolCall("fs", "file_search", '["q"]')],
        ),
        (
            {**MCP_CALL, "output": "found", "error": None},
            [ServerToolCall("m", "ask", "{}"), ServerToolResult("m", "ask", "found")],
        ),
        (
            {**MCP_CALL, "output": None, "error": "no", "server_label": "s"},
            [
                ServerToolCall("m", "ask", "{}", {**MCP_CALL, "server_label": "s"}),
                ServerToolResult("m", "ask", "no", is_error=True),
            ],
        ),
        (
            {"type": "web_search_call", "id": "x", "call_id": "", "name": "web_search", "arguments": "{}"},
            [
                ServerToolCall(
                    "x",
                    "web_search",
                    "{}",
                    {"type": "web_search_call", "id": "x", "call_id": "", "name": "web_search", "arguments": "{}"},
                )
            ],
        ),
        (
            {**PICTURE, "output_format": "png", "result": "AQI="},
            [
                ServerToolCall("ig", "image_generation", "a cat", {**PICTURE, "output_format": "png"}),
                *(MediaStart(0, "image/png", "ig"), MediaDelta(0, b"\x01\x02"), MediaEnd(0)),
            ],
        ),
        (
            {**PICTURE, "result": "no base64"},
            [
                ServerToolCall("ig", "image_generation", "a cat"),
                ServerToolResult("ig", "image_generation", "no base64"),
            ],
        ),
        (
            {"type": "shell_call", "id": "s", "action": {}},
            [Other("shell_call", {"type": "shell_call", "id": "s", "action": {}})],
        ),
    ],
)
def test_a_tool_of_the_service_is_a_call_and_what_it_gave(item: Payload, expected: list[Event]) -> None:
    """As far as the item says; what the fields do not say is kept. A picture is media; a shell may be the client's."""
    assert said(done(0, **item)) == expected


def test_verdicts_and_copilots_bill_are_told_at_the_end() -> None:
    """Azure judges prompt and answer in the response; Copilot tells its bill beside it."""
    hate = {"hate": {"filtered": False, "severity": "safe"}}
    told = [{"blocked": False, "source_type": source, "content_filter_results": hate} for source in ("prompt", "completion")]
    last = {"type": "response.completed", "copilot_usage": {"a": 1}, "response": {"content_filters": [*told, 7]}}
    safety: list[Event] = [Safety(about, (SafetyRating("hate", "safe"),)) for about in ("prompt", "answer")]
    assert run(CREATED, last).events[1:-1] == [*safety, Other("content_filters", 7), Other("copilot_usage", {"a": 1})]
    events = [Start("r", "m"), *safety, Finish("stop", "completed")]
    assert decode(DIALECT, [encode(events)]).events == events


def test_what_the_usage_and_the_tier_are() -> None:
    """The tier is in the finish; counts that have no place in the usage come before it."""
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "cost": 0.5, "output_tokens_details": {"audio": 0}}
    last = {"type": "response.completed", "response": {"status": "completed", "usage": usage, "service_tier": "flex"}}
    assert run(CREATED, last).events[1:] == [
        Other("usage", {"cost": 0.5}),
        Finish("stop", "completed", Usage(1, 2), service_tier="flex"),
    ]
    odd = {"type": "response.completed", "response": {"status": "completed", "service_tier": {"id": {}}}}
    assert run(CREATED, odd).events[1:] == [Other("service_tier", {"id": {}}), Finish("stop", "completed")]
    broken = {"type": "response.completed", "response": {"status": "completed", "usage": {"input_tokens": "x"}}}
    assert isinstance(run(CREATED, broken).error, PayloadError)
