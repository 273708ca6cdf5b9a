"""We read what LLMock sends, a mock server that shares nothing with ours, in every format it speaks, whole and broken."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

import bourn
from tests.servers.process import llmock

ROWS: dict[str, str] = {
    "openai": "/v1",
    "openai-responses": "/v1",
    "anthropic": "/anthropic",
    "gemini": "/gemini",
    "cohere": "/cohere",
    "mistral": "/mistral/v1",
    "groq": "/groq/openai/v1",
    "xai": "/xai/v1",
    "together": "/together/v1",
    "ai21": "/ai21/v1",
}
"""Row to the path of its base URL there."""

SAID = "Well, well: Zürich it is, and nowhere else."
UNCOUNTED = ("mistral",)
"""Rows whose streams tell no usage."""

every_row = pytest.mark.parametrize("row", ROWS)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with llmock() as root:
        yield root


def scripted(address: str, *behaviors: dict[str, Any]) -> None:
    """What it does to the next request."""
    body = json.dumps({"behaviors": behaviors}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{address}/_llmock/scenario", body))  # noqa: S310 -- our own loopback


def answer(address: str, row: str, **options: Any) -> bourn.Response:
    """The answer to a greeting, asked in real time."""
    stream = bourn.stream(f"{row}/m", "Greet me.", base_url=address + ROWS[row], api_key="k", max_tokens=99, **options)
    return asyncio.run(stream.collect())


@every_row
def test_text_and_usage(address: str, row: str) -> None:
    """The text comes whole, with a reason and usage."""
    scripted(address, {"type": "reply", "text": SAID})
    response = answer(address, row)
    assert (response.text, response.finish_reason, response.complete) == (SAID, "stop", True)
    assert (response.usage is None) == (row in UNCOUNTED)
    assert row in UNCOUNTED or (response.usage and response.usage.input_tokens and response.usage.output_tokens)


@every_row
def test_a_tool_call(address: str, row: str) -> None:
    """Its name, its arguments as they were cut, and the reason."""
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    scripted(address, {"type": "reply", "tool_calls": [{"name": "get_weather", "arguments": {"city": "Zürich"}}]})
    response = answer(address, row, tools=[bourn.Tool("get_weather", "w", city)])
    (call,) = response.tool_calls
    assert (call.name, json.loads(call.arguments), call.complete) == ("get_weather", {"city": "Zürich"}, True)
    assert response.finish_reason == "tool_calls"


FAULTS: dict[str, tuple[str, type[bourn.BournError]]] = {
    "dropped": ("disconnect", bourn.ConnectionLostError),
    "ended early": ("truncate", bourn.TruncatedError),
    "malformed": ("malformed", bourn.PayloadError),
}


@every_row
@pytest.mark.parametrize(("fault", "error"), FAULTS.values(), ids=FAULTS)
def test_a_broken_stream(address: str, row: str, fault: str, error: type[bourn.BournError]) -> None:
    """What its own table says most SDKs pass over in silence is one typed error, with the beginning of the text."""
    scripted(address, {"type": "reply", "text": SAID}, {"type": "stream_fault", "kind": fault, "after_chunks": 3})
    with pytest.raises(error) as broken:
        answer(address, row)
    assert broken.value.response is not None
    assert SAID.startswith(broken.value.response.text)
    assert not broken.value.response.complete


@every_row
@pytest.mark.parametrize(
    ("status", "error"),
    [(400, bourn.BadRequestError), (401, bourn.AuthenticationError), (429, bourn.RateLimitError), (503, bourn.OverloadedError)],
)
def test_a_refusal(address: str, row: str, status: int, error: type[bourn.StatusError]) -> None:
    """Its class and the server's own message."""
    scripted(address, {"type": "fail", "status": status, "message": "No, thank you."})
    with pytest.raises(error, match="No, thank you") as refused:
        answer(address, row)
    assert refused.value.status == status
