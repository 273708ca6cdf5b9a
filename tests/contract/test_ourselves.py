"""Our own stream keeps every rule of the contract, in every dialect."""

from __future__ import annotations

import pytest

from bourn import contract, dialects
from bourn.contract import CheckResult, RuleResult

from .ourselves import ours

NOT_OURS: dict[str, str] = {"3.3": "our client's pool has no limit but one that it is given: judged with two, below"}
"""Rule to the reason for which it is skipped for our stream."""

NO_LINES = {"11.1", "11.2", "11.4"}
"""Rules of which some check is about lines and the bytes in them: skipped where the frames are binary."""


@pytest.mark.parametrize("dialect", dialects.DIALECTS)
def test_our_stream_keeps_every_rule(dialect: str) -> None:
    """MUST and SHOULD alike: each passes, with no check skipped but for a reason that is written down here."""
    report = contract.run(ours(dialect))
    assert len(report.results) == len(contract.RULES)
    binary = dialects.get(dialect).media_types == ("application/vnd.amazon.eventstream",)
    broken = [result for result in report.results if not _kept(result, binary=binary)]
    told = [f"{each.rule.id} {check.name}: {check.verdict}, {check.message}" for each in broken for check in each.checks]
    assert not broken, "\n".join(told)


def _kept(result: RuleResult, *, binary: bool) -> bool:
    if result.rule.id in NOT_OURS:
        return result.verdict == "SKIP"
    return all(_passed(check, binary=binary and result.rule.id in NO_LINES) for check in result.checks)


def _passed(check: CheckResult, *, binary: bool) -> bool:
    return check.verdict == "PASS" or (binary and check.verdict == "SKIP" and "are binary" in check.message)


@pytest.mark.parametrize("dialect", dialects.DIALECTS)
def test_our_pool_is_left_whole(dialect: str) -> None:
    """Where a client has only two connections, streams that were left early give theirs back: rule 3.3."""
    result = contract.run(ours(dialect, pool=2), rules=["3.3"])["3.3"]
    assert result.verdict == "PASS", result.message
