"""The table of services: one row each.

Adding a service that speaks a known dialect is one row here, or in ``compatible`` if it speaks OpenAI's.

House rule: only what the service's own documentation or recorded traffic says.
"""

from __future__ import annotations

from bourn.providers.compatible import COMPATIBLE
from bourn.providers.google import GOOGLE
from bourn.providers.row import Provider

_ROWS = (
    Provider(
        "openai",
        "openai-chat",
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        ("OPENAI_BASE_URL",),
        default_model="gpt-5-mini",
        quirks=frozenset({"max_completion_tokens"}),
    ),
    Provider("openai-responses", "openai-responses", "https://api.openai.com/v1", ("OPENAI_API_KEY",), ("OPENAI_BASE_URL",)),
    Provider(
        "anthropic",
        "anthropic",
        "https://api.anthropic.com",
        ("ANTHROPIC_API_KEY",),
        ("ANTHROPIC_BASE_URL",),
        default_model="claude-sonnet-4-5",
    ),
    *GOOGLE,
    *COMPATIBLE,
    Provider("local", "openai-chat", None, default_model="smollm2-135m", way="local"),
)

PROVIDERS: dict[str, Provider] = {row.name: row for row in _ROWS}
"""Name to row, in the order in which ``bourn chat`` looks for a key."""
