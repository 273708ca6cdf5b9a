"""The kit is fair: what a stranger may do passes, however unlike our own stream it is, and never is the kit at a loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from bourn.contract import Partial
from bourn.contract.proving import require_failure, require_pass
from bourn.contract.reference import ReferenceStream, partial, reference
from bourn.errors import PayloadError
from bourn.events import TextDelta


class _LooksUp(ReferenceStream):
    """Looks up a name in the loop's own executor, as ``loop.getaddrinfo`` does."""

    async def take_turn(self) -> None:
        await super().take_turn()
        if not self.given:
            await asyncio.get_running_loop().run_in_executor(None, int)


@pytest.mark.parametrize("id", ["1.5", "4.2", "7.3", "9.1"])
def test_the_loops_own_threads_are_nobodys_leak(id: str) -> None:
    """A name is looked up in a thread that belongs to the event loop: nothing is left behind by that."""
    require_pass(id, reference("looks up", _LooksUp))


class _Distrustful(ReferenceStream):
    """Takes a hundred equal pieces in a row for a model that has gone astray, as litellm does."""

    same = 0
    last = ""

    async def __anext__(self) -> Any:
        event = await super().__anext__()
        if isinstance(event, TextDelta):
            self.same = self.same + 1 if event.text == self.last else 0
            self.last = event.text
            if self.same > 100:
                raise PayloadError("the model repeats itself")
        return event


@pytest.mark.parametrize("id", ["7.1", "7.2"])
def test_no_long_answer_repeats_itself(id: str) -> None:
    """A long answer is no reason to think that a model has gone astray."""
    require_pass(id, reference("distrustful", _Distrustful))


@asynccontextmanager
async def _peeked(client: Any) -> AsyncIterator[ReferenceStream]:
    """A stream that is entered only when its first event is there, as Pydantic AI's is."""
    stream = ReferenceStream(client)
    try:
        first = await anext(stream)
        stream.events.appendleft(first)
        yield stream
    finally:
        await stream.aclose()


@pytest.mark.parametrize("id", ["9.1", "10.1", "10.3", "12.1"])
def test_a_manager_that_cannot_be_entered_gives_no_stream(id: str) -> None:
    """Where entering fails there is no stream to ask for its answer so far, and the failure is what counts."""
    require_pass(id, msgspec.structs.replace(reference("peeked"), connect=_peeked))


def _tells_the_sum(stream: Any) -> Partial:
    """Adds up every count of tokens that the service told, as Pydantic AI does unless it is told otherwise."""
    told = partial(stream)
    return msgspec.structs.replace(told, input_tokens=told.input_tokens and told.input_tokens * stream.counted)


class _AddsUp(ReferenceStream):
    """Counts how often usage was told."""

    counted = 0

    def feed(self, data: bytes) -> None:
        self.counted += data.count(b'"usage":{')
        super().feed(data)


def test_usage_is_told_once() -> None:
    """What is told early is told once: whether counts in every chunk replace or add is the service's own affair."""
    require_pass("9.2", msgspec.structs.replace(reference("adds up", _AddsUp), partial=_tells_the_sum))


@pytest.mark.parametrize("id", ["10.1", "12.1"])
def test_an_answer_that_cannot_be_read_is_the_streams_failure(id: str) -> None:
    """A reader of the answer so far that raises is told as such, and is no bug of the kit."""
    unread = msgspec.structs.replace(reference("no answer"), partial=lambda stream: stream.nothing)
    require_failure(id, unread, "its answer so far could not be read")


class _Cautious(ReferenceStream):
    """Sets timers of its own for each read, and calls them off."""

    async def take_turn(self) -> None:
        await super().take_turn()
        for _ in range(2):
            asyncio.get_running_loop().call_later(50, self.give).cancel()


def test_timers_that_were_called_off_are_no_leak() -> None:
    """A loop keeps a timer that was called off until its time has come, or until there are many: that is no stream's growth."""
    require_pass("8.1", reference("cautious", _Cautious))
