"""`bourn compare`: several models, side by side."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bourn.cli import exits
from bourn.mock import ThreadedServer, ops, text
from tests.cli.answers import answer
from tests.cli.conftest import Bourn


@pytest.fixture
def mocked(bourn: Bourn) -> Bourn:
    """A `bourn` that reaches the models of `mock/`."""
    bourn.transport = None  # type: ignore[assignment]  # the client's own
    return bourn


BOTH = ("-m", "mock/hello", "-m", "mock/reasoning")


def test_answers_and_figures(mocked: Bourn) -> None:
    """In a pipe: each answer under its model's name, then a table and the timeline; nothing on standard error."""
    done = mocked("compare", "hi", *BOTH)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("== mock/hello\nHello! How can I help you today?\n\n== mock/reasoning\nThe answer is 42.\n")
    lines = done.out.splitlines()
    (heading,) = [at for at, line in enumerate(lines) if line.startswith("model ")]
    assert [line.split()[0] for line in lines[heading + 1 : heading + 3]] == ["mock/hello", "mock/reasoning"]
    assert "\x1b" not in done.out


def test_columns_on_a_terminal(mocked: Bourn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole answers stand beside each other when they are there; what was drawn before is gone."""
    monkeypatch.setenv("COLUMNS", "80")
    done = mocked("compare", "hi", *BOTH, terminal=True)
    whole = done.out.rpartition("\x1b[J")[2]
    first = whole.splitlines()[0]
    assert first.startswith("mock/hello")
    assert "│ mock/reasoning" in first
    assert "│ The answer is 42." in whole


def test_every_model_is_asked_the_same(bourn: Bourn) -> None:
    """Prompt, system prompt and options reach each of them."""
    bourn.answers(answer("ok"))("compare", "hi", "-m", "openai/a", "-m", "openai/b", "-s", "brief", "--max-tokens", "9")
    asked = [json.loads(call.body) for call in bourn.transport.calls]
    assert sorted(body.pop("model") for body in asked) == ["a", "b"]
    assert asked[0] == asked[1]
    assert [message["content"] for message in asked[0]["messages"]] == ["brief", "hi"]


def test_one_failure_is_one_column(mocked: Bourn) -> None:
    """The others go on; the failure is told, and is the exit code."""
    done = mocked("compare", "hi", "-m", "mock/hello", "-m", "mock/rate-limited", "-m", "mock/truncated")
    assert done.status == exits.BUSY
    assert "Hello! How can I help you today?" in done.out
    assert "RateLimitError" in done.out
    assert "== mock/truncated\nA stream is told" in done.out
    assert done.err.count("bourn: ") == 2


def test_json(mocked: Bourn) -> None:
    """One array: the responses, their times, and when each piece came."""
    done = mocked("compare", "hi", *BOTH, "-m", "mock/overloaded", "--json")
    hello, thought, busy = json.loads(done.out)
    assert (hello["asked"], hello["text"], hello["error"]) == ("mock/hello", "Hello! How can I help you today?", None)
    assert sum(size for _, size in hello["arrivals"]) == len(hello["text"])
    assert thought["reasoning"]
    assert (busy["error"]["type"], busy["complete"]) == ("OverloadedError", False)
    assert done.status == exits.BUSY


def test_html(mocked: Bourn, tmp_path: Path) -> None:
    """The page is written beside the text."""
    file = tmp_path / "page.html"
    done = mocked("compare", "hi", *BOTH, "--html", str(file))
    assert done.out.startswith("== mock/hello")
    assert f"wrote {file}" in done.err
    assert "The answer is 42." in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hi",), "at least two models"),
        (("hi", "-m", "mock/hello"), "at least two models"),
        (("hi", *BOTH, "-m", "mock/hello"), "mock/hello is named twice"),
        (("hi", *BOTH, "-m", "antropic/x"), "did you mean 'anthropic'"),
        (("hi", *BOTH, "--max-tokens", "0"), "max_tokens"),
        (("hi", *BOTH, "--html", "/no/such/folder/page.html"), "No such file or directory"),
        (("hi", *BOTH, "--api-key", "sk-1"), "a key is not taken on the command line"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(bourn: Bourn, words: tuple[str, ...], said: str) -> None:
    """One sentence, and no answer."""
    done = bourn("compare", *words)
    assert done.status in (exits.INPUT, exits.BUG)
    assert said in done.err
    assert done.out == ""
    assert bourn.transport.calls == []


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_ctrl_c_shows_what_had_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both answers are stopped, their connections closed, and what had come is shown beside each other."""
    from tests.cli.typist import Typist

    with ThreadedServer(text("So far, ", ops.WaitFor("never"))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url())
        with Typist("compare", "hi", "-m", "openai/a", "-m", "openai/b") as user:
            user.expect("So far,")
            while "So far," not in user.expect("\n"):
                pass
            user.interrupt()
            user.expect("openai/a")
            user.expect("stopped")
            assert user.leave() == exits.STOPPED
        ended = server.wait(lambda journal: [each for each in journal.exchanges if each.ending != "open"])
    assert "So far," in user.screen.rpartition("stopped")[0]
    assert "Traceback" not in user.screen
    assert {each.ending for each in ended} == {"peer left"}
