"""We read what CopilotKit's aimock sends, a mock server that shares nothing with ours: one script, in every format it speaks.

Where it and a provider's own documentation differ, the provider is right; what differs is in ``ODDITIES``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

import bourn
from bourn import providers
from bourn.dialects import DIALECTS
from tests.servers.process import aimock

CALLS = [{"id": "c1", "name": "get_weather", "arguments": '{"city":"Zürich"}'}, {"id": "c2", "name": "now", "arguments": "{}"}]
LONG = "This answer will never come to its end, however long one waits for it."
CUT = {"chunkSize": 4, "latency": 5, "truncateAfterChunks": 6}
REFUSAL = {"message": "Slow down.", "type": "rate_limit_error", "code": "rate_limit_exceeded"}
SCRIPT: list[dict[str, Any]] = [
    {"match": {"userMessage": "greet"}, "response": {"content": "Hello, wörld!"}},
    {"match": {"userMessage": "think"}, "response": {"content": "Hello, wörld!", "reasoning": "Let me think."}},
    {"match": {"userMessage": "call"}, "response": {"content": "Let me look.", "toolCalls": CALLS}},
    {"match": {"userMessage": "stop early"}, "response": {"content": "Hello,", "finishReason": "length"}},
    {"match": {"userMessage": "too much"}, "response": {"error": REFUSAL, "status": 429, "retryAfter": 7}},
    {"match": {"userMessage": "break off"}, "response": {"content": LONG}, **CUT},
]

CLAUDE = "anthropic.claude-opus-4-5"
ROWS: dict[str, tuple[str, str]] = {
    "openai": ("/v1", "gpt-5"),
    "openai-responses": ("/v1", "gpt-5"),
    "anthropic": ("", "claude-opus-4-5"),
    "gemini": ("", "gemini-2.5-pro"),
    "vertex": ("/v1/projects/p/locations/l", "gemini-2.5-pro"),
    "bedrock": ("", CLAUDE),
    "bedrock-invoke": ("", CLAUDE),
    "cohere": ("", "command-a-reasoning"),
    "ollama": ("", "gpt-oss"),
    "azure-deployments": ("/openai/deployments/gpt-5", "gpt-5"),
    "openrouter": ("/api/v1", "openai/gpt-5"),
}
"""Row to the path of its base URL there, and a model."""

SILENT: dict[str, str] = {
    "cohere": "it sends thoughts as a content of type text; Cohere's type is thinking, https://docs.cohere.com/docs/reasoning",
    "ollama": "it sends thoughts as reasoning_content; Ollama's key is thinking, https://docs.ollama.com/capabilities/thinking",
}
"""Rows whose thoughts cannot be read, and why."""

UNLIKE: dict[tuple[str, str], tuple[str, str | None, str]] = {
    ("openai-responses", "stop early"): ("other", "incomplete", "response.completed without incomplete_details"),
    ("ollama", "stop early"): ("stop", "stop", "done_reason stop; Ollama says length"),
    ("gemini", "call"): ("other", "FUNCTION_CALL", "no such FinishReason; Google says STOP"),
    ("vertex", "call"): ("other", "FUNCTION_CALL", "the same"),
}
"""Row and prompt to the reason and the word that come of it, and how it differs from the provider."""

UNSPOKEN = {"openai-completions", "anthropic-vertex", "mistral", "cloudflare", "huggingface-tgi"}
"""Dialects that it does not speak."""

TOLD = ("openai", "azure-deployments", "openrouter")
"""Rows for which it counts tokens; for the others it says 0."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("aimock") / "script.json"
    file.write_text(json.dumps({"fixtures": SCRIPT}), "utf-8")
    with aimock(file) as root:
        yield root


def answer(address: str, row: str, prompt: str, **options: Any) -> bourn.Response:
    """The answer to a prompt, asked in real time."""
    path, model = ROWS[row]
    stream = bourn.stream(f"{row}/{model}", prompt, base_url=address + path, api_key="k", max_tokens=99, **options)
    return asyncio.run(stream.collect())


every_row = pytest.mark.parametrize("row", ROWS)


def reason(row: str, prompt: str, usual: str) -> str:
    """The finish reason that is right, or what comes of an oddity."""
    return UNLIKE.get((row, prompt), (usual, None, ""))[0]


@every_row
def test_text_and_usage(address: str, row: str) -> None:
    """The text comes whole, with a reason and, where it counts, usage."""
    response = answer(address, row, "greet")
    assert (response.text, response.finish_reason, response.complete) == ("Hello, wörld!", "stop", True)
    told = row in TOLD
    assert response.usage is not None
    assert bool(response.usage.input_tokens and response.usage.output_tokens) == told


@every_row
def test_reasoning(address: str, row: str) -> None:
    """Thoughts are apart from the text."""
    response = answer(address, row, "think")
    if row in SILENT:
        assert response.reasoning == ""
        assert response.text.endswith("Hello, wörld!")
    else:
        assert (response.reasoning, response.text) == ("Let me think.", "Hello, wörld!")


@every_row
def test_tool_calls(address: str, row: str) -> None:
    """Text, two calls with their arguments, and the reason."""
    tools = [bourn.Tool("get_weather", "w", {"type": "object"}), bourn.Tool("now", "n", {"type": "object"})]
    response = answer(address, row, "call", tools=tools)
    assert response.text == "Let me look."
    assert [(call.name, json.loads(call.arguments), call.complete) for call in response.tool_calls] == [
        ("get_weather", {"city": "Zürich"}, True),
        ("now", {}, True),
    ]
    assert [call.id for call in response.tool_calls] == ([None, None] if row == "ollama" else ["c1", "c2"])
    assert response.finish_reason == reason(row, "call", "tool_calls")


@every_row
def test_a_length_limit(address: str, row: str) -> None:
    """The reason is the shared word for it; or what the server says in its place."""
    response = answer(address, row, "stop early")
    assert (response.text, response.finish_reason) == ("Hello,", reason(row, "stop early", "length"))


@every_row
def test_a_refusal(address: str, row: str) -> None:
    """The class, the message, the wait and the id of the request."""
    with pytest.raises(bourn.RateLimitError, match="Slow down") as refused:
        answer(address, row, "too much")
    assert refused.value.retry_after == 7
    assert refused.value.request_id


@every_row
def test_an_answer_that_breaks_off(address: str, row: str) -> None:
    """It is no complete answer, and what came is the beginning of it."""
    with pytest.raises(bourn.ConnectionLostError) as cut:
        answer(address, row, "break off")
    assert cut.value.response is not None
    assert LONG.startswith(cut.value.response.text)
    assert not cut.value.response.complete


def test_the_oddities_are_still_there(address: str) -> None:
    """What it gets wrong is in the tables as long as it does, and no longer."""
    for (row, prompt), (_, word, why) in UNLIKE.items():
        tools = [bourn.Tool("get_weather", "w", {"type": "object"})] if prompt == "call" else None
        assert answer(address, row, prompt, tools=tools).raw_finish_reason == word, why


def test_every_format_is_asked_or_unknown_to_it() -> None:
    """A new dialect is asked here, or is named as one that it does not speak."""
    asked = {providers.get(row).dialect for row in ROWS}
    assert asked | UNSPOKEN == {name for name, module in DIALECTS.items() if module.startswith("bourn.")}
    assert not asked & UNSPOKEN
