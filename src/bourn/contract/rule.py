"""A rule of the contract, and the table of all of them, read from ``rules.toml``.

House rule: an id never changes its meaning, and a rule that is dropped keeps its number. What is said about a rule anywhere
(the report, the document, the name of a test) comes from the table.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Literal

import msgspec

from bourn.errors import InputError

Level = Literal["MUST", "SHOULD"]
Mode = Literal["f", "w"]
Kind = Literal["D", "S"]

SECTIONS: dict[int, str] = {
    1: "Iterator protocol",
    2: "Closing",
    3: "Early exit and connections",
    4: "Cancellation",
    5: "Concurrency",
    6: "Flow",
    7: "Event loop",
    8: "Memory",
    9: "Errors and partial results",
    10: "Completion",
    11: "Framing",
    12: "Time",
}
"""Section to its title."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule.

    ``mode`` ``f`` needs only a stream, ``w`` one that is pointed at the kit's own server. ``kind`` ``D`` is deterministic,
    ``S`` statistical: judged by measured figures, with a tolerance. ``reason`` says why, with its source; ``bad`` how it is
    broken in practice. ``extended`` rules are outside the core.
    """

    id: str
    level: Level
    mode: Mode
    kind: Kind
    requirement: str
    reason: str
    bad: str
    extended: bool = False

    @property
    def section(self) -> int:
        """The number of its section."""
        return int(self.id.partition(".")[0])

    @property
    def order(self) -> tuple[int, int]:
        """Where it stands in the table: 2.10 comes after 2.9."""
        section, _, number = self.id.partition(".")
        return int(section), int(number)


def _read() -> dict[str, Rule]:
    data = resources.files("bourn.contract").joinpath("rules.toml").read_text("utf-8")
    return {rule.id: rule for rule in msgspec.convert(tomllib.loads(data)["rule"], list[Rule])}


RULES: dict[str, Rule] = _read()
"""Id to rule, in the order of the document."""


def get(id: str) -> Rule:
    """The rule with this id. Raises ``InputError`` for one that does not exist."""
    if id not in RULES:
        raise InputError(f"there is no rule {id!r}; rules are 1.1 to 12.2, see docs/contract.md")
    return RULES[id]


def select(wanted: str | list[str] | tuple[str, ...] | None) -> list[Rule]:
    """The rules that ids (``4.3``), sections (``4``) or ``core`` name; all of them for ``None``. Raises ``InputError``."""
    if wanted is None:
        return list(RULES.values())
    words = [wanted] if isinstance(wanted, str) else list(wanted)
    chosen = {rule.id for word in words for rule in _named(word)}
    return [rule for rule in RULES.values() if rule.id in chosen]


def _named(word: str) -> list[Rule]:
    if word == "core":
        return [rule for rule in RULES.values() if not rule.extended]
    if word.isdecimal() and int(word) in SECTIONS:
        return [rule for rule in RULES.values() if rule.section == int(word)]
    return [get(word)]
