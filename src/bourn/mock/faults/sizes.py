"""Faults of the cuts: the same bytes, in other pieces.

House rule: not a byte is changed; what a fault at a place cut off stays cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar

import msgspec

from bourn.mock.faults.base import CUT, Fault, Scene, act
from bourn.mock.ops import Wait
from bourn.mock.reply import Item, Piece, Reply

_ONE_WRITE_LIMIT = 16 * 1024 * 1024
"""An endless answer must begin some time: at this many bytes."""


class CutFault(Fault, frozen=True):
    """A fault of the cuts."""

    rank: ClassVar[int] = CUT


class Drip(CutFault, frozen=True, tag="drip"):
    """The body comes one byte at a time, each a chunk and a write of its own, ``pause`` seconds apart."""

    pause: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class OneWrite(CutFault, frozen=True, tag="one-write"):
    """The whole body comes in one write, and one chunk."""


class Rechunk(CutFault, frozen=True, tag="rechunk"):
    """The body is cut anywhere: into pieces of a random size from 1 to ``most`` bytes."""

    most: Annotated[int, msgspec.Meta(ge=1)] = 40


@act(Drip)
def _drip(fault: Drip, reply: Reply, _: Scene) -> Reply:
    def bites(piece: Piece) -> Iterator[Item]:
        if piece.pause:
            yield Wait(piece.pause)
        end = len(piece.data)
        for at in range(end):
            yield Wait(fault.pause)  # without a pause, still a turn of the event loop in which the peer can read
            yield Piece(piece.data[at : at + 1], mark=piece.mark, missing=piece.missing if at == end - 1 else 0)

    return reply.with_body(lambda: (bite for item in reply.body for bite in (bites(item) if type(item) is Piece else (item,))))


@act(OneWrite)
def _one_write(_: OneWrite, reply: Reply, __: Scene) -> Reply:
    return reply.with_body(lambda: _cut(reply, lambda: _ONE_WRITE_LIMIT))


@act(Rechunk)
def _rechunk(fault: Rechunk, reply: Reply, scene: Scene) -> Reply:
    return reply.with_body(lambda: _cut(reply, lambda: scene.dice.randint(1, fault.most)))


def _cut(reply: Reply, size: Callable[[], int]) -> Iterator[Item]:
    """The body in pieces of the sizes that ``size`` gives; pauses and ops stay between the bytes where they were."""
    held = bytearray()
    want = size()
    for item in reply.body:
        if held and (type(item) is not Piece or item.pause):
            yield Piece(bytes(held))
            held.clear()
        if type(item) is not Piece:
            yield item
            continue
        if item.pause:
            yield Wait(item.pause)
        held += item.data
        while len(held) > want:
            yield Piece(bytes(held[:want]))
            del held[:want]
            want = size()
        if item.missing:
            yield Piece(bytes(held), missing=item.missing)
            held.clear()
    if held:
        yield Piece(bytes(held))
