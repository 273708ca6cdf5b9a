"""What the payloads of one part repeat around their words, so that most of them need not be read.

Most payloads of an answer are the one before it with other words between the same bytes, and perhaps with other padding
behind them. Once that is known, and proven, only the words are read.

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
_PADDING = b"0bourn0"


class Refrain:
    """Ask it for the :meth:`words` of each payload first; let it :meth:`learn` from one that brought words and nothing else."""

    __slots__ = ("_end", "_head", "_lessons", "_sizes", "_tail", "_words")

    def __init__(self) -> None:
        self._lessons = _LESSONS
        self.forget()

    def forget(self) -> None:
        """The part is over: other words belong to another one."""
        self._head = b""  # comes before the words
        self._tail = b""  # comes after them, up to the padding where there is some
        self._end = b""  # comes after that
        self._words = slice(0)  # where they are in a payload without padding
        self._sizes = 0, 0, 0  # of these three, where there is some

    def words(self, data: bytes) -> str:
        """The words of a payload that is the refrain but for them; ``""`` for any other, which is to be read."""
        if not (self._head and data.startswith(self._head)):
            return ""
        if not self._end:
            written = data[self._words] if data.endswith(self._tail) else b""
        else:
            start, tail, end = self._sizes
            at = data.find(self._tail, start)
            if at < 0 or not data.endswith(self._end) or not data[at + tail : -end].isalnum():
                return ""
            written = data[start:at]
        try:
            words = _WORD.decode(written)
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
        if not (found and tail) or len(head) + len(tail) > _LONGEST:
            return
        probe = head + msgspec.json.encode(_PROBE)
        if head == self._head and not self._end:
            before, after = _around_padding(self._tail, tail)
            if before and read(probe + before + _PADDING + after) == _PROBE:
                self._tail, self._end = before, after
                self._sizes = len(head), len(before), len(after)
                return
        if read(probe + tail) == _PROBE:
            self._head, self._tail, self._end = head, tail, b""
            self._words = slice(len(head), -len(tail))


def _around_padding(one: bytes, other: bytes) -> tuple[bytes, bytes]:
    """What two tails have in common before and after one string that differs; both empty where that is not all."""
    start, quote, _ = one[: _alike(one, other)].rpartition(b'"')
    _, closing, end = one[len(one) - _alike(one[::-1], other[::-1]) :].partition(b'"')
    before, after = start + quote, closing + end
    if quote and closing and all(tail[len(before) : -len(after)].isalnum() for tail in (one, other)):
        return before, after
    return b"", b""


def _alike(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
