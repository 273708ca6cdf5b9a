"""`bourn verify`: what can be named, what is said where it cannot, the report, and the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bourn.cli import exits
from bourn.cli.subjects import find
from bourn.contract import RULES
from bourn.errors import InputError
from tests.cli.conftest import Bourn

REFERENCE = "bourn.contract.reference:reference"
MODULE = """
from bourn.contract import Subject
from bourn.contract.reference import ReferenceClient, ReferenceStream, reference

subject = reference()
number = 42

class Kept:
    subject = reference("kept")

def connect(base_url):
    return ReferenceStream(ReferenceClient(base_url, "anthropic"))

def spoken(dialect, pool=None):
    return reference(f"speaks {dialect}", dialect=dialect)

async def numbers():
    yield 1

async def nothing():
    yield None

def broken():
    return Subject(name="gives nothing", factory=nothing)

def silent(base_url):
    return numbers()

def many(one, two): ...

def fails():
    raise RuntimeError("out of order")

def leaves():
    raise SystemExit(3)

def neither():
    return Subject(name="neither")
"""


@pytest.fixture
def streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of streams in the folder where `bourn` is started; its name."""
    (tmp_path / "my_streams.py").write_text(MODULE)
    (tmp_path / "my_failure.py").write_text("1 / 0")
    (tmp_path / "my_exit.py").write_text("import sys; sys.exit('no')")
    (tmp_path / "my_import.py").write_text("import there_is_no_such_module")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "my_streams"
    for name in ("my_streams", "my_failure", "my_exit", "my_import"):
        sys.modules.pop(name, None)


def test_a_good_stream_is_told_so(bourn: Bourn) -> None:
    """The report goes to standard output, how far it has come to standard error; code 0."""
    outcome = bourn("verify", REFERENCE, "--rules", "1.2,2.1")
    assert outcome.status == exits.OK, outcome.err
    assert outcome.out.startswith("reference (openai-chat), seed 0, ")
    assert outcome.out.endswith("\nok: 2 PASS\n")
    assert sorted(line.partition(";")[0] for line in outcome.err.splitlines()) == [
        "bourn: 1 Iterator protocol is done",
        "bourn: 2 Closing is done",
    ]
    assert outcome.err.endswith("2 of 2 rules judged\n")


def test_a_broken_stream_has_its_own_code(bourn: Bourn, streams: str) -> None:
    """A MUST that fails: code 8, and the sentence; not if it was known to; quiet leaves standard error empty."""
    outcome = bourn("verify", f"{streams}:broken", "--rules", "1.2", "-q")
    assert (outcome.status, outcome.err) == (exits.BROKEN, "")
    assert "it gave None as an item" in outcome.out
    assert bourn("verify", f"{streams}:broken", "--rules", "1.2", "--known-failing", "1.2").status == exits.OK


def test_known_failures_are_read_from_a_file(bourn: Bourn, streams: str, tmp_path: Path) -> None:
    """Ids in lines and between commas, with remarks; the list is strict, so one that passes fails the run."""
    known = tmp_path / "known.txt"
    known.write_text("# what we know\n1.2, 1.1 # it gives None\n", "utf-8")
    done = bourn("verify", f"{streams}:broken", "--rules", "1.2", "--known-failing", f"@{known}")
    assert done.status == exits.OK
    strict = bourn("verify", f"{streams}:broken", "--rules", "1.1,1.2", "--known-failing", f"@{known}")
    assert strict.status == exits.BROKEN
    assert "it was known to fail and does not: take it off the list" in strict.out


def test_json_is_only_json(bourn: Bourn, streams: str) -> None:
    """Standard output is one JSON document, with the seed that was given."""
    told = json.loads(bourn("verify", f"{streams}:broken", "--rules", "1.2", "--json", "--seed", "7").out)
    assert (told["ok"], told["seed"], told["counts"]) == (False, 7, {"FAIL": 1})


def test_junit_is_written_beside_the_report(bourn: Bourn, streams: str, tmp_path: Path) -> None:
    """The file has a case for each rule, and the report is shown all the same."""
    file = tmp_path / "contract.xml"
    outcome = bourn("verify", f"{streams}:broken", "--rules", "1.2,1.6", "--junit", str(file))
    assert outcome.status == exits.BROKEN
    assert "not ok" in outcome.out
    suite = ET.parse(file).getroot()[0]  # noqa: S314  # our own file
    assert [suite.get(name) for name in ("name", "tests", "failures", "skipped")] == [
        "gives nothing (openai-chat)",
        "2",
        "1",
        "1",
    ]


def test_a_page_is_written_beside_the_report(bourn: Bourn, streams: str, tmp_path: Path) -> None:
    """The file has the report as HTML, and the report is shown all the same."""
    file = tmp_path / "contract.html"
    outcome = bourn("verify", f"{streams}:broken", "--rules", "1.2,1.6", "--html", str(file))
    assert outcome.status == exits.BROKEN
    assert "not ok" in outcome.out
    page = file.read_text("utf-8")
    assert page.startswith("<!doctype html>\n<html")
    assert "not ok: gives nothing (openai-chat)" in page
    assert "it gave None as an item" in page


