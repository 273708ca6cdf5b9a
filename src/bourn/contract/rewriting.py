"""``Rewritten``: a fault that a check writes itself, as a function of the frames that the server would have sent.

House rule: the frames are those of the answer in the subject's dialect and to the subject's request, so no check counts bytes
that it has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal

import msgspec

from bourn.contract.stage import Stage
from bourn.mock import ops
from bourn.mock.faults.base import FRAMES, Fault, Scene, act
from bourn.mock.mounts import Answering
from bourn.mock.reply import Item, Piece, Reply

Change = Callable[[list[Any]], Iterable[Item]]
"""The frames (``Piece``s), in order, to what is sent instead."""

Ending = Literal["reset", "closed", "ended"]
"""How a cut body stops: by a RST, by a FIN, or well framed, as if it were whole."""

_STOPS: dict[Ending, tuple[Item, ...]] = {
    "reset": (ops.Flush(), ops.Reset()),
    "closed": (ops.Flush(), ops.Close()),
    "ended": (),
}


class Rewritten(Fault, frozen=True, tag="rewritten"):
    """The body is what ``change`` makes of its frames; ``told`` says in a few words what that is."""

    rank: ClassVar[int] = FRAMES
    told: str = ""
    change: Any = list

    @property
    def label(self) -> str:
        """What the check calls it."""
        return self.told


@act(Rewritten)
def _rewritten(fault: Rewritten, reply: Reply, _: Scene) -> Reply:
    return reply.with_body(lambda: iter(fault.change(list(reply.body))))


def cut(at: int, ending: Ending) -> Rewritten:
    """The body stops after ``at`` of its bytes."""

    def change(frames: list[Any]) -> Iterable[Item]:
        left = at
        for frame in frames:
            size = len(frame.data)
            if left < size:
                if left:
                    missing = 0 if ending == "ended" else size - left
                    yield msgspec.structs.replace(frame, data=frame.data[:left], missing=missing)
                break
            left -= size
            yield frame
        yield from _STOPS[ending]

    return Rewritten(f"a body {ending} after byte {at}", change)


async def frames_of(stage: Stage, answer: Answering) -> list[Piece]:
    """The frames in which the server sends an answer to this subject."""
    seen: list[list[Piece]] = []

    def look(frames: list[Any]) -> list[Any]:
        seen.append(frames)
        return frames

    guest = await stage.open(answer, fault=Rewritten("frames looked at", look))
    await guest.read(1)
    await guest.close()
    return seen[0] if seen else []


def places(stage: Stage, frames: list[Piece], most: int) -> list[int]:
    """Byte counts to cut a body at: every one of a short body; of a long one those around its frames' ends, and some others."""
    ends = [sum(len(frame.data) for frame in frames[:count]) for count in range(len(frames) + 1)]
    size = ends[-1]
    if size <= most:
        return list(range(size))
    near = {end + by for end in ends for by in (-1, 0, 1) if 0 <= end + by < size}
    chosen = stage.dice.sample(sorted(near), min(len(near), most // 2))
    others = stage.dice.sample([at for at in range(size) if at not in near], most - len(chosen))
    return sorted({*chosen, *others})
