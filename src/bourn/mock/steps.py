"""The steps that an answer's script is made of: what the model says, and what happens meanwhile.

House rule: a step is plain data; ``play`` turns steps into events, and nothing else knows how.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from bourn.dialects.base import WireError
from bourn.events import FinishReason, Other, Usage
from bourn.mock.ops import Op

Moment = str | float | Op
"""A piece of text, a pause in seconds, or an op that runs at this place of the answer."""


class Said(msgspec.Struct, frozen=True):
    """A part of ``kind`` is said, piece by piece. ``signature``, ``redacted`` and ``id`` belong to reasoning."""

    kind: Literal["text", "reasoning", "refusal"]
    moments: tuple[Moment, ...]
    signature: str | None = None
    redacted: bool = False
    id: str | None = None


class Called(msgspec.Struct, frozen=True):
    """A tool is called; the moments are its argument text. Without an ``id`` the seed makes one."""

    name: str
    moments: tuple[Moment, ...]
    id: str | None = None
    custom: bool = False


class Together(msgspec.Struct, frozen=True):
    """Parts that are said in turns, one event of each after the other."""

    parts: tuple[Said | Called, ...]


class Meanwhile(msgspec.Struct, frozen=True):
    """A pause in seconds, or an op, between two parts."""

    moment: float | Op


class Extra(msgspec.Struct, frozen=True):
    """Something that the vocabulary does not model, if the dialect can say it."""

    event: Other


class Told(msgspec.Struct, frozen=True):
    """The usage that the end tells; ``None`` tells none. Without this step, words are counted."""

    usage: Usage | None


class Ended(msgspec.Struct, frozen=True):
    """The finish reason. Without this step it is ``tool_calls`` after calls, else ``stop``."""

    reason: FinishReason
    raw: str | None = None


class Failed(msgspec.Struct, frozen=True):
    """The provider reports an error in mid-stream and says no more; ``status`` is used where nothing was streamed."""

    error: WireError
    status: int = 500


Step = Said | Called | Together | Meanwhile | Extra | Told | Ended | Failed
