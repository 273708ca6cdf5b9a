"""`bourn batch`: answers for a file of questions, once each, whatever happens to the run."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bourn.dialects.base import HttpCall
from bourn.messages import Request
from bourn.mock import Scenario, ThreadedServer, computed, http_error, ops, text
from tests.cli.answers import MODEL, answer
from tests.cli.conftest import Bourn, Outcome
from tests.cli.typist import Typist

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


class Batch:
    """A `bourn batch` in this process; its transport answers with the prompt, and `asked` is what it was asked."""

    def __init__(self, bourn: Bourn, folder: Path) -> None:
        self._bourn = bourn
        self.input, self.output = folder / "in.jsonl", folder / "out.jsonl"
        self.asked: list[dict[str, Any]] = []
        bourn.answers(self._steps)

    def _steps(self, call: HttpCall) -> list[Any]:
        body = json.loads(call.body)
        self.asked.append(body)
        said = body["messages"][-1]["content"]
        return [ConnectionResetError("bug")] if said == "bug" else answer(said)

    def __call__(self, *words: str, rows: Any = None, stdin: Any = None, **how: Any) -> Outcome:
        if rows is not None:
            self.input.write_text("".join(json.dumps(row) + "\n" for row in rows))
        paths = [] if stdin is not None else [str(self.input), str(self.output)]
        return self._bourn("batch", *paths, "-m", MODEL, *words, stdin=stdin, **how)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What was written."""
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    @property
    def prompts(self) -> list[str]:
        """What was asked."""
        return [body["messages"][-1]["content"] for body in self.asked]


@pytest.fixture
def batch(bourn: Bourn, tmp_path: Path) -> Batch:
    return Batch(bourn, tmp_path)


class TestAnswers:
    def test_each_row_gets_its_answer(self, batch: Batch) -> None:
        """With index, id, what it said of itself, text, reason, usage, and no error; remarks are on standard error."""
        outcome = batch(rows=["a", {"id": "x", "prompt": "b", "metadata": [1]}])
        assert (outcome.status, outcome.out) == (0, "")
        assert outcome.err.splitlines()[-1] == f"bourn: 2 rows are in {batch.output}"
        first, second = sorted(batch.rows, key=lambda row: row["index"])
        assert (first["text"], first["id"], first["error"], first["finish_reason"]) == ("a", None, None, "stop")
        assert first["usage"]["input_tokens"] == 12
        assert (second["text"], second["id"], second["metadata"], second["model"]) == ("b", "x", [1], "gpt-test")

    def test_options_of_the_command_and_of_the_row(self, batch: Batch) -> None:
        """A row's own go before the command's; a system prompt is put before those that have none."""
        mine = {"messages": [{"role": "system", "content": "mine"}, {"role": "user", "content": "b"}], "max_tokens": 5}
        bare = {"body": {"model": "other", "messages": [{"role": "user", "content": "c"}]}}
        assert batch("--max-tokens", "9", "-s", "yours", "--ordered", "-c", "1", rows=["a", mine, bare]).status == 0
        told = [(body["messages"][0]["content"], body["max_completion_tokens"], body["model"]) for body in batch.asked]
        assert told == [("yours", 9, "gpt-test"), ("mine", 5, "gpt-test"), ("yours", 9, "other")]

    def test_an_error_is_a_row_and_the_exit_code_says_so(self, batch: Batch) -> None:
        """The others are answered; --retry-errors asks that row again, and no other."""
        outcome = batch(rows=["a", "bug", "c"])
        assert outcome.status == 9
        assert outcome.err.splitlines()[-1].startswith("bourn: 1 of 3 rows are errors (ConnectionResetError 1); --retry-errors")
        assert {row["index"]: row["error"] and row["error"]["type"] for row in batch.rows} == {
            0: None, 1: "ConnectionResetError", 2: None,
        }  # fmt: skip
        assert batch().status == 9
        assert len(batch.asked) == 3
        batch._bourn.answers(lambda call: answer("mended"))
        assert batch("--retry-errors").status == 0
        assert sorted((row["index"], row["text"]) for row in batch.rows) == [(0, "a"), (1, "mended"), (2, "c")]

    def test_a_pipe_in_and_a_pipe_out(self, batch: Batch, tmp_path: Path) -> None:
        """Rows come as lines come; one that cannot be read is an error row with its line."""
        command = [sys.executable, "-m", "bourn", "batch", "-", "-", "-m", "mock/echo", "-c", "1", "-q"]
        done = subprocess.run(command, input=b'"a"\n\nnope\n"b"', capture_output=True, check=False)  # noqa: S603 - our program
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 9
        assert [(row["index"], row["text"]) for row in rows] == [(0, "a"), (1, ""), (2, "b")]
        assert rows[1]["error"]["message"].startswith("line 3, column 1")

    def test_a_wrong_key_stops_the_run(self, batch: Batch) -> None:
        """It is the same for all rows: nothing is written, and the code is that of a key."""
        batch._bourn.answers([b'{"error":{"message":"no"}}'], status=401)
        outcome = batch("-c", "1", rows=["a"] * 50)
        assert (outcome.status, batch.output.read_text()) == (3, "")
        assert len(batch._bourn.transport.calls) <= 2


