"""Breaks section 9: errors and partial results."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from bourn.contract.reference import ReferenceClient, ReferenceStream, reference
from bourn.contract.registry import sabotage
from bourn.contract.subject import Partial
from bourn.errors import (
    BournError,
    ConnectionLostError,
    ContentTypeError,
    ModelError,
    PayloadError,
    RateLimitError,
    TruncatedError,
)
from bourn.events import Event, TextDelta, ToolCallDelta
from bourn.response import Response


class LetsThrough(ReferenceStream):
    """Raises what its socket raised."""

    async def more(self) -> None:
        try:
            await super().more()
        except ConnectionLostError as error:
            raise error.__cause__ or error from None


class EndsQuietly(ReferenceStream):
    """Takes a broken connection for the end."""

    async def more(self) -> None:
        try:
            await super().more()
        except ConnectionLostError:
            raise StopAsyncIteration from None


class HidesTheCause(ReferenceStream):
    """Raises its own error in place of another's, and does not say upon what."""

    async def more(self) -> None:
        try:
            await super().more()
        except BournError as error:
            error.__cause__ = None
            raise


class DecodesTooSoon(ReferenceStream):
    """Decodes its bytes by itself, and lets out what that raises."""

    def decode(self, content: bytes) -> None:
        if b"\xff" in content:
            content.decode()
        super().decode(content)


class ShortBodies(ReferenceStream):
    """Lets the error of its transport out where the body had begun and no content had come."""

    async def more(self) -> None:
        try:
            await super().more()
        except (ConnectionLostError, TruncatedError) as error:
            if self.response.parts:
                raise
            raise EOFError("the body ended too soon") from error


class InventsAnEllipsis(ReferenceStream):
    """Tells the reader that something is missing in words of its own."""

    told = False

    async def __anext__(self) -> Event:
        try:
            return await super().__anext__()
        except TruncatedError:
            if self.told or not self.response.text:
                raise
            self.told = True
            return TextDelta(0, " [cut off]")


class KeepsBrokenConnections(ReferenceStream):
    """Keeps its connection to itself after a failure, and does not let go of it when it is closed."""

    def fail(self, error: BournError) -> None:
        self.client.lost = self.connection  # type: ignore[attr-defined]  # nobody closes it
        self.connection = None
        super().fail(error)


class ReportsLater(ReferenceStream):
    """Starts a task that reports a failure, and leaves it running."""

    def fail(self, error: BournError) -> None:
        self.client.report = asyncio.ensure_future(asyncio.sleep(1000))  # type: ignore[attr-defined]
        super().fail(error)


sabotage(
    "9.1",
    "when the connection was reset, it raised ConnectionResetError: [Errno 104] Connection reset by peer, which is of none",
    reference("lets through", LetsThrough),
)
sabotage("9.1", "when the connection was reset, it raised nothing", reference("ends quietly", EndsQuietly))
sabotage("9.1", "without a __cause__", reference("hides the cause", HidesTheCause))
sabotage("9.1", "for bytes that are no UTF-8 it raised UnicodeDecodeError", reference("decodes too soon", DecodesTooSoon))
sabotage("9.1", "of the body, it raised EOFError", reference("short bodies", ShortBodies))
sabotage("9.1", "which nobody had said", reference("invents an ellipsis", InventsAnEllipsis))
sabotage("9.1", "a connection was still open 1 s after", reference("keeps broken connections", KeepsBrokenConnections))
sabotage("9.1", "it left behind: task", reference("reports later", ReportsLater))


class Forgets(ReferenceStream):
    """Drops what had come when it is closed."""

    async def aclose(self) -> None:
        await super().aclose()
        self.response = Response()


class ForgetsCalls(ReferenceStream):
    """Keeps no arguments before they are whole."""

    def give(self) -> Event:
        event = super().give()
        if isinstance(event, ToolCallDelta):
            self.response._parts[event.index].pieces.clear()  # noqa: SLF001  # that is the sabotage
        return event


class CountsAtTheEnd(ReferenceStream):
    """Looks for usage only at the end."""

    def decode(self, content: bytes) -> None:
        try:
            super().decode(content)
        finally:
            self.response.usage = None


class NoAnswerYet(ReferenceStream):
    """Has no answer so far until the end."""

    def whole(self) -> Response:
        if not self.finished:
            raise AssertionError("the stream is not over")
        return self.response


def _whole(stream: Any) -> Partial:
    return Partial(text=stream.whole().text)


sabotage("9.2", "after a close its text so far was ''", reference("forgets", Forgets))
sabotage("9.2", "its tool calls so far were [('look_up', '')]", reference("forgets calls", ForgetsCalls))
sabotage("9.2", "it told None input tokens; the service had told 7", reference("counts at the end", CountsAtTheEnd))
sabotage(
    "9.2",
    "could not be read: its partial=",
    reference("no answer yet", NoAnswerYet, partial=_whole),
)


class Collected:
    """An answer that was read to its end before anybody got it."""

    def __init__(self, stream: ReferenceStream, events: list[Event]) -> None:
        self.response = stream.response
        self._events = iter(events)

    def __aiter__(self) -> Collected:
        return self

    async def __anext__(self) -> Event:
        for event in self._events:
            return event
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """There is nothing to close any more."""


