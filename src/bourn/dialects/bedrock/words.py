"""The words that Amazon Bedrock's two dialects share: paths, refusals, exceptions in mid-stream, messages of the event stream.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html, the service model
in botocore 1.44, https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html and the recordings. House rule: a word stands
here once, with where it was seen if it is not in the documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote
from zlib import crc32

import msgspec

from bourn.dialects import payload
from bourn.dialects.base import WireError, retry_after
from bourn.errors import InputError, ModelError
from bourn.events import Other
from bourn.wire import eventstream
from bourn.wire.eventstream import EventStreamFrame

MEDIA_TYPE = "application/vnd.amazon.eventstream"

ERROR_MESSAGES = frozenset({"exception", "error"})
"""Values of ``:message-type`` that end a stream: an error that the API describes, and one that it does not."""

ERROR_TYPES: dict[int, str] = {
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
"""HTTP status to the error's type; other 4xx are ``ValidationException``, other 5xx ``InternalServerException``."""

RETRYABLE = frozenset(
    {
        "internalServerException",
        "modelStreamErrorException",
        "modelTimeoutException",
        "serviceUnavailableException",
        "throttlingException",
    }
)
"""Types of exceptions in mid-stream after which the same request may succeed."""

_ANYTHING = msgspec.json.Decoder(Any)
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_TOKEN = re.compile(r"(x-amz-security-token:)\S+", re.IGNORECASE)
_PATH = re.compile(r"/model/(?P<model>.+)/(?P<operation>[a-z-]+)")


def path(model: str, operation: str) -> str:
    """The path of a call; the model's id, which may be an ARN with slashes and colons, is one segment of it."""
    return f"/model/{quote(model, safe='')}/{operation}"


def read_path(path: str) -> tuple[str, str]:
    """Model and operation of a path, quoted or not. Raises ``InputError``."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise InputError(f"{path} is no path of Bedrock's: it has the form /model/MODEL/OPERATION")
    return unquote(found["model"]), found["operation"]


def write(event: str, value: dict[str, Any]) -> bytes:
    """An event as a message, padded as Bedrock pads so that its length tells little (here by the bytes, not by chance)."""
    length = crc32(payload.dumps(value)) % len(_PADDING)
    return _message(":event-type", event, "event", {**value, "p": _PADDING[:length]})


def write_exception(error: WireError) -> bytes:
    """An exception in mid-stream; one without a type of Bedrock's is a ``modelStreamErrorException``."""
    name = _own_type(error) or "modelStreamErrorException"
    value: dict[str, Any] = {"message": error.message}
    if error.code is not None and error.code.isdigit():
        value["originalStatusCode"] = int(error.code)
    return _message(":exception-type", name[0].lower() + name[1:], "exception", value)


def _message(key: str, name: str, kind: str, value: dict[str, Any]) -> bytes:
    headers = {key: name, ":content-type": "application/json", ":message-type": kind}
    return eventstream.encode(payload.dumps(value), headers)


def read_exception(frame: EventStreamFrame) -> ModelError:
    """The error that a message of :data:`ERROR_MESSAGES` is, in the provider's words.

    The code is the status that the model's own server gave (``originalStatusCode``), where it is told.
    """
    headers, body = frame.headers, _body(frame.payload)
    kind = headers.get(":exception-type", headers.get(":error-code"))
    message = body.get("message") or body.get("originalMessage") or headers.get(":error-message")
    code = body.get("originalStatusCode")
    return ModelError(
        _text(message or "the provider sent an exception without a message"),
        code=None if code is None else str(code),
        type=None if kind is None else str(kind),
        retryable=kind in RETRYABLE,
    )


def read_other(frame: EventStreamFrame) -> Other:
    """An event that is not known; it may have no payload. Raises ``PayloadError``."""
    name = frame.headers.get(":event-type")
    return Other(str(name or "event"), payload.decode(_ANYTHING, frame.payload) if frame.payload else None)


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> WireError:
    """What a refused request says: ``{"message"}``, with the type in a header; a body that is not JSON is the message.

    The header may name the error's namespace after a colon (``X:http://internal…``); without it the type may be in the body.
    A signature that does not fit is refused with all that should have been signed, the session's token included: it is cut out.
    """
    del status  # the words are in the header and the body, whatever the number
    told = {name.lower(): value for name, value in headers.items()}
    value = _body(body)
    for name in ("Output", "error"):  # an operation that does not exist; a gateway that has another provider's words
        value |= value[name] if isinstance(value.get(name), dict) else {}
    message = value.get("message") or value.get("Message") or ""
    kind = told.get("x-amzn-errortype") or value.get("__type") or value.get("code") or value.get("type")
    return WireError(
        _TOKEN.sub(r"\1***", _text(message)),
        kind.partition(":")[0].rpartition("#")[2] if isinstance(kind, str) else None,
        retry_after=retry_after(headers),
    )


def _body(data: bytes) -> dict[str, Any]:
    value = payload.told(data)
    return value if isinstance(value, dict) else {"message": value}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else payload.dumps(value).decode()


def encode_error(status: int, error: WireError) -> bytes:
    """The body of a refused request; the type goes into a header, see :func:`error_headers`."""
    del status
    return payload.dumps({"message": error.message})


def error_headers(status: int, error: WireError) -> dict[str, str]:
    """The header that names the type: the error's own where it is one of AWS's, else the one of the status."""
    usual = ERROR_TYPES.get(status, "InternalServerException" if status >= 500 else "ValidationException")
    return {"x-amzn-errortype": _own_type(error) or usual}


def _own_type(error: WireError) -> str | None:
    return error.type if error.type is not None and error.type.endswith("Exception") else None
