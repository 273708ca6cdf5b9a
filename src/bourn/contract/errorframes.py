"""The shapes in which services report an error inside a 200 stream, as frames of each dialect.

House rule: a shape is listed only if a service was seen to send it, or the dialect's own server half writes it.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from bourn import dialects
from bourn.messages import Message, Request
from bourn.mock import error
from bourn.mock.answering import reply
from bourn.mock.reply import Piece
from bourn.wire import sse

_MESSAGE, _TYPE, _CODE = "the mock lost its thread", "mock_error", "mock_code"


class Shape(msgspec.Struct, frozen=True):
    """One shape: its bytes, and the ``words`` in them that the error must tell."""

    name: str
    data: bytes
    words: tuple[str, ...]

    def amid(self, frames: list[Any]) -> list[Any]:
        """The frame in the middle of an answer, which goes on after it."""
        middle = len(frames) // 2
        return [*frames[:middle], Piece(self.data), *frames[middle:]]

    def first(self, frames: list[Any]) -> list[Any]:  # noqa: ARG002 -- nothing of the answer comes
        """The frame and nothing else."""
        return [Piece(self.data)]


def error_shapes(dialect: str) -> list[Shape]:
    """The dialect's own shape, then those of services that speak it differently."""
    return [_own(dialect), *(_shape(name, data) for name, data in _OTHERS.get(dialect, {}).items())]


def _own(name: str) -> Shape:
    """As the server half of the dialect writes it."""
    request = Request("mock", (Message("user", "Say something."),))
    answer = reply(dialects.get(name), request, error(_MESSAGE, type=_TYPE, code=_CODE), Random(0))  # noqa: S311 -- no secret
    *_, last = (item.data for item in answer.body if isinstance(item, Piece))
    return _shape("the dialect's own", last)


def _shape(name: str, data: bytes) -> Shape:
    return Shape(name, data, tuple(word for word in (_MESSAGE, _TYPE, _CODE, "502") if word.encode() in data))


def _event(value: dict[str, Any], name: str = "") -> bytes:
    return sse.encode(msgspec.json.encode(value), name)


_TOLD = {"message": _MESSAGE, "type": _TYPE, "param": None, "code": _CODE}
_CHOICE = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
_FAILED = {
    "id": "resp_1",
    "object": "response",
    "status": "failed",
    "error": {"code": _CODE, "message": _MESSAGE},
    "output": [],
}

_OTHERS: dict[str, dict[str, bytes]] = {
    "openai-chat": {
        "an event named error": _event({"error": _TOLD}, "error"),
        "a chunk with an error": _event({"id": "1", "choices": [_CHOICE], "error": {"code": 502, "message": _MESSAGE}}),
        "an error without choices": _event({"id": "1", "choices": [], "error": {"code": _CODE, "message": _MESSAGE}}),
        "a bare message": _event({"error": _MESSAGE}),
    },
    "openai-completions": {
        "an event named error": _event({"error": _TOLD}, "error"),
    },
    "openai-responses": {
        "a flat error": _event({"type": "error", "sequence_number": 9, "code": _CODE, "message": _MESSAGE}, "error"),
        "response.failed alone": _event(
            {"type": "response.failed", "sequence_number": 9, "response": _FAILED}, "response.failed"
        ),
    },
    "gemini": {
        "an error as an event": _event({"error": {"code": 502, "message": _MESSAGE, "status": _TYPE}}),
    },
}
"""Dialect to further shapes. Sources: recordings of Groq, OpenRouter, OpenAI audio, the Hugging Face router, Vertex."""
