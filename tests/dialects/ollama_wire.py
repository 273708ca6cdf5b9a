"""Lines of Ollama's stream for tests, as short as tests want to write them, and what the decoder makes of them."""

from __future__ import annotations

import json
from typing import Any

from bourn.dialects.ollama.decoder import DIALECT
from bourn.events import Event, Finish, Start
from tests.recordings import Decoded, decode

MODEL = "m"
STOPPED = Finish("stop", "stop")


def said(content: str = "", **fields: Any) -> dict[str, Any]:
    """A line of ``/api/chat`` with a message; ``thinking``, ``tool_calls`` and ``images`` go into it."""
    return {"model": MODEL, "message": {"role": "assistant", "content": content, **fields}, "done": False}


def called(name: str, arguments: Any, **fields: Any) -> dict[str, Any]:
    """A line with one call."""
    return said(tool_calls=[{**fields, "function": {"name": name, "arguments": arguments}}])


def end(reason: str | None = "stop", **fields: Any) -> dict[str, Any]:
    """The last line."""
    told = {} if reason is None else {"done_reason": reason}
    return {**said(), "done": True, **told, **fields}


def body(*lines: dict[str, Any] | str) -> bytes:
    """The lines as bytes; a string stays as it is."""
    return b"".join(
        (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)).encode() + b"\n" for line in lines
    )


def decoded(*lines: dict[str, Any] | str, verified: bool = True) -> Decoded:
    """What comes of a body of these lines."""
    return decode(DIALECT, [body(*lines)], verified=verified)


def events(*lines: dict[str, Any] | str) -> list[Event]:
    """The events of one answer, without its ``Start``; no error may come."""
    out = decoded(*lines)
    assert out.error is None
    assert out.events[0] == Start(None, MODEL)
    return out.events[1:]
