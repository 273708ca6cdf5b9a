"""Faults at one place of the body: the bytes before it are sent, flushed, and then the answer is cut, stalls, or pings.

House rule: ``_until`` alone finds the place; everything before it is sent unchanged.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Annotated, Literal

import msgspec

from bourn.errors import InputError
from bourn.mock import ops
from bourn.mock.faults.base import SSE, PlacedFault, Scene, act, ping_bytes
from bourn.mock.reply import ChunkHeader, Item, Piece, Reply, Rest


class Reset(PlacedFault, frozen=True, tag="reset"):
    """The connection is broken with a TCP RST; everything before it has left."""


class Fin(PlacedFault, frozen=True, tag="fin"):
    """The connection is closed with a FIN, without the end of the body that its framing promises."""


class CleanEnd(PlacedFault, frozen=True, tag="clean-end"):
    """The body ends there, well framed, as if the answer were over."""

    promises = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.inside == "chunk_header":
            raise InputError("a clean end cannot be inside a chunk header: use fin")


class Stall(PlacedFault, frozen=True, tag="stall"):
    """Nothing more comes: for some ``seconds``, or for ever."""

    seconds: Annotated[float, msgspec.Meta(ge=0)] | None = None


class Pings(PlacedFault, frozen=True, tag="pings"):
    """Pings come ``every`` so many seconds and nothing else: ``count`` of them, or for ever.

    ``kind`` is a ``comment``, or an ``event`` as Anthropic sends it.
    """

    needs = SSE
    every: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    count: Annotated[int, msgspec.Meta(ge=0)] | None = None
    kind: Literal["comment", "event"] = "comment"


def _until(body: Iterator[Item], fault: PlacedFault) -> Generator[Item, None, list[Item]]:
    """Give what is before the place; return what of the item at hand is after it. Raises ``InputError`` if there is no such."""
    events = size = 0
    for item in body:
        if type(item) is not Piece or item.mark == "extra":
            yield item
            continue
        at = _place(fault, item, events, size)
        if at is not None:
            before, after = _split(item, at, fault)
            yield from before
            return after
        events += 1
        size += len(item.data)
        yield item
    raise InputError(f"the fault {fault.label} never struck: the answer has {events} frames and {size} bytes")


def _place(fault: PlacedFault, piece: Piece, events: int, size: int) -> int | None:
    """The offset in a piece at which the fault strikes, if it does."""
    if fault.byte is not None:
        at = fault.byte - size
        return at if at < len(piece.data) else None
    if events < fault.event:
        return None
    return 0 if fault.inside is None else _INSIDE[fault.inside](piece)


def _in_character(piece: Piece) -> int | None:
    """After the first byte of a character of what is said; bytes of a binary frame may look like one and are none."""
    try:
        said = piece.said or piece.data.decode()
    except UnicodeDecodeError:
        return None
    places = (piece.data.find(letter.encode()) + 1 for letter in said if not letter.isascii())
    return next((at for at in places if at), None)


def _in_line(piece: Piece) -> int:
    line = max(piece.data.split(b"\n"), key=len)
    return piece.data.index(line) + len(line) // 2


_INSIDE: dict[str, Callable[[Piece], int | None]] = {
    "character": _in_character,
    "line": _in_line,
    "frame": lambda piece: len(piece.data) - 1,
    "chunk_header": lambda _: 0,
}


def _split(piece: Piece, at: int, fault: PlacedFault) -> tuple[list[Item], list[Item]]:
    if fault.inside == "chunk_header":
        size = len(piece.data)
        return [ChunkHeader(size, 0, 1)], [ChunkHeader(size, 1), Rest(piece.data)]
    if at == 0:
        return [], [piece]
    data = piece.data
    return [msgspec.structs.replace(piece, data=data[:at], missing=len(data) - at if fault.promises else 0)], [Rest(data[at:])]


def _then(reply: Reply, fault: PlacedFault, after: Callable[[Iterator[Item]], Iterable[Item]]) -> Reply:
    """The reply up to the place, and from there what ``after`` makes of the rest of the body."""

    def body() -> Iterator[Item]:
        items = iter(reply.body)
        rest = yield from _until(items, fault)
        yield ops.Note(f"fault: {fault.label}")
        yield from after(itertools.chain(rest, items))

    return (reply.promised() if fault.promises else reply).with_body(body)


@act(Reset)
def _reset(fault: Reset, reply: Reply, _: Scene) -> Reply:
    return _then(reply, fault, lambda _: (ops.Flush(), ops.Reset()))


@act(Fin)
def _fin(fault: Fin, reply: Reply, _: Scene) -> Reply:
    return _then(reply, fault, lambda _: (ops.Flush(), ops.Close()))


@act(CleanEnd)
def _clean_end(fault: CleanEnd, reply: Reply, _: Scene) -> Reply:
    return _then(reply, fault, lambda _: ())


@act(Stall)
def _stall(fault: Stall, reply: Reply, _: Scene) -> Reply:
    seconds = fault.seconds
    pause = ops.Stall() if seconds is None else ops.Wait(seconds)
    return _then(reply, fault, lambda rest: itertools.chain((ops.Flush(), pause), rest))


@act(Pings)
def _pings(fault: Pings, reply: Reply, scene: Scene) -> Reply:
    ping = Piece(ping_bytes(fault.kind, scene), fault.every, "extra")
    pings = itertools.repeat(ping) if fault.count is None else itertools.repeat(ping, fault.count)
    return _then(reply, fault, lambda rest: itertools.chain(pings, rest))