@pytest.mark.parametrize("option", ["--junit", "--html"])
def test_a_file_that_cannot_be_written(bourn: Bourn, tmp_path: Path, option: str) -> None:
    """The report was shown, and the file is named."""
    outcome = bourn("verify", REFERENCE, "--rules", "1.2", option, str(tmp_path / "no" / "x"))
    assert outcome.status == exits.BUG
    assert outcome.out.endswith("ok: 1 PASS\n")
    assert outcome.err.splitlines()[-1] == f"bourn: {tmp_path / 'no' / 'x'}: No such file or directory"


def test_the_rules_are_listed(bourn: Bourn) -> None:
    """All of them, or those that are named, under their sections; no stream is needed."""
    shown = bourn("verify", "--list")
    assert shown.status == exits.OK
    assert all(f"  {rule.id:5} {rule.level:6} {rule.requirement}\n" in shown.out for rule in RULES.values())
    assert bourn("verify", "--list", "--rules", "4.3").out.splitlines() == [
        "4 Cancellation",
        f"  4.3   {RULES['4.3'].level:6} {RULES['4.3'].requirement}",
    ]


def test_what_can_be_named(streams: str) -> None:
    """A subject, a function that gives one, one in a class, connect(base_url), an asynchronous generator function."""
    assert find(f"{streams}:subject", None).name == "reference"
    assert find(f"{streams}:subject", "gemini").dialect == "gemini"
    assert find(f"{streams}:Kept.subject", None).name == "kept"
    assert find(f"{streams}:spoken", "cohere").name == "speaks cohere"
    assert find(f"{streams}:broken", None).dialect == "openai-chat"
    assert find(f"{streams}:numbers", None).connect is None
    assert find(f"{streams}:connect", "anthropic").dialect == "anthropic"


def test_a_bare_connect_is_judged(bourn: Bourn, streams: str) -> None:
    """It asks the kit's server in the dialect of `--dialect`."""
    outcome = bourn("verify", f"{streams}:connect", "--dialect", "anthropic", "--rules", "1.7")
    assert (outcome.status, outcome.out.splitlines()[0].partition(",")[0]) == (0, f"{streams}:connect (anthropic)"), outcome.err


WRONG = {
    "my_streams": "'my_streams' names no stream: write package.module:name",
    "no_such.thing:x": "there is no module 'no_such'",
    "my_streams:conect": "my_streams has no 'conect'; did you mean connect?",
    "my_streams:Kept.thing": "my_streams.Kept has no 'thing'",
    "my_streams:number": "my_streams:number is 'int', which cannot be called; a contract.Subject is needed",
    "my_streams:many": "my_streams:many needs 2 arguments (one, two); a contract.Subject is needed",
    "my_streams:fails": "calling my_streams:fails failed: RuntimeError: out of order",
    "my_streams:leaves": "calling my_streams:leaves failed: SystemExit: 3",
    "my_streams:neither": "the subject 'neither' cannot be made: give factory=, connect=, or both",
    "builtins:list": "builtins:list gave 'list'; a contract.Subject is needed",
    "my_failure:x": "importing my_failure failed: ZeroDivisionError: division by zero",
    "my_exit:x": "importing my_exit failed: SystemExit: no",
    "my_import:x": "importing my_import failed: No module named 'there_is_no_such_module'",
    "my_streams:silent": "connect= of 'my_streams:silent' gave a stream that never asked http://127.0.0.1",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_factory_gets_one_sentence(bourn: Bourn, streams: str, name: str) -> None:
    """One line on standard error, code 2, and no report."""
    outcome = bourn("verify", name, "--rules", "1.2")
    assert (outcome.status, outcome.out) == (exits.INPUT, "")
    assert outcome.err.startswith(f"bourn: {WRONG[name]}")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "no stream to judge: name one"),
        (["x:y", "--rules", "99"], "there is no rule '99'"),
        ([REFERENCE, "--known-failing", "9.9"], "there is no rule '9.9'"),
        ([REFERENCE, "--known-failing", "@nowhere.txt"], "'nowhere.txt' cannot be read"),
        ([REFERENCE, "--dialect", "klingon"], "klingon"),
        ([REFERENCE, "--workers", "0"], "--workers 0: at least one is needed"),
    ],
)
def test_wrong_options_get_one_sentence(bourn: Bourn, words: list[str], says: str) -> None:
    """Code 2, and what was wrong."""
    outcome = bourn("verify", *words)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (exits.INPUT, "", 1)
    assert says in outcome.err


def test_find_raises_for_callers() -> None:
    """The error is the library's own."""
    with pytest.raises(InputError, match="names no stream"):
        find("x", None)