async def _collects(client: ReferenceClient) -> Collected:
    stream = ReferenceStream(client)
    return Collected(stream, [event async for event in stream])


sabotage("9.2", "there was no stream that could tell the answer so far", reference("collects first", _collects))


class SkipsErrors(ReferenceStream):
    """Takes an error event for one that it does not know."""

    def begin(self) -> None:
        super().begin()
        self.decoder = _Skipping(self.decoder, ModelError)


class _Skipping:
    """A decoder that goes on after some errors; where nothing had come, that is an empty answer."""

    def __init__(self, inner: Any, kind: type[BournError]) -> None:
        self._inner = inner
        self._kind = kind

    def feed(self, frame: Any) -> Any:
        try:
            return list(self._inner.feed(frame))
        except self._kind:
            return ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class SomethingWentWrong(ReferenceStream):
    """Says that there was an error, and not which."""

    def fail(self, error: BournError) -> None:
        super().fail(ModelError("something went wrong") if isinstance(error, ModelError) else error)


sabotage("9.3", "an error event amid the answer (the dialect's own) was passed over", reference("skips errors", SkipsErrors))
sabotage("9.3", "which does not tell 'the mock lost its thread'", reference("something went wrong", SomethingWentWrong))


class TakesAnything(ReferenceStream):
    """Looks at no content type, and takes a body that says nothing for an empty answer."""

    def judge_head(self) -> None:
        try:
            super().judge_head()
        except ContentTypeError:
            self.framer = self.client.dialect.framer(self.client.event_bytes)

    async def more(self) -> None:
        try:
            await super().more()
        except TruncatedError:
            if self.given:
                raise
            raise StopAsyncIteration from None


class ParsesAnything(ReferenceStream):
    """Reads any body as JSON, and lets out what that raises."""

    def judge_head(self) -> None:
        try:
            super().judge_head()
        except ContentTypeError:
            json.loads("<!doctype html>")


sabotage("9.4", "a 200 with a page of HTML was taken for an answer", reference("takes anything", TakesAnything))
sabotage("9.4", "a 200 with a page of HTML raised JSONDecodeError", reference("parses anything", ParsesAnything))


class SkipsBroken(ReferenceStream):
    """Goes on after what it cannot read."""

    def begin(self) -> None:
        super().begin()
        self.decoder = _Skipping(self.decoder, PayloadError)


class LosesTheFrame(ReferenceStream):
    """Says that a frame was broken, and has lost it."""

    def fail(self, error: BournError) -> None:
        super().fail(PayloadError("a frame was broken") if isinstance(error, PayloadError) else error)


sabotage("9.5", "a frame that cannot be decoded was passed over", reference("skips broken", SkipsBroken))
sabotage("9.5", "which does not carry the frame", reference("loses the frame", LosesTheFrame))


class StartsOver(ReferenceStream):
    """Sends the request again after any failure, and begins at the beginning."""

    def fail(self, error: BournError) -> None:
        if self.tries == 0:
            self.tries = 1
            self.drop()
            self.begin()
            return
        super().fail(error)


class RepeatsItself(ReferenceStream):
    """Gives what it had given once more when its connection breaks."""

    repeated = False

    async def __anext__(self) -> Event:
        try:
            return await super().__anext__()
        except ConnectionLostError:
            if self.repeated:
                raise
            self.repeated = True
            return TextDelta(0, self.response.text)


class Impatient(ReferenceStream):
    """Tries again after a second, whatever it was asked."""

    def fail(self, error: BournError) -> None:
        if isinstance(error, RateLimitError):
            error.retry_after = 1.0
        super().fail(error)


class Insists(ReferenceStream):
    """Never gives up trying."""

    def fail(self, error: BournError) -> None:
        self.tries = min(self.tries, 1) if self.count() < 9 else self.tries
        super().fail(error)

    def count(self) -> int:
        """How often it has failed."""
        self.failures = getattr(self, "failures", 0) + 1
        return self.failures


class GivesUpAtOnce(ReferenceClient):
    """Declares retries and makes none."""

    def __init__(self, *args: Any, **limits: Any) -> None:
        super().__init__(*args, **{**limits, "retries": 0})


class TakesRefusals(ReferenceStream):
    """Takes whatever ends for the end of an answer."""

    def settle(self) -> None:
        if self.body.status == 429:
            self.finished = True
        else:
            super().settle()


sabotage("9.6", "a 429 was taken for an answer: it ended with StopAsync", reference("takes refusals", TakesRefusals))
sabotage("9.6", "after 1 pieces of text and a reset it sent 1 more requests", reference("starts over", StartsOver))
sabotage("9.6", "after 1 pieces of text and a reset it said 'It It '", reference("repeats itself", RepeatsItself))
sabotage("9.6", "asked to wait 7 s, it tried again after 1 s", reference("impatient", Impatient))
sabotage("9.6", "refused again and again, it sent", reference("insists", Insists))
sabotage("9.6", "a 429 and then an answer ended with RateLimitError", reference("gives up at once", client=GivesUpAtOnce))
