"""Requests of the Responses format, both ways: what is written, what is warned of, what is read back, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bourn.dialects.base import HttpCall
from bourn.dialects.openai_responses.decoder import DIALECT
from bourn.errors import InputError
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
SIGNED = Reasoning("hm", "ENC", id="rs_1")


def written(*messages: Message, **options: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body of a request, and its warnings."""
    call = DIALECT.call(Request("m", messages or HI, Options(**options)))
    assert call.path == "/responses"
    body: dict[str, Any] = json.loads(call.body)
    return body, call.warnings


def items(*messages: Message) -> list[dict[str, Any]]:
    """The items of messages that can be expressed whole."""
    body, warnings = written(*messages)
    assert warnings == ()
    found: list[dict[str, Any]] = body["input"]
    return found


def read(**body: Any) -> Request:
    """The request of a body with these keys."""
    return DIALECT.parse(HttpCall("/responses", json.dumps({"model": "m", "input": "hi", **body}).encode()))


# --- written ---


def test_the_smallest_request_says_nothing_that_was_not_asked() -> None:
    """Model, input, stream: a choice that the caller leaves is the provider's."""
    item = {"type": "message", "role": "user", "content": "hi"}
    assert written() == ({"model": "m", "input": [item], "stream": True}, ())


def test_system_messages_stay_where_they_stand() -> None:
    """They are items like all others, in any place, since not every service takes ``instructions``."""
    messages = (Message("system", "a"), *HI, Message("system", "b"))
    assert [(item["role"], item["content"]) for item in items(*messages)] == [("system", "a"), ("user", "hi"), ("system", "b")]


def test_contents_are_named_by_who_says_them() -> None:
    """The user's are input, the assistant's are output; a refusal stays one."""
    assert items(Message("user", (Text("a"), Text("b")))) == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": t} for t in "ab"]}
    ]
    contents = [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "no"}]
    assert items(Message("assistant", (Text("a"), Refusal("no"))), *HI)[0]["content"] == contents


def test_images_go_by_url_or_as_data() -> None:
    """Bytes become a data URL; the hint is sent where given."""
    images = (Image(url="https://x/a.png", detail="low"), Image(data=b"\x89", media_type="image/png"))
    assert items(Message("user", images))[0]["content"] == [
        {"type": "input_image", "image_url": "https://x/a.png", "detail": "low"},
        {"type": "input_image", "image_url": "data:image/png;base64,iQ=="},
    ]


def test_an_assistants_turn_becomes_items_in_its_order() -> None:
    """Reasoning, text and calls are items of their own; text after a call is a new message."""
    call, custom = ToolCall("c1", "f", '{"a":1}'), ToolCall("c2", "g", "go", custom=True)
    turn = Message("assistant", (SIGNED, Text("a"), call, Text("b"), custom))
    results = Message("tool", (ToolResult("c1", "1"), ToolResult("c2", (Text("2"), Image(url="u")))))
    assert items(turn, results) == [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "ENC"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "go"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {
            "type": "custom_tool_call_output",
            "call_id": "c2",
            "output": [{"type": "input_text", "text": "2"}, {"type": "input_image", "image_url": "u"}],
        },
    ]


def test_a_call_without_arguments_is_sent_with_an_empty_object() -> None:
    """The service wants JSON; a custom call's empty text stays empty."""
    calls = (ToolCall("c1", "f"), ToolCall("c2", "g", custom=True))
    assert [item.get("arguments", item.get("input")) for item in items(Message("assistant", calls))] == ["{}", ""]


