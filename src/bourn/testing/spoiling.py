"""Bodies spoilt as networks, proxies and sloppy services spoil them, by a seeded dice: food for the tests of a decoder.

``spoil`` changes bytes blindly, or changes the JSON inside: numbers for strings, ``null`` for objects, huge integers, deep
nesting, lone surrogates, keys that come twice or are gone. Server-sent events, JSON lines, JSON arrays and AWS event streams
(whose checksums are written anew) keep their framing, so that what is spoilt reaches the decoder and not only the framer.

House rule: the same body and the same dice give the same bytes; every way to spoil is a row of a table.
"""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

from bourn.errors import ProtocolError
from bourn.wire.eventstream import EventStreamFramer, encode


class Raw(str):
    """JSON that is written as it stands, also where no writer would write it."""

    __slots__ = ()


DEEP = 100_000
"""Levels of nesting that no recursive reader survives."""

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 7, 1.5, 10**30, -(10**30), float("nan"), float("inf"), -float("inf"), Raw("1e999")),
    *("", "x", "\0", "\u2028", "\ud800", "\udc00x", "\ufffd", "0", "null", "[DONE]", "{", "stop", "tool_calls"),
    *([], {}, [None], [[]], [{}], [0], ["x"], {"": None}, {"type": None}, {"type": 0}, {"type": "x"}, {"text": 5}, {"id": {}}),
    *(Raw("9" * 5000), Raw("[" * 300 + "]" * 300), Raw('{"a":' * 300 + "0" + "}" * 300), Raw("[" * DEEP + "]" * DEEP)),
)
"""What is put in the place of a value."""

ODD_BYTES = (b"\0", b"\r", b"\n", b"\n\n", b"\xff", b"\xef\xbb\xbf", b'"', b"\\", b"{", b"]")
"""What is put between two bytes."""

Place = tuple[Any, Any]
"""A list or dict, and the index or key of a value in it."""


def spoil(body: bytes, dice: random.Random, *, other: bytes = b"") -> bytes:
    """``body`` spoilt in one to four ways; ``other`` is a body to splice it with (by default its own)."""
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        if dice.random() < 0.7:  # most bytes that are changed blindly only break the framing
            body = spoil_payloads(body, dice)
        elif body:
            body = dice.choice(BYTE_WAYS)(body, other or body, dice)
    return body


def spoil_payloads(body: bytes, dice: random.Random) -> bytes:
    """``body`` with the JSON in one of its frames spoilt; unchanged where there is none."""
    try:
        frames = EventStreamFramer().feed(body)
    except ProtocolError:
        frames = []
    if not frames:
        return _spoil_text(body, dice)
    at = dice.randrange(len(frames))
    spoilt = encode(_spoil_inner(frames[at].payload, dice), frames[at].headers)
    whole = [encode(frame.payload, frame.headers) for frame in frames]
    return b"".join([*whole[:at], spoilt, *whole[at + 1 :]])


def spoil_json(data: bytes, dice: random.Random) -> bytes:
    """One JSON document with one value in it spoilt; unchanged where ``data`` is none, or is too deep to be written."""
    try:
        root = [json.loads(data)]
        dice.choice(JSON_WAYS)(dice.choice(list(_places(root))), root, dice)
        return b"".join(_written(value).encode() for value in root)
    except (ValueError, RecursionError):
        return data


def _spoil_text(body: bytes, dice: random.Random) -> bytes:
    """Spoil the object in a line, or all of a body that is one document."""
    if body[:1] == b"[" or body.count(b"\n") <= 1:
        return spoil_json(body, dice)
    lines = body.splitlines(keepends=True)
    at = dice.choice([at for at, line in enumerate(lines) if b"{" in line] or [0])
    lines[at] = re.sub(rb"\{.*\}", lambda found: spoil_json(found[0], dice), lines[at], count=1)
    return b"".join(lines)


