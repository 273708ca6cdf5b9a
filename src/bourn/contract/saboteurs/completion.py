"""Breaks section 10: completion."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from bourn.contract.reference import ReferenceStream, partial, reference
from bourn.contract.registry import sabotage
from bourn.contract.subject import Partial
from bourn.errors import BournError, PayloadError, TruncatedError
from bourn.events import Event, Finish, TextDelta
from bourn.response import Response


class EndIsSuccess(ReferenceStream):
    """Takes the end of the body for the end of the answer."""

    async def more(self) -> None:
        try:
            await super().more()
        except TruncatedError:
            raise StopAsyncIteration from None


class WantsText(ReferenceStream):
    """Takes the end of the body for the end of the answer, but for one after which text is missing."""

    async def more(self) -> None:
        try:
            await super().more()
        except TruncatedError:
            if self.response.text.endswith("over."):
                raise
            raise StopAsyncIteration from None


class Rolls(ReferenceStream):
    """Throws away what had come when it fails."""

    def fail(self, error: BournError) -> None:
        super().fail(error)
        if isinstance(error, TruncatedError):
            self.events.clear()
            self.response = Response()


class Fills(ReferenceStream):
    """Fills up the last word when the body ends inside it."""

    async def __anext__(self) -> Event:
        try:
            return await super().__anext__()
        except TruncatedError:
            if self.closed or not self.response.text:
                raise
            self.closed = True
            return TextDelta(0, "...")


def _complete(stream: Any) -> Partial:
    """The answer so far, which is always told to be complete."""
    return msgspec.structs.replace(partial(stream), complete=True)


sabotage("10.1", "without the marks of its end, it took the answer for whole", reference("end is success", EndIsSuccess))
sabotage("10.1", "with a body that ended after its byte", reference("wants text", WantsText))
sabotage("10.1", "and called the answer complete", reference("always complete", partial=_complete))
sabotage("10.1", "the answer so far was ''", reference("rolls back", Rolls))
sabotage("10.1", "which nobody had said", reference("fills up", Fills))


class WantsDone(ReferenceStream):
    """Takes no finish reason for the end: it wants the last mark."""

    def settle(self) -> None:
        if not self.decoder.done:
            raise TruncatedError("the last mark never came")
        super().settle()


class WantsAReason(ReferenceStream):
    """Wants a finish reason that it knows."""

    def give(self) -> Event:
        event = super().give()
        if isinstance(event, Finish) and event.reason == "other":
            raise ValueError("an unknown finish reason")
        return event


def _stopped(stream: Any) -> Partial:
    """The answer so far, which is told to be complete only if the model stopped by itself."""
    told = partial(stream)
    return msgspec.structs.replace(told, complete=told.complete and told.finish_reason == "stop")


class NeverMind(ReferenceStream):
    """Takes a body of several events for whole, however it ends."""

    async def more(self) -> None:
        try:
            await super().more()
        except TruncatedError:
            if self.given < 5:
                raise
            raise StopAsyncIteration from None


sabotage("10.2", "an answer ended by the finish reason alone ended with TruncatedError", reference("wants [DONE]", WantsDone))
sabotage("10.2", "an answer ended by [DONE] alone ended with ValueError", reference("wants a reason", WantsAReason))
sabotage("10.2", "its length was called incomplete", reference("only stop is complete", partial=_stopped))
sabotage("10.2", "an answer ended by no mark was taken for whole", reference("never mind", NeverMind))


class WaitsForTheEnd(ReferenceStream):
    """Ends only when the peer ends the body."""

    async def release(self) -> None:
        while self.connection is not None and not (self.body.ended or self.connection.ended):
            await self.connection.wait()
            self.body.feed(self.connection.take())
        await super().release()


class GivesUpOnTheEnd(ReferenceStream):
    """Waits for the end of the body for a while, and then calls it an error."""

    async def release(self) -> None:
        try:
            async with asyncio.timeout(1):
                while self.connection is not None and not (self.body.ended or self.connection.ended):
                    await self.connection.wait()
                    self.body.feed(self.connection.take())
        except TimeoutError:
            raise TruncatedError("the body does not end") from None
        await super().release()


class ReadsOn(ReferenceStream):
    """Decodes what comes after the last mark."""

    def decode(self, content: bytes) -> None:
        super().decode(content)
        if self.decoder.done and b"bourn" in content:
            raise PayloadError("what is this?", raw=content)


class SaysTheRest(ReferenceStream):
    """Gives the text that comes after the last mark before it."""

    def decode(self, content: bytes) -> None:
        super().decode(content)
        mark, _, rest = content.rpartition(b"[DONE]")
        if mark and b"content" in rest:
            self.events.insert(len(self.events) - 2, TextDelta(0, "It "))


class TakesTheLast(ReferenceStream):
    """Takes the last event without the blank line after it."""

    def settle(self) -> None:
        self.decode(b"\n\n")
        super().settle()


sabotage("10.3", "waiting for item 17 was not over within 5 s", reference("waits for the end", WaitsForTheEnd))
sabotage("10.3", "where the peer does not end the body, it ended with Trunc", reference("gives up on it", GivesUpOnTheEnd))
sabotage("10.3", "with garbage in the body after its last mark, it ended with PayloadError", reference("reads on", ReadsOn))
sabotage("10.3", "with more text in the body after its last mark, it said", reference("says the rest", SaysTheRest))
sabotage("10.3", "that the body's end cut off it made", reference("takes the last", TakesTheLast))


def _runnable(stream: Any) -> Partial:
    """The answer so far, with every call told to be complete."""
    told = partial(stream)
    return msgspec.structs.replace(told, calls=tuple(msgspec.structs.replace(call, complete=True) for call in told.calls))


sabotage("10.4", "a call cut by a reset was called complete", reference("always runnable", partial=_runnable))


def _ended(stream: Any) -> Partial:
    """The answer so far, with every call told to be complete once the answer is."""
    told = _runnable(stream)
    return told if told.complete else partial(stream)


sabotage("10.4", "a call cut by the length limit was called complete", reference("believes the end", partial=_ended))
