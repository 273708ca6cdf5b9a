"""Whatever a service, a gateway or a caller sends: legal events or an error of the tree, and nothing else, ever.

Recorded bodies and bodies of our own are spoilt by ``bourn.testing.spoiling``; ``python -m bench.fuzz`` searches further.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from types import NoneType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bourn import dialects
from bourn.dialects.base import Dialect, HttpCall
from bourn.errors import InputError, PayloadError
from bourn.testing import spoiling
from bourn.testing.spoiling import spoil, spoil_json, spoil_payloads
from tests.dialects.spoilt import OURS, Sample, reads, reads_error, reads_request, samples
from tests.recordings import decode

ODD_WAITS = ("1", "x", "-1", "nan", "1e999", "")


def body(dialect: Dialect, sample: Sample, other: Sample, dice: Random) -> None:
    """Events in the legal order, of the right types, or an error of the tree; and the same at any cut."""
    spoilt = spoil(sample.body, dice, other=other.body)
    reads(dialect, spoilt, str(dice.random()), media_type=sample.media_type)


def refusal(dialect: Dialect, sample: Sample, other: Sample, dice: Random) -> None:
    """A message, and words or nothing for type, code and wait; and what was read can be written."""
    spoilt = dice.choice((spoil_json, spoil))(dice.choice((sample, other)).body, dice)
    wait = dice.choice(ODD_WAITS)
    reads_error(dialect, sample.status, {"retry-after": wait, "x-amzn-errortype": wait}, spoilt)


def request(dialect: Dialect, sample: Sample, other: Sample, dice: Random) -> None:
    """A request that can be answered, or ``InputError``."""
    spoilt = dice.choice((spoil_json, spoil_json, spoil))(sample.asked, dice)
    reads_request(dialect, dice.choice((sample.path, sample.path, other.path, "/", "")), spoilt)


CHECKS = (body, refusal, request)


def judge(dialect: Dialect, check: Callable[[Dialect, Sample, Sample, Random], None], seed: int) -> None:
    dice = Random(seed)
    sample, other = dice.choices(samples(dialect.name), k=2)
    check(dialect, sample, other, dice)


every_dialect = pytest.mark.parametrize("dialect", [dialects.get(name) for name in OURS], ids=lambda one: one.name)
every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
seeds = st.integers(0, 2**64)


@every_check
@every_dialect
@given(seed=seeds)
def test_what_is_spoilt_is_read_or_refused(
    dialect: Dialect, check: Callable[[Dialect, Sample, Sample, Random], None], seed: int
) -> None:
    """An answer, a refusal or a request, spoilt in any way, gives what it can or one typed error."""
    judge(dialect, check, seed)


@pytest.mark.thorough
@every_check
@every_dialect
@given(seed=seeds)
@settings(max_examples=1000)
def test_what_is_spoilt_is_read_or_refused_a_thousand_times(
    dialect: Dialect, check: Callable[[Dialect, Sample, Sample, Random], None], seed: int
) -> None:
    """The same, longer."""
    judge(dialect, check, seed)


DEEP = "[" * spoiling.DEEP
"""Nested deeper than any reader that recurses can go."""


@every_dialect
def test_endless_nesting_is_refused_in_what_is_no_stream(dialect: Dialect) -> None:
    """In a request it is an ``InputError``; in a refusal the body is text."""
    with pytest.raises(InputError):
        dialect.parse(HttpCall(samples(dialect.name)[0].path, DEEP.encode()))
    assert dialect.read_error(400, {}, DEEP.encode()).message == DEEP


@every_dialect
def test_endless_nesting_in_a_stream_is_a_payload_error(dialect: Dialect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever in a payload it stands, and also where the decoder does not look."""
    monkeypatch.setattr(spoiling, "ODD_VALUES", (spoiling.Raw(DEEP + "]" * spoiling.DEEP),))
    monkeypatch.setattr(spoiling, "JSON_WAYS", (spoiling._put_odd,))
    errors = [decode(dialect, [spoil_payloads(samples(dialect.name)[0].body, Random(seed))]).error for seed in range(50)]
    assert {type(error) for error in errors} <= {PayloadError, NoneType}
    assert sum(isinstance(error, PayloadError) for error in errors) > 25
