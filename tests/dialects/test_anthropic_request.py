"""What the client's half of Anthropic's dialect sends, and what it says that it cannot."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.anthropic.decoder import DIALECT
from bourn.messages import (
    Image,
    Message,
    Options,
    Part,
    Reasoning,
    Refusal,
    Request,
    Schema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from bourn.testing.strategies import json_arguments, names, texts

OLD, NEW = "claude-sonnet-4-5", "claude-opus-5"


def sent(*messages: Message, model: str = OLD, **options: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body and the warnings of a request."""
    call = DIALECT.call(Request(model, messages or (Message("user", "hi"),), Options(**options)))
    assert (call.path, call.method) == ("/v1/messages", "POST")
    assert call.headers == {"anthropic-version": "2023-06-01"}
    body: dict[str, Any] = json.loads(call.body)
    return body, call.warnings


def turns(*messages: Message) -> list[dict[str, Any]]:
    """The turns sent; no warning may come."""
    body, warnings = sent(*messages)
    assert warnings == ()
    told: list[dict[str, Any]] = body["messages"]
    return told


def test_a_plain_prompt_is_a_small_body() -> None:
    """Only what is needed is sent; ``max_tokens`` is, since the API requires it."""
    assert sent() == (
        {"model": OLD, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4096, "stream": True},
        (),
    )


def test_options_have_anthropics_names() -> None:
    """Each option that the API has is sent under its name."""
    body, warnings = sent(max_tokens=9, temperature=0.5, top_p=0.9, stop=("a", "b"))
    assert {name: body[name] for name in ("max_tokens", "temperature", "top_p", "stop_sequences")} == {
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["a", "b"],
    }
    assert warnings == ()


def test_what_the_api_does_not_have_is_a_warning() -> None:
    """A seed for all models, sampling for the new ones; nothing is dropped in silence."""
    body, warnings = sent(model=NEW, seed=1, temperature=0.0, top_p=0.5)
    assert not body.keys() & {"seed", "temperature", "top_p"}
    assert warnings == (
        "the sampling options temperature, top_p are left out: claude-opus-5 takes none",
        "seed is left out: Anthropic's API has none",
    )


def test_extra_goes_over_everything() -> None:
    """What the caller puts into ``extra`` is in the body as it is."""
    body, _ = sent(max_tokens=5, extra={"max_tokens": 7, "metadata": {"user_id": "u"}})
    assert (body["max_tokens"], body["metadata"]) == (7, {"user_id": "u"})


def test_system_messages_become_the_system_field() -> None:
    """One is a string, several are blocks, empty ones nothing."""
    user = Message("user", "hi")
    assert sent(Message("system", "Be brief."), user)[0]["system"] == "Be brief."
    assert sent(Message("system", "a"), Message("system", (Text("b"),)), user)[0]["system"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    assert "system" not in sent(Message("system", ""), user)[0]


def test_a_late_system_message_is_moved_with_a_warning() -> None:
    """The API has one place for it that all models know."""
    body, warnings = sent(Message("user", "hi"), Message("system", "Be brief."))
    assert (body["system"], body["messages"]) == ("Be brief.", [{"role": "user", "content": "hi"}])
    assert len(warnings) == 1
    assert "moved to the beginning" in warnings[0]


def test_turns_of_one_side_are_merged() -> None:
    """User and assistant alternate; what a tool gave is the user's and comes first; what is empty is left out."""
    assert turns(
        Message("user", "a"),
        Message("user", ""),
        Message("user", (Text("b"), Text(""))),
        Message("assistant", (Text("c"), ToolCall("t1", "f", '{"x": 1}'), ToolCall("t2", "g"))),
        Message("user", "meanwhile"),
        Message("tool", (ToolResult("t1", "one"),)),
        Message("tool", (ToolResult("t2", "two", is_error=True),)),
    ) == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "c"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "one"},
                {"type": "tool_result", "tool_use_id": "t2", "content": "two", "is_error": True},
                {"type": "text", "text": "meanwhile"},
            ],
        },
    ]


def test_images_are_sent_by_url_and_by_bytes() -> None:
    """In a user's turn and inside a tool's result."""
    by_url, by_data = Image(url="https://x/y.png"), Image(data=b"\x00\xff", media_type="image/gif")
    sources = [
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "AP8="}},
    ]
    assert turns(Message("user", (by_url, by_data)))[0]["content"] == sources
    result = ToolResult("t", (Text("see"), by_url, by_data))
    assert turns(Message("tool", (result,)))[0]["content"][0]["content"] == [{"type": "text", "text": "see"}, *sources]


