"""The client's half of a request in Bedrock's Converse API: a ``Request`` as the body of ``converse-stream``.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html and the service model in
botocore 1.44; how each family is asked to think by its own pages, see :data:`THINKERS`. House rule: what cannot be said in this
dialect is a warning, never a silent drop.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.anthropic import request as anthropic_request
from bourn.dialects.base import HttpCall
from bourn.dialects.bedrock.converse_words import FORMATS, STREAM, WHOLE
from bourn.dialects.bedrock.words import path
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

Block = dict[str, Any]
Warnings = list[str]

_ID = re.compile(r"[^a-zA-Z0-9_.:-]")
_ID_LENGTH = 64


def call(request: Request) -> HttpCall:
    """The request as HTTP; send its ``body`` to the base URL + ``/model/{model}/converse-stream``.

    - System messages become ``system``; one that stands after the first turn is moved there, with a warning.
    - Turns of the same side are merged; results of tools come first in theirs. Texts without a word are left out, since the
      API refuses them.
    - Images are sent as bytes, or from S3 by an ``s3://`` URL; other URLs are left out.
    - ``reasoning`` goes into ``additionalModelRequestFields``, in the words of the model's family (``THINKERS``).
    - ``schema`` is ``outputConfig.textFormat``; models that cannot keep to one refuse it.
    - ``tool_choice="none"`` is said by sending no tools, unless the conversation has calls, which the API wants explained.
    - Signed and redacted thinking is sent back as it came; thinking without a signature, or of another provider (it has an
      id), is left out. Calls that were cut are left out: nobody may have run them.
    """
    warnings: Warnings = []
    options = request.options
    system, turns = _turns(request.messages, warnings)
    sections = {
        "messages": turns,
        "system": [{"text": text} for text in system],
        "inferenceConfig": _inference(request.model, options, warnings),
        "toolConfig": _tools(options, turns, warnings),
        "outputConfig": {"textFormat": _schema(options.schema)} if options.schema is not None else {},
    }
    body = {name: section for name, section in sections.items() if section or name == "messages"}
    _think(request.model, options, body, warnings)
    if options.seed is not None:
        warnings.append("seed is left out: Bedrock's Converse API has none")
    body |= options.extra
    where = path(request.model, STREAM if request.stream else WHOLE)
    return HttpCall(where, payload.dumps(body), warnings=tuple(dict.fromkeys(warnings)))


def _inference(model: str, options: Options, warnings: Warnings) -> dict[str, Any]:
    sampling = anthropic_request.sampling(model, options, warnings)  # a Claude of 4.7 or later takes none
    wishes = {
        "maxTokens": options.max_tokens,
        "temperature": sampling.get("temperature"),
        "topP": sampling.get("top_p"),
        "stopSequences": options.stop or None,
    }
    return {name: value for name, value in wishes.items() if value is not None}


def _schema(schema: Schema) -> dict[str, Any]:
    told = {"name": schema.name, "schema": payload.dumps(schema.schema).decode()}
    return {"type": "json_schema", "structure": {"jsonSchema": told}}


def _tools(options: Options, turns: list[Block], warnings: Warnings) -> dict[str, Any]:
    if not options.tools:
        return {}
    config: dict[str, Any] = {"tools": [_tool(tool) for tool in options.tools]}
    choice = options.tool_choice
    if choice == "none":
        if not any({"toolUse", "toolResult"} & block.keys() for turn in turns for block in turn["content"]):
            return {}
        warnings.append("tool_choice 'none' is left out: Bedrock has no word for it, and the conversation needs the tools")
    elif choice is not None:
        config["toolChoice"] = {_CHOICES[choice]: {}} if choice in _CHOICES else {"tool": {"name": choice}}
    return config


_CHOICES = {"auto": "auto", "required": "any"}
"""``tool_choice`` to the member of the union; any other word is the name of the one tool to call."""


def _tool(tool: Tool) -> Block:
    spec = {
        "name": tool.name,
        "description": tool.description or None,
        "inputSchema": {"json": tool.parameters},
        "strict": tool.strict,
    }
    return {"toolSpec": {name: value for name, value in spec.items() if value is not None}}


def _think(model: str, options: Options, body: dict[str, Any], warnings: Warnings) -> None:
    """Add to ``body`` what asks the model to think as hard as is wished."""
    if options.reasoning is None:
        return
    ask = next((ask for family, ask in THINKERS if family in model), None)
    if ask is None:
        warnings.append(f"reasoning is left out: how {model} is asked for it is not known here; say it in extra=")
        return
    fields = ask(model, options, body, warnings)
    if fields:
        body["additionalModelRequestFields"] = fields


def _claude(model: str, options: Options, body: dict[str, Any], warnings: Warnings) -> dict[str, Any]:
    """As Anthropic's own API is asked, but that the effort has a place of Bedrock's, and no limit of tokens is made up."""
    told = anthropic_request.thinking(model, options, warnings)
    if "output_config" in told:
        body["outputConfig"] = {**body.get("outputConfig", {}), "effort": told["output_config"]["effort"]}
    return {"thinking": told["thinking"]} if "thinking" in told else {}


def _nova(_: str, options: Options, body: dict[str, Any], warnings: Warnings) -> dict[str, Any]:
    """High effort decides itself about length and sampling, and refuses to be told."""
    effort = _effort(options, {"none": "none", "minimal": "low", "xhigh": "high"}, warnings)
    if effort in (None, "none"):
        return {"reasoningConfig": {"type": "disabled"}} if effort else {}
    if effort == "high":
        config = body.get("inferenceConfig", {})
        if dropped := [name for name in ("maxTokens", "temperature", "topP") if config.pop(name, None) is not None]:
            warnings.append(f"{', '.join(dropped)} are left out: Nova takes none with reasoning 'high'")
        if not config:
            body.pop("inferenceConfig", None)
    return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}


def _flat(_: str, options: Options, __: dict[str, Any], warnings: Warnings) -> dict[str, Any]:
    effort = _effort(options, {"none": None, "minimal": "low", "xhigh": "high"}, warnings)
    return {"reasoning_effort": effort} if effort else {}


def _nested(_: str, options: Options, __: dict[str, Any], warnings: Warnings) -> dict[str, Any]:
    effort = _effort(options, {"none": "none", "minimal": "low"}, warnings)
    return {"reasoning": {"effort": effort}} if effort else {}


def _effort(options: Options, others: dict[str, str | None], warnings: Warnings) -> str | None:
    """The wish as a word that the model knows; ``others`` has the words that it does not know, or knows otherwise."""
    wish = options.reasoning
    word = "none" if wish == 0 else wish
    if not isinstance(word, str):
        warnings.append(f"the thinking budget of {word} tokens is left out: this model takes an effort, such as 'high'")
        return None
    effort = others.get(word, word)
    if effort is None:
        warnings.append(f"reasoning {word!r} is left out: this model has no word for it")
    elif effort != word:
        warnings.append(f"reasoning {word!r} is sent as effort {effort!r}, the nearest there is")
    return effort


Thinker = Callable[[str, Options, dict[str, Any], Warnings], dict[str, Any]]

THINKERS: tuple[tuple[str, Thinker], ...] = (
    ("claude", _claude),
    ("amazon.nova-2", _nova),
    ("openai.gpt-oss", _flat),
    ("kimi-k2", _flat),
    ("openai.", _nested),
)
"""What a model's id has in it, to what gives the fields that ask it to think; the first row that fits counts.

