"""The README says only what is so: its code runs, its commands and names are real."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bourn
from bourn.cli.main import COMMANDS
from bourn.errors import ModelFileError
from bourn.transport.local import models

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def local_model_is_here() -> bool:
    try:
        models.find("smollm2-135m")
    except ModelFileError:
        return False
    return True


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_its_code_names_only_what_exists(block: str) -> None:
    """Every block is Python, and every `bourn.NAME` in it is public."""
    tree = ast.parse(f"async def block():\n{re.sub('^', '    ', block, flags=re.MULTILINE)}")
    names = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "bourn"
    }
    assert names <= {*bourn.__all__, *bourn._MODULES}


def test_its_code_uses_the_library() -> None:
    """The check above has something to check."""
    assert sum("bourn." in block for block in BLOCKS) >= 3


def test_the_ten_lines_run() -> None:
    """The first example, run as it stands, prints an answer of the real model and why it ended."""
    pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
    if not local_model_is_here():
        pytest.skip("the local model is not on this machine: bourn model get smollm2-135m")
    done = subprocess.run(  # noqa: S603 - our own interpreter and README
        [sys.executable, "-c", BLOCKS[0]], capture_output=True, text=True, check=True, timeout=300
    )
    answer, _, last = done.stdout.strip().rpartition("\n")
    assert len(answer or last) > 40
    assert "Usage(input_tokens=" in last
    assert done.stderr == ""


def test_its_two_commands_are_what_the_project_offers() -> None:
    """The extras and the command that the README names are in pyproject.toml."""
    project = (ROOT / "pyproject.toml").read_text()
    assert "python3 -m pip install -e '.[local]' && bourn chat" in README
    assert "python3 -m pip install -e '.[test]' && python3 -m pytest" in README
    assert re.search(r"^local = \[", project, re.MULTILINE)
    assert re.search(r"^test = \[", project, re.MULTILINE)
    assert 'bourn = "bourn.cli.main:main"' in project


def test_its_map_shows_folders_that_exist() -> None:
    """Every file and folder in the README's map is there."""
    section = README.partition("## Where things are")[2]
    paths = re.findall(r"^      ([\w./ ]+?)(?:  |$)", section, re.MULTILINE)
    named = [word for path in paths for word in path.split()]
    assert len(named) > 10
    for name in named:
        assert (ROOT / "src/bourn" / name).exists(), name


LINKS = {link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", README) if "://" not in link}


def test_its_links_lead_somewhere() -> None:
    """Every file that it links to is there."""
    assert len(LINKS) > 10
    assert [link for link in LINKS if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("folder", ["docs/*.md", "examples/*.py"])
def test_it_links_to_every_page_and_example(folder: str) -> None:
    """None is there that a reader of the README would not find."""
    assert {str(path.relative_to(ROOT)) for path in ROOT.glob(folder)} <= LINKS


def test_its_table_has_every_command() -> None:
    """Each command has its row, and there is no row of one that does not exist."""
    assert set(re.findall(r"^\| `bourn (\w+)", README, re.MULTILINE)) == set(COMMANDS)
