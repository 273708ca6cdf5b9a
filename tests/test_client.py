"""`Client`: what a caller can get wrong is found before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

import bourn
from bourn.transport.memory import MemoryTransport
from tests.plain import answer, chunks

HERE: dict[str, Any] = {"base_url": "http://test", "dialect": "plain"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"model": "nonsense"}, "provider/model"),
        ({"model": "opnai/x"}, "did you mean 'openai'"),
        ({"prompt": []}, "prompt|messages"),
        ({"prompt": ""}, "prompt|empty"),
        ({"prompt": [{"role": "king", "content": "x"}]}, r"messages\[0\]"),
        ({"prompt": 7}, "prompt"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"temprature": 1}, "temprature"),
        ({"tools": [{"x": 1}]}, r"tools\[0\]"),
        ({"dialect": "klingon"}, "openai-chat"),
        ({"base_url": "nowhere"}, "https://host/v1"),
        ({"timeouts": 5}, "bourn.Timeouts"),
        ({"limits": 5}, "bourn.Limits"),
        ({"api_key": "a b\n"}, "API key"),
    ],
)
def test_bad_input_is_one_clear_sentence_before_anything_is_sent(wrong: dict[str, Any], says: str) -> None:
    """Each wrong argument raises InputError that names it, and the transport is never asked."""
    transport = MemoryTransport([])
    arguments: dict[str, Any] = {"model": "openai/m", "prompt": "hi", **HERE} | wrong
    with pytest.raises(bourn.InputError, match=says) as caught:
        bourn.Client(transport=transport).stream(**arguments)
    assert transport.calls == []
    assert "\n" not in str(caught.value)


def test_keys_by_provider_go_to_that_provider_only() -> None:
    """A mapping of keys gives each provider its own; an unknown name in it is an error."""
    client = bourn.Client(api_key={"openai": "k-openai"}, transport=MemoryTransport([]))
    client.stream("openai/m", "hi")
    with pytest.raises(bourn.InputError, match="did you mean 'anthropic'"):
        bourn.Client(api_key={"antropic": "k"})
    with pytest.raises(bourn.InputError, match="mapping"):
        bourn.Client(api_key=7)  # type: ignore[arg-type]  # that is the point


async def test_a_closed_client_makes_no_streams() -> None:
    """After `aclose` the client refuses, and a stream it had made refuses too."""
    transport = MemoryTransport(chunks(answer("a")))
    async with bourn.Client(transport=transport) as client:
        assert (await client.stream("openai/m", "hi", **HERE).collect()).text == "a"
    with pytest.raises(bourn.ClosedError):
        client.stream("openai/m", "hi", **HERE)


async def test_the_calls_own_bounds_go_before_the_clients() -> None:
    """`timeouts` of a call replace those of its client."""
    transport = MemoryTransport([float("inf")])
    client = bourn.Client(transport=transport, timeouts=bourn.Timeouts(first_event=50))
    with pytest.raises(bourn.FirstEventTimeout, match="3 s"):
        await client.stream("openai/m", "hi", timeouts=bourn.Timeouts(first_event=3), **HERE).collect()
    with pytest.raises(bourn.FirstEventTimeout, match="50 s"):
        await client.stream("openai/m", "hi", **HERE).collect()
