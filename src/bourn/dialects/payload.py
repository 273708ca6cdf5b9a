"""JSON payloads to typed structs, strict where it is cheap and lenient where services are sloppy.

The fast way is one typed msgspec decode of the fields that are used. What that refuses is tried once more in the slow way,
which reads what real services send all the same: invalid UTF-8 becomes U+FFFD (the WHATWG rule), as do lone surrogates, and
``NaN`` is let in. What even that cannot read raises ``PayloadError`` with the raw bytes: a frame is never skipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

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


STRAYS = "$strays"
"""What a struct names the field in which :func:`decode_all` puts what nobody knows of."""


def decode_all(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """As :func:`decode`, for structs that forbid unknown fields: these are not refused, they are gathered under ``STRAYS``.

    They are put into the struct that they stand in, or the nearest one around it that has such a field; what is null or empty
    says nothing and is left out. A payload without unknown fields costs what it costs without this.
    """
    try:
        return decoder.decode(data)
    except UNREADABLE:
        value, wanted = decode(_ANYTHING, data), decoder.type
    try:
        return msgspec.convert(_gathered(value, _shape(wanted), {}), wanted)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _undecodable(str(error), data) from error


_shape: Callable[[Any], inspect.Type] = cache(inspect.type_info)
"""What a type says of its fields, looked up once."""


def _gathered(value: Any, shape: inspect.Type, strays: dict[str, Any]) -> Any:
    """``value`` with nothing in its objects but what is known; only structs are entered."""
    if isinstance(shape, inspect.UnionType):
        wanted = inspect.StructType if isinstance(value, dict) else inspect.ListType
        inner = next((one for one in shape.types if isinstance(one, wanted)), None)
        return value if inner is None else _gathered(value, inner, strays)
    if isinstance(shape, inspect.ListType) and isinstance(value, list):
        return [_gathered(one, shape.item_type, strays) for one in value]
    if not (isinstance(shape, inspect.StructType) and isinstance(value, dict)):
        return value
    known = {field.encode_name: field.type for field in shape.fields}
    own: dict[str, Any] = {} if known.pop(STRAYS, None) is not None else strays
    own |= {name: told for name, told in value.items() if name not in known and told not in (None, "", [], {})}
    out = {name: _gathered(told, known[name], own) for name, told in value.items() if name in known}
    return {**out, STRAYS: own} if own and own is not strays else out


def dumps(value: object) -> bytes:
    """Compact JSON, non-ASCII kept, key order as given."""
    return msgspec.json.encode(value)
