"""Anthropic's Messages API inside Bedrock's ``POST /model/{modelId}/invoke-with-response-stream``: the dialect, both halves.

Bodies and events are Anthropic's own (see ``anthropic``); what is Bedrock's is the path, the version in the body, the messages
of the event stream around the events, and the refusals. Bodies of other families have formats of their own: for those models
use ``bedrock-converse``.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
and the recordings. House rule: nothing of Anthropic's is written here a second time.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from bourn.dialects import payload
from bourn.dialects.anthropic import parse as anthropic_parse
from bourn.dialects.anthropic import request as anthropic_request
from bourn.dialects.anthropic.decoder import AnthropicDecoder
from bourn.dialects.anthropic.server import AnthropicEncoder, encode_whole
from bourn.dialects.base import Dialect, HttpCall, WireError
from bourn.dialects.bedrock.words import (
    ERROR_MESSAGES,
    MEDIA_TYPE,
    encode_error,
    error_headers,
    path,
    read_error,
    read_exception,
    read_other,
    read_path,
    write,
    write_exception,
)
from bourn.errors import InputError, PayloadError
from bourn.events import Event, Other
from bourn.messages import Image, Message, Part, Request, ToolResult
from bourn.wire.eventstream import EventStreamFrame, EventStreamFramer
from bourn.wire.sse import SSEFramer

STREAM = "invoke-with-response-stream"
WHOLE = "invoke"
VERSION = "bedrock-2023-05-31"
"""Sent as ``anthropic_version`` in the body, as recorded. Anthropic's client of 2026-10 sends the date of its API's version."""

FAMILIES: dict[str, str] = {
    "completion": "Claude's old text completions",
    "messageStart": "Amazon Nova",
    "contentBlockDelta": "Amazon Nova",
    "outputText": "Amazon Titan",
    "generation": "Llama",
    "outputs": "Mistral",
    "generations": "Cohere",
    "is_finished": "Cohere",
    "event_type": "Cohere",
    "choices": "an OpenAI-like model",
}
"""A key of an answer in another format to whose format that is, as recorded (``bedrock-invoke``)."""

_TYPE = b'{"type":"'


class _Chunk(msgspec.Struct, frozen=True, gc=False, rename={"data": "bytes"}):
    data: bytes | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_OBJECT = msgspec.json.Decoder(dict[str, Any])


class InvokeDecoder(AnthropicDecoder):
    """Events of one answer: Anthropic's, out of their messages. Bedrock's metrics of the call come as an ``Other``."""

    def feed(self, frame: EventStreamFrame) -> Sequence[Event]:  # type: ignore[override]  # the same behind another framing
        """The events of one message. Raises ``ModelError``, ``PayloadError``, ``TruncatedError``."""
        if self.done:
            return ()
        headers = frame.headers
        if headers.get(":message-type") in ERROR_MESSAGES:
            return self._on_exception(frame)
        if headers.get(":event-type") != "chunk":
            return self._begun([read_other(frame)])
        data = payload.decode(_CHUNK, frame.payload).data
        if data is None:  # aimock 1.43 sends the event bare
            data = frame.payload
        if not self._started:
            self._check(data)
        return self.feed_payload(data, _name(data))

    def _check(self, data: bytes) -> None:
        """What comes before the message's start shows whose format it is."""
        value = payload.decode(_OBJECT, data)
        family = next((FAMILIES[key] for key in value if key in FAMILIES), None)
        if family is not None:
            raise PayloadError(
                f"the answer is in the format of {family}, and bedrock-invoke reads Anthropic's only; "
                "use the dialect bedrock-converse",
                raw=data,
            )

    def _on_exception(self, frame: EventStreamFrame) -> Sequence[Event]:
        """An exception ends the answer, unless its end evidence came before: then only what was to follow is missing."""
        error = read_exception(frame)
        if not self.ended:
            raise error
        return [Other(error.type or "exception", error.message), *self.close()]


