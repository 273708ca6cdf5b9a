"""The words of Cohere's Chat API, version 2, that both halves of the dialect share, as tables.

Sources: https://docs.cohere.com/reference/chat-stream, the types of the official SDK (cohere 7.3), and recorded streams.
House rule: a word stands here once, with where it was seen if it is not in the documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import WireError, retry_after
from bourn.events import FinishReason, Usage

PATH = "/v2/chat"
DONE = b"[DONE]"
"""The data of the last event, which has no name."""

PLAN = "tool_plan"
"""The id of the reasoning part that is the tool plan: it has a field of its own, also when it is sent back."""

REASONS: dict[str, FinishReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
}
"""``finish_reason`` to the shared word."""

FAILURES: dict[str, tuple[str, bool]] = {
    "ERROR": ("the generation failed", False),
    "ERROR_LIMIT": ("the generation reached the limit of the model's context", False),  # Bedrock, OCI
    "ERROR_TOXIC": ("the generation was stopped since it was found to be toxic", False),  # Bedrock, OCI
    "TIMEOUT": ("the generation took too long", True),
}
"""``finish_reason`` of an answer that failed, to what is said where the service says nothing, and whether to try again."""

FINISH_WORDS: dict[FinishReason, str | None] = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "tool_calls": "TOOL_CALL",
    "content_filter": "ERROR_TOXIC",
    "error": "ERROR",
    "other": None,
}
"""The shared word to the ``finish_reason`` that a server writes for it; two of them make readers raise."""

CHOICES = {"required": "REQUIRED", "none": "NONE"}
"""``tool_choice`` to Cohere's word; ``auto`` is said by saying nothing."""

BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 31000}
"""Effort to ``token_budget``; the last is the most that https://docs.cohere.com/docs/reasoning recommends."""

_COUNTS = {"input_tokens": "input_tokens", "output_tokens": "output_tokens", "reasoning_tokens": "reasoning_tokens"}
"""Field of ``Usage`` to its key in ``tokens``. The last was seen with command-a-plus-05-2026 and is not documented."""


def read_usage(raw: Mapping[str, Any]) -> Usage | None:
    """What ``usage`` tells: what the model read and wrote, in ``tokens``; where that is missing, what is billed.

    The input includes Cohere's own preamble, which is not billed. Gives ``None`` when nothing was told.
    """
    counts: dict[str, int] = {}
    for holder in (raw.get("tokens"), raw.get("billed_units")):
        if isinstance(holder, Mapping):
            counts = {field: count for field, key in _COUNTS.items() if (count := _count(holder.get(key))) is not None} | counts
    cached = _count(raw.get("cached_tokens"))
    return Usage(cached_tokens=cached, **counts) if counts or cached is not None else None


def rest_of_usage(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What of ``usage`` has no place in :class:`~bourn.events.Usage`: billed units, tokens of images."""
    tokens = raw.get("tokens")
    told = {name: value for name, value in raw.items() if name not in ("tokens", "cached_tokens")}
    more = {name: value for name, value in tokens.items() if name not in _COUNTS} if isinstance(tokens, Mapping) else {}
    return {name: value for name, value in {**told, "tokens": more}.items() if value}


def write_usage(usage: Usage | None, rest: Mapping[str, Any]) -> dict[str, Any]:
    """``Usage`` as Cohere writes it, with what ``rest_of_usage`` gave; what is not known is left out."""
    usage = usage or Usage()
    tokens = {key: getattr(usage, field) for field, key in _COUNTS.items()} | dict(rest.get("tokens") or {})
    told = {**rest, "tokens": {key: value for key, value in tokens.items() if value is not None}}
    cached = {} if usage.cached_tokens is None else {"cached_tokens": usage.cached_tokens}
    return {name: value for name, value in told.items() if value} | cached


def _count(value: Any) -> int | None:
    """A count, which the SDK declares as a number with a fraction."""
    return int(value) if type(value) in (int, float) and isfinite(value) else None


def told(value: Any) -> WireError:
    """The error that a JSON value tells: ``{"id", "message", "error_type"}``, and what proxies make of it."""
    outer = value if isinstance(value, Mapping) else {"message": value}
    inner = outer.get("message") or outer.get("error") or outer.get("detail") or ""
    error = inner if isinstance(inner, Mapping) else {"message": inner, "type": outer.get("error_type")}
    message, kind, code, id = error.get("message") or "", error.get("type"), error.get("code"), outer.get("id")
    return WireError(
        message if isinstance(message, str) else payload.dumps(message).decode(),
        kind if isinstance(kind, str) else None,
        str(code) if isinstance(code, (str, int)) else None,
        request_id=id if isinstance(id, str) else None,
    )


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> WireError:
    """What a refused request's body says; a body that is not JSON is itself the message."""
    del status  # the words are in the body, whatever the number
    return msgspec.structs.replace(told(payload.told(body)), retry_after=retry_after(headers))
