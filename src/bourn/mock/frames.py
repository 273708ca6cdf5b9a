"""Cuts encoded bytes into the frames they consist of, so that "at event k" means the k-th frame on the wire.

House rule: one row a framing; what has no row is one frame.
"""

from __future__ import annotations

from collections.abc import Callable


def _after(*marks: bytes) -> Callable[[bytes], list[bytes]]:
    def cut(data: bytes) -> list[bytes]:
        for mark in marks:
            if data.endswith(mark):
                return [piece + mark for piece in data.split(mark)[:-1]]
        return [data] if data else []

    return cut


def _messages(data: bytes) -> list[bytes]:
    frames = []
    while data:  # an AWS event-stream message begins with its whole length
        size = int.from_bytes(data[:4], "big")
        frames.append(data[:size])
        data = data[size:]
    return frames


_CUTTERS: dict[str, Callable[[bytes], list[bytes]]] = {
    "text/event-stream": _after(b"\r\n\r\n", b"\n\n"),
    "application/x-ndjson": _after(b"\n"),
    "application/stream+json": _after(b"\n"),
    "application/vnd.amazon.eventstream": _messages,
}
"""Media type to the function that cuts."""


def cut(media_type: str, data: bytes) -> list[bytes]:
    """The frames in ``data``, which must hold whole ones."""
    cutter = _CUTTERS.get(media_type)
    return [data] if cutter is None else cutter(data)
