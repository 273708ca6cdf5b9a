"""An object made of as much of its JSON as there is."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

pytest.importorskip("pydantic", reason="the extra `structured` is not installed")

from bourn.structured.partial import info, partial
from tests.structured.types import Cat, Dog, Hour, Level, Point, Recipe, Row, Sky, Weather


def made(type_: Any, value: Any) -> Any:
    return partial(value, info(type_))


def test_a_struct_has_none_for_what_is_missing() -> None:
    """It is an instance of the type, made without its checks, under the names that the JSON has."""
    weather = made(Weather, {"cityName": "", "hours": [{"at": 8}]})
    assert issubclass(type(weather), Weather)
    assert (weather.city_name, weather.day, weather.note) == ("", None, None)
    (hour,) = weather.hours
    assert issubclass(type(hour), Hour)
    assert (hour.at, hour.celsius, hour.sky) == (8, None, None)


def test_values_are_none_until_they_fit() -> None:
    """A date, an enum or a literal that has only begun is not shown in another type."""
    assert made(Weather, {"day": "2026-11"}).day is None
    assert made(Weather, {"day": "2026-11-28"}).day == dt.date(2026, 11, 28)
    assert made(Hour, {"sky": "rai"}).sky is None
    assert made(Hour, {"sky": "rain"}).sky is Sky.RAIN
    assert made(Level, "lo") is None
    assert made(Level, "low") == "low"
    assert made(Hour, {"at": "eight"}).at is None


def test_a_constraint_does_not_hide_what_came() -> None:
    """Lengths and ranges hold for the whole only."""
    assert made(Weather, {"note": "gr"}).note == "gr"


def test_a_frozen_dataclass_with_slots() -> None:
    """It is made although it can neither be changed nor take what it does not know."""
    point: Any = made(Point, {"x": 1, "tags": {"a": "b"}, "z": 3})
    assert issubclass(type(point), Point)
    assert (point.x, point.y, point.tags) == (1, None, {"a": "b"})


def test_a_pydantic_model() -> None:
    """Fields by their alias, models inside, no validation."""
    recipe = made(Recipe, {"name": "Soup", "steps": [{"text": "Boil", "minutes": 0}, {"text": "St"}]})
    assert issubclass(type(recipe), Recipe)
    assert recipe.title == "Soup"
    assert [(step.text, step.minutes) for step in recipe.steps] == [("Boil", 0), ("St", None)]
    assert made(Recipe, {}).steps is None


def test_a_typed_dict_has_what_came() -> None:
    """A dict lacks its keys rather than holding `None`."""
    assert made(Row, {"words": ["a"]}) == {"words": ["a"]}


def test_a_union_waits_for_its_tag() -> None:
    """Which of two structs it is shows with the tag; before, there is nothing to show."""
    assert made(Cat | Dog, {"name": "Rex"}) is None
    assert made(Cat | Dog, {"type": "dog", "name": "Re"}).name == "Re"
    assert isinstance(made(Cat | Dog, {"type": "cat"}), Cat)
    assert made(Hour | None, {"at": 1}).at == 1
    assert made(int | str, "a") == "a"
    assert made(int | None, None) is None


@pytest.mark.parametrize(
    ("type_", "value", "told"),
    [
        (list[Hour], "no list", None),
        (tuple[int, str], [1], [1]),
        (set[int], [1, 2], [1, 2]),
        (dict[str, Point], {"a": {"x": 1}}, {"a": 1}),
        (Weather, [1], None),
        (Point, 3, None),
        (Row, None, None),
        (Any, {"a": [1]}, {"a": [1]}),
        (object, {"a": 1}, None),
    ],
)
def test_other_kinds(type_: Any, value: Any, told: Any) -> None:
    """Lists, tuples, dicts; what is of another kind is `None`; what nobody knows stays plain."""
    result = made(type_, value)
    if type_ == dict[str, Point]:
        result = {key: point.x for key, point in result.items()}
    assert result == told
