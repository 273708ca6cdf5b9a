"""A prompt, in any of its shapes, as messages.

House rule: order is kept, nothing is merged; one reader a role and one a part type, found in tables.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import unquote_to_bytes

import msgspec

from bourn.errors import InputError
from bourn.messages import Image, Message, Part, Reasoning, Refusal, Role, Text, ToolCall, ToolResult
from bourn.prompts.checks import LeftOut, mapping, refuse, report_unread, shown, string, valid, wrong

_PARTS = (Text, Refusal, Image, Reasoning, ToolCall, ToolResult)

_MAY_HOLD: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "system": (Text, Image),
    "user": (Text, Image),
    "assistant": (Text, Refusal, Image, Reasoning, ToolCall),
    "tool": (ToolResult,),
}
"""The parts that make sense in a message of each role; what of them a dialect can send is the dialect's business."""

_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
"""A dict's role to ours."""

_MESSAGE_KEYS: dict[str, frozenset[str]] = {
    "system": frozenset({"role", "content"}),
    "user": frozenset({"role", "content"}),
    "assistant": frozenset({"role", "content", "refusal", "tool_calls", "reasoning_content", "reasoning"}),
    "tool": frozenset({"role", "content", "tool_call_id", "name"}),
}
"""What is read of a dict of each role; any other key that holds something is given to ``left_out``."""


def read_prompt(prompt: Any, *, left_out: LeftOut = refuse) -> tuple[Message, ...]:
    """The messages of a prompt: send them in a ``Request``.

    Order is kept and nothing is merged. ``left_out`` is called with a sentence for each key and part that has no room in
    ``Message``. Raises ``InputError`` that names the place of what is malformed.
    """
    if isinstance(prompt, str):
        if not prompt:
            raise InputError("the prompt is an empty string; give at least one character")
        return (Message("user", prompt),)
    if isinstance(prompt, (Message, Mapping)):
        prompt = (prompt,)
    if not isinstance(prompt, Sequence) or isinstance(prompt, (bytes, bytearray)):
        raise wrong("prompt", "a string, a Message, or a list of messages", prompt)
    if not prompt:
        raise InputError("the list of messages is empty; give at least one message")
    return tuple(_message(value, f"messages[{at}]", left_out) for at, value in enumerate(prompt))


def _message(value: Any, place: str, left_out: LeftOut) -> Message:
    if isinstance(value, Message):
        if not isinstance(value.role, str) or value.role not in _MAY_HOLD:
            raise wrong(f"{place}.role", f"one of {', '.join(_MAY_HOLD)}", value.role)
        message = valid(value, place)
        parts: str | tuple[Part, ...] = message.content
        if parts == () and message.role != "assistant":
            raise InputError(f"{place}.content: is empty; a message of role {message.role!r} says something")
    elif isinstance(value, Mapping):
        message = Message(_role(value, place), ())
        parts = _DICT_READERS[message.role](value, place, left_out)
        report_unread(value, _MESSAGE_KEYS[message.role], place, left_out)
    else:
        raise wrong(place, "a Message or a dict", value)
    if isinstance(parts, str):
        if message.role == "tool":
            raise InputError(f"{place}.content: a message of role 'tool' holds ToolResult parts, not a string")
        return Message(message.role, parts)
    return Message(message.role, tuple(_placed(part, message.role, f"{place}.content[{at}]") for at, part in enumerate(parts)))


def _placed(part: Part, role: str, place: str) -> Part:
    """The part, if it may stand in a message of that role."""
    if not isinstance(part, _MAY_HOLD[role]):
        fits = " or ".join(repr(name) for name, kinds in _MAY_HOLD.items() if type(part) in kinds)
        raise InputError(f"{place}: a {type(part).__name__} belongs in a message of role {fits}, not {role!r}")
    if isinstance(part, Image):
        return _image(part, place)
    if isinstance(part, ToolResult):
        if not part.id:
            raise InputError(f"{place}.id: is empty; a tool result names the call that it answers")
        if not isinstance(part.content, str):
            images = (
                _image(one, f"{place}.content[{at}]") if isinstance(one, Image) else one for at, one in enumerate(part.content)
            )
            return msgspec.structs.replace(part, content=tuple(images))
    elif isinstance(part, ToolCall) and not part.name:
        raise InputError(f"{place}.name: is empty; a tool call names its tool")
    return part


def _role(value: Mapping[str, Any], place: str) -> Role:
    role = value.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise InputError(f"{place}.role: wanted one of {', '.join(_ROLES)}, got {shown(role)}")
    return _ROLES[role]


def _said(value: Mapping[str, Any], place: str, left_out: LeftOut) -> str | tuple[Part, ...]:
    """The content of a system or user message."""
    content = value.get("content")
    if content is None or content == []:
        raise InputError(f"{place}.content: is empty; a message of role {value['role']!r} says something")
    return _content(content, f"{place}.content", left_out)


def _content(content: Any, place: str, left_out: LeftOut) -> str | tuple[Part, ...]:
    if isinstance(content, str):
        return content
    if isinstance(content, (bytes, Mapping)) or not isinstance(content, Sequence):
        raise wrong(place, "a string or a list of parts", content)
    parts = (_part(part, f"{place}[{at}]", left_out) for at, part in enumerate(content))
    return tuple(part for part in parts if part is not None)


