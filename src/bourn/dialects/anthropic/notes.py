"""What an answer of Anthropic's says beside its text: citations, and the tools that Anthropic runs itself.

Sources: https://platform.claude.com/docs/en/build-with-claude/citations,
https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool and recorded streams.
House rule: a form for each; the input of a server's tool is its ``arguments``, the text that was streamed.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bourn.dialects.form import Form
from bourn.events import Citation, ServerToolCall, ServerToolResult

Json = dict[str, Any]

CALLS = frozenset({"server_tool_use", "mcp_tool_use"})
"""Types of blocks that are calls of a tool that the client does not run."""

RESULT = "_tool_result"
"""What the type of a block ends with that is the result of such a call."""

_CALL_KNOWN = frozenset({"type", "id", "name", "input"})


class _Location(msgspec.Struct):
    type: str
    cited_text: str | None = None
    url: str | None = None
    source: str | None = None
    title: str | None = None
    document_title: str | None = None
    document_index: int | None = None
    file_id: str | None = None


def _read_citation(raw: Any) -> Citation:
    """A place in a document, known by its number or its file; in a search result of the client's; or on the web."""
    told = msgspec.convert(raw, _Location)
    number = None if told.document_index is None else str(told.document_index)
    return Citation(
        url=told.url or told.source,
        title=told.title or told.document_title,
        id=told.file_id or number,
        quote=told.cited_text or None,
    )


def _write_citation(event: Citation) -> Json:
    """On the web where there is an address, else in a document; where in it, and the proof, nobody knows."""
    if event.url is not None:
        place: Json = {"url": event.url, "title": event.title, "encrypted_index": ""}
        return {"type": "web_search_result_location", "cited_text": event.quote or "", **place}
    number = int(event.id) if event.id is not None and event.id.isdecimal() else None
    return {
        "type": "char_location",
        "cited_text": event.quote or "",
        "document_index": number or 0,
        "document_title": event.title,
        "start_char_index": 0,
        "end_char_index": 0,
        "file_id": event.id if number is None else None,
    }


CITATION = Form("citations_delta", _read_citation, _write_citation)


class _Result(msgspec.Struct):
    type: str
    tool_use_id: str
    content: Any = None
    is_error: bool = False


def _read_result(raw: Any) -> ServerToolResult:
    told = msgspec.convert(raw, _Result)
    name = told.type.removesuffix(RESULT)
    failed = told.is_error or _is_error(told.content)
    return ServerToolResult(told.tool_use_id, None if name == "mcp" else name, told.content, failed)


def _write_result(event: ServerToolResult) -> Json:
    block = {"type": (event.name or "mcp") + RESULT, "tool_use_id": event.id or "", "content": event.content}
    if event.name is None or (event.is_error and not _is_error(event.content)):
        block["is_error"] = event.is_error
    return block


def _is_error(content: Any) -> bool:
    return isinstance(content, dict) and str(content.get("type", "")).endswith("_error")


SERVER_RESULT = Form("tool_result", _read_result, _write_result)


def read_call(block: Json, arguments: str) -> ServerToolCall:
    """A block of one of ``CALLS``, with the input that was streamed to it."""
    id, name = block.get("id"), block.get("name")
    plain = block["type"] == "server_tool_use" and block.keys() <= _CALL_KNOWN
    head = None if plain else {**block, "input": {}}
    return ServerToolCall(str(id) if id else None, str(name or ""), arguments, head)


def write_call(event: ServerToolCall, at: int) -> Json:
    """The block that a call begins with; ``at`` is its number."""
    raw = event.raw
    if isinstance(raw, dict) and raw.get("type") in CALLS and (raw.get("id"), raw.get("name")) == (event.id, event.name):
        return raw
    return {"type": "server_tool_use", "id": event.id or f"srvtoolu_{at}", "name": event.name, "input": {}}
