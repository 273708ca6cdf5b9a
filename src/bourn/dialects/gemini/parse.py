"""A request to Gemini, read by the server half, and refused in Google's own wording.

Source: https://ai.google.dev/api/generate-content; names are read in both spellings that Google takes (``systemInstruction``,
``system_instruction``); refusals are worded as recorded (``gemini-errors``) and as users quote them. House rule: what the
vocabulary has no place for is let through: a key goes to ``extra``, a part or tool of another kind is left out.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import HttpCall
from bourn.dialects.gemini.words import LEVELS, MODES, STREAM, Json
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
    ToolResult,
)

T = TypeVar("T")

_URL_SAFE = str.maketrans("-_", "+/")  # Google takes both alphabets, with and without padding; its SDK writes this one

_PATH = re.compile(r"(?:^|/)(?:models/|(?=tunedModels/))([^?]+):(streamGenerateContent|generateContent)(?:\?.*)?$")


class _Named(msgspec.Struct, rename="camel"):
    """Base of what is read: the fields have Google's names."""


class _Call(_Named):
    name: str
    id: str | None = None
    args: Json | None = None


class _Response(_Named):
    name: str
    id: str | None = None
    response: Json | None = None
    parts: list[Json] | None = None


class _Blob(_Named):
    mime_type: str
    data: str


class _File(_Named):
    file_uri: str
    mime_type: str | None = None


class _Part(_Named):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: Json | None = None
    function_response: Json | None = None
    inline_data: Json | None = None
    file_data: Json | None = None


class _Content(_Named):
    parts: list[Json] = []
    role: str | None = None


class _Tool(_Named):
    function_declarations: list[Json] | None = None


class _Declaration(_Named):
    name: str
    description: str = ""
    parameters: Json | None = None
    parameters_json_schema: Json | None = None


class _Mode(_Named):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


class _Thinking(_Named):
    thinking_budget: int | None = None
    thinking_level: str | None = None


class _Config(_Named):
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] | None = None
    seed: int | None = None
    response_mime_type: str | None = None
    response_schema: Json | None = None
    response_json_schema: Json | None = None
    thinking_config: Json | None = None


class _Body(_Named):
    contents: list[Json] | None = None
    system_instruction: Json | None = None
    tools: list[Json] | None = None
    tool_config: Json | None = None
    generation_config: Json | None = None
    model: str | None = None


def parse(call: HttpCall) -> Request:
    """The request in a ``POST ….:streamGenerateContent``; answer it with ``encoder`` or, where ``stream`` is false, whole.

    Raises ``InputError`` with the message that the API would give, to be sent as status 400.
    """
    found = _PATH.search(call.path)
    if found is None:
        raise InputError("* GenerateContentRequest.model: unexpected model name format\n")
    try:
        raw = msgspec.json.decode(call.body or b"{}")
    except payload.UNREADABLE as error:
        raise InputError(f"Invalid JSON payload received. {error}") from error
    if not isinstance(raw, dict):
        raise InputError("Invalid JSON payload received. The root must be an object.")
    body = _read(raw, _Body, "")
    if not body.contents:
        raise InputError("* GenerateContentRequest.contents: contents is not specified\n")
    system = [Message("system", text) for text in _system(body.system_instruction)]
    turns = [message for at, content in enumerate(body.contents) for message in _messages(content, f"contents[{at}]")]
    return Request(unquote(found[1]), (*system, *turns), _options(body, raw), stream=found[2] == STREAM)


# --- messages ---


def _system(instruction: Json | None) -> Iterator[str]:
    if instruction is not None:
        for at, raw in enumerate(_read(instruction, _Content, "system_instruction").parts):
            yield _read(raw, _Part, f"system_instruction.parts[{at}]").text or ""


