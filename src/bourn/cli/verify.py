"""``bourn verify``: hold any asynchronous stream to the rules of the contract.

House rule: the report is the output, and only that; how far the run has come is told on standard error.
"""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from collections import Counter
from pathlib import Path

from bourn import contract
from bourn.cli import exits
from bourn.cli.arguments import Parser, integer
from bourn.cli.subjects import find
from bourn.cli.terminal import Console, harmless
from bourn.contract import SECTIONS, Report, Rule, html, junit, registry
from bourn.contract.rule import select
from bourn.errors import InputError

EPILOG = """FACTORY is package.module:name, looked for in this folder too, and stands for one of:

  a contract.Subject                  a stream, and what is declared about it: the more, the more is judged
  a function that gives one           without arguments, or with one named dialect
  connect(base_url)                   gives a stream that asks base_url, in the dialect of --dialect
  an asynchronous generator function  judged by the rules that need no server

  bourn verify mine.streams:connect --dialect anthropic
  bourn verify mine.streams:subject --rules 4,9.1 --html contract.html

Rules are ids (4.3), sections (4), or core, with commas between them; --list shows them. @FILE reads them from a file, in lines
too, where # begins a remark: --known-failing @known-failing.txt"""


def configure(parser: Parser) -> None:
    """The arguments of ``bourn verify``."""
    parser.add_argument("factory", metavar="FACTORY", nargs="?", help="the stream to judge: package.module:name")
    parser.add_argument(
        "--dialect", metavar="NAME", help="what the kit's server speaks (openai-chat, or what the subject says)"
    )
    parser.add_argument("--rules", metavar="IDS", type=words, help="only these rules (all)")
    parser.add_argument("--known-failing", metavar="IDS", type=words, default=[], help="rules that may fail, and must not pass")
    parser.add_argument("--seed", metavar="N", type=integer, default=0, help="the seed of the run (0)")
    parser.add_argument("--workers", metavar="N", type=integer, help="checks at once (as many as there are processors)")
    parser.add_argument("--json", action="store_true", help="the report with all its evidence, for programs")
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write the report for CI services to FILE as well")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write the report as a page for a browser to FILE as well")
    parser.add_argument("--list", action="store_true", help="show the rules, and judge nothing")
    parser.add_argument("-q", "--quiet", action="store_true", help="show the report and nothing else")


def words(text: str) -> list[str]:
    """What stands between the commas, or in the file after an ``@``, as argparse's ``type``."""
    if text.startswith("@"):
        try:
            lines = Path(text[1:]).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise argparse.ArgumentTypeError(f"{text[1:]!r} cannot be read: {error}") from None
        text = ",".join(line.partition("#")[0] for line in lines)
    return [word.strip() for word in text.split(",") if word.strip()]


def run(arguments: Namespace) -> int:
    """Judge a stream and show the report."""
    console = Console(os.environ, quiet=arguments.quiet)
    rules = select(arguments.rules)
    if arguments.list:
        console.out(listed(rules))
        return exits.OK
    if arguments.factory is None:
        raise InputError("no stream to judge: name one, as in bourn verify package.module:name (see bourn verify --help)")
    if arguments.workers is not None and arguments.workers < 1:
        raise InputError(f"--workers {arguments.workers}: at least one is needed")
    report = contract.run(
        find(arguments.factory, arguments.dialect),
        rules=arguments.rules,
        known_failing=arguments.known_failing,
        seed=arguments.seed,
        workers=arguments.workers,
        observe=Progress(console, rules),
    )
    _show(report, console, as_json=arguments.json)
    if arguments.junit is not None:
        arguments.junit.write_bytes(junit.xml(report))
    if arguments.html is not None:
        arguments.html.write_bytes(html.page(report))
    return exits.OK if report.ok else exits.BROKEN


def listed(rules: list[Rule]) -> str:
    """The rules, a line each, under the titles of their sections."""
    lines: list[str] = []
    for section in sorted({rule.section for rule in rules}):
        lines.append(f"{section} {SECTIONS[section]}")
        lines += [f"  {rule.id:5} {rule.level:6} {rule.requirement}" for rule in rules if rule.section == section]
    return "\n".join(lines) + "\n"


class Progress:
    """Tells each section when its last rule is judged."""

    def __init__(self, console: Console, rules: list[Rule]) -> None:
        self._console = console
        checked = registry.load_checks()
        self._size = Counter(rule.section for rule in rules if rule.id in checked)
        self._done: Counter[int] = Counter()

    def __call__(self, rule: Rule) -> None:
        """A rule is judged."""
        section = rule.section
        self._done[section] += 1
        if self._done[section] == self._size[section]:
            told = f"{self._done.total()} of {self._size.total()} rules judged"
            self._console.note(f"bourn: {section} {SECTIONS[section]} is done; {told}")


def _show(report: Report, console: Console, *, as_json: bool) -> None:
    text = report.to_json().decode() if as_json else report.text()
    console.out(f"{harmless(text) if console.out_is_terminal else text}\n")
