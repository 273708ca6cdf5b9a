"""Messages of Bedrock's streams for tests: each function makes the payload of one, ``frames`` makes them bytes."""

from __future__ import annotations

import base64
import json
from typing import Any

from bourn.dialects.bedrock.converse import DIALECT
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart
from bourn.wire.eventstream import encode
from tests.recordings import decode

Message = tuple[str, dict[str, Any]]


def frame(payload: Any, **headers: str) -> bytes:
    """A message of the event stream; ``event_type="x"`` is the header ``:event-type``."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
    return encode(data, {":" + name.replace("_", "-"): value for name, value in headers.items()})


def frames(*messages: Message) -> list[bytes]:
    """Events as Bedrock frames them."""
    return [
        frame(payload, event_type=name, content_type="application/json", message_type="event") for name, payload in messages
    ]


def exception(name: str, payload: Any) -> bytes:
    """An exception in mid-stream."""
    return frame(payload, exception_type=name, content_type="application/json", message_type="exception")


def begin() -> Message:
    return "messageStart", {"role": "assistant", "p": "abc"}


def start(index: int, **block: Any) -> Message:
    return "contentBlockStart", {"contentBlockIndex": index, "start": block, "p": "ab"}


def delta(index: int, **piece: Any) -> Message:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": piece, "p": "abcd"}


def thought(index: int, **piece: Any) -> Message:
    return delta(index, reasoningContent=piece)


def stop(index: int) -> Message:
    return "contentBlockStop", {"contentBlockIndex": index, "p": "a"}


def end(reason: str = "end_turn", **fields: Any) -> Message:
    return "messageStop", {"stopReason": reason, "p": "abcde", **fields}


def metadata(**fields: Any) -> Message:
    return "metadata", {"p": "ab", **fields}


def events(*messages: Message) -> list[Event]:
    """The events of one answer, without its ``Start``; no error may come."""
    out = decode(DIALECT, frames(begin(), *messages))
    assert out.error is None
    assert out.events[0] == Start()
    return out.events[1:]


def chunk(payload: dict[str, Any] | bytes) -> bytes:
    """A payload of Anthropic's, the way ``invoke`` carries it."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return frames(("chunk", {"bytes": base64.b64encode(data).decode(), "p": "abc"}))[0]


TEXT = [delta(0, text="Hé"), delta(0, text=""), delta(0, text="llo"), stop(0)]
SPOKEN = [TextStart(0), TextDelta(0, "Hé"), TextDelta(0, "llo"), TextEnd(0)]
STOPPED = Finish("stop", "end_turn")
END = (end(), metadata())

WIRE = b"".join(
    frames(
        begin(),
        thought(0, text="日本\u2028"),
        thought(0, signature="c2ln"),
        stop(0),
        *[(name, {**payload, "contentBlockIndex": 1}) for name, payload in TEXT],
        end(),
        metadata(usage={"inputTokens": 3, "outputTokens": 4}),
    )
)
"""One answer with everything that a cut could hurt."""
EVIDENCE = len(WIRE) - len(frames(metadata(usage={"inputTokens": 3, "outputTokens": 4}))[0])
"""Where the message with the stop reason ends."""
