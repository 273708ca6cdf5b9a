"""docs/dialects.md leaves nothing out: dialects, recorded formats, and what is read otherwise on purpose."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bourn import dialects
from tests.dialects import (
    test_cohere_recordings,
    test_gemini_recordings,
    test_openai_chat_recordings,
    test_openai_responses_recordings,
)
from tests.recordings import CORPUS, needs_corpus

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "dialects.md").read_text()
PURPOSE = PAGE.partition("## Recordings that we read otherwise on purpose")[2].partition("\n## ")[0]
WITHOUT = PAGE.partition("## Recorded formats without a dialect")[2].partition("\n## ")[0]

FORMATS: dict[str, str] = {
    "anthropic-messages": "anthropic",
    "bedrock-converse": "bedrock-converse",
    "bedrock-invoke": "bedrock-invoke",
    "cloudflare-ai-run": "cloudflare",
    "cohere-v2": "cohere",
    "gemini": "gemini",
    "huggingface-tgi": "huggingface-tgi",
    "mistral": "mistral",
    "ollama": "ollama",
    "openai-chat": "openai-chat",
    "openai-completions": "openai-completions",
    "openai-responses": "openai-responses",
}
"""Recorded format to the dialect that reads it."""


@pytest.mark.parametrize("name", [name for name, module in dialects.DIALECTS.items() if module.startswith("bourn.")])
def test_every_dialect_has_a_section(name: str) -> None:
    """A heading names it."""
    assert re.search(rf"^## .*`{name}`", PAGE, re.MULTILINE)


@needs_corpus
def test_every_recorded_format_has_a_dialect_or_a_reason() -> None:
    """None is passed over in silence."""
    recorded = {re.sub("-(errors|curated)$", "", folder.name) for folder in CORPUS.iterdir() if folder.is_dir()}
    unread = set(re.findall(r"^\| `([^`]+)`( of [^|]*)? \|", WITHOUT, re.MULTILINE))
    assert recorded == FORMATS.keys() | {name for name, partly in unread if not partly}
    assert set(FORMATS.values()) <= dialects.DIALECTS.keys()


def test_what_is_read_otherwise_on_purpose_is_listed() -> None:
    """Each exception of the tests has its row, and each row its exception."""
    excepted = {
        *test_openai_chat_recordings.DISPUTED,
        *test_openai_responses_recordings.NOT_SO,
        *test_gemini_recordings.DISPUTED,
        *test_cohere_recordings.DISPUTED,
    }
    assert set(re.findall(r"^\| `([^`]+)`", PURPOSE, re.MULTILINE)) == excepted
