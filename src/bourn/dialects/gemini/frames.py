"""Framing of Gemini's streams: server-sent events, after which a failure comes as bare JSON.

An answer that fails in the middle goes on with an indented JSON object without ``data:`` (Google AI when it is overloaded, seen
in August 2026; Vertex in ``vertex-unknown-streaming-failure-error-mid-stream-40958d``), which a reader by the letter drops as
unknown fields. From the first line that begins with a bracket, the body is read as JSON.

House rule: only the border between the two is found here; each half is cut by its own framer.
"""

from __future__ import annotations

from collections.abc import Sequence

from bourn.errors import FrameTooLargeError
from bourn.wire.base import FRAME_LIMIT
from bourn.wire.json_array import JsonArrayFramer
from bourn.wire.sse import SSEFrame, SSEFramer


class GeminiFramer:
    """Gives ``SSEFrame``s, and the bytes of what comes bare after them. ``limit`` caps the bytes of one of either."""

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._events = SSEFramer(limit)
        self._bare = JsonArrayFramer(limit)
        self._is_bare = False
        self._last = b"\n"  # a line begins after it

    @property
    def broken(self) -> bool:
        """Whether the next call raises."""
        return self._events.broken or self._bare.broken

    def feed(self, data: bytes) -> Sequence[SSEFrame | bytes]:
        """Take the next bytes; give the frames that they complete. Raises ``FrameTooLargeError``, as ``Framer`` says."""
        if self._is_bare:
            return self._bare.feed(data)
        border = _border(self._last, data)
        if border < 0:
            self._last = data[-1:] or self._last
            return self._events.feed(data)
        frames: list[SSEFrame | bytes] = [*self._events.feed(data[:border])]
        try:
            self._events.feed(b"")
            self._is_bare = True
            frames += self._bare.feed(data[border:])
        except FrameTooLargeError:  # either owes it now, and raises it again at the next call
            if not frames:
                raise
        return frames

    def close(self) -> bool:
        """The bytes ended; whether that was at a boundary. Raises the error that ``feed`` still owed."""
        return self._bare.close() if self._is_bare else self._events.close()


def _border(last: bytes, data: bytes) -> int:
    """Where the first line of ``data`` that begins with a bracket does so; -1 where none does."""
    if last == b"\n" and data[:1] in (b"{", b"["):
        return 0
    places = [at for bracket in (b"\n{", b"\n[") if (at := data.find(bracket)) >= 0]
    return min(places) + 1 if places else -1
