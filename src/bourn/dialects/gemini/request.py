"""The client's half of a request to Gemini: a ``Request`` as the JSON body of ``streamGenerateContent``.

Sources: https://ai.google.dev/api/generate-content, ``/gemini-api/docs/thinking``, ``/gemini-api/docs/thought-signatures`` and
``/gemini-api/docs/file-input-methods``; which fields Vertex knows, by the official SDK (google-genai 3.4). House rule: what
cannot be said in this dialect is a warning, never a silent drop.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any
from urllib.parse import quote

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import HttpCall
from bourn.dialects.gemini.words import BUDGETS, LEVELS, MODES, PREFIX, PREFIXES, STREAM, WHOLE, Json
from bourn.messages import (
    Image,
    Message,
    Options,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

_VERSION = re.compile(r"gemini-(\d+)")

UNSIGNED = "skip_thought_signature_validator"
"""What Google documents for calls that another model made: without any signature Gemini 3 refuses the first call of a turn."""

_MEDIA_TYPES = {"png": "image/png", "webp": "image/webp", "gif": "image/gif", "heic": "image/heic", "heif": "image/heif"}
"""Ending of an image's URL to its media type; any other is sent as ``image/jpeg``."""

_NOTHING: Json = {"type": "object", "properties": {}}  # the schema of a tool without parameters, which is left out

Warnings = list[str]


def call(request: Request) -> HttpCall:
    """The request as HTTP; the model is in the path, and so is the wish for a stream.

    - System messages become ``systemInstruction``; one that stands after the first turn is moved there, with a warning.
    - Messages of the same role are merged into one turn, since all results of parallel calls must come in one.
    - ``reasoning`` as an effort is ``thinkingLevel`` (``LEVELS``), for Gemini 2.5 and older a ``thinkingBudget`` (``BUDGETS``);
      as a number it is the budget. Unless it is off, the thoughts are asked for too.
    - Schemas are sent as JSON schema (``responseJsonSchema``, ``parametersJsonSchema``).
    - Signatures go back on the part on which they came, thoughts without one as well. Thinking of other providers (it has an
      id, or is redacted) is left out. Calls that were cut are left out: nobody may have run them. A turn of calls that has no
      signature, since another model made it, is marked as such for Gemini 3 and later (``UNSIGNED``).
    - Objects in ``extra`` are merged into those of the body, so that ``{"generationConfig": {"topK": 5}}`` adds one option.
    """
    warnings: Warnings = []
    options = request.options
    body: Json = {"contents": _contents(request.messages, warnings)}
    if _is_new(request.model):
        _mark_unsigned(body["contents"], warnings)
    system = [{"text": message.text} for message in request.messages if message.role == "system" and message.text]
    if system:
        body["systemInstruction"] = {"parts": system}
    if options.tools:
        body["tools"] = [{"functionDeclarations": [_tool(tool, warnings) for tool in options.tools]}]
    if options.tool_choice is not None:
        body["toolConfig"] = {"functionCallingConfig": _choice(options.tool_choice)}
    config = {name: value for name, value in _config(request.model, options, warnings) if value is not None}
    if config:
        body["generationConfig"] = config
    for name, value in options.extra.items():
        held = body.get(name)
        body[name] = {**held, **value} if isinstance(held, dict) and isinstance(value, dict) else value
    return HttpCall(_path(request), payload.dumps(body), warnings=tuple(dict.fromkeys(warnings)))


def _path(request: Request) -> str:
    prefix = next((PREFIXES[quirk] for quirk in PREFIXES if quirk in request.quirks), PREFIX)
    place = "" if request.model.startswith(("models/", "tunedModels/")) else "models/"
    method = f"{STREAM}?alt=sse" if request.stream else WHOLE
    return f"{prefix}{place}{quote(request.model, safe='/@')}:{method}"


def _is_new(model: str) -> bool:
    """Whether a model is of Gemini 3 or later; one without a number (``gemini-flash-latest``) is."""
    found = _VERSION.search(model)
    return int(found[1]) >= 3 if found else "gemini" in model


def _mark_unsigned(contents: list[Json], warnings: Warnings) -> None:
    for content in contents:
        first = next((part for part in content["parts"] if "functionCall" in part), None)
        if first is not None and "thoughtSignature" not in first:
            first["thoughtSignature"] = UNSIGNED
            warnings.append("a turn of calls without Gemini's signature is sent with a mark that asks not to check it")


def _config(model: str, options: Options, warnings: Warnings) -> Iterator[tuple[str, Any]]:
    yield "maxOutputTokens", options.max_tokens
    yield "temperature", options.temperature
    yield "topP", options.top_p
    yield "stopSequences", options.stop or None
    yield "seed", options.seed
    if options.schema is not None:
        yield "responseMimeType", "application/json"
        yield "responseJsonSchema", options.schema.schema
    if options.reasoning is not None:
        yield "thinkingConfig", _thinking(model, options.reasoning, warnings)


