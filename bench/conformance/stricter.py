"""Subjects held to more than their libraries promise: ``timeout=`` taken for a limit on the whole answer, as its name says.

House rule: not a column of the page; only what earlier measurements claimed is asked of them.
"""

from __future__ import annotations

from msgspec.structs import replace

from bourn.contract import Subject
from bourn.contract.adapters import anthropic as anthropic_sdk
from bourn.contract.adapters import openai as openai_sdk


def openai() -> Subject:
    """OpenAI's SDK, whose ``timeout`` bounds the silence between two reads."""
    return replace(openai_sdk.chat(), total=openai_sdk.SECONDS)


def anthropic() -> Subject:
    """Anthropic's SDK, likewise."""
    return replace(anthropic_sdk.messages(), total=anthropic_sdk.SECONDS)