class TestGoingOn:
    def test_what_is_written_is_not_asked_again(self, batch: Batch) -> None:
        """Rows that are there stay as they are, the others are asked; a torn line is one of the others."""
        batch(rows=["a", "b", "c", "d"])
        lines = sorted(batch.output.read_text().splitlines(keepends=True))
        batch.output.write_text(lines[2] + lines[0] + lines[1][:30])
        batch.asked.clear()
        outcome = batch()
        assert outcome.err.startswith("bourn: 2 of 4 rows are in ")
        assert sorted(batch.prompts) == ["b", "d"]
        assert batch.output.read_text().startswith(lines[2] + lines[0])
        assert sorted(row["text"] for row in batch.rows) == ["a", "b", "c", "d"]

    def test_when_all_is_done_nothing_is_asked(self, batch: Batch) -> None:
        """The same command once more changes nothing."""
        batch(rows=["a"])
        before = batch.output.read_text()
        outcome = batch()
        assert (outcome.status, len(batch.asked), batch.output.read_text()) == (0, 1, before)
        assert "nothing is left to ask" in outcome.err

    def test_rows_may_be_added_to_the_input(self, batch: Batch) -> None:
        """What was done stays done."""
        batch(rows=["a"])
        batch(rows=["a", "b"])
        assert batch.prompts == ["a", "b"]

    def test_in_order(self, batch: Batch) -> None:
        """With --ordered the file is in the order of the questions; one that is not, is not gone on with so."""
        prompts = [f"p{at}" for at in range(30)]
        batch("--ordered", "-c", "7", rows=prompts)
        assert [row["text"] for row in batch.rows] == prompts
        lines = batch.output.read_text().splitlines(keepends=True)
        batch.output.write_text(lines[1] + lines[0])
        assert batch("--ordered").status == 2


@pytest.mark.parametrize(
    ("words", "rows", "says"),
    [
        (["-c", "0"], ["a"], "--concurrency has to be at least 1, not 0"),
        (["--rpm", "0"], ["a"], "--rpm must be a positive number"),
        (["-c", "x"], ["a"], "'x' is not a whole number"),
        ([], ["a", {"prompt": ""}], "line 2: the prompt is an empty string"),
        ([], ["a", {"prompt": "x", "model": "opnai/y"}], "line 2: unknown provider 'opnai'; did you mean 'openai'?"),
        ([], ["a", {"prompt": "x", "max_tokens": -1}], "line 2: max_tokens"),
        (["--retry-errors", "--ordered"], ["a"], "use one of them"),
        (["--max-tokens", "0"], ["a"], "max_tokens"),
    ],
)
def test_what_is_wrong_is_found_before_anything_is_sent(batch: Batch, words: list[str], rows: Any, says: str) -> None:
    """One sentence, code 2; no request, no output."""
    outcome = batch(*words, rows=rows)
    assert outcome.status == 2
    assert says in outcome.err
    assert outcome.err.count("\n") == 1
    assert batch.asked == []
    assert not batch.output.exists()


def test_a_row_whose_key_is_missing_is_found_before_anything_is_sent(batch: Batch) -> None:
    """Each model that a row names is looked at; the code is that of a key."""
    outcome = batch(rows=["a", {"prompt": "x", "model": "anthropic/c"}])
    assert (outcome.status, batch.asked) == (3, [])
    assert "line 2: anthropic wants an API key" in outcome.err


def test_an_input_that_cannot_be_read(batch: Batch, tmp_path: Path) -> None:
    """One that is not there, and a folder, are mistakes of the command line: named, and the code says so."""
    for path, says in ((tmp_path / "none.jsonl", "No such file"), (tmp_path, "Is a directory")):
        outcome = batch._bourn("batch", str(path), str(batch.output), "-m", MODEL)
        assert outcome.status == 2
        assert outcome.err.startswith(f"bourn: {path}: {says}")
        assert not batch.output.exists()


def test_files_that_cannot_be_used(batch: Batch, tmp_path: Path) -> None:
    """An input that is not there, one that is its own output, an output of another input, or nowhere."""
    assert "in.jsonl: No such file" in batch().err
    assert batch(rows=["a"]).status == 0
    assert batch(rows=["b"]).err.endswith("has the answers to another input; name another output\n")
    batch.output = batch.input
    assert "IN and OUT are the same file" in batch().err
    batch.output = tmp_path / "nowhere" / "out.jsonl"
    assert "No such file or directory" in batch().err
    assert batch.prompts == ["a"]
    batch.output = tmp_path / "out.jsonl"
    pipe = io.TextIOWrapper(io.BytesIO(b'"a"\n'))
    outcome = batch._bourn("batch", "-", str(batch.output), "-m", MODEL, stdin=pipe)
    assert "a pipe cannot be gone on with" in outcome.err


