"""Payloads of Cohere's stream for tests: each function makes one, ``body`` makes them bytes."""

from __future__ import annotations

import json
from typing import Any

from bourn.dialects.cohere.decoder import DIALECT
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart
from bourn.wire import sse
from tests.recordings import Decoded, decode

DONE = sse.encode(b"[DONE]")
STOPPED = Finish("stop", "COMPLETE")


def begin(id: str | None = "i") -> dict[str, Any]:
    return {"id": id, "type": "message-start", "delta": {"message": {"role": "assistant", "content": []}}}


def message(kind: str, index: int | None = None, *, logprobs: Any = None, **fields: Any) -> dict[str, Any]:
    """An event whose delta holds these fields of the message."""
    at = {} if index is None else {"index": index}
    more = {} if logprobs is None else {"logprobs": logprobs}
    return {"type": kind, **at, "delta": {"message": fields}, **more}


def start(index: int, kind: str = "text", said: str = "") -> dict[str, Any]:
    return message("content-start", index, content={"type": kind, kind: said})


def piece(index: int, text: str, kind: str = "text") -> dict[str, Any]:
    return message("content-delta", index, content={kind: text})


def stop(index: int, what: str = "content") -> dict[str, Any]:
    return {"type": f"{what}-end", "index": index}


def plan(text: str) -> dict[str, Any]:
    return message("tool-plan-delta", tool_plan=text)


def call(index: int, id: str | None, name: str, arguments: str = "") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return message("tool-call-start", index, tool_calls={"id": id, "type": "function", "function": function})


def arguments(index: int, text: str | None) -> dict[str, Any]:
    return message("tool-call-delta", index, tool_calls={"function": {"arguments": text}})


def end(reason: str | None = "COMPLETE", usage: Any = None, **fields: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": reason, "usage": usage, **fields}}


def body(*payloads: dict[str, Any]) -> bytes:
    """Payloads as server-sent events, named as Cohere names them."""
    return b"".join(sse.encode(json.dumps(payload, ensure_ascii=False).encode(), payload["type"]) for payload in payloads)


def decoded(*payloads: dict[str, Any], verified: bool = True) -> Decoded:
    """What comes of a body of these payloads."""
    return decode(DIALECT, [body(*payloads)], verified=verified)


def events(*payloads: dict[str, Any]) -> list[Event]:
    """The events of one answer, without its ``Start``; no error may come."""
    out = decoded(begin(), *payloads)
    assert out.error is None
    assert out.events[0] == Start("i")
    return out.events[1:]


TEXT = [start(0), piece(0, "Hé"), piece(0, "llo"), stop(0)]
SPOKEN: list[Event] = [TextStart(0), TextDelta(0, "Hé"), TextDelta(0, "llo"), TextEnd(0)]

WIRE = body(
    begin(),
    start(0, "thinking"),
    piece(0, "日本\u2028", "thinking"),
    stop(0),
    plan("Well"),
    *[{**payload, "index": 1} for payload in TEXT],
    call(0, "c", "f"),
    arguments(0, '{"a":"}'),
    arguments(0, '"}'),
    stop(0, "tool-call"),
    end("TOOL_CALL", {"tokens": {"input_tokens": 3, "output_tokens": 4}}),
)
"""One answer with everything that a cut could hurt, without ``[DONE]``."""
