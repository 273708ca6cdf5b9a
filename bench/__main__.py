"""``python -m bench [--quick] [--write]``: every reader, every measurement, one run, in about ten minutes.

Prints the page; ``--write`` also writes docs/performance.md, its picture docs/performance.svg, and bench/results.json. Needs
Linux and the dependency group ``bench``; a peer that is not installed has no rows. Let nothing else run beside it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import goals, picture, plan, report

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Measure, print, and, if asked, write."""
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="one round, small numbers: to see that it works")
    arguments.add_argument("--write", action="store_true", help="write docs/performance.md, its picture and bench/results.json")
    given = arguments.parse_args()
    tables = list(plan.tables(plan.QUICK if given.quick else plan.FULL))
    where = report.setting()
    page = report.markdown(tables, where, goals.judged(tables))
    print(page)
    if given.write:
        (ROOT / "docs" / "performance.md").write_text(page)
        (ROOT / "docs" / "performance.svg").write_text(picture.draw(tables, where))
        (ROOT / "bench" / "results.json").write_text(report.as_json(tables, where))
        plan.say("written: docs/performance.md, docs/performance.svg, bench/results.json")


if __name__ == "__main__":
    main()
