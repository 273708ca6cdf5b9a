"""The output of a batch: what is in it is done, whatever happened to whoever wrote it."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import bourn
from bourn.many.inputs import digest
from bourn.many.journal import Done, Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def row(index: int, **words: Any) -> str:
    return json.dumps({"index": index, "input": f"{index:016x}", **words}, separators=(",", ":")) + "\n"


def test_what_is_written_is_done(path: Path) -> None:
    """Each row is a line, there at once, and known to be done, now and when the file is opened again."""
    with Journal(path) as journal:
        journal.add(4, digest(b"e"), {"text": "é\u2028", "error": None})
        assert json.loads(path.read_text()) == {"index": 4, "input": digest(b"e"), "text": "é\u2028", "error": None}
        journal.add(1, digest(b"b"), {"error": {"type": "X"}})
        assert 4 in journal.done
        assert 2 not in journal.done
    with Journal(path) as again:
        done = again.done
        assert (done.count, done.errors, done.last, done.in_order) == (2, 1, 4, False)
        assert [at for at in range(99) if at in done] == [1, 4]
        assert done.answers(digest(word) for word in (b"a", b"b", b"c", b"d", b"e", b"f"))


def test_a_full_disk_names_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of a row that cannot be written says where; what was written is kept."""

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Journal(path) as journal:
        journal.add(0, digest(b"a"), {"error": None})
        with monkeypatch.context() as patch, pytest.raises(OSError, match="No space") as caught:
            patch.setattr(os, "write", full)
            journal.add(1, digest(b"b"), {"error": None})
    assert caught.value.filename == str(path)
    with Journal(path) as again:
        assert (0 in again.done, 1 in again.done) == (True, False)


@pytest.mark.parametrize("others", ["abcdf", "ebcda", "abcd", "", "aacde"])
def test_an_output_knows_which_input_it_answers(others: str) -> None:
    """Other words, other places and too few rows are another input; more rows at the end are not."""
    done = Done()
    for at in (4, 1, 0):
        done.add(at, digest("abcde"[at].encode()))
    assert done.answers(digest(word.encode()) for word in "abcdefgh")
    assert not done.answers(digest(word.encode()) for word in others)


@pytest.mark.parametrize("torn", ['{"index":9,"input":"00', "{", '{"index":2,"input":"0000000000000002"}', "\0\0\0"])
def test_a_torn_last_line_is_cut_off(path: Path, torn: str) -> None:
    """What was not written to its end was not written: the next row stands in its place."""
    path.write_text(row(0) + row(1) + torn)
    with Journal(path) as journal:
        assert journal.done.count == 2
        assert path.read_text() == row(0) + row(1)
        journal.add(2, "0" * 15 + "2", {})
    assert path.read_text() == row(0) + row(1) + row(2)


@pytest.mark.parametrize(
    "text", ["my notes", "my notes\n", '{"prompt": "x"}\n', '{"prompt": "x"}', row(0) + "{}\n" + row(1), row(0) + "{bad\n",
             '{"index":-1,"input":"00"}\n', '{"index":0,"input":"xyz"}\n', "\n"]
)  # fmt: skip
def test_a_file_of_somebody_else_is_not_touched(path: Path, text: str) -> None:
    """Whatever is no row of ours, in one line or in many: an error that names the line, and every byte stays."""
    path.write_text(text)
    with pytest.raises(bourn.InputError, match=r"out.jsonl, line \d: is no row that bourn batch wrote"):
        Journal(path)
    assert path.read_text() == text


def test_a_row_that_is_there_twice_is_an_error(path: Path) -> None:
    """Nobody knows which of the two is meant."""
    path.write_text(row(0) + row(5) + row(5))
    with pytest.raises(bourn.InputError, match="line 3: row 5 is there twice"):
        Journal(path)


def test_errors_can_be_taken_out(path: Path) -> None:
    """The file is replaced whole; the rows that are errors can be written again."""
    path.write_text(row(0) + row(1, error={"type": "X"}) + row(2, error=None))
    path.chmod(0o640)
    with Journal(path, without_errors=True) as journal:
        assert (journal.done.count, journal.done.errors) == (2, 0)
        assert 1 not in journal.done
        journal.add(1, "0" * 15 + "1", {"error": None})
    assert path.read_text() == row(0) + row(2, error=None) + row(1, error=None)
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="no locks there")
@pytest.mark.parametrize("without_errors", [False, True])
def test_one_run_at_a_time(path: Path, without_errors: bool) -> None:
    """A second one is told so, also after the file was replaced; when the first is done it may."""
    path.write_text(row(0, error={"type": "X"}))
    with (
        Journal(path, without_errors=without_errors),
        pytest.raises(bourn.InputError, match="is being written by another run"),
    ):
        Journal(path)
    with Journal(path):
        pass


def test_a_device_is_written_to() -> None:
    """It has nothing to go on with."""
    with Journal(Path(os.devnull)) as journal:
        journal.add(0, "00", {})
        assert journal.done.count == 1
