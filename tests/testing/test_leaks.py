"""Probes for what is left behind, where no loop runs and where a generator is dropped."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor

from bourn.testing.leaks import Belongings, Generators


async def numbers() -> AsyncGenerator[int, None]:
    yield 1
    yield 2


def test_without_a_loop_sockets_are_seen() -> None:
    """No loop, no tasks: the rest is seen all the same."""
    before = Belongings.now()
    assert before.tasks == {}
    with socket.socket() as sock:
        left = Belongings.now().since(before)
        assert left == [f"socket fd {sock.fileno()}"]


async def test_a_dropped_generator_is_named_and_still_closed_by_the_loop() -> None:
    """One that lost its last reference in the middle is told apart from one that ended or was closed."""
    hooks = sys.get_asyncgen_hooks()
    with Generators() as begun:
        async for _ in numbers():
            pass
        closed = numbers()
        await anext(closed)
        await closed.aclose()
        dropped = numbers()
        await anext(dropped)
        told = repr(dropped)
        del dropped
        gc.collect()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert begun.dropped == [told]
        assert begun.open() == []
    assert sys.get_asyncgen_hooks() == hooks


async def test_threads_in_which_the_loop_looks_up_names_are_its_own() -> None:
    """The loop's own executor belongs to the loop, not to what happened to use it first; other threads are seen beside it."""
    before = Belongings.now()
    await asyncio.get_running_loop().run_in_executor(None, int)
    assert Belongings.now().since(before) == []
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as pool:
        await asyncio.get_running_loop().run_in_executor(pool, int)
        assert Belongings.now().since(before) == ["thread mine_0"]
