"""What can be wrong with the models of a fallback or a race is found before anything is sent, and takes no stream away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bourn
from bourn.testing.clock import run
from bourn.transport.memory import MemoryTransport
from tests.plain import answer, chunks

HERE: dict[str, Any] = {"base_url": "http://test", "dialect": "plain", "api_key": "k"}
WAYS: dict[str, Callable[..., bourn.Stream]] = {"fallback": bourn.fallback, "race": bourn.race}
both = pytest.mark.parametrize("way", WAYS)


def unsent(model: str = "openai/s", prompt: str = "hi") -> bourn.Stream:
    return bourn.Client(transport=MemoryTransport(chunks(answer("a")))).stream(model, prompt, **HERE)


@both
@pytest.mark.parametrize(
    ("models", "says"),
    [
        ([], "models is empty"),
        ("openai/a", "models must be a list .* not str"),
        (7, "models must be a list"),
        (None, "models must be a list"),
        (["openai/a", "openai/a"], "openai/a is named twice"),
        (["openai/a", "openai:a"], "openai/a is named twice"),
        (["openai/a", "nonsense"], "not a model id"),
        (["opnai/a"], "did you mean 'openai'"),
        (["openai/a", 7], r"models\[1\] must be a model id or an unsent bourn.Stream, not int"),
    ],
)
def test_wrong_models_are_one_clear_sentence(way: str, models: Any, says: str) -> None:
    """No models, the same twice, and what is none: each is named."""
    with pytest.raises(bourn.InputError, match=says):
        WAYS[way](models, "hi", **HERE)


@both
def test_a_model_needs_a_prompt(way: str) -> None:
    """Ids without a prompt are refused; streams have their own, and a prompt or option beside them would be ignored."""
    with pytest.raises(bourn.InputError, match="there is no prompt, and 'openai/a' needs one"):
        WAYS[way](["openai/a", unsent()], **HERE)
    with pytest.raises(bourn.InputError, match="prompt, max_tokens would be ignored"):
        WAYS[way]([unsent()], "hi", max_tokens=7)
    WAYS[way]([unsent()], timeouts=bourn.Timeouts(total=5))


@both
def test_streams_that_ask_the_same_are_refused(way: str) -> None:
    """The same object, or one that was made alike; another prompt or option makes it another."""
    one = unsent()
    for twice in ([one, one], [one, unsent()]):
        with pytest.raises(bourn.InputError, match="openai/s is named twice"):
            WAYS[way](twice)
    assert not one.is_closed()
    WAYS[way]([one, unsent(prompt="other"), unsent("openai/t")])
    assert one.is_closed()


@both
async def test_a_stream_that_was_touched_is_refused(way: str) -> None:
    """One that was read or closed cannot be given; one that was given cannot be read."""
    read, closed, given = unsent(), unsent(), unsent()
    await anext(read)
    await closed.aclose()
    for stream in (read, closed):
        with pytest.raises(bourn.InputError, match=r"models\[0\].* was read or closed before"):
            WAYS[way]([stream])
    taken = WAYS[way]([given])
    with pytest.raises(bourn.ClosedError):
        await anext(given)
    with pytest.raises(bourn.InputError, match="was read or closed before"):
        WAYS[way]([given])
    assert (await taken.collect()).text == "a"
    await read.aclose()


def test_a_stream_of_another_loop_is_refused() -> None:
    """It was opened there, and so was read before; one that was opened nowhere belongs to no loop."""
    stream, fresh = unsent(), unsent("openai/t")

    async def begin() -> None:
        await anext(stream)

    run(begin())

    async def give() -> None:
        with pytest.raises(bourn.InputError, match="was read or closed before"):
            bourn.race([stream, fresh])
        assert (await bourn.race([fresh]).collect()).text == "a"

    run(give())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"after": -1}, "after must be seconds from 0"),
        ({"after": [1, -1]}, "after must be seconds from 0"),
        ({"after": float("nan")}, "after must be seconds from 0"),
        ({"after": "1"}, "after must be seconds from 0"),
        ({"after": [1]}, "after has 1 delays, and 3 models have 2"),
        ({"after": True}, "after must be seconds from 0"),
        ({"on": (bourn.BournError,)}, "on"),
    ],
)
def test_wrong_delays_are_one_clear_sentence(wrong: dict[str, Any], says: str) -> None:
    """Delays are seconds, one for all or one for each model but the first."""
    with pytest.raises(bourn.InputError, match=says):
        bourn.race(["openai/a", "openai/b", "openai/c"], "hi", **HERE, **wrong)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"on": bourn.BournError}, "on must be a tuple"),
        ({"recover": "restart"}, "recover must be True or False"),
        ({"retry": 3}, "retry must be a bourn.Retry"),
    ],
)
def test_wrong_choices_are_one_clear_sentence(wrong: dict[str, Any], says: str) -> None:
    """What a fallback may be told is checked."""
    with pytest.raises(bourn.InputError, match=says):
        bourn.fallback(["openai/a", "openai/b"], "hi", **HERE, **wrong)
