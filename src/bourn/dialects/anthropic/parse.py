"""A request body of Anthropic's Messages API, read by the server half, and refused in Anthropic's own wording.

Source: https://platform.claude.com/docs/en/api/messages/create; refusals are worded as recorded (``anthropic-messages-errors``)
and as users quote them in the issues of the SDKs. House rule: what the vocabulary has no place for is let through: a key goes
to ``extra``, a block or tool of another kind (a document, a web search) is left out.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from bourn.dialects import payload
from bourn.dialects.anthropic.words import CHOICES, EFFORTS
from bourn.dialects.base import HttpCall
from bourn.errors import InputError
from bourn.messages import (
    Image,
    Message,
    Options,
    Part,
    Reasoning,
    Request,
    Role,
    Schema,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

T = TypeVar("T")
Json = dict[str, Any]


class _Turn(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[Json]


class _Thinking(msgspec.Struct):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: Annotated[int, msgspec.Meta(ge=1024)] | None = None


class _Choice(msgspec.Struct):
    type: Literal["auto", "any", "none", "tool"]
    name: str | None = None


class _Body(msgspec.Struct):
    model: str
    max_tokens: Annotated[int, msgspec.Meta(ge=0)]
    messages: list[Json]
    system: str | list[Json] | None = None
    stream: bool = False
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    stop_sequences: tuple[str, ...] | None = None
    tools: list[Json] | None = None
    tool_choice: _Choice | None = None
    thinking: _Thinking | None = None
    output_config: Json | None = None


class _ToolParam(msgspec.Struct):
    name: str
    input_schema: Json
    description: str = ""
    strict: bool | None = None


class _TextParam(msgspec.Struct):
    text: str


class _ThinkingParam(msgspec.Struct):
    thinking: str
    signature: str


class _RedactedParam(msgspec.Struct):
    data: str


class _ToolUseParam(msgspec.Struct):
    id: str
    name: str
    input: Json


class _ToolResultParam(msgspec.Struct):
    tool_use_id: str
    content: str | list[Json] = ""
    is_error: bool | None = False


class _UrlSource(msgspec.Struct):
    url: str


class _Base64Source(msgspec.Struct):
    media_type: str
    data: str


class _ImageParam(msgspec.Struct):
    source: Json


def parse(call: HttpCall) -> Request:
    """The request in a ``POST /v1/messages``; answer it with ``encoder`` or, where ``stream`` is false, ``encode_whole``.

    Raises ``InputError`` with the message that the API would give, to be sent as status 400.
    """
    try:
        raw = msgspec.json.decode(call.body)
    except payload.UNREADABLE as error:
        raise InputError(f"The request body is not valid JSON: {error}") from error
    body = _read(raw, _Body, "")
    if not body.messages:
        raise InputError("messages: at least one message is required")
    turns = [_read(turn, _Turn, f"messages.{at}") for at, turn in enumerate(body.messages)]
    messages = [message for at, turn in enumerate(turns) for message in _messages(turn, f"messages.{at}", at + 1 == len(turns))]
    _check_calls(turns)
    system = _system(body.system)
    return Request(body.model, (*system, *messages), _options(body, raw), body.stream)


def _options(body: _Body, raw: Json) -> Options:
    extra = {name: value for name, value in raw.items() if name not in _Body.__struct_fields__}
    config = dict(body.output_config or {})
    schema = config.pop("format", None)
    reasoning = _wish(body, config)
    if reasoning is None and body.thinking is not None:
        extra["thinking"] = raw["thinking"]
    if config:
        extra["output_config"] = config
    return Options(
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        stop=body.stop_sequences or (),
        tools=tuple(_tools(body.tools or ())),
        tool_choice=None if body.tool_choice is None else _choice(body.tool_choice),
        reasoning=reasoning,
        schema=None if schema is None else Schema(_field(schema, "schema", "output_config.format")),
        extra=extra,
    )


def _wish(body: _Body, config: Json) -> Any:
    """The wish for reasoning, its effort taken out of ``config``; ``None`` where ``Options`` cannot say it."""
    told = body.thinking
    if told is not None and told.type == "enabled":
        if told.budget_tokens is None:
            raise InputError("thinking.enabled.budget_tokens: Field required")
        if told.budget_tokens >= body.max_tokens:
            raise InputError("`max_tokens` must be greater than `thinking.budget_tokens`.")
        return told.budget_tokens
    if told is not None and told.type == "disabled":
        return "none"
    if told is not None and told.type == "adaptive" and str(config.get("effort")) in EFFORTS:
        return config.pop("effort")
    return None


def _tools(tools: Any) -> Iterator[Tool]:
    for at, raw in enumerate(tools):
        if raw.get("type", "custom") in ("custom", None):  # others are the server's own
            tool = _read(raw, _ToolParam, f"tools.{at}.custom")
            _field(tool.input_schema, "type", f"tools.{at}.custom.input_schema")
            yield Tool(tool.name, tool.description, tool.input_schema, tool.strict)


def _choice(choice: _Choice) -> ToolChoice:
    if choice.type != "tool":
        return next(word for word, kind in CHOICES.items() if kind == choice.type)
    if choice.name is None:
        raise InputError("tool_choice.tool.name: Field required")
    return choice.name


def _system(system: str | list[Json] | None) -> list[Message]:
    if isinstance(system, str):
        return [Message("system", system)]
    blocks = (_read(block, _TextParam, f"system.{at}") for at, block in enumerate(system or ()))
    return [Message("system", block.text) for block in blocks]


def _messages(turn: _Turn, place: str, last: bool) -> Iterator[Message]:
    """The messages of one turn: results of tools are a role of their own in the vocabulary."""
    if not turn.content and not (last and turn.role == "assistant"):
        raise InputError(f"{place}: all messages must have non-empty content except for the optional final assistant message")
    if isinstance(turn.content, str):
        yield Message(turn.role, turn.content)
        return
    run: list[Part] = []
    role: Role = turn.role
    for part in _parts(turn.content, f"{place}.content"):
        its: Role = "tool" if isinstance(part, ToolResult) else turn.role
        if run and its != role:
            yield Message(role, tuple(run))
            run = []
        role = its
        run.append(part)
    if run:
        yield Message(role, tuple(run))


def _check_calls(turns: list[_Turn]) -> None:
    """Every ``tool_use`` has its ``tool_result`` in the next turn, and the other way round."""
    asked: list[str] = []
    asking = 0
    for role, at, blocks in _sides(turns):
        given = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if stray := ", ".join(id for id in given if id not in asked):
            raise InputError(
                f"messages.{at}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {stray}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        if role == "user" and (missing := ", ".join(id for id in asked if id not in given)):
            raise InputError(
                f"messages.{asking}: `tool_use` ids were found without `tool_result` blocks immediately after: {missing}. "
                "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
            )
        asked, asking = [block["id"] for block in blocks if block["type"] == "tool_use"], at


def _sides(turns: list[_Turn]) -> Iterator[tuple[Role, int, list[Json]]]:
    """Who speaks, from which turn on, and the blocks; turns of the same side count as one. The user has the last word."""
    for _, run in groupby(enumerate(turns), key=lambda item: item[1].role):
        group = list(run)
        at, first = group[0]
        if first.role != "system":
            yield first.role, at, [block for _, turn in group if not isinstance(turn.content, str) for block in turn.content]
    yield "user", len(turns), []


def _parts(blocks: list[Json], place: str) -> Iterator[Any]:
    for at, raw in enumerate(blocks):
        kind = _field(raw, "type", f"{place}.{at}")
        if (read := _BLOCKS.get(str(kind))) is not None:
            yield read(raw, f"{place}.{at}.{kind}")


def _text(raw: Json, place: str) -> Part:
    return Text(_read(raw, _TextParam, place).text)


def _thinking(raw: Json, place: str) -> Part:
    block = _read(raw, _ThinkingParam, place)
    return Reasoning(block.thinking, block.signature)


def _redacted(raw: Json, place: str) -> Part:
    return Reasoning(signature=_read(raw, _RedactedParam, place).data, redacted=True)


def _tool_use(raw: Json, place: str) -> Part:
    block = _read(raw, _ToolUseParam, place)
    return ToolCall(block.id, block.name, payload.dumps(block.input).decode() if block.input else "")


def _tool_result(raw: Json, place: str) -> Part:
    block = _read(raw, _ToolResultParam, place)
    if isinstance(block.content, str):
        return ToolResult(block.tool_use_id, block.content, bool(block.is_error))
    held = tuple(part for part in _parts(block.content, f"{place}.content") if isinstance(part, (Text, Image)))
    return ToolResult(block.tool_use_id, held, bool(block.is_error))


def _image(raw: Json, place: str) -> Part:
    source = _read(raw, _ImageParam, place).source
    kind = _field(source, "type", f"{place}.source")
    if kind == "url":
        return Image(_read(source, _UrlSource, f"{place}.source.url").url)
    told = _read(source, _Base64Source, f"{place}.source.base64")
    try:
        return Image(data=base64.b64decode(told.data, validate=True), media_type=told.media_type)
    except ValueError as error:  # letters that are none of base64's, or not ASCII at all
        raise InputError(f"{place}.source.base64.data: invalid base64 data") from error


_BLOCKS: dict[str, Callable[[Json, str], Part]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "image": _image,
}

_WORDINGS: tuple[tuple[str, str], ...] = (
    (r"Object missing required field `(?P<field>\w+)`", "Field required"),
    (r"Expected `(?:int|float)` >= (?P<bound>[\d.]+)", "Input should be greater than or equal to {bound}"),
    (r"Expected `(?:int|float)` <= (?P<bound>[\d.]+)", "Input should be less than or equal to {bound}"),
    (r"Expected `str`", "Input should be a valid string"),
    (r"Expected `int\b", "Input should be a valid integer"),
    (r"Expected `float\b", "Input should be a valid number"),
    (r"Expected `bool\b", "Input should be a valid boolean"),
    (r"Expected `array\b", "Input should be a valid list"),
    (r"Expected `(?:object|str \| array)\b", "Input does not match the expected shape."),
)
"""What msgspec says of a wrong value, and what Anthropic says; the place goes before it."""


def _read(raw: Any, type_: type[T], place: str) -> T:
    """``raw`` as ``type_``. Raises ``InputError`` as Anthropic words it: ``messages.0.content: Field required``."""
    try:
        return msgspec.convert(raw, type_)
    except msgspec.ValidationError as error:
        said, _, inner = str(error).partition(" - at `$")
        at = [place, *re.findall(r"\w+", inner)]
        wording = said
        for pattern, words in _WORDINGS:
            if found := re.match(pattern, said):
                at.append(found.groupdict().get("field") or "")
                wording = words.format(**found.groupdict())
                break
        raise InputError(f"{'.'.join(word for word in at if word) or 'body'}: {wording}") from error


def _field(raw: Any, name: str, place: str) -> Any:
    if not isinstance(raw, Mapping):
        raise InputError(f"{place}: Input should be a valid dictionary")
    if name not in raw:
        raise InputError(f"{place}.{name}: Field required")
    return raw[name]
