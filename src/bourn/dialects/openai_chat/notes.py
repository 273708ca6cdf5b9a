"""What an answer in OpenAI's chat format says beside its text: each service's form of it, to and from events.

Sources: https://platform.openai.com/docs/api-reference/chat/streaming, https://openrouter.ai/docs/features/web-search,
https://docs.perplexity.ai/api-reference/chat-completions-post, https://console.groq.com/docs/compound,
https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter, and recorded streams.
House rule: one form a thing; a service that was seen to send it is named.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bourn.dialects.form import Form
from bourn.dialects.logprobs import read_columns, read_rows, write_columns, write_rows
from bourn.events import Citation, Logprobs, Safety, SafetyRating, ServerToolCall, ServerToolResult

Json = dict[str, Any]


class _Source(msgspec.Struct):
    url: str
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None
    content: str | None = None  # OpenRouter
    summary: str | None = None  # Xiaomi
    snippet: str | None = None  # Perplexity


def _read_citation(raw: Any) -> Citation:
    """An annotation, flat (Xiaomi) or with its source inside (OpenAI, OpenRouter); Perplexity: a result or its address."""
    if isinstance(raw, str):
        return Citation(url=raw)
    inner = raw.get("url_citation") if isinstance(raw, dict) else None
    told = msgspec.convert(raw if inner is None else inner, _Source)
    quote = told.content or told.summary or told.snippet
    return Citation(url=told.url, title=told.title, quote=quote, start=told.start_index, end=told.end_index)


def _write_citation(event: Citation) -> Json:
    places = {"start_index": event.start, "end_index": event.end, "content": event.quote}
    source = {"url": event.url or "", "title": event.title}
    told = {name: value for name, value in places.items() if value is not None}
    return {"type": "url_citation", "url_citation": {**source, **told}}


CITATION = Form("annotations", _read_citation, _write_citation)


class _Filter(msgspec.Struct):
    filtered: bool = False
    severity: str | None = None


def read_ratings(raw: Any) -> tuple[SafetyRating, ...]:
    """Azure's verdicts, one an object."""
    filters = msgspec.convert(raw, dict[str, _Filter])
    return tuple(SafetyRating(category, told.severity, told.filtered) for category, told in filters.items())


def write_ratings(event: Safety) -> Json:
    """The verdicts as Azure writes them."""
    return {
        one.category: {"filtered": one.blocked} | ({} if one.level is None else {"severity": one.level})
        for one in event.ratings
    }


def _read_prompt_safety(raw: Any) -> Safety:
    return Safety("prompt", read_ratings(msgspec.convert(raw, Json).get("content_filter_results")))


ANSWER_SAFETY = Form("content_filter_results", lambda raw: Safety("answer", read_ratings(raw)), write_ratings)
"""Azure's, of a choice."""

PROMPT_SAFETY = Form(
    "prompt_filter_results",
    _read_prompt_safety,
    lambda event: {"prompt_index": 0, "content_filter_results": write_ratings(event)},
)
"""Azure's, of one prompt."""

_LISTS = ("content", "reasoning_content", "refusal")
"""Where the tokens stand; the second is DeepSeek's."""


def _read_logprobs(raw: Any) -> Logprobs:
    told = msgspec.convert(raw, Json)
    if "tokens" in told:  # Together
        return Logprobs(read_columns(told))
    return Logprobs(read_rows(next((told[name] for name in _LISTS if told.get(name)), [])))


LOGPROBS = Form("logprobs", _read_logprobs, lambda event: {"content": write_rows(event.tokens), "refusal": None})
"""Of a choice."""

TEXT_LOGPROBS = Form("logprobs", lambda raw: Logprobs(read_columns(raw)), lambda event: write_columns(event.tokens))
"""Of a choice of text completions."""


class _Executed(msgspec.Struct):
    index: int
    type: str = ""
    name: str | None = None
    arguments: str = ""
    output: Any = None


def _read_executed(raw: Any) -> _Executed:
    return msgspec.convert(raw, _Executed)


def _read_call(raw: Any) -> ServerToolCall:
    told = _read_executed(raw)
    return ServerToolCall(str(told.index), told.name or told.type, told.arguments)


def _read_result(raw: Any) -> ServerToolResult:
    told = _read_executed(raw)
    return ServerToolResult(str(told.index), told.name or told.type, told.output)


def _number(id: str | None) -> int:
    return int(id) if id is not None and id.isdecimal() else 0


def _write_call(event: ServerToolCall) -> Json:
    return {"index": _number(event.id), "type": event.name, "arguments": event.arguments}


def _write_result(event: ServerToolResult) -> Json:
    return {"index": _number(event.id), "type": event.name or "", "arguments": "", "output": event.content}


SERVER_CALL = Form("executed_tools", _read_call, _write_call)
"""Groq's: a tool is told when it is called, without an output, and again with it."""

SERVER_RESULT = Form("executed_tools", _read_result, _write_result)


def server_tool(raw: Any) -> Form[Any]:
    """The form of an executed tool: with an output it is a result."""
    return SERVER_RESULT if isinstance(raw, dict) and raw.get("output") is not None else SERVER_CALL
