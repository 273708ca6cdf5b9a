"""A chunk of OpenAI chat's stream as structs: whole, with a place for all that a service is known to send, and plain.

House rule: a field that is known is here, or among the kinds of ``Other`` in ``words``; what is not comes as a stray.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from bourn.dialects import payload
from bourn.dialects.openai_chat.words import ChoiceOthers, ChunkOthers, DeltaOthers

_Strays = dict[str, Any] | None
"""What a service sends beside the fields that are known; see ``payload.decode_all``."""


class _Function(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: str | None = None
    arguments: Any = None


class _Custom(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: str | None = None
    input: Any = None


class CallPiece(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A piece of a tool call."""

    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    custom: _Custom | None = None
    type: Any = None  # which of the two it is
    strays: _Strays = msgspec.field(default=None, name=payload.STRAYS)


class Delta(DeltaOthers, gc=False, forbid_unknown_fields=True):
    """What a choice brings; the last four say nothing."""

    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Any] | None = None
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None
    function_call: _Function | None = None
    role: Any = None
    name: Any = None  # the role again
    token_id: Any = None  # Together: a token's number beside its text
    type: Any = None


class Choice(ChoiceOthers, gc=False, forbid_unknown_fields=True):
    """One of the answers that were asked for; the last two say again what the delta says."""

    index: int | None = 0
    delta: Delta | None = None
    finish_reason: str | None = None
    strays: _Strays = msgspec.field(default=None, name=payload.STRAYS)
    text: Any = None  # Together
    message: Any = None  # Perplexity, Writer


class Chunk(ChunkOthers, gc=False, forbid_unknown_fields=True):
    """An event of the stream; formats that resemble this one are read into it. The last five say nothing."""

    id: Any = None
    model: Any = None
    choices: list[Choice] | None = None
    usage: Any = None
    error: Any = None
    service_tier: Any = None
    provider: Any = None  # OpenRouter: who answers
    strays: _Strays = msgspec.field(default=None, name=payload.STRAYS)
    object: Any = None
    created: Any = None
    system_fingerprint: Any = None
    obfuscation: Any = None  # padding
    p: Any = None  # padding


class _PlainDelta(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    content: str
    role: msgspec.Raw = msgspec.Raw()


class _PlainChoice(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    delta: _PlainDelta
    index: Literal[0] = 0
    logprobs: None = None
    finish_reason: None = None


class PlainChunk(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """More of the answer's text and nothing else that could be told: see ``Plain``."""

    choices: tuple[_PlainChoice]
    id: msgspec.Raw = msgspec.Raw()
    object: msgspec.Raw = msgspec.Raw()
    created: msgspec.Raw = msgspec.Raw()
    model: msgspec.Raw = msgspec.Raw()
    service_tier: msgspec.Raw = msgspec.Raw()
    system_fingerprint: msgspec.Raw = msgspec.Raw()
    usage: None = None
    obfuscation: msgspec.Raw = msgspec.Raw()
    p: msgspec.Raw = msgspec.Raw()
