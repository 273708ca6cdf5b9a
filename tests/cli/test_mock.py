"""`bourn mock`: a server as a process of its own, and the lists of what it can do."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import urllib.request
from pathlib import Path

import pytest

import bourn as library
from bourn.cli.mock import chosen, read_fault
from bourn.mock import faults
from bourn.mock.named import SCENARIOS
from tests.cli.conftest import Bourn
from tests.cli.serving_process import Running

posix = pytest.mark.skipif(sys.platform == "win32", reason="a Ctrl-C cannot be sent to one process on Windows")


def collected(stream: library.Stream) -> str:
    """The text of an answer, for tests that wait for another process: in real time."""

    async def collect() -> str:
        return (await stream.collect()).text

    return asyncio.run(collect())


def test_faults_are_listed_with_what_they_do_and_their_fields(bourn: Bourn) -> None:
    """Every fault is there, by the name that --fault takes."""
    outcome = bourn("mock", "faults")
    assert outcome.status == 0
    for name, kind in faults.FAULTS.items():
        assert f"{name}\n    {faults.describe(kind)}\n" in outcome.out
        assert all(f"{field}=" in outcome.out for field in kind.__struct_fields__)


def test_what_the_list_says_can_be_given_to_fault(bourn: Bourn) -> None:
    """A fault's defaults as they are listed make that fault."""
    lines = bourn("mock", "faults").out.split("\n")
    for at, line in enumerate(lines):
        if line.startswith("    fields: ") and '"' not in line:
            assert read_fault(f"{lines[at - 2]}:{line[12:]}") == faults.FAULTS[lines[at - 2]]()


