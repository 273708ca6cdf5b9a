"""Other libraries' subjects work, and keep and break the first section's rules as docs/conformance.json says.

They run in the environments that `python -m bench.conformance` makes, one for each dependency group; BOURN_CONFORMANCE names
the folder that they are in. Nothing is installed here.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from bench.conformance.page import RESULTS
from bench.conformance.rows import ROWS, Row

from bourn.contract import RULES

FOLDER = os.environ.get("BOURN_CONFORMANCE", "")
ROOT = Path(__file__).parents[2]
STRANGERS = [each for each in ROWS if each.package != "bourn"]

pytestmark = pytest.mark.skipif(not FOLDER, reason="BOURN_CONFORMANCE names no folder with the environments of the libraries")


@pytest.mark.parametrize("row", STRANGERS, ids=[each.key for each in STRANGERS])
def test_a_library_does_what_it_did(row: Row) -> None:
    """The subject can be made and read, and of the rules of section 1 it breaks those that it broke, and no other."""
    seen = json.loads(RESULTS.read_text("utf-8"))["subjects"][row.key]["rules"]
    known = [id for id, rule in seen.items() if RULES[id].section == 1 and rule["verdict"] == "FAIL"]
    command = [
        f"{FOLDER}/{row.group}/bin/python3",
        "-m",
        "bourn",
        "verify",
        row.target,
        "--dialect",
        row.dialect,
        "--rules",
        "1",
    ]
    command += ["--known-failing", ",".join(known)] if known else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603 -- the command is written here
    assert done.returncode == 0, done.stdout + done.stderr