def _assistant(value: Mapping[str, Any], place: str, left_out: LeftOut) -> str | tuple[Part, ...]:
    """Reasoning, content, refusal and tool calls, in the order in which a model says them."""
    parts: list[Part] = []
    thoughts = value.get("reasoning_content") or value.get("reasoning")
    if thoughts:
        parts.append(Reasoning(string(thoughts, f"{place}.reasoning")))
    content = value.get("content")
    if content is not None:
        read = _content(content, f"{place}.content", left_out)
        parts.extend(((Text(read),) if read else ()) if isinstance(read, str) else read)
    if value.get("refusal"):
        parts.append(Refusal(string(value["refusal"], f"{place}.refusal")))
    calls = value.get("tool_calls")
    if calls is not None and (isinstance(calls, (str, bytes, Mapping)) or not isinstance(calls, Sequence)):
        raise wrong(f"{place}.tool_calls", "a list of tool calls", calls)
    parts.extend(_tool_call(call, f"{place}.tool_calls[{at}]") for at, call in enumerate(calls or ()))
    return tuple(parts)


def _tool_message(value: Mapping[str, Any], place: str, left_out: LeftOut) -> tuple[Part, ...]:
    id = value.get("tool_call_id")
    if not id:
        raise InputError(f"{place}.tool_call_id: is missing; a message of role 'tool' names the call that it answers")
    read = _said(value, place, left_out)
    content = (
        read
        if isinstance(read, str)
        else tuple(_placed(part, "user", f"{place}.content[{at}]") for at, part in enumerate(read))
    )
    name = value.get("name")
    return (
        ToolResult(
            string(id, f"{place}.tool_call_id"),
            cast("str | tuple[Text | Image, ...]", content),
            name=None if name is None else string(name, f"{place}.name"),
        ),
    )


_DICT_READERS: dict[Role, Callable[[Mapping[str, Any], str, LeftOut], str | tuple[Part, ...]]] = {
    "system": _said,
    "user": _said,
    "assistant": _assistant,
    "tool": _tool_message,
}


def _part(value: Any, place: str, left_out: LeftOut) -> Part | None:
    if isinstance(value, _PARTS):
        return valid(value, place)
    if isinstance(value, str):
        return Text(value)
    if not isinstance(value, Mapping):
        raise wrong(place, "a part or a dict", value)
    kind = value.get("type")
    entry = _PART_READERS.get(kind) if isinstance(kind, str) else None
    if entry is None:
        left_out(f"{place}.type: wanted one of {', '.join(_PART_READERS)}, got {shown(kind)}")
        return None
    read, keys = entry
    report_unread(value, keys, place, left_out)
    return read(value, place)


def _text(value: Mapping[str, Any], place: str) -> Part:
    return Text(string(value.get("text"), f"{place}.text"))


def _refusal(value: Mapping[str, Any], place: str) -> Part:
    return Refusal(string(value.get("refusal"), f"{place}.refusal"))


def _image_url(value: Mapping[str, Any], place: str) -> Part:
    """``{"image_url": {"url", "detail"}}``, or the bare URL that many write instead of the inner dict."""
    inner = value.get("image_url")
    if isinstance(inner, str):
        return Image(url=inner)
    inner = mapping(inner, f"{place}.image_url")
    detail = inner.get("detail")
    return Image(
        url=string(inner.get("url"), f"{place}.image_url.url"),
        detail=None if detail is None else string(detail, f"{place}.image_url.detail"),
    )


_PART_READERS: dict[str, tuple[Callable[[Mapping[str, Any], str], Part], frozenset[str]]] = {
    "text": (_text, frozenset({"type", "text"})),
    "refusal": (_refusal, frozenset({"type", "refusal"})),
    "image_url": (_image_url, frozenset({"type", "image_url"})),
}
"""Part type to its reader and the keys it reads."""


def _image(image: Image, place: str) -> Image:
    """The image with a ``data:`` URL turned into bytes; it must have exactly one of ``url`` and ``data``."""
    if (image.url is None) == (image.data is None):
        raise InputError(f"{place}: an image has either a url or data")
    if image.url is None:
        if not image.data or not image.media_type:
            raise InputError(f"{place}: an image by data has some bytes and a media_type such as 'image/png'")
        return image
    if not image.url:
        raise InputError(f"{place}: the image's url is empty")
    if not image.url.startswith("data:"):
        return image
    media_type, data = _data_url(image.url, place)
    return Image(data=data, media_type=media_type, detail=image.detail)


def _data_url(url: str, place: str) -> tuple[str, bytes]:
    """Media type and bytes of a ``data:`` URL (RFC 2397)."""
    head, comma, body = url[5:].partition(",")
    media_type, *parameters = head.split(";")
    try:
        data = b64decode(body, validate=True) if "base64" in parameters else unquote_to_bytes(body)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{place}: the data: URL is not valid base64 ({error})") from error
    if not comma or not data or not media_type:
        raise InputError(f"{place}: wanted a data: URL like 'data:image/png;base64,...', with a media type and some bytes")
    return media_type, data


def _tool_call(value: Any, place: str) -> ToolCall:
    if isinstance(value, ToolCall):
        return valid(value, place)
    call = mapping(value, place)
    kind = call.get("type") or "function"
    if not isinstance(kind, str) or kind not in _CALL_INPUT:
        raise InputError(f"{place}.type: wanted one of {', '.join(_CALL_INPUT)}, got {shown(kind)}")
    inner = mapping(call.get(kind), f"{place}.{kind}")
    id = call.get("id")
    key = _CALL_INPUT[kind]
    return ToolCall(
        None if id is None else string(id, f"{place}.id"),
        string(inner.get("name"), f"{place}.{kind}.name"),
        string(inner.get(key) if inner.get(key) is not None else "", f"{place}.{kind}.{key}"),
        custom=kind == "custom",
    )


_CALL_INPUT = {"function": "arguments", "custom": "input"}
"""Type of a tool call to the key of what the tool is called with."""
