"""``Trial``: one request of several, from its sending to what became of it.

House rule: what a trial says is held back until it has said something, so that one that fails before leaves no trace; what is
held back is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from bourn.errors import BournError, ModelError, TruncatedError
from bourn.events import CONTENT_EVENTS, STARTS, Event, Finish, Restart, Start, ToolCallStart, Usage
from bourn.response import Attempt, Ending, Response
from bourn.steering.candidate import Candidate

HELD = 64
"""Events that are held back at most; a model that says so many without content is believed."""

_LETTERS = 4
"""Characters of a token, roughly: for the bill that nobody sent."""


class Trial:
    """A candidate that is being asked. :meth:`hold` it until it is ready, :meth:`give` what it held, then :meth:`receive`.

    With ``folds=True`` it keeps all that it said, for what a recovery has to discard, or for a bill that has to be estimated.
    """

    def __init__(self, candidate: Candidate, total: float | None, *, waited: float = 0.0, folds: bool = False) -> None:
        self.candidate = candidate
        self.source = candidate.make(total)
        self.committed = False  # something was given out
        self.over = False  # it failed, or was beaten or closed
        self.begun: list[int] = []  # the indexes of its parts
        self.called = False  # a tool call began
        self.error: BournError | None = None
        self._held: list[Event] = []
        self._ready = False
        self._folds = folds
        self._response: Response | None = Response(candidate.provider, candidate.model)
        self._finish: Finish | None = None
        self._outcome: Ending = "running"
        self._waited = waited
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._seconds: float | None = None

    async def hold(self) -> None:
        """Read until there is content, or an answer that is whole without any. Cancel-safe. Raises ``BournError``."""
        while not self._ready:
            events = await self.source.receive()
            self._held += self._noted(events)
            self._ready = (
                any(type(event) in CONTENT_EVENTS for event in events)
                or (type(events[-1]) is Finish and _is_an_answer(events[-1]))
                or len(self._held) >= HELD
            )

    def give(self) -> Sequence[Event]:
        """What was held back; nothing is from now on."""
        held, self._held = self._held, []
        self.committed = True
        if not self._folds:
            self._response = None
        return held

    async def receive(self) -> Sequence[Event]:
        """The next events of a trial that was committed."""
        return self._noted(await self.source.receive())

    def fail(self, failure: BournError) -> BournError:
        """It ended with an error; its connection is closed. Gives the error as it is kept: without a traceback."""
        error = self.error = failure.fresh()
        error.provider = error.provider or self.candidate.provider
        error.model = error.model or self.candidate.model
        error.request_id = error.request_id or self.source.request_id
        error.response = self._response
        self._settle("failed")
        self.end("failed")
        return error

    def end(self, outcome: Ending) -> None:
        """It is over, one way or another, if it was not; its connection is closed at once. Callable from any thread."""
        if not self.over:
            self.over = True
            if self._outcome == "running":
                self._settle(outcome)
        self.source.abort()

    def attempts(self) -> tuple[Attempt, ...]:
        """What is told of it: itself, or the several attempts that its own source made."""
        inner = self.source.attempts
        if not inner:
            return (self._attempt(),)
        last = inner[-1]
        if last.outcome in ("running", "closed"):
            last = msgspec.structs.replace(last, outcome=self._outcome)
        if last.outcome not in ("running", "complete"):
            last = msgspec.structs.replace(last, response=last.response or self._response)
        return (*inner[:-1], self._billed(last))

    def _attempt(self) -> Attempt:
        refused = None if self.error is None else self.error.request_id
        return self._billed(
            Attempt(
                provider=self.candidate.provider,
                model=self.candidate.model,
                outcome=self._outcome,
                error=self.error,
                response=None if self._outcome in ("running", "complete") else self._response,
                usage=self.source.usage,
                request_id=self.source.request_id or refused,
                waited=self._waited,
                seconds=self._loop.time() - self._began if self._seconds is None else self._seconds,
            )
        )

    def _billed(self, attempt: Attempt) -> Attempt:
        """With the provider's usage, or with an estimate of what it will bill although it told nothing."""
        usage = attempt.usage or (self._finish.usage if self._finish is not None else None)
        if usage is not None or attempt.outcome == "running":
            return msgspec.structs.replace(attempt, usage=usage)
        letters = _letters(self._response)
        if not letters and attempt.outcome != "lost":
            return attempt
        return msgspec.structs.replace(attempt, usage=Usage(output_tokens=-(-letters // _LETTERS)), estimated=True)

    def _noted(self, events: Sequence[Event]) -> Sequence[Event]:
        """The events, with the name of who answers in ``Start``; noted are the end, the parts, and all if it ``folds``."""
        if type(events[0]) is Start:
            events = [self._named(events[0]), *events[1:]]
        if type(events[-1]) is Finish:
            self._finish = events[-1]
            self._settle("complete")
        if self._response is not None:
            for event in events:
                self._fold(event, self._response)
        return events

    def _fold(self, event: Event, response: Response) -> None:
        response.fold(event)
        kind = type(event)
        if kind in STARTS:
            self.begun.append(event.index)  # type: ignore[attr-defined]  # every start of a part has one
            self.called = self.called or kind is ToolCallStart
        elif kind is Restart:
            self.begun.clear()

    def _named(self, start: Start) -> Start:
        who = self.candidate
        return msgspec.structs.replace(start, provider=start.provider or who.provider, model=start.model or who.model)

    def _settle(self, outcome: Ending) -> None:
        self._outcome = outcome
        self._seconds = self._loop.time() - self._began


def _is_an_answer(finish: Finish) -> bool:
    """Whether an end without content is one: a model may have nothing to say. Raises what it is otherwise."""
    if finish.reason == "error":
        raise ModelError(f"the provider ended the answer with an error ({finish.raw_reason})", retryable=True)
    if not finish.verified:
        raise TruncatedError("the answer ended without content and without the dialect's end mark")
    return True


def _letters(response: Response | None) -> int:
    if response is None:
        return 0
    calls = sum(len(call.name) + len(call.arguments) for call in response.tool_calls)
    return len(response.text) + len(response.reasoning) + len(response.refusal or "") + calls
