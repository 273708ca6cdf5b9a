"""Rules of time judge what a subject declares, and nothing that it does not."""

from __future__ import annotations

from typing import Any

from bourn.contract import Subject
from bourn.contract.proving import judge, require_pass, require_skip
from bourn.contract.reference import ReferenceClient, reference


def test_without_limits_there_is_nothing_to_wait_for() -> None:
    """A subject that declares no limits is skipped, check by check, with the reason."""
    unlimited = reference(idle=None, byte_idle=None, total=None)
    assert [each.message for each in judge("12.1", unlimited)] == [
        "it declares neither an idle= nor a byte_idle= limit",
        "it declares no total= limit",
    ]
    require_skip("12.2", reference(byte_idle=None), "it declares no byte_idle= limit")


def test_a_limit_that_never_comes_to_bear() -> None:
    """Where the limit on silence is above that on progress, the two cannot be told apart."""
    require_skip("12.2", reference(byte_idle=60.0), "its byte_idle= of 60 s is not below its idle= of 40 s")


def test_time_that_is_real_is_not_judged() -> None:
    """Limits of a stream that does not wait by the loop's clock are skipped."""
    require_skip("12.1", reference(virtual_time=False), "its waits do not go through the event loop's clock")
    require_skip("12.2", reference(virtual_time=False), "its waits do not go through the event loop's clock")


def limited(**limits: float) -> Subject:
    """A subject that has these limits and declares them, and no others."""
    declared: dict[str, Any] = {"idle": None, "byte_idle": None, "total": None, **limits}
    made: Any = limits
    return reference("limited", client=lambda url, *_, **__: ReferenceClient(url, **made), **declared)


def test_other_limits_are_judged_as_well() -> None:
    """The rules hold for short limits, and for a total below the idle limit."""
    for rule in ("12.1", "12.2"):
        require_pass(rule, limited(idle=4, byte_idle=1, total=9))
    require_pass("12.1", limited(idle=60, byte_idle=40, total=30))
    require_skip("12.2", limited(idle=60, byte_idle=40, total=30), "its idle= of 60 s is not below its total= of 30 s")


def test_one_limit_alone_is_judged() -> None:
    """A stream that has only a limit on progress, or only a total, is judged by it."""
    assert [each.verdict for each in judge("12.1", limited(idle=40))] == ["PASS", "SKIP"]
    assert [each.verdict for each in judge("12.1", limited(total=40))] == ["SKIP", "PASS"]
