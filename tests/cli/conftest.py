"""What the tests of the command line share: a tidy environment, and a `bourn` whose network is a list of bytes."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bourn.cli import ask, loops
from bourn.cli.main import main
from bourn.client import Client
from bourn.testing.clock import VirtualLoop
from bourn.transport.memory import MemoryTransport
from tests.cli.answers import MODEL

VARIABLES = ("BOURN_MODEL", "BOURN_DEBUG", "NO_COLOR", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")


@pytest.fixture(autouse=True)
def _tidy_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of this machine plays a part; one key is set; models are cached nowhere else."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("BOURN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TERM", "xterm-256color")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is not, but who can tell."""
        return True


@dataclass
class Outcome:
    """What one run of the program left behind."""

    status: int
    out: str
    err: str


class Bourn:
    """Runs `bourn chat` in this process; set :attr:`transport` to what the network answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.transport = MemoryTransport([])
        monkeypatch.setattr(ask, "make_client", lambda **options: Client(transport=self.transport, **options))

    def answers(self, steps: Any, **head: Any) -> Bourn:
        """Every request gets these steps."""
        self.transport = MemoryTransport(steps, **head)
        return self

    def __call__(self, *words: str, stdin: Any = None, terminal: bool = False) -> Outcome:
        """Run with these words after `bourn`."""
        make: Callable[[], io.StringIO] = Terminal if terminal else io.StringIO
        out, err = make(), make()
        with self._patch.context() as patch:
            patch.setattr(sys, "stdin", stdin)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            status = main(words)
        return Outcome(status, out.getvalue(), err.getvalue())

    def chat(self, *words: str, **how: Any) -> Outcome:
        """`bourn chat -m` the test's model, and these words."""
        return self("chat", "-m", MODEL, *words, **how)


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in virtual time: what they wait for is there at once."""
    monkeypatch.setattr(loops, "factory", lambda: VirtualLoop)


@pytest.fixture
def bourn(monkeypatch: pytest.MonkeyPatch) -> Bourn:
    """A `bourn` to run."""
    return Bourn(monkeypatch)
