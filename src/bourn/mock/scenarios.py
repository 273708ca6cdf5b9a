"""The words that scenarios are written with: ``text("Hi") + tool_call("f", {"x": 1}) + usage(10, 5)``.

Every function gives an ``Answer`` (or another scenario) that may be joined with ``+``, paced, broken, and served. Text is said
word by word; inside it, a number is a pause in seconds and an op of ``bourn.mock.ops`` runs at that place.

House rule: one function an idea, no option that two functions could express.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from bourn.dialects.base import WireError
from bourn.errors import InputError
from bourn.events import FinishReason, Other, Usage
from bourn.messages import Request
from bourn.mock import steps
from bourn.mock.ops import Op
from bourn.mock.scenario import Answer, Computed, HttpError, Scenario, Turns

_WORDS = re.compile(r"\s*\S{1,12}|\s+")
_ARGUMENT_PIECE = 8


def _moments(said: tuple[steps.Moment, ...], whole: bool) -> tuple[steps.Moment, ...]:
    out: list[steps.Moment] = []
    for moment in said:
        if isinstance(moment, str) and not whole:
            out += _WORDS.findall(moment)
        elif moment != "":
            out.append(moment)
    return tuple(out)


def text(*said: steps.Moment, whole: bool = False) -> Answer:
    """The model says text, word by word; with ``whole`` each string given is one piece."""
    return Answer(steps=(steps.Said("text", _moments(said, whole)),))


def reasoning(*said: steps.Moment, signature: str | None = None, redacted: bool = False, id: str | None = None) -> Answer:
    """The model thinks. ``signature`` proves it; with ``redacted`` there is only the signature."""
    return Answer(steps=(steps.Said("reasoning", _moments(said, whole=False), signature, redacted, id),))


def refusal(*said: steps.Moment) -> Answer:
    """The model says why it will not answer."""
    return Answer(steps=(steps.Said("refusal", _moments(said, whole=False)),))


def tool_call(name: str, arguments: Mapping[str, Any] | str = "", id: str | None = None, *, custom: bool = False) -> Answer:
    """The model calls a tool; arguments are an object, or the exact argument text (which may be broken JSON)."""
    told = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    pieces = tuple(told[at : at + _ARGUMENT_PIECE] for at in range(0, len(told), _ARGUMENT_PIECE))
    return Answer(steps=(steps.Called(name, pieces, id, custom),))


def together(*answers: Answer) -> Answer:
    """Parts that interleave: one event of each in turn. Raises ``InputError`` for anything but text, reasoning and calls."""
    parts = [step for answer in answers for step in answer.steps]
    if not all(isinstance(part, steps.Said | steps.Called) for part in parts):
        raise InputError("only texts, reasoning, refusals and tool calls can be said together")
    return Answer(steps=(steps.Together(tuple(parts)),))  # type: ignore[arg-type]  # checked above


def pause(seconds: float) -> Answer:
    """Nothing for some seconds."""
    return Answer(steps=(steps.Meanwhile(seconds),))


def do(op: Op) -> Answer:
    """Run an op at this place of the answer: ``do(ops.WaitFor("go"))``."""
    return Answer(steps=(steps.Meanwhile(op),))


def other(kind: str, payload: Any, index: int | None = None) -> Answer:
    """Something that the vocabulary does not model, where the dialect can say it."""
    return Answer(steps=(steps.Extra(Other(kind, payload, index)),))


def usage(input_tokens: int | None = None, output_tokens: int | None = None, **others: int) -> Answer:
    """The usage told at the end; ``usage()`` tells none. Others: ``cached_tokens``, ``reasoning_tokens``, and so on."""
    told = Usage(input_tokens, output_tokens, **others)
    return Answer(steps=(steps.Told(None if told == Usage() else told),))


def finish(reason: FinishReason, raw: str | None = None) -> Answer:
    """The answer ends with this reason; ``raw`` is the provider's own word for it."""
    return Answer(steps=(steps.Ended(reason, raw),))


def empty() -> Answer:
    """A whole answer that says nothing."""
    return Answer()


def error(message: str, *, type: str | None = None, code: str | None = None, status: int = 500) -> Answer:
    """The provider reports an error in mid-stream; the HTTP ``status`` counts where the answer is not streamed."""
    return Answer(steps=(steps.Failed(WireError(message, type, code), status),))


def http_error(
    status: int,
    message: str = "the mock was told to refuse this request",
    *,
    type: str | None = None,
    code: str | None = None,
    retry_after: float | None = None,
) -> Answer:
    """The request is refused with an HTTP status and the provider's error body, with ``Retry-After`` in seconds if given."""
    if not 300 <= status <= 599:
        raise InputError(f"an HTTP error has a status from 300 to 599, not {status}")
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return Answer(error=HttpError(status, WireError(message, type, code, retry_after), headers))


def turns(*scenarios: Scenario) -> Turns:
    """One scenario a request, in order."""
    if not scenarios:
        raise InputError("turns(...) needs at least one scenario")
    return Turns(each=scenarios)


def computed(function: Callable[[Request], Scenario | str]) -> Computed:
    """What ``function`` makes of each request: a scenario, or a string for plain text."""
    return Computed(function=function)


def echo() -> Computed:
    """Says back the text of the last message."""
    return computed(lambda request: text(request.messages[-1].text if request.messages else ""))
