"""How the server half of Anthropic's dialect reads a request, and in which words it refuses one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bourn.dialects.anthropic.decoder import DIALECT
from bourn.dialects.base import HttpCall
from bourn.errors import InputError
from bourn.messages import Message, Options, Request, Schema, Text, Tool, ToolCall, ToolResult

BODY: dict[str, Any] = {"model": "claude-x", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "1"}


def parse(body: Any) -> Request:
    return DIALECT.parse(HttpCall("/v1/messages", body if isinstance(body, bytes) else json.dumps(body).encode()))


def turns(*contents: Any) -> dict[str, Any]:
    """A body whose turns alternate, the user's first."""
    roles = ("user", "assistant")
    return BODY | {"messages": [{"role": roles[at % 2], "content": content} for at, content in enumerate(contents)]}


def test_the_least_request_is_read() -> None:
    """Without ``stream`` the whole message is wanted."""
    assert parse(BODY) == Request("claude-x", (Message("user", "hi"),), Options(max_tokens=10), stream=False)


def test_every_option_has_its_place() -> None:
    """What ``Options`` can say is there, all else is in ``extra``; server tools are left out."""
    request = parse(
        BODY
        | {
            "stream": True,
            "temperature": 0,
            "top_p": 0.5,
            "stop_sequences": ["a"],
            "tools": [{"name": "f", "input_schema": {"type": "object"}}, {"type": "web_search_20250305", "name": "web_search"}],
            "tool_choice": {"type": "any"},
            "thinking": {"type": "adaptive", "display": "omitted"},
            "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
            "metadata": {"user_id": "u"},
        }
    )
    assert request.stream
    assert request.options == Options(
        max_tokens=10,
        temperature=0.0,
        top_p=0.5,
        stop=("a",),
        tools=(Tool("f", parameters={"type": "object"}),),
        tool_choice="required",
        reasoning="high",
        schema=Schema({"type": "object"}),
        extra={"metadata": {"user_id": "u"}},
    )


@pytest.mark.parametrize(
    ("told", "reasoning", "extra"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}, 1024, {}),
        ({"thinking": {"type": "disabled"}}, "none", {}),
        ({"thinking": {"type": "adaptive"}}, None, {"thinking": {"type": "adaptive"}}),
        ({"thinking": {"type": "between_tools"}}, None, {"thinking": {"type": "between_tools"}}),
        ({"output_config": {"effort": "max"}}, None, {"output_config": {"effort": "max"}}),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": {}}},
            None,
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": {}}},
        ),
    ],
)
def test_ways_of_thinking_are_read(told: dict[str, Any], reasoning: Any, extra: dict[str, Any]) -> None:
    """A budget, an effort, none; a way that ``Options`` cannot say stays in ``extra`` as it came."""
    options = parse(BODY | told).options
    assert (options.reasoning, options.extra) == (reasoning, extra)


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
        ({"type": "any"}, "required"),
        ({"type": "tool", "name": "f"}, "f"),
    ],
)
def test_tool_choices_are_read(choice: dict[str, str], word: str) -> None:
    """Anthropic's words become the shared ones."""
    assert parse(BODY | {"tool_choice": choice}).options.tool_choice == word


def test_results_of_tools_become_a_role_of_their_own() -> None:
    """A user's turn with a result and a text is two messages; blocks of other kinds are left out."""
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
    request = parse(turns([document, {"type": "text", "text": "a"}], [CALL], [RESULT, {"type": "text", "text": "b"}]))
    assert request.messages == (
        Message("user", (Text("a"),)),
        Message("assistant", (ToolCall("t1", "f"),)),
        Message("tool", (ToolResult("t1", "1"),)),
        Message("user", (Text("b"),)),
    )


def test_results_may_be_spread_over_turns_of_one_side() -> None:
    """The API joins turns of one side before it looks for results."""
    two = CALL | {"id": "t2"}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [CALL, two]},
        {"role": "user", "content": [RESULT]},
        {"role": "user", "content": [RESULT | {"tool_use_id": "t2"}]},
    ]
    assert [message.role for message in parse(BODY | {"messages": messages}).messages] == ["user", "assistant", "tool", "tool"]


def test_system_is_read_as_text_or_blocks() -> None:
    """At the top, or as a turn in mid-conversation, which the newest models take."""
    blocks = [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "b"}]
    assert [message.text for message in parse(BODY | {"system": blocks}).messages] == ["a", "b", "hi"]
    late = BODY | {"system": "a", "messages": [*BODY["messages"], {"role": "system", "content": "b"}]}
    assert [message.role for message in parse(late).messages] == ["system", "user", "system"]


def test_an_empty_last_turn_of_the_assistant_is_legal() -> None:
    """The API's only exception from its rule that a turn says something."""
    assert parse(turns("hi", "")).messages[1] == Message("assistant", "")


