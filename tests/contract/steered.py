"""What is made of our streams as subjects: merge and tee, retry, fallback and race, over the kit's server."""

from __future__ import annotations

from typing import Any, Self

import msgspec

import bourn
from bourn.contract import Subject
from bourn.mock import text

from .ourselves import ours


class Abreast:
    """Reads all branches of a tee, one after the other at each event, and demands that they say the same."""

    def __init__(self, branches: tuple[bourn.Branch[Any], ...]) -> None:
        self._branches = branches
        self._waiting = list(branches)
        self._event: Any = None

    @property
    def response(self) -> bourn.Response:
        texts = {branch.response.text for branch in self._branches}
        assert len(self._waiting) != len(self._branches) or len(texts) == 1
        return self._branches[0].response

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        while self._waiting:
            event = await self._waiting[0].__anext__()
            assert self._event is None or event == self._event
            self._event = event
            del self._waiting[0]
        event, self._event, self._waiting = self._event, None, list(self._branches)
        return event

    async def aclose(self) -> None:
        for branch in self._branches:
            await branch.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _made_of(name: str, make: Any) -> Subject:
    stream = ours("openai-chat")
    return msgspec.structs.replace(stream, name=name, connect=lambda client: make(client, stream.connect))


def tee_of_one() -> Subject:
    """The only branch of a tee."""
    return _made_of("bourn.tee, one branch", lambda client, connect: bourn.tee(connect(client), 1)[0])


def tee_of_three() -> Subject:
    """Three branches that are read side by side."""
    return _made_of("bourn.tee, three branches", lambda client, connect: Abreast(bourn.tee(connect(client), 3)))


class Unmerged:
    """The events of one of the merged streams, as they come."""

    def __init__(self, merged: bourn.Merge[bourn.Event], name: str) -> None:
        self._merged = merged
        self._name = name

    @property
    def response(self) -> bourn.Response:
        return self._merged.responses[self._name]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bourn.Event:
        while True:
            name, event = await self._merged.__anext__()
            if name == self._name:
                return event

    async def aclose(self) -> None:
        await self._merged.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def merge_of_one() -> Subject:
    """A merge of one stream."""
    return _made_of("bourn.merge, one stream", lambda client, connect: _merged(a=connect(client)))


def merge_of_three() -> Subject:
    """One of three merged streams; the others' answers, a short and a long one, are in memory."""
    return _made_of(
        "bourn.merge, three streams",
        lambda client, connect: _merged(
            a=connect(client),
            b=bourn.stream("openai/any", "hi", mock="Hello"),
            c=bourn.stream("anthropic/any", "hi", mock=text(*"word " * 50), max_tokens=9),
        ),
    )


def _merged(**streams: bourn.Stream) -> Unmerged:
    return Unmerged(bourn.merge(streams, on_error="raise"), "a")


DEAD = "http://127.0.0.1:9/v1"
"""The port of the discard service, on which nobody listens: a connection is refused."""

RETRY = bourn.Retry(attempts=3, seed=1)


def retried() -> Subject:
    """A stream that is tried again."""
    subject = _made_of("bourn retry", lambda client, _: client.stream("openai/mock", "Say something.", retry=RETRY))
    return msgspec.structs.replace(subject, retries=RETRY.attempts - 1)


def fallback_of_one() -> Subject:
    """A fallback with nobody to fall back to."""
    return _made_of("bourn.fallback, one model", lambda client, connect: client.fallback([connect(client)]))


def fallback_of_two() -> Subject:
    """A fallback whose first model cannot be reached."""
    return _made_of("bourn.fallback, two models", lambda client, connect: client.fallback([_dead(client), connect(client)]))


def race_of_two() -> Subject:
    """A race with somebody who cannot be reached."""
    return _made_of("bourn.race, two models", lambda client, connect: client.race([_dead(client), connect(client)]))


def _dead(client: bourn.Client) -> bourn.Stream:
    return client.stream("openai/dead", "Say something.", base_url=DEAD)


SUBJECTS = {
    "merge of one": merge_of_one,
    "merge of three": merge_of_three,
    "tee of one": tee_of_one,
    "tee of three": tee_of_three,
    "retry": retried,
    "fallback of one": fallback_of_one,
    "fallback of two": fallback_of_two,
    "race of two": race_of_two,
}
