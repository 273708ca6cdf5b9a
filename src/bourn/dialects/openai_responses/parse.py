"""The server's half of a request in the Responses format: the JSON body of ``POST /v1/responses`` as a ``Request``.

Source: https://platform.openai.com/docs/api-reference/responses/create

House rule: what of an option the vocabulary cannot hold stays in ``extra``, so that it is not lost on the way to another
service; items and contents of ``input`` that it cannot hold are passed over, since a mock can do without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import HttpCall
from bourn.dialects.openai_responses.request import KEYS
from bourn.dialects.openai_responses.words import CUSTOM_CALL, FUNCTION_CALL, MESSAGE, REASONING, RESULT
from bourn.errors import InputError
from bourn.messages import Image, Message, Options, Part, Reasoning, Refusal, Request, Text, ToolCall, ToolResult
from bourn.prompts import read_options, read_prompt, read_tools

Json = dict[str, Any]


def parse(http: HttpCall) -> Request:
    """The request that a body holds, for the server half. Raises ``InputError`` that says what is wrong: answer it with 400."""
    body = _body(http.body)
    for required in ("model", "input"):
        if body.get(required) is None:
            raise InputError(f"Missing required parameter: '{required}'.")
    model, stream, said = body.pop("model"), body.pop("stream", None), body.pop("input")
    instructions = body.pop("instructions", None)
    if not isinstance(model, str) or not isinstance(stream, (bool, type(None))):
        raise InputError("Invalid type: 'model' must be a string and 'stream' a boolean.")
    if not isinstance(instructions, (str, type(None))):
        raise InputError("Invalid type for 'instructions': expected a string.")
    messages = [Message("user", said)] if isinstance(said, str) else _read_items(said)
    if instructions:
        messages.insert(0, Message("system", instructions))
    return Request(model, read_prompt(messages), _read_options(body), stream=bool(stream))


def _body(data: bytes) -> Json:
    try:
        body = msgspec.json.decode(data)
    except payload.UNREADABLE as error:
        raise InputError(f"The body of the request is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise InputError("The body of the request must be a JSON object.")
    return body


class _InContent(msgspec.Struct):
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None


class _InItem(msgspec.Struct):
    """The fields of all items that are read, in one struct."""

    role: Literal["user", "assistant", "system", "developer"] = "user"
    content: str | list[_InContent] | None = None
    id: str | None = None
    call_id: str | None = None
    name: str = ""
    arguments: str = ""
    input: str = ""
    output: str | list[_InContent] = ""
    summary: list[_InContent] = []
    encrypted_content: str | None = None


_CONTENT_READERS: dict[str, Callable[[_InContent], Part | None]] = {
    **dict.fromkeys(("input_text", "output_text", "text"), lambda content: Text(content.text or "")),
    "refusal": lambda content: Refusal(content.refusal or ""),
    "input_image": lambda content: Image(url=content.image_url, detail=content.detail) if content.image_url else None,
}
"""Type of a content to its part; a content of another type, or an image that only OpenAI has, is passed over."""


def _read_contents(contents: str | list[_InContent] | None) -> str | tuple[Part, ...]:
    if contents is None or isinstance(contents, str):
        return contents or ""
    read = (_CONTENT_READERS[content.type](content) for content in contents if content.type in _CONTENT_READERS)
    return tuple(part for part in read if part is not None) or ""


def _read_message(item: _InItem) -> Message:
    return Message("system" if item.role == "developer" else item.role, _read_contents(item.content))


def _read_reasoning(item: _InItem) -> Message:
    pieces = item.summary or (item.content if isinstance(item.content, list) else [])
    text = "".join(piece.text or "" for piece in pieces)
    return Message("assistant", (Reasoning(text, item.encrypted_content, id=item.id),))


def _read_call(item: _InItem) -> Message:
    return Message("assistant", (ToolCall(item.call_id, item.name, item.arguments),))


def _read_custom_call(item: _InItem) -> Message:
    return Message("assistant", (ToolCall(item.call_id, item.name, item.input, custom=True),))


def _read_result(item: _InItem) -> Message:
    content = cast("str | tuple[Text | Image, ...]", _read_contents(item.output))
    return Message("tool", (ToolResult(item.call_id or "", content),))


_ITEM_READERS: dict[str, Callable[[_InItem], Message]] = {
    MESSAGE: _read_message,
    REASONING: _read_reasoning,
    FUNCTION_CALL: _read_call,
    CUSTOM_CALL: _read_custom_call,
    FUNCTION_CALL + RESULT: _read_result,
    CUSTOM_CALL + RESULT: _read_result,
}
"""Type of an item to what reads it; an item of another type is passed over."""


def _read_items(items: Any) -> list[Message]:
    """Items as messages: what the assistant said in a row is one turn, and so are the results of several tools."""
    if not isinstance(items, list):
        raise InputError("Invalid type for 'input': expected a string or an array of objects.")
    messages: list[Message] = []
    for at, raw in enumerate(items):
        if not isinstance(raw, Mapping):
            raise InputError(f"Invalid type for 'input[{at}]': expected an object.")
        reader = _ITEM_READERS.get(str(raw.get("type") or MESSAGE))
        if reader is None:
            continue
        try:
            message = reader(msgspec.convert(raw, _InItem))
        except msgspec.ValidationError as error:
            raise InputError(f"Invalid value for 'input[{at}]': {error}") from error
        if messages and message.role == messages[-1].role and message.role in ("assistant", "tool"):
            message = Message(message.role, (*messages.pop().parts, *message.parts))
        messages.append(message)
    return messages


def _read_options(body: Json) -> Options:
    """The options of a body; what of it the vocabulary cannot hold whole stays in ``extra``."""
    options: Json = {}
    extra = dict(body)
    for option, key in KEYS.items():
        value = body.get(key)
        held, whole = _OPTION_READERS[option](value, key) if value is not None and option in _OPTION_READERS else (value, True)
        if held is not None:
            options[option] = held
        if whole:
            extra.pop(key, None)
    return read_options(**options, extra=extra)


def _read_tools(value: Any, key: str) -> tuple[Any, bool]:
    del key
    left_out: list[str] = []
    tools = [tool for tool in value if tool.get("type") == "function"] if _objects(value) else value
    return read_tools(tools, left_out=left_out.append), not left_out and len(tools) == len(value)


def _read_tool_choice(value: Any, key: str) -> tuple[Any, bool]:
    del key
    if isinstance(value, Mapping) and value.get("type") != "function":
        return None, False
    return value, True


def _read_effort(value: Any, key: str) -> tuple[Any, bool]:
    effort = _object(value, key).get("effort")
    return (effort if effort in _EFFORTS else None), set(value) <= {"effort"} and effort in _EFFORTS


def _read_schema(value: Any, key: str) -> tuple[Any, bool]:
    wanted = _object(value, key).get("format")
    if not isinstance(wanted, Mapping) or wanted.get("type") != "json_schema":
        return None, False
    return wanted, set(value) <= {"format"} and "description" not in wanted


def _objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) for one in value)


def _object(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"Invalid type for '{key}': expected an object.")
    return value


_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")

_OPTION_READERS: dict[str, Callable[[Any, str], tuple[Any, bool]]] = {
    "tools": _read_tools,
    "tool_choice": _read_tool_choice,
    "reasoning": _read_effort,
    "schema": _read_schema,
}
"""Option to what reads its value, and says whether that is all of it; the others are taken as they are."""
