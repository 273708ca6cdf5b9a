"""A request becomes OpenAI's JSON body and comes back; what the body cannot hold is told, never dropped in silence."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from bourn.dialects.base import HttpCall
from bourn.dialects.openai_chat.request import PATH, call, parse
from bourn.errors import InputError
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
from tests.recordings import Recording, needs_corpus, recordings

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
HI = (Message("user", "hi"),)


def _body(*messages: Message, quirks: tuple[str, ...] = (), **options: Any) -> dict[str, Any]:
    request = Request("m", messages or HI, Options(**options), quirks=frozenset(quirks))
    body: dict[str, Any] = json.loads(call(request).body)
    return body


def _parse(body: object) -> Request:
    return parse(HttpCall(PATH, json.dumps(body).encode()))


def test_a_plain_request_is_the_smallest_body_that_streams_with_usage() -> None:
    """Model, messages, stream and stream_options, and nothing that nobody asked for."""
    http = call(Request("m", HI))
    assert (http.method, http.path, http.warnings) == ("POST", "/chat/completions", ())
    assert http.headers == {"content-type": "application/json", "accept": "text/event-stream"}
    assert json.loads(http.body) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_request_without_streaming_asks_for_none() -> None:
    """With stream=False the body has no stream_options, which OpenAI refuses then."""
    http = call(Request("m", HI, stream=False))
    assert json.loads(http.body)["stream"] is False
    assert "stream_options" not in json.loads(http.body)
    assert http.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("message", "written"),
    [
        (Message("system", "s"), {"role": "system", "content": "s"}),
        (Message("user", (Text("a"),)), {"role": "user", "content": "a"}),
        (
            Message("user", (Text("a"), Image(url="https://x/y"), Image(data=b"\0\1\2", media_type="image/png", detail="low"))),
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "image_url", "image_url": {"url": "https://x/y"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAEC", "detail": "low"}},
                ],
            },
        ),
        (Message("assistant", ()), {"role": "assistant", "content": ""}),
        (Message("assistant", (Text("a"), Text("b"))), {"role": "assistant", "content": "ab"}),
        (Message("assistant", (Refusal("no"),)), {"role": "assistant", "content": None, "refusal": "no"}),
        (
            Message("assistant", (ToolCall("c", "f", '{"a": 1}'), ToolCall(None, "g"), ToolCall("e", "h", "x", custom=True))),
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
                    {"type": "function", "function": {"name": "g", "arguments": "{}"}},
                    {"id": "e", "type": "custom", "custom": {"name": "h", "input": "x"}},
                ],
            },
        ),
        (Message("tool", (ToolResult("c", "9", name="f"),)), {"role": "tool", "tool_call_id": "c", "content": "9"}),
        (
            Message("tool", (ToolResult("c", (Text("9"),)),)),
            {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "9"}]},
        ),
    ],
)
def test_a_message_is_written_as_openai_wants_it(message: Message, written: dict[str, Any]) -> None:
    """Every role and part has its place, and nothing had to be left out."""
    http = call(Request("m", (message,)))
    assert json.loads(http.body)["messages"] == [written]
    assert http.warnings == ()


def test_the_results_of_one_message_become_messages_of_their_own() -> None:
    """OpenAI takes one tool result a message."""
    results = Message("tool", (ToolResult("c", "9"), ToolResult("d", "8")))
    assert [message["tool_call_id"] for message in _body(results)["messages"]] == ["c", "d"]


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"temperature": 0.0, "top_p": 0.5, "seed": 0}, {"temperature": 0.0, "top_p": 0.5, "seed": 0}),
        ({"stop": ("a", "b")}, {"stop": ["a", "b"]}),
        (
            {"tools": (Tool("f", "d", SCHEMA, strict=True), Tool("g")), "tool_choice": "f"},
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}},
                    {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
                ],
                "tool_choice": {"type": "function", "function": {"name": "f"}},
            },
        ),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        ({"reasoning": "low"}, {"reasoning_effort": "low"}),
        (
            {"schema": Schema(SCHEMA, "n")},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}},
        ),
        (
            {"schema": Schema(SCHEMA, strict=None)},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}},
        ),
        ({"max_tokens": 5, "extra": {"max_tokens": 6, "logit_bias": {}}}, {"max_tokens": 6, "logit_bias": {}}),
    ],
)
def test_an_option_is_written_under_openais_name(options: dict[str, Any], written: dict[str, Any]) -> None:
    """Options become keys of the body; extra goes over everything."""
    assert {key: value for key, value in _body(**options).items() if key not in _body()} == written


@pytest.mark.parametrize(
    ("quirk", "options", "gone", "there"),
    [
        ("max_completion_tokens", {"max_tokens": 5}, "max_tokens", {"max_completion_tokens": 5}),
        ("random_seed", {"seed": 5}, "seed", {"random_seed": 5}),
        ("no_stream_options", {}, "stream_options", {}),
        ("a word of another dialect", {}, "", {}),
    ],
)
def test_a_quirk_renames_a_key_or_leaves_it_out(quirk: str, options: dict[str, Any], gone: str, there: dict[str, Any]) -> None:
    """What a service calls differently is a word in its row."""
    body = _body(quirks=(quirk,), **options)
    assert gone not in body
    assert there.items() <= body.items()


def test_reasoning_goes_back_where_the_service_takes_it() -> None:
    """A quirk names the key; without one, reasoning is left out and a warning says so."""
    message = Message("assistant", (Reasoning("hm"), Reasoning("so"), Text("a")))
    for key in ("reasoning_content", "reasoning"):
        assert _body(message, quirks=(key,))["messages"] == [{"role": "assistant", "content": "a", key: "hmso"}]
    assert _body(message)["messages"] == [{"role": "assistant", "content": "a"}]


def test_reasoning_goes_back_inside_the_content_where_the_service_wants_it_there() -> None:
    """Mistral's form: thoughts and words in their order; a message without thoughts stays a string."""
    message = Message("assistant", (Reasoning("hm"), Text("a"), Reasoning("so"), ToolCall("c", "f")))
    (written,) = _body(message, quirks=("thinking_parts",))["messages"]
    assert written["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "a"},
        {"type": "thinking", "thinking": [{"type": "text", "text": "so"}]},
    ]
    assert written["tool_calls"][0]["id"] == "c"
    assert _body(Message("assistant", "a"), quirks=("thinking_parts",))["messages"][0]["content"] == "a"


