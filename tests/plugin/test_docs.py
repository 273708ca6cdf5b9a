"""docs/testing.md says only what is so: its code runs as tests, in one file, as it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import bourn.mock
from bourn.contract import RULES
from bourn.pytest_plugin import MARKERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "testing.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

GIVEN = """
import asyncio
import bourn
import pytest


def respond(prompt):
    return asyncio.run(bourn.stream("openai/gpt-5-mini", prompt).collect())


def ask(prompt):
    return respond(prompt).text

"""


CONTRACT = [block for block in BLOCKS if "contract_rule" in block]


def test_its_code_runs(run: Callable[..., pytest.RunResult]) -> None:
    """Every block, after what the page takes for granted, passes."""
    pytest.importorskip("pytest_asyncio", reason="the extra `test` is not installed")
    source = GIVEN + "\n\n".join(block for block in BLOCKS if block not in CONTRACT)
    run(source).assert_outcomes(passed=source.count("\ndef test_") + source.count("\nasync def test_"))


def test_its_stream_keeps_the_contract(run: Callable[..., pytest.RunResult]) -> None:
    """Both ways give a test for each rule, with equal outcomes, and none fails."""
    pytest.importorskip("pytest_asyncio", reason="the extra `test` is not installed")
    [source] = CONTRACT
    outcomes = run(source).parseoutcomes()
    assert set(outcomes) == {"passed", "skipped"}
    assert sum(outcomes.values()) == 2 * len(RULES)
    assert all(count % 2 == 0 and count > 10 for count in outcomes.values())


def test_its_scenarios_exist() -> None:
    """Every name in the table of scenarios can be imported."""
    table = PAGE.partition("| scenario |")[2].partition("\n\n")[0]
    names = set(re.findall(r"`(\w+)\(", table))
    assert len(names) > 10
    assert names <= set(bourn.mock.__all__)


def test_every_marker_and_fixture_is_on_it() -> None:
    """Nothing of the plugin is left out."""
    for word in (
        *bourn.pytest_plugin.__all__,
        *(re.split(r"[:(]", line)[0] for line in MARKERS),
        "--llm-seed",
        "--refuse-network",
    ):
        assert f"`{word}" in PAGE or f".{word}" in PAGE, word
