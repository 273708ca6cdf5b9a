"""Performs one check on one subject, in an event loop of its own, and gives its result whatever the subject does.

What cannot be helped from inside (a loop that is blocked for ever, a process that dies) is ``isolation``'s business.

House rule: the kit never waits for the subject without a limit, and whoever is to blame, the subject or the kit, is named.
"""

from __future__ import annotations

import asyncio
import gc
import time
import traceback
from collections.abc import Callable
from typing import Any

from bourn.contract.registry import Check, Clock
from bourn.contract.stage import Stage
from bourn.contract.subject import DECLARE, Subject
from bourn.contract.verdict import CheckResult, Failed, Skipped
from bourn.testing.disturbances import Disturbances
from bourn.testing.patience import PatientLoop

LIMIT: dict[Clock, float] = {"virtual": 3600.0, "real": 60.0}
"""Seconds of the loop's clock for a whole check."""

_LEAVING = 5.0
"""Seconds for what was left in the loop to end once it is cancelled."""

Tell = Callable[[CheckResult], None]


def perform(check: Check, subject: Subject, seed: int = 0, tell: Tell | None = None) -> CheckResult:
    """Run a check. ``tell`` hears what was found before the loop is closed, lest closing it never ends."""
    missing = next((need for need in check.needs if subject.lacks(need)), None)
    if missing is not None:
        skipped = CheckResult(check.name, check.aspect, check.level, "SKIP", DECLARE[missing])
        if tell is not None:
            tell(skipped)
        return skipped
    began = time.perf_counter()
    result = CheckResult(check.name, check.aspect, check.level, "ERROR")
    clock: Clock = check.clock if subject.virtual_time else "real"
    with Disturbances() as disturbances:
        loop = PatientLoop() if clock == "virtual" else asyncio.SelectorEventLoop()
        disturbances.watch(loop)
        try:
            afterwards = _run(loop, check, subject, seed, clock, disturbances, result)
            result.seconds = time.perf_counter() - began
            if tell is not None:
                tell(result)
            _leave(loop)
        finally:
            loop.close()
            gc.collect()
        if afterwards is not None:
            _judge(afterwards, result)
        result.evidence.disturbances = [str(each) for each in disturbances.seen]
    result.seconds = time.perf_counter() - began
    return result


def _run(
    loop: asyncio.AbstractEventLoop,
    check: Check,
    subject: Subject,
    seed: int,
    clock: Clock,
    disturbances: Disturbances,
    result: CheckResult,
) -> Callable[[], None] | None:
    """Run the check's coroutine; what it returned is called once the loop is closed."""
    stages: list[Stage] = []
    afterwards: list[Callable[[], None] | None] = []

    async def main() -> None:
        stage = Stage(subject, seed, clock, disturbances)
        stages.append(stage)
        try:
            afterwards.append(await _limited(check, stage, LIMIT[clock]))
        finally:
            await stage.aclose()

    _judge(lambda: loop.run_until_complete(main()), result)
    if stages:
        result.notes = stages[0].notes
        result.evidence = _merged(stages[0], result)
    return afterwards[0] if afterwards else None


def _merged(stage: Stage, result: CheckResult) -> Any:
    evidence = stage.seal()
    evidence.traceback = result.evidence.traceback
    return evidence


async def _limited(check: Check, stage: Stage, limit: float) -> Callable[[], None] | None:
    """The check in a task of its own; one that does not end, or is cancelled by the subject, has failed."""
    task = asyncio.ensure_future(check.function(stage))
    done, _ = await asyncio.wait({task}, timeout=limit)
    if not done:
        raise Failed(f"nothing moved any more: the reader was still waiting after {limit:g} s")
    if task.cancelled():
        raise Failed("the stream cancelled the task that read it")
    return task.result()


def _judge(call: Callable[[], Any], result: CheckResult) -> None:
    """Call a piece of the check and set the verdict by what comes out of it."""
    try:
        call()
    except Failed as failed:
        result.verdict, result.message = "FAIL", str(failed)
    except Skipped as skipped:
        result.verdict, result.message = "SKIP", str(skipped)
    except (SystemExit, asyncio.CancelledError) as error:
        result.verdict, result.message = "FAIL", f"the stream ended the event loop with {type(error).__name__}"
    except MemoryError:
        result.verdict, result.message = "FAIL", "the stream took all the memory that a check may have"
    except RuntimeError as error:
        stopped = str(error) == "Event loop stopped before Future completed."
        result.verdict, result.message = ("FAIL", "the stream stopped the event loop") if stopped else _bug(error)
        result.evidence.traceback = traceback.format_exc()
    except Exception as error:  # noqa: BLE001 -- a bug of the kit is a verdict too
        result.verdict, result.message = _bug(error)
        result.evidence.traceback = traceback.format_exc()
    else:
        if result.verdict == "ERROR":
            result.verdict = "PASS"


def _bug(error: BaseException) -> tuple[Any, str]:
    return "ERROR", f"the check itself failed: {type(error).__name__}: {error}"


def _leave(loop: asyncio.AbstractEventLoop) -> None:
    """End what is left in the loop, as ``asyncio.run`` does, but not for ever."""
    try:
        loop.run_until_complete(_end_all())
    except RuntimeError:
        return  # stopped once more, or closed by the subject


async def _end_all() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=_LEAVING)
    for task in left:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            context = {"message": "unhandled exception while the loop was closed", "exception": error, "task": task}
            asyncio.get_running_loop().call_exception_handler(context)
    closing = asyncio.ensure_future(asyncio.get_running_loop().shutdown_asyncgens())
    await asyncio.wait({closing}, timeout=_LEAVING)
