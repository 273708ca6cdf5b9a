"""Whether two runs gave the same events: strangers' events are compared by what they hold.

House rule: what the subject declares with ``view`` is compared; only without it is an event looked into.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from bourn.contract.subject import Subject


def seen(subject: Subject, items: list[Any]) -> list[Any]:
    """What is compared of events: the subject's view of each, else their contents; views that are ``None`` are left out."""
    if subject.view is None:
        return [plain(item) for item in items]
    return [view for item in items if (view := subject.view(item)) is not None]


def plain(event: Any) -> Any:
    """An event as something that compares by its contents."""
    kind = type(event)
    dump = getattr(event, "model_dump", None)
    if callable(dump):
        return kind.__qualname__, dump()
    if dataclasses.is_dataclass(event):
        return kind.__qualname__, {field.name: plain(getattr(event, field.name)) for field in dataclasses.fields(event)}
    own: Any = kind.__eq__
    if own is object.__eq__ and hasattr(event, "__dict__"):
        return kind.__qualname__, {name: plain(value) for name, value in vars(event).items()}
    if isinstance(event, list | tuple):
        return [plain(each) for each in event]
    return event


def difference(wanted: list[Any], got: list[Any]) -> str | None:
    """How two lists of events differ, in one phrase; ``None`` when they do not."""
    for at, (one, other) in enumerate(zip(wanted, got, strict=False), 1):
        if one != other:
            return f"event {at} was {_short(other)} instead of {_short(one)}"
    if len(wanted) != len(got):
        return f"{len(got)} events came instead of {len(wanted)}"
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}..."
