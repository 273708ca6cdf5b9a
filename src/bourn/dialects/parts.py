"""The bookkeeping that all decoders share: which parts are open, under which index, and the events that open and close them.

House rule: parts are opened by the first thing said and closed by the provider's evidence; an index is never used twice. What
comes out is in the legal order, whatever the decoder asks for.

Some services end a call's part also where a limit cut its arguments, and tell of the limit later. So the end of the last part,
if it is a call whose arguments are not whole JSON, waits for what comes next: another part, or a finish reason that is no cut.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable

from bourn.events import (
    Event,
    Finish,
    FinishReason,
    MediaDelta,
    MediaEnd,
    MediaStart,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)

_STARTS: dict[str, Callable[[int], Event]] = {"text": TextStart, "refusal": RefusalStart, "reasoning": ReasoningStart}
_DELTAS: dict[str, Callable[[int, str], Event]] = {"text": TextDelta, "refusal": RefusalDelta, "reasoning": ReasoningDelta}
_ENDS: dict[str, Callable[[int], Event]] = {"text": TextEnd, "refusal": RefusalEnd, "reasoning": ReasoningEnd}

_CUT_SHORT: frozenset[FinishReason] = frozenset({"length", "content_filter"})
"""Finish reasons with which a service stops the model wherever it is."""


class Parts:
    """Open parts by a key of the decoder's choice (a block index, an item id, a word); gives the events to emit.

    Every method appends to ``out``, the list of events of the frame at hand.
    """

    def __init__(self) -> None:
        self._open: dict[Hashable, tuple[int, str]] = {}
        self._next = 0
        self._pieces: list[str] = []
        self._in_doubt: ToolCallEnd | None = None

    @property
    def any(self) -> bool:
        """Whether any part was ever opened."""
        return self._next > 0

    def index(self, key: Hashable) -> int | None:
        """The index of the open part ``key``; ``None`` when it is not open."""
        entry = self._open.get(key)
        return None if entry is None else entry[0]

    def start(self, key: Hashable, kind: str, out: list[Event], id: str | None = None) -> int:
        """Open part ``key`` as ``text``, ``refusal`` or ``reasoning``, if it is not open yet; its index."""
        entry = self._open.get(key)
        if entry is not None:
            if entry[1] == kind:
                return entry[0]
            self._leave(key, out)
        index = self._take(key, kind, out)
        out.append(ReasoningStart(index, id) if kind == "reasoning" else _STARTS[kind](index))
        return index

    def start_tool(self, key: Hashable, id: str | None, name: str, out: list[Event], *, custom: bool = False) -> int:
        """Open part ``key`` as a tool call, if it is not open yet; its index."""
        entry = self._open.get(key)
        if entry is not None:
            if entry[1] == "tool_call":
                return entry[0]
            self._leave(key, out)
        index = self._take(key, "tool_call", out)
        out.append(ToolCallStart(index, id, name, custom))
        return index

    def delta(self, key: Hashable, kind: str, text: str, out: list[Event]) -> None:
        """More text for part ``key``, which is opened if need be; an empty text does nothing."""
        if text:
            out.append(_DELTAS[kind](self.start(key, kind, out), text))

    def arguments(self, key: Hashable, text: str, out: list[Event]) -> None:
        """More argument text for the open tool call ``key``; an empty text does nothing."""
        if text:
            out.append(self.argument(self._open[key][0], text))

    def argument(self, index: int, text: str) -> ToolCallDelta:
        """The event for a piece of the arguments of the open call that has this index."""
        if index == self._next - 1:
            self._pieces.append(text)
        return ToolCallDelta(index, text)

    def start_media(
        self, key: Hashable, media_type: str, out: list[Event], *, id: str | None = None, url: str | None = None
    ) -> int:
        """Open part ``key`` as media, if it is not open yet; its index."""
        entry = self._open.get(key)
        if entry is not None:
            if entry[1] == "media":
                return entry[0]
            self._leave(key, out)
        index = self._take(key, "media", out)
        out.append(MediaStart(index, media_type, id, url))
        return index

    def media(self, key: Hashable, out: list[Event], data: bytes = b"", transcript: str = "") -> None:
        """More of the open media ``key``; nothing does nothing."""
        if data or transcript:
            out.append(MediaDelta(self._open[key][0], data, transcript))

    def whole_media(
        self,
        media_type: str,
        out: list[Event],
        *,
        data: bytes = b"",
        url: str | None = None,
        id: str | None = None,
        signature: str | None = None,
    ) -> None:
        """A file that comes all at once."""
        key = ("media", self._next)
        self.start_media(key, media_type, out, id=id, url=url)
        self.media(key, out, data)
        self.end(key, out, signature=signature)

    def end(self, key: Hashable, out: list[Event], *, signature: str | None = None, redacted: bool = False) -> None:
        """Close part ``key``, if it is open."""
        entry = self._open.pop(key, None)
        if entry is None:
            return
        index, kind = entry
        if kind == "reasoning":
            out.append(ReasoningEnd(index, signature, redacted))
        elif kind == "tool_call":
            self._end_call(ToolCallEnd(index, signature), out)
        elif kind == "text":
            out.append(TextEnd(index, signature))
        elif kind == "media":
            out.append(MediaEnd(index, signature))
        else:
            out.append(_ENDS[kind](index))

    def end_kind(self, kind: str, out: list[Event]) -> None:
        """Close all open parts of a kind, in the order in which they began."""
        for key in [key for key, entry in self._open.items() if entry[1] == kind]:
            self.end(key, out)

    def end_all(self, out: list[Event], *, but: str | None = None) -> None:
        """Close all open parts, except those of kind ``but``."""
        for key in [key for key, entry in self._open.items() if entry[1] != but]:
            self.end(key, out)

    def finish(self, finish: Finish, out: list[Event]) -> None:
        """The last event, and before it the end of a call that was in doubt, unless a limit cut it."""
        if finish.reason not in _CUT_SHORT:
            self._settle(out)
        out.append(finish)

    def _end_call(self, end: ToolCallEnd, out: list[Event]) -> None:
        if end.index < self._next - 1 or _is_json("".join(self._pieces)):
            out.append(end)
        else:
            self._in_doubt = end

    def _settle(self, out: list[Event]) -> None:
        if self._in_doubt is not None:
            out.append(self._in_doubt)
            self._in_doubt = None

    def _leave(self, key: Hashable, out: list[Event]) -> None:
        """Another kind comes under this key, so the part is over; but a call needs the provider's word for that."""
        if self._open[key][1] == "tool_call":
            del self._open[key]
        else:
            self.end(key, out)

    def _take(self, key: Hashable, kind: str, out: list[Event]) -> int:
        self._settle(out)
        self._pieces = []
        index = self._next
        self._next += 1
        self._open[key] = (index, kind)
        return index


def _is_json(arguments: str) -> bool:
    try:
        json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    return True
