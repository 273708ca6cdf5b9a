"""Text in, ever more of an object out: at any cut, in linear work."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("jiter", reason="the extra `structured` is not installed")
pytest.importorskip("pydantic", reason="the extra `structured` is not installed")

from hypothesis import given
from hypothesis import strategies as st

from bourn.structured import reader as reader_module
from bourn.structured.reader import ObjectReader
from bourn.structured.shapes import Mismatch, shape_of
from tests.structured.types import WEATHER, Weather

ANYTHING = shape_of(dict[str, Any])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def fed(shape: Any, *pieces: str) -> ObjectReader:
    reader = ObjectReader(shape)
    for piece in pieces:
        reader.feed(piece)
    return reader


def test_it_grows_field_by_field() -> None:
    """Each look shows what has come; a number shows only when it has ended, a string while it grows."""
    reader = ObjectReader(ANYTHING)
    seen = []
    for piece in ('{"a"', ": 12", "3,", ' "b": "x', 'y"', ', "c": [tru', "e, 4", "]}"):
        if reader.feed(piece):
            seen.append(reader.partial())
    assert seen == [
        {},
        {},
        {"a": 123},
        {"a": 123, "b": "x"},
        {"a": 123, "b": "xy"},
        {"a": 123, "b": "xy", "c": []},
        {"a": 123, "b": "xy", "c": [True]},
        {"a": 123, "b": "xy", "c": [True, 4]},
    ]


@given(
    VALUES.map(lambda value: {"value": value}),
    st.sampled_from(["", "Sure:\n```json\n", "  "]),
    st.sampled_from(["", "\n```\nDone {", "}"]),
)
def test_every_prefix_is_part_of_the_whole(value: dict[str, Any], before: str, after: str) -> None:
    """At every cut the partial object is a part of the whole one, and the last is the whole; words around it do not matter."""
    text = before + json.dumps(value, ensure_ascii=False) + after
    reader = ObjectReader(ANYTHING)
    for letter in text:
        reader.feed(letter)
        so_far = reader.partial()
        assert so_far is None or is_part(so_far, value)
    assert reader.whole() == reader.partial() == value


def is_part(some: Any, whole: Any) -> bool:
    """Whether ``some`` is ``whole`` with ends missing."""
    if isinstance(some, dict) and isinstance(whole, dict):
        return all(any(is_part(item, whole[k]) and k.startswith(key) for k in whole) for key, item in some.items())
    if isinstance(some, list) and isinstance(whole, list):
        return len(some) <= len(whole) and all(map(is_part, some, whole))
    if isinstance(some, str) and isinstance(whole, str):
        return whole.startswith(some)
    return bool(some == whole)


def test_the_work_is_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes that are parsed for an answer of twice the length are twice as many, a letter at a time."""

    def parsed(size: int) -> int:
        total = 0
        reader = ObjectReader(ANYTHING)
        real = reader._parse

        def count(data: bytes, **options: Any) -> Any:
            nonlocal total
            total += len(data)
            return real(data, **options)

        reader._parse = count
        for letter in json.dumps({"text": "x" * size}):
            if reader.feed(letter):
                reader.partial()
        return total

    assert parsed(64_000) < 2.3 * parsed(32_000)
    monkeypatch.setattr(reader_module, "_GROWTH", 10**9)  # every letter parsed again: the test would see it
    assert parsed(4_000) > 3 * parsed(2_000)


def test_the_whole_is_validated() -> None:
    """The type's own checks hold at the end."""
    whole = fed(shape_of(Weather), WEATHER).whole()
    assert (whole.city_name, whole.hours[0].celsius) == ("Zürich", -2.5)


@pytest.mark.parametrize(
    ("text", "path", "why"),
    [
        ("", "$", "truncated"),
        ("I cannot say.", "$", "truncated"),
        ('{"cityName": "Z"', "$", "truncated"),
        (WEATHER.replace('"at": 8', '"at": "8"'), "$.hours[0].at", "Expected `int`"),
        (WEATHER.replace("Zürich", ""), "$", "a city has a name"),
        (WEATHER.replace("grey day", "grey"), "$.note", "length >= 5"),
        (WEATHER.replace("note", "notes"), "$", "unknown field"),
    ],
)
def test_a_mismatch_says_where(text: str, path: str, why: str) -> None:
    """The place in the JSON, and what is wrong there."""
    with pytest.raises(Mismatch) as caught:
        fed(shape_of(Weather), text).whole()
    assert caught.value.path == path
    assert why in caught.value.why


def test_a_plain_value() -> None:
    """A type that is no object is read from the whole text."""
    assert fed(shape_of(int), " 4", "2 ").whole() == 42
    assert fed(shape_of(str), '"abc 12').partial() == "abc 12"
    assert fed(shape_of(int), "4").partial() is None
