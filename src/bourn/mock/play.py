"""Plays an answer: its steps become the events of a stream, with the pauses between them.

House rule: the same steps, timing and dice give the same events and pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, ClassVar

from bourn.events import (
    CONTENT_EVENTS,
    DELTAS,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.messages import Request
from bourn.mock import steps
from bourn.mock.ops import Op
from bourn.mock.scenario import Answer, Timing

Beat = Event | Op | float | steps.Failed
"""What a played answer consists of: an event, an op, a pause in seconds, or the error that ends it."""

_STARTS: dict[str, Callable[[int], Event]] = {"text": TextStart, "refusal": RefusalStart}
_DELTAS: dict[str, Callable[[int, str], Event]] = {"text": TextDelta, "refusal": RefusalDelta, "reasoning": ReasoningDelta}
_ENDS: dict[str, Callable[[int], Event]] = {"text": TextEnd, "refusal": RefusalEnd}


class _Play:
    """The state of one play: which index is next, what was said, how it will end."""

    def __init__(self, request: Request, dice: Random) -> None:
        self._request = request
        self._dice = dice
        self._next = 0
        self._deltas = 0
        self._reason: FinishReason | None = None
        self._raw: str | None = None
        self._calls = False
        self._usage: Usage | None = None
        self._usage_told = False

    def run(self, answer: Answer) -> Iterator[Beat]:
        yield Start(f"mock-{self._dice.getrandbits(64):016x}", self._request.model)
        for step in answer.steps:
            if isinstance(step, steps.Failed):
                yield step
                return
            yield from self._STEPS[type(step)](self, step)
        usage = self._usage if self._usage_told else Usage(_words(self._request), self._deltas)
        yield Finish(self._reason or ("tool_calls" if self._calls else "stop"), self._raw, usage)

    def _index(self) -> int:
        self._next += 1
        return self._next - 1

    def _pieces(self, moments: tuple[steps.Moment, ...], delta: Callable[[int, str], Event], index: int) -> Iterator[Beat]:
        for moment in moments:
            if isinstance(moment, str):
                self._deltas += 1
                yield delta(index, moment)
            else:
                yield moment

    def _said(self, step: steps.Said) -> Iterator[Beat]:
        index = self._index()
        thinking = step.kind == "reasoning"
        yield ReasoningStart(index, step.id) if thinking else _STARTS[step.kind](index)
        yield from self._pieces(step.moments, _DELTAS[step.kind], index)
        yield ReasoningEnd(index, step.signature, step.redacted) if thinking else _ENDS[step.kind](index)

    def _called(self, step: steps.Called) -> Iterator[Beat]:
        index, self._calls = self._index(), True
        yield ToolCallStart(index, step.id or f"call_{self._dice.getrandbits(48):012x}", step.name, step.custom)
        yield from self._pieces(step.moments, ToolCallDelta, index)
        yield ToolCallEnd(index)

    def _together(self, step: steps.Together) -> Iterator[Beat]:
        running = [self._STEPS[type(part)](self, part) for part in step.parts]
        while running:
            for part in running[:]:
                beat = next(part, None)
                if beat is None:
                    running.remove(part)
                else:
                    yield beat

    def _meanwhile(self, step: steps.Meanwhile) -> Iterator[Beat]:
        yield step.moment

    def _extra(self, step: steps.Extra) -> Iterator[Beat]:
        yield step.event

    def _told(self, step: steps.Told) -> Iterator[Beat]:
        self._usage, self._usage_told = step.usage, True
        return iter(())

    def _ended(self, step: steps.Ended) -> Iterator[Beat]:
        self._reason, self._raw = step.reason, step.raw
        return iter(())

    _STEPS: ClassVar[dict[type[Any], Callable[[Any, Any], Iterator[Beat]]]] = {
        steps.Said: _said,
        steps.Called: _called,
        steps.Together: _together,
        steps.Meanwhile: _meanwhile,
        steps.Extra: _extra,
        steps.Told: _told,
        steps.Ended: _ended,
    }


def play(answer: Answer, request: Request, dice: Random) -> Iterator[Beat]:
    """The beats of an answer to a request, in order and in time."""
    beats = _Play(request, dice).run(answer)
    return _timed(beats, answer.timing, dice) if answer.timing is not None else beats


def _timed(beats: Iterator[Beat], timing: Timing, dice: Random) -> Iterator[Beat]:
    pause = 0.0 if timing.rate is None else 1.0 / timing.rate
    content = 0
    for beat in beats:
        if type(beat) in CONTENT_EVENTS and (content == 0 or type(beat) in DELTAS):
            wait = timing.first if content == 0 else pause * timing.burst if content % timing.burst == 0 else 0.0
            content += 1
            if wait:
                yield wait * (1.0 + timing.jitter * dice.uniform(-1.0, 1.0)) if timing.jitter else wait
        yield beat


def _words(request: Request) -> int:
    return sum(len(message.text.split()) for message in request.messages)
