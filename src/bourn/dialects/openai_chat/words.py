"""The words of OpenAI chat completions that both halves share: finish reasons, token counts, and the kinds of ``Other``.

House rule: an entry is OpenAI's own, or names a service that was seen to send it. The fields of the ``...Others`` structs are
the table of kinds: a new one is one line. Those that events of their own stand for are in ``notes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bourn.dialects.counts import laid_over, rest_of
from bourn.events import FinishReason, Usage

DONE = b"[DONE]"
"""The data of the last event."""

FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "tool_calls",  # OpenAI before tools
    "error": "error",  # Mistral, OpenRouter
    "eos": "stop",  # Together
    "eos_token": "stop",  # Hugging Face TGI
    "stop_sequence": "stop",  # Hugging Face TGI
    "model_length": "length",  # Mistral
}
"""The service's word to ours."""

FINISH_WORDS: dict[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "error": "error",
}
"""Our word to OpenAI's, where an event brings none; ``other`` has none, so such an answer ends with ``[DONE]`` alone."""

_USAGE: dict[str, tuple[tuple[str, ...], ...]] = {
    "input_tokens": (("prompt_tokens",),),
    "output_tokens": (("completion_tokens",),),
    "cached_tokens": (
        ("prompt_tokens_details", "cached_tokens"),
        ("prompt_cache_hit_tokens",),  # DeepSeek
        ("cached_tokens",),  # Hugging Face's providers
        ("num_cached_tokens",),  # Mistral
        ("cache_read_input_tokens",),  # Databricks
    ),
    "cache_write_tokens": (
        ("prompt_tokens_details", "cache_write_tokens"),  # OpenRouter
        ("prompt_tokens_details", "cache_creation_input_tokens"),  # Hugging Face's providers
        ("cache_creation_input_tokens",),  # Databricks, Doubleword
    ),
    "reasoning_tokens": (
        ("completion_tokens_details", "reasoning_tokens"),
        ("reasoning_tokens",),  # GitHub Copilot
    ),
}
"""Where each count lies in ``usage``: read at the first place that has it, written at the first place of all."""

_KNOWN_USAGE = {("total_tokens",), *(path for paths in _USAGE.values() for path in paths)}


class ChunkOthers(msgspec.Struct, gc=False):
    """Kinds of ``Other`` at the top of a chunk."""

    search_results: Any = None  # Perplexity, on every chunk
    citations: Any = None  # Perplexity, on every chunk: the addresses alone
    images: Any = None  # Perplexity, on every chunk: what the search found
    related_questions: Any = None  # Perplexity, on every chunk
    prompt_filter_results: Any = None  # Azure, GitHub, before the first word
    moderation: Any = None  # OpenAI, after the usage
    x_groq: Any = None
    timings: Any = None  # llama.cpp
    time_info: Any = None  # Cerebras
    copilot_usage: Any = None
    sla_metrics: Any = None  # Hugging Face's providers
    cost: Any = None  # Venice
    latency_checkpoint: Any = None  # Azure Foundry
    prompt_token_ids: Any = None  # vLLM
    stream_options: Any = None
    generationId: Any = None  # noqa: N815 - Vercel's name


class ChoiceOthers(msgspec.Struct, gc=False):
    """Kinds of ``Other`` in a choice."""

    logprobs: Any = None
    content_filter_results: Any = None  # Azure, on every chunk
    native_finish_reason: Any = None  # OpenRouter
    stop_reason: Any = None  # vLLM: which stop sequence it was
    matched_stop: Any = None  # SGLang: the same
    seed: Any = None  # Together: the one that was used
    token_ids: Any = None  # vLLM
    raw_output: Any = None
    trace_details: Any = None


class DeltaOthers(msgspec.Struct, gc=False):
    """Kinds of ``Other`` in a delta."""

    annotations: Any = None  # OpenRouter, Xiaomi
    audio: Any = None
    executed_tools: Any = None  # Groq
    images: Any = None  # OpenRouter: what the model made
    provider_metadata: Any = None  # Vercel
    channel: Any = None  # Groq: which channel of gpt-oss speaks
    graph_data: Any = None  # Writer, with the four below
    llm_data: Any = None
    image_data: Any = None
    translation_data: Any = None
    web_search_data: Any = None
    reasoning_encrypted: Any = None


REPEATED = frozenset(
    {
        "images",
        "related_questions",
        "channel",
        "cost",
        "provider_metadata",
        "graph_data",
        "provider",
        "service_tier",
    }
)
"""Kinds that services repeat on chunk after chunk: given again only when they change."""


def read_usage(told: Mapping[str, Any]) -> Usage | None:
    """The counts that a service told; ``None`` where it told none.

    Where the total says that the output does not include the reasoning (xAI), it is added.
    """
    counts = {name: _count(told, paths) for name, paths in _USAGE.items()}
    if all(count is None for count in counts.values()):
        return None
    sent, written, thought = counts["input_tokens"], counts["output_tokens"], counts["reasoning_tokens"]
    if sent is not None and written is not None and thought and told.get("total_tokens") == sent + written + thought:
        counts["output_tokens"] = written + thought
    return Usage(**counts)


def rest_of_usage(told: Mapping[str, Any]) -> dict[str, Any]:
    """What of ``usage`` has no place in ``Usage``; a count of nothing is left out."""
    return rest_of(told, _KNOWN_USAGE)


def write_usage(usage: Usage, rest: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The counts as OpenAI writes them; what is not known is left out, but for the three that every service sends.

    ``rest`` is what an ``Other`` of kind ``usage`` tells beside them.
    """
    total = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    told: dict[str, Any] = {"prompt_tokens": None, "completion_tokens": None, "total_tokens": total}
    for name, ((*outer, key), *_) in _USAGE.items():
        count = getattr(usage, name)
        if count is not None:
            place = told
            for step in outer:
                place = place.setdefault(step, {})
            place[key] = count
    return laid_over(told, rest or {})


def _count(told: Mapping[str, Any], paths: tuple[tuple[str, ...], ...]) -> int | None:
    for path in paths:
        value: Any = told
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if type(value) is int:
            return value
    return None