Claude: https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html. Nova 2:
https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html (the first Nova refuses to be asked). OpenAI and
Kimi: as accepted in practice (langchain-aws 1.6.5, stdapi.ai issue 283).
"""


def _turns(messages: Sequence[Message], warnings: Warnings) -> tuple[list[str], list[Block]]:
    """System texts, and the turns of user and assistant in alternation."""
    system: list[str] = []
    turns: list[Block] = []
    for message in messages:
        if message.role == "system":
            if turns:
                warnings.append("a system message in mid-conversation is moved to the beginning: Bedrock has one place for it")
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
    for turn in turns:
        turn["content"].sort(key=lambda block: "toolResult" not in block)
    return [text for text in system if text.strip()], turns


def _block(part: Part, warnings: Warnings) -> Block | None:
    if isinstance(part, (Text, ToolCall)) and part.signature is not None:
        warnings.append("the signature of a text or tool call is left out: it is another provider's")
    return _BLOCKS[type(part)](part, warnings)


def _text(part: Text | Refusal, _: Warnings) -> Block | None:
    return {"text": part.text} if part.text.strip() else None


def _image(part: Image, warnings: Warnings) -> Block | None:
    if part.detail is not None:
        warnings.append("the detail of an image is left out: Bedrock's Converse API has none")
    source = _source(part)
    if source is None:
        warnings.append("an image by URL is left out: Bedrock takes bytes, or an s3:// URL; pass its data=")
        return None
    media_type = part.media_type or "image/png"
    if media_type not in FORMATS:
        warnings.append(f"an image of type {media_type} is left out: Bedrock takes {', '.join(FORMATS)}")
        return None
    return {"image": {"format": FORMATS[media_type], "source": source}}


def _source(part: Image) -> Block | None:
    if part.data is not None:
        return {"bytes": base64.b64encode(part.data).decode()}
    if part.url is not None and part.url.startswith("s3://"):
        return {"s3Location": {"uri": part.url}}
    return None


def _reasoning(part: Reasoning, warnings: Warnings) -> Block | None:
    if part.signature is None or part.id is not None:
        warnings.append("reasoning without a signature of the model's is left out: Bedrock's models take back only their own")
        return None
    if part.redacted:
        return {"reasoningContent": {"redactedContent": part.signature}}
    return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}


def _tool_call(part: ToolCall, warnings: Warnings) -> Block | None:
    if not part.complete:
        warnings.append(f"the cut call of tool {part.name!r} is left out: its arguments are not whole")
        return None
    try:
        arguments = msgspec.json.decode(part.arguments or "{}", type=dict[str, Any])
    except payload.UNREADABLE:
        arguments = {"input": part.arguments}
        warnings.append(f"the arguments of tool {part.name!r} are no JSON object and are sent as one with the key 'input'")
    return {"toolUse": {"toolUseId": _id(part.id or part.name), "name": part.name, "input": arguments}}


def _tool_result(part: ToolResult, warnings: Warnings) -> Block:
    content = (Text(part.content),) if isinstance(part.content, str) else part.content
    blocks = [block for item in content if (block := _block(item, warnings)) is not None]
    result: Block = {"toolUseId": _id(part.id), "content": blocks}
    return {"toolResult": result | {"status": "error"} if part.is_error else result}


def _id(id: str) -> str:
    """A call's id as the API takes it: up to 64 letters, digits, ``_``, ``.``, ``:`` and ``-``; the end tells ids apart."""
    return _ID.sub("_", id)[-_ID_LENGTH:]


_BLOCKS: dict[type[Any], Callable[[Any, Warnings], Block | None]] = {
    Text: _text,
    Refusal: _text,
    Image: _image,
    Reasoning: _reasoning,
    ToolCall: _tool_call,
    ToolResult: _tool_result,
}
