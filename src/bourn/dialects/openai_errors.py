"""What the services of the OpenAI family say when they refuse or fail, in every shape seen, and how OpenAI itself writes it.

Shapes of a refused request's body, all from real traffic: ``{"error": {message, type, param, code}}`` is the nominal one; then
the same without ``error`` around it (Cerebras, Mistral), ``{"code", "error": "text"}`` (xAI), ``{"error": "text"}`` (Hugging
Face, Baseten), ``{"detail": "text"}`` and ``{"detail": [{"msg"}]}`` (FastAPI servers), ``{"errors": [{...}]}`` (Cloudflare),
text, HTML.

House rule: the words are the service's own; what it did not say is ``None``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import WireError, retry_after
from bourn.errors import ModelError

RETRYABLE = frozenset({"server_error", "rate_limit_exceeded", "429", "500", "502", "503", "504", "529"})
"""Codes and types inside a 200 stream that say *try again*: OpenAI's words, and the HTTP statuses that gateways put there."""


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> WireError:
    """The error of a refused request. A body that is not JSON is itself the message; a date in ``Retry-After`` is not read."""
    del status  # the words are in the body, whatever the number
    value = payload.told(body)
    said = told(value) if isinstance(value, dict) else WireError(body.decode("utf-8", "replace").strip())
    return msgspec.structs.replace(said, retry_after=retry_after(headers))


def told(value: Mapping[str, Any]) -> WireError:
    """The error that a JSON object tells, nested or flat."""
    inner = value.get("error") or value.get("errors") or value
    if isinstance(inner, list):
        inner = inner[0] if inner else {}
    request_id = _word(value.get("request_id"))  # Alibaba, Mistral
    if not isinstance(inner, Mapping):
        kind = value.get("type") or value.get("error_type")  # Hugging Face TGI
        return WireError(str(inner), _word(kind), _word(value.get("code")), request_id=request_id)
    kind = inner.get("type") or (inner.get("status") if inner is not value else None)
    return WireError(_message(inner), _word(kind), _word(inner.get("code")), request_id=request_id)


def in_stream(value: Mapping[str, Any]) -> ModelError:
    """The exception for an error object that came inside a 200 stream; raise it."""
    said = told(value)
    retryable = said.code in RETRYABLE or said.type in RETRYABLE
    message = said.message or "the service reported an error without a message"
    return ModelError(message, code=said.code, type=said.type, retryable=retryable, request_id=said.request_id)


def error_body(error: WireError) -> dict[str, Any]:
    """The ``error`` object as OpenAI writes it."""
    return {"message": error.message, "type": error.type, "param": None, "code": error.code}


def encode_error(status: int, error: WireError) -> bytes:
    """The body of a refused request as OpenAI writes it."""
    del status  # it is in the head of the answer
    return payload.dumps({"error": error_body(error)})


def _message(value: Mapping[str, Any]) -> str:
    """The sentence of an error object; validation errors are several, joined."""
    said = value.get("message") or value.get("detail") or ""
    if isinstance(said, list):
        return "; ".join(str(one.get("msg", one)) if isinstance(one, Mapping) else str(one) for one in said)
    return said if isinstance(said, str) else json.dumps(said)


def _word(value: object) -> str | None:
    """A code or type as text: some services send numbers."""
    return str(value) if isinstance(value, (str, int)) and value != "" else None
