"""A conversation as one text: what is joined, what is left out and said so, what a server reads."""

from __future__ import annotations

import pytest

from bourn.dialects import plain_text
from bourn.errors import InputError
from bourn.messages import Image, Message, Options, Request, Text, Tool, ToolCall

KEYS = {"max_tokens": "limit", "stop": "stop"}


def test_one_message_is_its_text() -> None:
    """Nothing is added, nothing is warned of."""
    warnings: list[str] = []
    assert plain_text.write_prompt([Message("user", "one two")], warnings.append) == "one two"
    assert warnings == []


def test_several_messages_are_joined_and_that_is_said() -> None:
    """A blank line between two; who spoke is lost."""
    warnings: list[str] = []
    said = [Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Hello")]
    assert plain_text.write_prompt(said, warnings.append) == "Be brief.\n\nHi\n\nHello"
    assert warnings == ["who said what was left out: the messages were joined, since this format takes one text"]


@pytest.mark.parametrize("part", [Image(url="http://x/y.png"), ToolCall("c", "f", "{}")])
def test_what_is_not_text_is_left_out_and_that_is_said(part: Image | ToolCall) -> None:
    """Pictures and calls have no place in a text."""
    warnings: list[str] = []
    assert plain_text.write_prompt([Message("user", (Text("Look: "), part))], warnings.append) == "Look: "
    assert warnings == ["what is not text was left out: this format takes nothing else"]


def test_options_have_the_formats_names_and_the_others_are_warned_of() -> None:
    """Only what was asked for is written."""
    warnings: list[str] = []
    asked = Options(max_tokens=5, tools=(Tool("f"),), seed=1, extra={"x": 1})
    assert plain_text.write_options(asked, KEYS, warnings.append) == {"limit": 5}
    assert sorted(warnings) == [
        "seed was left out: this format has no such option",
        "tools was left out: this format has no such option",
    ]


def test_a_request_is_read_back() -> None:
    """A text alone or in a list; keys that are not known stay in extra."""
    wanted = Request("m", (Message("user", "hi"),), Options(max_tokens=5, stop=("x",), extra={"best_of": 2}))
    for prompt in ("hi", ["hi"]):
        assert plain_text.read_text("m", prompt, {"limit": 5, "stop": ["x"], "best_of": 2}, KEYS) == wanted


@pytest.mark.parametrize("prompt", [None, [], ["a", "b"], [1, 2], {"a": 1}])
def test_a_prompt_that_is_no_text_is_refused(prompt: object) -> None:
    """Tokens and batches are named as what is not taken."""
    with pytest.raises(InputError, match="expected one string"):
        plain_text.read_text("m", prompt, {}, KEYS)
