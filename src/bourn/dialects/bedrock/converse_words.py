"""The words of Amazon Bedrock's Converse API that both halves of the dialect share, as tables.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html and the service model in
botocore 1.44. House rule: a word stands here once, with where it was seen if it is not in the documentation.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from bourn.events import FinishReason, Usage

STREAM = "converse-stream"
WHOLE = "converse"

REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}
"""``stopReason`` to the shared word."""

STOP_WORDS: dict[FinishReason, str | None] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
    "error": "malformed_model_output",
    "other": None,
}
"""The shared word to the ``stopReason`` that a server writes for it; Bedrock has none for ``other``."""

FORMATS: dict[str, str] = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
"""An image's media type to Bedrock's word for its format."""

SERVER_TOOL = "server_tool_use"
"""The ``type`` of a call that the service answers itself; one for the client to answer has none, or ``tool_use`` (Nova 2)."""

USAGE_FIELDS = frozenset(
    {
        "inputTokens",
        "outputTokens",
        "totalTokens",
        "cacheReadInputTokens",
        "cacheWriteInputTokens",
        "cacheReadInputTokenCount",  # the same as cacheReadInputTokens: eadd24 and others
        "cacheWriteInputTokenCount",
    }
)
"""What of ``usage`` is in :class:`~bourn.events.Usage`; the rest is an ``Other`` of kind ``usage``."""


class _Counts(msgspec.Struct, rename="camel"):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


def read_usage(raw: Any) -> Usage | None:
    """A ``usage`` object as ``Usage``: cached tokens are told apart on the wire and are part of the input here.

    Raises ``msgspec.ValidationError`` where a count is no number; gives ``None`` when nothing was told.
    """
    told = msgspec.convert(raw, _Counts)
    cached, written = told.cache_read_input_tokens, told.cache_write_input_tokens
    parts = [count for count in (told.input_tokens, cached, written) if count is not None]
    usage = Usage(sum(parts) if parts else None, told.output_tokens, cached, written)
    return None if usage == Usage() else usage


def write_usage(usage: Usage | None) -> dict[str, Any]:
    """``Usage`` as Bedrock writes it: input, output and total are always told (0 where nobody knows), the rest where known."""
    usage = usage or Usage()
    cached, written = usage.cached_tokens, usage.cache_write_tokens
    given, made = usage.input_tokens or 0, usage.output_tokens or 0
    raw = {
        "inputTokens": max(0, given - (cached or 0) - (written or 0)),
        "outputTokens": made,
        "totalTokens": given + made,
        "cacheReadInputTokens": cached,
        "cacheWriteInputTokens": written,
    }
    return {name: value for name, value in raw.items() if value is not None}


def stop_word(reason: FinishReason, raw: str | None) -> str | None:
    """The ``stopReason`` of a finish: its own word where Bedrock would mean the same by it, else the one for its reason."""
    own = raw is not None and REASONS.get(raw, "other") == reason
    return raw if own else STOP_WORDS[reason]


def join_blobs(pieces: Sequence[str]) -> str:
    """Pieces of bytes, each in base64, as one; pieces that are not base64 are joined as they are."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece, validate=True) for piece in pieces)).decode()
    except ValueError:
        return "".join(pieces)
