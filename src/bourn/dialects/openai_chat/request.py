"""The request half of OpenAI chat completions: a ``Request`` as the JSON body, and the body as a ``Request``.

Source: https://platform.openai.com/docs/api-reference/chat/create

The token limit is sent as ``max_tokens``, which every compatible service knows; OpenAI itself has deprecated it, so its row has
the quirk ``max_completion_tokens``. Reasoning is sent back only where a quirk says under which name: OpenAI's own format has
none.

House rule: both directions read the same tables. What a body cannot hold is a warning, never a silent drop; what of a body the
vocabulary cannot hold stays in ``extra``.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import HttpCall
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
from bourn.prompts import read_options, read_prompt, read_tools

PATH = "/chat/completions"

_KEYS: dict[str, str] = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "stop": "stop",
    "seed": "seed",
    "tools": "tools",
    "tool_choice": "tool_choice",
    "reasoning": "reasoning_effort",
    "schema": "response_format",
}
"""Option to its key in the body."""

RENAMES: dict[str, tuple[str, str | None]] = {
    "max_completion_tokens": ("max_tokens", "max_completion_tokens"),  # OpenAI, whose reasoning models refuse max_tokens
    "random_seed": ("seed", "random_seed"),  # Mistral
    "no_stream_options": ("stream_options", None),  # Mistral, which tells the usage unasked and refuses keys it does not know
}
"""Quirk to the key it renames and the new name; ``None`` leaves the key out."""

REASONING_KEYS = ("reasoning_content", "reasoning")
"""Quirks that name the key under which a service takes an assistant's reasoning back (DeepSeek, Moonshot; OpenRouter, vLLM)."""

THINKING_PARTS = "thinking_parts"
"""Quirk of a service that takes reasoning back as parts of the content (Mistral)."""

Warn = Callable[[str], object]


def call(request: Request) -> HttpCall:
    """The request as HTTP, asking for a stream with its usage at the end; send it and feed what comes to a decoder.

    Raises ``InputError`` where something in it is no JSON.
    """
    warnings: dict[str, None] = {}  # each sentence once, in order
    body = write_body(request, lambda sentence: warnings.setdefault(sentence))
    return as_http(PATH, body, warnings, stream=request.stream)


def write_body(request: Request, warn: Warn) -> dict[str, Any]:
    """The body as a dict; what it cannot hold goes to ``warn``, a sentence each."""
    body: dict[str, Any] = {"model": request.model, "messages": _write_messages(request, warn)}
    for option, key in _KEYS.items():
        value = getattr(request.options, option)
        if value is not None and value != ():
            written = _WRITERS[option](value, warn) if option in _WRITERS else value
            if written is not None:
                body[key] = written
    ask_for_stream(request, body)
    return body


def ask_for_stream(request: Request, body: dict[str, Any]) -> None:
    """Put into ``body`` the wish for a stream and what the caller adds, and give its keys the names that a quirk asks for."""
    body["stream"] = request.stream
    if request.stream:
        body["stream_options"] = {"include_usage": True}
    for quirk, (old, new) in RENAMES.items():
        if quirk in request.quirks and old in body:
            value = body.pop(old)
            if new is not None:
                body[new] = value
    body.update(request.options.extra)


def as_http(path: str, body: dict[str, Any], warnings: Iterable[str], *, stream: bool) -> HttpCall:
    """A JSON body as HTTP; raises ``InputError`` where something in it is no JSON."""
    headers = {"content-type": "application/json", "accept": "text/event-stream" if stream else "application/json"}
    try:
        return HttpCall(path, msgspec.json.encode(body), headers, tuple(warnings))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the request cannot be written as JSON: {error}") from error


# --- messages, written ------------------------------------------------------------------------------------------------------


