"""An answer in a dialect's bytes: played events become the frames of a streamed body, or one whole body.

House rule: the dialect makes the bytes, the faults break them, and nothing here knows any dialect by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import msgspec

from bourn.dialects.base import Dialect, WireError
from bourn.events import Event, Finish, Start
from bourn.messages import Request
from bourn.mock import faults, frames, ops
from bourn.mock.faults.base import Scene
from bourn.mock.play import Beat, play
from bourn.mock.reply import Item, Lazy, Piece, Reply, json_reply
from bourn.mock.scenario import Answer
from bourn.mock.steps import Failed

JSON = "application/json"


def reply(dialect: Dialect, request: Request, answer: Answer, dice: Random, origin: str = "http://127.0.0.1") -> Reply:
    """The response to a request, with the answer's faults. Raises ``InputError`` for a fault that does not fit."""
    request_id = f"req_{dice.getrandbits(64):016x}"
    if answer.error is not None:
        made = error_reply(dialect, answer.error.status, answer.error.error, dict(answer.error.headers))
    elif request.stream:
        made = _streamed(dialect, request, answer, dice)
    else:
        made = _whole(dialect, request, answer, dice)
    media_type = made.headers["content-type"].partition(";")[0]
    scene = Scene(dialect.name, media_type, dice, origin)
    return faults.apply(answer.faults, made.with_headers({"x-request-id": request_id, "request-id": request_id}), scene)


def error_reply(dialect: Dialect, status: int, error: WireError, headers: dict[str, str] | None = None) -> Reply:
    """An HTTP error with the dialect's error body and error headers."""
    return json_reply(status, dialect.encode_error(status, error), {**dialect.error_headers(status, error), **(headers or {})})


def _streamed(dialect: Dialect, request: Request, answer: Answer, dice: Random) -> Reply:
    media_type = dialect.media_types[0]
    seed = dice.getrandbits(64)

    def body() -> Iterator[Item]:
        again = Random(seed)  # noqa: S311 -- a body may be walked twice and must be the same both times
        return _frames(dialect, request, play(answer, request, again), media_type)

    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    return Reply(200, {"content-type": media_type + charset, "cache-control": "no-cache"}, Lazy(body))


def _frames(dialect: Dialect, request: Request, beats: Iterator[Beat], media_type: str) -> Iterator[Item]:
    encoder = dialect.encoder(request)
    pause = 0.0
    for beat in beats:
        if isinstance(beat, Event):
            data, mark = encoder.encode(beat), _MARKS.get(type(beat), "event")
            said = getattr(beat, "text", "") or getattr(beat, "arguments", "")
            for frame in frames.cut(media_type, data):
                yield Piece(frame, pause, mark, said)
                pause = 0.0
        elif isinstance(beat, Failed):
            yield Piece(encoder.error(beat.error), pause)
            pause = 0.0
        elif isinstance(beat, ops.Op):
            if pause:
                yield ops.Wait(pause)
                pause = 0.0
            yield beat
        else:
            pause += beat
    if pause:
        yield ops.Wait(pause)


def _whole(dialect: Dialect, request: Request, answer: Answer, dice: Random) -> Reply:
    beats = list(play(answer, request, dice))
    failed = next((beat for beat in beats if isinstance(beat, Failed)), None)
    if failed is not None:
        made = error_reply(dialect, failed.status, failed.error)
    else:
        data = dialect.encode_whole(request, [beat for beat in beats if isinstance(beat, Event)])
        made = json_reply(200, data)
    waits = [beat if isinstance(beat, ops.Op) else ops.Wait(beat) for beat in beats if isinstance(beat, ops.Op | float | int)]
    return msgspec.structs.replace(made, body=[*waits, *made.body])


_MARKS: dict[type[Event], str] = {Start: "start", Finish: "finish"}
