"""What an answer in the Responses format says beside its text: citations, log probabilities, and the tools of the service.

A tool's item is one on the wire, and two events: the call, whose ``raw`` is the item where the fields do not say all of it, and
what it gave. A picture that was made is media.

Source: https://platform.openai.com/docs/api-reference/responses-streaming, and recorded streams.
House rule: an item that the service may leave to the client (a shell, a patch) is no tool of the service, and not here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from bourn.dialects import payload
from bourn.dialects.form import Form
from bourn.dialects.logprobs import read_rows, write_rows
from bourn.dialects.openai_chat.notes import read_ratings, write_ratings
from bourn.events import Citation, Logprobs, Safety, ServerToolCall, ServerToolResult

Json = dict[str, Any]


class _Annotation(msgspec.Struct):
    type: str
    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None
    file_id: str | None = None
    filename: str | None = None


def _read_citation(raw: Any) -> Citation:
    told = msgspec.convert(raw, _Annotation)
    title = told.title if told.title is not None else told.filename
    return Citation(url=told.url, title=title, id=told.file_id, start=told.start_index, end=told.end_index)


def _write_citation(event: Citation) -> Json:
    """A file where there is an id, an address elsewhere."""
    if event.id is not None:
        return {"type": "file_citation", "file_id": event.id, "filename": event.title, "index": 0}
    places = {"start_index": event.start, "end_index": event.end}
    told = {name: value for name, value in places.items() if value is not None}
    return {"type": "url_citation", "url": event.url or "", "title": event.title, **told}


CITATION = Form("annotation", _read_citation, _write_citation)

LOGPROBS = Form("logprobs", lambda raw: Logprobs(read_rows(raw)), lambda event: write_rows(event.tokens))


class _Filtered(msgspec.Struct):
    source_type: str
    content_filter_results: Any = None


def _read_filtered(raw: Any) -> Safety:
    told = msgspec.convert(raw, _Filtered)
    return Safety("prompt" if told.source_type == "prompt" else "answer", read_ratings(told.content_filter_results))


def _write_filtered(event: Safety) -> Json:
    source = "prompt" if event.about == "prompt" else "completion"
    blocked = any(one.blocked for one in event.ratings)
    return {"blocked": blocked, "source_type": source, "content_filter_results": write_ratings(event)}


SAFETY = Form("content_filters", _read_filtered, _write_filtered)
"""Azure's, of the response."""


class Tool(NamedTuple):
    """A tool of the service: its name, where its item says what it was given, and where what it gave."""

    name: str
    given: str
    gave: str = ""


IMAGE = "image_generation_call"
MCP = "mcp_call"

TOOLS: dict[str, Tool] = {
    "web_search_call": Tool("web_search", "action"),
    "file_search_call": Tool("file_search", "queries", "results"),
    "code_interpreter_call": Tool("code_interpreter", "code", "outputs"),
    IMAGE: Tool("image_generation", "revised_prompt", "result"),
    MCP: Tool("", "arguments", "output"),
    "custom_tool_call": Tool("", "input"),  # xAI's search of X
}
"""Type of an item to the tool; one without a name of its own has it in the item."""

_TYPES = {tool.name: type for type, tool in TOOLS.items() if tool.name}


def gave(item: Json) -> tuple[Any, bool]:
    """What a tool's item says that it gave, and whether that is an error."""
    error = item.get("error")
    return (error, True) if error is not None else (item.get(TOOLS[item["type"]].gave), False)


def read_call(item: Json) -> ServerToolCall:
    """A tool's item as its call."""
    tool = TOOLS[item["type"]]
    id, name, given = item.get("id"), item.get("name"), item.get(tool.given)
    given = item.get("arguments") if given is None else given  # xAI's searches
    text = given if isinstance(given, str) else "" if given is None else payload.dumps(given).decode()
    event = ServerToolCall(str(id) if id else None, str(name or tool.name), text)
    head = {field: value for field, value in item.items() if field not in (tool.gave, "error")}
    return event if write_call(event, 0) == head else msgspec.structs.replace(event, raw=head)


def read_result(item: Json) -> ServerToolResult | None:
    """What a tool's item says that it gave, if it says so."""
    content, failed = gave(item)
    call = read_call(item)
    return None if content is None else ServerToolResult(call.id, call.name, content, failed)


def write_call(event: ServerToolCall, at: int) -> Json:
    """The item of a call, without what it gave; ``at`` is its number."""
    raw = event.raw
    if isinstance(raw, dict) and raw.get("type") in TOOLS and read_call(raw) == event:
        return {**raw}
    type = _TYPES.get(event.name, MCP)
    head: Json = {"id": event.id or f"{type}_{at}", "type": type, "status": "completed"}
    if type == MCP:
        head |= {"name": event.name, "server_label": ""}
    return head | {TOOLS[type].given: _given(event.arguments, json=type in _JSON)}


_JSON = frozenset({"web_search_call", "file_search_call"})
"""Items that are given JSON, and not a text that may hold some."""


def _given(arguments: str, *, json: bool) -> Any:
    if not json:
        return arguments
    try:
        return msgspec.json.decode(arguments or "{}")
    except payload.UNREADABLE:
        return {"query": arguments}
