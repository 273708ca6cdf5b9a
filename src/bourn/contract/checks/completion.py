"""Section 10: completion."""

from __future__ import annotations

from typing import Any

from bourn import dialects
from bourn.contract import scripts
from bourn.contract.guest import Guest, Reading
from bourn.contract.registry import check
from bourn.contract.rewriting import Rewritten, cut, frames_of, places
from bourn.contract.stage import Stage
from bourn.contract.verdict import require
from bourn.mock import faults, finish, ops, tool_call
from bourn.mock import text as say
from bourn.mock.faults.base import SSE
from bourn.mock.reply import Piece
from bourn.mock.scenario import Scenario

_MANY = 10_000
_SOON = 5.0
_CUTS = 100
_SHORT = say("It was ", "\u2014 over.", whole=True)
_SHORT_TEXT = "It was \u2014 over."


async def _without(guest: Guest, reading: Reading, when: str) -> None:
    """An answer without its end marks is no whole answer, in whatever way one asks."""
    require(reading.error is not None, f"{when}, it took the answer for whole: it ended with {reading.end}")
    told = await guest.told(when)
    whole = told is not None and told.complete
    require(not whole, f"{when}, it raised {reading.end} and called the answer complete")


@check("10.1")
async def no_end_mark_is_an_error(stage: Stage) -> None:
    """The whole text without the marks of its end raises, and the text is kept."""
    guest = await stage.open(scripts.ANSWER, fault=faults.NoFinish())
    reading = await guest.read(_MANY)
    await _without(guest, reading, "without the marks of its end")
    told = await guest.told("without the marks of its end")
    kept = told is None or told.text == scripts.TEXT
    require(kept, f"without the marks of its end, the answer so far was {told and told.text!r} instead of {scripts.TEXT!r}")


@check("10.1")
async def clean_cut_is_an_error(stage: Stage) -> None:
    """A body that ends after any byte before those marks, well framed, raises; its text is the beginning of what was said."""
    frames = await frames_of(stage, _SHORT)
    place = await stage.serve(_SHORT)
    client = await place.client()
    for at in places(stage, [frame for frame in frames if frame.mark != "finish"], _CUTS):
        stage.change(place, _SHORT, fault=cut(at, "ended"))
        guest = await place.open(client)
        reading = await guest.read(_MANY)
        when = f"with a body that ended after its byte {at}"
        await _without(guest, reading, when)
        if stage.subject.text is not None:
            text = guest.text(reading.items)
            require(_SHORT_TEXT.startswith(text), f"{when}, its text was {text!r}, which nobody had said")


_ALONE: dict[str, dict[str, int]] = {
    "openai-chat": {"the finish reason": 0, "[DONE]": -1},
    "openai-completions": {"the finish reason": 0, "[DONE]": -1},
    "mistral": {"the finish reason": 0, "[DONE]": -1},
    "anthropic": {"message_stop": -1},
    "bedrock-invoke": {"message_stop": -1},
    "bedrock-converse": {"messageStop": 0},
    "cohere": {"message-end": 0},
    "cloudflare": {"[DONE]": -1},
}
"""Dialects whose end is told by several frames: which of those is enough by itself. Elsewhere one frame tells it all."""


def _only(at: int) -> Rewritten:
    def change(frames: list[Any]) -> list[Any]:
        marks = [frame for frame in frames if frame.mark == "finish"]
        return [frame for frame in frames if frame.mark != "finish"] + [marks[at]]

    return Rewritten("one mark of the end", change)


_ENDINGS: dict[str, Scenario] = {
    "told to be cut off for its length": scripts.ANSWER + finish("length"),
    "told to be cut off for a reason that nobody knows": scripts.ANSWER + finish("other", "bourn_reason"),
}
"""Answers that are whole, though the model had not said all that it would."""


@check("10.2")
async def each_end_mark_is_enough(stage: Stage) -> None:
    """All marks of the end together, and each that is enough alone, complete the answer; with none it is an error."""
    alone = _ALONE.get(stage.subject.dialect, {})
    rows: dict[str, faults.Fault | tuple[()]] = {"all marks of its end": (), **{what: _only(at) for what, at in alone.items()}}
    for what, fault in rows.items():
        guest = await stage.open(scripts.ANSWER, fault=fault)
        await _whole(guest, await guest.read(_MANY), f"ended by {what}" if not fault else f"ended by {what} alone")
    reading = await (await stage.open(scripts.ANSWER, fault=faults.NoFinish())).read(_MANY)
    require(reading.error is not None, f"an answer ended by no mark was taken for whole: it ended with {reading.end}")


