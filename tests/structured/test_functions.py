"""A typed function as a tool."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal

import msgspec
import pytest

import bourn

pytest.importorskip("docstring_parser", reason="the extra `structured` is not installed")

from bourn import FunctionTool
from bourn.prompts import read_options


class Unit(enum.Enum):
    """Of a temperature."""

    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"


class Place(msgspec.Struct):
    """Where."""

    city: str
    country: str = "CH"


def get_weather(place: Place, days: Annotated[int, msgspec.Meta(ge=1, le=7)], *, unit: Unit = Unit.CELSIUS) -> str:
    """The weather of some days.

    As the service has it.

    Args:
        place: The place to look at.
        days: How many days ahead.
        unit: Of the temperature.
    """
    return f"{place} {days} {unit}"


def numpy_style(mode: Literal["a", "b"]) -> None:
    """Do it.

    Parameters
    ----------
    mode : str
        Which way.
    """


def sphinx_style(mode: str) -> None:
    """Do it.

    :param mode: Which way.
    """


def bare(a: int) -> int:
    return a


def test_the_schema_says_what_signature_and_docstring_say() -> None:
    """Types, limits, defaults and words; what has a default is not required; anything else is forbidden."""
    tool = FunctionTool(get_weather).tool
    assert (tool.name, tool.description) == ("get_weather", "The weather of some days.\n\nAs the service has it.")
    properties = tool.parameters["properties"]
    assert tool.parameters["required"] == ["place", "days"]
    assert tool.parameters["additionalProperties"] is False
    assert properties["days"] == {"type": "integer", "minimum": 1, "maximum": 7, "description": "How many days ahead."}
    assert properties["unit"]["description"] == "Of the temperature."
    assert properties["place"]["description"] == "The place to look at."
    assert "title" not in tool.parameters


@pytest.mark.parametrize("function", [numpy_style, sphinx_style])
def test_other_styles_of_docstrings(function: Any) -> None:
    """NumPy's and Sphinx's."""
    tool = FunctionTool(function).tool
    assert tool.description == "Do it."
    assert tool.parameters["properties"]["mode"]["description"] == "Which way."


def test_a_strict_schema_where_every_parameter_is_required() -> None:
    """Providers that enforce schemas are told to."""
    assert FunctionTool(bare).tool.strict is True
    assert FunctionTool(get_weather).tool.strict is None
    assert FunctionTool(bare).tool.description == ""


def test_arguments_come_in_their_types() -> None:
    """Structs and enums are made; what was left out is left to the function."""
    read = FunctionTool(get_weather).read('{"place": {"city": "Zürich"}, "days": 2, "unit": "fahrenheit"}')
    assert read == {"place": Place("Zürich"), "days": 2, "unit": Unit.FAHRENHEIT}
    assert "unit" not in FunctionTool(get_weather).read('{"place": {"city": "Zürich"}, "days": 2}')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"place": {"city": "Z"}, "days": 8}', "<= 7"),
        ('{"place": {"city": "Z"}}', "missing required field `days`"),
        ('{"place": {"city": 3}, "days": 1}', "at `$.place.city`"),
        ('{"place": {"city": "Z"}, "days": 1, "when": 2}', "unknown field `when`"),
        ('{"place"', "truncated"),
        ("", "missing required field `place`"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(arguments: str, said: str) -> None:
    """What the model can mend."""
    with pytest.raises(ValueError, match="wrong arguments for get_weather") as caught:
        FunctionTool(get_weather).read(arguments)
    assert said in str(caught.value)


def unannotated(a):
    return a


def positional(a: int, /) -> int:
    return a


def variable(*a: int) -> tuple[int, ...]:
    return a


def unknown(a: object) -> object:
    return a


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (unannotated, "the parameter a has no annotation"),
        (positional, "a model gives arguments by name only"),
        (variable, "a model gives arguments by name only"),
        (unknown, "a parameter that JSON cannot give"),
        (lambda: 1, "a tool needs a name"),
    ],
)
def test_what_cannot_be_a_tool_is_refused(function: Any, said: str) -> None:
    """One sentence that says why, before anything is sent."""
    with pytest.raises(bourn.InputError, match=said):
        read_options(tools=[function])


def test_a_lambda_can_be_named() -> None:
    """And then be called so by the model."""
    assert FunctionTool(lambda: 1, name="one").tool.name == "one"


def test_a_call_takes_functions_as_tools() -> None:
    """Beside tools that were written by hand."""
    tools = read_options(tools=[bare, bourn.Tool("other"), FunctionTool(bare, name="again")]).tools
    assert [tool.name for tool in tools] == ["bare", "other", "again"]
