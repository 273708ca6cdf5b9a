"""Anthropic's SDK: ``create(stream=True)``, and the helper that also keeps the message.

House rule: the SDK's documentation of timeouts, retries and HTTP clients is followed to the letter.
"""

from __future__ import annotations

import json
from typing import Any

from bourn.contract.subject import Call, Partial, Subject

SECONDS = 20.0
CONNECTIONS = 60
ASK: dict[str, Any] = {"model": "mock", "max_tokens": 100, "messages": [{"role": "user", "content": "Say something."}]}


def client(base_url: str) -> Any:
    """The SDK's client for a base URL."""
    import anthropic

    limits = type(anthropic.DEFAULT_CONNECTION_LIMITS)  # httpx's, or httpx2's, as the SDK's version has it
    pool = anthropic.DefaultAsyncHttpxClient(limits=limits(max_connections=CONNECTIONS))
    return anthropic.AsyncAnthropic(base_url=base_url, api_key="none", max_retries=0, timeout=SECONDS, http_client=pool)


def _subject(name: str, **given: Any) -> Subject:
    import anthropic

    limits: dict[str, Any] = {"byte_idle": SECONDS, "pool_size": CONNECTIONS, "keeps_alive": True}
    errors = (anthropic.AnthropicError,)
    return Subject(name=name, dialect="anthropic", client=client, text=_text, terminal=_last, errors=errors, **limits, **given)


def messages() -> Subject:
    """``client.messages.create(stream=True)``."""
    return _subject("anthropic", connect=lambda client: client.messages.create(**ASK, stream=True))


def messages_helper() -> Subject:
    """``client.messages.stream()``, which keeps the message so far as a snapshot."""
    return _subject("anthropic, stream helper", connect=lambda client: client.messages.stream(**ASK), partial=_snapshot)


def _text(event: Any) -> str | None:
    return event.delta.text if event.type == "content_block_delta" and event.delta.type == "text_delta" else None


def _last(event: Any) -> bool:
    return bool(event.type == "message_stop")


def _snapshot(stream: Any) -> Partial:
    """The helper's snapshot. It says of nothing that it is complete; of a call the stop reason does."""
    try:
        message = stream.current_message_snapshot
    except AssertionError:  # there is none before message_start
        return Partial()
    tools = [block for block in message.content if block.type == "tool_use"]
    written = [json.dumps(block.input, ensure_ascii=False, separators=(",", ":")) for block in tools]
    return Partial(
        text="".join(block.text for block in message.content if block.type == "text"),
        calls=tuple(
            Call(each.name, text, message.stop_reason == "tool_use") for each, text in zip(tools, written, strict=True)
        ),
        input_tokens=message.usage.input_tokens,
        output_tokens=message.usage.output_tokens,
        finish_reason=message.stop_reason,
    )
