"""The subject's readers as a check calls them: one that raises, or gives what it must not, is the subject's fault.

House rule: a check never sees a stranger's exception from a reader; it is a verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from bourn.contract.guest import Outcome
from bourn.contract.subject import Partial, Subject
from bourn.contract.verdict import Failed

_GIVES: dict[str, tuple[type | None, str]] = {
    "text": (str, "a str or None"),
    "view": (None, ""),
    "terminal": (None, ""),
    "partial": (Partial, "a contract.Partial"),
}
"""Reader to the type that it must give, and the words for it."""


def guarded(subject: Subject) -> Subject:
    """The same subject, with readers that raise nothing but ``Failed``."""
    readers = {name: getattr(subject, name) for name in _GIVES}
    changed = {name: _guard(name, reader) for name, reader in readers.items() if reader is not None}
    return msgspec.structs.replace(subject, **changed)


def _guard(name: str, reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    kind, wanted = _GIVES[name]

    def read(value: Any) -> Any:
        try:
            found = reader(value)
        except Exception as error:
            raise Failed(f"its {name}= could not read {Outcome(value)}: {Outcome(error=error)}") from error
        if kind is not None and not isinstance(found, kind) and (found is not None or kind is Partial):
            raise Failed(f"its {name}= gave {Outcome(found)} for {Outcome(value)}: {wanted} is needed")
        return found

    return read
