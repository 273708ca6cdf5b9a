"""What the server's half of Gemini's dialect reads of a request, and how it refuses one."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.base import HttpCall
from bourn.dialects.gemini.decoder import DIALECT
from bourn.errors import InputError
from bourn.messages import Image, Message, Options, Part, Reasoning, Request, Role, Schema, Text, Tool, ToolCall, ToolResult
from bourn.testing.strategies import json_values
from tests.dialects.gemini_wire import Json

PATH = "/v1beta/models/gemini-x:streamGenerateContent"
HI = [{"role": "user", "parts": [{"text": "hi"}]}]


def parse(body: Any, path: str = PATH) -> Request:
    return DIALECT.parse(HttpCall(path, body if isinstance(body, bytes) else json.dumps(body).encode()))


def options(**body: Any) -> Options:
    return parse({"contents": HI, **body}).options


def parts(*parts: Any, role: str | None = "user") -> list[tuple[Role, tuple[Part, ...]]]:
    messages = parse({"contents": [{"role": role, "parts": list(parts)}]}).messages
    return [(message.role, message.parts) for message in messages]


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        (PATH, "gemini-x", True),
        (PATH + "?alt=sse", "gemini-x", True),
        ("/v1/models/gemini-x:generateContent", "gemini-x", False),
        ("/v1beta/tunedModels/mine:generateContent", "tunedModels/mine", False),
        ("/v1beta/models/mock/a:b:streamGenerateContent", "mock/a:b", True),
        ("/v1beta/models/a%20b:generateContent?key=k", "a b", False),
        ("/v1/projects/p/locations/l/publishers/google/models/gemini-x@001:streamGenerateContent", "gemini-x@001", True),
        ("/publishers/google/models/gemini-x:generateContent", "gemini-x", False),
    ],
)
def test_the_path_says_model_and_stream(path: str, model: str, stream: bool) -> None:
    """Google AI's and Vertex's."""
    request = parse({"contents": HI}, path)
    assert (request.model, request.stream) == (model, stream)


def test_both_spellings_are_read_and_null_is_absent() -> None:
    """Protobuf takes camel and snake, and a field that is null is as if it were not there."""
    camel = {
        "systemInstruction": {"parts": [{"text": "s"}]},
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {"maxOutputTokens": 5, "thinkingConfig": {"thinkingLevel": "HIGH"}},
        "tools": [{"functionDeclarations": [{"name": "f", "description": "d"}]}],
        "safetySettings": [1],
    }
    snake = {
        "system_instruction": {"role": None, "parts": [{"text": "s", "thought": None}]},
        "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
        "generation_config": {"max_output_tokens": 5, "thinking_config": {"thinking_level": "high"}, "seed": None},
        "tools": [{"function_declarations": [{"name": "f", "description": "d", "parameters": None}]}],
        "safety_settings": [1],
        "cached_content": None,
    }
    first, second = parse({"contents": HI, **camel}), parse({"contents": HI, **snake})
    assert first == second
    assert first.messages[0] == Message("system", "s")
    assert first.options == Options(
        max_tokens=5, tools=(Tool("f", "d"),), tool_choice="f", reasoning="high", extra={"safetySettings": [1]}
    )


@pytest.mark.parametrize(
    ("part", "read"),
    [
        ({"text": "a"}, Text("a")),
        ({"text": "", "thoughtSignature": "s"}, Text("", "s")),
        ({"text": "hm", "thought": True, "thought_signature": "s"}, Reasoning("hm", "s")),
        ({"functionCall": {"name": "f", "args": {"b_c": 1}}}, ToolCall(None, "f", '{"b_c":1}')),
        ({"function_call": {"name": "f", "id": "i"}, "thoughtSignature": "s"}, ToolCall("i", "f", signature="s")),
        ({"inlineData": {"mimeType": "image/png", "data": "AA=="}}, Image(data=b"\0", media_type="image/png")),
        ({"inlineData": {"mimeType": "image/png", "data": "-_8"}}, Image(data=b"\xfb\xff", media_type="image/png")),
        ({"file_data": {"file_uri": "gs://b/a", "mime_type": "image/png"}}, Image("gs://b/a", media_type="image/png")),
        ({"fileData": {"fileUri": "https://h/a"}}, Image("https://h/a")),
    ],
)
def test_a_part_is_read(part: Json, read: Part) -> None:
    """In either spelling; a turn without a role is the user's."""
    assert parts(part, role="model") == [("assistant", (read,))]
    assert parts(part, role=None) == [("user", (read,))]


