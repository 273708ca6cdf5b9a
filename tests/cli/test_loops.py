"""Which event loop a command runs in."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType

import pytest

from bourn.cli import loops


def test_without_uvloop_it_is_asyncios(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has only the library gets the usual loop."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loops.factory() is None
    with loops.runner() as runner:
        assert type(runner.get_loop()).__module__.startswith("asyncio.")


def test_where_uvloop_is_there_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to ask for it."""
    made = asyncio.new_event_loop()
    fake = ModuleType("uvloop")
    fake.new_event_loop = lambda: made  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "uvloop", fake)
    with loops.runner() as runner:
        assert runner.get_loop() is made


def test_the_real_one_runs_a_command() -> None:
    """Uvloop's loop comes out of it, and runs."""
    uvloop = pytest.importorskip("uvloop", reason="the extra `fast` is not installed")

    async def who() -> str:
        return type(asyncio.get_running_loop()).__module__

    with loops.runner() as runner:
        assert runner.run(who()) == uvloop.__name__
