"""``python -m bench [--quick] [--write]``: every reader, every measurement, one run, in about a quarter of an hour.

Prints the page; ``--write`` also writes docs/performance.md, its picture docs/performance.svg, and bench/results.json, from
which ``--page`` makes them anew. Needs Linux and the dependency group ``bench``; a peer that is not installed has no rows. Let
nothing else run beside it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import goals, picture, plan, report

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results.json"


def main() -> None:
    """Measure, print, and, if asked, write."""
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="one round, small numbers: to see that it works")
    arguments.add_argument("--write", action="store_true", help="write docs/performance.md, its picture and bench/results.json")
    arguments.add_argument("--page", action="store_true", help="measure nothing: take the figures in bench/results.json")
    given = arguments.parse_args()
    if given.page:
        tables, where = report.from_json(RESULTS.read_text())
    else:
        tables, where = list(plan.tables(plan.QUICK if given.quick else plan.FULL)), report.setting()
    page = report.markdown(tables, where, goals.judged(tables))
    print(page)
    if given.write:
        (ROOT / "docs" / "performance.md").write_text(page)
        (ROOT / "docs" / "performance.svg").write_text(picture.draw(tables, where))
        RESULTS.write_text(report.as_json(tables, where))
        plan.say("written: docs/performance.md, docs/performance.svg, bench/results.json")


if __name__ == "__main__":
    main()
