"""Runs one slow, blocking thing (an import, the start of a process) beside the event loop, in a thread that ends with it.

The loop's own executor keeps its threads for ever; a library that promises to leave none behind cannot use it.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """The result of ``function``, run in a thread of its own. If the caller is cancelled the thread ends by itself."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def deliver(value: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(value)  # type: ignore[arg-type]  # None only where T is None

    def work() -> None:
        value, error = None, None
        try:
            value = function()
        except BaseException as caught:  # noqa: BLE001 - it is handed to the one who waits
            error = caught
        with suppress(RuntimeError):  # the loop was closed in the meantime: nobody waits
            loop.call_soon_threadsafe(deliver, value, error)

    thread = threading.Thread(target=work, name="bourn-offload", daemon=True)
    thread.start()
    try:
        return await done
    finally:
        if not done.cancelled():
            thread.join()  # it has handed over its result: microseconds


async def load(name: str) -> ModuleType:
    """The module ``name``, imported beside the loop if it is not there yet (aiohttp alone takes 0.4 s)."""
    module = sys.modules.get(name)
    if module is not None and not getattr(module.__spec__, "_initializing", False):
        return module
    return await in_thread(lambda: importlib.import_module(name))