def _write_messages(request: Request, warn: Warn) -> list[dict[str, Any]]:
    reasoning_key = next((key for key in (*REASONING_KEYS, THINKING_PARTS) if key in request.quirks), None)
    messages: list[dict[str, Any]] = []
    for message in request.messages:
        if message.role == "assistant":
            messages.append(_write_assistant(message, reasoning_key, warn))
        elif message.role == "tool":
            messages.extend(_write_result(part, warn) for part in message.parts if isinstance(part, ToolResult))
        else:
            messages.append({"role": message.role, "content": _write_content(message, warn)})
    return messages


def _write_content(message: Message, warn: Warn) -> str | list[dict[str, Any]]:
    """What a system or user message says: a string where it is one text, which is what most services understand."""
    if isinstance(message.content, str):
        return message.content
    parts = [part for part in message.parts if _sendable(part, message.role, warn)]
    if all(isinstance(part, Text) for part in parts) and len(parts) <= 1:
        return message.text
    return [_write_image(part) if isinstance(part, Image) else _write_text(part) for part in parts]


def _sendable(part: Part, role: str, warn: Warn) -> bool:
    if isinstance(part, Text) and part.signature:
        warn("signatures of text were left out: OpenAI chat has no place for them")
    if isinstance(part, Image) and role != "user":
        warn(f"an image in a message of role {role!r} was left out: OpenAI chat takes images from the user only")
        return False
    return True


def _write_text(part: Part) -> dict[str, Any]:
    return {"type": "text", "text": part.text if isinstance(part, Text) else ""}


def _write_image(image: Image) -> dict[str, Any]:
    url = image.url or f"data:{image.media_type};base64,{b64encode(image.data or b'').decode()}"
    detail = {"detail": image.detail} if image.detail else {}
    return {"type": "image_url", "image_url": {"url": url, **detail}}


def _write_assistant(message: Message, reasoning_key: str | None, warn: Warn) -> dict[str, Any]:
    parts = [part for part in message.parts if _sendable(part, message.role, warn)]
    calls = [call for part in parts if isinstance(part, ToolCall) and (call := _write_call(part, warn))]
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    written: dict[str, Any] = {"role": "assistant", "content": message.text or (None if calls or refusal else "")}
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    if thoughts and reasoning_key == THINKING_PARTS:
        written["content"] = [_write_thought(part) for part in parts if isinstance(part, (Reasoning, Text))]
    elif thoughts and reasoning_key:
        written[reasoning_key] = "".join(part.text for part in thoughts)
    elif thoughts:
        warn("reasoning was left out: OpenAI chat does not take it back")
    if reasoning_key and any(part.signature for part in thoughts):
        warn("signatures of reasoning were left out: OpenAI chat has no place for them")
    if refusal:
        written["refusal"] = refusal
    if calls:
        written["tool_calls"] = calls
    return written


def _write_thought(part: Part) -> dict[str, Any]:
    return (
        {"type": "thinking", "thinking": [{"type": "text", "text": part.text}]}
        if isinstance(part, Reasoning)
        else _write_text(part)
    )


