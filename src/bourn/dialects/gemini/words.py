"""The words of Gemini's API that both halves of the dialect share, as tables.

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/troubleshooting, the types of the
official SDK (google-genai 3.4) and the enums of Google's own clients. House rule: a word stands here once, with where it was
seen if it is not in the documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import WireError, retry_after
from bourn.errors import ModelError
from bourn.events import FinishReason, Usage

Json = dict[str, Any]

STREAM, WHOLE = "streamGenerateContent", "generateContent"

PREFIX = "/v1beta/"
PREFIXES = {"v1": "/v1/", "vertex": "/publishers/google/"}
"""Quirk to what stands between the base URL and ``models/``; Vertex has the version and the project in its base URL."""

PATH = (
    r"/v1(?:beta\d?)?/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/[^/]+/)?"
    r"(?:models|tunedModels)/.+:(?:streamGenerateContent|generateContent)"
)
"""The paths that a server answers, those of Vertex too."""

MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
"""``tool_choice`` to the mode of ``functionCallingConfig``; any other word is the name of the one function to call."""

LEVELS = {"none": "low", "minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high"}
"""Effort to ``thinkingLevel`` (Gemini 3 and later): no model of these can be told not to think, and only some know less than
``low`` or more than ``high``."""

BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576}
"""Effort to ``thinkingBudget`` in tokens (Gemini 2.5), as Google's own compatibility layer for OpenAI translates it."""

REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "PUP_LIMITED_DISABLED": "error",
    "LANGUAGE": "other",
    "TOO_MANY_TOOL_CALLS": "other",
    "IMAGE_OTHER": "other",
    "NO_IMAGE": "other",
    "OTHER": "other",
    # the numbers that clients get who ask for ``enum-encoding=int``; from 6 on only those that mean the same on both services
    "1": "stop",
    "2": "length",
    "3": "content_filter",
    "4": "content_filter",
    "5": "other",
    "7": "content_filter",
    "8": "content_filter",
    "11": "content_filter",
}
"""``finishReason`` to the shared word. Google AI and Vertex number the words from 6 on differently."""

STOP_WORDS: dict[FinishReason, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "error": "MALFORMED_RESPONSE",
    "other": "OTHER",
}
"""The shared word to the ``finishReason`` that a server writes for it."""

STATUSES: dict[int, str] = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""HTTP status to the error's ``status``; other 4xx are ``INVALID_ARGUMENT``, other 5xx ``INTERNAL``."""

RETRYABLE = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "INTERNAL", "DEADLINE_EXCEEDED", "ABORTED"})
"""Words for errors inside a 200 stream after which the same request may succeed."""

PART_KINDS = frozenset({"executableCode", "codeExecutionResult", "inlineData", "fileData", "toolCall", "toolResponse"})
"""Parts that are an ``Other``: its payload is the whole part, with the signature that may stand in it."""

CANDIDATE_KINDS = frozenset(
    {
        "groundingMetadata",
        "urlContextMetadata",
        "citationMetadata",
        "safetyRatings",
        "logprobsResult",
        "avgLogprobs",
        "tokenCount",
        "finishMessage",
    }
)
"""Fields of a candidate that are an ``Other``."""

ANSWER_KINDS = frozenset({"promptFeedback", "createTime", "modelStatus"})
"""Fields beside the candidates that are an ``Other``."""

REPEATED = frozenset(
    {"groundingMetadata", "urlContextMetadata", "safetyRatings", "promptFeedback", "createTime", "modelStatus"}
)
"""Kinds that come again on object after object: given again only when they change."""

_SHARED = ("promptTokenCount", "candidatesTokenCount", "cachedContentTokenCount", "thoughtsTokenCount", "totalTokenCount")
COUNTS = frozenset({*_SHARED, "toolUsePromptTokenCount"})
"""Fields of ``usageMetadata`` that are counts."""

USAGE_FIELDS = frozenset(_SHARED)
"""What of ``usageMetadata`` is in :class:`~bourn.events.Usage`; but for the tier, the rest is an ``Other`` of that name."""


