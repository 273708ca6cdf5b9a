"""Payloads that bring words and nothing else: nearly all of them, read by a struct that refuses every other one.

A struct that has a place for everything costs more to fill and to look through than its words are worth. One that has only the
words, and forbids what it does not know, proves by having been read that there was nothing else to tell.

House rule: what is refused is read as a whole by the decoder, so nothing is lost by asking; what says nothing is ``Raw``.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from bourn.dialects.payload import UNREADABLE

T = TypeVar("T")

_TRIES = 8
"""Refusals in a row after which it is not asked any more: where each payload has more to tell, asking is in vain."""


class Plain(Generic[T]):
    """The reader of one answer's plain payloads; ``decoder`` is of a struct that forbids unknown fields."""

    __slots__ = ("_decoder", "_tries")

    def __init__(self, decoder: msgspec.json.Decoder[T]) -> None:
        self._decoder = decoder
        self._tries = _TRIES

    def read(self, data: bytes) -> T | None:
        """The payload, if it is plain."""
        if not self._tries:
            return None
        try:
            told = self._decoder.decode(data)
        except UNREADABLE:
            self._tries -= 1
            return None
        self._tries = _TRIES
        return told