def _write_call(call: ToolCall, warn: Warn) -> dict[str, Any] | None:
    if not call.complete:
        warn(f"the call of tool {call.name!r} was left out: it was cut off")
        return None
    if call.signature:
        warn("signatures of tool calls were left out: OpenAI chat has no place for them")
    id = {} if call.id is None else {"id": call.id}
    if call.custom:
        return {**id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {**id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def _write_result(result: ToolResult, warn: Warn) -> dict[str, Any]:
    """A tool's result. Its tool's name is not sent: the call that ``tool_call_id`` names has it."""
    if result.is_error:
        warn("that a tool failed was left out: OpenAI chat knows it only from the result's text")
    if isinstance(result.content, str):
        content: str | list[dict[str, Any]] = result.content
    else:
        content = [_write_text(part) for part in result.content if _sendable(part, "tool", warn)]
    return {"role": "tool", "tool_call_id": result.id, "content": content}


# --- options, written -------------------------------------------------------------------------------------------------------


def _write_tools(tools: tuple[Tool, ...], warn: Warn) -> list[dict[str, Any]]:
    del warn
    return [{"type": "function", "function": _write_tool(tool)} for tool in tools]


def _write_tool(tool: Tool) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    strict = {} if tool.strict is None else {"strict": tool.strict}
    return {"name": tool.name, **described, "parameters": tool.parameters, **strict}


def _write_tool_choice(choice: str, warn: Warn) -> str | dict[str, Any]:
    del warn
    return choice if choice in ("auto", "none", "required") else {"type": "function", "function": {"name": choice}}


def _write_effort(effort: str | int, warn: Warn) -> str | None:
    if isinstance(effort, str):
        return effort
    warn("the reasoning budget in tokens was left out: OpenAI chat takes an effort such as 'low'")
    return None


def _write_schema(schema: Schema, warn: Warn) -> dict[str, Any]:
    del warn
    strict = {} if schema.strict is None else {"strict": schema.strict}
    return {"type": "json_schema", "json_schema": {"name": schema.name, "schema": schema.schema, **strict}}


_WRITERS: dict[str, Callable[[Any, Warn], Any]] = {
    "tools": _write_tools,
    "tool_choice": _write_tool_choice,
    "reasoning": _write_effort,
    "schema": _write_schema,
}
"""Option to what writes its value; the others are sent as they are."""

# --- a body, read -----------------------------------------------------------------------------------------------------------


def parse(http: HttpCall) -> Request:
    """The request that a body holds, for the server half; whatever the vocabulary has no place for stays in ``extra``.

    Raises ``InputError`` that says, close to OpenAI's words, what is wrong: answer it with status 400.
    """
    body = read_body(http.body)
    for required in ("model", "messages"):
        if body.get(required) is None:
            raise InputError(f"Missing required parameter: '{required}'.")
    model, stream = body.pop("model"), body.pop("stream", None)
    if not isinstance(model, str) or not isinstance(stream, (bool, type(None))):
        raise InputError("Invalid type: 'model' must be a string and 'stream' a boolean.")
    messages = body.pop("messages")
    if not isinstance(messages, list):
        raise InputError("Invalid type for 'messages': expected an array of objects.")
    prompt = read_prompt(messages, left_out=_ignore)
    return Request(model, prompt, _options(body), stream=bool(stream))


def read_body(data: bytes) -> dict[str, Any]:
    """The JSON object of a request; raises ``InputError``."""
    try:
        body = msgspec.json.decode(data)
    except payload.UNREADABLE as error:
        raise InputError(f"The body of the request is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise InputError("The body of the request must be a JSON object.")
    return body


def _options(body: dict[str, Any]) -> Options:
    """The options of a body; takes what it understands out of it, and what is left becomes ``extra``."""
    for old, new in RENAMES.values():
        if new is not None and new in body:
            body.setdefault(old, body.pop(new))
    options = {
        option: body.pop(key)
        for option, key in _KEYS.items()
        if key in body and (option not in _FITS or _FITS[option](body[key]))
    }
    if "tools" in options:
        options["tools"] = read_tools(options["tools"], left_out=_ignore)
    return read_options(**options, extra=body)


def _ignore(what: str) -> None:
    """A server takes what OpenAI takes, also a message or a tool that says more than the vocabulary can."""
    del what


def _is_function(tool: Any) -> bool:
    return isinstance(tool, Mapping) and tool.get("type", "function") == "function"


_FITS: dict[str, Callable[[Any], bool]] = {
    "tools": lambda tools: not isinstance(tools, list) or all(_is_function(tool) for tool in tools),
    "tool_choice": lambda choice: not isinstance(choice, Mapping) or choice.get("type") == "function",
    "schema": lambda wanted: not isinstance(wanted, Mapping) or wanted.get("type") == "json_schema",
}
"""Option to whether a well-formed value has room in ``Options``: custom tools, say, have none and stay in ``extra``."""
