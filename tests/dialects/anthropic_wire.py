"""Payloads of Anthropic's stream for tests: each function makes one, ``frames`` makes them bytes."""

from __future__ import annotations

import json
from typing import Any

from bourn.dialects.anthropic.decoder import DIALECT
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart
from bourn.wire import sse
from tests.recordings import decode


def frames(*payloads: dict[str, Any]) -> list[bytes]:
    """Payloads as server-sent events, named as Anthropic names them."""
    return [sse.encode(json.dumps(payload, ensure_ascii=False).encode(), payload["type"]) for payload in payloads]


def begin(**message: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": "msg_1", "model": "claude-x", "content": [], **message}}


def block(index: int, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def end(reason: str | None = "end_turn", **fields: Any) -> list[dict[str, Any]]:
    return [{"type": "message_delta", "delta": {"stop_reason": reason}, **fields}, {"type": "message_stop"}]


def events(*payloads: dict[str, Any]) -> list[Event]:
    """The events of one answer, without its ``Start``; no error may come."""
    out = decode(DIALECT, frames(begin(), *payloads))
    assert out.error is None
    assert out.events[0] == Start("msg_1", "claude-x")
    return out.events[1:]


TEXT = [block(0, type="text", text=""), delta(0, "text_delta", text="Hé"), delta(0, "text_delta", text="llo"), stop(0)]
SPOKEN = [TextStart(0), TextDelta(0, "Hé"), TextDelta(0, "llo"), TextEnd(0)]
STOPPED = Finish("stop", "end_turn")

WIRE = b"".join(
    frames(
        begin(usage={"input_tokens": 3}),
        block(0, type="thinking", thinking=""),
        delta(0, "thinking_delta", thinking="日本\u2028"),
        stop(0),
        *[{**payload, "index": 1} for payload in TEXT],
        *end(usage={"output_tokens": 4}),
    )
)
"""One answer with everything that a cut could hurt."""
