"""Section 11: framing.

The same answer is written in the ways that the wire's grammar allows, and must come out the same. A way that the dialect's
framing does not have is not tried; a rule of which none can be tried is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import msgspec

from bourn import dialects
from bourn.contract import scripts
from bourn.contract.comparing import difference, seen
from bourn.contract.guest import Reading
from bourn.contract.registry import check
from bourn.contract.stage import Stage
from bourn.contract.verdict import require, skip
from bourn.mock import faults, ops, text, usage
from bourn.mock.faults.base import CUT, FRAMES, SSE, STREAMS, Scene, act
from bourn.mock.reply import Item, Piece, Reply
from bourn.wire import eventstream

_MANY = 10_000
_BINARY = ("application/vnd.amazon.eventstream",)
_BOM = b"\xef\xbb\xbf"
_NO_JSON = b"data: {this is not JSON\n\n"


class _CutInside(faults.Fault, frozen=True, tag="cut-inside"):
    """A read ends after every CR, and inside every character and byte-order mark."""

    rank: ClassVar[int] = CUT


class _NoSpace(faults.Fault, frozen=True, tag="no-space"):
    """No space follows the colon of a field."""

    rank: ClassVar[int] = FRAMES
    needs = SSE


class _ManyLines(faults.Fault, frozen=True, tag="many-lines"):
    """The data of an event is two lines, cut where JSON may have white space."""

    rank: ClassVar[int] = FRAMES
    needs = SSE


class _StrayBom(faults.Fault, frozen=True, tag="stray-bom"):
    """Before frame ``event`` comes a line that begins with a byte-order mark, which makes it a field that nobody knows."""

    rank: ClassVar[int] = FRAMES
    needs = SSE
    event: int = 0


class _NoStart(faults.Fault, frozen=True, tag="no-start"):
    """The frame that only opens the answer is left out, as some services do, so that the first one says something."""


class _UnknownFields(faults.Fault, frozen=True, tag="unknown-fields"):
    """Every event has fields that a reader of event streams does not know, or does not need."""

    rank: ClassVar[int] = FRAMES
    needs = SSE


class _UnknownMembers(faults.Fault, frozen=True, tag="unknown-members"):
    """Every JSON object has a member that nobody knows."""

    rank: ClassVar[int] = FRAMES
    needs = STREAMS


class _UnknownMessages(faults.Fault, frozen=True, tag="unknown-messages"):
    """A binary message of a kind that nobody knows comes after every message but the last ones."""

    rank: ClassVar[int] = FRAMES
    needs = _BINARY


def _each(reply: Reply, change: Callable[[Piece], Iterator[Item]]) -> Reply:
    """The reply with every piece changed."""
    return reply.with_body(lambda: (new for item in reply.body for new in (change(item) if type(item) is Piece else (item,))))


def _bytes(reply: Reply, change: Callable[[bytes], bytes]) -> Reply:
    return _each(reply, lambda piece: iter((msgspec.structs.replace(piece, data=change(piece.data)),)))


@act(_CutInside)
def _cut_inside(_: _CutInside, reply: Reply, __: Scene) -> Reply:
    def cut(piece: Piece) -> Iterator[Item]:
        for part in re.findall(rb"[\x00-\x0c\x0e-\x7f]+|[\x00-\xff]", piece.data):
            yield Piece(part, mark=piece.mark)
            yield ops.Wait(0.001)

    return _each(reply, cut)


@act(_NoSpace)
def _no_space(_: _NoSpace, reply: Reply, __: Scene) -> Reply:
    return _bytes(reply, lambda data: re.sub(rb"(?m)^(\w+): ", rb"\1:", data))


@act(_ManyLines)
def _many_lines(_: _ManyLines, reply: Reply, __: Scene) -> Reply:
    return _bytes(reply, lambda data: re.sub(rb"(?m)^data: \{", b"data: {\ndata: ", data))


@act(_NoStart)
def _no_start(_: _NoStart, reply: Reply, __: Scene) -> Reply:
    return _each(reply, lambda piece: iter(() if piece.mark == "start" else (piece,)))


@act(_StrayBom)
def _stray_bom(fault: _StrayBom, reply: Reply, _: Scene) -> Reply:
    def body() -> Iterator[Item]:
        for number, item in enumerate(reply.body):
            if number == fault.event:
                yield ops.Wait(0.01)  # so that a read begins with the mark
                yield Piece(_BOM + _NO_JSON, mark="extra")
            yield item

    return reply.with_body(body)


@act(_UnknownFields)
def _unknown_fields(_: _UnknownFields, reply: Reply, __: Scene) -> Reply:
    return _bytes(reply, lambda data: b"id: 7\nretry: 3000\nbourn: odd\nbourn\n" + data)


@act(_UnknownMembers)
def _unknown_members(_: _UnknownMembers, reply: Reply, scene: Scene) -> Reply:
    def add(data: bytes) -> bytes:
        head, brace, tail = data.rpartition(b"}")
        return head + b',"bourn_odd":{"deep":[1,null]}' + brace + tail if brace else data

    def inside(data: bytes) -> bytes:
        return b"".join(eventstream.encode(add(frame.payload), frame.headers) for frame in _messages(data))

    return _bytes(reply, inside if scene.media_type in _BINARY else add)


def _messages(data: bytes) -> list[eventstream.EventStreamFrame]:
    return list(eventstream.EventStreamFramer().feed(data))


@act(_UnknownMessages)
def _unknown_messages(_: _UnknownMessages, reply: Reply, __: Scene) -> Reply:
    headers = {":message-type": "event", ":event-type": "bournUnknown", ":content-type": "application/json"}
    unknown = Piece(eventstream.encode(b'{"odd":[1,{"deep":null}]}', headers), mark="extra")
    return _each(reply, lambda piece: iter((piece,) if piece.mark == "finish" else (piece, unknown)))


Ways = dict[str, tuple[faults.Fault, ...]]
"""A way to write an answer, in words that follow "with", and what makes it so."""

_LINES: Ways = {
    "lines ended by CR LF": (faults.Crlf(),),
    "lines ended by CR": (faults.Cr(),),
    "CR LF split over reads": (faults.Crlf(), _CutInside()),
    "no space after the colons": (_NoSpace(),),
    "data of several lines": (_ManyLines(),),
    "data of several lines and CR LF split over reads": (_ManyLines(), faults.Crlf(), _CutInside()),
    "comments": (faults.Comments(),),
    "empty comments": (faults.Comments(text=""),),
    "pings": (faults.PingEvents(),),
}

_MARKS: Ways = {
    "a leading byte-order mark": (faults.Bom(),),
    "a leading byte-order mark split over reads": (faults.Bom(), _CutInside()),
    "two leading byte-order marks, of which the second makes an unknown field": (_StrayBom(), faults.Bom()),
    "a byte-order mark in mid-stream, which makes an unknown field": (_StrayBom(event=3),),
}


def _fitting(stage: Stage, ways: Ways) -> Ways:
    """The ways in which the subject's dialect can be written."""
    return {words: given for words, given in ways.items() if all(stage.fits(fault) for fault in given)}