def _thinking(model: str, wish: str | int, warnings: Warnings) -> Json:
    if isinstance(wish, int):
        return _budget(wish)
    if not _is_new(model):
        return _budget(BUDGETS[wish])
    level = LEVELS[wish]
    if level != wish:
        warnings.append(f"reasoning {wish!r} is sent as the level {level!r}, the nearest that every model of Gemini 3 takes")
    return {"thinkingLevel": level, "includeThoughts": True}


def _budget(tokens: int) -> Json:
    return {"thinkingBudget": tokens, "includeThoughts": True} if tokens else {"thinkingBudget": 0}


def _tool(tool: Tool, warnings: Warnings) -> Json:
    if tool.strict:
        warnings.append(f"strict of tool {tool.name!r} is left out: Gemini has no such wish for a single tool")
    declared: Json = {"name": tool.name}
    if tool.description:
        declared["description"] = tool.description
    if tool.parameters != _NOTHING:
        declared["parametersJsonSchema"] = tool.parameters
    return declared


def _choice(choice: str) -> Json:
    return {"mode": MODES[choice]} if choice in MODES else {"mode": "ANY", "allowedFunctionNames": [choice]}


def _contents(messages: tuple[Message, ...], warnings: Warnings) -> list[Json]:
    """The turns; the names of called tools are looked up for results that do not say theirs."""
    names = {part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolCall)}
    contents: list[Json] = []
    for role, run in groupby(messages, key=lambda message: message.role):
        if role == "system":
            if contents:
                warnings.append("a system message in mid-conversation is moved to the beginning: Gemini has one place for it")
            continue
        parts = [
            written
            for message in run
            for part in message.parts
            if (written := _PARTS[type(part)](_named(part, names), warnings)) is not None
        ]
        if parts:
            contents.append({"role": "model" if role == "assistant" else "user", "parts": parts})
    return contents


def _named(part: Part, names: dict[str | None, str]) -> Part:
    """A tool's result with its tool's name, which Gemini wants."""
    if not isinstance(part, ToolResult) or part.name is not None:
        return part
    return msgspec.structs.replace(part, name=names.get(part.id))


def _text(part: Text | Refusal, _: Warnings) -> Json | None:
    signature = part.signature if isinstance(part, Text) else None
    if not (part.text or signature):
        return None
    return {"text": part.text, **_signed(signature)}


def _signed(signature: str | None) -> Json:
    return {} if signature is None else {"thoughtSignature": signature}


def _image(part: Image, warnings: Warnings) -> Json:
    if part.detail is not None:
        warnings.append("the detail of an image is left out: not every Gemini model takes one")
    if part.data is not None:
        data = base64.b64encode(part.data).decode()
        return {"inlineData": {"mimeType": part.media_type or "image/png", "data": data}}
    url = part.url or ""
    if url.startswith("http:"):
        warnings.append(
            "an image is named by an http: URL: Gemini fetches https: and its own files only; pass its bytes instead"
        )
    ending = url.partition("?")[0].rpartition(".")[2].lower()
    return {"fileData": {"mimeType": part.media_type or _MEDIA_TYPES.get(ending, "image/jpeg"), "fileUri": url}}


def _reasoning(part: Reasoning, warnings: Warnings) -> Json | None:
    if part.redacted or part.id is not None:
        warnings.append("reasoning of another provider is left out: Gemini takes back only its own")
        return None
    if not (part.text or part.signature):
        return None
    return {"text": part.text, "thought": True, **_signed(part.signature)}


def _tool_call(part: ToolCall, warnings: Warnings) -> Json | None:
    if not part.complete:
        warnings.append(f"the cut call of tool {part.name!r} is left out: its arguments are not whole")
        return None
    try:
        arguments = msgspec.json.decode(part.arguments or "{}", type=Json)
    except payload.UNREADABLE:
        arguments = {"input": part.arguments}
        warnings.append(f"the arguments of tool {part.name!r} are no JSON object and are sent as one with the key 'input'")
    return {"functionCall": {**_identified(part.id), "name": part.name, "args": arguments}, **_signed(part.signature)}


def _identified(id: str | None) -> Json:
    return {"id": id} if id else {}


def _tool_result(part: ToolResult, warnings: Warnings) -> Json:
    """A result: its text under ``output`` or ``error``, its images (which Gemini 3 reads) beside it."""
    if part.name is None:
        warnings.append(f"the result of call {part.id!r} names no tool, and no call has this id: the id is sent as the name")
    content = (Text(part.content),) if isinstance(part.content, str) else part.content
    text = "".join(item.text for item in content if isinstance(item, Text))
    response: Json = {**_identified(part.id), "name": part.name or part.id, "response": {_outcome(part): text}}
    images = [_image(item, warnings) for item in content if isinstance(item, Image)]
    if images:
        response["parts"] = images
    return {"functionResponse": response}


def _outcome(part: ToolResult) -> str:
    return "error" if part.is_error else "output"


_PARTS: dict[type[Any], Callable[[Any, Warnings], Json | None]] = {
    Text: _text,
    Refusal: _text,
    Image: _image,
    Reasoning: _reasoning,
    ToolCall: _tool_call,
    ToolResult: _tool_result,
}
