"""Prompts, tools and options are read in every usual shape, and whatever is malformed is named by its place.

What is typed wrong is so on purpose: hence the ignores.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.errors import InputError
from bourn.messages import (
    Image,
    Message,
    Options,
    Reasoning,
    Refusal,
    Schema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from bourn.prompts import read_options, read_prompt, read_tools

PNG = "data:image/png;base64,AAEC"


def _call(**call: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": [call]}


@pytest.mark.parametrize(
    ("prompt", "messages"),
    [
        ("hi", [Message("user", "hi")]),
        (Message("user", "hi"), [Message("user", "hi")]),
        ({"role": "user", "content": "hi"}, [Message("user", "hi")]),
        (
            [{"role": "developer", "content": "be brief"}, Message("user", "hi")],
            [Message("system", "be brief"), Message("user", "hi")],
        ),
        ([{"role": "user", "content": ""}], [Message("user", "")]),
        (
            [{"role": "user", "content": ["a", {"type": "text", "text": "b"}, Text("c")]}],
            [Message("user", (Text("a"), Text("b"), Text("c")))],
        ),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}]}],
            [Message("user", (Image(data=b"\0\1\2", media_type="image/png", detail="low"),))],
        ),
        (
            [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": "https://x/y.png"}, {"type": "text", "text": "?"}],
                }
            ],
            [Message("user", (Image(url="https://x/y.png"), Text("?")))],
        ),
        (
            [Message("user", (Image(url="data:text/plain,a%20b"),))],
            [Message("user", (Image(data=b"a b", media_type="text/plain"),))],
        ),
        ([{"role": "assistant", "content": None}], [Message("assistant", ())]),
        (
            [{"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]}],
            [Message("assistant", (Text("a"), Refusal("no")))],
        ),
        (
            [
                {
                    "role": "assistant",
                    "content": "a",
                    "reasoning_content": "hm",
                    "refusal": "no",
                    "annotations": [],
                    "audio": None,
                }
            ],
            [Message("assistant", (Reasoning("hm"), Text("a"), Refusal("no")))],
        ),
        ([{"role": "assistant", "content": "a", "reasoning": "hm"}], [Message("assistant", (Reasoning("hm"), Text("a")))]),
        (
            [_call(id="c", type="function", function={"name": "f", "arguments": "{}"})],
            [Message("assistant", (ToolCall("c", "f", "{}"),))],
        ),
        ([_call(function={"name": "f"})], [Message("assistant", (ToolCall(None, "f"),))]),
        (
            [_call(id="c", type="custom", custom={"name": "f", "input": "x"})],
            [Message("assistant", (ToolCall("c", "f", "x", custom=True),))],
        ),
        (
            [{"role": "tool", "tool_call_id": "never made", "content": [{"type": "text", "text": "9"}], "name": "f"}],
            [Message("tool", (ToolResult("never made", (Text("9"),), name="f"),))],
        ),
        ([Message("tool", (ToolResult("c", "9"), ToolResult("d", "8", is_error=True)))], None),
        ([Message("user", "a"), Message("user", "b"), Message("assistant", "c"), Message("assistant", "d")], None),
    ],
)
def test_every_usual_shape_of_a_prompt_becomes_messages_in_its_order(prompt: Any, messages: list[Message] | None) -> None:
    """Strings, messages and OpenAI's dicts are read; order is kept and nothing is merged."""
    assert read_prompt(prompt) == tuple(prompt if messages is None else messages)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("", "the prompt is an empty string"),
        ([], "the list of messages is empty"),
        (3, "prompt: wanted a string, a Message, or a list of messages, got 3"),
        (b"hi", "prompt: wanted"),
        ([3], "messages[0]: wanted a Message or a dict, got 3"),
        (["hi"], "messages[0]: wanted a Message or a dict, got 'hi'"),
        ([{"content": "hi"}], "messages[0].role: wanted one of system, developer, user, assistant, tool, got None"),
        ([{"role": "robot", "content": "hi"}], "messages[0].role: wanted one of system"),
        ([{"role": ["user"], "content": "hi"}], "messages[0].role: wanted one of system"),
        ([Message("robot", "hi")], "messages[0].role: wanted one of system"),  # type: ignore[arg-type]
        ([Message([], "hi")], "messages[0].role: wanted one of system"),  # type: ignore[arg-type]
        ([{"role": "user"}], "messages[0].content: is empty"),
        ([{"role": "user", "content": []}], "messages[0].content: is empty"),
        ([Message("user", ())], "messages[0].content: is empty"),
        ([{"role": "user", "content": 3}], "messages[0].content: wanted a string or a list of parts, got 3"),
        ([{"role": "user", "content": {"type": "text"}}], "messages[0].content: wanted a string or a list of parts, got dict"),
        (
            [Message("user", "a"), {"role": "user", "content": ["b", {"type": "video"}]}],
            "messages[1].content[1].type: wanted one of text, refusal, image_url, got 'video'",
        ),
        ([{"role": "user", "content": [{}]}], "messages[0].content[0].type: wanted one of"),
        ([{"role": "user", "content": [{"type": []}]}], "messages[0].content[0].type: wanted one of"),
        ([{"role": "user", "content": [3]}], "messages[0].content[0]: wanted a part or a dict, got 3"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text: wanted a string, got None"),
        ([{"role": "user", "content": [{"type": "text", "text": "a", "x": 1}]}], "messages[0].content[0].x: there is no room"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "messages[0].content[0].image_url: wanted a dict, got None"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}],
            "messages[0].content[0].image_url.url: wanted",
        ),
        ([Message("user", (Image(),))], "messages[0].content[0]: an image has either a url or data"),
        ([Message("user", (Image(url="u", data=b"d"),))], "messages[0].content[0]: an image has either a url or data"),
        ([Message("user", (Image(data=b"d"),))], "messages[0].content[0]: an image by data has some bytes and a media_type"),
        ([Message("user", (Image(url=""),))], "messages[0].content[0]: the image's url is empty"),
        (
            [Message("user", (Image(url="data:image/png;base64,A?"),))],
            "messages[0].content[0]: the data: URL is not valid base64",
        ),
        ([Message("user", (Image(url="data:image/png;base64"),))], "messages[0].content[0]: wanted a data: URL like"),
        ([Message("user", (Image(url="data:,abc"),))], "messages[0].content[0]: wanted a data: URL like"),
        ([Message("user", (Text(3),))], "messages[0].content[0].text: Expected str, got int"),  # type: ignore[arg-type]
        ([Message("user", (object(),))], "messages[0]: "),  # type: ignore[arg-type]
        (
            [Message("user", (ToolCall("c", "f"),))],
            "messages[0].content[0]: a ToolCall belongs in a message of role 'assistant'",
        ),
        ([Message("tool", "9")], "messages[0].content: a message of role 'tool' holds ToolResult parts"),
        ([Message("tool", (ToolResult("", "9"),))], "messages[0].content[0].id: is empty"),
        ([Message("tool", (ToolResult("c", (Image(),)),))], "messages[0].content[0].content[0]: an image has either"),
        ([{"role": "tool", "content": "9"}], "messages[0].tool_call_id: is missing"),
        ([{"role": "tool", "tool_call_id": 3, "content": "9"}], "messages[0].tool_call_id: wanted a string, got 3"),
        (
            [{"role": "tool", "tool_call_id": "c", "content": [{"type": "refusal", "refusal": "n"}]}],
            "messages[0].content[0]: a Refusal",
        ),
        ([{"role": "assistant", "content": None, "tool_calls": {}}], "messages[0].tool_calls: wanted a list of tool calls"),
        ([_call(type="magic")], "messages[0].tool_calls[0].type: wanted one of function, custom, got 'magic'"),
        ([_call(type=["function"])], "messages[0].tool_calls[0].type: wanted one of function, custom"),
        ([_call(type="function")], "messages[0].tool_calls[0].function: wanted a dict, got None"),
        ([_call(function={"arguments": "{}"})], "messages[0].tool_calls[0].function.name: wanted a string, got None"),
        (
            [_call(function={"name": "f", "arguments": {}})],
            "messages[0].tool_calls[0].function.arguments: wanted a string, got dict",
        ),
        ([_call(function={"name": ""})], "messages[0].content[0].name: is empty"),
        ([{"role": "user", "content": "hi", "name": "bob"}], "messages[0].name: there is no room for it here"),
        (
            [{"role": "assistant", "content": None, "function_call": {"name": "f"}}],
            "messages[0].function_call: there is no room",
        ),
    ],
)
def test_a_malformed_prompt_is_named_by_its_place(prompt: Any, words: str) -> None:
    """Every mistake is an InputError that begins with where it is."""
    with pytest.raises(InputError) as caught:
        read_prompt(prompt)
    assert str(caught.value).startswith(words)


