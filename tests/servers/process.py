"""Other people's mock servers as processes of their own, on loopback; they are up when they have said where."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PYTHON = os.environ.get("BOURN_CLIENTS_PYTHON", sys.executable)
NODE = shutil.which("node")
PACKAGES = os.environ.get("NODE_PATH", "")
AIMOCK = Path(PACKAGES) / "@copilotkit" / "aimock" / "dist" / "cli.js"


@contextmanager
def aimock(fixtures: Path) -> Iterator[str]:
    """CopilotKit's aimock (npm: ``@copilotkit/aimock``), answering as the fixtures say; its address."""
    if NODE is None or not (PACKAGES and AIMOCK.exists()):
        pytest.skip("@copilotkit/aimock is not installed under NODE_PATH")
    with serving([NODE, str(AIMOCK), "--port", "0", "--strict", "--fixtures", str(fixtures)]) as address:
        yield address


@contextmanager
def llmock() -> Iterator[str]:
    """Julien Rabault's LLMock (PyPI: ``llmock``); its address."""
    found = subprocess.run([PYTHON, "-c", "import llmock.routers"], capture_output=True, check=False)  # noqa: S603 -- ours
    if found.returncode:
        pytest.skip(f"llmock is not installed for {PYTHON}")
    with serving([PYTHON, "-m", "uvicorn", "--factory", "llmock.main:create_app", "--port", "0"]) as address:
        yield address


@contextmanager
def serving(command: list[str]) -> Iterator[str]:
    """A server that says ``http://127.0.0.1:PORT`` in a line once it listens, and ends with us."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603 -- ours
        said: list[str] = []
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield found[0]
                    return
            raise AssertionError("".join(said))
        finally:
            process.terminate()
            process.communicate()
