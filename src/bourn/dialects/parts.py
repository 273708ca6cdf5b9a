"""The bookkeeping that all decoders share: which parts are open, under which index, and the events that open and close them.

House rule: parts are opened by the first thing said and closed by the provider's evidence; an index is never used twice. What
comes out is in the legal order, whatever the decoder asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from bourn.events import (
    Event,
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


class Parts:
    """Open parts by a key of the decoder's choice (a block index, an item id, a word); gives the events to emit.

    Every method appends to ``out``, the list of events of the frame at hand.
    """

    def __init__(self) -> None:
        self._open: dict[Hashable, tuple[int, str]] = {}
        self._next = 0

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
        index = self._take(key, kind)
        out.append(ReasoningStart(index, id) if kind == "reasoning" else _STARTS[kind](index))
        return index

    def start_tool(self, key: Hashable, id: str | None, name: str, out: list[Event], *, custom: bool = False) -> int:
        """Open part ``key`` as a tool call, if it is not open yet; its index."""
        entry = self._open.get(key)
        if entry is not None:
            if entry[1] == "tool_call":
                return entry[0]
            self._leave(key, out)
        index = self._take(key, "tool_call")
        out.append(ToolCallStart(index, id, name, custom))
        return index

    def delta(self, key: Hashable, kind: str, text: str, out: list[Event]) -> None:
        """More text for part ``key``, which is opened if need be; an empty text does nothing."""
        if text:
            out.append(_DELTAS[kind](self.start(key, kind, out), text))

    def arguments(self, key: Hashable, text: str, out: list[Event]) -> None:
        """More argument text for the open tool call ``key``; an empty text does nothing."""
        if text:
            out.append(ToolCallDelta(self._open[key][0], text))

    def end(self, key: Hashable, out: list[Event], *, signature: str | None = None, redacted: bool = False) -> None:
        """Close part ``key``, if it is open."""
        entry = self._open.pop(key, None)
        if entry is None:
            return
        index, kind = entry
        if kind == "reasoning":
            out.append(ReasoningEnd(index, signature, redacted))
        elif kind == "tool_call":
            out.append(ToolCallEnd(index, signature))
        elif kind == "text":
            out.append(TextEnd(index, signature))
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

    def _leave(self, key: Hashable, out: list[Event]) -> None:
        """Another kind comes under this key, so the part is over; but a call needs the provider's word for that."""
        if self._open[key][1] == "tool_call":
            del self._open[key]
        else:
            self.end(key, out)

    def _take(self, key: Hashable, kind: str) -> int:
        index = self._next
        self._next += 1
        self._open[key] = (index, kind)
        return index
