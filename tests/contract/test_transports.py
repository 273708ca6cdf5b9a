"""Our own stream keeps the contract over every transport, as far as its rules can be put to that transport."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bourn import contract, dialects
from bourn.contract import RULES, Subject
from bourn.contract.subject import DECLARE

from .transports import over_local, over_memory, over_the_mock

BY_FACTORY = [id for id, rule in RULES.items() if rule.mode == "f"]
"""Rules that need no server. The others speak of connections, and there is none in memory."""

SPOKEN = ("openai-chat", "openai-responses", "anthropic")
"""What llama.cpp's server speaks."""

NOT_LOCAL = {"3.3": DECLARE["pool_size"], "3.4": DECLARE["keeps_alive"]}
"""Rule to the reason for which it is skipped: llama.cpp's server closes each connection, so there is no pool."""


@pytest.mark.parametrize("dialect", dialects.DIALECTS)
@pytest.mark.parametrize("make", [over_memory, over_the_mock])
def test_without_a_socket_it_keeps_the_rules_of_any_stream(make: Callable[[str], Subject], dialect: str) -> None:
    """All of them pass, and none is skipped."""
    report = contract.run(make(dialect), rules=BY_FACTORY)
    assert [(each.rule.id, each.verdict, each.message) for each in report.results if each.verdict != "PASS"] == []


@pytest.mark.parametrize("dialect", SPOKEN)
def test_over_the_local_transport_it_keeps_every_rule(dialect: str) -> None:
    """Each passes, or is skipped for a reason that is written down here."""
    report = contract.run(over_local(dialect))
    told = {each.rule.id: (each.verdict, each.message) for each in report.results if each.verdict != "PASS"}
    assert told == {id: ("SKIP", reason) for id, reason in NOT_LOCAL.items()}
