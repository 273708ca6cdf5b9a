"""Every rule fails on its saboteurs with the right words, and passes on the reference stream."""

from __future__ import annotations

import pytest

from bourn.contract import Subject, registry
from bourn.contract.proving import require_failure, require_pass, require_skip, unchecked, unsabotaged
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


def test_a_proof_that_fails_says_so() -> None:
    """A rule that catches nothing, other words, a pass and a skip that did not come."""
    good, bare = reference(), Subject(name="bare", connect=reference().connect, client=reference().client)
    with pytest.raises(AssertionError, match=r"1\.2 did not catch reference"):
        require_failure("1.2", good, "")
    saboteur = registry.load_saboteurs()["1.2"][0]
    with pytest.raises(AssertionError, match="does not say 'something else'"):
        require_failure("1.2", saboteur.subject, "something else")
    with pytest.raises(AssertionError, match="should be SKIP"):
        require_skip("1.2", good, "")
    require_skip("12.1", bare, "it declares no total= limit")
    with pytest.raises(AssertionError, match="does not say 'the moon'"):
        require_skip("12.1", bare, "the moon")
    with pytest.raises(AssertionError, match="should be PASS"):
        require_pass("1.2", saboteur.subject)


def test_every_rule_has_a_check_and_a_saboteur() -> None:
    """No rule is words alone, and no check is without a stream that it catches."""
    assert unchecked() == []
    assert unsabotaged() == []


def test_every_saboteur_breaks_a_rule_that_is_checked() -> None:
    """A saboteur without a check would prove nothing."""
    assert {each.rule for each in SABOTEURS} <= set(registry.load_checks())
