"""The client's half of a request in Anthropic's Messages API: a ``Request`` as the JSON body of ``POST /v1/messages``.

Source: https://platform.claude.com/docs/en/api/messages/create, thinking by
https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking and ``/effort``, structured answers by
``/structured-outputs``. House rule: what cannot be said in this dialect is a warning, never a silent drop.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.anthropic.words import CHOICES, EFFORTS, PATH, VERSION
from bourn.dialects.base import HttpCall
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

MAX_TOKENS = 4096
"""``max_tokens`` where the caller gave none, since the API requires it; a thinking budget comes on top."""

LEAST_BUDGET = 1024
"""The smallest thinking budget that the API takes."""

_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?v?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_ID = re.compile(r"[^a-zA-Z0-9_-]")

Block = dict[str, Any]
Warnings = list[str]


def call(request: Request) -> HttpCall:
    """The request as HTTP; send its ``body`` to the base URL + ``/v1/messages``.

    - System messages become ``system``; one that stands after the first turn is moved there, with a warning.
    - Turns of the same side are merged; results of tools come first in theirs, as the API wants.
    - ``max_tokens`` is 4096 where none is given, plus the thinking budget.
    - ``reasoning`` as an effort is adaptive thinking with ``output_config.effort`` for Claude 4.6 and later and a budget
      (``EFFORTS``) for older models and for other services; as a number it is ``budget_tokens``, which Claude 4.7 and later no
      longer take. A budget that leaves no room within ``max_tokens`` is cut to half of it.
    - ``temperature`` and ``top_p`` are left out for Claude 4.7 and later, which refuse them.
    - Signed and redacted thinking is sent back as it came; thinking without a signature, or of another provider (it has an
      id), is left out. Calls that were cut are left out: nobody may have run them.
    """
    warnings: Warnings = []
    options = request.options
    system, turns = _turns(request.messages, warnings)
    body: dict[str, Any] = {"model": request.model, "messages": turns}
    if system:
        body["system"] = system[0] if len(system) == 1 else [{"type": "text", "text": text} for text in system]
    body |= thinking(request.model, options, warnings)
    body |= sampling(request.model, options, warnings)
    body |= {name: value for name, value in _plain(options) if value is not None}
    if options.schema is not None:
        body.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": options.schema.schema}
    if options.seed is not None:
        warnings.append("seed is left out: Anthropic's API has none")
    body["stream"] = request.stream
    body |= options.extra
    return HttpCall(PATH, payload.dumps(body), {"anthropic-version": VERSION}, tuple(dict.fromkeys(warnings)))


def _plain(options: Options) -> list[tuple[str, Any]]:
    choice = options.tool_choice
    return [
        ("stop_sequences", options.stop or None),
        ("tools", [_tool(tool) for tool in options.tools] or None),
        ("tool_choice", None if choice is None else _choice(choice)),
    ]


def sampling(model: str, options: Options, warnings: Warnings) -> dict[str, Any]:
    """``temperature`` and ``top_p``, as far as the model takes them."""
    wishes = {"temperature": options.temperature, "top_p": options.top_p}
    told = {name: value for name, value in wishes.items() if value is not None}
    if told and generation(model) >= (4, 7):
        warnings.append(f"the sampling options {', '.join(told)} are left out: {model} takes none")
        return {}
    return told


def _tool(tool: Tool) -> Block:
    block: Block = {"name": tool.name, "description": tool.description, "input_schema": tool.parameters, "strict": tool.strict}
    return {name: value for name, value in block.items() if value not in (None, "")}


def _choice(choice: str) -> Block:
    return {"type": CHOICES[choice]} if choice in CHOICES else {"type": "tool", "name": choice}


def thinking(model: str, options: Options, warnings: Warnings) -> dict[str, Any]:
    """``max_tokens``, ``thinking`` and the effort: how hard to think depends on the model's generation."""
    wish, given = options.reasoning, options.max_tokens
    told: dict[str, Any] = {"max_tokens": MAX_TOKENS if given is None else given}
    if wish is None:
        return told
    if wish in ("none", 0):
        return told | {"thinking": {"type": "disabled"}}
    version = generation(model)
    if isinstance(wish, str):
        effort, budget = EFFORTS[wish]
        if version >= (4, 6):
            if effort != wish:
                warnings.append(f"reasoning {wish!r} is sent as effort {effort!r}, the least there is")
            return told | {"thinking": _ADAPTIVE, "output_config": {"effort": effort}}
    elif version >= (4, 7):
        warnings.append(f"the thinking budget of {wish} tokens is left out: {model} decides itself how much to think")
        return told | {"thinking": _ADAPTIVE}
    else:
        budget = wish
    return told | _budget(budget, given, warnings)