async def _same(stage: Stage, ways: Ways, *always: faults.Fault) -> None:
    """Written in each of these ways, the answer gives the same events; not tried if what is ``always`` there is too much."""
    fitting = _fitting(stage, ways) or skip(f"frames of {stage.subject.dialect} are binary: they have no lines")
    plain = await _read(stage, scripts.ANSWER, *always)
    if always and not plain.clean:
        return
    _ = plain.clean or skip(f"the plain answer did not end, but: {plain.end}, see 1.2")
    wanted = seen(stage.subject, plain.items)
    for words, given in fitting.items():
        reading = await _read(stage, scripts.ANSWER, *always, *given)
        require(reading.clean, f"with {words}, the answer ended with {reading.end}")
        found = difference(wanted, seen(stage.subject, reading.items))
        require(found is None, f"with {words}, {found}")


async def _read(stage: Stage, answer: Any, *given: faults.Fault) -> Reading:
    guest = await stage.open(answer, fault=given)
    reading = await guest.read(_MANY)
    await guest.close()
    return reading


def _text(stage: Stage, reading: Reading) -> str | None:
    """The text in what was read, where it can be told."""
    read = stage.subject.text
    return None if read is None else "".join(read(item) or "" for item in reading.items)


async def _says(stage: Stage, words: str, answer: Any, said: str, *given: faults.Fault) -> None:
    """Written in this way, the answer is whole and says what it must."""
    reading = await _read(stage, answer, *given)
    require(reading.clean, f"with {words}, the answer ended with {reading.end}")
    came = _text(stage, reading)
    require(came in (None, said), f"with {words}, the text that came was {came!r} instead of {said!r}")


