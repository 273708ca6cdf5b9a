"""What the fixture ``llm`` is: a mock server in a thread of its own, whose answers the test says as it goes along.

House rule: a client that was made before the answers were said gets them all the same; only recordings, and the fault
``refused``, have an address of their own, for clients that are made after them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import pytest

from bourn import dialects
from bourn.messages import Request
from bourn.mock import Exchange, Journal, Scenario, ThreadedServer, computed, faults, turns
from bourn.mock.faults import Fault
from bourn.mock.faults.heads import Refused
from bourn.mock.named import SCENARIOS, as_scenario
from bourn.pytest_plugin import environment

T = TypeVar("T")

Said = str | Scenario | Callable[[Request], Scenario | str]
"""An answer: plain text, a scenario of ``bourn.mock``, or a function that makes one from the request."""

_SHOWN = 2000
"""Characters of a scenario that are shown."""


class Llm:
    """Any model of any provider, played by the mock. Say what it :meth:`answers`; until then it says hello.

    ``requests`` has the requests that came, as ``bourn.Request``s; ``exchanges`` what happened on the wire.
    """

    def __init__(self, server: ThreadedServer, seed: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seed = seed
        self.requests: list[Request] = []
        self._server = server
        self._monkeypatch = monkeypatch
        self._url = server.origin
        self._script = (SCENARIOS["hello"], itertools.count())
        server.add(computed(self._pick), name="llm")
        self._move(f"{server.origin}/s/llm")

    @property
    def url(self) -> str:
        """Where it is reached; the SDKs' own variables say so, too."""
        return self._url

    def base_url(self, dialect: str = "openai-chat") -> str:
        """The base URL to give to a client or SDK of a dialect. Raises ``InputError`` for an unknown one."""
        return self._url + dialects.get(dialect).root

    def answers(self, *said: Said, fault: Fault | str | Iterable[Fault | str] = ()) -> None:
        """Answer so from now on: one answer for every request, or several in turns, one too many being an error.

        ``fault`` (one, several, or their names) breaks the answer. Raises ``InputError`` for what is no answer or no fault.
        """
        made = [computed(each) if callable(each) else as_scenario(each) for each in said]
        given = [fault] if isinstance(fault, Fault | str) else fault
        broken = [faults.read(each) if isinstance(each, str) else each for each in given]
        scenario = (made[0] if len(made) == 1 else turns(*made)).broken(*broken)
        self._script = (scenario, itertools.count())
        if any(isinstance(each, Refused) for each in scenario.faults):
            self._move(self._server.add(scenario).url)
        else:
            self._move(f"{self._server.origin}/s/llm")

    def replays(self, folder: str | Path, *, speed: float = math.inf) -> None:
        """Answer as recorded, clients made from now on: see ``bourn record``. ``speed`` 1 is as it was, infinite does not wait.

        Raises ``InputError`` for a folder without recordings.
        """
        from bourn.mock import recording
        from bourn.mock.replay import Replay

        self._script = (SCENARIOS["hello"], itertools.count())
        self._move(self._server.add(Replay(recording.load(folder), speed=speed)).url)

    @property
    def exchanges(self) -> list[Exchange]:
        """Requests and how their answers ended, in order."""
        return self._server.exchanges

    def wait(self, question: Callable[[Journal], T | None], timeout: float = 10.0) -> T:
        """Wait until ``question(journal)`` is true, and give its value. Raises ``TimeoutError`` that shows the journal."""
        return self._server.wait(question, timeout)

    def signal(self, name: str) -> None:
        """Let one ``ops.WaitFor(name)`` of the answer pass."""
        self._server.signal(name)

    def describe(self) -> str:
        """Seed, scenario and journal, for a failed test."""
        shown = self._server.call(lambda: [repr(each) for each in self._server.journal.connections])
        told = repr(self._script[0])
        lines = [
            f"seed: {self.seed} (again with --llm-seed={self.seed})",
            f"scenario: {told if len(told) <= _SHOWN else told[:_SHOWN] + '...'}",
            f"connections: {len(shown)}",
            *shown,
        ]
        return "\n".join(lines)

    def _pick(self, request: Request) -> Scenario:
        self.requests.append(request)
        scenario, numbers = self._script
        return scenario.pick(request, next(numbers))

    def _move(self, url: str) -> None:
        self._url = url
        environment.point(self._monkeypatch, url)
