"""The pytest plugin: a scripted model for tests, and checks for what tests of asynchronous code easily overlook.

Fixtures: ``llm``, ``mock_llm_client``, ``llm_recording``, ``no_leaks``, ``loop_stall``, ``memory_growth``, ``contract_rule``.
Markers: ``no_leaks``, ``loop_stall(max_ms)``, ``allow_network``. Options: ``--llm-seed``, ``--refuse-network``,
``--allow-network``; in the configuration file: ``refuse_network``.

House rule: a test that uses nothing of this runs as if the plugin were not there; what a fixture needs is loaded by its first
use.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import pytest

from bourn.pytest_plugin import around
from bourn.pytest_plugin.fixtures import (
    contract_rule,
    llm,
    llm_recording,
    loop_stall,
    memory_growth,
    mock_llm_client,
    no_leaks,
)

__all__ = ["contract_rule", "llm", "llm_recording", "loop_stall", "memory_growth", "mock_llm_client", "no_leaks"]

MARKERS = (
    "no_leaks: fail if the test leaves tasks, asynchronous generators, sockets, threads or unretrieved exceptions behind",
    "loop_stall(max_ms=100): fail if the event loop stands still for longer than max_ms milliseconds during the test",
    "allow_network: let the test connect to other machines, where bourn's guard would refuse it",
)

GUARDED = frozenset({"llm", "mock_llm_client", "llm_recording"})
"""Fixtures with which a test promises to stay on this machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the command line, and of the configuration file."""
    group = parser.getgroup("bourn", "testing of LLM streams")
    group.addoption(
        "--llm-seed", default="0", metavar="N", help="seed of the scripted models, a number or 'random' (default: 0)"
    )
    group.addoption("--refuse-network", action="store_true", help="refuse connections to other machines in all tests")
    group.addoption("--allow-network", action="store_true", help="never refuse connections to other machines")
    parser.addini("refuse_network", "refuse connections to other machines in all tests", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Say which markers there are; throw the dice for the seed, once for all workers of a run."""
    for line in MARKERS:
        config.addinivalue_line("markers", line)
    told = getattr(config, "workerinput", {}).get("llm_seed")
    if told is not None:
        config.option.llm_seed = told
    elif config.option.llm_seed == "random":
        config.option.llm_seed = str(random.randrange(2**32))  # noqa: S311 -- a seed is no secret


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes a rule of the contract is a test for each rule."""
    if "contract_rule" in metafunc.fixturenames:
        from bourn.contract import RULES

        metafunc.parametrize("contract_rule", list(RULES), indirect=True, ids=list(RULES))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist the seed of the run: it reads the command line anew."""
    node.workerinput["llm_seed"] = node.config.option.llm_seed


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """From here to the end of the teardown, connections to other machines are refused where that was asked for."""
    if _guarded(item):
        from bourn.pytest_plugin import guard

        guard.raise_it()
    return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Take the guard away."""
    try:
        return (yield)
    finally:
        if _guarded(item):
            from bourn.pytest_plugin import guard

            guard.lower_it()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Put the test's checks around its function, inside the event loop of whatever runs it."""
    with around.wrapped(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the scripted model was told and what came over its connections, where a test failed.

    A rule of the contract that fails and may (``bourn.contract.Suite``) is an expected failure, not a skip.
    """
    error = None if call.excinfo is None else call.excinfo.value  # pytest puts another one here
    report = yield
    if report.skipped and getattr(error, "bourn_expected", False):
        report.wasxfail = str(error)
    if report.failed and (shown := item.stash.get(around.SHOWN, None)) is not None:
        report.sections.append(("bourn: seed, scenario and journal", shown()))
    return report


def _guarded(item: pytest.Item) -> bool:
    config = item.config
    if config.option.allow_network or item.get_closest_marker("allow_network") is not None:
        return False
    everywhere = config.option.refuse_network or config.getini("refuse_network")
    return bool(everywhere or GUARDED.intersection(getattr(item, "fixturenames", ())))
