"""Who is judged: a row a subject, in the order of the page's columns.

House rule: plain data; versions are pinned in pyproject.toml, in the dependency group that a row names.
"""

from __future__ import annotations

from typing import NamedTuple

MAIN, OLDER = "conformance", "conformance-older"
"""Dependency groups, each an environment of its own: in one is the SDK of Anthropic's with which some libraries still work."""


class Row(NamedTuple):
    """A subject: how ``bourn verify`` finds it, the heading of its column, its package, and where that is installed."""

    target: str
    dialect: str
    heading: str
    package: str
    group: str = MAIN
    rules: str = ""

    @property
    def key(self) -> str:
        """Its name in the file of results."""
        return f"{self.target} {self.dialect}"

    def command(self, rules: str = "") -> str:
        """The command that judges it."""
        chosen = rules or self.rules
        return f"bourn verify {self.target} --dialect {self.dialect}" + (f" --rules {chosen}" if chosen else "")


_ADAPTERS = "bourn.contract.adapters"
_OURS = "tests.contract.ourselves:ours"

ROWS = [
    Row(_OURS, "openai-chat", "bourn<br>chat", "bourn"),
    Row(_OURS, "openai-responses", "bourn<br>responses", "bourn"),
    Row(_OURS, "anthropic", "bourn<br>anthropic", "bourn"),
    Row(f"{_ADAPTERS}.openai:chat", "openai-chat", "openai<br>chat", "openai"),
    Row(f"{_ADAPTERS}.openai:chat_helper", "openai-chat", "openai<br>helper", "openai"),
    Row(f"{_ADAPTERS}.openai:responses", "openai-responses", "openai<br>responses", "openai"),
    Row(f"{_ADAPTERS}.anthropic:messages", "anthropic", "anthropic<br>messages", "anthropic"),
    Row(f"{_ADAPTERS}.anthropic:messages_helper", "anthropic", "anthropic<br>helper", "anthropic"),
    Row(f"{_ADAPTERS}.litellm:chat", "openai-chat", "litellm<br>chat", "litellm"),
    Row(f"{_ADAPTERS}.litellm:anthropic", "anthropic", "litellm<br>anthropic", "litellm"),
    Row(f"{_ADAPTERS}.any_llm:chat", "openai-chat", "any-llm<br>chat", "any-llm-sdk", OLDER),
    Row(f"{_ADAPTERS}.pydantic_ai:chat", "openai-chat", "pydantic-ai<br>chat", "pydantic-ai-slim"),
    Row(f"{_ADAPTERS}.pydantic_ai:anthropic", "anthropic", "pydantic-ai<br>anthropic", "pydantic-ai-slim", OLDER),
    Row(f"{_ADAPTERS}.langchain_openai:chat", "openai-chat", "langchain<br>chat", "langchain-openai"),
    Row(f"{_ADAPTERS}.aiohttp:chat", "openai-chat", "aiohttp<br>by hand", "aiohttp"),
]

STRICTER = [
    Row("bench.conformance.stricter:openai", "openai-chat", "openai", "openai", rules="12.1"),
    Row("bench.conformance.stricter:anthropic", "anthropic", "anthropic", "anthropic", rules="12.1"),
]
"""Subjects held to more than they promise, for the table of earlier measurements alone."""
