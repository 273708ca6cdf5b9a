"""`bourn` itself: help, versions, mistakes, and what it does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import bourn as library
from bourn.cli import chat
from bourn.cli.main import COMMANDS
from tests.cli.conftest import Bourn

HEAVY = ("aiohttp", "msgspec", "asyncio", "ssl", "bourn.client", "bourn.cli.chat", "xllamacpp")


def test_help_names_every_command_and_code(bourn: Bourn) -> None:
    """`bourn --help` lists the commands and the exit codes."""
    outcome = bourn("--help")
    assert outcome.status == 0
    assert not outcome.err
    assert all(f"  {name} " in outcome.out for name in COMMANDS)
    assert "130" in outcome.out


def test_help_loads_nothing_heavy() -> None:
    """`bourn --help` and `--version` answer without the network library, msgspec or an event loop."""
    program = (
        "import sys; from bourn.cli.main import main; assert main(['--help']) == main(['--version']) == 0; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603  # our program
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_help(bourn: Bourn, name: str) -> None:
    """`bourn COMMAND --help` and `bourn help COMMAND` say the same, with the exit codes."""
    outcome = bourn(name, "--help")
    assert outcome.status == 0
    assert f"usage: bourn {name}" in outcome.out
    assert "exit codes:" in outcome.out
    assert bourn("help", name).out == outcome.out


def test_the_version(bourn: Bourn) -> None:
    """`bourn --version` says the library's version."""
    assert bourn("--version").out == f"bourn {library.__version__}\n"


def test_no_command_is_a_mistake(bourn: Bourn) -> None:
    """`bourn` alone shows the help on standard error and fails."""
    outcome = bourn()
    assert outcome.status == 2
    assert not outcome.out
    assert "usage: bourn COMMAND" in outcome.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chta"], "unknown command 'chta'; did you mean chat?"),
        (["xyz"], "unknown command 'xyz'; the commands are chat, "),
        (["--verbose"], "unknown option '--verbose'; the commands are chat, "),
        (["chat", "hi", "--modle", "x"], "unknown option --modle; did you mean --model? (see bourn chat --help)"),
        (["chat", "hi", "there"], "'there' is one argument too many; put a text of several words in quotes"),
        (["chat", "--mod", "x"], "unknown option --mod"),
        (["chat", "hi", "--max-tokens", "many"], "--max-tokens: 'many' is not a whole number"),
        (["chat", "hi", "--temperature", "hot"], "--temperature: 'hot' is not a number"),
        (["chat", "hi", "--timeout", "lunch=5"], "--timeout: 'lunch' is not a time limit; there are connect, "),
        (["chat", "hi", "--json", "--jsonl"], "not allowed with argument"),
        (["chat", "hi", "-m"], "expected one argument"),
        (["model"], "get|list|path"),
        (["model", "lst"], "unknown action 'lst'; did you mean list?"),
        (["model", "path", "nope"], "there is no local model 'nope'"),
    ],
)
def test_a_mistake_is_one_sentence(bourn: Bourn, words: list[str], said: str) -> None:
    """Whatever is wrong in the command line is said on one line of standard error, with code 2."""
    outcome = bourn(*words)
    assert outcome.status == 2
    assert not outcome.out
    assert outcome.err.startswith("bourn: ")
    assert outcome.err.count("\n") == 1
    assert said in outcome.err


@pytest.mark.parametrize("words", [["--api-key", "sk-secret"], ["--api-key=sk-secret"], ["--tokn=sk-secret"]])
def test_a_key_in_the_command_line_is_not_repeated(bourn: Bourn, words: list[str]) -> None:
    """Who tries to pass a key is told how, and the key is not printed."""
    outcome = bourn("chat", "hi", *words)
    assert outcome.status == 2
    assert "sk-secret" not in outcome.err + outcome.out
    assert "--api-key-env" in outcome.err or "unknown option --tokn" in outcome.err


def test_a_bug_is_a_sentence_too(bourn: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception nobody foresaw gives code 1 and one line; with BOURN_DEBUG its traceback."""
    monkeypatch.setattr(chat, "run", lambda _: 1 / 0)
    outcome = bourn("chat", "hi")
    assert outcome.status == 1
    assert outcome.err == "bourn: division by zero; this is a bug (ZeroDivisionError), BOURN_DEBUG=1 shows where\n"
    monkeypatch.setenv("BOURN_DEBUG", "1")
    assert "Traceback" in bourn("chat", "hi").err


def test_ctrl_c_before_anything_runs(bourn: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Ctrl-C that nobody handles ends the program quietly, with code 130."""

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(chat, "run", interrupted)
    outcome = bourn("chat", "hi")
    assert (outcome.status, outcome.err) == (130, "")


def test_python_m_bourn() -> None:
    """`python -m bourn` is the program, and its code is the process's."""
    done = subprocess.run([sys.executable, "-m", "bourn", "nope"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("bourn: unknown command")
