"""Slow, blocking things beside the loop; real time, since a virtual loop cannot see threads."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from bourn.transport import offload


def test_the_result_or_the_error_comes_back_and_the_thread_ends() -> None:
    """`in_thread` gives what the function gave, or raises what it raised, and leaves no thread."""

    async def main() -> None:
        assert await offload.in_thread(lambda: threading.current_thread().name) == "bourn-offload"
        with pytest.raises(ZeroDivisionError):
            await offload.in_thread(lambda: 1 // 0)

    asyncio.run(main())
    for thread in threading.enumerate():
        if thread.name == "bourn-offload":
            thread.join(5)
    assert "bourn-offload" not in {thread.name for thread in threading.enumerate()}


def test_a_caller_that_gave_up_is_not_disturbed() -> None:
    """A cancelled wait lets the thread end by itself, also when the loop is closed by then."""
    gate = threading.Event()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(offload.in_thread(gate.wait), 0.01)

    asyncio.run(main())
    gate.set()


def test_two_loads_of_one_module_at_once_both_get_it_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that another thread is still importing is waited for."""
    monkeypatch.delitem(sys.modules, "xml.dom.minidom", raising=False)

    async def main() -> None:
        first, second = await asyncio.gather(offload.load("xml.dom.minidom"), offload.load("xml.dom.minidom"))
        assert first is second
        assert first.parseString

    asyncio.run(main())