def test_what_has_no_room_can_be_left_out_and_is_then_told() -> None:
    """A caller that passes left_out gets a sentence for each key and part that Message cannot hold, and the rest is read."""
    told: list[str] = []
    prompt = [{"role": "user", "name": "bob", "content": ["a", {"type": "input_audio", "input_audio": {}}]}]
    assert read_prompt(prompt, left_out=told.append) == (Message("user", (Text("a"),)),)
    assert [sentence.split(":")[0] for sentence in told] == ["messages[0].content[1].type", "messages[0].name"]


def test_a_long_text_of_the_prompt_is_not_repeated_in_an_error() -> None:
    """What a user wrote has no place in an error message."""
    with pytest.raises(InputError) as caught:
        read_prompt([{"role": "x" * 31, "content": "hi"}])
    assert "x" * 31 not in str(caught.value)


_keys = st.sampled_from(
    ["role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "tool_call_id", "id", "schema"]
)
_words = st.sampled_from(
    ["user", "assistant", "tool", "system", "text", "image_url", "function", "custom", "data:;base64,", "json_schema"]
)
_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3) | _words
_json = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(prompt=_json)
def test_nothing_but_an_input_error_comes_of_junk(prompt: Any) -> None:
    """Whatever is given as a prompt is read or refused in words, never with a TypeError from deep inside."""
    with suppress(InputError):
        assert all(isinstance(message, Message) for message in read_prompt(prompt))


