"""`bourn.stream` and its kin: each call has a connection of its own, and is checked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bourn
from bourn.mock import Exchange, serve, text


def test_a_missing_key_is_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, no stream: the error names the variable."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(bourn.MissingKeyError, match="OPENAI_API_KEY"):
        bourn.stream("openai/m", "hi")


def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word} means nothing"


def loop(model: str, prompt: str) -> bourn.ToolLoop:
    pytest.importorskip("docstring_parser", reason="the extra `structured` is not installed")
    return bourn.tool_loop(model, prompt, tools=[lookup])


CALLS: dict[str, Callable[[str, str], Any]] = {
    "stream": bourn.stream,
    "fallback": lambda model, prompt: bourn.fallback([model], prompt),
    "race": lambda model, prompt: bourn.race([model], prompt),
    "tool_loop": loop,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_calls_share_no_connection(call: Callable[[str, str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call asks over a connection of its own, which ends with it."""
    seen: list[Exchange] = []
    async with serve(text("hello"), observe=seen.append) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url())
        monkeypatch.setenv("OPENAI_API_KEY", "mock-key")
        for _ in range(2):
            async with call("openai/m", "hi") as answer:
                assert [event async for event in answer]
            assert answer.response.text == "hello"
    first, second = seen
    assert first.connection is not second.connection
