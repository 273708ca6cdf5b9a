"""``Suite``: the contract as a class of tests, one for each rule; ``hold``: one rule, for a test of one's own.

    from bourn import contract

    class TestMyStream(contract.Suite):
        subject = contract.Subject(name="mine", connect=connect, dialect="openai-chat")
        known_failing = ("8.2",)

The tests are ``test_1_1`` to ``test_12_2``; ``pytest -k test_4_3`` runs one, and so does ``pytest -k 4.3``. Each runs by
itself. A rule that cannot be judged is skipped with the reason. One that fails and may (a SHOULD, or a known one) is an
expected failure where bourn's pytest plugin is loaded (it is where bourn is installed), else skipped with its sentence.

    def test_my_stream(contract_rule):                         # the same, with the fixture of bourn's pytest plugin
        contract_rule(subject, known_failing=["8.2"])

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
        subject = self.subject() if callable(self.subject) else self.subject
        if not isinstance(subject, Subject):
            name = type(self).__name__
            raise InputError(f"{name}.subject is {subject!r}: set it to a contract.Subject, or to a method that gives one")
        return _judged(subject, id, self.known_failing, self.seed)


def hold(id: str, subject: Subject, *, known_failing: Collection[str] = (), seed: int = 0) -> None:
    """Hold a stream to one rule, as a test does that ``Suite`` has.

    Raises ``AssertionError``, with the evidence, where it breaks the rule; ``unittest.SkipTest`` where the rule cannot be
    judged, or may be broken: it is only asked for, or in ``known_failing`` (ids or sections). ``InputError``: there is no such
    rule, or the subject is none, or cannot be made.
    """
    __tracebackhide__ = True
    if not isinstance(subject, Subject):
        raise InputError(f"{subject!r} cannot be held to a rule: a contract.Subject is needed")
    _settle(_judged(subject, id, known_failing, seed))


def _judged(subject: Subject, id: str, known_failing: Collection[str], seed: int) -> RuleResult:
    known = known_failing and get(id) in select(list(known_failing))
    return run(subject, rules=[id], known_failing=[id] if known else (), seed=seed)[id]


def _settle(result: RuleResult) -> None:
    """Pass, or raise what a test raises."""
    __tracebackhide__ = True
    outcome, message = told(result)
    if outcome == "skipped":
        raise SkipTest(message)
    if outcome == "tolerated":
        raise ExpectedFailureError(message)
    if outcome != "passed":
        rule = result.rule
        raise AssertionError(f"{rule.id} {rule.level}: {rule.requirement}\n\n{message}\n\n{evidence(result)}".rstrip())


def _test(rule: Rule) -> Callable[[Suite], None]:
    def test(self: Suite) -> None:
        __tracebackhide__ = True
        _settle(self.judge(rule.id))

    test.__name__ = f"test_{rule.id.replace('.', '_')}"
    test.__qualname__ = f"Suite.{test.__name__}"
    test.__doc__ = rule.requirement
    setattr(test, rule.id, rule)  # pytest's -k looks at what a test function has: 4.3 is found
    return test


for _rule in RULES.values():
    setattr(Suite, f"test_{_rule.id.replace('.', '_')}", _test(_rule))