@check("11.1")
async def lines_as_the_grammar_has_them(stage: Stage) -> None:
    """Line ends, spaces, data lines, comments and pings make no difference."""
    await _same(stage, _LINES)


@check("11.2")
async def one_mark_is_ignored(stage: Stage) -> None:
    """A leading byte-order mark is ignored, and no other; the first frame is not lost, whatever it says."""
    await _same(stage, _MARKS)
    await _same(stage, _MARKS, _NoStart())


_NO_LINE_ENDS = {"U+2028": "\u2028", "U+2029": "\u2029", "U+0085": "\u0085", "VT": "\x0b", "FF": "\x0c"}


@check("11.3")
async def only_cr_and_lf_split(stage: Stage) -> None:
    """What Python's ``str.splitlines`` takes for line ends is data in a text, and part of a comment."""
    for name, letter in _NO_LINE_ENDS.items():
        said = f"one{letter}two{letter}"
        await _says(stage, f"{name} in its text", text(said, "three.", whole=True) + usage(7, 4), f"{said}three.")
        comment = faults.Comments(text=f"{letter}{_NO_JSON.decode().strip()}")
        if stage.fits(comment):
            await _says(stage, f"{name} in a comment", scripts.ANSWER, scripts.TEXT, comment)


@check("11.4")
async def always_utf8(stage: Stage) -> None:
    """Characters that are split over reads are whole, and the charset in the head is not believed."""
    kind = dialects.get(stage.subject.dialect).media_types[0]
    foreign = faults.WrongContentType(value=f"{kind}; charset=iso-8859-1")
    await _says(stage, "characters split over reads", scripts.ANSWER, scripts.TEXT, _CutInside())
    await _says(stage, "charset=iso-8859-1 in the head", scripts.ANSWER, scripts.TEXT, foreign)


@check("11.4", needs=("invalid_utf8",))
async def invalid_utf8_as_declared(stage: Stage) -> None:
    """Bytes that are no UTF-8 are replaced, or are an error of the subject's own."""
    declared, fault = stage.subject.invalid_utf8, faults.InvalidUtf8()
    if not stage.fits(fault):
        skip(f"frames of {stage.subject.dialect} are binary: no byte is put into them")
    reading = await _read(stage, scripts.ANSWER, fault)
    told = f"it declares invalid_utf8={declared!r}, and two bytes that are no UTF-8"
    if declared == "error":
        kinds = stage.subject.errors or (Exception,)
        require(not reading.clean, f"{told} were passed over")
        require(reading.clean or isinstance(reading.error, kinds), f"{told} made {reading.end}, which is none of its errors")
        return
    require(reading.clean, f"{told} made {reading.end}")
    came = _text(stage, reading)
    replaced = came is None or ("\ufffd" in came and came.replace("\ufffd", "") == scripts.TEXT)
    require(replaced, f"{told} made the text {came!r}")


_UNKNOWN: Ways = {
    "unknown events": (faults.UnknownEvents(),),
    "unknown messages": (_UnknownMessages(),),
    "unknown fields of event streams": (_UnknownFields(),),
    "unknown members of JSON objects": (_UnknownMembers(),),
}


@check("11.5")
async def unknown_is_tolerated(stage: Stage) -> None:
    """Events and fields that nobody knows take nothing from the answer."""
    for words, given in _fitting(stage, _UNKNOWN).items():
        await _says(stage, words, scripts.ANSWER, scripts.TEXT, *given)
