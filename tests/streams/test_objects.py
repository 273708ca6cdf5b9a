"""A stream read as objects."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

import bourn
from bourn.mock import error, faults, finish, pause, refusal, serve, text, tool_call

pytest.importorskip("jiter", reason="the extra `structured` is not installed")
pytest.importorskip("pydantic", reason="the extra `structured` is not installed")

from tests.structured.types import WEATHER, Point, Recipe, Weather


def asked(answer: Any, **options: Any) -> bourn.Stream:
    return bourn.stream("openai/any", "hi", mock=answer, **options)


async def test_objects_grow_and_the_last_is_validated() -> None:
    """Each has at least what the one before had; the last is the object, which stays."""
    objects = asked(text(WEATHER), schema=Weather).objects(Weather)
    seen: list[Any] = [weather async for weather in objects]
    assert len(seen) > 5
    names = [weather.city_name or "" for weather in seen]
    assert all(later.startswith(earlier) for earlier, later in pairwise(names))
    assert seen[0].day is None
    assert seen[-1] is objects.object
    assert type(seen[-1]) is Weather
    assert objects.response.complete


@pytest.mark.parametrize(
    ("type_", "answer"),
    [
        (Point, '{"x": 1, "y": 2}'),
        (Recipe, '{"name": "Soup", "steps": []}'),
        (dict[str, int], '{"a": 1}'),
        (list[int], "[1, 2]"),
    ],
)
async def test_families_of_types(type_: Any, answer: str) -> None:
    """Dataclasses, models, dicts and lists alike."""
    whole = await asked(text("Here you are:\n```json\n", answer, "\n```")).objects(type_).collect()
    assert isinstance(whole, getattr(type_, "__origin__", type_))


async def test_the_arguments_of_a_tool() -> None:
    """Where a provider knows no schemas, a tool that must be called will do."""
    answer = text("Let me see.") + tool_call("look", {"x": 9}) + tool_call("point", {"x": 1, "y": 2}) + tool_call("point", {})
    point = await asked(answer).objects(Point, tool="point").collect()
    assert (point.x, point.y) == (1, 2)


@pytest.mark.parametrize(
    ("answer", "path", "said"),
    [
        (text('{"x": 1, "y": "two"}'), "$.y", "Expected `int`"),
        (text('{"x": 1, "y"') + finish("length"), "$", "the token limit cut it"),
        (refusal("No."), "$", "the model refused"),
        (tool_call("other", {}), "$", "the model called tools instead"),
        (text("I do not know."), "$", "truncated"),
    ],
)
async def test_a_mismatch_is_an_error_that_says_where(answer: Any, path: str, said: str) -> None:
    """After the whole answer: the place, the reason, the text, and the same again when asked again."""
    objects = asked(answer).objects(Point)
    with pytest.raises(bourn.MismatchError) as caught:
        async for _ in objects:
            pass
    assert caught.value.path == path
    assert said in str(caught.value)
    assert caught.value.response is objects.response
    assert objects.response.complete
    assert objects.object is None
    with pytest.raises(bourn.MismatchError):
        await anext(objects)


async def test_what_the_stream_raises_is_raised() -> None:
    """A cut answer is truncated, not a mismatch, and what had come is kept."""
    async with serve(text(WEATHER), fault=faults.CleanEnd(event=8)) as server:
        stream = bourn.stream("openai/any", "hi", base_url=server.base_url(), api_key="k")
        objects = stream.objects(Weather)
        with pytest.raises(bourn.TruncatedError) as caught:
            await objects.collect()
        assert caught.value.response is not None
        assert caught.value.response.text
    with pytest.raises(bourn.ModelError):
        await asked(text("{") + error("boom")).objects(Point).collect()


async def test_a_cancelled_read_loses_nothing() -> None:
    """Given up and done again between any two pieces, the object is the same."""
    objects = asked(text('{"x": 1,') + pause(5) + text(' "y"') + pause(5) + text(": 2}")).objects(Point)
    seen: list[Any] = []
    while objects.object is None:
        try:
            seen.append(await asyncio.wait_for(anext(objects), 2))
        except TimeoutError:
            seen.append(None)
    assert seen.count(None) == 4
    assert (objects.object.x, objects.object.y) == (1, 2)


async def test_leaving_closes_the_stream() -> None:
    """`async with` closes it on the way out."""
    stream = asked(text(WEATHER))
    async with stream.objects(Weather) as objects:
        await anext(objects)
    assert stream.is_closed()


async def test_what_is_no_type_is_refused() -> None:
    """Before anything is sent."""
    stream = asked("hi")
    with pytest.raises(bourn.InputError):
        stream.objects("Point")
    await stream.aclose()