@pytest.mark.parametrize(
    "part",
    [
        {"executableCode": {"code": "1"}},
        {"thoughtSignature": "s"},
        {"inlineData": {"mimeType": "audio/aac", "data": "AA=="}},
        {"fileData": {"fileUri": "https://youtu.be/x", "mimeType": "video/mp4"}},
        {},
    ],
)
def test_a_part_without_a_place_is_let_through(part: Json) -> None:
    """It is left out, and so is a turn that has nothing else."""
    assert parts(part, {"text": "a"}) == [("user", (Text("a"),))]
    assert parts(part) == []


def result(response: Any, **fields: Any) -> Json:
    return {"functionResponse": {"name": "f", "response": response, **fields}}


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (result({"output": "9"}, id="i"), ToolResult("i", "9", name="f")),
        (result({"error": "no"}), ToolResult("", "no", is_error=True, name="f")),
        (result({"output": {"a": 1}}), ToolResult("", '{"output":{"a":1}}', name="f")),
        (result({"a": 1, "output": "9"}), ToolResult("", '{"a":1,"output":"9"}', name="f")),
        (result(None), ToolResult("", "{}", name="f")),
        (
            result({"output": "9"}, parts=[{"inlineData": {"mimeType": "image/png", "data": "AA=="}}, {"text": "x"}]),
            ToolResult("", (Text("9"), Image(data=b"\0", media_type="image/png")), name="f"),
        ),
    ],
)
def test_a_result_is_a_message_of_a_tool(raw: Json, read: ToolResult) -> None:
    """Its text under ``output`` or ``error``, anything else as JSON; words beside it stay the user's."""
    assert parts(raw, {"text": "a"}, raw) == [("tool", (read,)), ("user", (Text("a"),)), ("tool", (read,))]
    assert parts(raw, role="function") == [("tool", (read,))]


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, Options(reasoning="none")),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 9}}}, Options(reasoning=9)),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}},
            Options(extra={"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}}),
        ),
        (
            {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}},
            Options(extra={"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}),
        ),
        ({"generationConfig": {"maxOutputTokens": 0}}, Options()),
        (
            {"generationConfig": {"responseMimeType": "text/plain", "topK": 5}},
            Options(extra={"generationConfig": {"responseMimeType": "text/plain", "topK": 5}}),
        ),
        (
            {
                "generationConfig": {
                    "responseMimeType": "application/json",
                    "responseSchema": {"type": "STRING", "nullable": True},
                }
            },
            Options(schema=Schema({"type": ["string", "null"]})),
        ),
        ({"generationConfig": {"responseJsonSchema": {"type": "string"}}}, Options(schema=Schema({"type": "string"}))),
        (
            {"tools": [{"functionDeclarations": [{"name": "f"}]}, {"functionDeclarations": [{"name": "g"}]}]},
            Options(tools=(Tool("f"), Tool("g"))),
        ),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object", "anyOf": [True]}}]}]},
            Options(tools=(Tool("f", parameters={"type": "object", "anyOf": [True]}),)),
        ),
        ({"tools": [{"googleSearch": {}}]}, Options(extra={"tools": [{"googleSearch": {}}]})),
        ({"tools": [{"googleSearch": {}}, {"functionDeclarations": [{"name": "f"}]}]}, Options(tools=(Tool("f"),))),
        ({"toolConfig": {"functionCallingConfig": {"mode": "auto"}}}, Options(tool_choice="auto")),
        ({"toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}}}, Options()),
        ({"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}}}, Options()),
        ({"toolConfig": {"retrievalConfig": {}}}, Options()),
        ({"model": "models/gemini-x", "labels": {}}, Options(extra={"labels": {}})),
    ],
)
def test_options_are_read(body: Json, read: Options) -> None:
    """What the vocabulary has no word for stays in ``extra``."""
    assert options(**body) == read


def test_googles_own_schemas_become_json_schema() -> None:
    """Types in small letters, at every depth; ``nullable`` is a type."""
    properties = {
        "type": {"type": "STRING", "nullable": True},
        "list": {"type": "ARRAY", "items": {"anyOf": [{"type": "NUMBER"}]}},
    }
    schema = {"type": "OBJECT", "properties": properties, "required": ["type"]}
    declared = [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]
    assert options(tools=declared).tools[0].parameters == {
        "type": "object",
        "properties": {
            "type": {"type": ["string", "null"]},
            "list": {"type": "array", "items": {"anyOf": [{"type": "number"}]}},
        },
        "required": ["type"],
    }


def config(**fields: Any) -> Json:
    return {"contents": HI, "generationConfig": fields}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "Invalid JSON payload received. "),
        (b"\xff", "Invalid JSON payload received. "),
        (b"[]", "Invalid JSON payload received. The root must be an object."),
        (b"", "* GenerateContentRequest.contents: contents is not specified\n"),
        ({"contents": []}, "* GenerateContentRequest.contents: contents is not specified\n"),
        ({"contents": "hi"}, "Invalid value at 'contents', Expected `array"),
        ({"contents": ["hi"]}, "Invalid value at 'contents[0]', Expected `object`, got `str`"),
        ({"contents": [{"role": "user"}]}, "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.\n"),
        ({"contents": [{"role": "assistant", "parts": [{}]}]}, "Please use a valid role: user, model."),
        ({"contents": [{"parts": [{"text": 1}]}]}, "Invalid value at 'contents[0].parts[0].text', Expected `str"),
        (
            {"contents": [{"parts": [{"functionCall": {}}]}]},
            "Invalid value at 'contents[0].parts[0].function_call', Object missing required field `name`",
        ),
        (
            {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "é"}}]}]},
            "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64 decoding failed",
        ),
        (
            {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "A"}}]}]},
            "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64 decoding failed",
        ),
        (config(temperature="hot"), "Invalid value at 'generation_config.temperature', Expected `float"),
        (config(thinkingConfig={"thinkingBudget": "x"}), "Invalid value at 'generation_config.thinking_config.thinkingBudget'"),
        ({"contents": HI, "tools": [{"functionDeclarations": [{}]}]}, "Invalid value at 'tools[0].function_declarations[0]'"),
    ],
)
def test_a_bad_request_is_refused_in_googles_words(body: Any, words: str) -> None:
    """Each mistake is an InputError for the server to answer with 400."""
    with pytest.raises(InputError) as refused:
        parse(body)
    assert refused.value.message.startswith(words)


