"""The answers and faults that checks share.

House rule: plain data; an answer that only one check needs stands beside that check.
"""

from __future__ import annotations

from collections.abc import Iterable

from bourn.mock import faults
from bourn.mock.mounts import Answering
from bourn.mock.scenarios import empty, text, tool_call, usage

WORDS = ("It ", "was ", "the ", "best ", "of ", "times, ", "it ", "was ", "the ", "worst ", "of ", "times. \u2014 \U0001f600")
"""What the usual answer says, a piece each."""

TEXT = "".join(WORDS)

ANSWER = text(*WORDS, whole=True) + usage(7, 12)
"""The usual answer: text in a dozen pieces, with multi-byte characters at its end."""

EMPTY = empty()
"""A whole answer that says nothing."""

CALLING_TEXT = "Let me see. "

CALLING = text(CALLING_TEXT, whole=True) + tool_call("look_up", {"city": "Oslo", "days": 3}, id="call_1") + usage(9, 15)
"""Text, then a tool call whose arguments come in pieces."""

BREAK = faults.Reset(event=6)
"""The connection is reset in the middle of the usual answer."""

_KNOWN: list[tuple[Answering, str]] = [
    (ANSWER, "the usual answer"),
    (EMPTY, "an answer that says nothing"),
    (CALLING, "text and a tool call"),
]


def describe(answer: Answering, broken: Iterable[faults.Fault | str] = ()) -> str:
    """An answer and its faults in a few words, for the evidence."""
    name = next((words for known, words in _KNOWN if known is answer), None)
    if name is None:
        name = repr(answer)
        name = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
    labels = [each if isinstance(each, str) else each.label for each in broken]
    return f"{name}, with {' and '.join(labels)}" if labels else name


_SHOWN = 200
