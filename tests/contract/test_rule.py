"""The table of rules is the contract: ids, order and selection."""

from __future__ import annotations

import pytest

from bourn.contract.rule import RULES, SECTIONS, get, select
from bourn.errors import InputError

EXTENDED = ["1.5", "1.8", "2.8", "3.2", "3.4", "4.5", "6.3", "10.4", "11.5"]


def test_there_are_fifty_four_in_order() -> None:
    """The table has every rule once, section after section."""
    assert len(RULES) == 54
    orders = [rule.order for rule in RULES.values()]
    assert orders == sorted(set(orders))
    assert {rule.section for rule in RULES.values()} == set(SECTIONS)


def test_every_rule_says_what_why_and_how() -> None:
    """A rule has a requirement that is one sentence, a reason, and a way in which it is broken."""
    for rule in RULES.values():
        assert rule.requirement.endswith("."), rule.id
        assert ". " not in rule.requirement.replace("vs. ", ""), rule.id
        assert rule.reason, rule.id
        assert rule.bad, rule.id


def test_the_extended_ones() -> None:
    """Nine rules are outside the core."""
    assert [rule.id for rule in RULES.values() if rule.extended] == EXTENDED
    assert len(select("core")) == 54 - len(EXTENDED)


def test_selection() -> None:
    """Ids, sections and lists of them name rules, in the order of the table."""
    assert [rule.id for rule in select(None)] == list(RULES)
    assert [rule.id for rule in select("4.3")] == ["4.3"]
    assert [rule.id for rule in select(["5", "1.2"])] == ["1.2", "5.1", "5.2"]


@pytest.mark.parametrize("wrong", ["0.1", "13", "4.99", "x", ""])
def test_a_rule_that_does_not_exist(wrong: str) -> None:
    """A wrong id is refused."""
    with pytest.raises(InputError, match="there is no rule"):
        select(wrong)
    with pytest.raises(InputError, match="there is no rule"):
        get(wrong)
