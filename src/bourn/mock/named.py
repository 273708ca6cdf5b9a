"""Scenarios by name, for the model ids ``mock/NAME``: those that are always there, and those that somebody registers.

::

    await bourn.stream("mock/hello", "hi").collect()

    with register("weather", turns(tool_call("get_weather", {"city": "Paris"}), text("Sunny."))):
        ...                                               # here "mock/weather" is known; each call takes the next turn

House rule: what is always there answers every call in the same way, so that no example depends on the one before it.
"""

from __future__ import annotations

import difflib
import re
from types import MappingProxyType, TracebackType

from bourn.errors import InputError
from bourn.mock import faults
from bourn.mock.scenario import Scenario
from bourn.mock.scenarios import (
    echo,
    empty,
    error,
    finish,
    http_error,
    reasoning,
    refusal,
    text,
    tool_call,
)

_NAME = re.compile(r"[A-Za-z0-9._~-]+")
_LONG = "A stream is told word by word, and a reader that waits for all of it has waited for too long."

SCENARIOS = MappingProxyType[str, Scenario](
    {
        "hello": text("Hello! How can I help you today?"),
        "echo": echo(),
        "reasoning": reasoning("They ask; I answer.", signature="c2lnbmVk") + text("The answer is 42."),
        "tool-call": tool_call("get_weather", {"city": "Paris"}),
        "tool-calls": text("Let me look. ")
        + tool_call("get_weather", {"city": "Paris"})
        + tool_call("get_time", {"zone": "UTC"}),
        "refusal": refusal("I cannot help with that."),
        "length": text("This answer is longer than it may") + finish("length"),
        "filtered": text("This answer was") + finish("content_filter"),
        "empty": empty(),
        "slow": text(_LONG).paced(first=1.0, rate=10, jitter=0.2),
        "error": text("This answer goes") + error("The model failed.", type="server_error"),
        "rate-limited": http_error(429, "Too many requests.", type="rate_limit_error", retry_after=2),
        "overloaded": http_error(503, "The model is overloaded.", type="overloaded_error"),
        "cut": text(_LONG).broken(faults.Reset(event=5)),
        "truncated": text(_LONG).broken(faults.CleanEnd(event=5)),
        "stalled": text(_LONG).broken(faults.Stall(event=5)),
    }
)
"""Always there."""


class Named:
    """A registered scenario and the number of its next turn. Leave it (``with``) or :meth:`close` it to take the name back."""

    def __init__(self, name: str, scenario: Scenario) -> None:
        self.name = name
        self.scenario = scenario
        self._turn = 0

    @property
    def model(self) -> str:
        """The model id that asks for it."""
        return f"mock/{self.name}"

    def next_turn(self) -> int:
        """The number of the next answer, from 0."""
        self._turn += 1
        return self._turn - 1

    def close(self) -> None:
        """Forget it. Closing twice is nothing."""
        if _REGISTERED.get(self.name) is self:
            del _REGISTERED[self.name]

    def __enter__(self) -> Named:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


_REGISTERED: dict[str, Named] = {}


def register(name: str, scenario: Scenario | str) -> Named:
    """Make ``mock/NAME`` answer with a scenario, or with plain text, in this process; use it under ``with`` to end that.

    Raises ``InputError`` for a name that is taken or has odd characters, and for what is no scenario.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"a scenario's name may have letters, digits and . _ ~ -, and {name!r} has others")
    if name in SCENARIOS or name in _REGISTERED:
        raise InputError(f"a scenario called {name!r} is there already: take another name")
    named = _REGISTERED[name] = Named(name, as_scenario(scenario))
    return named


def get(name: str) -> Named:
    """The scenario called ``name``. Raises ``InputError`` with the nearest names."""
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name in SCENARIOS:
        return Named(name, SCENARIOS[name])
    known = [*_REGISTERED, *SCENARIOS]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known are {', '.join(known)}."
    raise InputError(f"unknown scenario {name!r}; {hint} Others are added with bourn.mock.register(name, scenario)")


def as_scenario(answer: Scenario | str) -> Scenario:
    """A scenario as it is, a string as plain text. Raises ``InputError`` for anything else."""
    if isinstance(answer, Scenario):
        return answer
    if isinstance(answer, str):
        return text(answer)
    raise InputError(f"an answer of the mock is a string or a scenario of bourn.mock, not {type(answer).__name__}")
