"""Whatever a subject does wrong, each door gives a verdict or one sentence, soon, and nothing of it is left behind."""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import json
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from bourn import contract
from bourn.contract import Subject, html, junit, runner
from bourn.contract.isolation import POSSIBLE
from bourn.contract.reference import partial, reference
from bourn.contract.rehearsal import REHEARSAL
from bourn.errors import InputError
from bourn.events import TextDelta

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="this system cannot fork")


def beast(misdeed: Callable[[], Any]) -> Callable[[], AsyncIterator[str]]:
    """A stream that does something after its first item."""

    async def stream() -> AsyncIterator[str]:
        yield "one"
        done = misdeed()
        if asyncio.iscoroutine(done):
            await done
        yield "two"

    return stream


async def hangs() -> None:
    await asyncio.get_running_loop().create_future()


async def is_deaf() -> None:
    while True:
        with suppress(asyncio.CancelledError):  # that is what it does wrong
            await asyncio.sleep(1000)


async def stops() -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(1)


def takes_memory() -> None:
    held = []
    while True:
        held.append(bytearray(64 * 1024 * 1024))


def writes_without_end() -> None:
    while True:
        os.write(1, b"x" * 1024 * 1024)


def comes_back_twice() -> None:
    os.fork()


def calls_off_the_watchdog() -> None:
    faulthandler.cancel_dump_traceback_later()
    time.sleep(1000)


def raises(error: BaseException) -> Callable[[], None]:
    def misdeed() -> None:
        raise error

    return misdeed


async def raises_in_a_task() -> None:
    async def ghost() -> None:
        raise KeyboardInterrupt

    asyncio.get_running_loop().create_task(ghost())
    await asyncio.sleep(1)


class Unspeakable:
    """It cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("do not look")


async def gives_the_unspeakable() -> AsyncIterator[Any]:
    yield Unspeakable()
    raise ValueError(Unspeakable())


ZOO: dict[str, tuple[Callable[[], Any], str]] = {
    "hangs": (beast(hangs), "waiting for item 2 was not over within 60 s"),
    "swallows cancellations": (beast(is_deaf), "nothing moved any more"),
    "blocks": (beast(lambda: time.sleep(1000)), "it blocked the event loop and never came back: after 3 s it stood at File"),
    "calls off the watchdog": (beast(calls_off_the_watchdog), "it blocked the event loop"),
    "stops the loop": (
        beast(lambda: asyncio.get_running_loop().stop() or asyncio.sleep(1)),
        "the stream stopped the event loop",
    ),
    "closes the loop": (beast(lambda: asyncio.get_running_loop().close()), "Cannot close a running event loop"),
    "cancels its reader": (beast(lambda: asyncio.current_task().cancel()), "the stream cancelled the task"),  # type: ignore[union-attr]
    "leaves at once": (beast(lambda: os._exit(0)), "it ended the process with exit status 0"),
    "crashes": (beast(lambda: ctypes.string_at(0)), "it killed the process with SIGSEGV"),
    "is killed": (beast(lambda: os.kill(os.getpid(), signal.SIGKILL)), "it killed the process with SIGKILL"),
    "exits": (beast(sys.exit), "SystemExit"),
    "interrupts": (beast(raises(KeyboardInterrupt())), "KeyboardInterrupt"),
    "interrupts in a task": (beast(raises_in_a_task), "KeyboardInterrupt"),
    "raises GeneratorExit": (beast(raises(GeneratorExit())), "GeneratorExit"),
    "raises a base exception": (beast(raises(BaseException("base"))), "BaseException: base"),
    "takes all descriptors": (beast(lambda: os.closerange(3, 1000)), ""),
    "takes all memory": (beast(takes_memory), "emory"),
    "writes without end": (beast(writes_without_end), "File too large"),
    "cannot be shown": (gives_the_unspeakable, ""),
    "comes back twice": (beast(comes_back_twice), "PASS"),
    "prints megabytes": (beast(lambda: os.write(1, b"x" * 30_000_000) and None), "PASS"),
    "starts threads": (beast(lambda: threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()), "PASS"),
    "starts children": (beast(lambda: subprocess.Popen(["sleep", "1000"]) and None), "PASS"),  # noqa: S607
}
"""A kind of subject, and what rule 1.2 says of it: words of its sentence, or the verdict."""


@pytest.mark.parametrize("kind", ZOO)
def test_a_bad_subject_gets_a_verdict(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sentence says what it did; nobody blames the kit, and it takes seconds, not minutes."""
    monkeypatch.setattr(runner, "REHEARSAL", replace(REHEARSAL, deadline=5.0))  # less patience: it is all they do
    factory, says = ZOO[kind]
    began = time.perf_counter()
    report = contract.run(Subject(name=kind, factory=factory), rules=["1.2"])
    assert time.perf_counter() - began < 50
    result = report["1.2"]
    assert result.verdict in ({says} if says == "PASS" else {"FAIL"}), result.message
    assert says in ("PASS", "") or says in result.message
    assert len(report.to_json()) < 1_000_000
    assert junit.xml(report)
    assert html.page(report)


def test_what_it_started_goes_with_it(tmp_path: Path) -> None:
    """A child of the subject's is ended with the check that it was started in."""
    file = tmp_path / "pid"

    def starts() -> None:
        with file.open("a") as out:
            out.write(f"{subprocess.Popen(['sleep', '1000']).pid}\n")  # noqa: S607

    contract.run(Subject(name="starts", factory=beast(starts)), rules=["1.2"])
    pids = [int(line) for line in file.read_text().split()]
    assert pids
    for pid in pids:
        with suppress(ProcessLookupError):
            ended = os.pidfd_open(pid)
            assert select.select([ended], [], [], 10)[0], "it lives on"
            os.close(ended)