def test_scenarios_are_listed(bourn: Bourn) -> None:
    """Those that are always there, one a line."""
    outcome = bourn("mock", "scenarios")
    assert (outcome.status, outcome.out.split()) == (0, list(SCENARIOS))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sreve"], "unknown action 'sreve'; did you mean serve?"),
        (["serve", "--scenario", "slwo"], "there is no scenario and no file 'slwo'; did you mean slow?"),
        (["serve", "--scenario", "nope.toml"], "cannot read the scenario file nope.toml: No such file or directory"),
        (["serve", "--fault", "rset"], "unknown fault 'rset'; did you mean 'reset'?"),
        (["serve", "--fault", "reset:evnt=3"], "its fields are: event, byte, inside"),
        (["serve", "--fault", "reset:event"], "'event' is no field; write reset:KEY=VALUE,KEY=VALUE"),
        (["serve", "--fault", "reset:event=x"], "Expected `int`"),
        (["serve", "--dialect", "opnai"], "unknown dialect 'opnai'; known are openai-chat, "),
        (["serve", "--replay", "nope"], "nope is no folder: a recording is a folder with response.json"),
        (["serve", "--text", "a", "--scenario", "b"], "not allowed with argument"),
        (["serve", "--host", "no.such.host.invalid"], "cannot listen on no.such.host.invalid"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_what_to_write(bourn: Bourn, words: list[str], said: str) -> None:
    """Nothing listens, and the exit code is 2."""
    outcome = bourn("mock", *words)
    assert outcome.status == 2
    assert not outcome.out
    assert outcome.err.count("\n") == 1
    assert said in outcome.err


def test_a_mistake_in_a_scenario_file_names_its_place(bourn: Bourn, tmp_path: Path) -> None:
    """The file, the scenario, and what was probably meant."""
    file = tmp_path / "answers.toml"
    file.write_text('[scenario.hello]\ntxet = "Hi"\n')
    outcome = bourn("mock", "serve", "--scenario", str(file))
    assert outcome.status == 2
    assert f"{file}: scenario 'hello': unknown key `txet`; did you mean 'text'?" in outcome.err
    file.write_text("[scenario]\n")
    assert "has no scenario in it: write a table [scenario.NAME]" in bourn("mock", "serve", "--scenario", str(file)).err


def test_a_fault_does_not_go_with_a_recording(bourn: Bourn, tmp_path: Path) -> None:
    """A recording is replayed as it is."""
    outcome = bourn("mock", "serve", "--replay", str(tmp_path), "--fault", "drip")
    assert (outcome.status, outcome.err) == (2, "bourn: --fault breaks a scenario; a recording is replayed as it is\n")


def test_a_port_in_use_is_one_sentence(bourn: Bourn) -> None:
    """It says which, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = bourn("mock", "serve", "--port", str(port))
    said = f"bourn: port {port} on 127.0.0.1 is in use: end the program that has it, or give --port 0 for a free one\n"
    assert (outcome.status, outcome.err) == (2, said)


def test_fields_of_a_fault_are_numbers_words_and_more() -> None:
    """What is JSON is read as JSON, anything else is a text."""
    assert read_fault("stall:seconds=1.5,inside=line") == faults.Stall(seconds=1.5, inside="line")
    assert read_fault("huge-header:many=true") == faults.HugeHeader(many=True)


def test_a_scenario_is_a_file_or_a_name(tmp_path: Path) -> None:
    """The first scenario of a file comes first."""
    (tmp_path / "two.toml").write_text('[scenario.b]\ntext = "B"\n[scenario.a]\ntext = "A"\n')
    assert list(chosen(str(tmp_path / "two.toml"), None)) == ["b", "a"]
    assert chosen("slow", None) == {"slow": SCENARIOS["slow"]}
    assert chosen(None, None) == {"hello": SCENARIOS["hello"]}


@posix
def test_serve_answers_every_dialect_until_ctrl_c() -> None:
    """It shows base URLs to paste, tells each exchange in a line, sums up, and ends with code 0."""
    with Running("mock", "serve", "--text", "Hello world") as running:
        assert running.addresses["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{running.port}"
        told = [
            library.stream("openai/m", "hi", base_url=running.addresses["OPENAI_BASE_URL"], api_key="k"),
            library.stream("anthropic/m", "hi", base_url=running.addresses["ANTHROPIC_BASE_URL"], api_key="k"),
            library.stream("openai/mock/echo", "say it", base_url=running.addresses["OPENAI_BASE_URL"], api_key="k"),
        ]
        assert [collected(stream) for stream in told] == ["Hello world", "Hello world", "say it"]
        assert "POST  /v1/chat/completions  openai-chat" in running.wait_for("whole")
        assert "POST  /v1/messages  anthropic" in running.wait_for("whole")
        assert "openai-chat  echo" in running.wait_for("whole")
        assert running.stop() == 0
    assert running.said[-1].startswith("bourn: 3 requests over 3 connections; ")
    assert running.said[-1].endswith("; 3 whole\n")


@posix
def test_serve_breaks_every_answer_and_says_how() -> None:
    """A fault of the command line strikes, and is in the exchange's line; the journal is at a URL; SIGTERM is an end, too."""
    with Running("mock", "serve", "--scenario", "slow", "--fault", "reset:event=3", "--dialect", "openai-chat") as running:
        assert list(running.addresses) == ["OPENAI_BASE_URL"]
        with pytest.raises(library.ConnectionLostError):
            collected(library.stream("openai/m", "hi", base_url=running.addresses["OPENAI_BASE_URL"], api_key="k"))
        assert "reset(event=3)" in running.wait_for("cut")
        with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/__bourn__/journal") as answer:
            journal = json.load(answer)
        assert journal["connections"][0]["exchanges"][0]["faults"] == ["reset(event=3)"]
        assert running.stop(signal.SIGTERM) == 0


@posix
def test_quiet_shows_addresses_and_nothing_else() -> None:
    """For scripts: without --quiet's remarks there is no line but the variables; it still ends with code 0."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    running = Running("mock", "serve", "--port", str(port), "--quiet")
    running.ready = "OLLAMA_HOST"
    with running:
        assert running.port == str(port)
        assert running.stop() == 0
    assert all("=http://127.0.0.1:" in line for line in running.said)


@posix
def test_what_a_scenario_cannot_do_is_said_and_ends_nothing(tmp_path: Path) -> None:
    """One request more than a scenario has turns is a line in the log; the server goes on and ends with code 0."""
    file = tmp_path / "turns.toml"
    file.write_text('[scenario.twice]\nturns = ["once"]\n[scenario.once]\ntext = "only this"\n')
    with Running("mock", "serve", "--scenario", str(file)) as running:
        url = running.addresses["OPENAI_BASE_URL"]
        assert collected(library.stream("openai/m", "hi", base_url=url, api_key="k")) == "only this"
        with pytest.raises(library.ConnectionLostError):
            collected(library.stream("openai/m", "hi", base_url=url, api_key="k"))
        assert "the scenario has 1 turns, and this is request 2" in running.wait_for("failed")
        assert running.stop() == 0