def _name(data: bytes) -> str:
    """The name of an event that begins with its type, as all do; so the decoder need not look for it."""
    if not data.startswith(_TYPE):
        return ""
    start = len(_TYPE)
    return data[start : data.find(b'"', start)].decode("utf-8", "replace")


def call(request: Request) -> HttpCall:
    """The request as HTTP: Anthropic's body with the model in the path, and see ``anthropic_request.call``.

    Bedrock takes images as bytes only; those by URL are left out, with a warning.
    """
    warnings: list[str] = []
    messages = tuple(Message(one.role, _without_links(one.parts, warnings)) for one in request.messages)
    inner = anthropic_request.call(msgspec.structs.replace(request, messages=messages))
    body = payload.decode(_OBJECT, inner.body)
    body = {name: value for name, value in body.items() if name not in ("model", "stream") or name in request.options.extra}
    where = path(request.model, STREAM if request.stream else WHOLE)
    return HttpCall(
        where, payload.dumps({"anthropic_version": VERSION} | body), warnings=tuple(dict.fromkeys([*warnings, *inner.warnings]))
    )


def _without_links(parts: Sequence[Any], warnings: list[str]) -> tuple[Any, ...]:
    kept: list[Part] = []
    for part in parts:
        if isinstance(part, Image) and part.data is None:
            warnings.append("an image by URL is left out: Bedrock takes bytes; pass its data=")
        elif isinstance(part, ToolResult) and not isinstance(part.content, str):
            kept.append(msgspec.structs.replace(part, content=_without_links(part.content, warnings)))
        else:
            kept.append(part)
    return tuple(kept)


def parse(call: HttpCall) -> Request:
    """The request in a call of ``invoke-with-response-stream``, or, with ``stream`` false, of ``invoke``.

    Raises ``InputError`` with the message that the API would give, to be sent as status 400.
    """
    model, operation = read_path(call.path)
    try:
        body = msgspec.json.decode(call.body, type=dict[str, Any])
    except payload.UNREADABLE as error:
        raise InputError("Malformed input request, please reformat your input and try again.") from error
    if (stray := next((name for name in ("model", "stream") if name in body), None)) is not None:
        raise InputError(
            f"Malformed input request: #: extraneous key [{stray}] is not permitted, please reformat your input and try again."
        )
    if not isinstance(body.pop("anthropic_version", None), str):
        raise InputError(f"anthropic_version: Field required; for example {VERSION!r}")
    told = {**body, "model": model, "stream": operation == STREAM}
    return anthropic_parse.parse(HttpCall(call.path, payload.dumps(told), call.headers))


class InvokeEncoder:
    """Writes one answer as ``AnthropicEncoder`` does, each event in a message instead of a server-sent event."""

    def __init__(self, request: Request) -> None:
        self._inner = AnthropicEncoder(request)

    def encode(self, event: Event) -> bytes:
        """The bytes that ``event`` becomes; empty when they come with a later event."""
        frames = SSEFramer(sys.maxsize).feed(self._inner.encode(event))  # our own bytes need no limit
        return b"".join(write("chunk", {"bytes": frame.data}) for frame in frames if frame.event != "ping")  # Bedrock has none

    def error(self, error: WireError) -> bytes:
        """An exception, as sent after a 200."""
        return write_exception(error)


DIALECT = Dialect(
    name="bedrock-invoke",
    root="",
    media_types=(MEDIA_TYPE,),
    framer=EventStreamFramer,
    call=call,
    decoder=InvokeDecoder,
    read_error=read_error,
    parse=parse,
    encoder=InvokeEncoder,
    encode_whole=encode_whole,
    encode_error=encode_error,
    error_headers=error_headers,
    paths=(f"/model/.+/{STREAM}", f"/model/.+/{WHOLE}"),
)
"""Anthropic's Messages API inside Bedrock's ``invoke``."""
