"""What is made of streams keeps every rule of the contract that its streams keep."""

from __future__ import annotations

import pytest

from bourn import contract

from .steered import SUBJECTS

NOT_THEIRS: dict[str, str] = {"3.3": "the pool is the client's, and is judged with two connections in test_ourselves.py"}
"""Rule to the reason for which it is skipped for what is made of streams."""


@pytest.mark.parametrize("name", SUBJECTS)
def test_what_is_made_of_streams_keeps_every_rule(name: str) -> None:
    """MUST and SHOULD alike: each passes, with no check skipped but for a reason that is written down here."""
    report = contract.run(SUBJECTS[name]())
    assert len(report.results) == len(contract.RULES)
    wanted = {result.rule.id: {"SKIP"} if result.rule.id in NOT_THEIRS else {"PASS"} for result in report.results}
    told = [
        f"{result.rule.id} {check.name}: {check.verdict}, {check.message}"
        for result in report.results
        for check in result.checks
        if check.verdict not in wanted[result.rule.id]
    ]
    assert not told, "\n".join(told)
