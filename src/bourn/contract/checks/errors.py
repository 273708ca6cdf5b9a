"""Section 9: errors and partial results."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from bourn import dialects
from bourn.contract import scripts
from bourn.contract.errorframes import Shape, error_shapes
from bourn.contract.guest import Guest, Outcome
from bourn.contract.registry import check
from bourn.contract.rewriting import Rewritten, cut, frames_of, places
from bourn.contract.stage import Stage
from bourn.contract.subject import Partial
from bourn.contract.verdict import require
from bourn.mock import faults, http_error, ops, turns
from bourn.mock import text as say
from bourn.mock.reply import Piece
from bourn.testing.leaks import Belongings
from bourn.wire import eventstream

_MANY = 10_000
_AT = 6
"""The frame of the usual answer, in any dialect amid its text, at which it breaks."""

_CUTS = 100
_SHORT = say("It was ", "\u2014 over.", whole=True)
_SHORT_TEXT = "It was \u2014 over."


def _bad_chunk(frames: list[Any]) -> list[Any]:
    return [*frames[:_AT], ops.Send(b"zz\r\n"), ops.Flush(), ops.Close()]


_FAILURES: dict[str, faults.Fault] = {
    "the connection was reset": faults.Reset(event=_AT),
    "the connection was closed": faults.Fin(event=_AT, inside="frame"),
    "a chunk had no size": Rewritten("a chunk without a size", _bad_chunk),
    "an event's JSON was broken": faults.MalformedJson(event=_AT),
    "nothing came any more": faults.Stall(event=_AT),
}
"""What may go wrong in mid-stream."""

_CAUSED = {"the connection was reset", "an event's JSON was broken"}
"""What another library finds and raises; the rest a stream may find by itself."""


def _failures(stage: Stage) -> dict[str, faults.Fault]:
    """Those that fit; a silence only where the subject says that it gives up."""
    limited = stage.clock == "virtual" and _patience(stage) is not None
    fits = {what: fault for what, fault in _FAILURES.items() if stage.fits(fault)}
    return fits if limited else {what: fault for what, fault in fits.items() if not isinstance(fault, faults.Stall)}


def _patience(stage: Stage) -> float | None:
    """Seconds in which a silent stream must have given up."""
    limits = [limit for limit in (stage.subject.byte_idle, stage.subject.idle, stage.subject.total) if limit is not None]
    return min(limits) + 5 if limits else None


@check("9.1", needs=("errors",))
async def failures_are_typed(stage: Stage) -> None:
    """Each way to break in mid-stream raises an exception of a declared type, with its cause."""
    for what, fault in _failures(stage).items():
        reading = await (await stage.open(scripts.ANSWER, fault=fault)).read(_MANY, within=_patience(stage))
        error = reading.error
        require(error is not None, f"when {what}, it raised nothing: it ended with {reading.end}")
        typed = isinstance(error, stage.subject.errors)
        require(typed, f"when {what}, it raised {reading.end}, which is of none of its declared types")
        assert error is not None
        caused = what not in _CAUSED or error.__cause__ is not None
        require(caused, f"when {what}, it raised {reading.end}, without a __cause__")


@check("9.1", needs=("errors",))
async def bad_utf8_is_typed(stage: Stage) -> None:
    """Bytes that are no UTF-8 may be replaced (see 11.4); where they raise, it is a declared type."""
    fault = faults.InvalidUtf8(event=2)
    if not stage.fits(fault):
        return
    reading = await (await stage.open(scripts.ANSWER, fault=fault)).read(_MANY)
    typed = reading.error is None or isinstance(reading.error, stage.subject.errors)
    require(typed, f"for bytes that are no UTF-8 it raised {reading.end}, which is of none of its declared types")


@check("9.1", needs=("errors",))
async def cuts_are_typed(stage: Stage) -> None:
    """Cut after any byte, by RST or FIN: the text is the beginning of what was said, and the error of a declared type."""
    frames = await frames_of(stage, _SHORT)
    place = await stage.serve(_SHORT)
    client = await place.client()
    for at in places(stage, frames, _CUTS):
        for ending in ("reset", "closed"):
            stage.change(place, _SHORT, fault=cut(at, ending))
            guest = await place.open(client)
            reading = await guest.read(_MANY)
            where = f"with the connection {ending} after byte {at} of the body"
            if stage.subject.text is not None:
                text = guest.text(reading.items)
                require(_SHORT_TEXT.startswith(text), f"{where}, its text was {text!r}, which nobody had said")
            typed = reading.error is None or isinstance(reading.error, stage.subject.errors)
            require(typed, f"{where}, it raised {reading.end}, which is of none of its declared types")


@check("9.1", aspect="clean-up")
async def failures_leave_nothing(stage: Stage) -> None:
    """After each of them, and a close, no connection, task or socket is left."""
    for what, fault in _failures(stage).items():
        place = await stage.serve(scripts.ANSWER, fault=fault)
        before = Belongings.now()
        client = await place.client()
        guest = await place.open(client)
        await guest.read(_MANY, within=_patience(stage))
        await guest.close()
        await place.close_client(client)
        await place.gone(1, f"{what} and the stream was closed")
        left = Belongings.now().since(before)
        require(not left, f"when {what}, it left behind: {'; '.join(left)}")


async def _told(guest: Guest, when: str) -> Partial:
    """What the stream tells of its answer so far."""
    told = await guest.told(when)
    require(told is not None, f"{when} there was no stream that could tell the answer so far: {guest.broken}")
    assert told is not None
    return told


async def _failed(guest: Guest) -> None:
    await guest.read(_MANY)


async def _cancelled(guest: Guest) -> None:
    reader = asyncio.ensure_future(_pulling(guest))
    await asyncio.sleep(1)
    reader.cancel()
    await asyncio.wait({reader})


async def _closed(guest: Guest) -> None:
    await _cancelled(guest)
    await guest.close()


async def _pulling(guest: Guest) -> None:
    while (await guest.pull()).error is None:
        pass


_PARTINGS = {
    "after an error": (faults.Reset, _failed),
    "after a cancel": (faults.Stall, _cancelled),
    "after a close": (faults.Stall, _closed),
}
"""When the answer so far is asked for: what the server does, and what the reader does."""


@check("9.2", needs=("partial",))
async def text_is_kept(stage: Stage) -> None:
    """The text that had come is there after an error, a cancel and a close."""
    frames = await frames_of(stage, scripts.ANSWER)
    said = [at for at, frame in enumerate(frames) if frame.said]
    wanted = "".join(frames[at].said for at in said[:6])
    for when, (fault, leave) in _PARTINGS.items():
        guest = await stage.open(scripts.ANSWER, fault=fault(event=said[6]))
        await leave(guest)
        told = await _told(guest, when)
        require(told.text == wanted, f"{when} its text so far was {told.text!r} instead of {wanted!r}")


@check("9.2", needs=("partial",))
async def calls_are_kept(stage: Stage) -> None:
    """So are the arguments of a tool call, as far as they had come."""
    if "tool_call" not in dialects.get(stage.subject.dialect).parts:
        return
    frames = await frames_of(stage, scripts.CALLING)
    said = [at for at, frame in enumerate(frames) if frame.said and frame.said != scripts.CALLING_TEXT]
    at = said[1] + 1 if said else next(at for at, frame in enumerate(frames) if frame.mark == "finish")
    wanted = "".join(frames[at].said for at in said[:2]) if said else '{"city":"Oslo","days":3}'
    for when, (fault, leave) in _PARTINGS.items():
        guest = await stage.open(scripts.CALLING, fault=fault(event=at))
        await leave(guest)
        calls = [(call.name, call.arguments) for call in (await _told(guest, when)).calls]
        require(calls == [("look_up", wanted)], f"{when} its tool calls so far were {calls} instead of look_up with {wanted!r}")


_USAGE: dict[str, tuple[bytes, bytes]] = {
    "openai-chat": (b"}\n\n", b',"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}\n\n'),
    "openai-completions": (b"}\n\n", b',"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}\n\n'),
    "anthropic": (b'"input_tokens":0', b'"input_tokens":7'),
    "gemini": (b'"candidates"', b'"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7},"candidates"'),
}
"""Dialects that tell usage before the end: what to write in the first frame that has it, and in place of what."""


@check("9.2", needs=("partial",))
async def usage_is_kept(stage: Stage) -> None:
    """So is the usage, where the dialect tells it before the end."""
    if stage.subject.dialect not in _USAGE:
        return
    plain, telling = _USAGE[stage.subject.dialect]

    def early(frames: list[Any]) -> list[Any]:
        at = next(number for number, frame in enumerate(frames) if plain in frame.data)
        told = msgspec.structs.replace(frames[at], data=frames[at].data.replace(plain, telling, 1))
        return [*frames[:at], told, *frames[at + 1 :]]

    for when, (fault, leave) in _PARTINGS.items():
        guest = await stage.open(scripts.ANSWER, fault=[Rewritten("usage told early", early), fault(event=_AT)])
        await leave(guest)
        tokens = (await _told(guest, when)).input_tokens
        require(tokens == 7, f"{when} it told {tokens} input tokens; the service had told 7")


@check("9.3")
async def error_events_raise(stage: Stage) -> None:
    """An error event raises, alone or amid an answer that goes on, in each shape that services of the dialect send."""
    for shape in error_shapes(stage.subject.dialect):
        for where, change in (("amid the answer", shape.amid), ("as its first event", shape.first)):
            reading = await (await stage.open(scripts.ANSWER, fault=Rewritten(shape.name, change))).read(_MANY)
            what = f"an error event {where} ({shape.name})"
            require(reading.error is not None, f"{what} was passed over: it ended with {reading.end}")
            _complete(shape, reading.error, what)


def _complete(shape: Shape, error: Any, what: str) -> None:
    """All that the service said is in the error."""
    told = _words(error)
    missing = [word for word in shape.words if word not in told]
    require(not missing, f"{what} raised {Outcome(error=error)}, which does not tell {' and '.join(map(repr, missing))}")


def _words(error: BaseException | None) -> str:
    """Everything that an exception says, in its sentence and in its attributes, and those that caused it."""
    out = []
    while error is not None:
        out += [str(error), *map(repr, error.args)]
        out += [_plain(value) for value in getattr(error, "__dict__", {}).values()]
        out += [_plain(getattr(error, name, "")) for name in ("doc", "object")]  # where decoders of the library keep it
        error = error.__cause__
    return "\n".join(out)


def _plain(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)


_NO_STREAM: dict[str, faults.Fault] = {
    "a page of HTML": faults.Html(),
    "a JSON error": faults.Json(),
    "an empty body": faults.Empty(),
    "a wrong content type": faults.WrongContentType(),
}


@check("9.4")
async def what_is_no_stream_is_an_error(stage: Stage) -> None:
    """A 200 that is not the stream that was asked for raises, and an exception of a declared type."""
    for what, fault in _NO_STREAM.items():
        reading = await (await stage.open(scripts.ANSWER, fault=fault)).read(_MANY)
        require(reading.error is not None, f"a 200 with {what} was taken for an answer: it ended with {reading.end}")
        typed = not stage.subject.errors or isinstance(reading.error, stage.subject.errors)
        require(typed, f"a 200 with {what} raised {reading.end}, which is of none of its declared types")


_BROKEN = b'{"bourn.broken":'


def _undecodable(frames: list[Any]) -> list[Any]:
    """The answer with the payload of one frame in the middle replaced by half a JSON object."""
    frame = frames[_AT]
    if frame.data.startswith(b"\x00"):
        framer = eventstream.EventStreamFramer(1 << 20)
        [message] = list(framer.feed(frame.data))
        data = eventstream.encode(_BROKEN, message.headers)
    else:
        head, brace, _ = frame.data.partition(b"{")
        data = head + _BROKEN + frame.data[len(frame.data.rstrip(b"\r\n")) :]
        assert brace
    return [*frames[:_AT], Piece(data), *frames[_AT + 1 :]]


@check("9.5")
async def undecodable_frames_raise(stage: Stage) -> None:
    """A frame that cannot be decoded, amid an answer that goes on, raises, and the error has its bytes."""
    reading = await (await stage.open(scripts.ANSWER, fault=Rewritten("an undecodable frame", _undecodable))).read(_MANY)
    require(reading.error is not None, f"a frame that cannot be decoded was passed over: it ended with {reading.end}")
    carried = _BROKEN.decode() in _words(reading.error)
    require(carried, f"a frame that cannot be decoded raised {reading.end}, which does not carry the frame")


@check("9.6", needs=("text",))
async def content_is_never_asked_for_again(stage: Stage) -> None:
    """Once content was given, a failure sends no second request, and nothing is said twice."""
    frames = await frames_of(stage, scripts.ANSWER)
    said = [at for at, frame in enumerate(frames) if frame.said]
    for count in (1, 5, len(said)):
        place = await stage.serve(scripts.ANSWER, fault=faults.Reset(event=said[count - 1] + 1))
        guest = await place.open()
        reading = await guest.read(_MANY)
        asked = len(place.journal.exchanges)
        require(asked == 1, f"after {count} pieces of text and a reset it sent {asked - 1} more requests")
        text = guest.text(reading.items)
        require(scripts.TEXT.startswith(text), f"after {count} pieces of text and a reset it said {text!r}")


_ASKED_WAIT = 7.0


@check("9.6")
async def retries_wait_as_asked(stage: Stage) -> None:
    """Where it retries: a 429 is tried again after ``Retry-After`` seconds and gives the answer, and not for ever."""
    retries = stage.subject.retries
    if not retries:
        return
    stage.needs_virtual_time()
    place = await stage.serve(turns(http_error(429, retry_after=_ASKED_WAIT), scripts.ANSWER))
    reading = await (await place.open()).read(_MANY)
    require(reading.clean, f"a 429 and then an answer ended with {reading.end}, though it declares {retries} retries")
    exchanges = place.journal.exchanges
    require(len(exchanges) > 1, f"a 429 was taken for an answer: it ended with {reading.end} and was not asked again")
    first, second = (exchange.at for exchange in exchanges[:2])
    require(second - first >= _ASKED_WAIT, f"asked to wait {_ASKED_WAIT:g} s, it tried again after {second - first:.3g} s")
    place = await stage.serve(http_error(429, retry_after=_ASKED_WAIT))
    await (await place.open()).read(_MANY)
    asked = len(place.journal.exchanges)
    require(asked <= 1 + retries, f"refused again and again, it sent {asked} requests, though it declares {retries} retries")