@pytest.mark.parametrize(
    ("role", "part", "words"),
    [
        ("assistant", Reasoning("hm"), "reasoning was left out"),
        ("assistant", Text("a", signature="s"), "signatures of text"),
        ("assistant", ToolCall("c", "f", signature="s"), "signatures of tool calls"),
        ("assistant", ToolCall("c", "f", '{"a', complete=False), "the call of tool 'f' was left out: it was cut off"),
        ("assistant", Image(url="https://x/y"), "an image in a message of role 'assistant' was left out"),
        ("system", Image(url="https://x/y"), "an image in a message of role 'system' was left out"),
        ("tool", ToolResult("c", (Image(url="https://x/y"),)), "an image in a message of role 'tool' was left out"),
        ("tool", ToolResult("c", "boom", is_error=True), "that a tool failed"),
    ],
)
def test_what_a_message_cannot_hold_is_told_once(role: Any, part: Part, words: str) -> None:
    """Each thing left out is one sentence, however often it comes."""
    warnings = call(Request("m", (Message(role, (part,)), Message(role, (part,))))).warnings
    assert len(warnings) == 1
    assert warnings[0].startswith(words)


def test_a_signature_is_told_also_where_reasoning_goes_back() -> None:
    """The key that takes reasoning back has no room for its signature."""
    request = Request("m", (Message("assistant", (Reasoning("hm", "sig"),)),), quirks=frozenset({"reasoning_content"}))
    assert [sentence.split(":")[0] for sentence in call(request).warnings] == ["signatures of reasoning were left out"]


def test_a_budget_of_tokens_for_reasoning_is_told() -> None:
    """OpenAI takes an effort only."""
    http = call(Request("m", HI, Options(reasoning=2000)))
    assert "reasoning_effort" not in json.loads(http.body)
    assert [sentence.split(":")[0] for sentence in http.warnings] == ["the reasoning budget in tokens was left out"]


def test_what_is_no_json_is_an_input_error() -> None:
    """A lone surrogate cannot be sent in UTF-8, and the error says so before anything is sent."""
    with pytest.raises(InputError, match="cannot be written as JSON"):
        call(Request("m", (Message("user", "\ud800"),)))


