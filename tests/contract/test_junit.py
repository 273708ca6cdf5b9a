"""JUnit XML says of each rule what the report says."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from bourn.contract import Report, RuleResult, junit, telling
from bourn.contract.rule import get
from bourn.contract.verdict import CheckResult, Evidence, Line, Verdict


def result(verdict: Verdict, message: str = "", *, id: str = "4.3", known: bool = False, should: bool = False) -> RuleResult:
    """A result with one check."""
    found = CheckResult("told", "data", "SHOULD" if should else "MUST", verdict, message, seconds=0.5)
    found.evidence = Evidence(seed=7, scenario="a reset", suspension="third read", trace=[Line(1.5, "server", "sends 3 bytes")])
    return RuleResult(get(id), [found], known)


CASES: list[tuple[RuleResult, telling.Outcome, str]] = [
    (result("PASS"), "passed", ""),
    (result("INFO"), "passed", ""),
    (result("SKIP", "no connect="), "skipped", "no connect="),
    (RuleResult(get("4.3"), []), "skipped", "the kit has no check for this rule"),
    (result("FAIL", "it hung"), "failed", "it hung"),
    (result("FAIL", "it hung", should=True), "tolerated", "only asked for (SHOULD): it hung"),
    (result("FAIL", "it hung", known=True), "tolerated", "known to fail: it hung"),
    (result("PASS", known=True), "failed", "it was known to fail and does not: take it off the list"),
    (result("SKIP", "no text=", known=True), "skipped", "no text="),
    (result("ERROR", "KeyError"), "error", "a bug of the kit, not of the stream: KeyError"),
    (result("ERROR", "KeyError", known=True), "error", "a bug of the kit, not of the stream: KeyError"),
]


@pytest.mark.parametrize(("found", "outcome", "message"), CASES)
def test_an_outcome_is_a_word_and_a_sentence(found: RuleResult, outcome: telling.Outcome, message: str) -> None:
    """It fails exactly where the result fails the run."""
    assert telling.told(found) == (outcome, message)
    assert (outcome in {"failed", "error"}) == found.broken


def suite(*results: RuleResult) -> ET.Element:
    """The one suite in the file."""
    report = Report("a\x00b", "openai-chat", list(results), 7, 1.25, {"bourn": "0"})
    return ET.fromstring(junit.xml(report))[0]  # noqa: S314  # our own words


def test_every_rule_is_a_case() -> None:
    """Counts, names, times, properties; and the element that stands for each outcome."""
    found = suite(*(case[0] for case in CASES))
    assert {name: found.get(name) for name in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "11",
        "failures": "2",
        "errors": "2",
        "skipped": "5",
        "time": "1.250",
    }
    assert [(each.get("name"), each.get("value")) for each in found.iter("property")] == [
        ("seed", "7"),
        ("dialect", "openai-chat"),
        ("bourn", "0"),
    ]
    cases = found.findall("testcase")
    assert {case.get("classname") for case in cases} == {"contract.4 Cancellation"}
    assert {case.get("name") for case in cases} == {f"4.3 {get('4.3').requirement}"}
    assert cases[0].get("time") == "0.500"
    for case, (_, outcome, message) in zip(cases, CASES, strict=True):
        assert [(each.tag, each.get("message")) for each in case] == (
            [] if outcome == "passed" else [(junit.ELEMENTS[outcome], message)]
        )


def test_a_failure_comes_with_its_evidence() -> None:
    """Seed, scenario, suspension point and the last lines of the trace."""
    failure = suite(result("FAIL", "it hung")).find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "MUST"
    assert failure.text == (
        "told (data, MUST): it hung\nseed: 7\nscenario: a reset\nsuspended at: third read\n"
        "the last 1 of 1 lines of the trace:\n    1.500000 server  sends 3 bytes"
    )


def test_notes_are_kept() -> None:
    """What was only recorded is the case's output."""
    found = result("PASS")
    found.checks[0].notes.append("it gave ClosedError")
    assert suite(found).findtext("testcase/system-out") == "it gave ClosedError"


def test_any_character_can_be_said() -> None:
    """Control characters and lone surrogates become U+FFFD, and the file can be read."""
    found = suite(result("FAIL", "it said \x1b[2J\ud800 & <b>é\U0001f600"))
    assert found.get("name") == "a\ufffdb (openai-chat)"
    failure = found.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "it said \ufffd[2J\ufffd & <b>é\U0001f600"


def test_a_long_traceback_is_cut_in_the_middle() -> None:
    """Its two ends are told."""
    found = result("FAIL", "it hung")
    found.checks[0].evidence.traceback = "\n".join(f"line {at}" for at in range(100))
    lines = telling.evidence(found).splitlines()
    assert lines[-25:][0] == "line 0"
    assert lines[-13:][:2] == ["(76 lines are left out here)", "line 88"]