def _messages(raw: Json, place: str) -> Iterator[Message]:
    """The messages of one turn: results of functions are a role of their own in the vocabulary."""
    content = _read(raw, _Content, place)
    if content.role not in ("user", "model", "function", None):
        raise InputError("Please use a valid role: user, model.")
    if not content.parts:
        raise InputError(f"* GenerateContentRequest.{place}.parts: contents.parts must not be empty.\n")
    side: Role = "assistant" if content.role == "model" else "user"
    run: list[Part] = []
    role = side
    for at, part in enumerate(content.parts):
        read = _part(_read(part, _Part, f"{place}.parts[{at}]"), f"{place}.parts[{at}]")
        if read is None:
            continue
        its: Role = "tool" if isinstance(read, ToolResult) else side
        if run and its != role:
            yield Message(role, tuple(run))
            run = []
        role = its
        run.append(read)
    if run:
        yield Message(role, tuple(run))


def _part(part: _Part, place: str) -> Part | None:
    """A part of the vocabulary; ``None`` for what it has no place for: code, video, a signature alone."""
    for name, read in _READERS.items():
        if getattr(part, name) is not None:
            return read(part, place)
    return None


def _speech(part: _Part, _: str) -> Part:
    if part.thought:
        return Reasoning(part.text or "", part.thought_signature)
    return Text(part.text or "", part.thought_signature)


def _tool_call(part: _Part, place: str) -> Part:
    call = _read(part.function_call, _Call, f"{place}.function_call")
    arguments = "" if call.args is None else payload.dumps(call.args).decode()
    return ToolCall(call.id, call.name, arguments, signature=part.thought_signature)


def _tool_result(part: _Part, place: str) -> Part:
    result = _read(part.function_response, _Response, f"{place}.function_response")
    response = result.response or {}
    outcome = next((key for key in ("output", "error") if response.keys() == {key} and isinstance(response[key], str)), None)
    text = response[outcome] if outcome else payload.dumps(response).decode()
    places = enumerate(result.parts or ())
    read = [_part(_read(raw, _Part, place), f"{place}.function_response.parts[{at}]") for at, raw in places]
    images = tuple(image for image in read if isinstance(image, Image))
    content = (*((Text(text),) if text else ()), *images) if images else text
    return ToolResult(result.id or "", content, outcome == "error", result.name)


def _blob(part: _Part, place: str) -> Part | None:
    blob = _read(part.inline_data, _Blob, f"{place}.inline_data")
    try:
        data = base64.b64decode(blob.data.translate(_URL_SAFE) + "=" * (-len(blob.data) % 4), validate=True)
    except ValueError as error:
        raise InputError(f"Invalid value at '{place}.inline_data.data' (TYPE_BYTES), Base64 decoding failed") from error
    return Image(data=data, media_type=blob.mime_type) if blob.mime_type.startswith("image/") else None


def _file(part: _Part, place: str) -> Part | None:
    file = _read(part.file_data, _File, f"{place}.file_data")
    return Image(file.file_uri, media_type=file.mime_type) if (file.mime_type or "image/").startswith("image/") else None


_READERS: dict[str, Callable[[_Part, str], Part | None]] = {
    "function_call": _tool_call,
    "function_response": _tool_result,
    "inline_data": _blob,
    "file_data": _file,
    "text": _speech,
}
"""Field of a part to what reads it; the first one that is there counts."""


# --- options ---


def _options(body: _Body, raw: Json) -> Options:
    extra = _left(raw, _Body)
    told = body.generation_config or {}
    config = _read(told, _Config, "generation_config")
    unread = _left(told, _Config)
    reasoning = _reasoning(config.thinking_config)
    if reasoning is None and config.thinking_config is not None:
        unread["thinkingConfig"] = config.thinking_config
    schema = config.response_json_schema or (_json_schema(config.response_schema) if config.response_schema else None)
    if schema is None and config.response_mime_type is not None:
        unread["responseMimeType"] = config.response_mime_type
    if unread:
        extra["generationConfig"] = unread
    tools = list(_tools(body.tools or ()))
    others = [tool for tool in body.tools or () if _left(tool, _Tool)]
    if others and not tools:
        extra["tools"] = others
    return Options(
        max_tokens=config.max_output_tokens or None,
        temperature=config.temperature,
        top_p=config.top_p,
        stop=config.stop_sequences or (),
        seed=config.seed,
        tools=tuple(tools),
        tool_choice=_choice(body.tool_config),
        reasoning=reasoning,
        schema=None if schema is None else Schema(schema),
        extra=extra,
    )


