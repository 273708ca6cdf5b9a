"""Whatever a subject does to its process, its verdict comes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from bourn.contract import Subject, registry
from bourn.contract.isolation import POSSIBLE, perform_apart
from bourn.contract.registry import Check
from bourn.contract.subject import DECLARE
from bourn.contract.verdict import CheckResult

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="this system cannot fork")


def subject(misdeed: Callable[[], Any]) -> Subject:
    """A stream that does something after its first item."""

    async def stream() -> AsyncIterator[str]:
        yield "one"
        misdeed()
        yield "two"

    return Subject(name=misdeed.__name__, factory=stream)


def judged(misdeed: Callable[[], Any], seconds: float = 5.0) -> CheckResult:
    """What rule 1.3 says of such a stream, in a process of its own."""
    check: Check = registry.load_checks()["1.3"][0]
    return asyncio.run(perform_apart(check, subject(misdeed), 0, seconds))


def test_a_blocked_loop_is_a_verdict_that_says_where() -> None:
    """A subject that never comes back fails when its time is over, and the line at which it stood is named."""

    def sleeps() -> None:
        time.sleep(1000)

    result = judged(sleeps, 0.5)
    assert result.verdict == "FAIL"
    assert "it blocked the event loop and never came back: after 0.5 s it stood at File" in result.message
    assert "test_isolation.py" in result.message
    assert "in sleeps" in result.message


def test_a_killed_process_is_a_verdict() -> None:
    """A subject that dies of a signal fails, and the signal is named."""

    def dies() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    assert judged(dies).message == "it killed the process with SIGKILL"


def test_a_process_that_exits_is_a_verdict() -> None:
    """A subject that leaves the process at once fails, and the status is named."""

    def leaves() -> None:
        os._exit(7)

    assert judged(leaves).message == "it ended the process with exit status 7"


def test_a_stopped_loop_is_a_verdict() -> None:
    """A subject that stops the event loop fails."""

    def stops() -> None:
        asyncio.get_running_loop().stop()

    assert judged(stops).message == "the stream stopped the event loop"


def test_a_cancelled_reader_is_a_verdict() -> None:
    """A subject that cancels the task that reads it fails, whatever that task is in."""

    def cancels() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    result = judged(cancels)
    assert result.verdict == "FAIL"
    assert result.message == "the stream cancelled the task that read it"


def test_exit_is_an_exception_like_others() -> None:
    """``sys.exit`` in a subject is an outcome of the read, and so the verdict is the rule's own."""
    result = judged(sys.exit)
    assert result.verdict == "SKIP"


def test_a_check_that_needs_more_than_is_declared_is_skipped() -> None:
    """A rule that cannot be judged is skipped in a process of its own as it is in this one, with the same reason."""
    check: Check = registry.load_checks()["1.7"][0]
    result = asyncio.run(perform_apart(check, subject(int), 0))
    assert (result.verdict, result.message) == ("SKIP", DECLARE["connect"])


def test_what_it_prints_is_kept_and_disturbs_nothing() -> None:
    """Output of the subject, of C code too, is evidence and not output of the kit."""

    def prints() -> None:
        print("hello")  # noqa: T201
        os.write(2, b"from below\n")

    result = judged(prints)
    assert result.verdict == "PASS"
    assert "hello" in result.evidence.output
    assert "from below" in result.evidence.output


def test_a_grandchild_that_lives_on_holds_nobody_up() -> None:
    """A process that the subject started, and that keeps the kit's pipe open, does not keep the kit waiting."""

    def forks() -> None:
        if os.fork() == 0:
            time.sleep(3)
            os._exit(0)

    began = time.perf_counter()
    result = judged(forks)
    assert result.verdict == "PASS"
    assert time.perf_counter() - began < 2


def test_a_loop_that_cannot_be_closed_is_a_verdict() -> None:
    """A task that blocks while the loop is being closed fails a check that had passed."""

    def haunts() -> None:
        async def ghost() -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                time.sleep(1000)  # noqa: ASYNC251  # that is what it does wrong

        haunts.task = asyncio.create_task(ghost())  # type: ignore[attr-defined]

    result = judged(haunts, 1.0)
    assert result.verdict == "FAIL"
    assert "while its event loop was being closed" in result.message


def test_a_busy_machine_gets_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more processes are ready than there are processors, a check's own deadline is so many times longer."""
    check = msgspec.structs.replace(registry.load_checks()["1.3"][0], deadline=0.3)

    def dawdles() -> None:
        time.sleep(0.6)

    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    assert "it blocked the event loop" in asyncio.run(perform_apart(check, subject(dawdles), 0)).message
    monkeypatch.setattr(os, "getloadavg", lambda: (100.0 * (os.cpu_count() or 1), 0.0, 0.0))
    assert asyncio.run(perform_apart(check, subject(dawdles), 0)).verdict == "PASS"
