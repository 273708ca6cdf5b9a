"""Runs checks: ``await check(subject)`` or ``run(subject)`` gives a ``Report``.

House rule: a run has no memory. Deterministic checks run side by side, statistical ones alone, since they measure time.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from importlib import import_module

from bourn.contract import isolation, registry, rule
from bourn.contract.performing import perform
from bourn.contract.registry import Check
from bourn.contract.rehearsal import REHEARSAL
from bourn.contract.report import Report, RuleResult, versions
from bourn.contract.rule import Rule
from bourn.contract.subject import Subject
from bourn.contract.verdict import CheckResult
from bourn.errors import InputError

Wanted = str | list[str] | tuple[str, ...] | None
HURRIED = 3.0
"""Real seconds for each check of a subject that did not even come through being read once: it blocks, or dies."""

Observer = Callable[[Rule], None]
"""Told each rule when the last of its checks is done."""


async def check(
    subject: Subject,
    *,
    rules: Wanted = None,
    known_failing: Collection[str] = (),
    seed: int = 0,
    isolated: bool = True,
    workers: int | None = None,
    observe: Observer | None = None,
) -> Report:
    """Hold a subject to the rules and give the report; ``report.ok`` says whether it passed.

    ``rules`` are ids, section numbers, or ``"core"``; all by default. Those in ``known_failing`` may fail, and the run is not
    ok when one of them passes. ``isolated`` runs each check in a process of its own (where the system can fork), ``workers`` of
    them at once. ``observe(rule)`` is called when a rule is judged. Raises ``InputError`` for a rule that does not exist,
    and for a subject that cannot be made or read at all.
    """
    chosen = rule.select(rules)
    known = {found.id for found in rule.select(list(known_failing))} if known_failing else set()
    checks = registry.load_checks()
    began = time.perf_counter()
    rehearsed = await _rehearse(subject, seed, isolated=isolated)
    deadline = HURRIED if rehearsed.verdict == "FAIL" else None
    wanted = [each for found in chosen for each in checks.get(found.id, [])]
    done = _Tally(wanted, observe)
    performed = await _perform(
        wanted, subject, seed, isolated=isolated, workers=workers or os.cpu_count() or 1, done=done, deadline=deadline
    )
    results = [
        RuleResult(found, [performed[id(each)] for each in checks.get(found.id, [])], found.id in known) for found in chosen
    ]
    return Report(subject.name, subject.dialect, results, seed, time.perf_counter() - began, versions())


def run(
    subject: Subject,
    *,
    rules: Wanted = None,
    known_failing: Collection[str] = (),
    seed: int = 0,
    isolated: bool = True,
    workers: int | None = None,
    observe: Observer | None = None,
) -> Report:
    """The same from code that is not asynchronous."""
    return asyncio.run(
        check(
            subject,
            rules=rules,
            known_failing=known_failing,
            seed=seed,
            isolated=isolated,
            workers=workers,
            observe=observe,
        )
    )


class _Tally:
    """Counts the checks of each rule down, and tells the observer of a rule that has none left."""

    def __init__(self, checks: list[Check], observe: Observer | None) -> None:
        self._left = Counter(each.rule.id for each in checks)
        self._observe = observe

    def __call__(self, check: Check) -> None:
        self._left[check.rule.id] -= 1
        if self._observe is not None and not self._left[check.rule.id]:
            self._observe(check.rule)


async def _rehearse(subject: Subject, seed: int, *, isolated: bool) -> CheckResult:
    done = _Tally([REHEARSAL], None)
    found = (await _perform([REHEARSAL], subject, seed, isolated=isolated, workers=1, done=done))[id(REHEARSAL)]
    if found.notes:
        raise InputError(found.notes[0])
    for name in found.evidence.figures.get("modules", ()):
        if name not in sys.modules:
            with suppress(Exception):  # the checks will meet what is wrong with it
                import_module(name)
    return found


async def _perform(
    checks: list[Check],
    subject: Subject,
    seed: int,
    *,
    isolated: bool,
    workers: int,
    done: Callable[[Check], None],
    deadline: float | None = None,
) -> dict[int, CheckResult]:
    found: dict[int, CheckResult] = {}
    free = asyncio.Semaphore(workers)

    async def one(each: Check) -> None:
        async with free:
            if isolated:
                found[id(each)] = await isolation.perform_apart(each, subject, seed, deadline)
            else:
                found[id(each)] = await asyncio.to_thread(perform, each, subject, seed)
        done(each)

    if isolated:
        await asyncio.gather(*(one(each) for each in checks if not each.alone))
    for each in checks:
        if each.alone or not isolated:
            await one(each)
    return found
