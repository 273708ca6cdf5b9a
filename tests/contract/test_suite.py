"""`contract.Suite` in a pytest of its own: a test a rule, with the verdict that the report would give."""

from __future__ import annotations

import subprocess
import sys
from unittest import SkipTest

import pytest

from bourn.contract import RULES, Subject, Suite, hold
from bourn.contract.reference import reference
from bourn.errors import InputError

SOURCE = """
from bourn.contract import Subject, Suite, registry
from bourn.contract.reference import reference


async def numbers():
    yield 1


async def nothing():
    yield None


class TestGood(Suite):
    subject = reference()


class TestBare(Suite):
    subject = Subject(name="bare", factory=numbers)


class TestBroken(Suite):
    def subject(self):
        return Subject(name="broken", factory=nothing)


class TestKnown(TestBroken):
    known_failing = ("1",)


class TestUnknown(TestGood):
    known_failing = ("1.2",)


class TestAskedFor(Suite):
    subject = registry.load_saboteurs()["1.1"][0].subject
"""
CONFIG = "[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"


@pytest.fixture
def suites(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with the suites above."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makefile(".ini", pytest=CONFIG)
    pytester.makepyfile(SOURCE)
    return pytester


def run(suites: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run pytest in another process, with the plugin as an installation has it."""
    return suites.runpytest_subprocess("-p", "no:cacheprovider", "-v", "-rsxf", *options)


def test_there_is_one_test_for_each_rule() -> None:
    """Named by its id, told by its requirement, in the order of the document."""
    tests = {name: value for name, value in vars(Suite).items() if name.startswith("test_")}
    assert list(tests) == [f"test_{id.replace('.', '_')}" for id in RULES]
    assert [test.__doc__ for test in tests.values()] == [rule.requirement for rule in RULES.values()]


def test_each_verdict_is_one_that_pytest_knows(suites: pytest.Pytester) -> None:
    """Passed, failed, skipped with the reason, expected failures for what was known or only asked for."""
    result = run(suites, "-k", "test_1_2 or test_1_7 and TestBare or test_1_1 and TestAskedFor and not test_1_10")
    result.stdout.fnmatch_lines_random(
        [
            "*::TestGood::test_1_2 PASSED*",
            "*::TestBare::test_1_2 PASSED*",
            "*::TestBare::test_1_7 SKIPPED*",
            "*::TestBroken::test_1_2 FAILED*",
            "*::TestKnown::test_1_2 XFAIL*",
            "*::TestUnknown::test_1_2 FAILED*",
            "*::TestAskedFor::test_1_1 XFAIL*",
            "SKIPPED * it was given no connect=, so it cannot be pointed at the kit's server",
            "XFAIL *::TestKnown::test_1_2 - known to fail: it gave None as an item",
            "XFAIL *::TestAskedFor::test_1_1 - only asked for (SHOULD): *",
            "E   AssertionError: 1.2 MUST: The end is signalled only by StopAsyncIteration*",
            "*it gave None as an item",
            "*it was known to fail and does not: take it off the list",
            "*seed: 0",
        ]
    )
    result.assert_outcomes(passed=3, failed=2, skipped=1, xfailed=2)


@pytest.mark.parametrize("words", ["test_2_1", "2_1 and not 12_1", "2.1 and not 12.1"])
def test_k_finds_a_rule(suites: pytest.Pytester, words: str) -> None:
    """`-k` takes the id as it is written, and as a name."""
    collected = suites.runpytest_inprocess("--collect-only", "-q", "-k", f"({words}) and TestGood")
    assert [line for line in collected.outlines if "::" in line] == ["test_k_finds_a_rule.py::TestGood::test_2_1"]


def test_without_the_plugin_nothing_fails_more(suites: pytest.Pytester) -> None:
    """An expected failure is a skip there, with the same sentence."""
    result = run(suites, "-p", "no:bourn", "-k", "test_1_2 and TestKnown")
    result.assert_outcomes(skipped=1, deselected=len(RULES) * 6 - 1)
    result.stdout.fnmatch_lines(["SKIPPED * known to fail: it gave None as an item"])


@pytest.mark.parametrize("wrong", [None, 42, lambda self: "x"])
def test_a_wrong_subject_gets_one_sentence(wrong: object) -> None:
    """What it is, and what it should be."""
    found = type("TestWrong", (Suite,), {"subject": wrong})()
    with pytest.raises(InputError, match=r"TestWrong.subject is .*: set it to a contract.Subject, or to a method"):
        found.judge("1.2")


def test_a_rule_that_does_not_exist_is_refused() -> None:
    """In the list of known failures too."""
    found = type("TestWrong", (Suite,), {"subject": reference(), "known_failing": ("9.9",)})()
    with pytest.raises(InputError, match=r"there is no rule '9\.9'"):
        found.judge("1.2")


def test_the_seed_is_passed_on() -> None:
    """The evidence has the suite's seed."""

    async def nothing():
        yield None

    found = type("TestSeed", (Suite,), {"subject": Subject(name="n", factory=nothing), "seed": 11})()
    assert found.judge("1.2").checks[0].evidence.seed == 11


RULE = """
import pytest
from bourn.contract import Subject, registry
from bourn.contract.reference import reference


async def nothing():
    yield None


def test_good(contract_rule):
    contract_rule(reference())


@pytest.mark.parametrize("known", [(), ["1.2"]])
def test_broken(contract_rule, known):
    contract_rule(Subject(name="broken", factory=nothing), known_failing=known)


def test_asked_for(contract_rule):
    contract_rule(registry.load_saboteurs()["1.1"][0].subject)


def test_no_subject(contract_rule):
    contract_rule(42)
"""


def test_a_test_of_ones_own_is_one_for_each_rule(suites: pytest.Pytester) -> None:
    """With the rule's id as its own, and the same outcomes as the class has."""
    suites.makepyfile(RULE)
    result = run(suites, "-k", "(test_asked_for and 1.1 or not test_asked_for and 1.2) and not 11.")
    result.stdout.fnmatch_lines_random(
        [
            "*::test_good?1.2? PASSED*",
            "*::test_broken?1.2-known0? FAILED*",
            "*::test_broken?1.2-known1? XFAIL*",
            "*::test_asked_for?1.1? XFAIL*",
            "*::test_no_subject?1.2? FAILED*",
            "E *AssertionError: 1.2 MUST: The end is signalled only by StopAsyncIteration*",
            "*InputError: 42 cannot be held to a rule: a contract.Subject is needed",
        ]
    )
    result.assert_outcomes(passed=1, failed=2, xfailed=2)
    collected = suites.runpytest_inprocess("--collect-only", "-q", "-k", "test_good")
    assert len([line for line in collected.outlines if "::test_good[" in line]) == len(RULES)


def test_a_rule_can_be_held_without_pytest() -> None:
    """It passes in silence, and raises what every runner knows."""

    async def numbers():
        yield 1

    hold("1.2", reference())
    with pytest.raises(SkipTest, match="it was given no connect="):
        hold("1.7", Subject(name="bare", factory=numbers))
    with pytest.raises(InputError, match=r"there is no rule '9\.9'"):
        hold("9.9", reference())


def test_the_kit_needs_no_pytest() -> None:
    """Importing the suite imports no pytest."""
    program = "import sys, bourn.contract; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0  # noqa: S603  # our program
