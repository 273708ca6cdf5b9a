"""any-llm: ``AnyLLM.create("openai").acompletion(stream=True)``, with its own exceptions.

House rule: what is an option of the library (``unified_exceptions``) is set so that the library does its best.
"""

from __future__ import annotations

from typing import Any

from bourn.contract.subject import Subject

SECONDS = 20.0
CONNECTIONS = 60
SAY: list[Any] = [{"role": "user", "content": "Say something."}]


def client(base_url: str) -> Any:
    """The library's client for a base URL; its options are those of the SDK below it."""
    import httpx2
    import openai
    from any_llm import AnyLLM

    pool = openai.DefaultAsyncHttpxClient(limits=httpx2.Limits(max_connections=CONNECTIONS))
    options: dict[str, Any] = {"max_retries": 0, "timeout": SECONDS, "http_client": pool, "unified_exceptions": True}
    return AnyLLM.create("openai", api_key="none", api_base=base_url, **options)


def chat() -> Subject:
    """``llm.acompletion(stream=True)`` of OpenAI's provider."""
    from any_llm.exceptions import AnyLLMError

    return Subject(
        name="any-llm",
        dialect="openai-chat",
        client=client,
        connect=lambda llm: llm.acompletion(model="mock", messages=SAY, stream=True),
        text=lambda chunk: chunk.choices[0].delta.content if chunk.choices else None,
        errors=(AnyLLMError,),
        byte_idle=SECONDS,
        pool_size=CONNECTIONS,
        keeps_alive=True,
    )
