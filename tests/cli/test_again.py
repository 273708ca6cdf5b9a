"""`--retries`: the commands ask again, up to so often, and say so each time."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bourn.dialects.base import HttpCall
from bourn.errors import ConnectionLostError
from tests.cli.answers import answer
from tests.cli.conftest import Bourn

pytestmark = pytest.mark.usefixtures("virtual")

CUT = "the line is cut"
LINE = re.compile(rf"bourn: openai/\w+: {CUT}; asking again in \d\.\d s")


class Faltering:
    """Answers each prompt and model with "ok", after ``failures`` of them were cut; ``asked`` counts."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.asked: Counter[str] = Counter()

    def __call__(self, call: HttpCall) -> list[Any]:
        body = json.loads(call.body)
        asked = f"{body['model']} {body['messages'][-1]['content']}"
        self.asked[asked] += 1
        return [ConnectionLostError(CUT)] if self.asked[asked] <= self.failures else answer("ok")


def batch(bourn: Bourn, folder: Path, *words: str, terminal: bool = False) -> Any:
    (folder / "in.jsonl").write_text('"a"\n"b"\n')
    return bourn(
        "batch", str(folder / "in.jsonl"), str(folder / "out.jsonl"), "-m", "openai/m", "--ordered", *words, terminal=terminal
    )


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]


class TestChat:
    def test_it_asks_again_and_says_so(self, bourn: Bourn) -> None:
        """The answer is that of the last attempt; each one that failed has a line on standard error."""
        asked = Faltering(2)
        done = bourn.answers(asked)("chat", "hi", "-m", "openai/m", "--retries", "2")
        assert (done.status, done.out, asked.asked.total()) == (0, "ok\n", 3)
        first, second, _footer = done.err.splitlines()
        assert LINE.fullmatch(first)
        assert LINE.fullmatch(second)

    def test_it_gives_up(self, bourn: Bourn) -> None:
        """After so many retries the error is told, with how often it was tried."""
        asked = Faltering(9)
        done = bourn.answers(asked)("chat", "hi", "-m", "openai/m", "--retries", "1")
        assert (done.status, asked.asked.total()) == (5, 2)
        assert "2 attempts were made" in done.err.splitlines()[-1]

    def test_without_it_nothing_is_sent_twice(self, bourn: Bourn) -> None:
        """Neither by default nor with none."""
        for words in ((), ("--retries", "0")):
            asked = Faltering(1)
            assert bourn.answers(asked)("chat", "hi", "-m", "openai/m", *words).status == 5
            assert asked.asked.total() == 1

    def test_it_does_not_wait_for_ever(self, bourn: Bourn) -> None:
        """Where the provider asks for longer than it waits, the error says so, in the words of the command line."""
        bourn.answers([b'{"error":{"message":"slow"}}'], status=429, headers={"retry-after": "90"})
        done = bourn("chat", "hi", "-m", "openai/m", "--retries", "1")
        assert done.status == 4
        assert "the provider asks for 90 s, which is more than what --retries waits at most, 60 s" in done.err


class TestBatch:
    def test_a_row_tells_what_it_took(self, bourn: Bourn, tmp_path: Path) -> None:
        """A row that took several requests has them, and why; the last line of standard error has their number."""
        done = batch(bourn.answers(Faltering(1)), tmp_path, "--retries", "2")
        assert done.status == 0
        assert done.err.splitlines()[-1] == f"bourn: 2 rows are in {tmp_path / 'out.jsonl'}, after 2 retries"
        for row in rows(tmp_path):
            assert (row["text"], row["error"]) == ("ok", None)
            assert [attempt["outcome"] for attempt in row["attempts"]] == ["failed", "complete"]
            assert row["attempts"][0]["error"] == {"type": "ConnectionLostError", "message": CUT}

    def test_a_row_of_one_request_says_nothing(self, bourn: Bourn, tmp_path: Path) -> None:
        """Where the first request was answered, neither the row nor the remarks speak of attempts."""
        done = batch(bourn.answers(Faltering(0)), tmp_path, "--retries", "2")
        assert "retr" not in done.err
        assert all("attempts" not in row for row in rows(tmp_path))

    def test_a_row_that_is_given_up(self, bourn: Bourn, tmp_path: Path) -> None:
        """It is an error row with its attempts."""
        done = batch(bourn.answers(Faltering(9)), tmp_path, "--retries", "1")
        assert done.status == 9
        assert "2 of 2 rows are errors (ConnectionLostError 2), after 2 retries; --retry-errors" in done.err
        assert [len(row["attempts"]) for row in rows(tmp_path)] == [2, 2]

    def test_the_bar_counts(self, bourn: Bourn, tmp_path: Path) -> None:
        """Beside the bar stands how many retries there were."""
        done = batch(bourn.answers(Faltering(1)), tmp_path, "--retries", "1", terminal=True)
        assert "2 of 2 rows" in done.err
        assert re.search(r"2 of 2 rows .*2 retries", done.err)

    def test_every_row_has_its_own(self, bourn: Bourn, tmp_path: Path) -> None:
        """However many others were asked again, a row is asked as often as was promised."""
        (tmp_path / "in.jsonl").write_text("".join(f'"{at}"\n' for at in range(200)))
        asked = Faltering(3)
        paths = (str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
        done = bourn.answers(asked)("batch", *paths, "-m", "openai/m", "-c", "50", "--retries", "3")
        assert (done.status, set(asked.asked.values())) == (0, {4})


class TestCompare:
    def test_in_a_pipe_each_retry_is_a_line(self, bourn: Bourn) -> None:
        """Each model is asked again by itself."""
        done = bourn.answers(Faltering(1))("compare", "hi", "-m", "openai/a", "-m", "openai/b", "--retries", "1")
        assert done.status == 0
        assert len([line for line in done.err.splitlines() if LINE.fullmatch(line)]) == 2

    def test_on_a_terminal_they_are_told_of_afterwards(self, bourn: Bourn) -> None:
        """A line each would spoil the columns: the head of the column counts, and the end tells."""
        done = bourn.answers(Faltering(1))("compare", "hi", "-m", "openai/a", "-m", "openai/b", "--retries", "1", terminal=True)
        assert done.status == 0
        assert "waiting, 1 failed" in done.out
        assert re.findall(r"bourn: (openai/\w) was asked 2 times: the line is cut", done.err) == ["openai/a", "openai/b"]


@pytest.mark.parametrize("number", ["-1", "101", "two"])
@pytest.mark.parametrize("command", [("chat", "hi", "-m", "openai/m"), ("compare", "hi", "-m", "openai/m", "-m", "openai/n")])
def test_a_number_that_is_none_of_retries(bourn: Bourn, command: tuple[str, ...], number: str) -> None:
    """It is refused in one sentence that names the option, before anything is sent."""
    done = bourn(*command, f"--retries={number}")
    assert done.status == 2
    assert "--retries" in done.err
    assert done.err.count("\n") == 1
    assert bourn.transport.calls == []
