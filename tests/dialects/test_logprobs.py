"""Log probabilities in rows and in columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.logprobs import read_columns, read_rows, write_columns, write_rows
from bourn.events import ChosenToken, TokenLogprob
from bourn.testing.strategies import chosen_tokens, json_values


@given(st.lists(chosen_tokens, max_size=3).map(tuple))
def test_rows_say_it_all(tokens: tuple[ChosenToken, ...]) -> None:
    """Written and read, tokens are the same again."""
    assert read_rows(write_rows(tokens)) == tokens


@given(st.lists(chosen_tokens, max_size=3))
def test_columns_say_all_but_the_bytes(tokens: list[ChosenToken]) -> None:
    """Of a token that stands twice among the likeliest only the last is told."""
    said = tuple(
        ChosenToken(
            token.token,
            token.logprob,
            top=tuple(TokenLogprob(name, level) for name, level in {one.token: one.logprob for one in token.top}.items()),
        )
        for token in tokens
    )
    assert read_columns(write_columns(tokens)) == said


def test_columns_may_hold_rows() -> None:
    """Together's likeliest tokens are objects."""
    told = {"tokens": ["a"], "token_logprobs": [-1], "top_logprobs": [[{"token": "b", "logprob": -2}]]}
    assert read_columns(told) == (ChosenToken("a", -1.0, top=(TokenLogprob("b", -2.0),)),)


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        (read_rows, [{"logprob": 1}]),
        (read_rows, {"content": []}),
        (read_rows, [{"token": "a", "bytes": [256]}]),
        (read_columns, {"tokens": ["a", "b"], "token_logprobs": [1]}),
        (read_columns, {"tokens": ["a"]}),
    ],
)
def test_another_shape_is_refused(read: Callable[[Any], Any], raw: Any) -> None:
    """With an error that is a ValueError."""
    with pytest.raises(ValueError, match=r"."):
        read(raw)


@given(json_values)
def test_junk_never_raises_anything_else(raw: Any) -> None:
    """Whatever came."""
    for read in (read_rows, read_columns):
        try:
            read(raw)
        except (msgspec.ValidationError, ValueError):
            continue
