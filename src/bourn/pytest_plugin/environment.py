"""The environment variables that clients read: all of them pointed at one mock, with a key that is none.

House rule: what the table of providers knows is not written here again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bourn import dialects
from bourn.mock.variables import base_urls
from bourn.providers import PROVIDERS

if TYPE_CHECKING:
    import pytest

KEY = "mock-key"

OTHERS = {"OPENAI_API_BASE": "openai-chat", "ANTHROPIC_API_BASE": "anthropic"}
"""Variables that only other people's clients read (LangChain, LiteLLM), and the dialect that is spoken there."""

_REGION = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
"""boto3 signs nothing without one."""

_BYPASS = "127.0.0.1,localhost"


def variables(url: str) -> dict[str, str]:
    """Variable to value: every base URL and key for a mock at ``url``, and no proxy on the way to it."""
    found: dict[str, str] = {}
    for row in PROVIDERS.values():
        for name in row.url_variables:
            found.setdefault(name, url if name in row.host_env else url + dialects.get(row.dialect).root)
        for name in row.key_env:
            found.setdefault(name, KEY)
    found |= {name: url + dialects.get(dialect).root for name, dialect in OTHERS.items()} | base_urls(url) | _REGION
    for name in ("NO_PROXY", "no_proxy"):
        before = os.environ.get(name)
        found[name] = f"{before},{_BYPASS}" if before else _BYPASS
    return found


def point(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Point every client that is made from now on at the mock."""
    for name, value in variables(url).items():
        monkeypatch.setenv(name, value)
