"""A scenario: what a request is answered with. One ``Answer``, several in ``Turns``, or one ``Computed`` from the request.

Make them with the functions of ``bourn.mock.scenarios``; compose answers with ``+``; give them a pace with ``paced`` and break
them with ``broken``. House rule: frozen data; the dice come from the server's seed, the time from its loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec

from bourn.dialects.base import WireError
from bourn.errors import InputError
from bourn.messages import Request
from bourn.mock.faults.base import Fault
from bourn.mock.steps import Step


class Timing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the pieces of an answer come: ``first`` seconds until the first content, then ``rate`` pieces a second.

    Every pause is stretched or shrunk by up to ``jitter`` of itself, at random; ``burst`` pieces come at once, with the pauses
    they would have had before them. Without a rate nothing waits after the first.
    """

    first: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    rate: Annotated[float, msgspec.Meta(gt=0)] | None = None
    jitter: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    burst: Annotated[int, msgspec.Meta(ge=1)] = 1


class HttpError(msgspec.Struct, frozen=True):
    """The request is refused with a status and the provider's error body; ``headers`` are added to the head."""

    status: int
    error: WireError
    headers: Mapping[str, str] = {}


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all scenarios: its pace, and the faults that its bytes suffer."""

    timing: Timing | None = None
    faults: tuple[Fault, ...] = ()

    def pick(self, request: Request, turn: int) -> Answer:
        """The answer to the ``turn``-th request (from 0) of this scenario."""
        raise NotImplementedError

    def paced(self, first: float = 0.0, rate: float | None = None, jitter: float = 0.0, burst: int = 1) -> Scenario:
        """The same with a pace: see ``Timing``. Raises ``InputError`` where a number makes no sense."""
        try:
            timing = msgspec.convert({"first": first, "rate": rate, "jitter": jitter, "burst": burst}, Timing)
        except msgspec.ValidationError as error:
            raise InputError(f"the pace of a scenario: {error}") from None
        return msgspec.structs.replace(self, timing=timing)

    def broken(self, *faults: Fault) -> Scenario:
        """The same with faults, in addition to those it has."""
        return msgspec.structs.replace(self, faults=self.faults + faults)


class Answer(Scenario, frozen=True):
    """One answer: its steps in order, or the HTTP error that comes instead."""

    steps: tuple[Step, ...] = ()
    error: HttpError | None = None

    def pick(self, request: Request, turn: int) -> Answer:  # noqa: ARG002 -- an answer is the same for all
        """Itself."""
        return self

    def __add__(self, other: Answer) -> Answer:
        """This, then the other. The pace is the first one's, if it has one; faults add up."""
        if not isinstance(other, Answer):
            return NotImplemented
        if self.error or other.error:
            raise InputError("an HTTP error is a whole answer: it cannot be joined with +; use turns(...) for several requests")
        timing = self.timing if self.timing is not None else other.timing
        return Answer(steps=self.steps + other.steps, timing=timing, faults=self.faults + other.faults)


class Turns(Scenario, frozen=True):
    """The first request gets the first scenario, the second the second, and so on; one too many is an error."""

    each: tuple[Scenario, ...]

    def pick(self, request: Request, turn: int) -> Answer:
        """The answer of its turn. Raises ``InputError`` after the last."""
        if turn >= len(self.each):
            raise InputError(f"the scenario has {len(self.each)} turns, and this is request {turn + 1}")
        return _inside(self, self.each[turn].pick(request, 0))


class Computed(Scenario, frozen=True):
    """What a function makes of each request: a scenario, or a string for plain text."""

    function: Callable[[Request], Scenario | str]

    def pick(self, request: Request, turn: int) -> Answer:
        """The answer that the function gives."""
        made = self.function(request)
        if isinstance(made, str):
            from bourn.mock.scenarios import text

            made = text(made)
        if not isinstance(made, Scenario):
            raise InputError(f"a computed answer must be a scenario or a string, not {type(made).__name__}")
        return _inside(self, made.pick(request, turn))


def _inside(outer: Scenario, answer: Answer) -> Answer:
    timing = answer.timing if answer.timing is not None else outer.timing
    return msgspec.structs.replace(answer, timing=timing, faults=outer.faults + answer.faults)
