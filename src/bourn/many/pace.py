"""``Pace``: how fast requests may be sent to a provider, and ``Cost``, what a request is expected to use up.

House rule: data and arithmetic; nothing here waits.
"""

from __future__ import annotations

import math

import msgspec

from bourn.errors import InputError
from bourn.messages import Request
from bourn.transport.quota import Unit

_CHARACTERS = 4
"""Characters a token, about; what services that count before they answer go by."""


class Pace(msgspec.Struct, frozen=True):
    """Bounds for the requests to one provider with one key; ``None`` is no bound.

    ``requests_per_minute`` and ``tokens_per_minute`` (input and output together) are spread evenly: a minute has no more, and
    there are no bursts. ``concurrency`` is how many answers may be under way. What the provider tells of its limits is heeded
    besides: requests wait before they would be refused, and, where one was refused, as long as it was told to.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    concurrency: int | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            whole = name == "concurrency" and not isinstance(value, int)
            good = isinstance(value, int | float) and not isinstance(value, bool) and not whole and 0 < value < math.inf
            if value is not None and not good:
                raise InputError(f"pace.{name} must be a positive number or None, not {value!r}")


class Cost(msgspec.Struct, frozen=True):
    """What a request is expected to use up, in tokens."""

    input_tokens: float
    output_tokens: float

    def of(self, unit: Unit) -> float:
        """So much of a unit."""
        if unit == "requests":
            return 1.0
        if unit == "tokens":
            return self.input_tokens + self.output_tokens
        return self.input_tokens if unit == "input_tokens" else self.output_tokens


def expected(request: Request, usual_output: float) -> Cost:
    """A guess before the request is sent: its text, and as much of an answer as it allows, or as is usual."""
    text = sum(len(message.text) for message in request.messages)
    most = request.options.max_tokens
    return Cost(text / _CHARACTERS + 1, usual_output if most is None else most)
