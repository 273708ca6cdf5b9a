"""What a type says of an answer: its schema, and whether the answer is one."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

import bourn

pytest.importorskip("jsonschema", reason="the extra `structured` is not installed")
pytest.importorskip("pydantic", reason="the extra `structured` is not installed")

from bourn.structured.shapes import Mismatch, shape_of
from tests.structured.types import WEATHER, Cat, Hour, Point, Recipe, Row, Weather

SCHEMA = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}, "required": ["a"]}


class Pair(msgspec.Struct):
    """Two that must be there."""

    left: int
    right: list[Cat]


@pytest.mark.parametrize("type_", [Weather, Hour, Point, Row, Recipe, Cat, list[Hour], Pair])
def test_the_schema_is_one(type_: Any) -> None:
    """It is a JSON schema with its root in place, and its name can be sent."""
    import jsonschema

    schema = shape_of(type_).schema
    jsonschema.Draft202012Validator.check_schema(schema.schema)
    assert "$ref" not in schema.schema
    assert schema.name.replace("_", "").isalnum()


def test_what_can_be_enforced_is_strict() -> None:
    """A type all of whose fields are required is sent as strict and closed; one with defaults is not."""
    strict = shape_of(Pair).schema
    assert strict.strict is True
    assert strict.schema["additionalProperties"] is False
    assert shape_of(Hour).schema.strict is None
    assert shape_of(dict[str, int]).schema.strict is None
    assert shape_of(list[int]).schema.strict is None


def test_the_schema_admits_what_the_type_takes() -> None:
    """What was made strict still says yes to the type's own JSON."""
    import jsonschema

    jsonschema.validate(json.loads(WEATHER), shape_of(Weather).schema.schema)
    jsonschema.validate({"left": 1, "right": [{"type": "cat", "name": "Tom"}]}, shape_of(Pair).schema.schema)
    jsonschema.validate({"name": "Soup", "steps": [{"text": "Boil", "minutes": 3}]}, shape_of(Recipe).schema.schema)


def test_a_pydantic_model_says_where() -> None:
    """The place of its first complaint, as a path."""
    shape = shape_of(Recipe)
    assert shape.whole(b'{"name": "Soup", "steps": [{"text": "Boil", "minutes": 1}]}').steps[0].minutes == 1
    with pytest.raises(Mismatch) as caught:
        shape.whole(b'{"name": "Soup", "steps": [{"text": "Boil", "minutes": 0}]}')
    assert caught.value.path == "$.steps[0].minutes"
    with pytest.raises(Mismatch, match="Invalid JSON"):
        shape.whole(b'{"name":')


@pytest.mark.parametrize("schema", [SCHEMA, bourn.Schema(SCHEMA)])
def test_a_json_schema_is_checked(schema: Any) -> None:
    """Plain data, held to the schema."""
    shape = shape_of(schema)
    assert shape.whole(b'{"a": [1, 2]}') == {"a": [1, 2]}
    with pytest.raises(Mismatch) as caught:
        shape.whole(b'{"a": [1, "x"]}')
    assert caught.value.path == "$.a[1]"
    with pytest.raises(Mismatch):
        shape.whole(b'{"a"')


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        ("Weather", "a type or a JSON schema, not as 'Weather'"),
        (3, "not as 3"),
        ({"type": "no such"}, "the JSON schema is not valid at"),
        (lambda: 1, "cannot be asked for"),
    ],
)
def test_what_is_no_type_is_refused(type_: Any, said: str) -> None:
    """One sentence, before anything is sent."""
    with pytest.raises(bourn.InputError, match=said):
        shape_of(type_)


def test_a_call_takes_a_type_as_its_schema() -> None:
    """`schema=Weather` sends the type's schema."""
    from bourn.prompts import read_options

    assert read_options(schema=Pair).schema == shape_of(Pair).schema
    assert read_options(schema=list[Hour]).schema == shape_of(list[Hour]).schema
