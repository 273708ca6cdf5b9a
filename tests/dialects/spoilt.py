"""What holds of any input whatever, checked of one: a body for a decoder, an error's body, a request.

Each check raises ``AssertionError`` with what was wrong; an exception outside the tree of ``BournError`` passes through it.
House rule: the same checks judge the tests with seeds and the search for inputs that is guided by coverage (``bench.fuzz``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bourn import dialects
from bourn.dialects.base import Dialect, HttpCall, WireError
from bourn.errors import BournError, EventOrderError, InputError
from bourn.events import (
    AnyEvent,
    Event,
    Finish,
    OrderCheck,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.messages import Message, Request
from bourn.response import Response
from bourn.wire.base import FRAME_LIMIT, Framer
from tests.dialects.test_docs import FORMATS
from tests.recordings import Recording, cuts, recordings

OURS = tuple(name for name, module in dialects.DIALECTS.items() if module.startswith("bourn."))
"""The names of the library's dialects: tests may register others."""

SMALL = 20_000
"""Recordings above this many bytes are left out: they are no odder than the others, and slower."""

Outcome = tuple[list[Event], str | None, Usage | None]
"""The events of a body, the error that ended them, and the usage told."""


def reads(dialect: Dialect, body: bytes, cut: str, *, media_type: str = "") -> None:
    """A decoder gives legal events of the right types, or an error of the tree; and the same at the cuts that ``cut`` seeds."""
    framer = dialect.framings().get(media_type, dialect.framer)
    whole, pieces = _outcome(dialect, framer, [body]), _outcome(dialect, framer, cuts(body, "random", cut))
    assert repr(pieces) == repr(whole), "what comes out depends on the cuts"  # as text, where NaN equals itself


def _outcome(dialect: Dialect, make: Callable[[int], Framer[Any]], chunks: Iterable[bytes]) -> Outcome:
    framer, decoder = make(FRAME_LIMIT), dialect.decoder()
    order, response = OrderCheck(), Response()
    events: list[Event] = []

    def take(given: Iterable[Event]) -> None:
        for event in given:
            try:
                order.feed(event)
            except EventOrderError as error:
                raise AssertionError(f"illegal order: {error}") from error
            sound(event, AnyEvent)
            response.fold(event)
            events.append(event)

    error = None
    try:
        for chunk in (*chunks, b""):  # the empty one, for the error that the last frames came before
            for frame in framer.feed(chunk):
                take(decoder.feed(frame))
                if decoder.done:
                    break
            if decoder.done:
                break
        else:
            framer.close()
            take(decoder.close())
    except BournError as raised:
        error = f"{type(raised).__name__}: {raised}"
        error.encode()
    sound(decoder.usage, Usage | None)
    sound(response.message, Message)
    return events, error, decoder.usage


def sound(value: Any, type_: Any) -> None:
    """The fields have the types that they are declared to have, and no text has half a character in it."""
    plain = msgspec.to_builtins(value)
    try:
        msgspec.convert(plain, type_)
        json.dumps(plain, ensure_ascii=False, default=str).encode()
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise AssertionError(f"{value!r:.300} is not sound: {error}") from error


def reads_error(dialect: Dialect, status: int, headers: dict[str, str], body: bytes) -> None:
    """A refused request's body is read, whatever it is, and what was read can be written."""
    error = dialect.read_error(status, headers, body)
    sound(error, WireError)
    dialect.encode_error(status, error)
    sound(dict(dialect.error_headers(status, error)), dict[str, str])
    dialect.encoder(Request("m", (Message("user", "hi"),))).error(error)


def reads_request(dialect: Dialect, path: str, body: bytes) -> None:
    """A request is read or refused with ``InputError``; one that was read can be answered, and sent on or refused."""
    try:
        request = dialect.parse(HttpCall(path, body))
    except InputError as error:
        str(error).encode()
        return
    sound(request.messages, tuple[Message, ...])
    encoder = dialect.encoder(request)
    for event in answer(dialect):
        encoder.encode(event)
    dialect.encode_whole(request, answer(dialect))
    try:
        dialect.call(request)
    except InputError as error:
        str(error).encode()


def answer(dialect: Dialect) -> list[Event]:
    """An answer with one part of each kind that the format has."""
    parts: dict[str, list[Event]] = {
        "reasoning": [ReasoningStart(0), ReasoningDelta(0, "They ask."), ReasoningEnd(0, "c2ln")],
        "text": [TextStart(1), TextDelta(1, "Hi, "), TextDelta(1, "W\u00f6rld"), TextEnd(1)],
        "tool_call": [ToolCallStart(2, "c1", "f"), ToolCallDelta(2, '{"x": '), ToolCallDelta(2, "[1]}"), ToolCallEnd(2)],
        "refusal": [RefusalStart(3), RefusalDelta(3, "No."), RefusalEnd(3)],
    }
    said = [event for kind, events in parts.items() if kind in dialect.parts for event in events]
    return [Start("id", "m"), *said, Finish("stop", usage=Usage(11, 7, 3))]


class Sample(msgspec.Struct, frozen=True):
    """A request, and the body that answered it: recorded, or written by our own server half."""

    name: str
    body: bytes
    status: int = 200
    media_type: str = ""
    path: str = "/"
    asked: bytes = b"{}"


@cache
def samples(name: str) -> tuple[Sample, ...]:
    """What there is to spoil for the dialect of that name; where there is no recorded traffic, only what we write ourselves."""
    dialect = dialects.get(name)
    request = Request("m", (Message("system", "Be kind."), Message("user", "hi")), stream=True)
    encoder, call = dialect.encoder(request), dialect.call(request)
    own = Sample("written", b"".join(map(encoder.encode, answer(dialect))), path=call.path, asked=call.body)
    formats = [format for format, reader in FORMATS.items() if reader == name]
    kinds = [f"{format}{kind}" for format in formats for kind in ("", "-errors", "-curated")]
    return (own, *(sample for one in recordings(*kinds) if len((sample := _recorded(one)).body) < SMALL))


def _recorded(one: Recording) -> Sample:
    head, asked = one.response, one.request
    headers = {name.lower(): value for name, value in (head.get("headers") or {}).items()}
    body = asked.get("body")
    return Sample(
        one.name,
        one.body,
        head["status"],
        str(headers.get("content-type", "")).partition(";")[0].strip(),
        urlsplit(str(asked.get("path") or asked.get("url") or "/")).path,
        json.dumps(body).encode() if isinstance(body, dict) else b"{}",
    )
