"""The client's half of a request in Cohere's Chat API, version 2: a ``Request`` as the JSON body of ``POST /v2/chat``.

Source: https://docs.cohere.com/reference/chat-stream, thinking by https://docs.cohere.com/docs/reasoning, structured answers by
https://docs.cohere.com/docs/structured-outputs. House rule: what cannot be said in this dialect is a warning, never a silent
drop.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

from bourn.dialects import payload
from bourn.dialects.base import HttpCall
from bourn.dialects.cohere.words import BUDGETS, CHOICES, PATH, PLAN
from bourn.messages import Image, Message, Options, Reasoning, Refusal, Request, Text, Tool, ToolCall, ToolResult

Json = dict[str, Any]
Warnings = list[str]

LEAST_P, MOST_P = 0.01, 0.99
"""The bounds of ``p``; ``top_p`` may be 0 or 1."""


def call(request: Request) -> HttpCall:
    """The request as HTTP; send its ``body`` to the base URL + ``/v2/chat``.

    - ``top_p`` is ``p``, kept between 0.01 and 0.99; ``stop`` is ``stop_sequences``, of which Cohere takes five.
    - ``reasoning`` is ``thinking``: a number is its ``token_budget``, an effort becomes one (``BUDGETS``), ``"none"`` and 0
      turn it off.
    - A schema is ``response_format``. ``strict`` holds for all tools or none. ``tool_choice`` can demand a call, but not name
      the tool.
    - Thinking is sent back as it came, the tool plan in its own field. Calls that were cut are left out: nobody may have run
      them.
    - What Cohere has besides (``documents``, ``citation_options``, ``safety_mode``) goes through ``extra``.
    """
    warnings: Warnings = []
    options = request.options
    body: Json = {"model": request.model, "stream": request.stream}
    body["messages"] = [turn for message in request.messages for turn in _turns(message, warnings)]
    wishes: Json = {
        "max_tokens": options.max_tokens,
        "temperature": options.temperature,
        "p": _p(options.top_p, warnings),
        "stop_sequences": options.stop or None,
        "seed": options.seed,
        "tools": [_tool(tool) for tool in options.tools] or None,
        "strict_tools": _strict(options.tools, warnings),
        "tool_choice": _choice(options, warnings),
        "thinking": None if options.reasoning is None else _thinking(options.reasoning),
        "response_format": _format(options),
    }
    body |= {name: value for name, value in wishes.items() if value is not None}
    headers = {"content-type": "application/json", "accept": "text/event-stream" if request.stream else "application/json"}
    return HttpCall(PATH, payload.dumps(body | options.extra), headers, tuple(dict.fromkeys(warnings)))


def _p(top_p: float | None, warnings: Warnings) -> float | None:
    if top_p is None or LEAST_P <= top_p <= MOST_P:
        return top_p
    kept = min(max(top_p, LEAST_P), MOST_P)
    warnings.append(f"top_p is sent as {kept} instead of {top_p:g}: Cohere takes {LEAST_P} to {MOST_P}")
    return kept


def _tool(tool: Tool) -> Json:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": {name: value for name, value in function.items() if value != ""}}


def _strict(tools: Iterable[Tool], warnings: Warnings) -> bool | None:
    wishes = {tool.strict for tool in tools} - {None}
    if not wishes:
        return None
    if len(wishes) > 1:
        warnings.append("strict is asked of all tools: Cohere has one word for all")
    return True in wishes


def _choice(options: Options, warnings: Warnings) -> str | None:
    choice = options.tool_choice
    if choice in (None, "auto"):
        return None
    if choice not in CHOICES:
        warnings.append(f"tool_choice {choice!r} is sent as REQUIRED: Cohere can be made to call a tool, not a certain one")
        return "REQUIRED"
    return CHOICES[choice]


def _thinking(wish: str | int) -> Json:
    if wish in ("none", 0):
        return {"type": "disabled"}
    return {"type": "enabled", "token_budget": BUDGETS[wish] if isinstance(wish, str) else wish}


def _format(options: Options) -> Json | None:
    return None if options.schema is None else {"type": "json_object", "json_schema": options.schema.schema}


def _turns(message: Message, warnings: Warnings) -> list[Json]:
    """The message as Cohere writes it; each result of a tool is one of its own."""
    if message.role == "tool":
        return [_result(part, warnings) for part in message.parts if isinstance(part, ToolResult)]
    if isinstance(message.content, str):
        return [{"role": message.role, "content": message.content}]
    told: dict[str, list[Any]] = {"content": [], PLAN: [], "tool_calls": []}
    for part in message.parts:
        _warn_of_signature(part, warnings)
        key, write = _PARTS[type(part)]
        written = write(part, warnings)
        if isinstance(part, Reasoning) and part.id == PLAN:
            told[PLAN].append(part.text)
        elif written is not None:
            told[key].append(written)
    turn: Json = {"role": message.role, **told, PLAN: "".join(told[PLAN])}
    return [{name: value for name, value in turn.items() if value}] if any(told.values()) else []


def _warn_of_signature(part: Any, warnings: Warnings) -> None:
    if getattr(part, "signature", None) is not None:
        warnings.append("signatures are left out: Cohere has no place for them")


def _text(part: Text | Refusal, _: Warnings) -> Json:
    return {"type": "text", "text": part.text}


def _thought(part: Reasoning, _: Warnings) -> Json | None:
    return {"type": "thinking", "thinking": part.text} if part.text else None


def _image(part: Image, _: Warnings) -> Json:
    url = part.url or f"data:{part.media_type};base64,{base64.b64encode(part.data or b'').decode()}"
    detail = {"detail": part.detail} if part.detail else {}
    return {"type": "image_url", "image_url": {"url": url, **detail}}


def _tool_call(part: ToolCall, warnings: Warnings) -> Json | None:
    if not part.complete:
        warnings.append(f"the cut call of tool {part.name!r} is left out: its arguments are not whole")
        return None
    function = {"name": part.name, "arguments": part.arguments or "{}"}
    return {"id": part.id or part.name, "type": "function", "function": function}


def _result(part: ToolResult, warnings: Warnings) -> Json:
    if part.is_error:
        warnings.append("that a tool failed is left out: Cohere knows it from the result's text only")
    content: str | list[Json]
    if isinstance(part.content, str):
        content = part.content
    else:
        content = [_text(item, warnings) for item in part.content if isinstance(item, Text)]
        if len(content) < len(part.content):
            warnings.append("an image in a tool's result is left out: Cohere takes images from the user only")
    return {"role": "tool", "tool_call_id": part.id, "content": content}


_PARTS: dict[type[Any], tuple[str, Callable[[Any, Warnings], Any]]] = {
    Text: ("content", _text),
    Refusal: ("content", _text),
    Reasoning: ("content", _thought),
    Image: ("content", _image),
    ToolCall: ("tool_calls", _tool_call),
}
"""Part to its key in a message, and what writes it."""