@pytest.mark.parametrize("path", ["/v1beta/models/gemini-x:countTokens", "/v1beta/models/:generateContent", "/v1beta/chat"])
def test_a_path_that_names_no_model_is_refused(path: str) -> None:
    """As recorded: ``google-bad-model-genstream-6d004c``."""
    with pytest.raises(InputError, match="unexpected model name format\n"):
        parse({"contents": HI}, path)


NAMES = (
    "contents parts role text functionCall functionResponse inlineData fileData name args response mimeType data fileUri "
    "systemInstruction tools functionDeclarations parameters toolConfig functionCallingConfig mode allowedFunctionNames "
    "generationConfig thinkingConfig thinkingBudget thinkingLevel responseSchema stopSequences"
)
bodies = st.recursive(
    json_values | st.sampled_from(["user", "model", "ANY", "image/png"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(NAMES.split()), bodies), st.lists(bodies, max_size=3))
def test_any_body_is_read_or_refused(body: Any, turns: Any) -> None:
    """The right names with the wrong values give a request or an InputError, and nothing else."""
    for raw in (body, {"contents": turns}, {**body, "contents": HI}):
        with contextlib.suppress(InputError):
            assert parse(raw).model == "gemini-x"


def test_a_schema_that_is_nested_without_end_is_refused() -> None:
    """One that JSON can just carry, and that a reader who recurses more than JSON's cannot follow."""
    deep = b'{"items":' * 480 + b"{}" + b"}" * 480
    tool = b'{"functionDeclarations":[{"name":"f","parameters":' + deep + b"}]}"
    body = b'{"contents":[{"parts":[{"text":"hi"}]}],"tools":[' + tool + b"]}"
    with pytest.raises(InputError, match="nested too deeply"):
        parse(body)