@check("10.2")
async def each_reason_completes(stage: Stage) -> None:
    """Whatever reason the end tells, the answer is the whole one that will come."""
    for what, answer in _ENDINGS.items():
        guest = await stage.open(answer)
        await _whole(guest, await guest.read(_MANY), what)


async def _whole(guest: Guest, reading: Reading, what: str) -> None:
    require(reading.clean, f"an answer {what} ended with {reading.end}")
    told = await guest.told(f"of an answer {what}")
    complete = told is None or told.complete is not False
    require(complete, f"an answer {what} was called incomplete")


def _held_open(frames: list[Any]) -> list[Any]:
    return [*frames, ops.Flush(), ops.Stall()]


def _said_again(frames: list[Any]) -> list[Any]:
    return [*frames, next(frame for frame in frames if frame.said)]


def _garbled(frames: list[Any]) -> list[Any]:
    return [*frames, Piece(b'data: {"bourn\xff\n\n')]


@check("10.3")
async def ends_without_the_peer(stage: Stage) -> None:
    """It ends soon after the last mark, though the body goes on without a byte."""
    guest = await stage.open(scripts.ANSWER, fault=Rewritten("a body that does not end", _held_open))
    reading = await guest.read(_MANY, within=_SOON)
    require(reading.clean, f"where the peer does not end the body, it ended with {reading.end}")


_NO_LAST = {"gemini"}
"""Dialects without a last mark: after a finish reason more may come, until the body ends."""


@check("10.3", needs=("text",))
async def later_bytes_are_ignored(stage: Stage) -> None:
    """What the body holds after the last mark is not part of the answer, nor read at all."""
    if stage.subject.dialect in _NO_LAST:
        return
    for what, change in (("more text", _said_again), ("garbage", _garbled)):
        guest = await stage.open(scripts.ANSWER, fault=Rewritten(f"{what} after the end", change))
        reading = await guest.read(_MANY)
        require(reading.clean, f"with {what} in the body after its last mark, it ended with {reading.end}")
        text = guest.text(reading.items)
        require(text == scripts.TEXT, f"with {what} in the body after its last mark, it said {text!r}")


@check("10.3", needs=("text",))
async def unterminated_events_are_dropped(stage: Stage) -> None:
    """In SSE, an event without the blank line after it, when the body ends, never was."""
    frames = await frames_of(stage, _SHORT)
    last = max(at for at, frame in enumerate(frames) if frame.said)
    if dialects.get(stage.subject.dialect).media_types[0] not in SSE:
        return

    def unterminated(frames: list[Any]) -> list[Any]:
        return [*frames[:last], Piece(frames[last].data.removesuffix(b"\n").removesuffix(b"\r"))]

    guest = await stage.open(_SHORT, fault=Rewritten("an unterminated event at the end", unterminated))
    text = guest.text((await guest.read(_MANY)).items)
    require(text == "It was ", f"of an event that the body's end cut off it made {text!r}")


_NO_REASON = {"cloudflare"}
"""Dialects in which no service says why it ended."""

_CALL = tool_call("look_up", {"city": "Oslo", "days": 3}, id="call_1")


@check("10.4", needs=("partial",))
async def cut_calls_are_incomplete(stage: Stage) -> None:
    """A call whose arguments are cut by a reset, a close of the peer, a clean end or our own close is not complete."""
    frames = await frames_of(stage, _CALL)
    said = [at for at, frame in enumerate(frames) if frame.said]
    if not said:
        return  # the dialect sends calls whole
    breaks = {
        "a reset": faults.Reset(event=said[1]),
        "a close by the peer": faults.Fin(event=said[1]),
        "the end of the body": faults.CleanEnd(event=said[1]),
    }
    for what, fault in breaks.items():
        guest = await stage.open(_CALL, fault=fault)
        await guest.read(_MANY)
        await _no_complete_call(guest, what)
    guest = await stage.open(_CALL, fault=faults.Stall(event=said[1]))
    await guest.read(said[0])
    await guest.close()
    await _no_complete_call(guest, "its own close")


@check("10.4", needs=("partial",))
async def calls_at_the_limit_are_incomplete(stage: Stage) -> None:
    """Nor is one that the length limit cut, though the answer has its end marks, and some services end the call too."""
    dialect = stage.subject.dialect
    if dialect in _NO_REASON or not any(frame.said for frame in await frames_of(stage, _CALL)):
        return
    guest = await stage.open(tool_call("look_up", '{"city":"Oslo","da', id="call_1") + finish("length"))
    await guest.read(_MANY)
    await _no_complete_call(guest, "the length limit")


async def _no_complete_call(guest: Guest, what: str) -> None:
    told = await guest.told(f"after {what}")
    wrong = [call.arguments for call in told.calls if call.complete] if told is not None else []
    require(not wrong, f"a call cut by {what} was called complete, with the arguments {wrong}")
