"""Every rule fails on its saboteurs with the right words, and passes on the reference stream."""

from __future__ import annotations

import pytest

from bourn.contract import registry
from bourn.contract.proving import require_failure, require_pass, unchecked, unsabotaged
from bourn.contract.reference import reference
from bourn.contract.registry import Saboteur
from bourn.contract.rule import RULES

SABOTEURS = [each for found in registry.load_saboteurs().values() for each in found]


@pytest.mark.parametrize("saboteur", [pytest.param(each, id=f"{each.rule}-{each.name}") for each in SABOTEURS])
def test_the_rule_alone_catches_its_saboteur(saboteur: Saboteur) -> None:
    """A rule fails on its saboteur and says why, without the help of any other rule."""
    require_failure(saboteur.rule, saboteur.subject, saboteur.says)


@pytest.mark.parametrize("id", registry.load_checks())
def test_the_reference_passes(id: str) -> None:
    """The reference stream keeps every rule, and is skipped by none."""
    require_pass(id, reference())


UNWRITTEN = {3, 4}
"""Sections whose checks are still being written: take yours off when it is whole. It must be empty in the end."""


def test_every_rule_has_a_check_and_a_saboteur() -> None:
    """No rule is words alone, and no check is without a stream that it catches."""
    assert [id for id in unchecked() if RULES[id].section not in UNWRITTEN] == []
    assert [id for id in unsabotaged() if RULES[id].section not in UNWRITTEN] == []


def test_every_saboteur_breaks_a_rule_that_is_checked() -> None:
    """A saboteur without a check would prove nothing."""
    assert {each.rule for each in SABOTEURS} <= set(registry.load_checks())
