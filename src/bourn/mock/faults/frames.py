"""Faults of the frames: odd line ends, comments, strange and broken events, too many of them or too large.

House rule: each changes or adds frames and leaves their order alone; an added frame has the mark ``extra``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar, Literal

import msgspec

from bourn.errors import InputError
from bourn.mock.faults.base import FRAMES, SSE, STREAMS, TEXT, Fault, Scene, act, ping_bytes
from bourn.mock.reply import Item, Piece, Reply
from bourn.wire import sse

Count = Annotated[int, msgspec.Meta(ge=0)]
_BLOCK = 65536


class FrameFault(Fault, frozen=True):
    """A fault of frames that are text."""

    rank: ClassVar[int] = FRAMES
    needs: ClassVar[tuple[str, ...]] = TEXT


class Bom(FrameFault, frozen=True, tag="bom"):
    """The body begins with a byte-order mark."""


class Crlf(FrameFault, frozen=True, tag="crlf"):
    """Lines end with CR LF."""


class Cr(FrameFault, frozen=True, tag="cr"):
    """Lines end with a bare CR."""

    needs = SSE


class Comments(FrameFault, frozen=True, tag="comments"):
    """A comment comes before every event."""

    needs = SSE
    text: str = "bourn"


class PingEvents(FrameFault, frozen=True, tag="ping-events"):
    """A ping event, as the dialect knows it, comes before every event but the first."""

    needs = SSE


class InvalidUtf8(FrameFault, frozen=True, tag="invalid-utf8"):
    """Two bytes that are no UTF-8 stand inside the text of the first frame, from ``event`` on, that carries some."""

    event: Count = 0


class MalformedJson(FrameFault, frozen=True, tag="malformed-json"):
    """The JSON of frame ``event`` lacks its last brace."""

    event: Count = 1


class UnknownEvents(FrameFault, frozen=True, tag="unknown-events"):
    """An event of a kind that nobody knows comes after every event but the last ones."""


class DuplicateFinish(FrameFault, frozen=True, tag="duplicate-finish"):
    """Every frame of the finish comes twice."""

    needs = STREAMS


class NoFinish(FrameFault, frozen=True, tag="no-finish"):
    """The body ends cleanly without the frames that carry the dialect's end mark."""

    needs = STREAMS


class BytesAfterEnd(FrameFault, frozen=True, tag="bytes-after-end"):
    """More bytes follow the dialect's end: in the ``body``, or on the ``connection`` after the body."""

    needs = STREAMS
    data: str = 'data: {"type":"bourn.late"}\n\n'
    where: Literal["body", "connection"] = "body"


class HugeLine(FrameFault, frozen=True, tag="huge-line"):
    """An event of ``size`` bytes in one line comes before frame ``event``."""

    size: Count = 32 * 1024 * 1024
    event: Count = 1


class Endless(FrameFault, frozen=True, tag="endless"):
    """The last piece of content is repeated for ever, ``pause`` seconds apart."""

    needs = STREAMS
    pause: Annotated[float, msgspec.Meta(ge=0)] = 0.0


def _each(reply: Reply, change: Callable[[Piece, int], Iterator[Item]]) -> Reply:
    """The reply with every frame of the answer changed; ``change`` gets the frame and its number."""

    def body() -> Iterator[Item]:
        number = 0
        for item in reply.body:
            if type(item) is Piece and item.mark != "extra":
                yield from change(item, number)
                number += 1
            else:
                yield item

    return reply.with_body(body)


def _bytes(reply: Reply, change: Callable[[bytes], bytes]) -> Reply:
    """The reply with the bytes of every piece changed."""

    def body() -> Iterator[Item]:
        for item in reply.body:
            yield msgspec.structs.replace(item, data=change(item.data)) if type(item) is Piece else item

    return reply.with_body(body)


def _once(reply: Reply, fault: Fault, change: Callable[[Piece, int], Iterator[Item] | None]) -> Reply:
    """The reply with the first frame changed for which ``change`` gives items. Raises ``InputError`` if there is none."""

    def body() -> Iterator[Item]:
        struck = False
        number = 0
        for item in reply.body:
            items = None
            if type(item) is Piece and item.mark != "extra":
                items = None if struck else change(item, number)
                number += 1
            if items is None:
                yield item
            else:
                struck = True
                yield from items
        if not struck:
            raise InputError(f"the fault {fault.label} never struck: no frame of the answer fits it")

    return reply.with_body(body)


