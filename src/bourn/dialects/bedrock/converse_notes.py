"""What an answer of the Converse API says beside its text: citations, the tools that Nova runs itself, images.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CitationsDelta.html,
https://docs.aws.amazon.com/nova/latest/nova2-userguide/grounding.html and recorded streams.
House rule: a form for each; what was streamed to a block is joined before it comes here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bourn.dialects.bedrock.converse_words import SERVER_TOOL
from bourn.dialects.form import Form
from bourn.dialects.media import read_base64
from bourn.events import Citation, ServerToolCall, ServerToolResult

Json = dict[str, Any]


class _Text(msgspec.Struct):
    text: str | None = None


class _Web(msgspec.Struct):
    url: str | None = None


class _Location(msgspec.Struct):
    web: _Web | None = None


class _Cited(msgspec.Struct, rename="camel"):
    title: str | None = None
    source: str | None = None
    location: _Location | None = None
    source_content: list[_Text] | None = None


def _read_citation(raw: Any) -> Citation:
    told = msgspec.convert(raw, _Cited)
    web = told.location.web if told.location is not None else None
    quote = "".join(one.text or "" for one in told.source_content or ())
    return Citation(url=web.url if web is not None else None, title=told.title, id=told.source, quote=quote or None)


def _write_citation(event: Citation) -> Json:
    told = {"title": event.title, "source": event.id}
    written: Json = {name: value for name, value in told.items() if value is not None}
    if event.url is not None:
        written["location"] = {"web": {"url": event.url}}
    if event.quote is not None:
        written["sourceContent"] = [{"text": event.quote}]
    return written


CITATION = Form("citation", _read_citation, _write_citation)

_RESULT = "_result"


class _Result(msgspec.Struct, rename="camel"):
    tool_use_id: str
    type: str | None = None
    status: str | None = None
    content: Any = None


def _read_result(raw: Any) -> ServerToolResult:
    told = msgspec.convert(raw, _Result)
    name = told.type.removesuffix(_RESULT) if told.type is not None else None
    return ServerToolResult(told.tool_use_id, name, told.content, told.status == "error")


def _write_result(event: ServerToolResult) -> Json:
    kind = {} if event.name is None else {"type": event.name + _RESULT}
    content = event.content if isinstance(event.content, list) else [{"json": event.content}]
    status = "error" if event.is_error else "success"
    return {"toolUseId": event.id or "", **kind, "status": status, "content": content}


RESULT = Form("toolResult", _read_result, _write_result)


def read_call(start: Json, arguments: str) -> ServerToolCall:
    """The start of a call that the service answers itself, with the input that was streamed to it."""
    id, name = start.get("toolUseId"), start.get("name")
    event = ServerToolCall(str(id) if id else None, str(name or ""), arguments)
    return event if write_call(event, 0) == start else msgspec.structs.replace(event, raw=start)


def write_call(event: ServerToolCall, at: int) -> Json:
    """What a call's block begins with; ``at`` is its number."""
    raw = event.raw
    if isinstance(raw, dict) and raw.get("type") == SERVER_TOOL and read_call(raw, event.arguments) == event:
        return raw
    return {"toolUseId": event.id or f"tooluse_{at}", "name": event.name, "type": SERVER_TOOL}


def read_image(block: Json) -> tuple[str, bytes] | None:
    """Media type and bytes of an image; ``None`` where a block is none."""
    source, format = block.get("source"), block.get("format")
    data = read_base64(source.get("bytes")) if isinstance(source, dict) else None
    if not data or not isinstance(format, str) or len(block) + len(source or ()) != len(("format", "source", "bytes")):
        return None
    return f"image/{format}", data
