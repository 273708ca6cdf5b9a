"""Pydantic AI: ``model_request_stream``, the direct request to a model, without an agent around it.

House rule: models are made with the SDKs' own clients, as its documentation does for their options.
"""

from __future__ import annotations

import json
from typing import Any

from bourn.contract.adapters import anthropic as anthropic_sdk
from bourn.contract.adapters import openai as openai_sdk
from bourn.contract.subject import Call, Partial, Subject


def _subject(name: str, dialect: str, client: Any) -> Subject:
    from pydantic_ai.direct import model_request_stream
    from pydantic_ai.exceptions import AgentRunError
    from pydantic_ai.messages import ModelRequest

    return Subject(
        name=name,
        dialect=dialect,
        client=client,
        connect=lambda model: model_request_stream(model, [ModelRequest.user_text_prompt("Say something.")]),
        text=_text,
        partial=_answer,
        errors=(AgentRunError,),
        byte_idle=openai_sdk.SECONDS,
        pool_size=openai_sdk.CONNECTIONS,
        keeps_alive=True,
    )


def chat() -> Subject:
    """With ``OpenAIChatModel``."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    def client(base_url: str) -> Any:
        return OpenAIChatModel("mock", provider=OpenAIProvider(openai_client=openai_sdk.client(base_url)))

    return _subject("pydantic-ai", "openai-chat", client)


def anthropic() -> Subject:
    """With ``AnthropicModel``."""
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    def client(base_url: str) -> Any:
        return AnthropicModel("mock", provider=AnthropicProvider(anthropic_client=anthropic_sdk.client(base_url)))

    return _subject("pydantic-ai, anthropic", "anthropic", client)


def _text(event: Any) -> str | None:
    if event.event_kind == "part_start" and event.part.part_kind == "text":
        return str(event.part.content)
    if event.event_kind == "part_delta" and event.delta.part_delta_kind == "text":
        return str(event.delta.content_delta)
    return None


def _answer(stream: Any) -> Partial:
    """``stream.get()``, which says of the whole answer whether it is complete; of a call only the finish reason does."""
    answer = stream.get()
    complete = answer.state == "complete"
    called = complete and answer.finish_reason == "tool_call"
    return Partial(
        text=answer.text or "",
        calls=tuple(Call(each.tool_name, _written(each.args), called) for each in answer.tool_calls),
        input_tokens=answer.usage.input_tokens,
        output_tokens=answer.usage.output_tokens,
        complete=complete,
        finish_reason=answer.finish_reason,
    )


def _written(arguments: Any) -> str:
    """What the wire said; a dialect that tells arguments whole gives an object."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {}, separators=(",", ":"))
