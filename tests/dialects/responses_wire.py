"""Payloads of the Responses format for tests, and what the decoder makes of them."""

from __future__ import annotations

import json
from typing import Any

from bourn.dialects.openai_responses.decoder import DIALECT
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart
from tests.recordings import Decoded, decode

CREATED = {"type": "response.created", "response": {"id": "r", "model": "m", "status": "in_progress", "output": []}}
COMPLETED = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}}
START, FINISH = Start("r", "m"), Finish("stop", "completed")

Payload = dict[str, Any]


def run(*payloads: Payload | bytes, verified: bool = True) -> Decoded:
    """The payloads decoded as they are, without a first or a last event, and without ``event:`` lines."""
    lines = [one if isinstance(one, bytes) else b"data: " + json.dumps(one).encode() for one in payloads]
    return decode(DIALECT, [line + b"\n\n" for line in lines], verified=verified)


def said(*payloads: Payload | bytes) -> list[Event]:
    """The events between ``Start`` and ``Finish`` of an answer made of the payloads."""
    decoded = run(CREATED, *payloads, COMPLETED)
    assert decoded.error is None
    assert decoded.events[0] == START
    assert isinstance(decoded.events[-1], Finish)
    return decoded.events[1:-1]


def event(type: str, **fields: Any) -> Payload:
    """An event, by the end of its type."""
    return {"type": f"response.{type}", **fields}


def added(at: int | None, **item: Any) -> Payload:
    """The event that announces an item, at a place or at none."""
    return event("output_item.added", item=item) if at is None else event("output_item.added", output_index=at, item=item)


def done(at: int | None, **item: Any) -> Payload:
    """The event that says that an item is whole."""
    return event("output_item.done", item=item) if at is None else event("output_item.done", output_index=at, item=item)


def message(*contents: Payload, **fields: Any) -> Payload:
    """A message item with these contents."""
    return {"type": "message", "id": "msg", "role": "assistant", "content": list(contents), **fields}


def text(words: str, **fields: Any) -> Payload:
    """A content that is text."""
    return {"type": "output_text", "text": words, **fields}


HELLO = [TextStart(0), TextDelta(0, "Hello"), TextEnd(0)]
"""The events of the text ``Hello``, as the first part."""

CALL = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f"}
"""A call without its arguments."""
