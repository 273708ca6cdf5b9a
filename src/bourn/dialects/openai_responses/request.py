"""The client's half of a request in the Responses format: a ``Request`` as the JSON body of ``POST /v1/responses``.

Source: https://platform.openai.com/docs/api-reference/responses/create

Three things are decided here. System messages stay in ``input``, where they stand: every service takes them there, while xAI
long refused ``instructions``. Reasoning goes back with its id, its encrypted content and its text as the summary, or not at
all: an item that the service must look up by its id fails with 404 or 400 where it was not stored. And so that the encrypted
content comes in the first place, a request that asks for reasoning, or brings some, is *stateless* (``store: false``,
``include: ["reasoning.encrypted_content"]``); all others say nothing of it, since models that do not reason refuse the words.

House rule: what a body cannot hold is a warning, never a silent drop.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import msgspec

from bourn.dialects.base import HttpCall
from bourn.dialects.openai_responses.words import CALL, CUSTOM, MESSAGE, REASONING, RESULT
from bourn.errors import InputError
from bourn.messages import (
    Image,
    Message,
    Options,
    Part,
    Reasoning,
    Refusal,
    Request,
    Role,
    Schema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

PATH = "/responses"

STATELESS: dict[str, Any] = {"store": False, "include": ["reasoning.encrypted_content"]}
"""What makes the service give the reasoning in a form that can be sent back, and keep nothing."""

_LEFT_OUT: dict[str, str] = {
    "stop": "stop was left out: the Responses format has no stop sequences",
    "seed": "seed was left out: the Responses format has none",
}
"""Options that the format lacks."""

Json = dict[str, Any]
Warn = Callable[[str], None]


def call(request: Request) -> HttpCall:
    """The request as HTTP; send it and feed what comes to a decoder. Raises ``InputError`` where something in it is no JSON."""
    warnings: dict[str, None] = {}  # each sentence once, in order

    def warn(sentence: str) -> None:
        warnings[sentence] = None

    options = request.options
    items = [item for message in request.messages for item in _Items(request, warn).of(message)]
    body: Json = {"model": request.model, "input": items, **written_options(options, warn), "stream": request.stream}
    if options.reasoning not in (None, "none", 0) or any(item.get("type") == REASONING for item in items):
        body |= STATELESS
    body |= options.extra
    headers = {"content-type": "application/json", "accept": "text/event-stream" if request.stream else "application/json"}
    return HttpCall(PATH, _encoded(body), headers, tuple(warnings))


def _encoded(body: Json) -> bytes:
    try:
        return msgspec.json.encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the request cannot be written as JSON: {error}") from error


# --- messages, written ------------------------------------------------------------------------------------------------------


class _Items:
    """Turns messages into items: texts, refusals and images are gathered into message items, all else is an item of its own."""

    def __init__(self, request: Request, warn: Warn) -> None:
        self._warn = warn
        calls = (part for message in request.messages for part in message.parts if isinstance(part, ToolCall))
        self._custom = {call.id for call in calls if call.custom}

    def of(self, message: Message) -> list[Json]:
        """The items of one message. Reasoning at its end led to nothing, and the service refuses it without what follows."""
        if isinstance(message.content, str):
            return [{"type": MESSAGE, "role": message.role, "content": message.content}]
        items = list(self._gathered(message.role, message.content))
        while items and items[-1]["type"] == REASONING:
            items.pop()
            self._warn("reasoning that nothing followed was left out: the Responses format takes it only with what it led to")
        return items

    def _gathered(self, role: Role, parts: tuple[Part, ...]) -> Iterator[Json]:
        contents: list[Json] = []
        for part in parts:
            if type(part) in self._CONTENTS:
                content = self._CONTENTS[type(part)](self, part, role)
                contents += [content] if content else []
                continue
            item = self._WRITERS[type(part)](self, part)
            if item is not None:
                if contents:
                    yield {"type": MESSAGE, "role": role, "content": contents}
                    contents = []
                yield item
        if contents:
            yield {"type": MESSAGE, "role": role, "content": contents}

    def _text(self, part: Text, role: str) -> Json:
        if part.signature:
            self._warn("signatures of text were left out: the Responses format has no place for them")
        return {"type": "output_text" if role == "assistant" else "input_text", "text": part.text}

    def _refusal(self, part: Refusal, role: str) -> Json:
        del role
        return {"type": "refusal", "refusal": part.text}

    def _image(self, part: Image, role: str) -> Json | None:
        if role == "assistant":
            self._warn("an image in an assistant message was left out: the Responses format takes none there")
            return None
        url = part.url or f"data:{part.media_type};base64,{b64encode(part.data or b'').decode()}"
        return {"type": "input_image", "image_url": url, **({"detail": part.detail} if part.detail else {})}

    def _reasoning(self, part: Reasoning) -> Json | None:
        if not part.complete:
            self._warn("reasoning was left out: it was cut off")
        elif not (part.signature and part.id):
            if part.text or part.signature:
                self._warn(
                    "reasoning was left out: without an item id and encrypted content of this service it cannot be sent back "
                    "(the option reasoning= asks for them)"
                )
        else:
            summary = [{"type": "summary_text", "text": part.text}] if part.text else []
            return {"type": REASONING, "id": part.id, "summary": summary, "encrypted_content": part.signature}
        return None

    def _call(self, part: ToolCall) -> Json | None:
        if not part.complete:
            self._warn(f"the call of tool {part.name!r} was left out: it was cut off")
            return None
        if part.signature:
            self._warn("signatures of tool calls were left out: the Responses format has no place for them")
        speech = CUSTOM if part.custom else CALL
        said = part.arguments if part.custom else part.arguments or "{}"
        return {"type": speech.item, "call_id": part.id, "name": part.name, speech.field: said}

    def _result(self, part: ToolResult) -> Json:
        if part.is_error:
            self._warn("that a tool failed was left out: the Responses format knows it only from the result's text")
        speech = CUSTOM if part.id in self._custom else CALL
        said = part.content
        output = said if isinstance(said, str) else [self._CONTENTS[one.__class__](self, one, "tool") for one in said]
        return {"type": speech.item + RESULT, "call_id": part.id, "output": output}

    _CONTENTS: ClassVar[dict[type, Callable[[Any, Any, str], Json | None]]] = {
        Text: _text,
        Refusal: _refusal,
        Image: _image,
    }
    _WRITERS: ClassVar[dict[type, Callable[[Any, Any], Json | None]]] = {
        Reasoning: _reasoning,
        ToolCall: _call,
        ToolResult: _result,
    }


# --- options, written -------------------------------------------------------------------------------------------------------


def written_options(options: Options, warn: Warn) -> Json:
    """The options as keys of the body; ``warn`` gets a sentence for each that the format lacks."""
    for option, sentence in _LEFT_OUT.items():
        if getattr(options, option) not in (None, ()):
            warn(sentence)
    body: Json = {}
    for option, key in KEYS.items():
        value = getattr(options, option)
        if value is not None and value != ():
            written = _OPTION_WRITERS[option](value, warn) if option in _OPTION_WRITERS else value
            if written is not None:
                body[key] = written
    return body


def _write_tools(tools: tuple[Tool, ...], warn: Warn) -> list[Json]:
    del warn
    return [_write_tool(tool) for tool in tools]


def _write_tool(tool: Tool) -> Json:
    described = {"description": tool.description} if tool.description else {}
    strict = {} if tool.strict is None else {"strict": tool.strict}
    return {"type": "function", "name": tool.name, **described, "parameters": tool.parameters, **strict}


def _write_tool_choice(choice: str, warn: Warn) -> str | Json:
    del warn
    return choice if choice in ("auto", "none", "required") else {"type": "function", "name": choice}


def _write_effort(effort: str | int, warn: Warn) -> Json | None:
    if isinstance(effort, str):
        return {"effort": effort}
    warn("the reasoning budget in tokens was left out: the Responses format takes an effort such as 'low'")
    return None


def _write_schema(schema: Schema, warn: Warn) -> Json:
    del warn
    strict = {} if schema.strict is None else {"strict": schema.strict}
    return {"format": {"type": "json_schema", "name": schema.name, "schema": schema.schema, **strict}}


KEYS: dict[str, str] = {
    "max_tokens": "max_output_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "tools": "tools",
    "tool_choice": "tool_choice",
    "reasoning": "reasoning",
    "schema": "text",
}
"""Option to its key in the body."""

_OPTION_WRITERS: dict[str, Callable[[Any, Warn], Any]] = {
    "tools": _write_tools,
    "tool_choice": _write_tool_choice,
    "reasoning": _write_effort,
    "schema": _write_schema,
}
"""Option to what writes its value; the others are sent as they are."""
