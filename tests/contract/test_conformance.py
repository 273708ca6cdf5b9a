"""The page about other people's streams says what the results say, and these are whole."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
from bench.conformance.claims import CLAIMS
from bench.conformance.judging import kept
from bench.conformance.page import PAGE, RESULTS, markdown
from bench.conformance.rows import ROWS, STRICTER, Row

from bourn.contract import RULES, registry

RESULT: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))
CHECKS = {id: [check.name for check in checks] for id, checks in registry.load_checks().items()}


def test_the_page_is_current() -> None:
    """docs/conformance.md is what its results make of it: `python -m bench.conformance --page`."""
    assert PAGE.read_text("utf-8") == markdown(RESULT)


@pytest.mark.parametrize("row", ROWS, ids=[each.key for each in ROWS])
def test_every_subject_is_judged_by_every_check(row: Row) -> None:
    """No subject is left out, nor a rule, nor a check that there is; and the kit was at a loss about none."""
    rules = RESULT["subjects"][row.key]["rules"]
    assert {id: [check["name"] for check in rule["checks"]] for id, rule in rules.items()} == CHECKS
    assert [id for id, rule in rules.items() if rule["verdict"] == "ERROR"] == []


def test_every_rule_and_failure_is_on_the_page() -> None:
    """The matrix has a line for each rule, and each failure its command."""
    page = PAGE.read_text("utf-8")
    for id in RULES:
        assert re.search(rf"^\| {re.escape(id)} ", page, re.MULTILINE)
    for row in ROWS:
        for id, rule in RESULT["subjects"][row.key]["rules"].items():
            shown = f"`{row.command(id)}`" in page
            assert shown == (rule["verdict"] == "FAIL"), (row.key, id)


def test_our_own_stream_breaks_no_rule() -> None:
    """Ours is held like anybody's, and breaks neither a MUST nor a SHOULD."""
    ours = [RESULT["subjects"][row.key]["rules"] for row in ROWS if row.package == "bourn"]
    assert ours
    assert [id for rules in ours for id, rule in rules.items() if rule["verdict"] == "FAIL"] == []


def test_the_versions_are_the_pinned_ones() -> None:
    """Each library was judged in the version that its dependency group names."""
    groups = tomllib.loads((PAGE.parents[1] / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    for row in ROWS:
        if row.package != "bourn":
            pins = dict(re.sub(r"\[.*\]", "", pin).split("==") for pin in groups[row.group])
            assert RESULT["subjects"][row.key]["versions"][row.package] == pins[row.package]


def test_every_claim_is_about_something_judged() -> None:
    """An earlier measurement names a subject and a rule that were held again."""
    judged = {each.key for each in [*ROWS, *STRICTER]}
    assert {claim.subject for claim in CLAIMS} <= judged
    assert {claim.subject for claim in CLAIMS} <= set(RESULT["subjects"])
    assert {claim.rule for claim in CLAIMS} <= set(RULES)


def test_no_path_of_a_machine_is_kept() -> None:
    """Messages name files as they are in the clone or in site-packages."""
    assert not re.search(r"/(home|root|tmp|work)/", RESULTS.read_text("utf-8"))


def _report(verdict: str, message: str) -> dict[str, Any]:
    check = {"name": "a_check", "aspect": "data", "level": "MUST", "verdict": verdict, "message": message, "notes": []}
    rule = {"rule": {"id": "1.1"}, "verdict": verdict, "broken": False, "message": message, "checks": [check]}
    return {"subject": "one", "seconds": 1.25, "results": [rule]}


def test_runs_that_disagree_are_told() -> None:
    """A verdict that is not the same in every run is kept as such, and has its mark in the matrix."""
    flickers = kept([_report("PASS", ""), _report("FAIL", "it was late")])
    assert flickers["rules"]["1.1"]["runs"] == ["PASS", "FAIL"]
    changed = json.loads(json.dumps(RESULT))
    changed["subjects"][ROWS[0].key]["rules"]["1.1"] = flickers["rules"]["1.1"]
    assert "| ✗~ |" in markdown(changed)
    agreed = json.loads(json.dumps(changed))
    agreed["subjects"][ROWS[0].key]["rules"]["1.1"] = kept([_report("FAIL", "it was late")] * 2)["rules"]["1.1"]
    assert "| ✗~ |" not in markdown(agreed)
    assert "| ✗ |" in markdown(agreed)
