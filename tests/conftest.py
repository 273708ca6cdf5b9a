"""What all tests share: coroutine tests run on a loop with virtual time, and a run can forbid skips."""

from __future__ import annotations

import gc
import inspect
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

# No test may fail because the machine is busy, or by the luck of the draw: `python -m bench.fuzz` draws anew each time.
settings.register_profile("bourn", deadline=None, derandomize=True)
settings.load_profile("bourn")

# What runs in the background of a shell ignores Ctrl-C, and so would every program that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--no-skips` turns every skip into a failure: for machines on which everything can run."""
    parser.addoption("--no-skips", action="store_true", help="fail where a test would be skipped")


THOROUGH = ("contract", "plugin")
"""Folders whose tests start a process for each check: minutes in all."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the thorough tests, which a plain run leaves out and CI does not."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in THOROUGH:
            item.add_marker(pytest.mark.thorough)


def pytest_collection_finish() -> None:
    """The dialect that only tests speak is there from now on."""
    from tests.plain import register

    register()
    gc.collect()
    gc.freeze()  # the tests themselves are no garbage; to look through them at every collection takes minutes in all


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under `--no-skips` a skipped test is a failed one."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--no-skips"):
        report.outcome = "failed"
        report.longrepr = f"skipped under --no-skips: {report.longrepr}"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test to its end in virtual time."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    from bourn.testing.clock import run

    names = pyfuncitem._fixtureinfo.argnames
    run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
