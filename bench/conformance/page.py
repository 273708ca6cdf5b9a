"""docs/conformance.md from docs/conformance.json.

House rule: a function of the results alone, so that a test can say that the page is current where no library is installed.
"""

from __future__ import annotations

from typing import Any

from bench.conformance.claims import CLAIMS, UNHELD, Claim
from bench.conformance.judging import ROOT
from bench.conformance.rows import ROWS, STRICTER, Row
from bourn.contract import RULES, SECTIONS

PAGE, RESULTS = ROOT / "docs" / "conformance.md", ROOT / "docs" / "conformance.json"

MARKS = {"PASS": "·", "FAIL": "**✗**", "SKIP": "", "INFO": "i", "ERROR": "**E**"}
"""Verdict to what stands in the matrix; a SHOULD that fails has a thin mark."""

HEAD = """\
# Other people's streams, held to the contract

Written by `python -m bench.conformance`, which installs the pinned versions (the dependency groups `conformance` and
`conformance-older`), runs `bourn verify` on each subject ({runs}) and keeps the results in `docs/conformance.json`; do not
edit it by hand. The rules are in [contract.md](contract.md), the adapters in `src/bourn/contract/adapters`, a page each.

An adapter uses a library as its documentation does and declares only what the library promises; what is not promised is not
judged (an empty cell). A FAIL is no verdict on a library: many rules ask for what nobody promised, and each is one command to
see for oneself.
"""

WIDEST = 80
"""Characters of a rule's sentence in the matrix."""

LEGEND = "`·` passes, **✗** breaks a MUST, ✗ breaks a SHOULD, empty: not declared, so not judged, `~` runs did not agree\n"

FAILING = """\
## As a list of known failures

A list of known failures is strict: a rule that is on it and passes fails the run, so the list never grows stale. For a test
suite that wants to see when a library changes (`--known-failing @FILE` reads the list from a file):
"""

Result = dict[str, Any]


def markdown(results: Result) -> str:
    """The whole page."""
    subjects = [(each, results["subjects"][each.key]) for each in ROWS if each.key in results["subjects"]]
    runs = max((len(found["seconds"]) for _, found in subjects), default=0)
    lines = [HEAD.format(runs="once" if runs == 1 else f"{runs} times"), *_measured(results["machine"], subjects)]
    lines += ["## The matrix\n", LEGEND, *_matrix(subjects)]
    lines.append("## What fails, and how to see it\n")
    for each, found in subjects:
        lines += _failures(each, found)
    lines += [FAILING, "```", *(_known(each, found) for each, found in subjects if _failing(found)), "```", ""]
    lines += ["## Earlier measurements\n", *_claims(results)]
    return "\n".join(lines) + "\n"


