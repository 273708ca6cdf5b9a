"""Wire formats, one file each with both halves: the client's (requests out, events in) and the server's.

A dialect is found by its name with :func:`bourn.dialects.get`; a new one is a file and a row in the table below. Importing one
takes milliseconds, so who runs beside an event loop imports its :func:`module` elsewhere first.
House rule: no I/O; a quirk seen in real traffic is a table entry that names where it was seen.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from bourn.errors import InputError

if TYPE_CHECKING:
    from bourn.dialects.base import Dialect

DIALECTS: dict[str, str] = {
    "openai-chat": "bourn.dialects.openai_chat.decoder",
    "mistral": "bourn.dialects.mistral",
    "openai-responses": "bourn.dialects.openai_responses.decoder",
    "openai-completions": "bourn.dialects.openai_completions",
    "anthropic": "bourn.dialects.anthropic.decoder",
    "anthropic-vertex": "bourn.dialects.anthropic.vertex",
    "gemini": "bourn.dialects.gemini.decoder",
    "bedrock-converse": "bourn.dialects.bedrock.converse",
    "bedrock-invoke": "bourn.dialects.bedrock.invoke",
    "cohere": "bourn.dialects.cohere.decoder",
    "ollama": "bourn.dialects.ollama.decoder",
    "cloudflare": "bourn.dialects.cloudflare",
    "huggingface-tgi": "bourn.dialects.huggingface_tgi",
}
"""Name to the module that holds the dialect as ``DIALECT``; a module is imported on first use."""


def module(name: str) -> str:
    """Where the dialect called ``name`` is, which need not be imported yet; raises ``InputError`` that lists the known ones."""
    if name not in DIALECTS:
        raise InputError(f"unknown dialect {name!r}; known are {', '.join(DIALECTS)}")
    return DIALECTS[name]


@cache
def get(name: str) -> Dialect:
    """The dialect called ``name``, imported if it is not yet; raises ``InputError`` that lists the known ones."""
    dialect: Dialect = import_module(module(name)).DIALECT
    return dialect
