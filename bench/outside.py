"""What is measured from outside a program: imports, the start of the command line, the size of an installation.

House rule: each figure comes from a new interpreter, and whatever was made is gone afterwards.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent

IMPORTS = {
    "bourn": "import bourn",
    "asyncio": "import asyncio",
    "bourn, with asyncio": "import asyncio, bourn",
    "bourn, with HTTP": "import bourn.client, bourn.transport.http",
    "aiohttp": "import aiohttp",
    "openai": "import openai",
    "anthropic": "import anthropic",
    "litellm": "import litellm",
    "any-llm": "import any_llm",
    "langchain-openai": "import langchain_openai",
    "pydantic-ai": "import pydantic_ai.models.openai",
}
"""What is imported, in the order of the table."""

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "bourn --help": ["-m", "bourn", "--help"],
    "bourn --version": ["-m", "bourn", "--version"],
}
"""Starts of programs: the name shown and the words after the interpreter."""


def import_ms(statement: str) -> float | None:
    """Milliseconds of CPU of an import, the interpreter's own start taken off; ``None`` where it is not installed."""
    code = f"import time; t = time.process_time(); {statement}; print((time.process_time() - t) * 1000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def start_ms(words: list[str]) -> tuple[float, float]:
    """Milliseconds that a program takes from start to end: by the clock, and of CPU."""
    before, spent = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], capture_output=True, check=False, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - spent.ru_utime - spent.ru_stime
    return (time.perf_counter() - before) * 1000, cpu * 1000


def install_mb() -> dict[str, float]:
    """Megabytes of the core installation, as installed by pip from this folder, and of its parts; needs a package index."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "site"
        pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, "install", "--no-compile", "--target", target, ROOT], check=True, timeout=180, env=_clean())
        subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, ROOT], check=True, timeout=120, env=_clean())
        [wheel] = Path(folder).glob("bourn-*.whl")
        return {
            "core install, all packages": _mb(target),
            "bourn alone": _mb(target / "bourn"),
            "bourn's wheel": wheel.stat().st_size / 1e6,
        }


def certificate(folder: str) -> tuple[str, str]:
    """A certificate for loopback that nobody else trusts, and its key, as files in ``folder``; needs ``openssl``."""
    pem, key = str(Path(folder) / "cert.pem"), str(Path(folder) / "key.pem")
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    alternative = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([*words, *alternative, "-out", pem, "-keyout", key], check=True, capture_output=True, timeout=30)
    return pem, key


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