@pytest.mark.parametrize(
    "request_",
    [
        Request("m", HI, stream=False),
        Request(
            "m",
            (
                Message("system", "s"),
                Message("user", (Text("a"), Image(url="https://x/y"), Image(data=b"\0", media_type="image/png"))),
                Message(
                    "assistant", (Text("b"), Refusal("no"), ToolCall("c", "f", "{}"), ToolCall("d", "g", "x", custom=True))
                ),
                Message("tool", (ToolResult("c", "9"),)),
                Message("tool", (ToolResult("d", (Text("8"),)),)),
            ),
            Options(
                max_tokens=5,
                temperature=1.0,
                top_p=0.5,
                stop=("x",),
                seed=7,
                tools=(Tool("f", "d", SCHEMA, strict=False),),
                tool_choice="f",
                reasoning="high",
                schema=Schema(SCHEMA, "n"),
                extra={"user": "u", "stream_options": {"include_usage": True}},
            ),
        ),
    ],
    ids=["small", "everything"],
)
@pytest.mark.parametrize("quirks", [(), ("max_completion_tokens", "random_seed")])
def test_the_server_reads_what_the_client_writes(request_: Request, quirks: tuple[str, ...]) -> None:
    """Parse undoes call, for everything that the format can say, whatever the service calls it."""
    assert parse(call(msgspec.structs.replace(request_, quirks=frozenset(quirks)))) == request_


def test_the_server_takes_what_the_vocabulary_has_no_room_for() -> None:
    """Unknown keys and tools stay in extra; unknown parts and keys of a message do not make a good request bad."""
    extra = {
        "n": 2,
        "tools": [{"type": "custom", "custom": {"name": "f"}}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {}},
        "response_format": {"type": "json_object"},
    }
    content = [{"type": "input_audio", "input_audio": {}}]
    request = _parse({"model": "m", "messages": [{"role": "user", "name": "bob", "content": content}], **extra})
    assert request == Request("m", (Message("user", ()),), Options(extra=extra), stream=False)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "The body of the request is not valid JSON"),
        (b"\xff", "The body of the request is not valid JSON"),
        (b"[]", "The body of the request must be a JSON object."),
        (b"{}", "Missing required parameter: 'model'."),
        (b'{"model":"m"}', "Missing required parameter: 'messages'."),
        (b'{"model":3,"messages":[]}', "Invalid type: 'model' must be a string"),
        (b'{"model":"m","messages":[],"stream":1}', "Invalid type: 'model' must be a string and 'stream' a boolean."),
        (b'{"model":"m","messages":"hi"}', "Invalid type for 'messages': expected an array of objects."),
        (b'{"model":"m","messages":[]}', "the list of messages is empty"),
        (b'{"model":"m","messages":[{"role":"x"}]}', "messages[0].role: wanted"),
        (b'{"model":"m","messages":[{"role":"user","content":"a"}],"temperature":"b"}', "temperature: wanted a number"),
        (b'{"model":"m","messages":[{"role":"user","content":"a"}],"tools":{}}', "tools: wanted a list of tools"),
    ],
)
def test_a_bad_body_is_refused_in_words(body: bytes, words: str) -> None:
    """Each mistake is an InputError for the server to answer with 400."""
    with pytest.raises(InputError) as caught:
        parse(HttpCall(PATH, body))
    assert str(caught.value).startswith(words)


def _sent() -> list[Recording]:
    """Recorded requests of this format that the corpus holds whole; Azure and llama.cpp know the model without the body."""
    whole = [one for one in recordings("openai-chat", "mistral") if isinstance(one.request.get("body"), dict)]
    return [one for one in whole if "messages" in one.request["body"] and "base64" not in json.dumps(one.request["body"])]


@needs_corpus
@pytest.mark.parametrize("recording", _sent(), ids=repr)
def test_every_recorded_request_is_read_and_written_again(recording: Recording) -> None:
    """What real programs sent, and real services took, is read; written again it says the same, without a warning."""
    first = _parse({"model": "m", **recording.request["body"]})
    written = call(msgspec.structs.replace(first, quirks=frozenset({"reasoning_content"})))
    assert written.warnings == ()
    again = parse(written)
    assert [_said(message) for message in again.messages] == [_said(message) for message in first.messages]
    bare = [msgspec.structs.replace(request.options, extra={}) for request in (first, again)]
    assert bare[0] == bare[1]


def _said(message: Message) -> tuple[str, str, list[Part]]:
    """A message without what changes nothing: how its text is cut into parts, and the name that a tool result repeats."""
    parts = [msgspec.structs.replace(part, name=None) if isinstance(part, ToolResult) else part for part in message.parts]
    return message.role, message.text, [part for part in parts if not isinstance(part, Text)]
