"""Chunks of OpenAI chat completions, as short as tests want to write them, and what the decoder makes of them."""

from __future__ import annotations

import json
from typing import Any

from bourn.dialects.openai_chat.decoder import DIALECT
from tests.recordings import Decoded, decode

DONE = "[DONE]"
FINISHED: dict[str, Any] = {"id": "i", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}

TOLD = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


def sse(*chunks: Any) -> bytes:
    """The body of a stream: a dict becomes JSON, a string stays as it is."""
    return b"".join(b"data: " + (chunk if isinstance(chunk, str) else json.dumps(chunk)).encode() + b"\n\n" for chunk in chunks)


def chunk_of(**delta: Any) -> dict[str, Any]:
    """A chunk of choice 0 with this delta."""
    return {"id": "i", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def piece_of(**piece: Any) -> dict[str, Any]:
    """A chunk with one piece of a tool call."""
    return chunk_of(tool_calls=[piece])


def decoded_from(*chunks: Any, verified: bool = True) -> Decoded:
    """What comes of a stream of these chunks."""
    return decode(DIALECT, [sse(*chunks)], verified=verified)
