"""OpenAI's SDK: ``create(stream=True)`` of chat completions and of responses, and the helper that also keeps the answer.

House rule: the SDK's documentation of timeouts, retries and HTTP clients is followed to the letter.
"""

from __future__ import annotations

from typing import Any

from bourn.contract.subject import Call, Partial, Subject

SECONDS = 20.0
CONNECTIONS = 60
SAY: list[Any] = [{"role": "user", "content": "Say something."}]


def client(base_url: str) -> Any:
    """The SDK's client for a base URL."""
    import httpx2
    import openai

    pool = openai.DefaultAsyncHttpxClient(limits=httpx2.Limits(max_connections=CONNECTIONS))
    return openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=SECONDS, http_client=pool)


def _subject(name: str, **given: Any) -> Subject:
    import openai

    limits: dict[str, Any] = {"byte_idle": SECONDS, "pool_size": CONNECTIONS, "keeps_alive": True}
    return Subject(name=name, client=client, errors=(openai.OpenAIError,), **limits, **given)


def chat() -> Subject:
    """``client.chat.completions.create(stream=True)``."""
    return _subject(
        "openai",
        dialect="openai-chat",
        connect=lambda client: client.chat.completions.create(model="mock", messages=SAY, stream=True),
        text=lambda chunk: chunk.choices[0].delta.content if chunk.choices else None,
    )


def chat_helper() -> Subject:
    """``client.chat.completions.stream()``, which keeps the answer so far as a snapshot."""
    return _subject(
        "openai, stream helper",
        dialect="openai-chat",
        connect=lambda client: client.chat.completions.stream(model="mock", messages=SAY),
        text=lambda event: event.delta if event.type == "content.delta" else None,
        partial=_snapshot,
    )


def responses() -> Subject:
    """``client.responses.create(stream=True)``."""
    ends = ("response.completed", "response.incomplete", "response.failed")
    return _subject(
        "openai, responses",
        dialect="openai-responses",
        connect=lambda client: client.responses.create(model="mock", input="Say something.", stream=True),
        text=lambda event: event.delta if event.type == "response.output_text.delta" else None,
        terminal=lambda event: event.type in ends,
    )


def _snapshot(stream: Any) -> Partial:
    """The helper's snapshot. It says of nothing that it is complete; of a call the finish reason does."""
    try:
        snapshot = stream.current_completion_snapshot
    except AssertionError:  # there is none before the first chunk
        return Partial()
    reason = snapshot.choices[0].finish_reason if snapshot.choices else None
    message = snapshot.choices[0].message if snapshot.choices else None
    calls = [call.function for call in (message.tool_calls or ())] if message is not None else []
    return Partial(
        text=(message and message.content) or "",
        calls=tuple(Call(each.name, each.arguments, reason == "tool_calls") for each in calls),
        input_tokens=snapshot.usage and snapshot.usage.prompt_tokens,
        output_tokens=snapshot.usage and snapshot.usage.completion_tokens,
        finish_reason=reason,
    )
