"""``Report``: what a run found, as data: for people as text, for programs as JSON, and for the writers of other formats.

House rule: the report holds everything that its pictures need; whoever writes one runs nothing.
"""

from __future__ import annotations

import platform
from collections import Counter
from typing import Any

import msgspec

from bourn.contract.rule import SECTIONS, Rule
from bourn.contract.verdict import Aspect, CheckResult, Verdict, gravest


class RuleResult(msgspec.Struct, frozen=True):
    """What was found about one rule, by all of its checks. ``known`` says that it was expected to fail."""

    rule: Rule
    checks: list[CheckResult]
    known: bool = False

    @property
    def verdict(self) -> Verdict:
        """The gravest verdict of its checks."""
        return gravest([check.verdict for check in self.checks]) or "SKIP"

    @property
    def message(self) -> str:
        """The sentence that goes with the verdict."""
        return next((check.message for check in self.checks if check.verdict == self.verdict and check.message), "")

    @property
    def seconds(self) -> float:
        """Real seconds that its checks took."""
        return sum(check.seconds for check in self.checks)

    @property
    def broken(self) -> bool:
        """Whether it fails the run: an error, a MUST that fails and was not known to, or a known failure that passed."""
        if self.known:
            return self.verdict in {"PASS", "INFO", "ERROR"}
        return any(check.verdict == "ERROR" or (check.verdict == "FAIL" and check.level == "MUST") for check in self.checks)

    def of(self, aspect: Aspect) -> Verdict | None:
        """The verdict on one aspect, if the rule looks at it."""
        return gravest([check.verdict for check in self.checks if check.aspect == aspect])

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        return {
            "rule": msgspec.to_builtins(self.rule),
            "verdict": self.verdict,
            "data": self.of("data"),
            "clean-up": self.of("clean-up"),
            "known": self.known,
            "broken": self.broken,
            "message": self.message,
            "seconds": self.seconds,
            "checks": msgspec.to_builtins(self.checks, enc_hook=repr),
        }


class Report(msgspec.Struct, frozen=True):
    """The results of a run, in the order of the rules. ``ok`` is what a build should look at."""

    subject: str
    dialect: str
    results: list[RuleResult]
    seed: int
    seconds: float
    versions: dict[str, str]

    @property
    def ok(self) -> bool:
        """No MUST rule fails but the known ones, none of these passes, and the kit made no error."""
        return not any(result.broken for result in self.results)

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many rules have which verdict."""
        return dict(Counter(result.verdict for result in self.results))

    def __getitem__(self, id: str) -> RuleResult:
        """The result for a rule. Raises ``KeyError`` for one that was not run."""
        for result in self.results:
            if result.rule.id == id:
                return result
        raise KeyError(id)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, ready for JSON."""
        return {
            "subject": self.subject,
            "dialect": self.dialect,
            "ok": self.ok,
            "seed": self.seed,
            "seconds": self.seconds,
            "versions": self.versions,
            "counts": self.counts,
            "results": [result.to_dict() for result in self.results],
        }

    def to_json(self) -> bytes:
        """The report as JSON."""
        return msgspec.json.format(msgspec.json.encode(self.to_dict()), indent=2)

    def text(self) -> str:
        """The report for a terminal: a line a rule, failures with their sentence and their last lines of trace."""
        lines = [f"{self.subject} ({self.dialect}), seed {self.seed}, {self.seconds:.1f} s"]
        section = 0
        for result in self.results:
            if result.rule.section != section:
                section = result.rule.section
                lines.append(f"\n{section} {SECTIONS[section]}")
            lines += _lines(result)
        counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self.counts.items()))
        return "\n".join([*lines, "", f"{'ok' if self.ok else 'not ok'}: {counts}"])


def versions() -> dict[str, str]:
    """What this run stands on."""
    from importlib.metadata import version

    return {"bourn": version("bourn"), "python": platform.python_version(), "platform": platform.platform()}


def _lines(result: RuleResult) -> list[str]:
    mark = " (known to fail)" if result.known else ""
    lines = [f"  {result.verdict:5} {result.rule.id:5} {result.rule.level:6} {result.rule.requirement}{mark}"]
    if result.message:
        lines.append(f"               {result.message}")
    if result.known and result.verdict in {"PASS", "INFO"}:
        lines.append("               it was known to fail and does not: take it off the list")
    lines += [f"               note: {note}" for check in result.checks for note in check.notes]
    return lines
