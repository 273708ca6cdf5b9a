"""Token counts of OpenAI chat completions, read wherever services put them, written where OpenAI puts them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from bourn.dialects.openai_chat.words import FINISH_REASONS, FINISH_WORDS, read_usage, write_usage
from bourn.events import Usage
from bourn.testing.strategies import usages


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"prompt_tokens": 1, "completion_tokens": 2}, Usage(1, 2)),
        ({"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 3}}, Usage(1, None, 0, 3)),
        ({"prompt_tokens": 1, "prompt_tokens_details": None, "completion_tokens_details": None}, Usage(1)),
        ({"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 4}}, Usage(None, 9, reasoning_tokens=4)),
        ({"prompt_tokens": 1, "prompt_cache_hit_tokens": 5}, Usage(1, cached_tokens=5)),
        ({"cached_tokens": 5}, Usage(cached_tokens=5)),
        ({"num_cached_tokens": 5}, Usage(cached_tokens=5)),
        ({"cache_read_input_tokens": 5, "cache_creation_input_tokens": 6}, Usage(cached_tokens=5, cache_write_tokens=6)),
        ({"prompt_tokens_details": {"cache_creation_input_tokens": 6}}, Usage(cache_write_tokens=6)),
        ({"reasoning_tokens": 4}, Usage(reasoning_tokens=4)),
        ({"prompt_tokens": "many"}, None),
        ({"total_tokens": 3}, None),
        ({}, None),
    ],
)
def test_counts_are_found_under_every_name(told: dict[str, Any], usage: Usage | None) -> None:
    """What is not told is None, and a usage without any count is none."""
    assert read_usage(told) == usage


@pytest.mark.parametrize(("total", "output"), [(35, 25), (30, 20), (None, 20), (99, 20)])
def test_reasoning_that_the_output_leaves_out_is_added(total: int | None, output: int) -> None:
    """XAI's total says that the reasoning comes on top; any other total changes nothing."""
    told = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": total}
    assert read_usage({**told, "completion_tokens_details": {"reasoning_tokens": 5}}) == Usage(10, output, reasoning_tokens=5)


@given(usage=usages())
def test_counts_are_read_back_as_they_were_written(usage: Usage) -> None:
    """Each count has one place on the wire, and nothing is added to it."""
    assert (read_usage(write_usage(usage)) or Usage()) == usage


def test_our_words_for_the_end_are_read_as_what_they_were_written_for() -> None:
    """The table for writing is the inverse of a part of the table for reading."""
    assert {FINISH_REASONS[word]: word for word in FINISH_WORDS.values()} == FINISH_WORDS


def test_a_boolean_is_no_count() -> None:
    """Python takes ``True`` for a number; a usage is not so lenient."""
    assert read_usage({"prompt_tokens": True, "completion_tokens": 5}) == Usage(output_tokens=5)
