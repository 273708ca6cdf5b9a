"""``Suite``: the contract as a class of tests, one for each rule.

    from bourn import contract

    class TestMyStream(contract.Suite):
        subject = contract.Subject(name="mine", connect=connect, dialect="openai-chat")
        known_failing = ("8.2",)

The tests are ``test_1_1`` to ``test_12_2``; ``pytest -k test_4_3`` runs one, and so does ``pytest -k 4.3``. Each runs by
itself. A rule that cannot be judged is skipped with the reason. One that fails and may (a SHOULD, or a known one) is an
expected failure where bourn's pytest plugin is loaded (it is where bourn is installed), else skipped with its sentence.

House rule: no pytest here: a test raises ``AssertionError`` or ``unittest.SkipTest``, which every runner knows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar
from unittest import SkipTest

from bourn.contract.report import RuleResult
from bourn.contract.rule import RULES, Rule, get, select
from bourn.contract.runner import run
from bourn.contract.subject import Subject
from bourn.contract.telling import evidence, told
from bourn.errors import InputError


class ExpectedFailureError(SkipTest):
    """The rule is broken, and this fails no run: it is a SHOULD, or was known to fail."""

    bourn_expected = True


class Suite:
    """The rules as tests: inherit from it in a class whose name begins with ``Test``, and set ``subject``.

    ``subject`` is a ``Subject``, or a method that gives one. ``known_failing`` names rules that may fail and must not pass, by
    id or by section; ``seed`` is that of the run.
    """

    subject: ClassVar[Any] = None
    known_failing: ClassVar[Collection[str]] = ()
    seed: ClassVar[int] = 0

    def judge(self, id: str) -> RuleResult:
        """The result for one rule. Raises ``InputError`` where ``subject`` is none."""
        name = type(self).__name__
        subject = self.subject() if callable(self.subject) else self.subject
        if not isinstance(subject, Subject):
            raise InputError(f"{name}.subject is {subject!r}: set it to a contract.Subject, or to a method that gives one")
        known = self.known_failing and get(id) in select(list(self.known_failing))
        return run(subject, rules=[id], known_failing=[id] if known else (), seed=self.seed)[id]


def _test(rule: Rule) -> Callable[[Suite], None]:
    def test(self: Suite) -> None:
        __tracebackhide__ = True
        result = self.judge(rule.id)
        outcome, message = told(result)
        if outcome == "skipped":
            raise SkipTest(message)
        if outcome == "tolerated":
            raise ExpectedFailureError(message)
        if outcome != "passed":
            raise AssertionError(f"{rule.id} {rule.level}: {rule.requirement}\n\n{message}\n\n{evidence(result)}".rstrip())

    test.__name__ = f"test_{rule.id.replace('.', '_')}"
    test.__qualname__ = f"Suite.{test.__name__}"
    test.__doc__ = rule.requirement
    setattr(test, rule.id, rule)  # pytest's -k looks at what a test function has: 4.3 is found
    return test


for _rule in RULES.values():
    setattr(Suite, f"test_{_rule.id.replace('.', '_')}", _test(_rule))
