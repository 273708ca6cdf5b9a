"""Signals, forks and the end of a program, in real child processes that are told from outside, on their own word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import bourn
from bourn.mock import ThreadedServer, faults, pause, text
from bourn.sync.thread import LoopThread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as POSIX has them")

BEGIN = """
import os, sys, threading
import bourn, bourn.sync, bourn.transport.http

def say(*words):
    print(*words, flush=True)

def ask():
    return bourn.sync.stream("openai/any", "hi", base_url=sys.argv[1], api_key="k")

def left():
    return [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
"""


@contextmanager
def child(code: str, server: ThreadedServer | None = None) -> Iterator[subprocess.Popen[str]]:
    """A Python that runs the code; it must end by itself, and say nothing on standard error."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-W", "error", "-c", BEGIN + code, server.base_url() if server else ""],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
        _, complaint = process.communicate(timeout=60)
        assert (complaint, process.returncode) == ("", 0)
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


HEADLESS = text("a").broken(faults.SlowHeaders(seconds=100_000))
SILENT = text("a").broken(faults.Stall(event=0))
STALLED = text("Hello") + pause(10_000) + text("never")

WAYS: dict[str, tuple[Any, str]] = {
    "waiting for the head": (HEADLESS, "with ask(): pass"),
    "waiting for the first event": (SILENT, "next(stream)"),
    "waiting in the middle": (STALLED, "for _ in stream: pass"),
    "waiting in text()": (STALLED, "for _ in stream.text(): pass"),
    "waiting in collect()": (STALLED, "stream.collect()"),
    "waiting in a client's stream": (STALLED, "for _ in own: pass"),
}


@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_interrupts_at_once_and_the_program_goes_on(way: str) -> None:
    """KeyboardInterrupt goes through, the connection is closed, the answer so far can be read, and the next call works."""
    script, does = WAYS[way]
    code = f"""
client = bourn.sync.Client(base_url=sys.argv[1], api_key="k")
stream, own = ask(), client.stream("openai/any", "hi")
say("go")
try:
    {does}
except KeyboardInterrupt:
    say("interrupted", repr((own if own.response.text else stream).response.text))
for each in (stream, own):
    try:
        each.close()
        next(each)
    except bourn.ClosedError:
        say("closed", each.is_closed())
client.close()
say(left())
say(bourn.sync.stream("openai/any", "hi", mock="again").collect().text)
"""
    with ThreadedServer(script) as server, child(code, server) as process:
        assert line(process) == "go"
        exchange = server.wait(lambda journal: journal.exchanges[-1] if journal.exchanges else None)
        if script is STALLED:
            server.wait(lambda journal: exchange.bytes_sent > 0 and b"Hello")
        process.send_signal(signal.SIGINT)
        expected = "'Hello'" if script is STALLED else "''"
        assert line(process) in (f"interrupted {expected}", "interrupted ''")
        server.wait(lambda journal: not journal.open)
        assert [line(process) for _ in range(4)] == ["closed True", "closed True", "[]", "again"]


def test_ctrl_c_at_any_moment_tears_nothing() -> None:
    """Sixty times, wherever it comes in a busy loop: what was given is the beginning of the answer that is kept."""
    code = """
WHOLE = "".join(f"{n} " for n in range(400))
rounds = 0
while rounds < 60:
    got, stream = [], None
    try:
        say("go")
        while True:
            got, stream = [], bourn.sync.stream("openai/any", "hi", mock=WHOLE)
            with stream:
                for piece in stream.text():
                    got.append(piece)
    except KeyboardInterrupt:
        pass
    try:
        if stream is not None:
            said = stream.response.text
            assert said.startswith("".join(got)), (said, got)
            assert WHOLE.startswith(said), said
            assert stream.is_closed() or not got  # it may come before `with`
            stream.close()
        rounds += 1
        del stream
        assert left() == [], left()
    except KeyboardInterrupt:
        say("late")
say("over")
"""
    with child(code) as process:
        while (said := line(process)) != "over":
            assert said == "go"
            process.send_signal(signal.SIGINT)


def test_a_handler_of_the_programs_own_may_raise_what_it_likes() -> None:
    """An exception of a signal handler ends the wait as KeyboardInterrupt does."""
    code = """
import signal
class Enough(Exception): pass
def enough(*_): raise Enough
signal.signal(signal.SIGTERM, enough)
stream = ask()
try:
    with stream:
        for event in stream:
            if isinstance(event, bourn.TextDelta):
                say("go")
except Enough:
    say(stream.response.text, stream.is_closed(), left())
"""
    with ThreadedServer(STALLED) as server, child(code, server) as process:
        assert line(process) == "go"
        process.send_signal(signal.SIGTERM)
        assert line(process) == "Hello True []"


OPENINGS = {
    "stream": "stream = ask(); read(stream)",
    "client": """
own = bourn.sync.Client(base_url=sys.argv[1], api_key="k")
stream = own.stream("openai/any", "hi")
read(stream)
""",
    "thread": """
stream = ask()
read(stream)
threading.Thread(target=list, args=(stream,), daemon=True).start()
while not stream._stream._busy:
    pass
""",
}


@pytest.mark.parametrize("way", OPENINGS)
def test_a_program_may_end_with_an_open_stream(way: str) -> None:
    """Nothing is said, nothing is waited for, and the connection is closed."""
    code = """
def read(stream):
    for event in stream:
        if isinstance(event, bourn.TextDelta):
            say("ending")
            return
"""
    code += OPENINGS[way]
    with ThreadedServer(STALLED) as server:
        with child(code, server) as process:
            assert line(process) == "ending"
        server.wait(lambda journal: journal.opened and not journal.open)


def test_a_fork_does_not_inherit_it() -> None:
    """A stream of the parent is refused in the child, which may make its own; the parent's goes on."""
    code = """
stream = ask()
next(stream)
child = os.fork()
if child == 0:
    try:
        list(stream)
    except bourn.ClosedError as error:
        say("forked" in str(error), bourn.sync.stream("openai/any", "hi", mock="mine").collect().text)
    del stream
    os._exit(0)
os.waitpid(child, 0)
say(stream.collect().text)
"""
    with ThreadedServer(text("Hello")) as server, child(code, server) as process:
        assert [line(process), line(process)] == ["True mine", "Hello"]


def test_a_call_returns_and_raises_and_the_thread_ends() -> None:
    """Results and errors come back; after `stop` there is no thread, and a call is refused."""
    thread = LoopThread()

    async def fail() -> None:
        raise ValueError("mine")

    async def give() -> int:
        return os.getpid()

    assert thread.run(give) == os.getpid()
    with pytest.raises(ValueError, match="mine"):
        thread.run(fail)
    thread.stop()
    thread.stop()
    assert not thread.is_running
    with pytest.raises(bourn.ClosedError):
        thread.run(give)
