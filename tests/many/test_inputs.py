"""The rows of a JSON Lines file, in each of their shapes, and what is wrong with them."""

from __future__ import annotations

import io
import json
from typing import Any

import msgspec
import pytest

import bourn
from bourn.many import inputs

HI = (bourn.Message("user", "hi"),)


def entry(row: Any) -> inputs.Entry:
    return inputs.read(3, 7, row if isinstance(row, bytes) else json.dumps(row).encode())


def test_a_string_is_a_prompt() -> None:
    """The row knows its place, its line, and what tells its bytes from others."""
    read = entry("hi")
    assert (read.index, read.line, read.messages, read.model, read.options) == (3, 7, HI, None, {})
    assert read.digest == inputs.digest(b'"hi"') != inputs.digest(b'"ho"')
    assert len(read.digest) == 16


@pytest.mark.parametrize("row", [{"prompt": "hi"}, {"prompt": [{"role": "user", "content": "hi"}]},
                                 {"messages": [{"role": "user", "content": "hi"}]}])  # fmt: skip
def test_a_row_has_a_prompt_or_messages(row: dict[str, Any]) -> None:
    """With options, a model, an id and metadata beside it."""
    beside = {"id": 5, "model": "groq/x", "max_tokens": 9, "temperature": None, "metadata": {"label": "a"}}
    read = entry(row | beside)
    assert (read.messages, read.id, read.model, read.bare) == (HI, "5", "groq/x", False)
    assert (read.options, read.metadata) == ({"max_tokens": 9}, {"label": "a"})


def test_a_row_of_openais_batches() -> None:
    """Names are translated, what has no name here goes along, what is ours to say is left out."""
    body = {
        "model": "gpt-5-mini",
        "messages": [{"role": "user", "content": "hi"}],
        "max_completion_tokens": 9,
        "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
        "user": "u",
        "stream": False,
    }
    read = entry({"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body})
    assert (read.id, read.model, read.bare, read.messages) == ("a", "gpt-5-mini", True, HI)
    assert read.options == {
        "max_tokens": 9,
        "reasoning": "low",
        "extra": {"user": "u", "response_format": {"type": "json_object"}},
    }


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (b'{"prompt": tru}', "line 7, column 12: Expecting value"),
        (b'"a\xff"', "line 7, column 3: is not UTF-8"),
        (b"[" * 100_000, "line 7: is nested too deeply|line 7"),
        ({}, "line 7: has to be a string, or to have one of 'prompt', 'messages' and 'body'"),
        ({"prompt": "a", "messages": []}, "one of"),
        (7, "line 7: prompt"),
        ("", "line 7: the prompt is an empty string"),
        ({"prompt": "hi", "max_tokens": 0}, "line 7: max_tokens: wanted an integer of at least 1, got 0"),
        ({"prompt": "hi", "temprature": 1}, "line 7: unknown key 'temprature'; known are id, "),
        ({"prompt": "hi", "model": 5}, "line 7: model: has to be a string"),
        ({"prompt": "hi", "base_url": "http://x"}, "unknown key 'base_url'"),
        ({"messages": [{"role": "king", "content": "x"}]}, r"line 7: messages\[0\]"),
        ({"body": {"input": "x"}}, "line 7: body: only bodies for /v1/chat/completions"),
        ({"body": {"messages": []}, "url": "/v1/embeddings"}, "only bodies for"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(row: Any, says: str) -> None:
    """Each is one InputError that begins with the line."""
    with pytest.raises(bourn.InputError, match=says) as caught:
        entry(row)
    assert caught.value.message.startswith("line 7")


def test_lines_are_numbered_and_blank_ones_left_out() -> None:
    """Numbers count all lines; a mark at the beginning, and the last line's missing end, are nothing."""
    file = io.BytesIO(b'\xef\xbb\xbf"a"\r\n\n  \n"b"')
    assert list(inputs.lines(file)) == [(1, b'"a"'), (4, b'"b"')]


def test_a_line_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is longer is an error before it is in memory."""
    monkeypatch.setattr(inputs, "LONGEST", 10)
    with pytest.raises(bourn.InputError, match="line 2: has more than"):
        list(inputs.lines(io.BytesIO(b'"a"\n"' + b"x" * 50)))


def test_a_row_can_say_that_it_cannot_be_asked() -> None:
    """From a pipe there is no looking ahead: the row carries what is wrong with it."""
    problem = bourn.InputError("line 1: no")
    row = inputs.unreadable(0, 1, b"x", problem)
    assert (row.problem, row.digest) == (problem, inputs.digest(b"x"))
    assert msgspec.structs.asdict(row)["messages"] == ()
