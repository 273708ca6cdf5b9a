"""``entrants``: what a caller named for a fallback or a race, as candidates.

House rule: everything wrong is found before anything is sent, and before a stream that was given is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bourn.errors import InputError
from bourn.steering.candidate import Candidate
from bourn.streams import Stream

Entrant = str | Stream
"""A model id, which is asked what the call says; or an unsent stream, which asks what it was made for."""


def entrants(models: Sequence[Entrant], ask: Callable[[str], Candidate], ignored: Sequence[str] = ()) -> list[Candidate]:
    """Candidates in the order of ``models``; ``ask`` makes one of a model id. The streams are closed to their owners.

    ``ignored`` are the words of the call that only model ids heed: an error where there is none.

    Raises ``InputError`` for no models, for what is neither id nor unsent stream, and for two that would ask the same.
    """
    if isinstance(models, str | Stream) or not isinstance(models, Sequence):
        raise InputError(f"models must be a list of model ids and streams, not {type(models).__name__}")
    if not models:
        raise InputError("models is empty: name at least one")
    for place, model in enumerate(models):
        _check(place, model)
    if ignored and not any(isinstance(model, str) for model in models):
        raise InputError(f"{', '.join(ignored)} would be ignored: there are only streams, and each has its own")
    found = [ask(model) if isinstance(model, str) else model for model in models]
    _distinct(found)
    return [each if isinstance(each, Candidate) else _taken(each) for each in found]


def _check(place: int, model: Any) -> None:
    if isinstance(model, str):
        return
    if not isinstance(model, Stream):
        raise InputError(f"models[{place}] must be a model id or an unsent bourn.Stream, not {type(model).__name__}")
    if model.is_used():
        raise InputError(f"models[{place}], {model!r}, was read or closed before: give a stream that nobody has touched")


def _distinct(found: Sequence[Candidate | Stream]) -> None:
    for place, one in enumerate(found):
        if any(one is other or one.asks == other.asks for other in found[:place]):
            raise InputError(f"{one.provider}/{one.model} is named twice with the same options; retry= asks a model again")


def _taken(stream: Stream) -> Candidate:
    """A stream as a candidate that can be asked once, and keeps its own limits."""
    source = stream.take()
    return Candidate(stream.provider, stream.model, lambda _: source, stream.asks, stream.restarts)
