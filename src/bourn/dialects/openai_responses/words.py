"""The words of the Responses format that both halves use, and what is read of its JSON.

House rule: a name of the wire stands here once; structs hold the fields that are used, everything else is skipped.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from bourn.dialects import payload
from bourn.events import FinishReason

MESSAGE, REASONING, FUNCTION_CALL, CUSTOM_CALL = "message", "reasoning", "function_call", "custom_tool_call"
"""The types of the items that the vocabulary models; all others are the service's own doing."""

RESULT = "_output"
"""What the type of a call's item ends with where the item is the call's result."""

REASONS: dict[str, FinishReason] = {
    "completed": "stop",
    "max_output_tokens": "length",
    "content_filter": "content_filter",
    "failed": "error",
}
"""``incomplete_details.reason``, else ``status``, to the shared word; with tool calls, too, it is ``completed``."""


class Speech(NamedTuple):
    """One way to say something: the part it becomes, the item it belongs to, and its events ``<stem>.delta`` and ``.done``.

    ``field`` is where the done event has the whole text. In the item, a piece of the type ``content`` holds it, which has the
    events ``<piece>.added`` and ``.done``; a call has none.
    """

    part: Literal["text", "refusal", "reasoning", "tool_call"]
    item: str
    stem: str
    field: str = "text"
    content: str = ""
    piece: str = ""


TEXT = Speech("text", MESSAGE, "response.output_text", content="output_text", piece="response.content_part")
REFUSAL = Speech("refusal", MESSAGE, "response.refusal", "refusal", content="refusal", piece="response.content_part")
THOUGHT = Speech("reasoning", REASONING, "response.reasoning_text", content="reasoning_text", piece="response.reasoning_part")
SUMMARY = Speech(
    "reasoning",
    REASONING,
    "response.reasoning_summary_text",
    content="summary_text",
    piece="response.reasoning_summary_part",
)
CALL = Speech("tool_call", FUNCTION_CALL, "response.function_call_arguments", "arguments")
CUSTOM = Speech("tool_call", CUSTOM_CALL, "response.custom_tool_call_input", "input")

SPEECHES = (TEXT, REFUSAL, THOUGHT, SUMMARY, CALL, CUSTOM)
CONTENTS: dict[str, Speech] = {speech.content: speech for speech in (TEXT, REFUSAL)}
"""Type of a message's content to the way it is said."""

XAI_SEARCH = "xs_call_"
"""How xAI's call ids of its own ``x_search`` begin: it sends them as custom tool calls, though no client has to answer."""


def modelled(type: str, call_id: str | None) -> bool:
    """Whether the vocabulary models an item; else it is the service's own."""
    return type in _MODELLED and not (type == CUSTOM_CALL and (call_id or "").startswith(XAI_SEARCH))


_MODELLED = frozenset({MESSAGE, REASONING, FUNCTION_CALL, CUSTOM_CALL})


class TokenDetails(msgspec.Struct, gc=False):
    """The part of a token count that was cached, or thought."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


USAGE_KNOWN = frozenset(
    {
        ("input_tokens",),
        ("output_tokens",),
        ("total_tokens",),
        ("input_tokens_details", "cached_tokens"),
        ("input_tokens_details", "cache_write_tokens"),
        ("output_tokens_details", "reasoning_tokens"),
    }
)
"""What of ``usage`` has a place in :class:`~bourn.events.Usage`; the rest is an ``Other`` of kind ``usage``."""


class WireUsage(msgspec.Struct, gc=False):
    """Token counts; the input includes what was cached, the output what was thought."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: TokenDetails | None = None
    output_tokens_details: TokenDetails | None = None


class Incomplete(msgspec.Struct, gc=False):
    """Why an answer is incomplete."""

    reason: str | None = None


class WireResponse(msgspec.Struct, gc=False):
    """The response object that the first and the last event carry."""

    id: str | None = None
    model: str | None = None
    status: str | None = None
    incomplete_details: Incomplete | None = None
    error: Any = None
    usage: dict[str, Any] | None = None
    service_tier: Any = None
    content_filters: list[Any] | None = None  # Azure
    output: list[Any] | None = None


class Content(msgspec.Struct, gc=False):
    """One content of a message, or one piece of reasoning."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None


class Head(msgspec.Struct, gc=False):
    """What every item has."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None


class Item(Head, gc=False):
    """What is read of an item that the vocabulary models."""

    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    content: list[Any] | None = None
    summary: list[Content] | None = None
    encrypted_content: str | None = None
    status: str | None = None
    phase: str | None = None
    namespace: str | None = None


class WireEvent(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The fields of all events that are used, in one struct: one typed decode an event, whichever it is.

    The last ones are known, and say nothing, or what other fields say.
    """

    type: str = ""
    delta: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    item_id: str | None = None
    logprobs: list[Any] | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    annotation: Any = None
    part: Content | None = None
    item: Any = None
    response: WireResponse | None = None
    copilot_usage: Any = None
    strays: dict[str, Any] | None = msgspec.field(default=None, name=payload.STRAYS)
    sequence_number: Any = None
    obfuscation: Any = None  # padding
    annotation_index: Any = None
    name: Any = None
    code: Any = None
    diff: Any = None
