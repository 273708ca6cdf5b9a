"""``Pieces``: a fault that cuts the body small and lets the reader have its turn between the pieces.

House rule: not a byte is changed, and no time passes. For a body in chunks, as a scenario's always is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from bourn.mock.faults.base import CUT, Fault, Scene, act
from bourn.mock.ops import Send, Wait
from bourn.mock.reply import Item, Piece, Reply, chunk


class Pieces(Fault, frozen=True, tag="pieces-with-turns"):
    """The body in chunks of ``size`` bytes, ``every`` of them in one write; before each write the reader has its turn."""

    rank: ClassVar[int] = CUT
    size: int = 64
    every: int = 1


@act(Pieces)
def _pieces(fault: Pieces, reply: Reply, _: Scene) -> Reply:
    return reply.with_body(lambda: (part for item in reply.body for part in _cut(item, fault)))


def _cut(item: Item, fault: Pieces) -> Iterator[Item]:
    if not isinstance(item, Piece):
        yield item
        return
    if item.pause:
        yield Wait(item.pause)
    step = fault.size * fault.every
    for start in range(0, len(item.data), step):
        yield Wait(0)
        bites = range(start, min(start + step, len(item.data)), fault.size)
        yield Send(b"".join(chunk(item.data[at : at + fault.size]) for at in bites))
