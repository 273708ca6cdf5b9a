"""What a caller sends is plain data: it cannot change under a dialect's hands, and it survives JSON."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from bourn.errors import InputError
from bourn.messages import (
    Image,
    Message,
    Options,
    Part,
    Reasoning,
    Refusal,
    Request,
    Role,
    Schema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

PARTS: list[Part] = [
    Text("héllo\u2028", "sig"),
    Refusal("no"),
    Image(url="https://example.org/a.png", detail="low"),
    Image(data=b"\x00\xff\x89PNG", media_type="image/png"),
    Reasoning("hm", "sig", redacted=True, id="rs_1", complete=False),
    ToolCall("call_1", "f", '{"a": 1}', complete=False, custom=True, signature="sig"),
    ToolCall(None, "f"),
    ToolResult("call_1", "42"),
    ToolResult("call_1", (Text("see"), Image(url="u")), is_error=True, name="f"),
]
STRUCTS = [*PARTS, Message("user", "hi"), Tool("f"), Schema({}), Options(), Request("m", ())]


@pytest.mark.parametrize("value", STRUCTS, ids=lambda value: type(value).__name__)
def test_nothing_can_be_changed(value: msgspec.Struct) -> None:
    """Setting a field is refused."""
    with pytest.raises(AttributeError, match="immutable"):
        setattr(value, value.__struct_fields__[0], None)


def test_every_kind_of_part_is_tried_here() -> None:
    """The parts above are of all kinds that a message may hold."""
    assert {type(part) for part in PARTS} == set(get_args(Part))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("role", get_args(Role))
def test_messages_survive_json(part: Part, role: Role) -> None:
    """Any part in any role is the same after JSON, bytes included."""
    message = Message(role, (part, Text("end")))
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message


def test_a_string_is_one_text() -> None:
    """A message made of a string has one part and that text."""
    message = Message("user", "hi")
    assert (message.parts, message.text) == ((Text("hi"),), "hi")
    assert message.content == "hi"


def test_the_text_of_a_message_is_its_texts_joined() -> None:
    """Only Text counts: no refusal, thinking, argument or result."""
    assert Message("assistant", (Text("a"), *PARTS[1:], Text("b"))).text == "ab"
    assert Message("assistant", ()).text == ""


def test_a_request_survives_json() -> None:
    """A whole request is the same after JSON."""
    options = Options(
        max_tokens=5,
        temperature=0.5,
        top_p=1.0,
        stop=("a", "b"),
        seed=-1,
        tools=(Tool("f", "does f", {"type": "object"}, strict=True),),
        tool_choice="f",
        reasoning="high",
        schema=Schema({"type": "object"}),
        extra={"x": {"y": [1, None]}},
    )
    assert all(getattr(options, name) != getattr(Options(), name) for name in Options.__struct_fields__)
    request = Request("m", (Message("user", tuple(PARTS)),), options, stream=False, quirks=frozenset({"q"}))
    assert msgspec.json.decode(msgspec.json.encode(request), type=Request) == request


def test_options_leave_the_choice_to_the_provider() -> None:
    """Untold options are None or empty."""
    assert all(not getattr(Options(), name) for name in Options.__struct_fields__)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": 0},
        {"max_tokens": True},
        {"max_tokens": "5"},
        {"temperature": -0.1},
        {"top_p": 1.1},
        {"top_p": -0.1},
        {"stop": "a"},
        {"seed": 1.5},
        {"tool_choice": 1},
        {"reasoning": "huge"},
        {"reasoning": -1},
        {"schema": "{}"},
        {"extra": []},
        {"max_token": 5},
    ],
    ids=str,
)
def test_options_say_what_they_take(wrong: dict[str, Any]) -> None:
    """A value out of bounds, of another type, or under an unknown name is refused where options are converted."""
    with pytest.raises(msgspec.ValidationError, match=next(iter(wrong))):
        msgspec.convert(wrong, Options)


@pytest.mark.parametrize(
    "right", [{"max_tokens": 1}, {"temperature": 0}, {"top_p": 1}, {"reasoning": 0}, {"reasoning": "none"}], ids=str
)
def test_bounds_are_inclusive(right: dict[str, Any]) -> None:
    """The bounds themselves are allowed."""
    ((name, value),) = right.items()
    assert getattr(msgspec.convert(right, Options), name) == value


def test_defaults_are_not_shared() -> None:
    """What is put into one tool's or request's defaults does not appear in the next."""
    Tool("a").parameters["x"] = 1
    Options().extra["x"] = 1
    Request("m", ()).options.extra["x"] = 1
    assert Tool("b").parameters == {"type": "object", "properties": {}}
    assert Options().extra == {}
    assert Request("m", ()).options.extra == {}


def test_a_call_addresses_its_own_result() -> None:
    """`ToolCall.result` fills in the call's id and the tool's name."""
    call = ToolCall("call_1", "weather", '{"city":"Oslo"}')
    assert call.result("rain") == ToolResult("call_1", "rain", name="weather")
    assert call.result("no such city", is_error=True).is_error
    assert ToolCall(None, "weather").result("rain").id == ""


@pytest.mark.parametrize(("arguments", "parsed"), [("", {}), ('{"a":[1,"\u2028"]}', {"a": [1, "\u2028"]})])
def test_the_arguments_of_a_call_are_an_object(arguments: str, parsed: dict[str, object]) -> None:
    """No text at all is a call without arguments."""
    assert ToolCall("c", "f", arguments).parsed() == parsed


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (ToolCall("c", "f", '{"a":', complete=False), "the call of 'f' was cut"),
        (ToolCall("c", "f", "print(1)", custom=True), "carries free text"),
        (ToolCall("c", "f", '{"a":'), "are no JSON object"),
        (ToolCall("c", "f", "[1]"), "are no JSON object"),
        (ToolCall("c", "f", "[" * 100_000), "are no JSON object"),
    ],
)
def test_a_call_without_an_object_says_why(call: ToolCall, words: str) -> None:
    """Cut, free text, or no JSON object: one error that names the tool."""
    with pytest.raises(InputError, match=words):
        call.parsed()
