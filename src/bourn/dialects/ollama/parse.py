"""A request body of Ollama's native API, read by the server half.

Source: ``ChatRequest`` in ``api/types.go`` of https://github.com/ollama/ollama, whose leniency is kept: a stream is what comes
unasked, no messages at all is a wish to load the model. House rule: what the vocabulary has no place for stays in ``extra``.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import HttpCall
from bourn.dialects.ollama.words import THINK
from bourn.errors import InputError
from bourn.messages import Image, Message, Options, Part, Reasoning, Request, Role, Schema, Text, ToolCall, ToolResult
from bourn.prompts import read_options, read_tools

Json = dict[str, Any]


class _Function(msgspec.Struct):
    name: str
    arguments: Json | None = None


class _Call(msgspec.Struct):
    function: _Function
    id: str | None = None


class _Turn(msgspec.Struct):
    role: str
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[_Call] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class _Body(msgspec.Struct):
    model: str = ""
    messages: list[_Turn] | None = None
    stream: bool | None = None
    tools: list[Json] | None = None
    format: Json | str | None = None
    think: bool | str | None = None
    options: Json | None = None


_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}

_SAMPLING = {"num_predict": "max_tokens", "temperature": "temperature", "top_p": "top_p", "stop": "stop", "seed": "seed"}
"""Key of ``options`` to our option."""

_EFFORTS: dict[bool | str, str] = {level: effort for effort, level in THINK.items() if effort != "minimal"}
"""``think`` to our effort; plain ``true`` has none and stays in ``extra``."""

_MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
"""How the bytes of an image begin, since nobody tells its type."""


def parse(call: HttpCall) -> Request:
    """The request in a ``POST /api/chat``; answer it with ``encoder`` or, where ``stream`` is false, ``encode_whole``.

    Raises ``InputError`` with a message to be sent as status 400.
    """
    if not call.body.strip():
        raise InputError("missing request body")
    try:
        raw = msgspec.json.decode(call.body)
        body = msgspec.convert(raw, _Body)
    except payload.UNREADABLE as error:
        raise InputError(f"invalid request: {error}") from error
    if not body.model:
        raise InputError("model is required")
    messages = tuple(_message(turn, f"messages[{at}]") for at, turn in enumerate(body.messages or ()))
    return Request(body.model, messages, _options(body, raw), stream=body.stream is not False)


def _options(body: _Body, raw: Json) -> Options:
    extra = {name: value for name, value in raw.items() if name not in _Body.__struct_fields__}
    given = dict(body.options or {})
    told: Json = {_SAMPLING[name]: given.pop(name) for name in tuple(given) if _fits(name, given[name])}
    if given:
        extra["options"] = given
    if isinstance(body.format, str) and body.format:
        extra["format"] = body.format
    elif body.format:
        told["schema"] = Schema(body.format)
    if body.think is not None:
        effort = _EFFORTS.get(body.think)
        if effort is None and body.think is not True:
            raise InputError(f'invalid think value: {body.think!r} (must be "high", "medium", "low", "max", true, or false)')
        told |= {"reasoning": effort}
        extra |= {"think": True} if effort is None else {}
    return read_options(**told, tools=read_tools(body.tools, left_out=_ignore), extra=extra)


def _fits(name: str, value: Any) -> bool:
    """Whether an option has room in ``Options``; -1 for ``num_predict`` (no limit), say, has none."""
    return name in _SAMPLING and value is not None and not (name == "num_predict" and isinstance(value, int) and value < 1)


def _ignore(what: str) -> None:
    """A server takes what Ollama takes, also a tool that says more than the vocabulary can."""
    del what


def _message(turn: _Turn, place: str) -> Message:
    role = _ROLES.get(turn.role.lower())
    if role is None:
        raise InputError(f"{place}.role: invalid role {turn.role!r}; there are {', '.join(_ROLES)}")
    text = turn.content or ""
    images = tuple(_image(image, f"{place}.images[{at}]") for at, image in enumerate(turn.images or ()))
    if role == "tool":
        name = turn.tool_name or None
        content = (*((Text(text),) if text else ()), *images) if images else text
        return Message(role, (ToolResult(turn.tool_call_id or name or "", content, name=name),))
    parts: list[Part] = [Reasoning(turn.thinking)] if turn.thinking else []
    parts += [Text(text)] if text else []
    parts += images
    parts += [_call(one) for one in turn.tool_calls or ()]
    return Message(role, text) if parts in ([], [Text(text)]) else Message(role, tuple(parts))


def _call(one: _Call) -> ToolCall:
    arguments = one.function.arguments
    return ToolCall(one.id or None, one.function.name, payload.dumps(arguments).decode() if arguments else "")


def _image(data: str, place: str) -> Image:
    try:
        read = base64.b64decode(data, validate=True)
    except ValueError as error:
        raise InputError(f"{place}: illegal base64 data") from error
    return Image(data=read, media_type=next((kind for magic, kind in _MAGIC.items() if read.startswith(magic)), "image/png"))