class Counting:
    """A server that answers with the prompt and counts what it is asked; one that is told to hold lets nobody go."""

    def __init__(self, held: str = "") -> None:
        self.asked: Counter[str] = Counter()
        self._held = held
        self.server = ThreadedServer(computed(self._answer))

    def _answer(self, request: Request) -> Scenario:
        prompt = request.messages[-1].text
        self.asked[prompt] += 1
        return text(ops.WaitFor("go"), prompt) if prompt == self._held else text(prompt)

    def start(self, folder: Path, *words: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "bourn",
            "batch",
            str(folder / "in.jsonl"),
            str(folder / "out.jsonl"),
            *self.to,
            *words,
        ]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our program

    @property
    def to(self) -> list[str]:
        return ["-m", MODEL, "--base-url", self.server.base_url(), "-q"]


@posix
@pytest.mark.parametrize(
    ("prompts", "kills", "ordered"),
    [(200, 3, False), (200, 3, True), pytest.param(2000, 20, False, marks=pytest.mark.thorough)],
)
def test_kill_9_loses_and_doubles_no_row(tmp_path: Path, prompts: int, kills: int, ordered: bool) -> None:
    """Killed again and again at moments of chance: in the end each row is there once, and only what ran was asked twice."""
    concurrency, window = 8, 32 if ordered else 8
    seed = random.randrange(10**6)
    dice = random.Random(seed)
    wanted = [f"prompt {at}" for at in range(prompts)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(prompt) + "\n" for prompt in wanted))
    counting = Counting()
    with counting.server as server:
        words = ["-c", str(concurrency), *(["--ordered"] if ordered else [])]
        for _ in range(kills):
            asked = counting.asked.total() + dice.randrange(1, 2 * (prompts // kills - window) // 2 + 1)
            with counting.start(tmp_path, *words) as process:
                server.wait(lambda _, asked=asked: counting.asked.total() >= asked, timeout=60)  # type: ignore[misc]
                process.kill()
            assert process.returncode == -signal.SIGKILL, f"seed {seed}: it was over before it was killed"
        with counting.start(tmp_path, *words) as last:
            assert last.wait(120) == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert Counter(row["index"] for row in rows) == Counter(range(prompts)), f"seed {seed}"
    assert all(row["text"] == wanted[row["index"]] and row["error"] is None for row in rows), f"seed {seed}"
    assert set(counting.asked) == set(wanted)
    assert counting.asked.total() <= prompts + kills * window, f"seed {seed}"
    if ordered:
        assert [row["index"] for row in rows] == list(range(prompts))


@posix
class TestCtrlC:
    @pytest.fixture
    def held(self, tmp_path: Path) -> Iterator[Counting]:
        rows = [f"p{at}" for at in range(50)]
        (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        counting = Counting(held="p5")
        with counting.server:
            yield counting

    def typist(self, held: Counting, tmp_path: Path, *words: str) -> Typist:
        return Typist("batch", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"), *held.to[:-1], *words)

    def test_the_first_one_waits_for_what_runs(self, held: Counting, tmp_path: Path) -> None:
        """No more rows are taken; what runs is written; it says how to go on, and that works."""
        with self.typist(held, tmp_path, "-c", "1") as person:
            held.server.wait(lambda _: held.asked["p5"])
            person.expect("10 %  5 of 50 rows")
            person.interrupt()
            person.expect("bourn: waiting for the 1 that run; Ctrl-C again ends at once")
            held.server.signal("go")
            person.expect(f"bourn: stopped: 6 of 50 rows are in {tmp_path / 'out.jsonl'}; the same command goes on")
            assert person.leave() == 130
        with held.start(tmp_path) as process:
            assert process.wait(60) == 0
        assert set(held.asked.values()) == {1}

    def test_the_second_one_ends_at_once(self, held: Counting, tmp_path: Path) -> None:
        """The row that ran is not written, and asked again next time."""
        with self.typist(held, tmp_path, "-c", "1") as person:
            held.server.wait(lambda _: held.asked["p5"])
            person.interrupt()
            person.expect("Ctrl-C again ends at once")
            person.interrupt()
            person.expect("bourn: stopped: 5 of 50 rows are in")
            assert person.leave() == 130
        assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 5


def test_a_refusal_with_a_status_is_told(bourn: Bourn, tmp_path: Path) -> None:
    """An error row has the status and the provider's words, and whether it may be asked again."""
    (tmp_path / "in.jsonl").write_text('"a"\n')
    with ThreadedServer(http_error(500, "broken", code="c-1")) as server:
        command = [sys.executable, "-m", "bourn", "batch", str(tmp_path / "in.jsonl"), "-", "-m", MODEL]
        environ = os.environ | {"OPENAI_BASE_URL": server.base_url()}
        done = subprocess.run(command, capture_output=True, check=False, env=environ)  # noqa: S603 - our program
    error = json.loads(done.stdout)["error"]
    assert error.pop("request_id")
    assert error == {"type": "ServerError", "message": "broken", "status": 500, "code": "c-1", "retryable": True}