_ADAPTIVE = {"type": "adaptive", "display": "summarized"}
"""The model decides when to think; without ``display`` the newest models sign their thinking but do not show it."""


def _budget(budget: int, limit: int | None, warnings: Warnings) -> dict[str, Any]:
    """A budget the API takes: at least 1024, and less than ``max_tokens``, of which it is a part."""
    wanted, budget = budget, max(budget, LEAST_BUDGET)
    if limit is None:
        limit = MAX_TOKENS + budget
    elif limit <= LEAST_BUDGET:
        warnings.append(f"reasoning is left out: it needs max_tokens of more than {LEAST_BUDGET}, not {limit}")
        return {}
    elif budget >= limit:
        budget = max(limit // 2, LEAST_BUDGET)
    if budget != wanted:
        warnings.append(f"the thinking budget is {budget} tokens instead of {wanted}, to fit between 1024 and max_tokens")
    return {"max_tokens": limit, "thinking": {"type": "enabled", "budget_tokens": budget}}


def generation(model: str) -> tuple[int, int]:
    """The version in a Claude model's name, ``(0, 0)`` for others' models, the highest for a Claude without number."""
    if "claude" not in model:
        return (0, 0)
    found = _CLAUDE.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else (99, 0)


def _turns(messages: Sequence[Message], warnings: Warnings) -> tuple[list[str], list[Block]]:
    """System texts, and the turns of user and assistant in alternation."""
    system: list[str] = []
    turns: list[Block] = []
    for message in messages:
        if message.role == "system":
            if turns:
                warnings.append(
                    "a system message in mid-conversation is moved to the beginning: Anthropic has one place for it"
                )
            system.append(message.text)
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = [block for part in message.parts if (block := _block(part, warnings)) is not None]
        if not blocks:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    return [text for text in system if text], [_turn(turn) for turn in turns]


def _turn(turn: Block) -> Block:
    """A turn with results of tools first; a lone text is written as a string."""
    blocks = sorted(turn["content"], key=lambda block: block["type"] != "tool_result")
    lone = len(blocks) == 1 and blocks[0]["type"] == "text"
    return {"role": turn["role"], "content": blocks[0]["text"] if lone else blocks}


def _block(part: Part, warnings: Warnings) -> Block | None:
    if isinstance(part, (Text, ToolCall)) and part.signature is not None:
        warnings.append("the signature of a text or tool call is left out: it is another provider's")
    return _BLOCKS[type(part)](part, warnings)


def _text(part: Text | Refusal, _: Warnings) -> Block | None:
    return {"type": "text", "text": part.text} if part.text else None  # the API refuses an empty text


def _image(part: Image, warnings: Warnings) -> Block:
    if part.detail is not None:
        warnings.append("the detail of an image is left out: Anthropic's API has none")
    if part.data is None:
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    data = base64.b64encode(part.data).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": part.media_type or "image/png", "data": data}}


def _reasoning(part: Reasoning, warnings: Warnings) -> Block | None:
    if part.signature is None or part.id is not None:
        warnings.append("reasoning without a signature of Anthropic's is left out: the API takes back only its own")
        return None
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.signature}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _tool_call(part: ToolCall, warnings: Warnings) -> Block | None:
    if not part.complete:
        warnings.append(f"the cut call of tool {part.name!r} is left out: its arguments are not whole")
        return None
    try:
        arguments = msgspec.json.decode(part.arguments or "{}", type=dict[str, Any])
    except payload.UNREADABLE:
        arguments = {"input": part.arguments}
        warnings.append(f"the arguments of tool {part.name!r} are no JSON object and are sent as one with the key 'input'")
    return {"type": "tool_use", "id": _id(part.id or part.name), "name": part.name, "input": arguments}


def _tool_result(part: ToolResult, warnings: Warnings) -> Block:
    content = part.content
    blocks = content if isinstance(content, str) else [block for item in content if (block := _block(item, warnings))]
    result: Block = {"type": "tool_result", "tool_use_id": _id(part.id), "content": blocks}
    return result | {"is_error": True} if part.is_error else result


def _id(id: str) -> str:
    """A call's id as the API takes it, letters, digits, ``_`` and ``-``: other providers' have dots and colons."""
    return _ID.sub("_", id)


_BLOCKS: dict[type[Any], Callable[[Any, Warnings], Block | None]] = {
    Text: _text,
    Refusal: _text,
    Image: _image,
    Reasoning: _reasoning,
    ToolCall: _tool_call,
    ToolResult: _tool_result,
}
