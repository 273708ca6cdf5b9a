"""Types that answers are asked to be."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from typing import Annotated, Literal, TypedDict

import msgspec
import pydantic


class Sky(enum.Enum):
    """What is above."""

    CLEAR = "clear"
    RAIN = "rain"


class Hour(msgspec.Struct, frozen=True):
    """An hour of a day."""

    at: int
    celsius: float
    sky: Sky | None = None


class Weather(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A day's weather; refuses a city without a name."""

    city_name: str
    day: dt.date
    hours: list[Hour]
    note: Annotated[str, msgspec.Meta(min_length=5)] = "nothing"

    def __post_init__(self) -> None:
        if not self.city_name:
            raise ValueError("a city has a name")


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """A place."""

    x: int
    y: int
    tags: dict[str, str] = dataclasses.field(default_factory=dict)


class Cat(msgspec.Struct, tag="cat"):
    """A pet."""

    name: str


class Dog(msgspec.Struct, tag="dog"):
    """Another."""

    name: str


class Recipe(pydantic.BaseModel):
    """A model of pydantic's, with an alias and a model inside."""

    class Step(pydantic.BaseModel):
        """One step."""

        text: str
        minutes: int = pydantic.Field(ge=1)

    title: str = pydantic.Field(alias="name")
    steps: list[Step]


class Row(TypedDict):
    """A dict."""

    id: int
    words: list[str]


Level = Literal["low", "high"]

WEATHER = (
    '{"cityName": "Zürich", "day": "2026-11-28", "hours": [{"at": 8, "celsius": -2.5, "sky": "rain"}], "note": "grey day"}'
)
