"""Streams in memory for what is made of streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bourn
from bourn.transport.memory import MemoryTransport, Step
from tests.plain import answer, chunks

NEVER = float("inf")


def make(steps: Sequence[Step], model: str = "m", **options: Any) -> tuple[bourn.Stream, MemoryTransport]:
    """A stream of these steps, and the transport that tells what became of it."""
    transport = MemoryTransport(steps)
    client = bourn.Client(transport=transport)
    return client.stream(f"openai/{model}", "hi", base_url="http://test", dialect="plain", **options), transport


def paced(*words: str, pause: float = 1.0, tail: Step | None = None) -> list[Step]:
    """An answer whose events come apart in time; with ``tail``, what comes in the place of its end."""
    steps: list[Step] = []
    for chunk in chunks(answer(*words, finish=tail is None)):
        steps += [pause, chunk]
    return steps if tail is None else [*steps, tail]


def words(events: Sequence[object]) -> str:
    """The text of the events."""
    return "".join(event.text for event in events if isinstance(event, bourn.TextDelta))
