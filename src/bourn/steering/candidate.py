"""``Candidate``: who may be asked, and how a source is made that asks.

House rule: a candidate can be asked any number of times, but for one that was made of a stream, which is asked once.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from bourn.streams import Stream
from bourn.transport.base import Source


class Candidate(msgspec.Struct, frozen=True):
    """``make(total)`` gives a source that has sent nothing yet and may wait ``total`` seconds in all (``None``: for ever).

    ``asks`` is what two candidates have in common that would ask the same; ``restarts`` whether ``Restart`` may come.
    """

    provider: str
    model: str
    make: Callable[[float | None], Source]
    asks: object
    restarts: bool = False

    def stream(self, total: float | None) -> Stream:
        """A stream that asks it."""
        source = self.make(total)
        return Stream(source, provider=self.provider, model=self.model, asks=self.asks, restarts=self.restarts)
