"""Answers that the front ends are shown."""

from __future__ import annotations

import bourn
from bourn.mock import Scenario, error, reasoning, refusal, text, tool_call, usage

ALL = (
    reasoning("Let me ", "think.", signature="sig")
    + text("Hello, ", "wörld!")
    + tool_call("get_weather", {"city": "Zürich"}, id="c1")
    + tool_call("now", {}, id="c2")
    + usage(11, 7, reasoning_tokens=2)
)
REFUSED = refusal("I ", "will not.")
BROKEN = text("Hello") + error("the provider's own words", code="boom")


def stream(scenario: Scenario | str) -> bourn.Stream:
    """An unread stream that gives the scenario."""
    return bourn.stream("anthropic/any", "hi", mock=scenario, max_tokens=9)


CUT_CALL = [
    bourn.Start("m1", "any", "openai"),
    bourn.ToolCallStart(0, "c1", "get_weather"),
    bourn.ToolCallDelta(0, '{"city": "Zü'),
    bourn.Finish("length", "length"),
]
"""The events of an answer whose token limit came in the middle of a call."""
