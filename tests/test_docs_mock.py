"""docs/mock.md says only what is so: its faults are the faults, its files and commands are read."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from bourn.cli import mock, record
from bourn.cli.arguments import Parser
from bourn.mock import faults, scenario_file

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "mock.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ bourn (mock|record) (.*)$", PAGE, re.MULTILINE)


def test_its_table_of_faults_is_the_table_of_faults():
    """Every fault, in order, with its sentence and its fields."""
    rows = re.findall(
        r"^\| `([\w-]+)` \| (.*?) \| (.*?) ?\|$", PAGE.partition("## Faults")[2].partition("## Rec")[0], re.MULTILINE
    )
    assert [name for name, _, _ in rows] == list(faults.FAULTS)
    for name, sentence, fields in rows:
        kind = faults.FAULTS[name]
        assert sentence == faults.describe(kind)
        assert re.findall(r"`(\w+)", fields) == list(kind.__struct_fields__)


def test_its_scenario_file_is_read():
    """All of it, and every key that the page names is in it or in the tables below it."""
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert list(scenario_file.loads(block)) == ["hello", "weather", "broken", "cut", "limited", "flaky", "parrot"]


@pytest.mark.parametrize(("command", "words"), COMMANDS)
def test_its_commands_are_read(command: str, words: str) -> None:
    """Their options exist, their faults too."""
    parser = Parser(f"bourn {command}", "")
    {"mock": mock, "record": record}[command].configure(parser)
    arguments = parser.read(shlex.split(words.removesuffix("&")))
    for fault in getattr(arguments, "fault", ()):
        mock.read_fault(fault)