def _measured(machine: Result, subjects: list[tuple[Row, Result]]) -> list[str]:
    """When, on what, and in what time."""
    packages = {name: version for _, found in subjects for name, version in found["versions"].items()}
    told = ", ".join(f"{name} {version}" for name, version in packages.items())
    lines = [f"{machine['date']}, Python {machine['python']}, {machine['system']}; {told}.\n"]
    lines += [
        "| subject | dialect | passes | breaks a MUST | breaks a SHOULD | not judged | seconds |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for each, found in subjects:
        marks = [_level(rule) for rule in found["rules"].values()]
        counts = " | ".join(str(marks.count(word)) for word in ("PASS", "MUST", "SHOULD", "SKIP"))
        lines.append(f"| {found['name']} | {each.dialect} | {counts} | {min(found['seconds']):.0f} |")
    return [*lines, ""]


def _level(rule: Result) -> str:
    """PASS, SKIP, or the level of what fails."""
    if rule["verdict"] == "FAIL":
        return "MUST" if rule["broken"] else "SHOULD"
    return str(rule["verdict"])


def _mark(rule: Result) -> str:
    mark = "✗" if _level(rule) == "SHOULD" else MARKS[rule["verdict"]]
    return mark + ("~" if len(set(rule["runs"])) > 1 else "")


def _matrix(subjects: list[tuple[Row, Result]]) -> list[str]:
    head = [each.heading for each, _ in subjects]
    lines = [f"| | {' | '.join(head)} |", f"|---|{':-:|' * len(head)}"]
    section = 0
    for rule in RULES.values():
        if rule.section != section:
            section = rule.section
            lines.append(f"| **{section} {SECTIONS[section]}** |{' |' * len(head)}")
        cells = " | ".join(_mark(found["rules"][rule.id]) for _, found in subjects)
        lines.append(f"| {rule.id} {_short(rule.requirement)} | {cells} |")
    return [*lines, ""]


def _short(sentence: str) -> str:
    """The sentence of a rule, cut between words for a narrow column, and not inside what is set as code."""
    whole = sentence.replace("|", "/").rstrip(".")
    if len(whole) <= WIDEST:
        return whole
    head = whole[:WIDEST].rsplit(" ", 1)[0]
    if head.count("`") % 2:
        head = head.rpartition("`")[0].rstrip()
    return head.rstrip(",;:(") + " …"


def _failing(found: Result) -> list[str]:
    return [id for id, rule in found["rules"].items() if rule["verdict"] in {"FAIL", "ERROR"}]


def _failures(each: Row, found: Result) -> list[str]:
    """A table of a subject's failures: what it did, and the command that shows it."""
    failing = _failing(found)
    if not failing:
        return [f"### {found['name']}\n", "Nothing.\n"]
    lines = [f"### {found['name']}\n", "| rule | what it did | seen by |", "|---|---|---|"]
    for id in failing:
        told = [check for check in found["rules"][id]["checks"] if check["verdict"] in {"FAIL", "ERROR"}]
        words = "<br>".join(_cell(check["message"]) + (" (SHOULD)" if check["level"] == "SHOULD" else "") for check in told)
        lines.append(f"| {id} | {words} | `{each.command(id)}` |")
    return [*lines, ""]


def _cell(text: str) -> str:
    """Text that may stand in a cell of a table, and is not too long for it."""
    cut = text if len(text) <= 300 else f"{text[:300]}…"
    for sign, written in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        ("|", "&#124;"),
        ("*", "&#42;"),
        ("_", "&#95;"),
        ("`", "&#96;"),
        ("\n", " "),
    ):
        cut = cut.replace(sign, written)
    return cut


def _known(each: Row, found: Result) -> str:
    return f"{each.command()} --known-failing {','.join(_failing(found))}"


def _claims(results: Result) -> list[str]:
    """What the rules quote as measured, on openai 3.54 and anthropic 2.12, beside what was seen."""
    lines = ["The rules quote measurements made before the kit existed, on openai 3.54 and anthropic 2.12. What the kit saw:\n"]
    lines += ["| rule | subject | earlier | now | |", "|---|---|---|---|---|"]
    for claim in CLAIMS:
        found = results["subjects"].get(claim.subject)
        if found is not None:
            lines.append(_claim(claim, found["name"], found["rules"][claim.rule]))
    stricter = ", ".join(f"`{each.command()}`" for each in STRICTER)
    lines.append(f"\nRule 12.1 is asked here of subjects whose `timeout=` is taken for a limit on the whole: {stricter}.")
    return [*lines, UNHELD]


def _claim(claim: Claim, name: str, rule: Result) -> str:
    told = [check["message"] or "; ".join(check["notes"]) for check in rule["checks"] if check["verdict"] != "SKIP"]
    now = "<br>".join(_cell(words) for words in told if words)
    word = "confirmed" if rule["verdict"] == claim.expected else "otherwise"
    remark = f"{word}: {claim.remark}" if claim.remark else word
    return f"| {claim.rule} | {name} | {claim.said} | {rule['verdict']} {now} | {remark} |"
