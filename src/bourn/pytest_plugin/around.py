"""Checks around a test's function, inside the event loop of whatever runs it: pytest-asyncio, anyio, or nothing.

A check is a context manager, or an asynchronous one for a coroutine test. The test's function is replaced, for the time of the
call, by one that enters its checks first; so they see the loop, and nothing is known here of who runs it.

House rule: without a check, the function is not touched.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, ExitStack, contextmanager
from typing import Any

import pytest

Check = Callable[[], AbstractContextManager[object]]
AsyncCheck = Callable[[], AbstractAsyncContextManager[object]]

CHECKS = pytest.StashKey[list[tuple[Check | None, AsyncCheck]]]()
"""Of a test: its checks, outermost first; the first of each pair is for a test that is no coroutine, if there is such."""

SHOWN = pytest.StashKey[Callable[[], str]]()
"""Of a test: what gives the text to show when it fails."""


def add(item: pytest.Item, check: Check | None, async_check: AsyncCheck, *, outermost: bool = False) -> None:
    """Put a check around a test that has not been called yet."""
    checks = item.stash.setdefault(CHECKS, [])
    checks.insert(0 if outermost else len(checks), (check, async_check))


@contextmanager
def wrapped(item: pytest.Item) -> Iterator[None]:
    """While entered, the test's function is the one with the checks of fixtures and markers around it."""
    _from_markers(item)
    checks = item.stash.get(CHECKS, [])
    if not checks or not isinstance(item, pytest.Function):
        yield
        return
    plain = item.obj
    made = _coroutine(plain, checks) if inspect.iscoroutinefunction(plain) else _function(plain, checks)
    item.obj = functools.wraps(plain)(made)
    try:
        yield
    finally:
        item.obj = plain


def _from_markers(item: pytest.Item) -> None:
    from bourn.pytest_plugin import checks

    stall = item.get_closest_marker("loop_stall")
    if stall is not None:
        add(item, checks.no_loop, functools.partial(checks.NoStall, *stall.args, **stall.kwargs))
    if item.get_closest_marker("no_leaks") is not None:
        add(item, checks.NoLeaks, checks.NoLeaks, outermost=True)


def _coroutine(plain: Callable[..., Any], checks: list[tuple[Check | None, AsyncCheck]]) -> Callable[..., Any]:
    async def test(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        async with AsyncExitStack() as stack:
            for _, check in checks:
                await stack.enter_async_context(check())
            return await plain(*args, **kwargs)

    return test


def _function(plain: Callable[..., Any], checks: list[tuple[Check | None, AsyncCheck]]) -> Callable[..., Any]:
    def test(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with ExitStack() as stack:
            for check, _ in checks:
                if check is not None:
                    stack.enter_context(check())
            return plain(*args, **kwargs)

    return test
