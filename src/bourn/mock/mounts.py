"""What a server answers, and where: a scenario or handler under a token of the base URL, or under a model's name.

House rule: every mount counts its own turns and throws its own dice, so tests that share a server do not see each other.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from random import Random
from typing import TYPE_CHECKING

from bourn import dialects
from bourn.errors import InputError
from bourn.mock.faults.heads import Refused
from bourn.mock.http import HttpRequest
from bourn.mock.journal import Exchange
from bourn.mock.ops import Op, Script
from bourn.mock.reply import Reply
from bourn.mock.scenario import Scenario

if TYPE_CHECKING:
    from bourn.mock.server import MockServer

Answered = Reply | Script
Handler = Callable[[HttpRequest], Answered | Awaitable[Answered]]
"""Called with each request; gives a ``Reply`` or a script of ops, or an awaitable of one."""

Answering = Scenario | Handler | Reply | Iterable[Op]
"""What may answer: a scenario, in every dialect; or, for any path whatever, a handler, a ``Reply``, or a list of ops."""

_TOKEN = re.compile(r"[A-Za-z0-9._~-]+")


class Mount:
    """One scenario or handler of a server: ``url`` reaches it alone, ``model`` asks for it, ``exchanges`` shows it."""

    def __init__(self, server: MockServer, name: str, answer: Answering) -> None:
        if name and not _TOKEN.fullmatch(name):
            raise InputError(f"a scenario's name may have letters, digits and . _ ~ -, and {name!r} has others")
        self._server = server
        self.name = name
        self.scenario = answer if isinstance(answer, Scenario) else None
        self.handler = None if isinstance(answer, Scenario) else _handler(answer)
        self.turn = 0

    @property
    def url(self) -> str:
        """Where it is reached; a refusing port where its scenario has the fault ``refused``."""
        refused = self.scenario is not None and any(isinstance(fault, Refused) for fault in self.scenario.faults)
        origin = self._server.refusing_origin if refused else self._server.origin
        return f"{origin}/s/{self.name}" if self.name else origin

    def base_url(self, dialect: str = "openai-chat") -> str:
        """The base URL to give to a client or SDK of a dialect. Raises ``InputError`` for an unknown one."""
        return self.url + dialects.get(dialect).root

    @property
    def model(self) -> str:
        """The model's name that asks for this scenario at the server's plain base URL."""
        return f"mock/{self.name}"

    @property
    def exchanges(self) -> list[Exchange]:
        """The requests that came to it."""
        return [exchange for exchange in self._server.journal.exchanges if exchange.scenario == self.name]

    def next_turn(self, seed: int | str) -> tuple[int, Random]:
        """The number of the next answer, and its dice."""
        turn = self.turn
        self.turn += 1
        return turn, Random(f"{seed}/{self.name}/{turn}")  # noqa: S311 -- dice that must fall the same way again


def _handler(answer: Handler | Reply | Iterable[Op]) -> Handler:
    if callable(answer):
        return answer
    if isinstance(answer, Reply):
        return lambda _: answer
    if iter(answer) is answer:
        raise InputError("a generator can answer only one request: give a function that makes one, or a list of ops")
    return lambda _: answer
