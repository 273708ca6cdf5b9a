"""JSON payloads to typed structs, strict where it is cheap and lenient where services are sloppy.

The fast way is one typed msgspec decode of the fields that are used. What that refuses is tried once more in the slow way,
which reads what real services send all the same: invalid UTF-8 becomes U+FFFD (the WHATWG rule), as do lone surrogates, and
``NaN`` is let in. What even that cannot read raises ``PayloadError`` with the raw bytes: a frame is never skipped.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from bourn.errors import PayloadError

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the wanted JSON; so that no reader forgets one of them."""

_ANYTHING = msgspec.json.Decoder(Any)


def told(body: bytes) -> Any:
    """What the body of a refused request holds: any JSON, sloppy or not; where it is none, the body itself as text."""
    try:
        return decode(_ANYTHING, body)
    except PayloadError:
        return body.decode("utf-8", "replace").strip()


def decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """``data`` as the decoder's type. Raises ``PayloadError`` with ``raw`` where it is not JSON of that shape."""
    try:
        return decoder.decode(data)
    except UNREADABLE:
        return _slow(decoder.type, data)


def _slow(type_: type[T], data: bytes) -> T:
    try:
        value = json.loads(data.decode("utf-8", "replace"))
        clean = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return msgspec.convert(json.loads(clean), type_)
    except RecursionError as error:
        raise _undecodable("it is nested too deeply", data) from error
    except (ValueError, msgspec.ValidationError) as error:
        raise _undecodable(str(error), data) from error


def _undecodable(why: str, data: bytes) -> PayloadError:
    shown = data[:120].decode("utf-8", "replace")
    return PayloadError(f"undecodable payload ({why}): {shown!r}", raw=data)


def dumps(value: object) -> bytes:
    """Compact JSON, non-ASCII kept, key order as given."""
    return msgspec.json.encode(value)
