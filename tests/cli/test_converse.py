"""The conversation, on a real pseudo-terminal with a real server."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bourn.mock import Reply, ops
from tests.cli.answers import MODEL, Served, Steps, answer
from tests.cli.typist import CTRL_D, Typist

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")

HELD: Steps = [*answer("Hello ", "never")[:2], ops.Stall()]
"""An answer that says "Hello " and then nothing more."""


def chat(served: Served, *words: str) -> Typist:
    return Typist("chat", "-m", MODEL, "--base-url", served.url, *words)


def said(served: Served, at: int) -> list[tuple[str, str]]:
    """The messages of a request."""
    messages = json.loads(served.asked[at].body)["messages"]
    return [(message["role"], message["content"]) for message in messages]


def test_a_conversation_has_a_memory() -> None:
    """Each question is sent with what was said before; Ctrl-D leaves with code 0."""
    with Served(answer("Hi **Ann**."), answer("You are Ann.")) as served, chat(served, "-s", "be kind") as user:
        user.enter("I am Ann")
        user.expect("Hi Ann.")
        user.expect("tokens: 12 in, 3 out")
        user.enter("Who am I?")
        user.expect("You are Ann.")
        user.expect("> ")
        user.type(CTRL_D)
        assert user.leave() == 0
    assert said(served, 1) == [
        ("system", "be kind"),
        ("user", "I am Ann"),
        ("assistant", "Hi **Ann**."),
        ("user", "Who am I?"),
    ]


def test_the_first_ctrl_c_stops_the_answer_and_the_second_leaves() -> None:
    """A stopped answer stays in the conversation as far as it came; Ctrl-C twice in a row ends with code 130."""
    with Served(HELD, answer("Yes."), HELD) as served, chat(served) as user:
        user.enter("one")
        user.expect("Hello")
        user.interrupt()
        user.expect("stopped")
        user.enter("two")
        user.expect("Yes.")
        user.enter("three")
        user.expect("Hello")
        user.interrupt()
        user.expect("stopped")
        user.expect("> ")
        user.interrupt()
        assert user.leave() == 130
    assert said(served, 1) == [("user", "one"), ("assistant", "Hello "), ("user", "two")]
    assert "Traceback" not in user.screen


def test_ctrl_c_at_the_prompt_warns_first() -> None:
    """A Ctrl-C that comes a moment too late for the answer does not end the conversation; what was typed is dropped."""
    with Served(answer("ok")) as served, chat(served) as user:
        user.expect("> ")
        user.type("half a thou")
        user.expect("half a thou")
        user.interrupt()
        user.expect("(Ctrl-C again or Ctrl-D ends)")
        user.enter("whole")
        user.expect("ok")
        user.expect("> ")
        user.interrupt()
        user.expect("(Ctrl-C again or Ctrl-D ends)")
        user.expect("> ")
        user.interrupt()
        assert user.leave() == 130
    assert said(served, 0) == [("user", "whole")]


def test_a_failure_does_not_end_the_conversation() -> None:
    """A cut answer is kept as far as it came; a question that got none is forgotten; the next one is answered."""
    refused = Reply(429, {"content-type": "application/json", "retry-after": "7"}, [b'{"error": {"message": "slow down"}}'])
    with Served(answer("Once ", "upon")[:2], refused, answer("ok")) as served, chat(served) as user:
        user.enter("tell")
        user.expect("cut off")
        user.enter("more")
        user.expect("slow down; ask again in 7 s")
        user.enter("and now")
        user.expect("ok")
        user.enter("/quit")
        assert user.leave() == 0
    assert said(served, 2) == [("user", "tell"), ("assistant", "Once "), ("user", "and now")]


def test_several_lines_in_quotes_or_pasted() -> None:
    """Triple quotes take a text of several lines; so does a paste, which a terminal marks as one."""
    with Served(answer("one"), answer("two")) as served, chat(served) as user:
        user.expect("> ")
        user.type('"""first\r')
        user.expect(". ")
        user.type('second"""\r')
        user.expect("one")
        user.expect("> ")
        user.type("\x1b[200~third\nfourth\x1b[201~\r")
        user.expect("two")
        user.expect("> ")
        user.type(CTRL_D)
        assert user.leave() == 0
    assert said(served, 0) == [("user", "first\nsecond")]
    assert said(served, 1)[-1] == ("user", "third\nfourth")


def commands(user: Typist, *steps: tuple[str, str]) -> None:
    """Enter each line and wait for what it must bring."""
    for line, expected in steps:
        user.enter(line)
        user.expect(expected)


def test_the_commands(tmp_path: Path) -> None:
    """Each command does what /help says; a wrong one is a sentence and no question."""
    file = tmp_path / "said.json"
    steps: Sequence[tuple[str, str]] = (
        ("/help", "begin and end a text of several lines"),
        ("/sytem x", "unknown command /sytem; did you mean /system?"),
        ("/system be brief", "the system prompt is set"),
        ("hello", "one"),
        ("/save", "/save wants the name of a file"),
        (f"/save {file}", "3 messages are in"),
        (f"/save {file}", "File exists"),
        ("/model", f"talking with {MODEL}"),
        ("/model nonsense", "not a model id"),
        ("/model openai/gpt-other", "talking with openai/gpt-other"),
        ("/clear", "the conversation begins anew"),
        ("/system", "there is no system prompt"),
        (" /etc is what?", "two"),
    )
    with Served(answer("one"), answer("two")) as served, chat(served) as user:
        commands(user, *steps)
        user.enter("/exit")
        assert user.leave() == 0
    assert [message["content"] for message in json.loads(file.read_text())] == ["be brief", "hello", "one"]
    assert said(served, 1) == [("user", "/etc is what?")]
    assert json.loads(served.asked[1].body)["model"] == "gpt-other"


def test_ctrl_c_stops_a_single_answer() -> None:
    """With a prompt, Ctrl-C ends the program with code 130, after what had arrived."""
    with Served(HELD) as served, chat(served, "hi") as user:
        user.expect("Hello")
        user.interrupt()
        user.expect("stopped")
        assert user.leave() == 130
    assert "Traceback" not in user.screen


def test_json_wants_a_prompt() -> None:
    """A conversation has no JSON form: code 2."""
    with Typist("chat", "-m", MODEL, "--json") as user:
        user.expect("--json needs a prompt")
        assert user.leave() == 2
