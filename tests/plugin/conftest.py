"""Runs a test file in a pytest of its own, in another process, with the plugin as an installation has it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import pytest

CONFIG = """
[pytest]
filterwarnings = error
"""

ASYNCIO = "asyncio_default_fixture_loop_scope = function\n"
"""Wanted by pytest-asyncio, unknown where it is not installed."""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """`run(source, *options)`: the result of a test file's run."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makefile(".ini", pytest=CONFIG + (ASYNCIO if find_spec("pytest_asyncio") else ""))

    def run_it(source: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "--strict-markers", *options)

    return run_it
