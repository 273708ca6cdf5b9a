"""What is made of streams keeps every rule of the contract that its streams keep."""

from __future__ import annotations

import pytest

from bourn import contract
from bourn.contract import registry

from .steered import SUBJECTS

NOT_THEIRS: dict[str, str] = {"3.3": "the pool is the client's, and is judged with two connections in test_ourselves.py"}
"""Rule to the reason for which it is skipped for what is made of streams."""


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("id", registry.load_checks())
def test_what_is_made_of_streams_keeps_the_rule(id: str, name: str) -> None:
    """MUST and SHOULD alike: the rule passes, with no check skipped but for a reason that is written down here."""
    result = contract.run(SUBJECTS[name](), rules=[id])[id]
    told = [(check.name, check.verdict, check.message) for check in result.checks]
    if id in NOT_THEIRS:
        assert result.verdict == "SKIP", told
    else:
        assert {check.verdict for check in result.checks} == {"PASS"}, told
