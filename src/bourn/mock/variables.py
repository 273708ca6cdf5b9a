"""The environment variables from which each dialect's usual SDK reads its base URL and its key.

House rule: a row names variables that the SDK itself reads (openai, anthropic, google-genai, botocore, cohere, ollama); an SDK
that wants another path than ours (``/v1`` is in OpenAI's base URL and in nobody else's) gets the dialect's root, no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from bourn import dialects


class Variables(msgspec.Struct, frozen=True):
    """The names of the variables for the base URL and, where there is one, for the key."""

    base_url: str
    key: str | None


SDK_VARIABLES: Mapping[str, Variables] = MappingProxyType(
    {
        "openai-chat": Variables("OPENAI_BASE_URL", "OPENAI_API_KEY"),
        "openai-responses": Variables("OPENAI_BASE_URL", "OPENAI_API_KEY"),
        "anthropic": Variables("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
        "gemini": Variables("GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY"),
        "bedrock-converse": Variables("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_BEARER_TOKEN_BEDROCK"),
        "bedrock-invoke": Variables("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_BEARER_TOKEN_BEDROCK"),
        "cohere": Variables("CO_API_URL", "CO_API_KEY"),
        "ollama": Variables("OLLAMA_HOST", None),
    }
)
"""Dialect to variables; a dialect whose SDK reads none, or that has no SDK, has no row."""


def base_urls(url: str, names: Iterable[str] = SDK_VARIABLES) -> dict[str, str]:
    """Variable to value for a server at ``url``, for the dialects in ``names`` that have a row.

    Raises ``InputError`` for a dialect that there is not.
    """
    told = {name: url + dialects.get(name).root for name in names}
    return {SDK_VARIABLES[name].base_url: value for name, value in told.items() if name in SDK_VARIABLES}
