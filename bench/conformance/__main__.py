"""``python -m bench.conformance``: judge every row and write docs/conformance.json and docs/conformance.md.

House rule: one command from a clone to the page; ``--page`` only writes the page anew, from the results that are there.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import sys
from pathlib import Path

from bench.conformance.judging import ROOT, Result, environment, kept, verify, versions
from bench.conformance.page import PAGE, RESULTS, markdown
from bench.conformance.rows import ROWS, STRICTER, Row


def say(words: str) -> None:
    """Tell how far it has come."""
    print(words, file=sys.stderr, flush=True)


def judged(row: Row, folder: Path, runs: int, rules: str = "") -> Result:
    """The results of some runs on a row, and the versions that it stood on."""
    python = environment(folder, row.group, say)
    reports = []
    for turn in range(runs):
        reports.append(verify(row, python, rules))
        say(f"{row.key}, run {turn + 1}: {reports[-1]['counts']}, {reports[-1]['seconds']:.0f} s")
    return {**kept(reports), "versions": versions(python, [row.package])}


def machine() -> Result:
    """Where and when this was measured."""
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
    }


def main() -> None:
    """Judge, keep, write."""
    arguments = argparse.ArgumentParser(prog="python -m bench.conformance", description=__doc__)
    arguments.add_argument("--runs", type=int, default=3, help="how often each subject is judged (3)")
    arguments.add_argument("--only", metavar="WORD", default="", help="only rows whose target or dialect has this word")
    arguments.add_argument("--rules", default="", help="only these rules; what is known of the others stays")
    arguments.add_argument("--page", action="store_true", help="write the page from the results that are there")
    arguments.add_argument(
        "--environments", type=Path, default=ROOT / ".venv" / "conformance", help="where the libraries are installed"
    )
    given = arguments.parse_args()
    results: Result = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"machine": machine(), "subjects": {}}
    if not given.page:
        results["machine"] = machine()
        for row in [*ROWS, *STRICTER]:
            if given.only in row.key:
                found = judged(row, given.environments, given.runs, given.rules or row.rules)
                if given.rules:
                    known = results["subjects"][row.key]
                    known["rules"] |= found["rules"]
                else:
                    results["subjects"][row.key] = found
                RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    PAGE.write_text(markdown(results), "utf-8")


if __name__ == "__main__":
    main()
