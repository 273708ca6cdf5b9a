"""Checks of a value at a place; what they refuse is an ``InputError`` that names the place, the wish and what came instead.

House rule: a value is shown only where it is short; a prompt's text has no place in an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from bourn.errors import InputError

S = TypeVar("S", bound=msgspec.Struct)
LeftOut = Callable[[str], None]
"""Called with a sentence for what was understood but has no room in the vocabulary."""


def refuse(what: str) -> None:
    """The strict ``left_out``: raises ``InputError``."""
    raise InputError(what)


def wrong(place: str, wanted: str, got: Any) -> InputError:
    """The error to raise for a value that is not what was wanted."""
    return InputError(f"{place}: wanted {wanted}, got {shown(got)}")


def shown(value: Any) -> str:
    """A short value as it is, anything else by its type: a prompt's text has no place in an error."""
    if value is None or isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= 30):
        return repr(value)
    return f"{type(value).__name__} of length {len(value)}" if isinstance(value, (str, list, tuple)) else type(value).__name__


def string(value: Any, place: str) -> str:
    """The value, if it is a string."""
    if not isinstance(value, str):
        raise wrong(place, "a string", value)
    return value


def mapping(value: Any, place: str, wanted: str = "a dict") -> Mapping[str, Any]:
    """The value, if it is a mapping."""
    if not isinstance(value, Mapping):
        raise wrong(place, wanted, value)
    return value


def json_object(value: Any, place: str) -> dict[str, Any]:
    """The dict, if it can be sent as a JSON object."""
    held = dict(mapping(value, place))
    try:
        msgspec.json.encode(held)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{place}: cannot be sent as JSON: {error}") from error
    return held


def valid(value: S, place: str) -> S:
    """A struct of the caller's with the types that its class declares, which Python did not check when it was made."""
    try:
        plain = msgspec.to_builtins(value, builtin_types=(bytes,))
    except (TypeError, ValueError) as error:
        raise InputError(f"{place}: {error}") from error
    return converted(plain, type(value), place)


def converted(fields: Any, type_: type[S], place: str) -> S:
    """The struct of a class made of plain fields, with the types that the class declares."""
    try:
        return msgspec.convert(fields, type_, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise InputError(f"{place}{where.removesuffix('`')}: {what.replace('`', '')}") from error


def report_unread(value: Mapping[str, Any], read: frozenset[str], place: str, left_out: LeftOut) -> None:
    """Give ``left_out`` a sentence for each key that holds something and is not read."""
    for key, held in value.items():
        if key not in read and held not in (None, [], {}, ""):
            left_out(f"{place}.{key}: there is no room for it here; known are {', '.join(sorted(read))}")
