"""Where checks and saboteurs are registered for their rules.

House rule: a file in ``checks/`` or ``saboteurs/`` is found by itself; nothing lists them.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Awaitable, Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from bourn.contract import rule
from bourn.contract.rule import Level, Rule
from bourn.contract.subject import DECLARE, Subject
from bourn.contract.verdict import Aspect

if TYPE_CHECKING:
    from bourn.contract.stage import Stage

Afterwards = Callable[[], None]
"""What a check may return: called, without an event loop, when the check's loop is closed."""

CheckFunction = Callable[["Stage"], Awaitable[Afterwards | None]]
Clock = Literal["virtual", "real"]


class Check(msgspec.Struct, frozen=True):
    """A way to look at a rule.

    ``level`` is the rule's, unless this part of it is only asked for; ``deadline`` is in real seconds; ``alone`` keeps other
    checks from running beside it.
    """

    rule: Rule
    name: str
    function: CheckFunction
    aspect: Aspect
    level: Level
    clock: Clock
    needs: tuple[str, ...]
    deadline: float
    alone: bool


class Saboteur(msgspec.Struct, frozen=True):
    """A subject that breaks a rule, and the words that the verdict must have."""

    rule: str
    name: str
    subject: Subject
    says: str


CHECKS: dict[str, list[Check]] = {}
"""Rule id to its checks."""

SABOTEURS: dict[str, list[Saboteur]] = {}
"""Rule id to its saboteurs."""


def check(
    id: str,
    *,
    needs: tuple[str, ...] = (),
    aspect: Aspect = "data",
    level: Level | None = None,
    clock: Clock = "virtual",
    deadline: float = 20.0,
    alone: bool | None = None,
) -> Callable[[CheckFunction], CheckFunction]:
    """Register a check for a rule. ``needs`` names capabilities of the subject without which it is skipped."""
    found = rule.get(id)
    assert all(need in DECLARE for need in needs)
    wanted = (*(("connect",) if found.mode == "w" else ()), *needs)

    def register(function: CheckFunction) -> CheckFunction:
        made = Check(
            rule=found,
            name=getattr(function, "__name__", id),
            function=function,
            aspect=aspect,
            level=found.level if level is None else level,
            clock=clock,
            needs=wanted,
            deadline=deadline,
            alone=found.kind == "S" if alone is None else alone,
        )
        CHECKS.setdefault(id, []).append(made)
        return function

    return register


def sabotage(id: str, says: str, subject: Subject) -> Saboteur:
    """Register a subject that breaks a rule; the verdict on it must contain ``says``."""
    rule.get(id)
    made = Saboteur(id, subject.name, subject, says)
    SABOTEURS.setdefault(id, []).append(made)
    return made


def load_checks() -> dict[str, list[Check]]:
    """All checks."""
    from bourn.contract import checks

    _load(checks)
    return CHECKS


def load_saboteurs() -> dict[str, list[Saboteur]]:
    """All saboteurs."""
    from bourn.contract import saboteurs

    _load(saboteurs)
    return SABOTEURS


def _load(package: ModuleType) -> None:
    path: Any = package.__path__
    for module in pkgutil.iter_modules(path):
        import_module(f"{package.__name__}.{module.name}")
