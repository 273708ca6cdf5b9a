"""What Ollama's dialect sends, and what it warns of because Ollama has no word for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bourn.dialects.ollama.decoder import DIALECT
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
    assert (call.path, call.method) == ("/api/chat", "POST")
    return json.loads(call.body), call.warnings


def message(*parts: Any, role: Any = "user") -> tuple[dict[str, Any], tuple[str, ...]]:
    """The last message that these parts become, and the warnings."""
    body, warnings = sent(Message(role, parts))
    written: dict[str, Any] = body["messages"][-1]
    return written, warnings


def test_a_plain_request_says_no_more_than_it_must() -> None:
    """Model, messages, and whether to stream: Ollama streams unless told otherwise."""
    assert sent() == ({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}, ())
    assert sent(stream=False)[0]["stream"] is False


def test_the_stream_is_asked_for_as_lines() -> None:
    """The body is JSON, the answer NDJSON, as in Ollama's own client."""
    headers = DIALECT.call(Request("m", HI)).headers
    assert headers == {"content-type": "application/json", "accept": "application/x-ndjson"}


def test_sampling_goes_into_options() -> None:
    """Under Ollama's names."""
    body, warnings = sent(max_tokens=5, temperature=0.5, top_p=0.9, stop=("a", "b"), seed=7)
    assert body["options"] == {"num_predict": 5, "temperature": 0.5, "top_p": 0.9, "stop": ["a", "b"], "seed": 7}
    assert warnings == ()


def test_extra_options_are_added_to_the_others() -> None:
    """An ``extra`` for ``num_ctx`` does not cost the temperature; what both name is the caller's."""
    body, _ = sent(temperature=0.5, seed=1, extra={"options": {"num_ctx": 8192, "seed": 2}, "keep_alive": "5m"})
    assert body["options"] == {"temperature": 0.5, "seed": 2, "num_ctx": 8192}
    assert body["keep_alive"] == "5m"
    assert sent(seed=1, extra={"options": None})[0]["options"] is None
    assert sent(extra={"think": True})[0]["think"] is True


@pytest.mark.parametrize(
    ("wish", "think", "warning"),
    [
        ("none", False, None),
        (0, False, None),
        ("low", "low", None),
        ("medium", "medium", None),
        ("high", "high", None),
        ("minimal", "low", "reasoning 'minimal' is sent as the level 'low', the nearest that Ollama has"),
        ("xhigh", "max", "reasoning 'xhigh' is sent as the level 'max', the nearest that Ollama has"),
        (2048, True, "the thinking budget of 2048 tokens is left out: Ollama takes a level, such as 'low'"),
    ],
)
def test_reasoning_is_think(wish: Any, think: Any, warning: str | None) -> None:
    """A level, on or off; what is not said exactly is a warning."""
    body, warnings = sent(reasoning=wish)
    assert body["think"] == think
    assert warnings == ((warning,) if warning else ())


def test_a_schema_is_the_format() -> None:
    """The JSON schema itself."""
    assert sent(schema=Schema({"type": "object"}))[0]["format"] == {"type": "object"}


TOOL = Tool("f", "does f", {"type": "object", "properties": {}})


