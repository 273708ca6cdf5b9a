"""The policy of retries as data, and the arithmetic of their budget."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

import bourn
from bourn.steering.policy import Budget


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"attempts": 0}, "attempts must be a whole number from 1"),
        ({"attempts": 2.5}, "attempts"),
        ({"attempts": True}, "attempts"),
        ({"backoff": -1}, "backoff must be a number from 0"),
        ({"backoff": float("nan")}, "backoff"),
        ({"backoff": "1"}, "backoff"),
        ({"factor": 0.5}, "factor must be a number from 1"),
        ({"jitter": 1.5}, "jitter must be a number from 0 to 1"),
        ({"max_backoff": float("inf")}, "max_backoff"),
        ({"max_wait": -1}, "max_wait"),
        ({"budget": -0.1}, "budget"),
        ({"reserve": -1}, "reserve"),
        ({"on": bourn.RateLimitError}, "on must be a tuple"),
        ({"on": (ValueError,)}, "on must be a tuple"),
        ({"recover": "yes"}, "recover"),
    ],
)
def test_a_wrong_policy_is_one_clear_sentence(wrong: dict[str, Any], says: str) -> None:
    """Each field that cannot be is named, with what it may be."""
    with pytest.raises(bourn.InputError, match=says):
        bourn.Retry(**wrong)


def test_it_is_data() -> None:
    """Equal policies are equal, and none can be changed."""
    assert bourn.Retry(on=(bourn.RateLimitError,)) == bourn.Retry(on=(bourn.RateLimitError,))
    assert msgspec.structs.replace(bourn.Retry(), attempts=5).attempts == 5
    with pytest.raises(AttributeError):
        bourn.Retry().attempts = 2  # type: ignore[misc]  # that is the point


def test_errors_say_themselves_or_are_named() -> None:
    """Without `on` an error's own word counts, with it its class; what was never sent is never tried again."""
    assert bourn.Retry().again(bourn.RateLimitError())
    assert not bourn.Retry().again(bourn.AuthenticationError())
    assert bourn.Retry().again(bourn.ModelError(retryable=True))
    only = bourn.Retry(on=(bourn.StatusError,))
    assert only.again(bourn.AuthenticationError())
    assert not only.again(bourn.ConnectionLostError())
    assert not bourn.Retry(on=()).again(bourn.RateLimitError())
    assert not bourn.Retry(on=(bourn.BournError,)).again(bourn.ModelFileError())


def test_pauses_grow_to_their_limit() -> None:
    """Each is `factor` times the one before, up to `max_backoff`, however many there are."""
    retry = bourn.Retry(backoff=1, factor=3, max_backoff=20, jitter=0)
    dice = random.Random(0)
    assert [retry.pause(failed, bourn.ServerError(), dice) for failed in (1, 2, 3, 4, 5, 10_000)] == [1, 3, 9, 20, 20, 20]


def test_jitter_is_a_share_of_the_pause() -> None:
    """The dice take away at most the share, and the same seed gives the same pauses."""
    retry = bourn.Retry(backoff=8, jitter=0.25)
    pauses = [retry.pause(1, bourn.ServerError(), random.Random(seed)) for seed in range(200)]
    assert 6 <= min(pauses) < 6.2
    assert 7.8 < max(pauses) <= 8
    assert pauses[7] == retry.pause(1, bourn.ServerError(), random.Random(7))


def test_what_the_provider_asks_for_is_the_least() -> None:
    """`Retry-After` is never undercut, and does not shorten the back-off."""
    retry = bourn.Retry(backoff=4, jitter=0)
    assert retry.pause(1, bourn.RateLimitError(retry_after=9.5), random.Random(0)) == 9.5
    assert retry.pause(1, bourn.RateLimitError(retry_after=0), random.Random(0)) == 4


def test_a_budget_is_a_ratio_and_a_reserve() -> None:
    """Retries of many failing requests are the reserve and the ratio of them, and no more than the reserve is saved up."""
    budget = Budget(0.25, 10)
    for _ in range(1000):
        budget.earn()
    retries = 0
    for _ in range(400):
        budget.earn()
        retries += budget.spend()
    assert 109 <= retries <= 110


def test_a_budget_of_nothing_allows_nothing() -> None:
    """With neither ratio nor reserve no request is sent again."""
    budget = Budget(0, 0)
    budget.earn()
    assert not budget.spend()
