"""Fixtures of the local model's tests: files that look like models, a cache of their own, and a witness of child processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bourn.transport.local.server import Servers
from tests.transport.local.witness import Witness

PROGRAM = (sys.executable, "-S", str(Path(__file__).with_name("fake_child.py")))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is reached directly, whatever the environment says of the world outside."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def gguf(tmp_path: Path) -> Callable[[str], str]:
    """Makes a file that begins like a model; a fake child behaves as its name says."""

    def make(name: str) -> str:
        path = tmp_path / f"{name}.gguf"
        path.write_bytes(b"GGUF, more or less")
        return str(path)

    return make


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Witness]:
    """Sees the fake children of a test."""
    with Witness() as witness:
        monkeypatch.setenv("BOURN_TEST_WITNESS", witness.port)
        yield witness


@pytest.fixture
def servers(witness: Witness) -> Iterator[Servers]:
    """Servers of fake children; none is left after the test."""
    servers = Servers(PROGRAM)
    yield servers
    servers.stop_all()
