"""Scenarios by name: found, registered, taken back; wrong names are answered with the right ones."""

from __future__ import annotations

import pytest

import bourn
from bourn.mock import named, text, turns
from bourn.mock.named import SCENARIOS, register


async def test_a_registered_scenario_is_known_until_it_is_left() -> None:
    """Inside the `with` the model id answers, outside it is unknown."""
    with register("weather", text("Sunny.")) as weather:
        assert weather.model == "mock/weather"
        assert (await bourn.stream(weather.model, "hi").collect()).text == "Sunny."
    with pytest.raises(bourn.InputError, match="unknown scenario 'weather'"):
        await bourn.stream("mock/weather", "hi").collect()


async def test_turns_are_counted_over_all_calls() -> None:
    """Each call takes the next turn, whichever client makes it; one too many is an error that says so."""
    with register("two", turns(text("one"), text("two"))):
        assert (await bourn.stream("mock/two", "hi").collect()).text == "one"
        async with bourn.Client() as client:
            assert (await client.stream("mock/two", "hi").collect()).text == "two"
        with pytest.raises(bourn.InputError, match="2 turns, and this is request 3"):
            await bourn.stream("mock/two", "hi").collect()


def test_a_string_is_registered_as_text() -> None:
    """Plain words need no scenario around them."""
    with register("words", "just words") as words:
        assert words.scenario == text("just words")


@pytest.mark.parametrize("name", ["hello", "", "a b", "a/b"])
def test_a_name_that_is_taken_or_odd_is_refused(name: str) -> None:
    """What is always there stays, and a name can stand in a model id."""
    with pytest.raises(bourn.InputError, match=r"there already|letters, digits"):
        register(name, "x")


def test_a_registered_name_is_taken_too() -> None:
    """Two registrations never share a name; the first one's end does not end a later one."""
    first = register("mine", "one")
    with pytest.raises(bourn.InputError, match="'mine' is there already"):
        register("mine", "two")
    first.close()
    with register("mine", "two"):
        first.close()
        assert named.get("mine").scenario == text("two")


@pytest.mark.parametrize(("wrong", "says"), [("helo", "did you mean 'hello'"), ("zzz", "known are hello, echo")])
def test_an_unknown_name_is_answered_with_the_nearest(wrong: str, says: str) -> None:
    """The error names what was meant, else everything there is, and how to add one."""
    with pytest.raises(bourn.InputError, match=says) as caught:
        named.get(wrong)
    assert "bourn.mock.register" in str(caught.value)


def test_what_is_no_scenario_is_refused() -> None:
    """A number answers nothing."""
    with pytest.raises(bourn.InputError, match="not int"):
        register("number", 7)  # type: ignore[arg-type]


def test_what_is_always_there_cannot_be_changed() -> None:
    """The table is read-only: no test can spoil it for another."""
    with pytest.raises(TypeError):
        SCENARIOS["hello"] = text("bye")  # type: ignore[index]
