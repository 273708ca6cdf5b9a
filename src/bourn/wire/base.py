"""What every framing offers: a ``Framer`` that is fed bytes and gives frames.

House rule: all framings have this one shape, so that nothing above knows which one it drives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

F_co = TypeVar("F_co", covariant=True)

FRAME_LIMIT = 16 * 1024 * 1024
"""The most bytes one frame may have, unless the caller says otherwise."""


class Framer(Protocol[F_co]):
    """Cuts a byte stream into frames, however the network cut it.

    Raises ``FrameTooLargeError`` when one frame exceeds the limit it was made with, and ``ChecksumError`` where the framing has
    checksums. Frames that were whole before the bad one are given first: then the error comes from the next call, of ``feed``
    (``b""`` will do) or of ``close``, and from every later one.
    """

    @property
    def broken(self) -> object:
        """True in a condition once an error is owed, or was raised: the next call raises it."""
        ...

    def feed(self, data: bytes) -> Sequence[F_co]:
        """Take the next bytes; give the frames that they complete."""
        ...

    def close(self) -> bool:
        """The bytes ended: true at a frame boundary, false when an unfinished frame is left (it is dropped).

        Raises the error that ``feed`` still owed.
        """
        ...
