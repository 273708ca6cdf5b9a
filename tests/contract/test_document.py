"""The document says everything that the table and the checks say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bourn.contract import RULES, registry
from bourn.contract.document import markdown

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"


def test_every_rule_is_in_the_document() -> None:
    """Each rule has its heading, its sentence, its reason and its checks."""
    text = markdown()
    for rule in RULES.values():
        assert f"### {rule.id} `{rule.level}` `{rule.mode}` `{rule.kind}`" in text
        assert f"**{rule.requirement}**" in text
        assert rule.reason in text
    assert text.count("- Checked") == sum(map(len, registry.load_checks().values()))
    assert text.endswith("54 rules, 45 of them in the core.\n")


def test_every_check_says_what_it_looks_at() -> None:
    """A check has a docstring, since the document is made of it."""
    for checks in registry.load_checks().values():
        for check in checks:
            assert check.function.__doc__, check.name


def test_the_committed_document_is_current() -> None:
    """docs/contract.md is up to date: `python -m bourn.contract.document > docs/contract.md`."""
    command = [
        sys.executable,
        "-X",
        "utf8",
        "-m",
        "bourn.contract.document",
    ]  # a process of its own: no other test has loaded anything
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")  # noqa: S603  # our program
    assert PAGE.read_text("utf-8") == done.stdout
