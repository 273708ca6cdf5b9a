"""LangChain's model class for OpenAI: ``ChatOpenAI.astream``.

House rule: both of its limits are declared: ``timeout`` (silence) and ``stream_chunk_timeout`` (no chunk).
"""

from __future__ import annotations

from typing import Any

from bourn.contract.subject import Subject

SECONDS, CHUNK_SECONDS = 20.0, 50.0


def client(base_url: str) -> Any:
    """The model for a base URL; it makes its own HTTP client, and has no means to close it."""
    from langchain_openai import ChatOpenAI

    limits: dict[str, Any] = {"timeout": SECONDS, "stream_chunk_timeout": CHUNK_SECONDS}
    return ChatOpenAI(model="mock", base_url=base_url, api_key="none", max_retries=0, **limits)


def chat() -> Subject:
    """``model.astream("...")``."""
    import openai
    from langchain_core.exceptions import LangChainException
    from langchain_openai import StreamChunkTimeoutError

    return Subject(
        name="langchain-openai",
        dialect="openai-chat",
        client=client,
        connect=lambda model: model.astream("Say something."),
        text=lambda chunk: chunk.text,
        view=lambda chunk: (chunk.content, chunk.tool_call_chunks, chunk.usage_metadata, chunk.response_metadata),
        terminal=lambda chunk: chunk.chunk_position == "last",
        errors=(openai.OpenAIError, LangChainException, StreamChunkTimeoutError),
        idle=CHUNK_SECONDS,
        byte_idle=SECONDS,
        keeps_alive=True,
    )