def _spoil_inner(payload: bytes, dice: random.Random) -> bytes:
    """Spoil a payload, or the document that it holds under ``bytes``, as Bedrock's ``invoke`` sends it."""
    try:
        inner = base64.b64decode(json.loads(payload)["bytes"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return spoil_json(payload, dice)
    spoilt = base64.b64encode(spoil_json(inner, dice)).decode()
    return dice.choice((spoil_json(payload, dice), *[json.dumps({"bytes": spoilt}).encode()] * 4))


def _places(root: list[Any]) -> Iterator[Place]:
    waiting: list[Any] = [root]
    while waiting:
        holder = waiting.pop()
        for key in holder if isinstance(holder, dict) else range(len(holder)):
            yield holder, key
            if isinstance(holder[key], (dict, list)):
                waiting.append(holder[key])


def _written(value: Any) -> str:
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_written(held)}" for key, held in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value)


# --- ways to spoil JSON: each is given a place in it, the root (a list of one) and the dice ---


def _put_odd(place: Place, root: list[Any], dice: random.Random) -> None:
    holder, key = place
    holder[key] = dice.choice(ODD_VALUES)


def _put_other(place: Place, root: list[Any], dice: random.Random) -> None:
    """A copy of what stands elsewhere in the document."""
    holder, key = place
    there, other = dice.choice(list(_places(root)))
    holder[key] = Raw(_written(there[other]))


def _wrap(place: Place, root: list[Any], dice: random.Random) -> None:
    holder, key = place
    holder[key] = dice.choice(([holder[key]], [holder[key]] * 2, {"x": holder[key]}))


def _drop(place: Place, root: list[Any], dice: random.Random) -> None:
    holder, key = place
    del holder[key]


def _twice(place: Place, root: list[Any], dice: random.Random) -> None:
    """The value again, or its key with an odd value."""
    holder, key = place
    again = f"{json.dumps(key)}:{_written(dice.choice(ODD_VALUES))}" if isinstance(holder, dict) else _written(holder[key])
    holder[key] = Raw(f"{_written(holder[key])},{again}")


def _rename(place: Place, root: list[Any], dice: random.Random) -> None:
    holder, key = place
    if isinstance(holder, dict):
        holder[dice.choice((*holder, "", "type", "error", "\ud800"))] = holder.pop(key)


JSON_WAYS: tuple[Callable[[Place, list[Any], random.Random], None], ...] = (
    *(_put_odd, _put_odd, _put_odd, _put_other),
    *(_wrap, _drop, _twice, _rename),
)
"""Ways to spoil JSON; the most telling one is there thrice."""


# --- ways to spoil bytes: each is given a body that is not empty, another one, and the dice ---


def _span(body: bytes, dice: random.Random) -> tuple[int, int]:
    first = dice.randrange(len(body))
    return first, min(len(body), first + dice.choice((1, 2, 5, 30, 300)))


def _flip(body: bytes, other: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(body))
    return body[:at] + bytes((body[at] ^ 1 << dice.randrange(8),)) + body[at + 1 :]


def _cut(body: bytes, other: bytes, dice: random.Random) -> bytes:
    return body[: dice.randrange(len(body))]


def _lose(body: bytes, other: bytes, dice: random.Random) -> bytes:
    first, end = _span(body, dice)
    return body[:first] + body[end:]


def _repeat(body: bytes, other: bytes, dice: random.Random) -> bytes:
    first, end = _span(body, dice)
    return body[:end] + body[first:end] * dice.choice((1, 2, 9)) + body[end:]


def _splice(body: bytes, other: bytes, dice: random.Random) -> bytes:
    return body[: dice.randrange(len(body))] + other[dice.randrange(len(other)) :]


def _splice_lines(body: bytes, other: bytes, dice: random.Random) -> bytes:
    """The first lines of one and the last of the other, so that frames stay whole."""
    ours, theirs = body.splitlines(keepends=True), other.splitlines(keepends=True)
    return b"".join([*ours[: dice.randrange(len(ours) + 1)], *theirs[dice.randrange(len(theirs) + 1) :]])


def _insert(body: bytes, other: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(body))
    return body[:at] + dice.choice(ODD_BYTES) + body[at:]


BYTE_WAYS: tuple[Callable[[bytes, bytes, random.Random], bytes], ...] = (
    *(_flip, _cut, _lose, _repeat),
    *(_splice, _splice_lines, _insert),
)
"""Ways to spoil bytes."""
