"""A request of Bedrock's Converse API, read by the server half, and refused in Bedrock's own wording.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html; refusals are worded as recorded
(``bedrock-converse-errors``) and as users quote them in issues. House rule: what the vocabulary has no place for is let
through: a key goes to ``extra``, a block of another kind (a document, a cache point) is left out.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import HttpCall
from bourn.dialects.bedrock.converse_words import FORMATS, STREAM
from bourn.dialects.bedrock.words import read_path
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

_MEDIA_TYPES = {word: media_type for media_type, word in FORMATS.items()}


class _Turn(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: list[Json]


class _Inference(msgspec.Struct, frozen=True, rename="camel"):
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    stop_sequences: tuple[str, ...] = ()


class _ToolSpec(msgspec.Struct, rename="camel"):
    name: str
    input_schema: Json
    description: str = ""
    strict: bool | None = None


class _ToolConfig(msgspec.Struct, rename="camel"):
    tools: list[Json]
    tool_choice: Json | None = None


class _Body(msgspec.Struct, rename="camel"):
    messages: list[Json]
    system: list[Json] = []
    inference_config: _Inference = _Inference()
    tool_config: _ToolConfig | None = None
    output_config: Json = {}
    additional_model_request_fields: Json = {}


class _Name(msgspec.Struct):
    name: str


class _Text(msgspec.Struct):
    text: str


class _ToolUse(msgspec.Struct, rename="camel"):
    tool_use_id: str
    name: str
    input: Any


class _ToolResult(msgspec.Struct, rename="camel"):
    tool_use_id: str
    content: list[Json]
    status: Literal["success", "error"] = "success"


class _Thought(msgspec.Struct):
    text: str
    signature: str | None = None


class _Cited(msgspec.Struct):
    content: list[Json] = []


class _S3Location(msgspec.Struct):
    uri: str


class _Image(msgspec.Struct):
    format: Literal["png", "jpeg", "gif", "webp"]
    source: Json


def parse(call: HttpCall) -> Request:
    """The request in a call of ``converse-stream``, or, with ``stream`` false, of ``converse``.

    Raises ``InputError`` with the message that the API would give, to be sent as status 400.
    """
    model, operation = read_path(call.path)
    try:
        raw = msgspec.json.decode(call.body)
    except payload.UNREADABLE as error:
        raise InputError(f"The request body is not valid JSON: {error}") from error
    body = _read(raw, _Body, "")
    turns = [_read(turn, _Turn, f"messages.{at}") for at, turn in enumerate(body.messages)]
    if not turns or turns[0].role == "assistant":
        raise InputError(
            "A conversation must start with a user message. Try again with a conversation that starts with a user message."
        )
    messages = [message for at, turn in enumerate(turns) for message in _messages(turn, f"messages.{at}")]
    _check_calls(turns, body)
    system = [Message("system", part.text) for part in _parts(body.system, "system") if isinstance(part, Text)]
    return Request(model, (*system, *messages), _options(body, raw), operation == STREAM)


def _options(body: _Body, raw: Json) -> Options:
    config, output = body.tool_config, dict(body.output_config)
    extra = {name: value for name, value in raw.items() if name not in _encoded(_Body)}
    form = output.pop("textFormat", None)
    reasoning = _wish(body.additional_model_request_fields, output)
    if reasoning is None and body.additional_model_request_fields:
        extra["additionalModelRequestFields"] = body.additional_model_request_fields
    if output:
        extra["outputConfig"] = body.output_config
    if set(raw.get("inferenceConfig") or ()) - _encoded(_Inference):
        extra["inferenceConfig"] = raw["inferenceConfig"]
    if config is not None and any("toolSpec" not in tool for tool in config.tools):
        extra["toolConfig"] = raw["toolConfig"]  # with the service's own tools, or a cache point
    told = body.inference_config
    return Options(
        max_tokens=told.max_tokens,
        temperature=told.temperature,
        top_p=told.top_p,
        stop=told.stop_sequences,
        tools=() if config is None else tuple(_tools(config.tools)),
        tool_choice=None if config is None or not config.tool_choice else _choice(config.tool_choice),
        reasoning=reasoning,
        schema=None if form is None else _schema(form),
        extra=extra,
    )


def _encoded(type_: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(type_)}


def _wish(fields: Json, output: Json) -> Any:
    """The wish for reasoning, its effort taken out of ``output``; ``None`` where ``Options`` cannot say it."""
    if len(fields) != 1:
        return None
    match fields:
        case {"thinking": {"type": "enabled", "budget_tokens": int(budget)}}:
            return budget
        case {"thinking": {"type": "disabled"}} | {"reasoningConfig": {"type": "disabled"}}:
            return "none"
        case {"thinking": {"type": "adaptive"}} if output.get("effort") in _EFFORTS:
            return output.pop("effort")
        case {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}:
            return effort if effort in _EFFORTS else None
        case {"reasoning_effort": effort} | {"reasoning": {"effort": effort}}:
            return effort if effort in _EFFORTS else None
    return None


_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")


def _tools(tools: list[Json]) -> Iterator[Tool]:
    for at, raw in enumerate(tools):
        if "toolSpec" in raw:  # others are the service's own
            place = f"toolConfig.tools.{at}.toolSpec"
            spec = _read(raw["toolSpec"], _ToolSpec, place)
            yield Tool(spec.name, spec.description, _field(spec.input_schema, "json", f"{place}.inputSchema"), spec.strict)


def _choice(choice: Json) -> ToolChoice:
    if "tool" in choice:
        return _read(choice["tool"], _Name, "toolConfig.toolChoice.tool").name
    return "required" if "any" in choice else "auto"


def _schema(form: Any) -> Schema:
    place = "outputConfig.textFormat.structure.jsonSchema"
    told = _field(_field(form, "structure", "outputConfig.textFormat"), "jsonSchema", "outputConfig.textFormat.structure")
    try:
        schema = msgspec.json.decode(_field(told, "schema", place), type=Json)
    except (*payload.UNREADABLE, TypeError) as error:
        raise _wrong(f"{place}.schema", "Member must be the text of a JSON object") from error
    return Schema(schema, told.get("name") or "answer")


def _messages(turn: _Turn, place: str) -> Iterator[Message]:
    """The messages of one turn: results of tools are a role of their own in the vocabulary."""
    if not turn.content:
        raise InputError(
            f"The content field in the Message object at {place} is empty. Add a ContentBlock object to the content field and "
            "try again."
        )
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


def _check_calls(turns: list[_Turn], body: _Body) -> None:
    """Every call has its result in the next turn of the user's, and the other way round; and the tools are declared."""
    asked: list[str] = []
    for at, turn in enumerate(turns):
        uses = [block["toolUse"]["toolUseId"] for block in turn.content if "toolUse" in block]
        given = [block["toolResult"]["toolUseId"] for block in turn.content if "toolResult" in block]
        if (uses or given) and body.tool_config is None:
            raise InputError("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
        if turn.role == "user" and (missing := [id for id in asked if id not in given]):
            raise InputError(f"Expected toolResult blocks at messages.{at}.content for the following Ids: {', '.join(missing)}")
        if turn.role == "user" and len(given) > len(asked):
            raise InputError(
                f"The number of toolResult blocks at messages.{at}.content exceeds the number of toolUse blocks of "
                "previous turn."
            )
        asked = uses


def _parts(blocks: list[Json], place: str) -> Iterator[Part]:
    for at, raw in enumerate(blocks):
        for kind, value in raw.items():
            if kind in _BLOCKS:
                yield from _BLOCKS[kind](value, f"{place}.{at}")


def _text(value: Any, place: str) -> Iterator[Part]:
    told = _read(value, str, f"{place}.text")
    if not told.strip():
        raise InputError(
            f"The text field in the ContentBlock object at {place} is blank. Add text to the text field, and try again."
        )
    yield Text(told)


def _guarded(value: Any, place: str) -> Iterator[Part]:
    if "text" in (block := _read(value, Json, f"{place}.guardContent")):
        yield Text(_read(block["text"], _Text, f"{place}.guardContent.text").text)


def _cited(value: Any, place: str) -> Iterator[Part]:
    for block in _read(value, _Cited, f"{place}.citationsContent").content:
        yield Text(_read(block, _Text, f"{place}.citationsContent.content").text)


def _tool_use(value: Any, place: str) -> Iterator[Part]:
    block = _read(value, _ToolUse, f"{place}.toolUse")
    yield ToolCall(block.tool_use_id, block.name, payload.dumps(block.input).decode() if block.input else "")


def _tool_result(value: Any, place: str) -> Iterator[Part]:
    block = _read(value, _ToolResult, f"{place}.toolResult")
    parts = tuple(part for one in block.content for part in _result(one, f"{place}.toolResult.content"))
    lone = parts[0].text if len(parts) == 1 and isinstance(parts[0], Text) else parts or ""
    yield ToolResult(block.tool_use_id, lone, block.status == "error")


def _result(block: Json, place: str) -> Iterator[Text | Image]:
    """A result may be JSON, which is the text of it here."""
    if "json" in block:
        yield Text(payload.dumps(block["json"]).decode())
    elif "text" in block:
        yield Text(_read(block, _Text, place).text)
    elif "image" in block:
        yield from _image(block["image"], place)


def _thought(value: Any, place: str) -> Iterator[Part]:
    content = _read(value, Json, f"{place}.reasoningContent")
    if "redactedContent" in content:
        yield Reasoning(signature=_read(content["redactedContent"], str, f"{place}.reasoningContent"), redacted=True)
    else:
        told = _field(content, "reasoningText", f"{place}.reasoningContent")
        block = _read(told, _Thought, f"{place}.reasoningContent.reasoningText")
        yield Reasoning(block.text, block.signature)


def _image(value: Any, place: str) -> Iterator[Image]:
    block = _read(value, _Image, f"{place}.image")
    media_type = _MEDIA_TYPES[block.format]
    if "s3Location" in block.source:
        location = _read(block.source["s3Location"], _S3Location, f"{place}.image.source.s3Location")
        yield Image(location.uri, media_type=media_type)
        return
    told = _read(_field(block.source, "bytes", f"{place}.image.source"), str, f"{place}.image.source.bytes")
    try:
        yield Image(data=base64.b64decode(told, validate=True), media_type=media_type)
    except ValueError as error:
        raise _wrong(f"{place}.image.source.bytes", "Member must be base64") from error


_BLOCKS: dict[str, Callable[[Any, str], Iterator[Part]]] = {
    "text": _text,
    "guardContent": _guarded,
    "citationsContent": _cited,
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "reasoningContent": _thought,
    "image": _image,
}


def _read(raw: Any, type_: type[T], place: str) -> T:
    """``raw`` as ``type_``. Raises ``InputError`` that names the place as the API does."""
    try:
        return msgspec.convert(raw, type_)
    except msgspec.ValidationError as error:
        said, _, inner = str(error).partition(" - at `$")
        words = [place, *re.findall(r"\w+", inner)]
        raise _wrong(".".join(word for word in words if word) or "body", said) from error


def _field(raw: Any, name: str, place: str) -> Any:
    if not isinstance(raw, dict) or name not in raw:
        raise _wrong(f"{place}.{name}", "Member must not be null")
    return raw[name]


def _wrong(place: str, what: str) -> InputError:
    return InputError(f"1 validation error detected: Value at '{place}' failed to satisfy constraint: {what}")
