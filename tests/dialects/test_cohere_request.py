"""What Cohere's dialect sends, and what it warns of because Cohere has no word for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bourn.dialects.cohere.decoder import DIALECT
from bourn.dialects.cohere.words import PLAN
from bourn.messages import (
    Image,
    Message,
    Options,
    Reasoning,
    Refusal,
    Request,
    Schema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

HI = (Message("user", "hi"),)


def sent(*messages: Message, stream: bool = True, **options: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body that a request becomes, and the warnings."""
    call = DIALECT.call(Request("m", messages or HI, Options(**options), stream=stream))
    assert (call.path, call.method) == ("/v2/chat", "POST")
    return json.loads(call.body), call.warnings


def message(*parts: Any, role: Any = "user") -> tuple[dict[str, Any], tuple[str, ...]]:
    """The last message that these parts become, and the warnings."""
    body, warnings = sent(Message(role, parts))
    written: dict[str, Any] = body["messages"][-1]
    return written, warnings


def test_a_plain_request_says_no_more_than_it_must() -> None:
    """Model, messages, and whether to stream; the header asks for what will come."""
    assert sent() == ({"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}, ())
    assert DIALECT.call(Request("m", HI)).headers["accept"] == "text/event-stream"
    assert sent(stream=False)[0]["stream"] is False
    assert DIALECT.call(Request("m", HI, stream=False)).headers["accept"] == "application/json"


def test_sampling_has_coheres_names() -> None:
    """``p`` and ``stop_sequences`` are the odd ones."""
    body, warnings = sent(max_tokens=5, temperature=0.5, top_p=0.9, stop=("a", "b"), seed=7)
    told = {name: value for name, value in body.items() if name not in ("model", "messages", "stream")}
    assert told == {"max_tokens": 5, "temperature": 0.5, "p": 0.9, "stop_sequences": ["a", "b"], "seed": 7}
    assert warnings == ()


@pytest.mark.parametrize(("top_p", "p"), [(1.0, 0.99), (0.0, 0.01), (0.99, 0.99), (0.01, 0.01)])
def test_p_is_kept_within_its_bounds(top_p: float, p: float) -> None:
    """0 and 1 would be refused, so the nearest is sent, and said."""
    body, warnings = sent(top_p=top_p)
    assert body["p"] == p
    assert warnings == ((f"top_p is sent as {p} instead of {top_p:g}: Cohere takes 0.01 to 0.99",) if p != top_p else ())


@pytest.mark.parametrize(
    ("wish", "thinking"),
    [
        ("none", {"type": "disabled"}),
        (0, {"type": "disabled"}),
        ("minimal", {"type": "enabled", "token_budget": 1024}),
        ("low", {"type": "enabled", "token_budget": 2048}),
        ("medium", {"type": "enabled", "token_budget": 8192}),
        ("high", {"type": "enabled", "token_budget": 16384}),
        ("xhigh", {"type": "enabled", "token_budget": 31000}),
        (500, {"type": "enabled", "token_budget": 500}),
    ],
)
def test_reasoning_is_a_budget(wish: Any, thinking: dict[str, Any]) -> None:
    """Cohere has no efforts: each becomes a number of tokens."""
    body, warnings = sent(reasoning=wish)
    assert (body["thinking"], warnings) == (thinking, ())


def test_a_schema_is_the_response_format() -> None:
    """The JSON schema itself."""
    body, _ = sent(schema=Schema({"type": "object"}))
    assert body["response_format"] == {"type": "json_object", "json_schema": {"type": "object"}}


TOOL = Tool("f", "does f", {"type": "object", "properties": {}})


def test_tools_are_functions() -> None:
    """An empty description is left out."""
    body, warnings = sent(tools=(TOOL, Tool("g")))
    assert body["tools"] == [
        {"type": "function", "function": {"name": "f", "description": "does f", "parameters": TOOL.parameters}},
        {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
    ]
    assert "strict_tools" not in body
    assert warnings == ()


@pytest.mark.parametrize(
    ("wishes", "strict", "warned"),
    [
        ((None, None), None, False),
        ((True, None), True, False),
        ((False, None), False, False),
        ((True, False), True, True),
    ],
)
def test_strict_holds_for_all_tools(wishes: tuple[bool | None, ...], strict: bool | None, warned: bool) -> None:
    """Cohere has one word for all, so wishes that differ cannot all be granted."""
    body, warnings = sent(tools=tuple(Tool(f"f{at}", strict=wish) for at, wish in enumerate(wishes)))
    assert body.get("strict_tools") is strict
    assert warnings == (("strict is asked of all tools: Cohere has one word for all",) if warned else ())


@pytest.mark.parametrize(
    ("choice", "word", "warned"),
    [
        (None, None, False),
        ("auto", None, False),
        ("none", "NONE", False),
        ("required", "REQUIRED", False),
        ("f", "REQUIRED", True),
    ],
)
def test_a_tool_choice_is_expressed_as_far_as_it_goes(choice: str | None, word: str | None, warned: bool) -> None:
    """A certain tool cannot be named."""
    body, warnings = sent(tools=(TOOL,), tool_choice=choice)
    assert body.get("tool_choice") == word
    expected = ("tool_choice 'f' is sent as REQUIRED: Cohere can be made to call a tool, not a certain one",)
    assert warnings == (expected if warned else ())


def test_extra_goes_over_everything() -> None:
    """What Cohere has besides, and what the caller knows better."""
    documents = [{"id": "d", "data": {"text": "x"}}]
    body, _ = sent(seed=1, extra={"documents": documents, "seed": 2})
    assert (body["documents"], body["seed"]) == (documents, 2)


def test_images_are_sent_by_url() -> None:
    """Their own, or one that holds their bytes; a lone text that was given as a part stays one."""
    png = Image(data=b"png", media_type="image/png")
    assert message(Text("a"), Image(url="https://x/y.png", detail="low"), png) == (
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
            ],
        },
        (),
    )
    assert message(Text("a"))[0]["content"] == [{"type": "text", "text": "a"}]


def test_an_answer_is_sent_back_as_it_came() -> None:
    """Thinking and text as content, the plan and the calls under their own names; a refusal is text."""
    said = (
        Reasoning("hm"),
        Text("a"),
        Refusal("b"),
        Reasoning("I will", id=PLAN),
        ToolCall("c", "f", '{"x":"é"}'),
        ToolCall(None, "g"),
    )
    assert message(*said, role="assistant") == (
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            "tool_plan": "I will",
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x":"é"}'}},
                {"id": "g", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        (),
    )


def test_what_cannot_be_sent_back_is_a_warning() -> None:
    """Signatures, thinking that is nothing else, and cut calls; a message of which nothing is left is not sent."""
    said = (Reasoning(signature="s", redacted=True), ToolCall("c", "f", '{"x', complete=False))
    body, warnings = sent(*HI, Message("assistant", said), Message("assistant", (Text("a", signature="s"),)))
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant"]
    assert warnings == (
        "signatures are left out: Cohere has no place for them",
        "the cut call of tool 'f' is left out: its arguments are not whole",
    )


def test_results_are_messages_of_their_own() -> None:
    """Each with the id of its call; texts are blocks where they were parts."""
    body, warnings = sent(
        Message("assistant", (ToolCall("c", "f"), ToolCall("d", "g"))),
        Message("tool", (ToolResult("c", "1"), ToolResult("d", (Text("2"), Text("3")), name="g"))),
    )
    assert body["messages"][1:] == [
        {"role": "tool", "tool_call_id": "c", "content": "1"},
        {"role": "tool", "tool_call_id": "d", "content": [{"type": "text", "text": "2"}, {"type": "text", "text": "3"}]},
    ]
    assert warnings == ()


def test_results_that_failed_or_show_something_are_warnings() -> None:
    """Cohere takes images from the user only."""
    image = Image(data=b"x", media_type="image/png")
    assert message(ToolResult("c", (Text("1"), image), is_error=True), role="tool") == (
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "1"}]},
        (
            "that a tool failed is left out: Cohere knows it from the result's text only",
            "an image in a tool's result is left out: Cohere takes images from the user only",
        ),
    )


def test_roles_are_coheres_own() -> None:
    """System messages stay where they are."""
    body, _ = sent(Message("system", "s"), *HI, Message("assistant", "yes"), Message("system", "t"))
    assert [(one["role"], one["content"]) for one in body["messages"]] == [
        ("system", "s"),
        ("user", "hi"),
        ("assistant", "yes"),
        ("system", "t"),
    ]
