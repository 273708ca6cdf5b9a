"""The words of Anthropic's Messages API that both halves of the dialect share, as tables.

Sources: https://platform.claude.com/docs/en/api/messages, https://platform.claude.com/docs/en/api/errors and the types of the
official SDK (anthropic 2.12). House rule: a word stands here once, with where it was seen if it is not in the documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import WireError, retry_after
from bourn.events import FinishReason, Usage

PATH = "/v1/messages"
VERSION = "2023-06-01"
"""Sent as ``anthropic-version``: all services know it, and the next one, 2026-10-21, refuses ``temperature`` and ``top_p`` for
every model (https://platform.claude.com/docs/en/api/migration-2026-10-21)."""

EFFORTS: dict[str, tuple[str, int]] = {
    "minimal": ("low", 1024),
    "low": ("low", 2048),
    "medium": ("medium", 8192),
    "high": ("high", 16384),
    "xhigh": ("xhigh", 32768),
}
"""Effort to ``output_config.effort`` (Claude 4.6 and later), and to a thinking budget in tokens (all before it)."""

CHOICES = {"auto": "auto", "none": "none", "required": "any"}
"""``tool_choice`` to its ``type``; any other word is the name of the one tool to call."""

REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "other",
    "compaction": "other",
}
"""``stop_reason`` to the shared word; ``compaction`` comes with the option ``pause_after_compaction``."""

STOP_WORDS: dict[FinishReason, str | None] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "error": None,
    "other": None,
}
"""The shared word to the ``stop_reason`` that a server writes for it; Anthropic has none for ``error``."""

ERROR_TYPES: dict[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""HTTP status to the error's type; other 4xx are ``invalid_request_error``, other 5xx ``api_error``."""

RETRYABLE = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})
"""Types of errors after which the same request may succeed."""

USAGE_FIELDS = frozenset(
    {
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens_details",
    }
)
"""What of ``usage`` has a place in :class:`~bourn.events.Usage`; but for the tier, the rest is an ``Other``, ``usage``."""


class _Details(msgspec.Struct):
    thinking_tokens: int | None = None


class _Counts(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: _Details | None = None


def read_usage(raw: dict[str, Any]) -> Usage | None:
    """``usage`` objects, merged, as ``Usage``: cached tokens are told apart on the wire and are part of the input here.

    Raises ``msgspec.ValidationError`` where a count is no number; gives ``None`` when nothing was told.
    """
    told = msgspec.convert(raw, _Counts)
    cached, written = told.cache_read_input_tokens, told.cache_creation_input_tokens
    parts = [count for count in (told.input_tokens, cached, written) if count is not None]
    thought = told.output_tokens_details.thinking_tokens if told.output_tokens_details else None
    usage = Usage(sum(parts) if parts else None, told.output_tokens, cached, written, thought)
    return None if usage == Usage() else usage


def write_usage(usage: Usage | None) -> dict[str, Any]:
    """``Usage`` as Anthropic writes it: input and output are always told (0 where nobody knows), the rest where known."""
    usage = usage or Usage()
    cached, written = usage.cached_tokens, usage.cache_write_tokens
    raw: dict[str, Any] = {
        "input_tokens": max(0, (usage.input_tokens or 0) - (cached or 0) - (written or 0)),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output_tokens or 0,
    }
    if usage.reasoning_tokens is not None:
        raw["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return {name: value for name, value in raw.items() if value is not None}


def read_error_body(value: Any) -> WireError:
    """An error's JSON in the words of whoever wrote it; gateways write shapes of their own.

    ``{"type": "error", "error": {"type", "message", "details": {"error_code"}}}`` is Anthropic's; an ``error`` that is a text,
    and a bare ``message`` or ``detail``, are read too. The message is empty where there is none.
    """
    value = value if isinstance(value, dict) else {"message": value}
    error = value.get("error") or value
    error = error if isinstance(error, dict) else {"message": error}
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else error.get("code")
    message = next((error[name] for name in ("message", "detail", "title") if error.get(name)), "")
    kind, request_id = error.get("type"), value.get("request_id")
    return WireError(
        message if isinstance(message, str) else payload.dumps(message).decode(),
        kind if isinstance(kind, str) and kind != "error" else None,
        None if code is None else str(code),
        request_id=request_id if isinstance(request_id, str) else None,
    )


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> WireError:
    """What a refused request's body says; a body that is not JSON is itself the message."""
    del status  # the words are in the body, whatever the number
    return msgspec.structs.replace(read_error_body(payload.told(body)), retry_after=retry_after(headers))


def write_error(error: WireError, kind: str) -> dict[str, Any]:
    """An error as Anthropic writes it; ``kind`` stands in where the error has no type of its own."""
    body: dict[str, Any] = {"type": error.type or kind, "message": error.message}
    if error.code is not None:
        body["details"] = {"error_code": error.code}
    return {"type": "error", "error": body}


def error_type(status: int) -> str:
    """The type that Anthropic gives an error of this HTTP status."""
    return ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
