"""Objects of Gemini's stream for tests: each function makes one, ``sse`` and ``array`` make them bytes."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from bourn.dialects.base import Dialect
from bourn.dialects.gemini.decoder import DIALECT
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart
from bourn.wire.json_array import JsonArrayFramer
from tests.recordings import Decoded, decode

Json = dict[str, Any]

ARRAY: Dialect = msgspec.structs.replace(DIALECT, framer=JsonArrayFramer)
"""The dialect as a transport drives it when the content type is ``application/json``."""

HEAD: Json = {"modelVersion": "gemini-x", "responseId": "r"}


def sse(*objects: Any) -> list[bytes]:
    """Objects as server-sent events, a chunk each, as Google writes them."""
    return [b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\r\n\r\n" for value in objects]


def array(*objects: Any) -> list[bytes]:
    """Objects as one indented JSON array, a chunk each, as Google writes them without ``alt=sse``."""
    texts = [json.dumps(value, ensure_ascii=False, indent=2).encode() for value in objects]
    return [b"[" + texts[0], *(b"\n,\r\n" + text for text in texts[1:]), b"\n]"]


def parts(*parts: Any, **candidate: Any) -> Json:
    """An object whose candidate says ``parts``."""
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, **candidate}], **HEAD}


def text(text: str, **part: Any) -> Json:
    return parts({"text": text, **part})


def thought(said: str, **part: Any) -> Json:
    return text(said, thought=True, **part)


def call(name: str | None = None, *, signature: str | None = None, **fields: Any) -> Json:
    told = fields if name is None else {"name": name, **fields}
    return parts({"functionCall": told} | ({"thoughtSignature": signature} if signature else {}))


def piece(path: str, *, more: bool | None = None, **value: Any) -> Json:
    """A piece of streamed arguments; the call goes on after it."""
    told = {"jsonPath": path, **value} | ({} if more is None else {"willContinue": more})
    return call(None, partialArgs=[told], willContinue=True)


def end(reason: Any = "STOP", **more: Any) -> Json:
    return {**parts({"text": ""}, finishReason=reason), **more}


def read(*objects: Any, verified: bool = True) -> Decoded:
    return decode(DIALECT, sse(*objects), verified=verified)


def events(*objects: Any) -> list[Event]:
    """The events of one answer, without its ``Start``; no error may come, and both framings give the same."""
    out = read(*objects)
    assert out.error is None
    assert out.events[0] == Start("r", "gemini-x")
    assert decode(ARRAY, array(*objects)).events == out.events
    return out.events[1:]


SPOKEN: list[Event] = [TextStart(0), TextDelta(0, "Hé"), TextDelta(0, "llo"), TextEnd(0)]
TEXT = [text("Hé"), text("llo")]
STOPPED = Finish("stop", "STOP")
