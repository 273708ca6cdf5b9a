"""A request body of Cohere's Chat API, version 2, read by the server half.

Source: https://docs.cohere.com/reference/chat-stream. Messages are those of OpenAI chat, but for thinking and the tool plan of
the assistant, and for documents among a tool's results. House rule: what the vocabulary has no place for stays in ``extra``; a
document in a result becomes a text, so that nothing of it is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import HttpCall
from bourn.dialects.cohere.words import CHOICES, PLAN
from bourn.errors import InputError
from bourn.messages import Message, Options, Part, Reasoning, Request, Schema, Text, Tool
from bourn.prompts import read_options, read_prompt, read_tools

Json = dict[str, Any]


class _Turn(msgspec.Struct):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[Json] | None = None
    tool_calls: list[Json] | None = None
    tool_plan: str | None = None
    tool_call_id: str | None = None


class _Thinking(msgspec.Struct):
    type: Literal["enabled", "disabled"]
    token_budget: int | None = None


class _Format(msgspec.Struct):
    type: Literal["text", "json_object"]
    json_schema: Json | None = None


class _Body(msgspec.Struct):
    model: str
    messages: list[_Turn]
    stream: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    p: float | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    tools: list[Json] | None = None
    strict_tools: bool | None = None
    tool_choice: str | None = None
    thinking: _Thinking | None = None
    response_format: _Format | None = None


def parse(call: HttpCall) -> Request:
    """The request in a ``POST /v2/chat``; answer it with ``encoder`` or, where ``stream`` is false, ``encode_whole``.

    Raises ``InputError`` with a message to be sent as status 400.
    """
    try:
        raw = msgspec.json.decode(call.body)
        body = msgspec.convert(raw, _Body)
    except payload.UNREADABLE as error:
        raise InputError(f"invalid request: {error}") from error
    if not body.messages:
        raise InputError("invalid request: messages: at least one message is required")
    try:
        messages = read_prompt([_plain(turn) for turn in body.messages], left_out=_ignore)
        options = _options(body, raw)
    except InputError as error:
        raise InputError(f"invalid request: {error.message}") from error
    return Request(body.model, tuple(map(_whole, messages, body.messages)), options, body.stream)


def _plain(turn: _Turn) -> Json:
    """The message without what OpenAI chat does not have."""
    content = turn.content
    if isinstance(content, list):
        content = [_document(block) if block.get("type") == "document" else block for block in content]
        content = [block for block in content if block.get("type") != "thinking"]
    told = {"role": turn.role, "content": content, "tool_calls": turn.tool_calls, "tool_call_id": turn.tool_call_id}
    return {name: value for name, value in told.items() if value is not None}


def _document(block: Json) -> Json:
    document = block.get("document")
    data = document.get("data") if isinstance(document, Mapping) else None
    told = data if isinstance(data, str) else payload.dumps(document if data is None else data).decode()
    return {"type": "text", "text": told}


def _whole(message: Message, turn: _Turn) -> Message:
    """The message with its thoughts: thinking comes first, the plan before the calls it is for."""
    blocks = turn.content if isinstance(turn.content, list) else ()
    thoughts: list[Part] = [Reasoning(str(block.get("thinking"))) for block in blocks if block.get("type") == "thinking"]
    plan: list[Part] = [Reasoning(turn.tool_plan, id=PLAN)] if turn.tool_plan else []
    if not thoughts and not plan:
        return message
    said = [part for part in message.parts if isinstance(part, Text)]
    rest = [part for part in message.parts if not isinstance(part, Text)]
    return Message(message.role, (*thoughts, *said, *plan, *rest))


def _options(body: _Body, raw: Json) -> Options:
    extra = {name: value for name, value in raw.items() if name not in _Body.__struct_fields__}
    reasoning = _wish(body.thinking)
    if reasoning is None and body.thinking is not None:
        extra["thinking"] = raw["thinking"]
    wanted = body.response_format
    if wanted is not None and wanted.type == "json_object" and wanted.json_schema is None:
        extra["response_format"] = raw["response_format"]
    return read_options(
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        top_p=body.p,
        stop=body.stop_sequences,
        seed=body.seed,
        tools=tuple(_strict(tool, body.strict_tools) for tool in read_tools(body.tools, left_out=_ignore)),
        tool_choice=None if body.tool_choice is None else _choice(body.tool_choice),
        reasoning=reasoning,
        schema=None if wanted is None or wanted.json_schema is None else Schema(wanted.json_schema),
        extra=extra,
    )


def _wish(thinking: _Thinking | None) -> str | int | None:
    """The wish for reasoning; thinking without a budget is none that ``Options`` could say."""
    if thinking is None:
        return None
    return "none" if thinking.type == "disabled" else thinking.token_budget


def _choice(word: str) -> str:
    """Small letters are taken, too: ``cohere-command-r7b-12-2024-genstream-tools-toolbias-usa-47778a``."""
    if word.upper() not in CHOICES.values():
        raise InputError(f"tool_choice: wanted {' or '.join(CHOICES.values())}, got {word!r}")
    return word.lower()


def _strict(tool: Tool, strict: bool | None) -> Tool:
    return tool if strict is None else msgspec.structs.replace(tool, strict=strict)


def _ignore(what: str) -> None:
    """A server takes what Cohere takes, also a message or a tool that says more than the vocabulary can."""
    del what
