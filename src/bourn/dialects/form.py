"""One thing that is said beside the text, as a provider writes it and as an event: both ways in one place.

House rule: reading never fails. What has not the expected shape becomes an ``Other``, and what the event's fields do not say of
it is kept in ``raw``: nothing is lost, and what is written again is what was read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from bourn.events import Citation, Logprobs, Other, Safety, ServerToolCall, ServerToolResult

E = TypeVar("E", bound=Citation | Logprobs | Safety | ServerToolCall | ServerToolResult)


class Form(Generic[E]):
    """A provider's form of an event.

    ``read`` makes the event of the provider's JSON, without index and ``raw``; it raises ``msgspec.ValidationError`` or
    ``ValueError`` for another shape. ``write`` makes the JSON of an event's fields. ``kind`` names the ``Other`` of what cannot
    be read.
    """

    def __init__(self, kind: str, read: Callable[[Any], E], write: Callable[[E], Any]) -> None:
        self._kind = kind
        self._read = read
        self._write = write

    def take(self, raw: Any, index: int | None = None) -> E | Other:
        """The event that ``raw`` is, said of part ``index``."""
        try:
            event = self._read(raw)
            kept = {} if self._write(event) == raw else {"raw": raw}
        except (ValueError, RecursionError):  # msgspec's is the first
            return Other(self._kind, raw, index)
        place = {} if index is None else {"index": index}
        return msgspec.structs.replace(event, **place, **kept) if place or kept else event

    def give(self, event: E) -> Any:
        """The JSON of an event: its ``raw`` where that is in this form and says the same, else made of the fields."""
        return event.raw if event.raw is not None and self.fits(event) else self._write(event)

    def fits(self, event: E) -> bool:
        """Whether the event's ``raw`` is in this form."""
        try:
            told = self._read(event.raw)
            fields = set(event.__struct_fields__) - {"index", "raw"}
            return all(getattr(told, name) == getattr(event, name) for name in fields)
        except (ValueError, RecursionError):
            return False


def listed(value: Any) -> list[Any]:
    """A list as it is, anything else as a list of one."""
    return value if isinstance(value, list) else [value]
