"""How a provider is reached: what a first call needs is imported beside the loop; real time, since threads are."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from bourn import dialects
from bourn.errors import InputError
from bourn.transport import ways
from bourn.transport.http import HttpTransport

NEW = """
import threading

THREAD = threading.current_thread().name
"""


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that was never imported, is both a dialect's and a transport's, and knows who imported it."""
    (tmp_path / "newcomer.py").write_text(NEW)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(dialects.DIALECTS, "newcomer", "newcomer")
    monkeypatch.setitem(ways.TRANSPORTS, "newcomer", ("newcomer", "THREAD"))
    monkeypatch.delitem(sys.modules, "newcomer", raising=False)
    return "newcomer"


def test_a_dialect_is_imported_beside_the_loop(new: str) -> None:
    """The loop's thread does not import the dialect that a call speaks."""
    assert asyncio.run(ways.load("http", new)) is HttpTransport
    assert sys.modules.pop(new).THREAD == "bourn-offload"


def test_a_transport_is_imported_beside_the_loop(new: str) -> None:
    """Nor the transport that reaches the provider."""
    found: object = asyncio.run(ways.load(new, "openai-chat"))
    del sys.modules[new]
    assert found == "bourn-offload"


def test_a_dialect_that_nobody_knows_is_refused() -> None:
    """Whoever asks for an unknown one is told the known ones, and nothing is imported."""
    with pytest.raises(InputError, match="openai-chat"):
        ways.modules("http", "klingon")
