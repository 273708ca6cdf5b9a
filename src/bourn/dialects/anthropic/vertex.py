"""Anthropic's Messages API at Google's Vertex: ``POST .../publishers/anthropic/models/{model}:streamRawPredict``; both halves.

Bodies and events are Anthropic's own (see ``anthropic``); what is Vertex's is the path, which has the model in it, the version
in the body in the place of a header, the bearer token, and what Google itself refuses.

Source: https://docs.claude.com/en/api/claude-on-vertex-ai, Anthropic's own client, and recordings of 2025-02 to 2026-08.
House rule: nothing of Anthropic's is written here a second time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from bourn.dialects import payload
from bourn.dialects.anthropic import parse as anthropic_parse
from bourn.dialects.anthropic import request as anthropic_request
from bourn.dialects.anthropic import words
from bourn.dialects.anthropic.decoder import DIALECT as MESSAGES
from bourn.dialects.base import HttpCall, WireError
from bourn.dialects.gemini import words as google
from bourn.errors import InputError
from bourn.messages import Request

VERSION = "vertex-2023-10-16"
"""Sent as ``anthropic_version`` in the body, as recorded. Anthropic's client of 2026-10 sends the date of its API's version."""

STREAM, WHOLE = "streamRawPredict", "rawPredict"

_PATH = re.compile(rf".*/publishers/anthropic/models/([^/?]+):({STREAM}|{WHOLE})(?:\?.*)?")
_OBJECT = msgspec.json.Decoder(dict[str, Any])


def call(request: Request) -> HttpCall:
    """The request as HTTP: Anthropic's body with the model in the path, and see ``anthropic_request.call``."""
    inner = anthropic_request.call(request)
    told = payload.decode(_OBJECT, inner.body)
    body = {"anthropic_version": VERSION, **told}
    if "model" not in request.options.extra:
        del body["model"]
    where = f"/publishers/anthropic/models/{quote(request.model, safe='@')}:{STREAM if request.stream else WHOLE}"
    headers = {name: value for name, value in inner.headers.items() if name != "anthropic-version"}
    return msgspec.structs.replace(inner, path=where, body=payload.dumps(body), headers=headers)


def parse(call: HttpCall) -> Request:
    """The request in a call of either operation. Raises ``InputError`` with the message that the API would give."""
    found = _PATH.fullmatch(call.path)
    if found is None:
        raise InputError(f"no model and operation in the path {call.path!r}")
    try:
        body = msgspec.json.decode(call.body, type=dict[str, Any])
    except payload.UNREADABLE as error:
        raise InputError(f"The request body is not valid JSON: {error}") from error
    if not isinstance(body.pop("anthropic_version", None), str):
        raise InputError(f"anthropic_version: Field required; for example {VERSION!r}")
    if "model" in body:
        raise InputError("model: Extra inputs are not permitted")
    told = {**body, "model": unquote(found[1]), "stream": found[2] == STREAM}
    return anthropic_parse.parse(HttpCall(call.path, payload.dumps(told), call.headers))


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> WireError:
    """What a refused request's body says: Anthropic's words, or Google's, which refuses before Anthropic is asked."""
    value = payload.told(body)
    outer = value[0] if isinstance(value, list) and value else value
    error = outer.get("error") if isinstance(outer, dict) else None
    if isinstance(error, dict) and "status" in error:
        return google.read_error(status, headers, body)
    return words.read_error(status, headers, body)


DIALECT = msgspec.structs.replace(
    MESSAGES,
    name="anthropic-vertex",
    root="/v1/projects/PROJECT/locations/global",
    call=call,
    parse=parse,
    read_error=read_error,
    auth=("authorization", "Bearer "),
    paths=(f"/publishers/anthropic/models/[^/]+:(?:{STREAM}|{WHOLE})",),
)
"""Anthropic's Messages API at Vertex."""
