"""The table of services: one row each.

Here are the services with a dialect of their own, and those that speak only Anthropic's, or OpenAI's responses. Adding a
service that speaks a known dialect is one row here or in one of the modules that are joined to this one.

House rule: only what the service's documentation, its own client or recorded traffic says.
"""

from __future__ import annotations

from bourn.providers.clouds import CLOUDS
from bourn.providers.compatible import COMPATIBLE
from bourn.providers.google import GOOGLE
from bourn.providers.own_servers import OWN_SERVERS
from bourn.providers.row import Provider
from bourn.providers.second_names import SECOND_NAMES

_ROWS = (
    Provider(
        "openai",
        "openai-chat",
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        default_model="gpt-6-luna",
        quirks=frozenset({"max_completion_tokens"}),
    ),
    Provider("anthropic", "anthropic", "https://api.anthropic.com", ("ANTHROPIC_API_KEY",), default_model="claude-sonnet-5-5"),
    *GOOGLE,
    *COMPATIBLE,
    *SECOND_NAMES,
    Provider("kimi-coding", "anthropic", "https://api.kimi.com/coding", ("KIMI_API_KEY",)),
    Provider("minimax", "anthropic", "https://api.minimax.io/anthropic", ("MINIMAX_API_KEY",)),
    Provider("minimax-cn", "anthropic", "https://api.minimaxi.com/anthropic", ("MINIMAX_API_KEY",)),
    Provider("mistral", "mistral", "https://api.mistral.ai/v1", ("MISTRAL_API_KEY",), default_model="mistral-small-latest"),
    Provider("perplexity", "openai-responses", "https://api.perplexity.ai/v1", ("PERPLEXITY_API_KEY",)),
    Provider(
        "cohere",
        "cohere",
        "https://api.cohere.com",
        ("COHERE_API_KEY", "CO_API_KEY"),
        ("COHERE_BASE_URL", "CO_API_URL"),
        default_model="command-a-03-2025",
    ),
    Provider("ollama-cloud", "ollama", "https://ollama.com", ("OLLAMA_API_KEY",)),
    *CLOUDS,
    Provider("ollama", "ollama", "http://127.0.0.1:11434", host_env=("OLLAMA_HOST",)),
    *OWN_SERVERS,
    Provider("local", "openai-chat", None, default_model="smollm2-135m", way="local"),
    Provider("mock", "openai-chat", None, way="mock"),
)

PROVIDERS: dict[str, Provider] = {row.name: row for row in _ROWS}
"""Name to row, in the order in which ``bourn chat`` looks for a key."""