def test_options_have_their_keys() -> None:
    """Each option under the name and in the shape of this format."""
    tool = Tool("f", "does f", {"type": "object"}, strict=True)
    body, warnings = written(
        max_tokens=5,
        temperature=0.5,
        top_p=0.9,
        tools=(tool, Tool("g", parameters={})),
        tool_choice="f",
        reasoning="low",
        schema=Schema({"type": "object"}, "answer", strict=True),
    )
    assert warnings == ()
    del body["model"], body["input"], body["stream"]
    assert body == {
        "max_output_tokens": 5,
        "temperature": 0.5,
        "top_p": 0.9,
        "tools": [
            {"type": "function", "name": "f", "description": "does f", "parameters": {"type": "object"}, "strict": True},
            {"type": "function", "name": "g", "parameters": {}},
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": True}},
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    for choice in ("auto", "none", "required"):
        assert written(tool_choice=choice)[0]["tool_choice"] == choice


@pytest.mark.parametrize(("reasoning", "stateless"), [("high", True), (2000, True), ("none", False), (0, False), (None, False)])
def test_a_request_that_reasons_is_stateless(reasoning: str | int | None, stateless: bool) -> None:
    """Then the service gives reasoning that can be sent back; models that do not reason refuse to be asked for it."""
    body, _ = written(reasoning=reasoning)
    assert (body.get("store"), body.get("include")) == ((False, ["reasoning.encrypted_content"]) if stateless else (None, None))


def test_a_request_that_brings_reasoning_is_stateless() -> None:
    """Reasoning that was encrypted once goes on in the same way."""
    assert written(Message("assistant", (SIGNED, Text("a"))), *HI)[0]["store"] is False


def test_extra_goes_over_everything() -> None:
    """Untouched, and over what the options say."""
    body, _ = written(reasoning="low", extra={"store": True, "reasoning": {"effort": "low", "summary": "auto"}, "user": "u"})
    assert (body["store"], body["reasoning"], body["user"]) == (True, {"effort": "low", "summary": "auto"}, "u")


def test_what_is_no_json_is_refused() -> None:
    """The caller hears of it before anything is sent."""
    with pytest.raises(InputError, match="cannot be written as JSON"):
        written(extra={"x": object()})


UNSENT: dict[str, tuple[Message | None, dict[str, Any], str]] = {
    "stop": (None, {"stop": ("x",)}, "stop was left out"),
    "seed": (None, {"seed": 1}, "seed was left out"),
    "budget": (None, {"reasoning": 2000}, "budget in tokens was left out"),
    "image": (Message("assistant", (Image(url="u"),)), {}, "an image in an assistant message was left out"),
    "unsigned": (Message("assistant", (Reasoning("hm", id="rs"), Text("a"))), {}, "without an item id and encrypted content"),
    "foreign": (Message("assistant", (Reasoning("hm", "sig"), Text("a"))), {}, "without an item id and encrypted content"),
    "cut reasoning": (
        Message("assistant", (Reasoning("hm", complete=False), Text("a"))),
        {},
        "reasoning was left out: it was cut",
    ),
    "trailing": (Message("assistant", (Text("a"), SIGNED)), {}, "reasoning that nothing followed was left out"),
    "cut call": (Message("assistant", (ToolCall("c", "f", "{", complete=False),)), {}, "the call of tool 'f' was left out"),
    "failed tool": (Message("tool", (ToolResult("c", "boom", is_error=True),)), {}, "that a tool failed was left out"),
    "signed text": (Message("assistant", (Text("a", "sig"),)), {}, "signatures of text were left out"),
    "signed call": (Message("assistant", (ToolCall("c", "f", signature="sig"),)), {}, "signatures of tool calls were left out"),
}


@pytest.mark.parametrize(("message", "options", "sentence"), UNSENT.values(), ids=UNSENT)
def test_what_cannot_be_said_is_a_warning(message: Message | None, options: dict[str, Any], sentence: str) -> None:
    """One sentence each, once, and the rest of the request goes out."""
    messages = HI if message is None else (message, message, *HI)
    body, warnings = written(*messages, **options)
    assert len(warnings) == 1
    assert sentence in warnings[0]
    assert body["input"][-1]["content"] == "hi"
    assert not any(item["type"] == "reasoning" for item in body["input"])


def test_reasoning_that_says_nothing_is_left_out_without_a_word() -> None:
    """A model that thought in silence is the usual case: nothing is lost."""
    assert items(Message("assistant", (Reasoning(id="rs"), Text("a"))))[0]["type"] == "message"


# --- read ---

FULL = Request(
    "m",
    (
        Message("system", "be brief"),
        Message(
            "user", (Text("look"), Image(url="https://x/a.png", detail="low"), Image(data=b"\x89", media_type="image/png"))
        ),
        Message(
            "assistant", (SIGNED, Text("a"), Refusal("no"), ToolCall("c1", "f", "{}"), ToolCall("c2", "g", "go", custom=True))
        ),
        Message("tool", (ToolResult("c1", "1"), ToolResult("c2", (Text("2"), Image(url="u"))))),
        Message("assistant", "done"),
        Message("user", "thanks"),
    ),
    Options(
        max_tokens=5,
        temperature=0.5,
        top_p=0.9,
        tools=(Tool("f", "does f", {"type": "object"}, strict=False),),
        tool_choice="f",
        reasoning="low",
        schema=Schema({"type": "object"}, "name", strict=None),
        extra={"store": False, "include": ["reasoning.encrypted_content"], "user": "u"},
    ),
)


@pytest.mark.parametrize("stream", [True, False])
def test_a_request_is_read_as_it_was_written(stream: bool) -> None:
    """Everything that the format can hold survives both halves."""
    request = Request(FULL.model, FULL.messages, FULL.options, stream)
    assert DIALECT.parse(DIALECT.call(request)) == request


def test_the_short_forms_are_read() -> None:
    """A string for the input, ``instructions`` before it, messages without a type, a developer."""
    assert read(instructions="be brief").messages == (Message("system", "be brief"), *HI)
    short = [{"role": "developer", "content": "a"}, {"role": "user", "content": "hi"}]
    assert read(input=short).messages == (Message("system", "a"), *HI)
    assert not read().stream
    assert read(stream=True).stream


def test_a_raw_thought_is_read_where_there_is_no_summary() -> None:
    """DeepSeek's way of sending reasoning back."""
    thought = {"type": "reasoning", "id": "r", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
    assert read(input=[thought]).messages == (Message("assistant", (Reasoning("hm", id="r"),)),)


def test_what_a_mock_can_do_without_is_passed_over() -> None:
    """Items and contents of other kinds are no reason to refuse a request that the service would take."""
    file = {"role": "user", "content": [{"type": "input_file", "file_id": "f"}, {"type": "input_image", "file_id": "i"}]}
    assert read(input=[{"type": "compaction", "encrypted_content": "x"}, file]).messages == (Message("user", ""),)


KEPT: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "summary": ("reasoning", {"effort": "low", "summary": "auto"}, {"reasoning": "low"}),
    "new effort": ("reasoning", {"effort": "galactic"}, {}),
    "verbosity": ("text", {"verbosity": "low"}, {}),
    "json object": ("text", {"format": {"type": "json_object"}}, {}),
    "described schema": (
        "text",
        {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": None, "description": "d"}},
        {"schema": Schema({}, "n", strict=None)},
    ),
    "own tools": (
        "tools",
        [{"type": "web_search"}, {"type": "function", "name": "f", "parameters": {"type": "object"}}],
        {"tools": (Tool("f", parameters={"type": "object"}),)},
    ),
    "deferred tool": (
        "tools",
        [{"type": "function", "name": "f", "parameters": {"type": "object"}, "defer_loading": True}],
        {"tools": (Tool("f", parameters={"type": "object"}),)},
    ),
    "allowed tools": ("tool_choice", {"type": "allowed_tools", "mode": "auto", "tools": []}, {}),
    "unknown": ("prompt_cache_key", "k", {}),
}


@pytest.mark.parametrize(("key", "value", "options"), KEPT.values(), ids=KEPT)
def test_what_the_vocabulary_cannot_hold_whole_stays_in_extra(key: str, value: Any, options: dict[str, Any]) -> None:
    """So that it reaches the service when the request is sent on."""
    request = read(**{key: value})
    assert request.options == Options(**options, extra={key: value})
    assert json.loads(DIALECT.call(request).body)[key] == value


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "Missing required parameter: 'model'"),
    "no input": ({"input": None}, "Missing required parameter: 'input'"),
    "model": ({"model": 5}, "'model' must be a string"),
    "stream": ({"stream": "yes"}, "'stream' a boolean"),
    "input": ({"input": 5}, "Invalid type for 'input'"),
    "empty": ({"input": []}, "is empty"),
    "item": ({"input": ["hi"]}, r"Invalid type for 'input\[0\]'"),
    "role": ({"input": [{"role": "king", "content": "hi"}]}, r"Invalid value for 'input\[0\]'"),
    "content": ({"input": [{"role": "user", "content": 5}]}, r"Invalid value for 'input\[0\]'"),
    "nameless call": ({"input": [{"type": "function_call", "call_id": "c"}]}, "a tool call names its tool"),
    "result of nothing": ({"input": [{"type": "function_call_output", "output": "x"}]}, "names the call"),
    "data URL": ({"input": [{"content": [{"type": "input_image", "image_url": "data:image/png;base64,%"}]}]}, "data: URL"),
    "instructions": ({"instructions": ["x"]}, "Invalid type for 'instructions'"),
    "temperature": ({"temperature": "hot"}, "temperature"),
    "tokens": ({"max_output_tokens": 0}, "max_tokens"),
    "reasoning": ({"reasoning": "low"}, "Invalid type for 'reasoning'"),
    "tools": ({"tools": {}}, "tools"),
    "tool": ({"tools": ["f"]}, "tools"),
    "nameless tool": ({"tools": [{"type": "function"}]}, "name"),
}


@pytest.mark.parametrize(("body", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_malformed_request_is_refused_in_one_sentence(body: dict[str, Any], sentence: str) -> None:
    """The sentence names what is wrong."""
    with pytest.raises(InputError, match=sentence):
        read(**body)


@pytest.mark.parametrize(("data", "sentence"), [(b"{", "not valid JSON"), (b"\xff", "not valid JSON"), (b"[]", "JSON object")])
def test_a_body_that_is_no_object_is_refused(data: bytes, sentence: str) -> None:
    """Whatever was sent instead."""
    with pytest.raises(InputError, match=sentence):
        DIALECT.parse(HttpCall("/responses", data))


@pytest.mark.parametrize("kind", ["mood", ["message"], {"message": 1}, 5])
def test_an_item_of_an_unknown_type_is_passed_over(kind: object) -> None:
    """A type may be anything, also what is no word."""
    assert read(input=[{"type": kind}, {"role": "user", "content": "hi"}]) == read(input=[{"role": "user", "content": "hi"}])