def _number(event: Any) -> Any:
    return 1 if isinstance(event, TextDelta) else None


LIARS: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "text gives a number": (
        {"text": lambda event: 1 if isinstance(event, TextDelta) else None},
        ["1.6", "5.1"],
        "a str or None is needed",
    ),
    "partial gives a dict": ({"partial": lambda stream: {"text": ""}}, ["9.2"], "a contract.Partial is needed"),
    "terminal is never": ({"terminal": lambda event: False}, ["1.8"], ""),
    "terminal is always": ({"terminal": lambda event: True}, ["1.8"], ""),
    "claims cancel safety": ({"cancel_safe": True}, ["4.4"], ""),
    "claims small memory": ({"max_held_bytes": 1}, ["6.1"], ""),
}
"""What is wrongly declared, the rules that look at it, and words of the sentence, where the description itself is wrong."""


@pytest.mark.parametrize("kind", LIARS)
def test_a_lie_is_the_subjects_fault(kind: str) -> None:
    """What it declares and does not keep is a failure or one sentence, never a bug of the kit."""
    declared, rules, says = LIARS[kind]
    subject = reference(kind, **declared)
    if says:
        with pytest.raises(InputError, match=says):
            contract.run(subject, rules=rules)
        return
    assert {result.verdict for result in contract.run(subject, rules=rules).results} <= {"PASS", "FAIL", "SKIP"}


def test_a_reader_that_fails_later_is_the_subjects_fault() -> None:
    """It reads the usual answer well, and not what comes in a check."""

    def later(stream: Any) -> Any:
        return partial(stream) if stream.response.complete else stream.no_such_thing

    result = contract.run(reference("later", partial=later), rules="9.2")["9.2"]
    assert result.verdict == "FAIL"
    assert "its partial= could not read" in result.message
    assert "AttributeError" in result.message


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ({"errors": ValueError}, "errors=<class 'ValueError'>: a tuple of exception types is needed"),
        ({"closed_errors": ("x",)}, "a tuple of exception types is needed"),
        ({"idle": -1}, "idle=-1: a number above 0 is needed"),
        ({"retries": 1.5}, "a whole number is needed"),
        ({"invalid_utf8": "maybe"}, '"replace" or "error" is needed'),
        ({"text": "text"}, "text='text': something that can be called is needed"),
    ],
)
def test_a_wrong_declaration_is_one_sentence(declared: dict[str, Any], says: str) -> None:
    """It names the field, and what it may be."""
    with pytest.raises(InputError, match=says):
        reference("wrong", **declared)


async def items() -> AsyncIterator[int]:
    yield 1


NO_KEYS: dict[str, str] = {}

FACTORIES: dict[str, tuple[Any, str]] = {
    "nothing": (lambda: None, "gave 'NoneType', which is no stream"),
    "a sync iterator": (lambda: iter([1]), "gave 'list_iterator', which is no stream"),
    "a string": (lambda: "x", "gave 'str', which is no stream"),
    "a class": (lambda: items, "gave 'function', which is no stream"),
    "an awaitable of nothing": (lambda: asyncio.sleep(0), "gave 'NoneType', which is no stream"),
    "wants more": (lambda one, two: items(), "called with nothing, gave no stream, but raised TypeError"),
    "raises": (lambda: NO_KEYS["API_KEY"], "called with nothing, gave no stream, but raised KeyError: 'API_KEY'"),
    "exits": (sys.exit, "called with nothing, gave no stream, but raised SystemExit"),
}


@pytest.mark.parametrize("kind", FACTORIES)
def test_a_wrong_factory_is_one_sentence(kind: str) -> None:
    """Of whatever kind it is."""
    factory, says = FACTORIES[kind]
    with pytest.raises(InputError) as caught:
        contract.run(Subject(name="wrong", factory=factory), rules=["1.2"])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


BEASTS = """
    import os, time
    from bourn import contract

    async def blocks():
        yield "one"
        time.sleep(1000)

    async def dies():
        yield "one"
        os._exit(0)

    def subject_dies():
        return contract.Subject(name="<script>dies</script>", factory=dies)

    class TestBlocks(contract.Suite):
        subject = contract.Subject(name="blocks", factory=blocks)

    def test_dies(contract_rule):
        contract_rule(subject_dies())
"""


def test_every_door_gives_the_verdict(tmp_path: Path) -> None:
    """The command line with all its reports, and pytest as a class and as a fixture: each says it, and ends."""
    (tmp_path / "test_beasts.py").write_text(textwrap.dedent(BEASTS))
    options = ["--rules", "1.2", "--json", "--junit", "c.xml", "--html", "c.html", "-q"]
    verify = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "bourn", "verify", "test_beasts:subject_dies", *options],
        cwd=tmp_path, capture_output=True, check=False, timeout=100,
    )  # fmt: skip
    assert verify.returncode == 8, verify.stderr
    said = "it ended the process with exit status 0"
    assert json.loads(verify.stdout)["results"][0]["message"] == said
    case = ET.parse(tmp_path / "c.xml").getroot().find(".//failure")  # noqa: S314  # our own file
    assert case is not None
    assert case.get("message") == said
    assert said in (tmp_path / "c.html").read_text("utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-k", "1.2 and not 11.2 and not 12"]
    tests = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=200, text=True)  # noqa: S603
    assert tests.returncode == 1
    assert "2 failed" in tests.stdout, tests.stdout
    assert said in tests.stdout
    assert "it blocked the event loop and never came back" in tests.stdout