NO_RESULT = (
    "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1. "
    "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
)
NO_CALL = (
    "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t1. "
    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
)
EMPTY = "messages.0: all messages must have non-empty content except for the optional final assistant message"
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "?"}}
IMAGE_IN_GREEK = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "αβγδ"}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "model: Field required"),
        ({"model": "x", "messages": []}, "max_tokens: Field required"),
        ({"model": "x", "max_tokens": 1}, "messages: Field required"),
        (BODY | {"messages": []}, "messages: at least one message is required"),
        (BODY | {"system": [{"type": "text", "text": 5}]}, "system.0.text: Input should be a valid string"),
        (BODY | {"system": [{"type": "text"}]}, "system.0.text: Field required"),
        (BODY | {"model": 1}, "model: Input should be a valid string"),
        (BODY | {"max_tokens": "many"}, "max_tokens: Input should be a valid integer"),
        (BODY | {"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
        (BODY | {"temperature": 2}, "temperature: Input should be less than or equal to 1.0"),
        (BODY | {"stream": "yes"}, "stream: Input should be a valid boolean"),
        (BODY | {"stop_sequences": "a"}, "stop_sequences: Input should be a valid list"),
        (BODY | {"stop_sequences": [1]}, "stop_sequences.0: Input should be a valid string"),
        (BODY | {"messages": [{"content": "hi"}]}, "messages.0.role: Field required"),
        (BODY | {"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (BODY | {"messages": [{"role": "user", "content": 1}]}, "messages.0.content: Input does not match the expected shape."),
        (BODY | {"messages": [{"role": "tool", "content": "1"}]}, "messages.0.role: Invalid enum value 'tool'"),
        (turns(""), EMPTY),
        (turns([]), EMPTY),
        (turns([{"text": "a"}]), "messages.0.content.0.type: Field required"),
        (turns([{"type": "text"}]), "messages.0.content.0.text.text: Field required"),
        (turns([{"type": "image", "source": {}}]), "messages.0.content.0.image.source.type: Field required"),
        (turns([IMAGE_IN_GREEK]), "messages.0.content.0.image.source.base64.data: invalid base64 data"),
        (turns([IMAGE]), "messages.0.content.0.image.source.base64.data: invalid base64 data"),
        (turns("hi", [{"type": "thinking", "thinking": "?"}]), "messages.1.content.0.thinking.signature: Field required"),
        (turns("hi", [CALL]), NO_RESULT),
        (turns("hi", [CALL], "no result"), NO_RESULT),
        (turns([RESULT]), NO_CALL),
        (BODY | {"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
        (BODY | {"tools": [{"name": "f", "input_schema": {}}]}, "tools.0.custom.input_schema.type: Field required"),
        (BODY | {"tool_choice": {"type": "tool"}}, "tool_choice.tool.name: Field required"),
        (BODY | {"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        (
            BODY | {"thinking": {"type": "enabled", "budget_tokens": 1}},
            "thinking.budget_tokens: Input should be greater than or equal to 1024",
        ),
        (
            BODY | {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            "`max_tokens` must be greater than `thinking.budget_tokens`.",
        ),
        (BODY | {"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema: Field required"),
        (BODY | {"output_config": {"format": 1.5}}, "output_config.format: Input should be a valid dictionary"),
        ([], "body: Input does not match the expected shape."),
    ],
)
def test_a_bad_body_is_refused_in_anthropics_words(body: Any, words: str) -> None:
    """The place, a colon, what is wrong: one sentence for the message of a 400."""
    with pytest.raises(InputError) as refused:
        parse(body)
    assert refused.value.message == words


@pytest.mark.parametrize("body", [b"", b"{", b'{"model": "\xff"}'])
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    """It says so, and where."""
    with pytest.raises(InputError, match=r"^The request body is not valid JSON: "):
        parse(body)


@pytest.mark.parametrize("kind", ["mood", ["text"], {"text": 1}, None, 5])
def test_a_block_of_an_unknown_type_is_passed_over(kind: object) -> None:
    """A type may be anything, also what is no word."""
    turn = {"role": "user", "content": [{"type": kind}, {"type": "text", "text": "hi"}]}
    assert parse(BODY | {"messages": [turn]}).messages == (Message("user", (Text("hi"),)),)


def test_a_result_holds_texts_and_images_only() -> None:
    """Blocks that the API lets nobody put there are passed over."""
    content = [{"type": "thinking", "thinking": "x", "signature": "s"}, {"type": "text", "text": "1"}]
    request = parse(turns([{"type": "text", "text": "a"}], [CALL], [RESULT | {"content": content}]))
    assert request.messages[2] == Message("tool", (ToolResult("t1", (Text("1"),)),))