def test_thinking_is_sent_back_unchanged() -> None:
    """With its signature, also where that is all there is, and redacted thinking as its data."""
    parts = (
        Reasoning("Hm.", "c2ln"),
        Reasoning("", "b25seQ=="),
        Reasoning(signature="RW5j", redacted=True),
        Text("So."),
    )
    assert turns(Message("assistant", parts))[0]["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "thinking", "thinking": "", "signature": "b25seQ=="},
        {"type": "redacted_thinking", "data": "RW5j"},
        {"type": "text", "text": "So."},
    ]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Reasoning("Hm."), "reasoning without a signature"),
        (Reasoning("Hm.", "gAAAA", id="rs_1"), "reasoning without a signature"),
        (ToolCall("t", "f", '{"a', complete=False), "the cut call of tool 'f'"),
    ],
)
def test_parts_that_cannot_be_sent_are_left_out_with_a_warning(part: Part, words: str) -> None:
    """Thinking that Anthropic did not sign, and calls that nobody may have run."""
    body, warnings = sent(Message("user", "hi"), Message("assistant", (part, Text("So."))))
    assert body["messages"][1] == {"role": "assistant", "content": "So."}
    assert len(warnings) == 1
    assert words in warnings[0]


@pytest.mark.parametrize(
    ("part", "block", "words"),
    [
        (Text("a", signature="s"), {"type": "text", "text": "a"}, "signature"),
        (ToolCall("t", "f", signature="s"), {"type": "tool_use", "id": "t", "name": "f", "input": {}}, "signature"),
        (Image(url="u", detail="low"), {"type": "image", "source": {"type": "url", "url": "u"}}, "detail"),
        (ToolCall("t", "f", "[1]"), {"type": "tool_use", "id": "t", "name": "f", "input": {"input": "[1]"}}, "no JSON object"),
        (ToolCall("t", "f", "ls", custom=True), {"type": "tool_use", "id": "t", "name": "f", "input": {"input": "ls"}}, "'f'"),
    ],
)
def test_what_a_part_loses_is_a_warning(part: Part, block: dict[str, Any], words: str) -> None:
    """The part is sent, and what of it cannot be said is told once."""
    body, warnings = sent(Message("assistant", (part, part)))
    assert body["messages"][0]["content"] == [block, block]
    assert len(warnings) == 1
    assert words in warnings[0]


def test_a_refusal_is_sent_as_text() -> None:
    """The model said it, so it stays in the conversation."""
    assert turns(Message("assistant", (Refusal("No."),)))[0]["content"] == "No."


def test_ids_of_other_providers_are_made_fit() -> None:
    """The API takes letters, digits, ``_`` and ``-``: call and result stay together; without an id the name serves."""
    told = turns(
        Message("assistant", (ToolCall("functions.f:0", "f"), ToolCall(None, "g"))),
        Message("tool", (ToolResult("functions.f:0"),)),
    )
    assert [block["id"] for block in told[0]["content"]] == ["functions_f_0", "g"]
    assert told[1]["content"][0]["tool_use_id"] == "functions_f_0"


def test_tools_are_sent_with_their_schema() -> None:
    """Description and strictness only where they are given."""
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    body, _ = sent(tools=(Tool("f", "Does f.", schema, strict=True), Tool("g")))
    assert body["tools"] == [
        {"name": "f", "description": "Does f.", "input_schema": schema, "strict": True},
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
    ]


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ("f", {"type": "tool", "name": "f"}),
    ],
)
def test_the_tool_choice_has_anthropics_words(choice: str, told: dict[str, str]) -> None:
    """``required`` is ``any`` here, and a name is a tool."""
    assert sent(tools=(Tool("f"),), tool_choice=choice)[0]["tool_choice"] == told


def test_a_schema_is_the_output_format() -> None:
    """It stands beside the effort where there is one."""
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    assert sent(schema=Schema(schema))[0]["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    body, _ = sent(model=NEW, schema=Schema(schema), reasoning="low")
    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": schema}}


ADAPTIVE = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    "model",
    [
        "claude-opus-4-6",
        "claude-sonnet-4-6",
        "claude-opus-4.7",
        "claude-opus-5",
        "claude-fable-5-1",
        "claude-mythos-preview",
        "anthropic/claude-4.7-opus",
        "claude-haiku-5-5-20261001",
    ],
)
def test_an_effort_is_adaptive_thinking_for_new_models(model: str) -> None:
    """Claude 4.6 and later decide themselves when to think; the effort says how much they may spend."""
    body, warnings = sent(model=model, reasoning="high", max_tokens=100)
    assert (body["thinking"], body["output_config"], body["max_tokens"]) == (ADAPTIVE, {"effort": "high"}, 100)
    assert warnings == ()


@pytest.mark.parametrize(
    "model",
    [
        "claude-3-7-sonnet-20250219",
        "claude-3-haiku-20240307",
        "claude-sonnet-4-20250514",
        "claude-sonnet-4@20250514",
        "claude-opus-4-1-20250805",
        "claude-haiku-4-5",
        "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
        "claude-2.1",
        "qwen3-4b",
        "deepseek-chat",
    ],
)
def test_an_effort_is_a_budget_for_all_others(model: str) -> None:
    """The budget comes on top of the default ``max_tokens``."""
    body, warnings = sent(model=model, reasoning="medium")
    assert (body["thinking"], body["max_tokens"]) == ({"type": "enabled", "budget_tokens": 8192}, 4096 + 8192)
    assert "output_config" not in body
    assert warnings == ()


