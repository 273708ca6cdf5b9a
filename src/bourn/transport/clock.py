"""``ReaderClock``: time that stands still while the one who reads is away.

Who keeps reads of several streams waiting between two calls (``steering/merge.py``) gives them this clock, so that their limits
count the provider's time and never the consumer's.

House rule: a stream takes the clock that is in force while its connection is being opened; nothing is in force across an await.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self


class ReaderClock:
    """Seconds of the running loop's clock, without those between :meth:`leave` and :meth:`back`. In force under ``with``."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._away = 0.0
        self._left: float | None = None
        self._token: Token[ReaderClock | None] | None = None

    @property
    def stands(self) -> bool:
        """Whether the reader is away."""
        return self._left is not None

    def time(self) -> float:
        """Now, in seconds."""
        loop = self._loop or asyncio.get_running_loop()
        return (loop.time() if self._left is None else self._left) - self._away

    def leave(self) -> None:
        """The reader turns to something else."""
        self._loop = self._loop or asyncio.get_running_loop()
        self._left = self._loop.time()

    def back(self) -> None:
        """The reader waits again."""
        if self._left is not None:
            assert self._loop is not None
            self._away += self._loop.time() - self._left
            self._left = None

    def __enter__(self) -> Self:
        self._token = _IN_FORCE.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        assert self._token is not None
        _IN_FORCE.reset(self._token)
        self._token = None


_IN_FORCE: ContextVar[ReaderClock | None] = ContextVar("bourn_reader_clock", default=None)


def in_force() -> ReaderClock | None:
    """The clock that a stream being opened now is to use; ``None`` is the loop's own."""
    return _IN_FORCE.get()
