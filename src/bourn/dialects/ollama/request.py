"""The client's half of a request in Ollama's native API: a ``Request`` as the JSON body of ``POST /api/chat``.

Source: https://docs.ollama.com/api/chat, thinking by https://docs.ollama.com/capabilities/thinking.
House rule: what cannot be said in this dialect is a warning, never a silent drop.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import HttpCall
from bourn.dialects.ollama.words import PATH, THINK
from bourn.messages import Image, Message, Options, Part, Reasoning, Refusal, Request, Text, Tool, ToolCall, ToolResult

Json = dict[str, Any]
Warnings = list[str]

_HEADERS = {"content-type": "application/json", "accept": "application/x-ndjson"}


def call(request: Request) -> HttpCall:
    """The request as HTTP; send its ``body`` to the base URL + ``/api/chat``.

    - ``max_tokens`` (as ``num_predict``), ``temperature``, ``top_p``, ``stop`` and ``seed`` go into ``options``; what ``extra``
      has under that name (``num_ctx``, say) is added to them and goes before them.
    - ``reasoning`` is ``think``: a level, off for ``"none"`` and 0, on for any other number of tokens.
    - ``tool_choice`` ``"none"`` sends no tools; Ollama cannot be made to call one.
    - Texts of a message are joined, images are sent by their bytes only. A tool's result has the name of its tool, looked up in
      the calls before it where the result has none.
    - Thinking is sent back as it came. Calls that were cut are left out: nobody may have run them.
    """
    warnings: Warnings = []
    options = request.options
    body: Json = {"model": request.model, "messages": _messages(request.messages, warnings), "stream": request.stream}
    if options.tool_choice != "none":
        body["tools"] = [_tool(tool, warnings) for tool in options.tools] or None
    if options.tool_choice not in (None, "auto", "none"):
        warnings.append(f"tool_choice {options.tool_choice!r} is left out: Ollama lets the model choose")
    body["format"] = None if options.schema is None else options.schema.schema
    body["think"] = _think(options.reasoning, warnings)
    body["options"] = _sampling(options) or None
    told = {name: value for name, value in body.items() if value is not None}
    own = options.extra.get("options")
    both = {"options": told.get("options", {}) | own} if isinstance(own, dict) else {}
    return HttpCall(PATH, payload.dumps(told | options.extra | both), _HEADERS, tuple(dict.fromkeys(warnings)))


def _sampling(options: Options) -> Json:
    wishes = {
        "num_predict": options.max_tokens,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "stop": options.stop or None,
        "seed": options.seed,
    }
    return {name: value for name, value in wishes.items() if value is not None}


def _think(wish: str | int | None, warnings: Warnings) -> bool | str | None:
    if wish is None:
        return None
    if not isinstance(wish, str):
        if wish:
            warnings.append(f"the thinking budget of {wish} tokens is left out: Ollama takes a level, such as 'low'")
        return bool(wish)
    level = THINK[wish]
    if level and level != wish:
        warnings.append(f"reasoning {wish!r} is sent as the level {level!r}, the nearest that Ollama has")
    return level


def _tool(tool: Tool, warnings: Warnings) -> Json:
    if tool.strict:
        warnings.append("strict is left out of tools: Ollama has no word for it")
    function: Json = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": {name: value for name, value in function.items() if value != ""}}


def _messages(messages: Iterable[Message], warnings: Warnings) -> list[Json]:
    out: list[Json] = []
    names: dict[str | None, str] = {}  # of the tools called so far, by the call's id
    for message in messages:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        if results:
            out += [_result(part, part.name or names.get(part.id), warnings) for part in results]
        else:
            names |= {part.id: part.name for part in message.parts if isinstance(part, ToolCall)}
            out.append({"role": message.role, **_said(message.parts, warnings)})
    return out


def _result(result: ToolResult, name: str | None, warnings: Warnings) -> Json:
    if result.is_error:
        warnings.append("that a tool failed is left out: Ollama knows it from the result's text only")
    if not name:
        warnings.append(f"the result of call {result.id!r} has no tool_name: neither it nor a call before it names the tool")
    parts = (Text(result.content),) if isinstance(result.content, str) else result.content
    told = {"role": "tool", **_said(parts, warnings), "tool_name": name, "tool_call_id": result.id}
    return {key: value for key, value in told.items() if value is not None}


def _said(parts: Iterable[Part], warnings: Warnings) -> Json:
    """What the parts say, under Ollama's names."""
    told: dict[str, list[Any]] = {"content": [], "thinking": [], "images": [], "tool_calls": []}
    for part in parts:
        if getattr(part, "signature", None) is not None:
            warnings.append("signatures are left out: Ollama has no place for them")
        key, write = _PARTS[type(part)]
        written = write(part, warnings)
        if written:
            told[key].append(written)
    texts = {key: "".join(told.pop(key)) for key in ("content", "thinking")}
    return {"content": texts["content"], **{key: value for key, value in {**texts, **told}.items() if value}}


def _text(part: Text | Refusal | Reasoning, _: Warnings) -> str:
    return part.text


def _image(part: Image, warnings: Warnings) -> str | None:
    if part.detail is not None:
        warnings.append("the detail of an image is left out: Ollama has no word for it")
    if part.data is None:
        warnings.append("an image by URL is left out: Ollama takes images by their bytes only")
        return None
    return base64.b64encode(part.data).decode()


def _tool_call(part: ToolCall, warnings: Warnings) -> Json | None:
    if not part.complete:
        warnings.append(f"the cut call of tool {part.name!r} is left out: its arguments are not whole")
        return None
    try:
        arguments = msgspec.json.decode(part.arguments or "{}", type=Json)
    except payload.UNREADABLE:
        arguments = {"input": part.arguments}
        warnings.append(f"the arguments of tool {part.name!r} are no JSON object and are sent as one with the key 'input'")
    told = {} if part.id is None else {"id": part.id}
    return {**told, "function": {"name": part.name, "arguments": arguments}}


_PARTS: dict[type[Any], tuple[str, Callable[[Any, Warnings], Any]]] = {
    Text: ("content", _text),
    Refusal: ("content", _text),
    Reasoning: ("thinking", _text),
    Image: ("images", _image),
    ToolCall: ("tool_calls", _tool_call),
}
"""Part to its key in a message, and what writes it."""
