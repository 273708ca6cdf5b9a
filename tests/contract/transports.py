"""Our own stream over the transports that are not plain HTTP: from memory, from the mock without a socket, to a local model.

The web half of the local transport is pointed at the kit's server, as if that were llama.cpp's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec

import bourn
from bourn import dialects
from bourn.contract import Subject
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart, Usage
from bourn.messages import Message, Request
from bourn.transport.local.server import Servers
from bourn.transport.local.transport import LocalTransport
from bourn.transport.memory import MemoryTransport, Step

from .ourselves import TIMEOUTS, ours

ANSWER: list[Event] = [
    Start("id", "m"),
    TextStart(0),
    *(TextDelta(0, word) for word in ("It ", "was ", "the ", "end.")),
    TextEnd(0),
    Finish("stop", None, Usage(7, 4)),
]


def over_memory(dialect: str) -> Subject:
    """The stream of a client whose answers come from a list of bytes and pauses; one of them breaks off."""
    encoder = dialects.get(dialect).encoder(Request("m", (Message("user", "hi"),)))
    told = [encoder.encode(event) for event in ANSWER]
    whole: list[Step] = [step for data in told if data for step in (data, 0.5)]
    return _from(
        dialect, f"bourn {dialect} from memory", lambda: _memory(whole, dialect), lambda: _memory(_cut(whole), dialect)
    )


def _cut(whole: list[Step]) -> list[Step]:
    return [*whole[: len(whole) // 2], bourn.ConnectionLostError("the connection was cut")]


def _memory(steps: list[Step], dialect: str) -> bourn.Stream:
    client = bourn.Client(transport=MemoryTransport(steps), api_key="none", timeouts=TIMEOUTS, base_url="http://127.0.0.1")
    return client.stream("openai/m", "Say something.", dialect=dialect)


def over_the_mock(dialect: str) -> Subject:
    """The stream of a scenario that is played without a socket; one of them breaks off."""

    def stream(name: str) -> Callable[[], bourn.Stream]:
        return lambda: bourn.stream(f"mock/{name}", "Say something.", dialect=dialect, timeouts=TIMEOUTS)

    return _from(dialect, f"bourn {dialect} from the mock", stream("hello"), stream("cut"))


def _from(dialect: str, name: str, factory: Callable[[], Any], failing: Callable[[], Any]) -> Subject:
    """Ours, made by a factory instead of pointed at a server."""
    return msgspec.structs.replace(ours(dialect), name=name, factory=factory, failing=failing, connect=None, client=None)


class Lease:
    """A share in the kit's server."""

    def __init__(self, base_url: str) -> None:
        self.base_url, self.key = base_url, "none"

    def release(self) -> None: ...

    async def aclose(self) -> None: ...


class Standing:
    """In place of the servers of llama.cpp: one that stands already."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    async def acquire(self, model: str, *, keep: bool = False) -> Lease:
        return Lease(self._base_url)


def over_local(dialect: str) -> Subject:
    """The stream of a local model's transport; its connections are not kept, as llama.cpp's server closes them."""

    def client(url: str) -> bourn.Client:
        servers = cast("Servers", Standing(url.removesuffix(dialects.get(dialect).root)))
        return bourn.Client(transport=LocalTransport(servers=servers), timeouts=TIMEOUTS)

    def connect(client: bourn.Client) -> bourn.Stream:
        return client.stream("local/mock", "Say something.", dialect=dialect)

    return msgspec.structs.replace(
        ours(dialect), name=f"bourn {dialect} of a local model", client=client, connect=connect, keeps_alive=False
    )
