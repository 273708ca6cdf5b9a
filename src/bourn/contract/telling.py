"""What a rule's result is for those who know only passed, failed, broken and skipped: JUnit, pytest, an exit code.

House rule: an outcome says the same as ``RuleResult.broken``, so that no door lets through what another one stops.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from bourn.contract.report import RuleResult
from bourn.contract.verdict import CheckResult

Outcome = Literal["passed", "failed", "error", "skipped", "tolerated"]
"""``tolerated``: it fails, and is a SHOULD, or known to."""

LAST = 12
"""Lines of a trace that are told, and of a traceback at each end."""


class Told(NamedTuple):
    """An outcome and the sentence that goes with it."""

    outcome: Outcome
    message: str


def told(result: RuleResult) -> Told:
    """What the result is, in one word and one sentence."""
    if result.verdict == "ERROR":
        return Told("error", f"a bug of the kit, not of the stream: {result.message}")
    if result.known and result.broken:
        return Told("failed", "it was known to fail and does not: take it off the list")
    if result.verdict == "FAIL":
        why = "known to fail: " if result.known else "" if result.broken else "only asked for (SHOULD): "
        return Told("failed" if result.broken else "tolerated", why + result.message)
    if result.verdict == "SKIP":
        return Told("skipped", result.message or "the kit has no check for this rule")
    return Told("passed", "")


def evidence(result: RuleResult) -> str:
    """Of each check that failed: its sentence, and what happened, for a person to read."""
    return "\n\n".join(_check(each) for each in result.checks if each.verdict in {"FAIL", "ERROR"})


def notes(result: RuleResult) -> list[str]:
    """What was recorded and is never failed."""
    return [note for check in result.checks for note in check.notes]


def _check(check: CheckResult) -> str:
    found = check.evidence
    shown = found.trace[-LAST:]
    lines = [f"{check.name} ({check.aspect}, {check.level}): {check.message}", f"seed: {found.seed}"]
    lines += [f"{name}: {value}" for name, value in (("scenario", found.scenario), ("suspended at", found.suspension)) if value]
    if shown:
        lines.append(f"the last {len(shown)} of {len(found.trace)} lines of the trace:")
        lines += [f"  {line.at:10.6f} {line.who:7} {line.what} {line.data}".rstrip() for line in shown]
    lines += [f"complaint: {complaint}" for complaint in found.disturbances]
    for name, text in (("output", found.output), ("traceback", found.traceback)):
        if text:
            lines += [f"{name}:", *_ends(text.splitlines())]
    return "\n".join(lines)


def _ends(lines: list[str]) -> list[str]:
    """The first and the last lines: a traceback has what matters at one of its ends."""
    dropped = len(lines) - 2 * LAST
    return lines if dropped <= 0 else [*lines[:LAST], f"({dropped} lines are left out here)", *lines[-LAST:]]
