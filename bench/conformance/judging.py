"""Runs ``bourn verify`` on a row, in the environment that has its package, some times over, and keeps what matters.

House rule: nothing is judged here; what runs disagree about is written down as such.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.conformance.rows import Row

ROOT = Path(__file__).parents[2]
Result = dict[str, Any]
Say = Callable[[str], None]


def environment(folder: Path, group: str, say: Say) -> Path:
    """The interpreter of a group's environment, which is made and filled the first time."""
    python = folder / group / "bin" / "python"
    if not python.exists():
        say(f"installing the group {group} into {folder / group}")
        venv.create(folder / group, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
        subprocess.run([*pip, "-e", str(ROOT), "--group", f"{ROOT / 'pyproject.toml'}:{group}"], check=True)
    return python


def versions(python: Path, packages: list[str]) -> dict[str, str]:
    """What is installed there."""
    code = "import sys; from importlib.metadata import version; print(*[version(name) for name in sys.argv[1:]])"
    told = subprocess.run([str(python), "-c", code, *packages], capture_output=True, text=True, check=True).stdout.split()
    return dict(zip(packages, told, strict=True))


def verify(row: Row, python: Path, rules: str = "") -> Result:
    """One run's report, as ``bourn verify --json`` tells it. Raises ``RuntimeError`` where there is none."""
    command = [str(python), "-m", "bourn", "verify", row.target, "--dialect", row.dialect, "--quiet", "--json"]
    command += ["--rules", rules] if rules else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        report: Result = json.loads(done.stdout)
    except ValueError:
        raise RuntimeError(f"{row.command()}: {done.stderr.strip() or done.stdout[:500]}") from None
    return report


def kept(reports: list[Result]) -> Result:
    """What the page needs of some runs on one subject: each rule's verdicts, and the sentences of the last run."""
    last = reports[-1]
    return {
        "name": last["subject"],
        "seconds": [round(report["seconds"], 1) for report in reports],
        "rules": {
            found["rule"]["id"]: {
                "verdict": found["verdict"],
                "runs": [_of(report, found["rule"]["id"])["verdict"] for report in reports],
                "broken": found["broken"],
                "message": _clean(found["message"]),
                "checks": [_check(each) for each in found["checks"]],
            }
            for found in last["results"]
        },
    }


def _of(report: Result, id: str) -> Result:
    found: Result = next(each for each in report["results"] if each["rule"]["id"] == id)
    return found


def _check(check: Result) -> Result:
    told = {name: check[name] for name in ("name", "aspect", "level", "verdict")}
    return told | {"message": _clean(check["message"]), "notes": [_clean(note) for note in check["notes"]]}


def _clean(text: str) -> str:
    """Without the paths of this machine and the addresses of this run."""
    for path in (str(ROOT), sys.base_prefix, str(Path.home())):
        text = text.replace(f"{path}/", "")
    text = re.sub(r"[^\s\"'(]*/site-packages/", "", text)
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", text)
