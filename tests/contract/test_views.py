"""What is made of a stream is held to the contract, too: its text, a loop of tools, the body for a front end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

import bourn
from bourn import contract
from bourn.contract import Subject

from .ourselves import ours


def clock() -> str:
    return "noon"


DIALECT = "anthropic"


def text() -> Subject:
    """`stream.text()`: strings, without a last event."""
    return _view("text", lambda stream: stream.text(), text=lambda piece: piece, terminal=None)


def tool_loop() -> Subject:
    """A loop of tools whose answers call none: the events of one stream."""

    def connect(client: bourn.Client) -> bourn.ToolLoop:
        return client.tool_loop("openai/mock", "Say something.", dialect=DIALECT, tools=[clock])

    return replace(ours(DIALECT), name="tool loop", connect=connect)


def body() -> Subject:
    """`to_sse`: bytes, of which a failure is the last; who cancels a read has left."""
    return _view("body", bourn.to_sse, text=None, terminal=None, partial=None, cancel_safe=False, max_event_bytes=None)


_A_POOL = "a pool is judged in test_ourselves"
_BYTES = "a failure is the protocol's error event, in the bytes"
_PARTIAL = "what had come is read off the stream, not off the body"

NOT_OURS: dict[Callable[[], Subject], dict[str, str]] = {
    text: {"3.3": _A_POOL, "1.8": "strings have no last event"},
    tool_loop: {
        "3.3": _A_POOL,
        "1.6": "the kit's answer calls a tool that nobody has: the model is told so, and asked again",
    },
    body: {
        "3.3": _A_POOL,
        "1.8": "bytes have no last event",
        "4.4": "who cancels a read has left",
        **dict.fromkeys(("1.4", "9.1", "9.3", "9.4", "9.5", "10.1", "10.2", "12.1", "12.2"), _BYTES),
        **dict.fromkeys(("5.2", "6.2"), "what its bytes say is the front end's to read"),
        **dict.fromkeys(("9.2", "10.4"), _PARTIAL),
    },
}
"""View to the rules that it does not keep, or that cannot be judged, with the reason."""


def _view(name: str, make: Callable[[bourn.Stream], Any], **declared: Any) -> Subject:
    base = ours(DIALECT)

    def connect(client: bourn.Client) -> Any:
        return make(client.stream("openai/mock", "Say something.", dialect=DIALECT))

    return replace(base, name=name, connect=connect, **declared)


@pytest.mark.parametrize("view", NOT_OURS, ids=lambda view: view.__name__)
def test_a_view_keeps_the_rules(view: Callable[[], Subject]) -> None:
    """Every rule passes but those that are named here with their reasons."""
    report = contract.run(view())
    broken = {result.rule.id: (result.verdict, result.message) for result in report.results if result.verdict != "PASS"}
    assert broken.keys() == NOT_OURS[view].keys(), broken
