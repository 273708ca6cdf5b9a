"""A check is performed whatever happens in it, and whoever is to blame is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from bourn.contract import Subject
from bourn.contract.performing import perform
from bourn.contract.reference import reference
from bourn.contract.registry import Check, Clock
from bourn.contract.rule import get
from bourn.contract.stage import Stage
from bourn.contract.verdict import CheckResult, require, skip
from bourn.mock import ops


async def numbers() -> AsyncGenerator[int, None]:
    yield 1


def performed(
    function: Callable[[Stage], Awaitable[Any]], subject: Subject | None = None, clock: Clock = "virtual", **kw: Any
) -> CheckResult:
    """The result of a check made of a function."""
    check = Check(get("1.2"), "made up", function, "data", "MUST", clock, (), 20.0, alone=False)
    return perform(check, subject or Subject(name="n", factory=numbers), **kw)


def test_pass_fail_skip_and_notes() -> None:
    """A check that returns passes; one that requires or skips says so; notes are kept."""

    async def passes(stage: Stage) -> None:
        stage.inform("by the way")

    async def fails(stage: Stage) -> None:
        require(1 > 2, "it was not")

    async def skips(stage: Stage) -> None:
        skip("no reason")

    result = performed(passes)
    assert (result.verdict, result.message, result.notes) == ("PASS", "", ["by the way"])
    assert (performed(fails).verdict, performed(fails).message) == ("FAIL", "it was not")
    assert (performed(skips).verdict, performed(skips).message) == ("SKIP", "no reason")


def test_a_bug_of_the_kit_is_an_error() -> None:
    """What a check raises by itself is not the subject's fault, and has its traceback."""

    async def bug(stage: Stage) -> None:
        raise KeyError("x")

    async def other_bug(stage: Stage) -> None:
        raise RuntimeError("x")

    result = performed(bug)
    assert (result.verdict, result.message) == ("ERROR", "the check itself failed: KeyError: 'x'")
    assert "in bug" in result.evidence.traceback
    assert performed(other_bug).verdict == "ERROR"


def test_a_script_that_fails_is_an_error() -> None:
    """What the check's own server script raises is the kit's fault too."""

    async def bad_script(stage: Stage) -> None:
        def handler(request: Any) -> Any:
            raise LookupError("no script")

        await (await stage.open(handler)).read()

    result = performed(bad_script, reference())
    assert (result.verdict, result.message) == ("ERROR", "the check itself failed: LookupError: no script")


def test_a_check_that_never_ends_fails() -> None:
    """When nothing moves any more the check is over."""

    async def waits(stage: Stage) -> None:
        await stage.loop.create_future()

    assert performed(waits).message == "nothing moved any more: the reader was still waiting after 3600 s"


def test_what_comes_after_the_loop_is_judged() -> None:
    """A check may return a function that sees what came while the loop was closed."""

    async def later(stage: Stage) -> Any:
        async def ghost() -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                raise ValueError("boo")

        stage.kept = asyncio.ensure_future(ghost())  # type: ignore[attr-defined]
        await asyncio.sleep(0)

        def judge() -> None:
            seen = [str(each) for each in stage.disturbances.of("loop")]
            require(not seen, f"heard {seen}")

        return judge

    result = performed(later)
    assert result.verdict == "FAIL"
    assert "ValueError: boo" in result.message
    assert any("boo" in each for each in result.evidence.disturbances)


def test_real_time_where_it_is_asked_for() -> None:
    """A subject whose waits are not the loop's is not given virtual time."""
    clocks = []

    async def looks(stage: Stage) -> None:
        clocks.append((stage.clock, stage.patience))
        stage.needs_virtual_time()

    strange = Subject(name="n", factory=numbers, virtual_time=False)
    assert performed(looks).verdict == "PASS"
    assert performed(looks, strange).message.startswith("its waits do not go through the event loop's clock")
    assert performed(looks, clock="real").verdict == "SKIP"
    assert clocks == [("virtual", 60.0), ("real", 5.0), ("real", 5.0)]


def test_the_seed_decides_the_dice() -> None:
    """Equal seeds throw equal dice and give equal bytes."""
    thrown = []

    async def throws(stage: Stage) -> None:
        item = (await (await stage.open()).read()).items[0]
        thrown.append((stage.dice.random(), item.id))

    for seed in (1, 1, 2):
        performed(throws, reference(), seed=seed)
    assert thrown[0] == thrown[1] != thrown[2]


def test_the_evidence_has_what_happened() -> None:
    """Scenario, trace on both sides and journal are kept with a verdict."""

    async def reads(stage: Stage) -> None:
        place = await stage.serve([ops.Note("hello"), ops.Reset()])
        await (await place.open()).read()
        stage.evidence.figures["answer"] = 42
        require(None, "no")

    evidence = performed(reads, reference()).evidence
    assert evidence.scenario.startswith("[Note(text='hello')")
    assert evidence.figures == {"answer": 42}
    assert [line.what for line in evidence.trace if line.who == "server"] == [
        *("got POST /v1/chat/completions", "Note(text='hello')", "Reset()") * 3  # the reference tries again, twice
    ]
    assert evidence.trace[-1].data.startswith("ConnectionLostError")
    assert evidence.journals[0]["connections"][0]["exchanges"][0]["notes"] == ["hello"]


def test_what_was_left_open_is_closed() -> None:
    """Streams, clients and servers that a check leaves behind are closed, and nobody complains."""

    async def leaves(stage: Stage) -> None:
        guest = await stage.open()
        await guest.read(2)

    result = performed(leaves, reference())
    assert result.verdict == "PASS"
    assert result.evidence.disturbances == []
