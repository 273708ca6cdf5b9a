"""Requests of Ollama's native API read by the server half: as lenient as Ollama, and refused in one clear sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bourn.dialects.base import HttpCall
from bourn.dialects.ollama.decoder import DIALECT
from bourn.errors import InputError
from bourn.messages import Image, Message, Options, Reasoning, Request, Schema, Text, Tool, ToolCall, ToolResult

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def parse(body: Any) -> Request:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return DIALECT.parse(HttpCall("/api/chat", data))


def turn(**fields: Any) -> Message:
    """The one message that these fields become."""
    return parse({"model": "m", "messages": [fields]}).messages[0]


def test_a_request_is_read() -> None:
    """A stream is what comes unless it is refused."""
    assert parse(BODY) == Request("m", (Message("user", "hi"),))
    assert parse(BODY | {"stream": True}).stream
    assert not parse(BODY | {"stream": False}).stream
    assert parse(BODY | {"stream": None, "tools": None, "options": None, "format": "", "think": None}) == parse(BODY)


@pytest.mark.parametrize("messages", [{}, {"messages": []}, {"messages": None}])
def test_no_messages_at_all_are_legal(messages: dict[str, Any]) -> None:
    """So clients ask to load a model."""
    assert parse({"model": "m", **messages}).messages == ()


def test_options_are_read() -> None:
    """Those that the vocabulary has; the others stay under the name that they had."""
    options = {"num_predict": 5, "temperature": 0.5, "top_p": 0.9, "stop": ["a"], "seed": 7, "num_ctx": 8192, "top_k": 3}
    assert parse(BODY | {"options": options, "keep_alive": "5m"}).options == Options(
        max_tokens=5,
        temperature=0.5,
        top_p=0.9,
        stop=("a",),
        seed=7,
        extra={"keep_alive": "5m", "options": {"num_ctx": 8192, "top_k": 3}},
    )
    assert parse(BODY | {"options": {"stop": "a"}}).options.stop == ("a",)
    assert parse(BODY | {"options": {"seed": 0, "temperature": 0, "num_predict": 1}}).options == Options(
        seed=0, temperature=0, max_tokens=1
    )


@pytest.mark.parametrize("given", [{"num_predict": -1}, {"num_predict": 0}, {"seed": None}, {"stop": None}])
def test_options_without_room_stay_as_they_are(given: dict[str, Any]) -> None:
    """``num_predict`` of -1 means no limit, which ``Options`` says by saying nothing."""
    assert parse(BODY | {"options": given}).options == Options(extra={"options": given})


@pytest.mark.parametrize(
    ("think", "reasoning", "extra"),
    [
        (False, "none", {}),
        ("low", "low", {}),
        ("medium", "medium", {}),
        ("high", "high", {}),
        ("max", "xhigh", {}),
        (True, None, {"think": True}),
    ],
)
def test_think_is_reasoning(think: Any, reasoning: str | None, extra: dict[str, Any]) -> None:
    """Levels are efforts; plain ``true`` is none of them and stays in ``extra``."""
    assert parse(BODY | {"think": think}).options == Options(reasoning=reasoning, extra=extra)  # type: ignore[arg-type]


def test_a_format_is_a_schema_or_a_word() -> None:
    """``json`` without a schema stays in ``extra``."""
    assert parse(BODY | {"format": {"type": "object"}}).options.schema == Schema({"type": "object"})
    assert parse(BODY | {"format": "json"}).options.extra == {"format": "json"}


def test_tools_are_read() -> None:
    """As OpenAI writes them, also without parameters; what says more than the vocabulary can is let through without that."""
    function = {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": function}, {"function": {"name": "g", "hint": "x"}}]
    assert parse(BODY | {"tools": tools}).options.tools == (Tool("f", "d"), Tool("g"))


def test_an_answer_is_read_back() -> None:
    """Thinking, text and calls, in the order in which the model said them; roles in any case."""
    calls: list[dict[str, Any]] = [
        {"id": "c", "function": {"index": 0, "name": "f", "arguments": {"b": "é", "a": 1}}},
        {"function": {"name": "g"}},
    ]
    assert turn(role="Assistant", content="a", thinking="hm", tool_calls=calls) == Message(
        "assistant",
        (Reasoning("hm"), Text("a"), ToolCall("c", "f", '{"b":"é","a":1}'), ToolCall(None, "g")),
    )
    assert turn(role="assistant", content="", tool_calls=calls[1:]) == Message("assistant", (ToolCall(None, "g"),))
    assert turn(role="assistant") == Message("assistant", "")
    assert turn(role="assistant", tool_calls=[{**calls[1], "id": ""}]) == Message("assistant", (ToolCall(None, "g"),))


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        ("iVBORw0KGgo=", "image/png"),
        ("/9j/4AAQ", "image/jpeg"),
        ("R0lGODlh", "image/gif"),
        ("UklGRgAAAABXRUJQ", "image/webp"),
        ("AAAA", "image/png"),
    ],
)
def test_the_type_of_an_image_is_seen_in_its_bytes(data: str, media_type: str) -> None:
    """Nobody tells it; what is not known is called a PNG."""
    read = turn(role="user", content="what?", images=[data])
    assert read.text == "what?"
    assert [part.media_type for part in read.parts if isinstance(part, Image)] == [media_type]


@pytest.mark.parametrize(
    ("told", "id", "name"),
    [
        ({"tool_call_id": "c", "tool_name": "f"}, "c", "f"),
        ({"tool_name": "f"}, "f", "f"),
        ({"tool_call_id": "c"}, "c", None),
        ({"tool_call_id": "c", "tool_name": ""}, "c", None),
        ({}, "", None),
    ],
)
def test_results_are_known_by_id_or_name(told: dict[str, str], id: str, name: str | None) -> None:
    """Older clients send the tool's name only, the oldest nothing."""
    assert turn(role="tool", content="1", **told) == Message("tool", (ToolResult(id, "1", name=name),))


