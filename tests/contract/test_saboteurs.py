"""Every rule fails on its saboteurs with the right words, and passes on the reference stream."""

from __future__ import annotations

import pytest

from bourn.contract import registry
from bourn.contract.proving import require_failure, require_pass, unchecked, unsabotaged
from bourn.contract.reference import reference
from bourn.contract.registry import Saboteur

SABOTEURS = [each for found in registry.load_saboteurs().values() for each in found]


@pytest.mark.parametrize("saboteur", [pytest.param(each, id=f"{each.rule}-{each.name}") for each in SABOTEURS])
def test_the_rule_alone_catches_its_saboteur(saboteur: Saboteur) -> None:
    """A rule fails on its saboteur and says why, without the help of any other rule."""
    require_failure(saboteur.rule, saboteur.subject, saboteur.says)


@pytest.mark.parametrize("id", registry.load_checks())
def test_the_reference_passes(id: str) -> None:
    """The reference stream keeps every rule, and is skipped by none."""
    require_pass(id, reference())


def test_every_checked_rule_has_a_saboteur() -> None:
    """No check is without a stream that it catches."""
    assert [id for id in unsabotaged() if id not in unchecked()] == []
