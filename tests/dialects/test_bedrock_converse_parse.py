"""How the server half of Bedrock's Converse dialect reads a request, and in which words it refuses one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bourn.dialects.base import HttpCall
from bourn.dialects.bedrock.converse import DIALECT
from bourn.errors import InputError
from bourn.messages import Image, Message, Options, Reasoning, Request, Schema, Text, Tool, ToolCall, ToolResult

BODY: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
CALL = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "1"}]}}
SPEC = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}
TOOLS = {"toolConfig": {"tools": [SPEC]}}


def parse(body: Any, path: str = "/model/m/converse-stream") -> Request:
    return DIALECT.parse(HttpCall(path, body if isinstance(body, bytes) else json.dumps(body).encode()))


def turns(*contents: list[Any], **more: Any) -> dict[str, Any]:
    """A body whose turns alternate, the user's first."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[at % 2], "content": content} for at, content in enumerate(contents)], **more}


def parts(*blocks: Any) -> tuple[Any, ...]:
    """The parts that blocks of the user's are."""
    [message] = parse(turns([*blocks])).messages
    return message.parts


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("/model/amazon.nova-lite-v1%3A0/converse-stream", "amazon.nova-lite-v1:0", True),
        ("/model/amazon.nova-lite-v1:0/converse-stream", "amazon.nova-lite-v1:0", True),
        ("/model/arn%3Aaws%3Abedrock%3A%3A%3Ainference-profile%2Fx/converse", "arn:aws:bedrock:::inference-profile/x", False),
        ("/model/arn:aws:bedrock:::inference-profile/x/converse", "arn:aws:bedrock:::inference-profile/x", False),
    ],
)
def test_model_and_stream_are_in_the_path(path: str, model: str, stream: bool) -> None:
    """Quoted or not."""
    assert parse(BODY, path) == Request(model, (Message("user", (Text("hi"),)),), stream=stream)


def test_every_option_has_its_place() -> None:
    """What ``Options`` can say is there, all else is in ``extra``."""
    request = parse(
        BODY
        | {
            "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
            "inferenceConfig": {"maxTokens": 10, "temperature": 0, "topP": 0.5, "stopSequences": ["a"]},
            "toolConfig": {"tools": [SPEC], "toolChoice": {"any": {}}},
            "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}", "name": "n"}}}},
            "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            "guardrailConfig": {"guardrailIdentifier": "g"},
        }
    )
    assert request.messages[0] == Message("system", "Be brief.")
    assert request.options == Options(
        max_tokens=10,
        temperature=0.0,
        top_p=0.5,
        stop=("a",),
        tools=(Tool("f", parameters={"type": "object"}),),
        tool_choice="required",
        reasoning=1024,
        schema=Schema({}, "n"),
        extra={"guardrailConfig": {"guardrailIdentifier": "g"}},
    )


