"""An image or speech that the model made, gathered until it is whole: front ends take files as one address.

House rule: a file that was cut is no file.
"""

from __future__ import annotations

from base64 import b64encode

import msgspec

from bourn.events import MediaDelta, MediaEnd, MediaStart


class File(msgspec.Struct, frozen=True):
    """A whole file: its media type, and an address that holds it or leads to it."""

    media_type: str
    url: str


class Files:
    """Give it the events of media parts; the end of a part gives the file."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[MediaStart, list[bytes]]] = {}

    def start(self, event: MediaStart) -> None:
        """A file begins."""
        self._open[event.index] = (event, [])

    def delta(self, event: MediaDelta) -> None:
        """More of its bytes."""
        self._open[event.index][1].append(event.data)

    def end(self, event: MediaEnd) -> File | None:
        """The file; ``None`` where only words came of it."""
        start, pieces = self._open.pop(event.index)
        kind = start.media_type if "/" in start.media_type else f"{start.media_type}/*"
        data = b"".join(pieces)
        if start.url is not None or not data:
            return None if start.url is None else File(kind, start.url)
        return File(kind, f"data:{kind};base64,{b64encode(data).decode()}")
