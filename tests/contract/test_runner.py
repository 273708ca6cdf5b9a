"""A run gives a report: rules in order, verdicts that count as the contract says, strict known failures."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from bourn import contract
from bourn.contract import Subject, registry
from bourn.contract.reference import ReferenceStream, reference
from bourn.contract.report import RuleResult
from bourn.contract.rule import get
from bourn.contract.verdict import CheckResult, Verdict
from bourn.errors import InputError


async def numbers() -> AsyncGenerator[int, None]:
    yield 1
    yield 2


async def forever() -> AsyncGenerator[Any, None]:
    yield None


BARE = Subject(name="bare", factory=numbers)


def test_what_is_not_declared_is_skipped_with_the_reason() -> None:
    """A bare generator is judged by what it can be judged by, and the rest says why not."""
    report = contract.run(BARE, rules="1")
    assert report["1.2"].verdict == "PASS"
    assert report["1.6"].verdict == "SKIP"
    assert report["1.6"].message == "it was given no connect=, so it cannot be pointed at the kit's server"
    assert report["1.4"].message == "it was given neither failing= nor connect=, so it cannot be made to fail"
    assert report.ok


def test_declared_failures_need_no_server() -> None:
    """A stream that is known to raise can be given instead of a base URL."""

    async def fails() -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError("no more")

    assert contract.run(Subject(name="n", factory=numbers, failing=fails), rules="1.4")["1.4"].verdict == "PASS"


def test_a_failed_must_fails_the_run() -> None:
    """A MUST that fails is not ok, unless it was known to fail."""
    subject = Subject(name="n", factory=forever)
    report = contract.run(subject, rules="1.2")
    assert (report["1.2"].verdict, report["1.2"].message, report.ok) == ("FAIL", "it gave None as an item", False)
    assert contract.run(subject, rules="1.2", known_failing=["1.2"]).ok


def test_an_unexpected_pass_fails_the_run() -> None:
    """A known failure that passes must be taken off the list."""
    report = contract.run(BARE, rules="1.2", known_failing=["1.2"])
    assert not report.ok
    assert "it was known to fail and does not: take it off the list" in report.text()


def test_a_failed_should_does_not_fail_the_run() -> None:
    """A SHOULD that fails is told, and the run is ok."""
    report = contract.run(reference("i", registry.load_saboteurs()["1.1"][0].subject.connect), rules="1.1")
    assert report["1.1"].verdict == "FAIL"
    assert report.ok


@pytest.mark.parametrize(
    ("verdicts", "levels", "verdict", "broken"),
    [
        ([], "", "SKIP", False),
        (["PASS", "SKIP"], "MM", "PASS", False),
        (["SKIP", "SKIP"], "MM", "SKIP", False),
        (["INFO", "SKIP"], "MM", "INFO", False),
        (["PASS", "FAIL"], "MM", "FAIL", True),
        (["PASS", "FAIL"], "MS", "FAIL", False),
        (["ERROR", "PASS"], "SS", "ERROR", True),
    ],
)
def test_the_gravest_verdict_counts(verdicts: list[Verdict], levels: str, verdict: Verdict, broken: bool) -> None:
    """A rule has the gravest verdict of its checks, and fails the run if a MUST check fails or the kit does."""
    checks = [
        CheckResult(f"c{at}", "data", "MUST" if level == "M" else "SHOULD", each)
        for at, (each, level) in enumerate(zip(verdicts, levels, strict=True))
    ]
    result = RuleResult(get("3.1"), checks)
    assert (result.verdict, result.broken) == (verdict, broken)


def test_data_and_clean_up_are_told_apart() -> None:
    """A rule that looks at both has a verdict on each."""
    checks = [CheckResult("a", "data", "MUST", "PASS"), CheckResult("b", "clean-up", "MUST", "FAIL", "it left a socket")]
    result = RuleResult(get("4.2"), checks)
    assert (result.of("data"), result.of("clean-up"), result.message) == ("PASS", "FAIL", "it left a socket")
    assert RuleResult(get("4.2"), checks[:1]).of("clean-up") is None


def test_the_report_is_plain_data() -> None:
    """Everything is in the JSON: rules, verdicts, evidence with its trace and journal."""
    report = contract.run(reference("tries again", registry.load_saboteurs()["1.4"][0].subject.connect), rules=["1.3", "1.4"])
    told = msgspec.json.decode(report.to_json())
    assert told["counts"] == {"PASS": 1, "FAIL": 1}
    assert told["ok"] is False
    failed = told["results"][1]["checks"][0]
    assert failed["message"].startswith("the next call after ConnectionLostError gave Start")
    evidence = failed["evidence"]
    assert evidence["seed"] == 0
    assert any(line["who"] == "server" and line["what"].startswith("sends") for line in evidence["trace"])
    assert evidence["journals"][0]["opened"] == 2
    assert "reset" in evidence["scenario"].lower()
    text = report.text()
    assert "FAIL  1.4   MUST" in text
    assert text.endswith("not ok: 1 FAIL, 1 PASS")


def test_three_runs_give_the_same() -> None:
    """Verdicts and messages do not change from run to run."""
    saboteurs = registry.load_saboteurs()
    subject = saboteurs["2.4"][1].subject
    told = [
        [
            (result.rule.id, result.verdict, result.message)
            for result in contract.run(subject, rules=["1.2", "1.6", "2.4"]).results
        ]
        for _ in range(3)
    ]
    assert told[0] == told[1] == told[2]


async def test_check_runs_inside_a_loop() -> None:
    """The asynchronous door works where a loop runs, in virtual time too."""
    report = await contract.check(reference(), rules="1.2")
    assert report.ok
    with pytest.raises(KeyError):
        report["2.1"]


def test_without_processes_of_their_own() -> None:
    """Checks can run in this process."""
    assert contract.run(reference(stream=ReferenceStream), rules="1.2", isolated=False).ok


def test_a_rule_that_does_not_exist_is_refused() -> None:
    """Also in the list of known failures."""
    with pytest.raises(InputError, match=r"there is no rule '9\.9'"):
        contract.run(BARE, rules="9.9")
    with pytest.raises(InputError, match=r"there is no rule '9\.9'"):
        contract.run(BARE, known_failing=["9.9"])
