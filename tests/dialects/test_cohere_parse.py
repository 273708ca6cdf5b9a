"""Requests of Cohere's chat read by the server half, and refused in one clear sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bourn.dialects.base import HttpCall
from bourn.dialects.cohere.decoder import DIALECT
from bourn.dialects.cohere.words import PLAN
from bourn.errors import InputError
from bourn.messages import Image, Message, Options, Reasoning, Request, Schema, Text, Tool, ToolCall, ToolResult

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def parse(body: Any) -> Request:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return DIALECT.parse(HttpCall("/v2/chat", data))


def turn(**fields: Any) -> Message:
    """The one message that these fields become."""
    return parse({"model": "m", "messages": [fields]}).messages[0]


def test_a_request_is_read() -> None:
    """No stream comes unless it is asked for; nulls say nothing."""
    assert parse(BODY) == Request("m", (Message("user", "hi"),), stream=False)
    assert parse(BODY | {"stream": True}).stream
    nulls = dict.fromkeys(["max_tokens", "p", "tools", "tool_choice", "thinking", "response_format", "stop_sequences"])
    assert parse(BODY | nulls) == parse(BODY)


def test_options_are_read() -> None:
    """Those that the vocabulary has; the others stay."""
    told = {"max_tokens": 5, "temperature": 0.5, "p": 0.9, "stop_sequences": ["a"], "seed": 7, "k": 3, "safety_mode": "OFF"}
    assert parse(BODY | told).options == Options(
        max_tokens=5, temperature=0.5, top_p=0.9, stop=("a",), seed=7, extra={"k": 3, "safety_mode": "OFF"}
    )


@pytest.mark.parametrize(
    ("thinking", "options"),
    [
        ({"type": "disabled"}, Options(reasoning="none")),
        ({"type": "enabled", "token_budget": 500}, Options(reasoning=500)),
        ({"type": "enabled"}, Options(extra={"thinking": {"type": "enabled"}})),
    ],
)
def test_thinking_is_reasoning(thinking: dict[str, Any], options: Options) -> None:
    """Without a budget it is nothing that ``Options`` could say, and stays in ``extra``."""
    assert parse(BODY | {"thinking": thinking}).options == options


@pytest.mark.parametrize(
    ("wanted", "options"),
    [
        ({"type": "text"}, Options()),
        ({"type": "json_object"}, Options(extra={"response_format": {"type": "json_object"}})),
        ({"type": "json_object", "json_schema": {"type": "object"}}, Options(schema=Schema({"type": "object"}))),
    ],
)
def test_a_response_format_is_a_schema(wanted: dict[str, Any], options: Options) -> None:
    """JSON without a schema stays in ``extra``."""
    assert parse(BODY | {"response_format": wanted}).options == options


@pytest.mark.parametrize("strict", [None, True, False])
def test_tools_are_read(strict: bool | None) -> None:
    """``strict_tools`` is said of each."""
    function = {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}
    told = {"tools": [{"type": "function", "function": function}], **({} if strict is None else {"strict_tools": strict})}
    assert parse(BODY | told).options.tools == (Tool("f", "d", strict=strict),)


@pytest.mark.parametrize(("word", "choice"), [("REQUIRED", "required"), ("NONE", "none"), ("required", "required")])
def test_tool_choices_are_read(word: str, choice: str) -> None:
    """Cohere's words become the shared ones, in whatever letters."""
    assert parse(BODY | {"tool_choice": word}).options.tool_choice == choice


def test_an_answer_is_read_back() -> None:
    """Thinking, text, plan and calls, in the order in which the model said them; citations are not asked for again."""
    read = turn(
        role="assistant",
        content=[{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}],
        tool_plan="I will",
        tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}],
        citations=[{"start": 0}],
    )
    assert read == Message(
        "assistant", (Reasoning("hm"), Text("a"), Reasoning("I will", id=PLAN), ToolCall("c", "f", '{"x": 1}'))
    )
    assert turn(role="assistant", content="a") == Message("assistant", (Text("a"),))
    assert turn(role="assistant", tool_plan="p") == Message("assistant", (Reasoning("p", id=PLAN),))
    assert turn(role="assistant", content=[{"type": "thinking", "thinking": "hm"}]) == Message("assistant", (Reasoning("hm"),))


def test_images_are_read() -> None:
    """By URL, or by the bytes that one holds; a block that nobody knows is let through and left out."""
    content = [
        {"type": "text", "text": "what?"},
        {"type": "hologram", "depth": 1},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
    ]
    assert turn(role="user", content=content).parts == (
        Text("what?"),
        Image("https://x/y.png", detail="low"),
        Image(data=b"png", media_type="image/png"),
    )


def test_results_are_read() -> None:
    """As a text, or as blocks, of which documents become texts."""
    assert turn(role="tool", tool_call_id="c", content="1") == Message("tool", (ToolResult("c", "1"),))
    content = [
        {"type": "text", "text": "1"},
        {"type": "document", "document": {"id": "d", "data": '{"a":2}'}},
        {"type": "document", "document": {"data": {"b": "é"}}},
        {"type": "document", "document": {"text": "x"}},
        {"type": "document", "document": "y"},
    ]
    texts = (Text("1"), Text('{"a":2}'), Text('{"b":"é"}'), Text('{"text":"x"}'), Text('"y"'))
    assert turn(role="tool", tool_call_id="c", content=content) == Message("tool", (ToolResult("c", texts),))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "Input data was truncated"),
        (b"{", "Input data was truncated"),
        (b"[" * 5000, ""),
        (b'{"model":"\xff"}', ""),
        ([], "Expected `object`, got `array`"),
        ({"messages": []}, "Object missing required field `model`"),
        ({"model": "m"}, "Object missing required field `messages`"),
        (BODY | {"messages": []}, "messages: at least one message is required"),
        (BODY | {"messages": [{"content": "hi"}]}, "Object missing required field `role` - at `$.messages[0]`"),
        (BODY | {"messages": [{"role": "judge", "content": "hi"}]}, "Invalid enum value 'judge'"),
        (BODY | {"messages": [{"role": "user"}]}, "messages[0].content: is empty"),
        (BODY | {"messages": [*BODY["messages"], {"role": "tool", "content": "1"}]}, "messages[1].tool_call_id: is missing"),
        (BODY | {"p": "much"}, "Expected `float | null`, got `str` - at `$.p`"),
        (BODY | {"max_tokens": 0}, "max_tokens: wanted"),
        (BODY | {"tool_choice": "AUTO"}, "tool_choice: wanted REQUIRED or NONE, got 'AUTO'"),
        (BODY | {"thinking": {"type": "adaptive"}}, "Invalid enum value 'adaptive'"),
        (BODY | {"tools": [{"function": {}}]}, "tools[0].function"),
    ],
)
def test_a_bad_body_is_refused_in_one_sentence(body: Any, words: str) -> None:
    """It begins as Cohere's do, and names the place and what is wrong: for the message of a 400."""
    with pytest.raises(InputError) as refused:
        parse(body)
    assert refused.value.message.startswith(f"invalid request: {words}")