@given(name=st.sampled_from(Options.__struct_fields__), value=_json)
def test_nothing_but_an_input_error_comes_of_a_junk_option(name: str, value: Any) -> None:
    """Whatever is given as an option is read or refused in words, never with a TypeError from deep inside."""
    with suppress(InputError):
        assert isinstance(read_options(**{name: value}), Options)


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("given", "tool"),
    [
        (Tool("f"), Tool("f")),
        (
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}},
            Tool("f", "d", SCHEMA, strict=True),
        ),
        ({"type": "function", "function": {"name": "f"}}, Tool("f")),
        ({"type": "function", "name": "f", "parameters": SCHEMA, "strict": None}, Tool("f", "", SCHEMA)),
        ({"name": "f", "description": "d", "input_schema": SCHEMA}, Tool("f", "d", SCHEMA)),
        ({"type": "custom", "name": "f", "input_schema": SCHEMA}, Tool("f", "", SCHEMA)),
    ],
)
def test_tools_are_read_in_the_shapes_of_all_providers(given: Any, tool: Tool) -> None:
    """A Tool, OpenAI's nested and flat dicts and Anthropic's become the same Tool."""
    assert read_tools([given]) == (tool,)


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ("f", "tools: wanted a list of tools"),
        ({"name": "f"}, "tools: wanted a list of tools"),
        (3, "tools: wanted a list of tools, got 3"),
        ([3], "tools[0]: wanted a dict, got 3"),
        ([Tool("f"), {}], "tools[1].name: Expected str, got null"),
        ([{"name": 3}], "tools[0].name: Expected str, got int"),
        ([{"name": ""}], "tools[0].name: is empty"),
        ([Tool("")], "tools[0].name: is empty"),
        ([Tool("f", parameters=[])], "tools[0].parameters: Expected object, got array"),  # type: ignore[arg-type]
        ([Tool("f", parameters={"x": object()})], "tools[0]: "),
        ([{"name": "f", "parameters": 3}], "tools[0].parameters: wanted a dict, got 3"),
        ([{"name": "f", "parameters": {"x": object()}}], "tools[0].parameters: cannot be sent as JSON"),
        ([{"type": "function", "function": {"name": "f", "cache": True}}], "tools[0].function.cache: there is no room"),
        ([{"type": "web_search"}], "tools[0].type: wanted a function, got 'web_search'"),
        ([{"type": "custom", "custom": {"name": "f"}}], "tools[0].type: wanted a function, got 'custom'"),
    ],
)
def test_a_malformed_tool_is_named_by_its_place(tools: Any, words: str) -> None:
    """Every mistake in a tool is an InputError that begins with where it is."""
    with pytest.raises(InputError) as caught:
        read_tools(tools)
    assert str(caught.value).startswith(words)


