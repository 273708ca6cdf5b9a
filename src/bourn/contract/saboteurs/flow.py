"""Breaks section 6: flow."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bourn.contract.reference import ReferenceClient, ReferenceStream, reference
from bourn.contract.reference.connection import Connection
from bourn.contract.registry import sabotage
from bourn.errors import ConnectError, FrameTooLargeError
from bourn.events import Event


class GreedyConnection(Connection):
    """Takes what comes, up to ``most`` bytes, whether anybody reads or not."""

    most = 1 << 40

    def data_received(self, data: bytes) -> None:
        self.data += data
        if len(self.data) >= self.most:
            self.transport.pause_reading()
        self._wake()


class TolerantConnection(GreedyConnection):
    """Stops, but late."""

    most = 4 * 1024 * 1024


class GreedyClient(ReferenceClient):
    """Makes connections that take more than they should."""

    kind: type[Connection] = GreedyConnection

    async def connect(self) -> Connection:
        host, _, port = self.base_url.removeprefix("http://").partition("/")[0].partition(":")
        try:
            return (await asyncio.get_running_loop().create_connection(self.kind, host, int(port)))[1]
        except OSError as error:
            raise ConnectError("no connection") from error


class TolerantClient(GreedyClient):
    """Likewise."""

    kind = TolerantConnection


sabotage("6.1", "unread, it took all", reference("pumps without a bound", client=GreedyClient))
sabotage("6.1", "more than the 1048576 that it may hold", reference("holds too much", client=TolerantClient))


class OneBehind(ReferenceStream):
    """Gives an event when it has the next."""

    async def __anext__(self) -> Event:
        await self.take_turn()
        while len(self.events) < 2 and not self.decoder.ended:
            await self.more()
        while not self.events:
            await self.more()
        return self.give()


class PatientClient(ReferenceClient):
    """Has no limits."""

    def __init__(self, base_url: str, dialect: str = "openai-chat", **_: Any) -> None:
        super().__init__(base_url, dialect)


class LosesTheLast(ReferenceStream):
    """Takes its end for an error."""

    async def more(self) -> None:
        if self.finished:
            raise FrameTooLargeError("nothing follows")
        await super().more()


sabotage("6.2", "to be read, and in its place came IdleTimeout", reference("one behind", OneBehind))
sabotage("6.2", "to be read, and it was not given", reference("one behind, for ever", OneBehind, PatientClient))
sabotage(
    "6.2", "when every piece had been read in lockstep, it ended with FrameTooLargeError", reference("ends badly", LosesTheLast)
)


class Rescans(ReferenceStream):
    """Joins all that was received with each new piece and looks through it again."""

    buffer = b""

    def feed(self, data: bytes) -> None:
        self.buffer = self.buffer + data
        self.buffer.count(b"\n")
        super().feed(data)


class Ponders(ReferenceStream):
    """Computes out of all proportion to the size of an event, up to 3.5 s for one of 256 kB."""

    def give(self) -> Event:
        size = len(getattr(self.events[0], "text", "")) / (256 * 1024)
        until = time.thread_time() + (3.5 * size**4 if size <= 1 else 0)
        while time.thread_time() < until:
            pass
        return super().give()


class SmallEvents(ReferenceClient):
    """Takes no large event, though it says so."""

    def __init__(self, base_url: str, dialect: str = "openai-chat", **limits: Any) -> None:
        super().__init__(base_url, dialect, **{**limits, "event_bytes": 10_000})


class AnyEvent(ReferenceClient):
    """Takes events of any size."""

    def __init__(self, base_url: str, dialect: str = "openai-chat", **limits: Any) -> None:
        super().__init__(base_url, dialect, **{**limits, "event_bytes": 1 << 40})


class LateRefusal(ReferenceStream):
    """Looks at the size of an event when it is whole."""

    def give(self) -> Event:
        if len(getattr(self.events[0], "text", "")) > 16 * 1024 * 1024:
            self.drop()
            raise FrameTooLargeError("the event is too large")
        return super().give()


class RawRefusal(ReferenceStream):
    """Lets the parser's own words out."""

    async def more(self) -> None:
        try:
            await super().more()
        except FrameTooLargeError as error:
            raise ValueError("separator is not found, and chunk exceed the limit") from error


sabotage("6.3", "one event of four times the size cost", reference("rescans", Rescans))
sabotage("6.3", "four times the chunks of one byte cost", reference("ponders", Ponders))
sabotage("6.3", "bytes ended with FrameTooLargeError", reference("small events", client=SmallEvents))
sabotage("6.3", "was no error", reference("any event", client=AnyEvent))
sabotage("6.3", "was refused only when", reference("late refusal", LateRefusal, AnyEvent))
sabotage("6.3", "came out as ValueError", reference("raw refusal", RawRefusal))