def test_a_result_may_hold_an_image() -> None:
    """Text and image, in that order; an empty text is none."""
    image = Image(data=b"\0\0\0", media_type="image/png")
    result = turn(role="tool", content="1", images=["AAAA"], tool_name="f").parts[0]
    assert result == ToolResult("f", (Text("1"), image), name="f")
    assert turn(role="tool", content="", images=["AAAA"], tool_name="f").parts[0] == ToolResult("f", (image,), name="f")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "missing request body"),
        (b" \n", "missing request body"),
        (b"{", "invalid request: Input data was truncated"),
        (b"[]", "invalid request: Expected `object`, got `array`"),
        (b"[" * 5000, "invalid request: "),
        (b'{"model":"\xff"}', "invalid request: "),
        ({}, "model is required"),
        ({"model": 1}, "invalid request: Expected `str`, got `int` - at `$.model`"),
        (
            BODY | {"messages": [{"content": "hi"}]},
            "invalid request: Object missing required field `role` - at `$.messages[0]`",
        ),
        (BODY | {"messages": [{"role": "judge"}]}, "messages[0].role: invalid role 'judge'"),
        (BODY | {"messages": [{"role": "user", "images": ["?"]}]}, "messages[0].images[0]: illegal base64 data"),
        (BODY | {"messages": [{"role": "user", "images": ["\u00e9"]}]}, "messages[0].images[0]: illegal base64 data"),
        (BODY | {"think": "very"}, "invalid think value: 'very'"),
        (BODY | {"options": {"temperature": "hot"}}, "temperature: wanted"),
        (BODY | {"options": {"num_predict": "many"}}, "max_tokens: wanted"),
        (BODY | {"tools": [{"function": {}}]}, "tools[0].function"),
        (BODY | {"stream": "yes"}, "invalid request: Expected `bool | null`, got `str` - at `$.stream`"),
    ],
)
def test_a_bad_body_is_refused_in_one_sentence(body: Any, words: str) -> None:
    """It names the place and what is wrong: for the message of a 400."""
    with pytest.raises(InputError) as refused:
        parse(body)
    assert refused.value.message.startswith(words)
