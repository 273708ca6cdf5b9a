"""What the payloads of one part repeat around their words, so that most of them need not be read.

Most payloads of an answer are the one before it with other words between the same bytes. Once that is known, and proven, only
the words are read.

House rule: a refrain is believed because it was tried, not because it looks right: put around a word of our own, the decoder's
own reader had to find that word, and nothing else. A JSON string may stand wherever another one may, so it will find any.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

_LESSONS = 8
"""Payloads that may be learnt from in a row, without one that then fits: where each is different, learning is in vain."""

_LONGEST = 4096
"""Bytes of a refrain that is kept: a stream holds one."""

_WORD = msgspec.json.Decoder(str)
_PROBE = "\x01bourn\x02"


class Refrain:
    """Ask it for the :meth:`words` of each payload first; let it :meth:`learn` from one that brought words and nothing else."""

    __slots__ = ("_head", "_lessons", "_tail", "_words")

    def __init__(self) -> None:
        self._lessons = _LESSONS
        self.forget()

    def forget(self) -> None:
        """The part is over: other words belong to another one."""
        self._head = b""
        self._tail = b""
        self._words = slice(0)  # where they are in a payload

    def words(self, data: bytes) -> str:
        """The words of a payload that is the refrain but for them; ``""`` for any other, which is to be read."""
        if not (self._head and data.startswith(self._head) and data.endswith(self._tail)):
            return ""
        try:
            words = _WORD.decode(data[self._words])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""
        self._lessons = _LESSONS
        return words

    def learn(self, data: bytes, words: str, read: Callable[[bytes], str | None]) -> None:
        """Take the refrain from a payload with these words; ``read`` gives the words of one that has nothing else."""
        if not self._lessons:
            return
        self._lessons -= 1
        head, found, tail = data.partition(msgspec.json.encode(words))
        if found and tail and len(head) + len(tail) <= _LONGEST and read(head + msgspec.json.encode(_PROBE) + tail) == _PROBE:
            self._head, self._tail = head, tail
            self._words = slice(len(head), -len(tail))
