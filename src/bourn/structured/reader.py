"""``ObjectReader``: text in, ever more of an object out.

Words before the JSON, and a fence around it, are passed over; what follows it, too.

House rule: linear in all. The text is scanned once for where the JSON begins and ends; it is parsed again only when it has
grown by a share of its length.
"""

from __future__ import annotations

import re
from typing import Any

from bourn.structured.extra import load
from bourn.structured.shapes import Shape

_OPENING = re.compile(rb"[{\[]")
_MARKS = re.compile(rb'["\\{}\[\]]')
_UNFINISHED_NUMBER = re.compile(rb"[-+0-9.eE]+\Z")
_GROWTH = 64
"""The text is parsed again when it has grown by one part in so many."""

_DEPTHS = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}


class ObjectReader:
    """Give text to :meth:`feed`; :meth:`partial` is the object so far, :meth:`whole` the validated one."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._parse = load("jiter", "reading objects while they stream").from_json
        self._text = bytearray()
        self._begin = 0 if not shape.compound else -1  # where the JSON begins, once it does
        self._end = -1  # where it ends
        self._scanned = 0
        self._depth = 0
        self._in_string = False
        self._parsed = 0

    def feed(self, text: str) -> bool:
        """Take more text; whether there is enough of it to look at the object again."""
        self._text += text.encode("utf-8", "replace")
        self._scan()
        if self._begin < 0 or (self._end >= 0 and self._parsed >= self._end):
            return False
        return len(self._text) >= self._parsed + max(1, self._parsed // _GROWTH)

    def partial(self) -> Any:
        """The object so far; ``None`` while nothing of it is there."""
        self._parsed = len(self._text)
        data = self._json()
        if self._end < 0 and not self._in_string:
            data = _UNFINISHED_NUMBER.sub(b"", data)  # 12 may become 123
        try:
            return self._shape.partial(self._parse(data, partial_mode="trailing-strings"))
        except ValueError:
            return None  # nothing that can be read yet, or no JSON: whole() says which

    def whole(self) -> Any:
        """The validated object. Raises ``Mismatch``."""
        return self._shape.whole(self._json())

    @property
    def raw(self) -> str:
        """All the text."""
        return self._text.decode()

    def _json(self) -> bytes:
        if self._begin < 0:
            return b""
        data = bytes(self._text[self._begin : self._end if self._end >= 0 else None])
        return data if self._shape.compound else data.strip()

    def _scan(self) -> None:
        """Find where the JSON begins and ends, going on where the last scan stopped."""
        if self._begin < 0:
            opening = _OPENING.search(self._text, self._scanned)
            if opening is None:
                self._scanned = len(self._text)
                return
            self._begin = self._scanned = opening.start()
        at = self._scanned
        while self._end < 0 and (mark := _MARKS.search(self._text, at)):
            at = self._step(mark.group(), mark.end())
        self._scanned = max(at, len(self._text))

    def _step(self, mark: bytes, after: int) -> int:
        """One mark of the JSON; where to go on."""
        if mark == b"\\":
            return after + 1 if self._in_string else after
        if mark == b'"':
            self._in_string = not self._in_string
        elif not self._in_string:
            self._depth += _DEPTHS[mark]
            if self._depth == 0 and self._shape.compound:
                self._end = after
        return after
