"""The kit's tests of itself: a rule must fail on its saboteur with the right words, and pass or be skipped where it should.

Free of pytest: these are functions that raise ``AssertionError``. House rule: a check that cannot fail is a defect.
"""

from __future__ import annotations

from bourn.contract import registry
from bourn.contract.performing import perform
from bourn.contract.subject import Subject
from bourn.contract.verdict import CheckResult, Verdict


def judge(id: str, subject: Subject, seed: int = 0) -> list[CheckResult]:
    """All checks of one rule on a subject, in this process."""
    checks = registry.load_checks().get(id)
    assert checks, f"rule {id} has no check"
    return [perform(each, subject, seed) for each in checks]


def require_failure(id: str, subject: Subject, says: str) -> None:
    """At least one check of the rule fails, with ``says`` in its sentence, and none blames the kit."""
    results = judge(id, subject)
    told = [(each.name, each.verdict, each.message) for each in results]
    assert not any(each.verdict == "ERROR" for each in results), f"{id} on {subject.name}: a bug of the kit: {told}"
    failures = [each.message for each in results if each.verdict == "FAIL"]
    assert failures, f"{id} did not catch {subject.name}: {told}"
    assert any(says in message for message in failures), f"{id} on {subject.name} does not say {says!r}: {failures}"


def require_skip(id: str, subject: Subject, says: str) -> None:
    """Every check of the rule is skipped, and one says ``says``."""
    _require(id, subject, "SKIP", says)


def require_pass(id: str, subject: Subject) -> None:
    """Every check of the rule passes."""
    _require(id, subject, "PASS", "")


def _require(id: str, subject: Subject, verdict: Verdict, says: str) -> None:
    results = judge(id, subject)
    told = [(each.name, each.verdict, each.message) for each in results]
    assert all(each.verdict == verdict for each in results), f"{id} on {subject.name} should be {verdict}: {told}"
    assert any(says in each.message for each in results), f"{id} on {subject.name} does not say {says!r}: {told}"


def unchecked() -> list[str]:
    """Rules that have no check yet."""
    from bourn.contract.rule import RULES

    checks = registry.load_checks()
    return [id for id in RULES if id not in checks]


def unsabotaged() -> list[str]:
    """Rules that have no saboteur yet."""
    from bourn.contract.rule import RULES

    saboteurs = registry.load_saboteurs()
    return [id for id in RULES if id not in saboteurs]
