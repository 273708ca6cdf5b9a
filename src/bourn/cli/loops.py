"""The event loop of a command: uvloop's where it is installed, else asyncio's own.

House rule: only the command line chooses; the library runs in whatever loop its program has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module


def factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the loop; ``None`` is asyncio's default."""
    try:
        make: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    except ImportError:  # the extra `fast` is not installed, or there is none for this system
        return None
    return make


def runner() -> asyncio.Runner:
    """An ``asyncio.Runner`` for a command; use it under ``with``."""
    return asyncio.Runner(loop_factory=factory())
