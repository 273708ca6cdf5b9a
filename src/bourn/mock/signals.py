"""Signals from a test to the scripts of a server: each signal lets one wait of that name pass, early or late.

House rule: counted like a semaphore, so that neither side must hurry.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque


class Signals:
    """Named counting signals: :meth:`give` one, :meth:`take` one."""

    def __init__(self) -> None:
        self._given: defaultdict[str, int] = defaultdict(int)
        self._waiting: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    def give(self, name: str) -> None:
        """Let the longest waiting script pass, or the next that comes."""
        waiting = self._waiting[name]
        while waiting:
            future = waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
        self._given[name] += 1

    async def take(self, name: str) -> None:
        """Wait for one signal and use it up."""
        if self._given[name]:
            self._given[name] -= 1
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting[name].append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.give(name)  # it was given to this wait, which can no longer use it
            raise
