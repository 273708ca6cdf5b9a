"""`bourn chat` between other programs: a reader that leaves, an interrupt from outside, a prompt from a pipe."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from bourn.mock import ops
from tests.cli.answers import MODEL, Served, Steps, answer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and codes of POSIX")


def start(served: Served, *words: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bourn", "chat", "-m", MODEL, "--base-url", served.url, *words]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603  # our program


HELD: Steps = [*answer("Hello", "more")[:2], ops.WaitFor("go"), *answer("Hello", "more")[2:]]


def test_text_leaves_as_it_comes_and_a_reader_may_leave() -> None:
    """The first piece can be read while the second is held back; when the reader is gone the program ends quietly."""
    with Served(HELD) as served, start(served, "hi") as process:
        assert process.stdout
        assert process.stderr
        assert os.read(process.stdout.fileno(), 100) == b"Hello"
        process.stdout.close()
        served.signal("go")
        assert process.wait(30) == 141
        assert process.stderr.read() == b""


def test_an_interrupt_keeps_what_came() -> None:
    """SIGINT: the text so far, ended with a line feed, and code 130; with --json the object says so."""
    with Served(HELD) as served, start(served, "hi") as process:
        assert process.stdout
        assert os.read(process.stdout.fileno(), 100) == b"Hello"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"\n")
    assert b"Traceback" not in err


def test_an_interrupt_with_json_lines() -> None:
    """The last line says that the answer was stopped."""
    with Served(HELD) as served, start(served, "hi", "--jsonl") as process:
        assert process.stdout
        while b"Hello" not in (line := process.stdout.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    last = json.loads(out.splitlines()[-1])
    assert (process.returncode, last["event"], last["type"], last["exit_code"]) == (130, "error", "Stopped", 130)


def test_prompt_and_pipe_are_joined() -> None:
    """`bourn chat "sum up" < text` asks for both."""
    with Served(answer("ok")) as served, start(served, "sum up", stdin=subprocess.PIPE) as process:
        out, _ = process.communicate(b"the text\n", timeout=30)
    assert (process.returncode, out) == (0, b"ok\n")
    assert json.loads(served.asked[0].body)["messages"][0]["content"] == "sum up\n\nthe text"


def test_a_pipe_that_nobody_ends_is_mentioned() -> None:
    """Who forgot to end standard input is told what the program waits for."""
    with Served(answer("ok")) as served, start(served, "hi", stdin=subprocess.PIPE) as process:
        assert process.stderr
        assert process.stderr.readline() == b"bourn: reading standard input, too (start with < /dev/null if there is none)\n"
        assert process.communicate(timeout=30)[0] == b"ok\n"


def test_an_ascii_locale_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the output cannot hold a character, a question mark stands for it."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    with Served(answer("a€")) as served, start(served, "hi") as process:
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, b"a?\n")