@pytest.mark.parametrize(
    ("reasoning", "limit", "budget", "max_tokens", "warned"),
    [
        (5000, None, 5000, 9096, False),
        (5000, 8000, 5000, 8000, False),
        (5000, 5001, 5000, 5001, False),
        (5000, 5000, 2500, 5000, True),
        (100, None, 1024, 5120, True),
        (100, 1025, 1024, 1025, True),
        ("high", 4000, 2000, 4000, True),
        ("minimal", 1500, 1024, 1500, False),
    ],
)
def test_a_budget_is_one_that_the_api_takes(
    reasoning: int | Literal["high"], limit: int | None, budget: int, max_tokens: int, warned: bool
) -> None:
    """At least 1024 tokens and less than ``max_tokens``; a change is told."""
    body, warnings = sent(reasoning=reasoning, max_tokens=limit)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert body["max_tokens"] == max_tokens
    assert bool(warnings) is warned


def test_reasoning_without_room_is_left_out_with_a_warning() -> None:
    """Below the smallest budget there is no thinking, and the caller's limit stays."""
    body, warnings = sent(reasoning="low", max_tokens=1024)
    assert "thinking" not in body
    assert (body["max_tokens"], len(warnings)) == (1024, 1)


@pytest.mark.parametrize("model", [OLD, NEW])
@pytest.mark.parametrize("none", ["none", 0])
def test_no_reasoning_is_disabled_thinking(model: str, none: Literal["none", 0]) -> None:
    """Both ways to say it are sent as one."""
    assert sent(model=model, reasoning=none)[0]["thinking"] == {"type": "disabled"}


def test_a_budget_for_a_model_that_takes_none_is_a_warning() -> None:
    """Claude 4.7 and later think as they see fit; 4.6 still takes a budget."""
    body, warnings = sent(model=NEW, reasoning=5000)
    assert (body["thinking"], len(warnings)) == (ADAPTIVE, 1)
    assert "5000" in warnings[0]
    assert sent(model="claude-opus-4-6", reasoning=5000)[0]["thinking"] == {"type": "enabled", "budget_tokens": 5000}


def test_the_least_effort_is_low() -> None:
    """Anthropic has no ``minimal``: it is sent as ``low``, and that is told."""
    body, warnings = sent(model=NEW, reasoning="minimal")
    assert body["output_config"] == {"effort": "low"}
    assert len(warnings) == 1


calls = st.builds(ToolCall, id=names, name=names, arguments=json_arguments)
images = st.builds(Image, url=texts) | st.builds(Image, data=st.binary(min_size=1), media_type=st.just("image/png"))
said = st.one_of(
    st.builds(Text, texts),
    st.builds(Reasoning, texts, names),
    st.builds(Reasoning, signature=names, redacted=st.sampled_from([True])),
)
asked = st.one_of(st.builds(Text, texts), images)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """System, then user and assistant in turn, every call with its result: what the API takes."""
    messages = [Message("system", text) for text in draw(st.lists(texts, max_size=2))]
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message("user", tuple(draw(st.lists(asked, min_size=1, max_size=3)))))
        made = draw(st.lists(calls, max_size=2, unique_by=lambda call: call.id))
        messages.append(Message("assistant", (*draw(st.lists(said, min_size=1, max_size=3)), *made)))
        if made:
            content = texts | st.lists(asked, min_size=1, max_size=2).map(tuple)
            messages.append(
                Message("tool", tuple(ToolResult(call.id or "", draw(content), draw(st.booleans())) for call in made))
            )
    return tuple(messages)


def meant(messages: tuple[Message, ...]) -> list[tuple[str, list[Any]]]:
    """What a conversation says: arguments as values, since their spelling is not kept on the wire."""
    return [(message.role, [_meant(part) for part in message.parts]) for message in messages]


def _meant(part: Part) -> Any:
    return (part.id, part.name, json.loads(part.arguments or "{}")) if isinstance(part, ToolCall) else part


@given(conversations())
def test_a_conversation_survives_both_halves(messages: tuple[Message, ...]) -> None:
    """What the client writes, the server reads as the same messages; nothing is warned of."""
    call = DIALECT.call(Request(OLD, messages))
    assert call.warnings == ()
    assert meant(DIALECT.parse(call).messages) == meant(messages)


@pytest.mark.parametrize("stream", [True, False])
def test_the_stream_is_asked_for(stream: bool) -> None:
    """The mock's whole answers are asked for with ``stream`` false."""
    assert json.loads(DIALECT.call(Request(OLD, (Message("user", "hi"),), stream=stream)).body)["stream"] is stream
