"""Verdicts: what a check may find, how it says so, and the evidence that goes with it.

A check returns (PASS), or calls :func:`require` (FAIL), :func:`skip` (SKIP) or ``stage.inform`` (noted, never failed). Anything
else that leaves a check is a bug of the kit (ERROR). House rule: a verdict is one sentence that can be understood alone.
"""

from __future__ import annotations

from typing import Any, Literal, NoReturn

import msgspec

from bourn.contract.rule import Level

Verdict = Literal["PASS", "FAIL", "SKIP", "INFO", "ERROR"]
Aspect = Literal["data", "clean-up"]
"""What a check looks at: what was said to the reader, or what was left behind."""

GRAVITY: dict[Verdict, int] = {"SKIP": 0, "INFO": 1, "PASS": 2, "FAIL": 3, "ERROR": 4}
"""Which verdict stands for several: the gravest."""


class Failed(Exception):
    """The subject breaks the rule."""


class Skipped(Exception):
    """The rule cannot be checked for this subject."""


def require(condition: object, message: str) -> None:
    """The subject keeps the rule only if ``condition`` is true. ``message`` says what it did instead, in the past tense."""
    if not condition:
        raise Failed(message)


def skip(reason: str) -> NoReturn:
    """The rule cannot be checked for this subject, and this is why."""
    raise Skipped(reason)


class Line(msgspec.Struct, frozen=True):
    """One line of the trace: at so many seconds of the check's clock, ``who`` (server, reader, check) did ``what``."""

    at: float
    who: str
    what: str
    data: str = ""


class Evidence(msgspec.Struct):
    """What happened in a check, kept for its reader. ``figures`` hold measured numbers, and series of them for pictures."""

    seed: int = 0
    scenario: str = ""
    suspension: str = ""
    trace: list[Line] = []
    journals: list[dict[str, Any]] = []
    disturbances: list[str] = []
    output: str = ""
    traceback: str = ""
    figures: dict[str, Any] = {}


class CheckResult(msgspec.Struct):
    """What one check found. ``message`` is the sentence for FAIL, SKIP and ERROR; ``notes`` were informed."""

    name: str
    aspect: Aspect
    level: Level
    verdict: Verdict
    message: str = ""
    notes: list[str] = []
    seconds: float = 0.0
    evidence: Evidence = msgspec.field(default_factory=Evidence)


def gravest(verdicts: list[Verdict]) -> Verdict | None:
    """The verdict that stands for several; none for none."""
    return max(verdicts, key=GRAVITY.__getitem__, default=None)