def said(word: str | int | None) -> str | None:
    """An enum's word or number as text; ``None`` where it only says that nothing is said."""
    told = str(word) if word else ""
    return None if told in ("", "0") or told.endswith("_UNSPECIFIED") else told


def read_usage(raw: Mapping[str, Any]) -> Usage | None:
    """``usageMetadata`` as ``Usage``: what tools put into the prompt is input, thoughts are output. ``None``: no count told."""
    sent = _sum(raw, "promptTokenCount", "toolUsePromptTokenCount")
    written = _sum(raw, "candidatesTokenCount", "thoughtsTokenCount")
    usage = Usage(sent, written, _sum(raw, "cachedContentTokenCount"), reasoning_tokens=_sum(raw, "thoughtsTokenCount"))
    return None if usage == Usage() else usage


def _sum(raw: Mapping[str, Any], *names: str) -> int | None:
    counts = [raw[name] for name in names if type(raw.get(name)) is int]
    return sum(counts) if counts else None


def write_usage(usage: Usage, rest: Mapping[str, Any]) -> Json:
    """``Usage`` as ``usageMetadata``; ``rest`` is what an ``Other`` of that name tells beside it."""
    tools, thoughts = _sum(rest, "toolUsePromptTokenCount") or 0, usage.reasoning_tokens or 0
    raw = {
        "promptTokenCount": None if usage.input_tokens is None else max(0, usage.input_tokens - tools),
        "candidatesTokenCount": None if usage.output_tokens is None else max(0, usage.output_tokens - thoughts),
        "totalTokenCount": (usage.input_tokens or 0) + (usage.output_tokens or thoughts),
        "cachedContentTokenCount": usage.cached_tokens,
        "thoughtsTokenCount": usage.reasoning_tokens,
        **rest,
    }
    return {name: count for name, count in raw.items() if count is not None}


def read_error_body(value: Any) -> WireError:
    """An error's JSON: ``{"error": {"code", "message", "status", "details"}}``, also in an array, as Vertex sends it.

    Gateways' shapes are read too: an ``error`` that is a text, and a bare ``message``. The message is empty where none is told.
    """
    if isinstance(value, list):
        value = value[0] if value else {}
    value = value if isinstance(value, dict) else {"message": value}
    error = value.get("error") or value
    error = error if isinstance(error, dict) else {"message": error}
    message, status, code = error.get("message") or "", error.get("status"), error.get("code")
    return WireError(
        message if isinstance(message, str) else payload.dumps(message).decode(),
        status if isinstance(status, str) else None,
        None if code is None else str(code),
        _retry_delay(error.get("details")),
    )


def _retry_delay(details: Any) -> float | None:
    """The wait of a ``google.rpc.RetryInfo`` among an error's details, in seconds; a duration is a text such as ``"48.9s"``."""
    for detail in details if isinstance(details, Iterable) else ():
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith("google.rpc.RetryInfo"):
            found = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(detail.get("retryDelay")))
            return float(found[1]) if found else None
    return None


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> WireError:
    """What a refused request's body says; a body that is not JSON is itself the message."""
    del status  # the words are in the body, whatever the number
    error = read_error_body(payload.told(body))
    wait = retry_after(headers)
    return error if wait is None else msgspec.structs.replace(error, retry_after=wait)


def in_stream(value: Any) -> ModelError:
    """The exception for an error object inside a 200 stream; raise it."""
    error = read_error_body(value)
    message = error.message or "the service reported an error without a message"
    return ModelError(message, code=error.code, type=error.type, retryable=error.type in RETRYABLE)


def write_error(status: int, error: WireError) -> Json:
    """An error as Google writes it; a type of another dialect becomes the word of the status."""
    usual = STATUSES.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    word = error.type if error.type is not None and error.type.isupper() else usual
    body: Json = {"code": int(error.code) if error.code and error.code.isdecimal() else status}
    body |= {"message": error.message, "status": word}
    if error.retry_after is not None:
        delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{error.retry_after:g}s"}
        body["details"] = [delay]
    return {"error": body}