def test_no_tools_are_no_tools() -> None:
    """None is an empty list of tools."""
    assert read_tools(None) == ()


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, Options()),
        (dict.fromkeys(Options.__struct_fields__), Options()),
        (
            {"max_tokens": 5, "temperature": 1, "top_p": 0.5, "seed": -1},
            Options(max_tokens=5, temperature=1.0, top_p=0.5, seed=-1),
        ),
        ({"stop": "a"}, Options(stop=("a",))),
        ({"stop": ["a", "b"]}, Options(stop=("a", "b"))),
        ({"stop": []}, Options()),
        ({"reasoning": "low"}, Options(reasoning="low")),
        ({"reasoning": 2000}, Options(reasoning=2000)),
        ({"tools": [{"name": "f"}], "tool_choice": "f"}, Options(tools=(Tool("f"),), tool_choice="f")),
        (
            {"tools": [Tool("f")], "tool_choice": {"type": "function", "function": {"name": "f"}}},
            Options(tools=(Tool("f"),), tool_choice="f"),
        ),
        ({"tools": [Tool("f")], "tool_choice": {"type": "tool", "name": "f"}}, Options(tools=(Tool("f"),), tool_choice="f")),
        ({"tool_choice": {"type": "any"}}, Options(tool_choice="required")),
        ({"tool_choice": {"type": "auto"}}, Options(tool_choice="auto")),
        ({"schema": SCHEMA}, Options(schema=Schema(SCHEMA))),
        ({"schema": Schema(SCHEMA, "n", strict=None)}, Options(schema=Schema(SCHEMA, "n", strict=None))),
        (
            {"schema": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}},
            Options(schema=Schema(SCHEMA, "n", strict=True)),
        ),
        ({"schema": {"type": "json_schema", "name": "n", "schema": SCHEMA}}, Options(schema=Schema(SCHEMA, "n", strict=None))),
        ({"schema": {"type": "text"}}, Options()),
        ({"extra": {"logit_bias": {"1": 2}}}, Options(extra={"logit_bias": {"1": 2}})),
        (
            {"tools": [Tool("f")], "tool_choice": "g", "extra": {"tools": []}},
            Options(tools=(Tool("f"),), tool_choice="g", extra={"tools": []}),
        ),
    ],
)
def test_options_are_read_in_every_usual_shape(given: dict[str, Any], options: Options) -> None:
    """The field's usual names and shapes become Options; None leaves the choice to the provider."""
    assert read_options(**given) == options


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"max_token": 5}, "unknown option 'max_token'; known are max_tokens, temperature"),
        ({"max_tokens": 0}, "max_tokens: wanted an integer of at least 1, got 0"),
        ({"max_tokens": "5"}, "max_tokens: wanted an integer of at least 1, got '5'"),
        ({"max_tokens": True}, "max_tokens: wanted an integer of at least 1, got True"),
        ({"temperature": "hot"}, "temperature: wanted a number of at least 0, got 'hot'"),
        ({"temperature": float("inf")}, "temperature: wanted a number of at least 0, got inf"),
        ({"temperature": float("nan")}, "temperature: wanted a number of at least 0, got nan"),
        ({"top_p": 1.5}, "top_p: wanted a number from 0 to 1, got 1.5"),
        ({"seed": 1.5}, "seed: wanted an integer, got 1.5"),
        ({"stop": [""]}, "stop: wanted a string that is not empty, or a list of such, got list of length 1"),
        ({"stop": 3}, "stop: wanted a string that is not empty, or a list of such, got 3"),
        ({"stop": {"a": 1}}, "stop: wanted"),
        ({"reasoning": "much"}, "reasoning: wanted 'none', 'minimal', 'low'"),
        ({"reasoning": -1}, "reasoning: wanted 'none', 'minimal', 'low'"),
        ({"tools": [{"name": "f"}], "tool_choice": "g"}, "tool_choice: no tool is called 'g'; there are f"),
        ({"tool_choice": 3}, "tool_choice: wanted 'auto', 'none', 'required' or the name of a tool, got 3"),
        ({"tool_choice": {}}, "tool_choice: wanted 'auto'"),
        ({"schema": "x"}, "schema: wanted a type, a Schema or a JSON schema (a dict), got 'x'"),
        ({"schema": {"type": "json_object"}}, "schema: JSON without a schema is OpenAI's alone"),
        ({"schema": {"type": "json_schema"}}, "schema.schema: Expected object, got null"),
        ({"schema": {"type": "json_schema", "json_schema": 3}}, "schema.json_schema: wanted a dict, got 3"),
        ({"schema": Schema({"x": object()})}, "schema: "),
        ({"extra": 3}, "extra: wanted a dict, got 3"),
        ({"extra": {"x": object()}}, "extra: cannot be sent as JSON"),
    ],
)
def test_a_wrong_option_is_named_with_what_it_wants_and_got(given: dict[str, Any], words: str) -> None:
    """Every wrong option is an InputError that names it."""
    with pytest.raises(InputError) as caught:
        read_options(**given)
    assert str(caught.value).startswith(words)
