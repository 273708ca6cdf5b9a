"""`bourn chat` with the real local model, where its file and its engine are here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from bourn.errors import ModelFileError
from bourn.transport.local import models


def _is_here() -> bool:
    try:
        return bool(models.find("smollm2-135m")) and find_spec("xllamacpp") is not None
    except ModelFileError:
        return False


CACHE = os.environ.get("BOURN_CACHE", "")  # as it was before the tests were given one of their own
pytestmark = pytest.mark.skipif(not _is_here(), reason="wants `bourn model get` and the extra `local`")


def test_a_real_answer_from_a_bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no key and no -m, the local model answers, and it is said that it does."""
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("BOURN_CACHE", CACHE)
    command = [sys.executable, "-m", "bourn", "chat", "Why is the sky blue?", "--max-tokens", "12", "--json", "--offline"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300, check=False)  # noqa: S603  # our program
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("bourn: asking local/smollm2-135m, because no API key is set")
    answer = json.loads(done.stdout)
    assert len(answer["text"].split()) > 3
    assert (answer["provider"], answer["finish_reason"], answer["usage"]["output_tokens"]) == ("local", "length", 12)
