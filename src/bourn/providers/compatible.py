"""The services that speak OpenAI's chat completions at an address of their own.

House rule: only what the service's own documentation or recorded traffic says.
"""

from __future__ import annotations

from bourn.providers.row import Provider

COMPATIBLE = (Provider("groq", "openai-chat", "https://api.groq.com/openai/v1", ("GROQ_API_KEY",), ("GROQ_BASE_URL",)),)
"""In alphabetical order."""