def test_tools_are_functions() -> None:
    """An empty description is left out, and so is ``strict``, with a warning."""
    body, warnings = sent(tools=(TOOL, Tool("g", strict=True)))
    assert body["tools"] == [
        {"type": "function", "function": {"name": "f", "description": "does f", "parameters": TOOL.parameters}},
        {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
    ]
    assert warnings == ("strict is left out of tools: Ollama has no word for it",)


@pytest.mark.parametrize(
    ("choice", "tools", "warned"),
    [(None, True, False), ("auto", True, False), ("none", False, False), ("required", True, True), ("f", True, True)],
)
def test_a_tool_choice_is_expressed_as_far_as_it_goes(choice: str | None, tools: bool, warned: bool) -> None:
    """No tools are sent where none may be called; a call cannot be forced."""
    body, warnings = sent(tools=(TOOL,), tool_choice=choice)
    assert ("tools" in body) is tools
    expected = (f"tool_choice {choice!r} is left out: Ollama lets the model choose",)
    assert warnings == (expected if warned else ())


def test_images_are_sent_by_their_bytes() -> None:
    """In base64, beside the joined texts; a URL cannot be sent, and the detail has no word."""
    assert message(Text("a"), Image(data=b"png", media_type="image/png"), Text("b")) == (
        {"role": "user", "content": "ab", "images": ["cG5n"]},
        (),
    )
    assert message(Text("a"), Image(url="https://x/y.png", detail="low")) == (
        {"role": "user", "content": "a"},
        (
            "the detail of an image is left out: Ollama has no word for it",
            "an image by URL is left out: Ollama takes images by their bytes only",
        ),
    )


def test_an_answer_is_sent_back_as_it_came() -> None:
    """Thinking, text, and calls with their arguments as an object; a refusal is text."""
    said = (Reasoning("hm"), Text("a"), Refusal("b"), ToolCall("c", "f", '{"x":"é"}'), ToolCall(None, "g"))
    assert message(*said, role="assistant") == (
        {
            "role": "assistant",
            "content": "ab",
            "thinking": "hm",
            "tool_calls": [
                {"id": "c", "function": {"name": "f", "arguments": {"x": "é"}}},
                {"function": {"name": "g", "arguments": {}}},
            ],
        },
        (),
    )


def test_what_cannot_be_sent_back_is_a_warning() -> None:
    """Signatures, cut calls, and arguments that are no object."""
    said = (
        Text("a", signature="s"),
        Reasoning(signature="s", redacted=True),
        ToolCall("c", "f", '{"x', complete=False),
        ToolCall("d", "g", "free text", custom=True),
    )
    assert message(*said, role="assistant") == (
        {
            "role": "assistant",
            "content": "a",
            "tool_calls": [{"id": "d", "function": {"name": "g", "arguments": {"input": "free text"}}}],
        },
        (
            "signatures are left out: Ollama has no place for them",
            "the cut call of tool 'f' is left out: its arguments are not whole",
            "the arguments of tool 'g' are no JSON object and are sent as one with the key 'input'",
        ),
    )


def test_results_name_their_tool() -> None:
    """By the result's own word, else by the call that it answers; several results are several messages."""
    body, warnings = sent(
        Message("assistant", (ToolCall("c", "f"), ToolCall("d", "g"))),
        Message("tool", (ToolResult("c", "1"), ToolResult("d", (Text("2"), Image(data=b"x", media_type="image/png"))))),
        Message("tool", (ToolResult("e", "3", name="h"),)),
    )
    assert body["messages"][1:] == [
        {"role": "tool", "content": "1", "tool_name": "f", "tool_call_id": "c"},
        {"role": "tool", "content": "2", "images": ["eA=="], "tool_name": "g", "tool_call_id": "d"},
        {"role": "tool", "content": "3", "tool_name": "h", "tool_call_id": "e"},
    ]
    assert warnings == ()


def test_a_result_that_names_nothing_or_failed_is_a_warning() -> None:
    """Its text is sent all the same."""
    assert message(ToolResult("c", "1", is_error=True), role="tool") == (
        {"role": "tool", "content": "1", "tool_call_id": "c"},
        (
            "that a tool failed is left out: Ollama knows it from the result's text only",
            "the result of call 'c' has no tool_name: neither it nor a call before it names the tool",
        ),
    )


def test_roles_are_ollamas_own() -> None:
    """System messages stay where they are."""
    body, _ = sent(Message("system", "s"), *HI, Message("assistant", "yes"), Message("system", "t"))
    assert [(one["role"], one["content"]) for one in body["messages"]] == [
        ("system", "s"),
        ("user", "hi"),
        ("assistant", "yes"),
        ("system", "t"),
    ]