def unknown_frame(scene: Scene, name: str, value: dict[str, object]) -> bytes:
    """A frame of a kind that nobody knows, which a careful reader can ignore."""
    data = msgspec.json.encode({"type": name, "object": name, "choices": [], **value})
    return sse.encode(data, name) if scene.media_type in SSE else data + b"\n"


@act(Bom)
def _bom(_: Bom, reply: Reply, __: Scene) -> Reply:
    def body() -> Iterator[Item]:
        yield Piece(b"\xef\xbb\xbf", mark="extra")
        yield from reply.body

    return reply.with_body(body)


@act(Crlf)
def _crlf(_: Crlf, reply: Reply, __: Scene) -> Reply:
    return _bytes(reply, lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


@act(Cr)
def _cr(_: Cr, reply: Reply, __: Scene) -> Reply:
    return _bytes(reply, lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r"))


@act(Comments)
def _comments(fault: Comments, reply: Reply, _: Scene) -> Reply:
    comment = Piece(sse.encode_comment(fault.text), mark="extra")
    return _each(reply, lambda frame, _: iter((comment, frame)))


@act(PingEvents)
def _ping_events(_: PingEvents, reply: Reply, scene: Scene) -> Reply:
    ping = Piece(ping_bytes("event", scene), mark="extra")
    return _each(reply, lambda frame, number: iter((ping, frame) if number else (frame,)))


@act(InvalidUtf8)
def _invalid_utf8(fault: InvalidUtf8, reply: Reply, _: Scene) -> Reply:
    def change(frame: Piece, number: int) -> Iterator[Item] | None:
        said = msgspec.json.encode(frame.said)[1:-1]
        at = frame.data.rfind(said) if said and number >= fault.event else -1
        if at < 0:
            return None
        return iter((msgspec.structs.replace(frame, data=frame.data[:at] + b"\xff\xfe" + frame.data[at:]),))

    return _once(reply, fault, change)


@act(MalformedJson)
def _malformed_json(fault: MalformedJson, reply: Reply, _: Scene) -> Reply:
    def change(frame: Piece, number: int) -> Iterator[Item] | None:
        head, brace, tail = frame.data.rpartition(b"}")
        return iter((msgspec.structs.replace(frame, data=head + tail),)) if brace and number == fault.event else None

    return _once(reply, fault, change)


@act(UnknownEvents)
def _unknown_events(_: UnknownEvents, reply: Reply, scene: Scene) -> Reply:
    unknown = Piece(unknown_frame(scene, "bourn.unknown", {"odd": [1, {"deep": None}]}), mark="extra")
    return _each(reply, lambda frame, _: iter((frame,) if frame.mark == "finish" else (frame, unknown)))


@act(DuplicateFinish)
def _duplicate_finish(_: DuplicateFinish, reply: Reply, __: Scene) -> Reply:
    return _each(reply, lambda frame, _: iter((frame, frame) if frame.mark == "finish" else (frame,)))


@act(NoFinish)
def _no_finish(_: NoFinish, reply: Reply, __: Scene) -> Reply:
    return _each(reply, lambda frame, _: iter(() if frame.mark == "finish" else (frame,)))


@act(BytesAfterEnd)
def _bytes_after_end(fault: BytesAfterEnd, reply: Reply, _: Scene) -> Reply:
    late = Piece(fault.data.encode(), mark="extra")
    if fault.where == "connection":
        return msgspec.structs.replace(reply, after=(*reply.after, late.data))

    def body() -> Iterator[Item]:
        yield from reply.body
        yield late

    return reply.with_body(body)


@act(HugeLine)
def _huge_line(fault: HugeLine, reply: Reply, scene: Scene) -> Reply:
    head, _, tail = unknown_frame(scene, "bourn.huge", {"padding": "*"}).partition(b"*")
    sizes = [_BLOCK] * (fault.size // _BLOCK) + [fault.size % _BLOCK]

    def huge(frame: Piece) -> Iterator[Item]:
        yield Piece(head, mark="extra")
        yield from (Piece(b"*" * size, mark="extra") for size in sizes)
        yield Piece(tail, mark="extra")
        yield frame

    return _once(reply, fault, lambda frame, number: huge(frame) if number == fault.event else None)


@act(Endless)
def _endless(fault: Endless, reply: Reply, _: Scene) -> Reply:
    def body() -> Iterator[Item]:
        last: Piece | None = None
        for item in reply.body:
            if type(item) is Piece and item.mark == "finish":
                break
            if type(item) is Piece and item.said:
                last = msgspec.structs.replace(item, pause=fault.pause)
            yield item
        if last is None:
            raise InputError("the fault endless never struck: the answer has no text to repeat")
        while True:
            yield last

    return reply.with_body(body)
