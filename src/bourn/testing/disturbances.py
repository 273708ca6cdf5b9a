"""What nobody handled: complaints to a loop's exception handler, unraisable errors, and warnings, in the order they came.

House rule: everything is taken back on exit; what was there before (pytest's own hooks, for one) is as it was.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
import warnings
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

Kind = Literal["loop", "unraisable", "warning"]


class Disturbance(msgspec.Struct, frozen=True):
    """One complaint: where it was made, its message in one line, and what it was about in full."""

    kind: Kind
    message: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class Disturbances:
    """Enter it with ``with``, give it the loops to listen to with :meth:`watch`, and look at ``seen``.

    Warnings of every category are recorded, each time they come, instead of being shown or raised.
    """

    def __init__(self) -> None:
        self.seen: list[Disturbance] = []

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen to this loop's exception handler."""
        loop.set_exception_handler(self._from_loop)

    def of(self, *kinds: Kind) -> list[Disturbance]:
        """Those of some kinds."""
        return [each for each in self.seen if each.kind in kinds]

    def __enter__(self) -> Self:
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("always")
        warnings.showwarning = self._from_warning
        self._hook = sys.unraisablehook
        sys.unraisablehook = self._from_unraisable
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        sys.unraisablehook = self._hook
        self._warnings.__exit__(kind, error, traceback)

    def _from_loop(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        message = str(context.get("message", "")) + (f" ({_line(error)})" if error is not None else "")
        detail = "\n".join(f"{name}: {value!r}" for name, value in context.items() if name not in {"message", "exception"})
        self.seen.append(Disturbance("loop", message, detail + _full(error)))

    def _from_unraisable(self, what: Any) -> None:
        where = what.err_msg or "Exception ignored in"
        self.seen.append(
            Disturbance("unraisable", f"{where}: {what.object!r} ({_line(what.exc_value)})", _full(what.exc_value))
        )

    def _from_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,
        line: str | None = None,
    ) -> None:
        del file, line
        self.seen.append(Disturbance("warning", f"{category.__name__}: {message}", f"{filename}:{lineno}"))


def _line(error: BaseException | None) -> str:
    return "" if error is None else f"{type(error).__name__}: {error}"


def _full(error: BaseException | None) -> str:
    return "" if error is None else "".join(traceback.format_exception(error))
