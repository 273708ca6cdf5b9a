"""The table of services: one row each.

Here are the services with a dialect of their own, and those that are reached in another dialect than OpenAI chat. Adding a
service that speaks a known dialect is one row here or in one of the three modules that are joined to this one.

House rule: only what the service's documentation, its own client or recorded traffic says.
"""

from __future__ import annotations

from bourn.providers.clouds import CLOUDS
from bourn.providers.compatible import COMPATIBLE
from bourn.providers.google import GOOGLE
from bourn.providers.own_servers import OWN_SERVERS
from bourn.providers.row import Provider

_ROWS = (
    Provider(
        "openai",
        "openai-chat",
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        default_model="gpt-5-mini",
        quirks=frozenset({"max_completion_tokens"}),
    ),
    Provider("anthropic", "anthropic", "https://api.anthropic.com", ("ANTHROPIC_API_KEY",), default_model="claude-sonnet-4-5"),
    *GOOGLE,
    *COMPATIBLE,
    Provider("openai-responses", "openai-responses", "https://api.openai.com/v1", ("OPENAI_API_KEY",), ("OPENAI_BASE_URL",)),
    Provider(
        "deepseek-responses", "openai-responses", "https://api.deepseek.com", ("DEEPSEEK_API_KEY",), ("DEEPSEEK_BASE_URL",)
    ),
    Provider(
        "openrouter-responses",
        "openai-responses",
        "https://openrouter.ai/api/v1",
        ("OPENROUTER_API_KEY",),
        ("OPENROUTER_BASE_URL",),
    ),
    Provider("xai-responses", "openai-responses", "https://api.x.ai/v1", ("XAI_API_KEY",), ("XAI_BASE_URL",)),
    Provider("kimi-coding", "anthropic", "https://api.kimi.com/coding", ("KIMI_API_KEY",)),
    Provider("minimax", "anthropic", "https://api.minimax.io/anthropic", ("MINIMAX_API_KEY",)),
    Provider("minimax-cn", "anthropic", "https://api.minimaxi.com/anthropic", ("MINIMAX_API_KEY",)),
    Provider(
        "openrouter-anthropic",
        "anthropic",
        "https://openrouter.ai/api",
        ("OPENROUTER_API_KEY",),
        auth=("authorization", "Bearer "),
    ),
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
)

PROVIDERS: dict[str, Provider] = {row.name: row for row in _ROWS}
"""Name to row, in the order in which ``bourn chat`` looks for a key."""