def _reasoning(raw: Json | None) -> Any:
    """The wish for reasoning; ``None`` where ``Options`` cannot say it (a budget of -1: the model decides)."""
    if raw is None:
        return None
    told = _read(raw, _Thinking, "generation_config.thinking_config")
    if told.thinking_budget is not None:
        return ("none" if told.thinking_budget == 0 else told.thinking_budget) if told.thinking_budget >= 0 else None
    level = (told.thinking_level or "").lower()
    return level if level in LEVELS else None


def _tools(tools: Any) -> Iterator[Tool]:
    for at, raw in enumerate(tools):
        for nth, declared in enumerate(_read(raw, _Tool, f"tools[{at}]").function_declarations or ()):
            tool = _read(declared, _Declaration, f"tools[{at}].function_declarations[{nth}]")
            schema = tool.parameters_json_schema or (_json_schema(tool.parameters) if tool.parameters else None)
            yield Tool(tool.name, tool.description) if schema is None else Tool(tool.name, tool.description, schema)


def _choice(raw: Json | None) -> str | None:
    """The choice of a tool; ``None`` for what has no word: several allowed names, ``VALIDATED``."""
    config = _camel(raw or {}).get("functionCallingConfig")
    if not isinstance(config, dict):
        return None
    told = _read(config, _Mode, "tool_config.function_calling_config")
    names = told.allowed_function_names or []
    if told.mode == "ANY" and len(names) == 1:
        return names[0]
    return next((word for word, mode in MODES.items() if mode == (told.mode or "").upper() and not names), None)


def _json_schema(schema: Any) -> Any:
    """Google's own kind of schema as JSON schema. Raises ``InputError`` for one that is nested beyond all measure."""
    try:
        return _translated(schema)
    except RecursionError as error:
        raise InputError("Invalid JSON payload received. A schema is nested too deeply.") from error


def _translated(schema: Any) -> Any:
    """Types in small letters, ``nullable`` as a type."""
    if isinstance(schema, list):
        return [_translated(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {name: _translated(value) for name, value in schema.items() if name != "nullable"}
    if isinstance(out.get("type"), str):
        kind = out["type"].lower()
        out["type"] = [kind, "null"] if schema.get("nullable") is True else kind
    return out


# --- reading ---


def _camel(raw: Json) -> Json:
    """The same with the names of fields in the one spelling, and without those that are null, which is as good as absent."""
    return {re.sub(r"_([a-z])", _capital, name): value for name, value in raw.items() if value is not None}


def _capital(found: re.Match[str]) -> str:
    return found[1].upper()


def _left(raw: Json, type_: type[_Named]) -> Json:
    """What of an object ``type_`` does not read."""
    return {name: value for name, value in _camel(raw).items() if name not in type_.__struct_encode_fields__}


def _read(raw: Any, type_: type[T], place: str) -> T:
    """``raw`` as ``type_``. Raises ``InputError`` as Google words it: ``Invalid value at 'contents[0].parts[0].text'``."""
    try:
        return msgspec.convert(_camel(raw) if isinstance(raw, dict) else raw, type_)
    except msgspec.ValidationError as error:
        said, _, inner = str(error).partition(" - at `$")
        at = f"{place}{inner.rstrip('`')}".lstrip(".")
        raise InputError(f"Invalid value at '{at}', {said}" if at else f"Invalid JSON payload received. {said}") from error
