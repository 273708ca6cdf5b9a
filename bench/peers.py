"""Other people's clients, each used the way its own documentation shows.

House rule: retries off, limits on connections out of the way, nothing else tuned against them or for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.readers import Reader, Seen

HI: list[Any] = [{"role": "user", "content": "hi"}]


def _only(dialect: str, *spoken: str) -> None:
    if dialect not in spoken:
        raise KeyError(dialect)


def by_openai(root: str, dialect: str) -> Reader:
    """The official SDK of OpenAI."""
    import httpx
    import openai

    _only(dialect, "openai-chat", "openai-chat+padding", "openai-responses")
    limits: Any = httpx.Limits(max_connections=None)
    pool = openai.DefaultAsyncHttpxClient(limits=limits)
    client = openai.AsyncOpenAI(api_key="bench", base_url=root, max_retries=0, timeout=600, http_client=pool)

    async def chat(deltas: int, pause: float, seen: Seen) -> None:
        there = client.with_options(base_url=f"{root}/{deltas}/{pause}/v1")
        async for chunk in await there.chat.completions.create(model="bench", messages=HI, stream=True):
            if chunk.choices and chunk.choices[0].delta.content:
                seen.pieces += 1

    async def responses(deltas: int, pause: float, seen: Seen) -> None:
        there = client.with_options(base_url=f"{root}/{deltas}/{pause}/v1")
        async for event in await there.responses.create(model="bench", input="hi", stream=True):
            if event.type == "response.output_text.delta":
                seen.pieces += 1

    return responses if dialect == "openai-responses" else chat


def by_anthropic(root: str, dialect: str) -> Reader:
    """The official SDK of Anthropic."""
    import anthropic
    import httpx

    _only(dialect, "anthropic")
    limits: Any = httpx.Limits(max_connections=None)
    pool = anthropic.DefaultAsyncHttpxClient(limits=limits)
    client = anthropic.AsyncAnthropic(api_key="bench", base_url=root, max_retries=0, timeout=600, http_client=pool)

    async def read(deltas: int, pause: float, seen: Seen) -> None:
        there = client.with_options(base_url=f"{root}/{deltas}/{pause}")
        async for event in await there.messages.create(model="bench", max_tokens=9, messages=HI, stream=True):
            if event.type == "content_block_delta":
                seen.pieces += 1

    return read


def by_litellm(root: str, dialect: str) -> Reader:
    """The usual wrapper."""
    import litellm

    _only(dialect, "openai-chat", "openai-chat+padding", "anthropic")
    litellm.suppress_debug_info = True
    model, prefix = ("anthropic/bench", "") if dialect == "anthropic" else ("openai/bench", "/v1")

    async def read(deltas: int, pause: float, seen: Seen) -> None:
        stream: Any = await litellm.acompletion(
            model=model, messages=HI, stream=True, api_key="bench", base_url=f"{root}/{deltas}/{pause}{prefix}", max_tokens=9
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                seen.pieces += 1

    return read


def by_any_llm(root: str, dialect: str) -> Reader:
    """Mozilla's wrapper."""
    from any_llm import acompletion

    _only(dialect, "openai-chat", "openai-chat+padding")

    async def read(deltas: int, pause: float, seen: Seen) -> None:
        stream: Any = await acompletion(
            model="bench", provider="openai", messages=HI, stream=True, api_key="bench", api_base=f"{root}/{deltas}/{pause}/v1"
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                seen.pieces += 1

    return read


def by_langchain(root: str, dialect: str) -> Reader:
    """LangChain's model class for OpenAI."""
    from langchain_openai import ChatOpenAI

    _only(dialect, "openai-chat", "openai-chat+padding")

    async def read(deltas: int, pause: float, seen: Seen) -> None:
        model: Any = ChatOpenAI(model="bench", api_key="bench", base_url=f"{root}/{deltas}/{pause}/v1", max_retries=0)
        async for chunk in model.astream("hi"):
            if chunk.content:
                seen.pieces += 1

    return read


def by_pydantic_ai(root: str, dialect: str) -> Reader:
    """Pydantic AI's direct model request, without an agent around it."""
    from pydantic_ai.direct import model_request_stream
    from pydantic_ai.messages import ModelRequest
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    _only(dialect, "openai-chat", "openai-chat+padding")

    async def read(deltas: int, pause: float, seen: Seen) -> None:
        provider = OpenAIProvider(base_url=f"{root}/{deltas}/{pause}/v1", api_key="bench")
        model = OpenAIChatModel("bench", provider=provider)
        async with model_request_stream(model, [ModelRequest.user_text_prompt("hi")]) as stream:
            async for event in stream:
                if event.event_kind in ("part_delta", "part_start"):
                    seen.pieces += 1

    return read


PEERS: dict[str, Callable[[str, str], Callable[[int, float, Any], Awaitable[None]]]] = {
    "openai": by_openai,
    "anthropic": by_anthropic,
    "litellm": by_litellm,
    "any-llm": by_any_llm,
    "langchain-openai": by_langchain,
    "pydantic-ai": by_pydantic_ai,
}
"""Name to the maker of its reader."""
