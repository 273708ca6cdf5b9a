"""Recordings as a server: the same head, the same bytes in the same pieces, at the same times, with the same end.

::

    async with serve(Replay(recording.load("recordings"), speed=10)) as server:
        ...

House rule: times are kept from the request on, not from piece to piece, so that no delay adds up.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from bourn.dialects import payload
from bourn.errors import InputError
from bourn.mock import ops
from bourn.mock.http import HttpRequest
from bourn.mock.mounts import Answered
from bourn.mock.recording import FRAMINGS, Ending, Recording, kind
from bourn.mock.reply import Framing, Item, Lazy, Piece, Reply, text_reply
from bourn.mock.responses import ResponseHead

_ENDS: dict[Ending, tuple[ops.Op, ...]] = {
    "whole": (),
    "cut": (ops.Close(),),
    "reset": (ops.Flush(), ops.Reset()),
    "open": (ops.Stall(),),
}
"""What each ending is replayed as. Where it was still open when the client left, nothing more comes."""

_OF_A_HOP = frozenset({"connection", "keep-alive", "transfer-encoding"})
_OF_A_BODY = frozenset({"content-length", "content-encoding"})

_MEDIA_TYPES = {word: media_type for media_type, word in reversed(FRAMINGS.items())}
"""How the body is cut into frames, to the first media type that says so."""

Until = Callable[[float], float]
"""Recorded seconds to the seconds that are still to be waited."""


class Replay:
    """A handler for a mock server.

    A request gets the recording that answered an equal one (same kind of path, same JSON), else one of the same kind; several
    that fit take turns. ``speed`` divides all times: 1 is as it was, ``math.inf`` does not wait. Raises ``InputError`` for a
    speed that is not above 0, and without recordings.
    """

    def __init__(self, recordings: Sequence[Recording], *, speed: float = 1.0) -> None:
        if not recordings:
            raise InputError("there is no recording to replay")
        if not speed > 0:
            raise InputError(f"the speed of a replay is above 0 (1 is as it was, inf does not wait), not {speed:g}")
        self._recordings = tuple(recordings)
        self._kinds = [recording.kind for recording in recordings]
        self._speed = speed
        self._turns: Counter[tuple[str, ...]] = Counter()

    def __call__(self, request: HttpRequest) -> Answered:
        """The script that answers a request."""
        fitting = self._fitting(request)
        if not fitting:
            known = ", ".join(dict.fromkeys(self._kinds))
            return text_reply(404, f"no recording answers {request.method} {request.path}; there are some of: {known}\n")
        names = tuple(recording.name for recording in fitting)
        turn = self._turns[names]
        self._turns[names] += 1
        return replayed(fitting[turn % len(fitting)], request, speed=self._speed)

    def _fitting(self, request: HttpRequest) -> list[Recording]:
        asked = kind(request.raw_path)
        same = [each for each, its in zip(self._recordings, self._kinds, strict=True) if its == asked]
        try:
            body = request.json()
        except payload.UNREADABLE:
            return same
        return [each for each in same if each.request.body == body] or same


def replayed(recording: Recording, request: HttpRequest, *, speed: float = 1.0) -> Iterator[ops.Op]:
    """A recording as a script that answers a request; its time begins at the first op."""
    began = asyncio.get_running_loop().time()

    def until(seconds: float) -> float:
        return began + seconds / speed - asyncio.get_running_loop().time()

    yield ops.Note(f"replays {recording.name}")
    if recording.response.status == 0:
        yield from _headless(recording, until)
    else:
        yield from _reply(recording, request, until).script()


def _reply(recording: Recording, request: HttpRequest, until: Until) -> Reply:
    told = recording.response
    framing = _framing(recording)
    headers = {name: value for name, value in told.headers.items() if name not in _OF_A_HOP}
    if told.reads is None:
        headers = _made_up_for(recording, headers, framing)
    if framing == "chunked" and request.minor == 0:
        framing = "close"  # HTTP/1.0 knows no chunks
    if not request.keep_alive:
        headers["connection"] = "close"

    def head(data: bytes) -> Iterable[ops.Op]:
        return (*_wait(until(told.head_at)), ops.Send(data))

    return Reply(told.status, headers, Lazy(lambda: _body(recording, until)), framing, head=head)


def _made_up_for(recording: Recording, headers: dict[str, str], framing: Framing) -> dict[str, str]:
    """The headers of what was captured by a tool that decoded the body, and sometimes starred out the content type."""
    headers = {name: value for name, value in headers.items() if name not in _OF_A_BODY}
    if "/" not in headers.get("content-type", ""):
        headers["content-type"] = _MEDIA_TYPES.get(recording.response.framing, "application/json")
    return headers | ({"content-length": str(len(recording.body))} if framing == "length" else {})


def _framing(recording: Recording) -> Framing:
    told = recording.response
    if told.reads is not None:
        return ResponseHead(told.status, told.headers).framing
    return "length" if told.framing == "json" else "chunked"


def _body(recording: Recording, until: Until) -> Iterator[Item]:
    pieces = recording.pieces
    for number, (at, data) in enumerate(pieces, 1):
        yield from _wait(until(at))
        yield Piece(data, missing=recording.response.missing if number == len(pieces) else 0)
    yield from _end(recording, until)


def _headless(recording: Recording, until: Until) -> Iterator[ops.Op]:
    for at, data in recording.pieces:
        yield from (*_wait(until(at)), ops.Send(data))
    yield from _end(recording, until)


def _end(recording: Recording, until: Until) -> Iterator[ops.Op]:
    yield from _wait(until(recording.response.ended_at))
    yield from _ENDS[recording.response.ending]


def _wait(seconds: float) -> tuple[ops.Op, ...]:
    return (ops.Wait(seconds),) if seconds > 0 else ()