@pytest.mark.parametrize(
    "told",
    [
        {"toolConfig": {"tools": [SPEC, {"systemTool": {"name": "nova_grounding"}}]}},
        {"toolConfig": {"tools": [{"cachePoint": {"type": "default"}}]}},
        {"inferenceConfig": {"maxTokens": 5, "topK": 3}},
        {"outputConfig": {"effort": "max"}},
        {"additionalModelRequestFields": {"top_k": 3}},
        {"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}},
        {"additionalModelRequestFields": {"reasoning_config": {"type": "enabled", "budget_tokens": 1024}}},
        {"additionalModelRequestFields": {"reasoning_effort": "max"}},
        {"additionalModelRequestFields": {"reasoning_effort": "low", "top_k": 3}},
        {"requestMetadata": {"a": "b"}},
    ],
)
def test_a_section_that_options_cannot_say_stays_as_it_came(told: dict[str, Any]) -> None:
    """Whole, in ``extra``, so that written again it is the same."""
    assert parse(BODY | told).options.extra == told


@pytest.mark.parametrize(
    ("told", "reasoning"),
    [
        ({"additionalModelRequestFields": {"thinking": {"type": "disabled"}}}, "none"),
        (
            {"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}, "outputConfig": {"effort": "high"}},
            "high",
        ),
        ({"additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}}, "low"),
        ({"additionalModelRequestFields": {"reasoningConfig": {"type": "disabled"}}}, "none"),
        ({"additionalModelRequestFields": {"reasoning_effort": "medium"}}, "medium"),
        ({"additionalModelRequestFields": {"reasoning": {"effort": "xhigh"}}}, "xhigh"),
    ],
)
def test_ways_of_thinking_are_read(told: dict[str, Any], reasoning: Any) -> None:
    """In each family's words."""
    options = parse(BODY | told).options
    assert (options.reasoning, options.extra) == (reasoning, {})


@pytest.mark.parametrize(
    ("choice", "expected"), [({"auto": {}}, "auto"), ({"any": {}}, "required"), ({"tool": {"name": "f"}}, "f"), (None, None)]
)
def test_the_choice_of_a_tool_is_read(choice: Any, expected: str | None) -> None:
    """One member of the union, or none."""
    assert parse(BODY | {"toolConfig": {"tools": [SPEC], "toolChoice": choice}}).options.tool_choice == expected


def test_blocks_become_parts() -> None:
    """Text, guarded and cited text, thinking, images; blocks of other kinds are left out."""
    assert parts(
        {"text": "a"},
        {"guardContent": {"text": {"text": "b"}}},
        {"guardContent": {"image": {}}},
        {"citationsContent": {"content": [{"text": "c"}], "citations": [{}]}},
        {"reasoningContent": {"reasoningText": {"text": "d", "signature": "s"}}},
        {"reasoningContent": {"reasoningText": {"text": "e"}}},
        {"reasoningContent": {"redactedContent": "cmVk"}},
        {"image": {"format": "jpeg", "source": {"bytes": "eA=="}}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/k"}}}},
        {"document": {"name": "x"}},
        {"cachePoint": {"type": "default"}},
    ) == (
        Text("a"),
        Text("b"),
        Text("c"),
        Reasoning("d", "s"),
        Reasoning("e"),
        Reasoning(signature="cmVk", redacted=True),
        Image(data=b"x", media_type="image/jpeg"),
        Image("s3://b/k", media_type="image/png"),
    )


def test_a_turn_of_which_nothing_is_left_is_none() -> None:
    """A document alone, and one in a tool's result."""
    assert parse(turns([{"text": "a"}], [{"document": {"name": "x"}}])).messages == (Message("user", (Text("a"),)),)
    given = {"toolResult": {"toolUseId": "t1", "content": [{"document": {}}]}}
    assert parse(turns([{"text": "a"}], [CALL], [given], **TOOLS)).messages[-1] == Message("tool", (ToolResult("t1", ""),))


def test_calls_and_their_results_are_read() -> None:
    """Results are turns of their own; a result of one text is the text, JSON is its text, an error says so."""
    several = {"toolUseId": "t2", "content": [{"json": {"a": 1}}, {"image": {"format": "png", "source": {"bytes": "eA=="}}}]}
    body = turns(
        [{"text": "a"}],
        [CALL, {"toolUse": {"toolUseId": "t2", "name": "g", "input": {"x": 1}}}],
        [RESULT, {"toolResult": {**several, "status": "error"}}, {"text": "b"}],
        **TOOLS,
    )
    assert parse(body).messages[1:] == (
        Message("assistant", (ToolCall("t1", "f"), ToolCall("t2", "g", '{"x":1}'))),
        Message(
            "tool",
            (
                ToolResult("t1", "1"),
                ToolResult("t2", (Text('{"a":1}'), Image(data=b"x", media_type="image/png")), is_error=True),
            ),
        ),
        Message("user", (Text("b"),)),
    )
    empty = {"toolResult": {"toolUseId": "t1", "content": []}}
    assert parse(turns([{"text": "a"}], [CALL], [empty], **TOOLS)).messages[-1] == Message("tool", (ToolResult("t1", ""),))


WRONG = "1 validation error detected: Value at '{}' failed to satisfy constraint: {}"
EMPTY = "The content field in the Message object at {} is empty. Add a ContentBlock object to the content field and try again."
BLANK = "The text field in the ContentBlock object at {} is blank. Add text to the text field, and try again."
REFUSALS: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{", "The request body is not valid JSON: Input data was truncated"),
    "no object": ([], WRONG.format("body", "Expected `object`, got `array`")),
    "no messages": ({}, WRONG.format("body", "Object missing required field `messages`")),
    "no turns": (
        turns(),
        "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
    ),
    "the assistant begins": (
        {"messages": [{"role": "assistant", "content": [{"text": "hi"}]}]},
        "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
    ),
    "a strange role": (
        {"messages": [{"role": "king", "content": []}]},
        WRONG.format("messages.0.role", "Invalid enum value 'king'"),
    ),
    "content is text": (
        {"messages": [{"role": "user", "content": "hi"}]},
        WRONG.format("messages.0.content", "Expected `array`, got `str`"),
    ),
    "no content": (
        turns([{"text": "a"}], []),
        EMPTY.format("messages.1"),
    ),
    "a blank text": (
        turns([{"text": "a"}], [{"text": "b"}, {"text": " \n"}]),
        BLANK.format("messages.1.content.1"),
    ),
    "a text that is none": (turns([{"text": 7}]), WRONG.format("messages.0.content.0.text", "Expected `str`, got `int`")),
    "an image without source": (
        turns([{"image": {"format": "png"}}]),
        WRONG.format("messages.0.content.0.image", "Object missing required field `source`"),
    ),
    "an image without bytes": (
        turns([{"image": {"format": "png", "source": {}}}]),
        WRONG.format("messages.0.content.0.image.source.bytes", "Member must not be null"),
    ),
    "an image that is no base64": (
        turns([{"image": {"format": "png", "source": {"bytes": "?"}}}]),
        WRONG.format("messages.0.content.0.image.source.bytes", "Member must be base64"),
    ),
    "an image whose bytes are not even ASCII": (
        turns([{"image": {"format": "png", "source": {"bytes": "\u00e9"}}}]),
        WRONG.format("messages.0.content.0.image.source.bytes", "Member must be base64"),
    ),
    "an image at no address": (
        turns([{"image": {"format": "png", "source": {"s3Location": {"uri": 5}}}}]),
        WRONG.format("messages.0.content.0.image.source.s3Location.uri", "Expected `str`, got `int`"),
    ),
    "thinking that is a number": (
        turns([{"reasoningContent": 0.5}]),
        WRONG.format("messages.0.content.0.reasoningContent", "Expected `object`, got `float`"),
    ),
    "guarded content that is a number": (
        turns([{"guardContent": 0.5}]),
        WRONG.format("messages.0.content.0.guardContent", "Expected `object`, got `float`"),
    ),
    "cited content that is a list": (
        turns([{"citationsContent": []}]),
        WRONG.format("messages.0.content.0.citationsContent", "Expected `object`, got `array`"),
    ),
    "thinking without thoughts": (
        turns([{"reasoningContent": {}}]),
        WRONG.format("messages.0.content.0.reasoningContent.reasoningText", "Member must not be null"),
    ),
    "too many tokens": (
        BODY | {"inferenceConfig": {"maxTokens": 0}},
        WRONG.format("inferenceConfig.maxTokens", "Expected `int` >= 1"),
    ),
    "too hot": (
        BODY | {"inferenceConfig": {"temperature": 2}},
        WRONG.format("inferenceConfig.temperature", "Expected `float` <= 1.0"),
    ),
    "a tool without a name": (
        BODY | {"toolConfig": {"tools": [{"toolSpec": {"inputSchema": {}}}]}},
        WRONG.format("toolConfig.tools.0.toolSpec", "Object missing required field `name`"),
    ),
    "a tool without a schema": (
        BODY | {"toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {}}}]}},
        WRONG.format("toolConfig.tools.0.toolSpec.inputSchema.json", "Member must not be null"),
    ),
    "a schema that is no JSON": (
        BODY | {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}}}},
        WRONG.format("outputConfig.textFormat.structure.jsonSchema.schema", "Member must be the text of a JSON object"),
    ),
    "calls without tools": (
        turns([{"text": "a"}], [CALL], [RESULT]),
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
    ),
    "a call without its result": (
        turns([{"text": "a"}], [CALL], [{"text": "b"}], **TOOLS),
        "Expected toolResult blocks at messages.2.content for the following Ids: t1",
    ),
    "a result without its call": (
        turns([RESULT], **TOOLS),
        "The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks of previous turn.",
    ),
}


@pytest.mark.parametrize(("body", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_wrong_request_is_refused_in_bedrocks_words(body: Any, message: str) -> None:
    """One sentence that names the place."""
    with pytest.raises(InputError) as refused:
        parse(body)
    assert refused.value.message == message


def test_a_path_of_something_else_is_refused() -> None:
    """The server half answers only its own paths."""
    with pytest.raises(InputError, match="is no path of Bedrock's"):
        parse(BODY, "/v1/messages")
