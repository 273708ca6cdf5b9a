"""The words of Ollama's native API that both halves share: reasons, levels of thinking, errors, kinds of ``Other``.

Sources: https://docs.ollama.com/api and ``api/types.go`` of https://github.com/ollama/ollama (August 2026).
House rule: a word stands here once. The fields of ``LineOthers`` are the table of kinds: a new one is one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import WireError, retry_after
from bourn.dialects.form import Form
from bourn.dialects.logprobs import read_rows, write_rows
from bourn.events import FinishReason, Logprobs

PATH = "/api/chat"

REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "load": "other",  # the model was loaded, nothing was asked
    "unload": "other",
}
"""``done_reason`` to the shared word. There is none for tool calls: an answer with calls that ends with ``stop`` is one."""

DONE_WORDS: dict[FinishReason, str] = {"stop": "stop", "length": "length", "tool_calls": "stop"}
"""The shared word to the ``done_reason`` that a server writes; the others have none, so it is left out."""

THINK: dict[str, bool | str] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
}
"""Effort to ``think``."""

RETRYABLE = frozenset({"429", "500", "502", "503", "504"})
"""Statuses that a line with an error may bring, after which the same request may succeed."""


class LineOthers(msgspec.Struct, gc=False):
    """Kinds of ``Other`` at the top of a line."""

    logprobs: Any = None
    image: Any = None  # image models, with the two below
    completed: Any = None
    total: Any = None
    remote_model: Any = None  # a local server that asks the cloud, on every line
    remote_host: Any = None
    context: Any = None  # /api/generate
    total_duration: Any = None  # nanoseconds, as those below
    load_duration: Any = None
    prompt_eval_duration: Any = None
    eval_duration: Any = None


LOGPROBS = Form("logprobs", lambda raw: Logprobs(read_rows(raw)), lambda event: write_rows(event.tokens))
"""Of a line."""

REPEATED = frozenset({"remote_model", "remote_host"})
"""Kinds that come on line after line: given again only when they change."""

LAST = frozenset({"context", "total_duration", "load_duration", "prompt_eval_duration", "eval_duration"})
"""Kinds that belong to the last line."""


def told(value: Any) -> WireError:
    """The error that a JSON value tells: ``{"error": "text"}``, and what proxies make of it.

    A line in mid-stream may have the status that the cloud gave, as ``StatusCode`` or ``status``; it is the ``code`` then.
    """
    outer = value if isinstance(value, Mapping) else {"error": value}
    inner = outer.get("error") or outer.get("message") or outer.get("detail") or ""
    error = inner if isinstance(inner, Mapping) else {"message": inner}
    message, kind = error.get("message") or "", error.get("type")
    code = error.get("code") or outer.get("StatusCode") or outer.get("status")
    return WireError(
        message if isinstance(message, str) else payload.dumps(message).decode(),
        kind if isinstance(kind, str) else None,
        str(code) if isinstance(code, (str, int)) else None,
    )


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> WireError:
    """What a refused request's body says; a body that is not JSON is itself the message."""
    del status  # the words are in the body, whatever the number
    return msgspec.structs.replace(told(payload.told(body)), retry_after=retry_after(headers))
