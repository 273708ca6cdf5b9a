"""Ollama's native API (``POST /api/chat``): the dialect, and its decoder, which reads ``/api/generate`` as well.

Spoken by Ollama, its cloud, and servers that stand in for it. Requests are written in ``request`` and read in
``parse``, answers are written in ``server``; the words they share are in ``words``.

Source: https://docs.ollama.com/api/chat, ``server/routes.go`` of https://github.com/ollama/ollama, and recorded streams.
House rule: a line is read into one typed struct, its parts in the order in which the model said them: thinking, text, calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import astuple

from bourn.dialects import payload
from bourn.dialects.base import Dialect, reason_for, truncated
from bourn.dialects.form import listed
from bourn.dialects.media import read_base64
from bourn.dialects.ollama.parse import parse
from bourn.dialects.ollama.request import call
from bourn.dialects.ollama.server import OllamaEncoder, encode_error, encode_whole
from bourn.dialects.ollama.words import LOGPROBS, PATH, REASONS, REPEATED, RETRYABLE, LineOthers, read_error, told
from bourn.dialects.parts import Parts
from bourn.dialects.plain import Plain
from bourn.errors import ModelError
from bourn.events import Event, Finish, Other, ReasoningDelta, Start, TextDelta, Usage
from bourn.wire.ndjson import NDJSONFramer


class _Function(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: str = ""
    arguments: Any = None
    index: Any = None  # the calls come in their order


class _Call(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    function: _Function
    id: str | None = None
    index: Any = None
    type: Any = None
    strays: dict[str, Any] | None = msgspec.field(default=None, name=payload.STRAYS)


class _Said(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None
    images: list[Any] | None = None
    role: Any = None


class _Line(LineOthers, gc=False, forbid_unknown_fields=True):
    model: str | None = None
    created_at: Any = None
    message: _Said | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: Any = None
    response: str | None = None  # /api/generate, with the two below
    thinking: str | None = None
    tool_calls: list[_Call] | None = None
    strays: dict[str, Any] | None = msgspec.field(default=None, name=payload.STRAYS)


class _Words(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    content: str = ""
    thinking: str = ""
    role: msgspec.Raw = msgspec.Raw()


class _PlainLine(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A line with words and nothing else that could be told: see ``Plain``."""

    message: _Words
    done: bool = False
    model: msgspec.Raw = msgspec.Raw()
    created_at: msgspec.Raw = msgspec.Raw()


_PLAIN = msgspec.json.Decoder(_PlainLine)
_LINE = msgspec.json.Decoder(_Line)
_OBJECT = msgspec.json.Decoder(dict[str, Any])

_OTHERS = LineOthers.__struct_fields__
_NO_OTHERS = astuple(LineOthers())

_DELTAS: dict[str, Callable[[int, str], Event]] = {"text": TextDelta, "reasoning": ReasoningDelta}


class OllamaDecoder:
    """Events of one answer: feed it lines, then close it. ``"done": true`` is the only end mark, and the last one."""

    def __init__(self) -> None:
        self.ended = False
        self.done = False
        self.usage: Usage | None = None
        self._started = False
        self._parts = Parts()
        self._kind: str | None = None  # of the open text or reasoning: one at a time
        self._index = 0
        self._delta: Callable[[int, str], Event] = TextDelta
        self._plain = Plain(_PLAIN)
        self._called = False
        self._seen: dict[str, Any] = {}  # the last payload of each kind that is repeated

    def feed(self, frame: bytes) -> Sequence[Event]:
        """The events of one line. Raises ``ModelError``, ``PayloadError``."""
        if self.done:
            return ()
        if self._kind is not None and (words := self._words(frame)):
            return (self._delta(self._index, words),)
        return self._take(frame)

    def _take(self, frame: bytes) -> Sequence[Event]:
        """Everything that a line can bring."""
        line = payload.decode_all(_LINE, frame)
        if line.error:
            raise _error(frame)
        out: list[Event] = []
        if not self._started:
            self._started = True
            out.append(Start(None, line.model or None))
        said = line.message or _Said(line.response, line.thinking, line.tool_calls)
        if said.thinking:
            self._say("reasoning", said.thinking, out)
        if said.content:
            self._say("text", said.content, out)
        if said.tool_calls:
            self._calls(said.tool_calls, out)
        part = None if self._kind is None else self._index
        if line.done:
            self._hush(out)
        for picture in listed(said.images or []):
            self._picture("images", picture, out)
        if astuple(line)[: len(_OTHERS)] != _NO_OTHERS:
            self._others(line, part, out)
        if line.strays:
            self._unknown(line, frame, out)
        if line.done:
            self._finish(line, out)
        return out

    def close(self, *, verified: bool = True) -> Sequence[Event]:
        """As :meth:`bourn.dialects.base.Decoder.close`; an answer that never began is truncated in any case."""
        if self.done:
            return ()
        if verified or not self._started:
            raise truncated('a line with "done": true')
        out: list[Event] = []
        self._hush(out)
        self.ended = self.done = True
        self._parts.finish(Finish("other", usage=self.usage, verified=False), out)
        return out

    def _words(self, frame: bytes) -> str:
        """The words of a line that only goes on with the open part; ``""`` where it brings anything else."""
        line = self._plain.read(frame)
        if line is None or line.done:
            return ""
        said = line.message
        words, other = (said.content, said.thinking) if self._kind == "text" else (said.thinking, said.content)
        return "" if other else words

    def _say(self, kind: str, text: str, out: list[Event]) -> None:
        """More of what the model says; a part of the other kind that is open ends."""
        if kind != self._kind:
            self._hush(out)
            self._kind = kind
            self._index = self._parts.start(kind, kind, out)
            self._delta = _DELTAS[kind]
        out.append(self._delta(self._index, text))

    def _hush(self, out: list[Event]) -> None:
        """End the open text or reasoning."""
        if self._kind is not None:
            self._parts.end(self._kind, out)
            self._kind = None

    def _calls(self, calls: list[_Call], out: list[Event]) -> None:
        """Calls come whole, their arguments as an object."""
        self._hush(out)
        self._called = True
        for one in calls:
            arguments = one.function.arguments
            text = arguments if isinstance(arguments, str) else payload.dumps(arguments).decode()
            index = self._parts.start_tool("call", one.id or None, one.function.name, out)
            self._parts.arguments("call", "" if arguments is None else text, out)
            if one.strays:
                self._strays(one.strays, index, out)
            self._parts.end("call", out)

    def _picture(self, kind: str, told: Any, out: list[Event]) -> None:
        """An image comes whole."""
        data = read_base64(told)
        if data:
            self._parts.whole_media("image", out, data=data)
        else:
            out.append(Other(kind, told))

    def _others(self, line: _Line, part: int | None, out: list[Event]) -> None:
        for kind in _OTHERS:
            held = getattr(line, kind)
            if not held or (kind in REPEATED and self._seen.get(kind) == held):
                continue
            self._seen[kind] = held
            if kind == "logprobs":
                out.append(LOGPROBS.take(held, part))
            elif kind == "image":
                self._picture(kind, held, out)
            else:
                out.append(Other(kind, held))

    def _unknown(self, line: _Line, frame: bytes, out: list[Event]) -> None:
        """Fields that nobody knows of; a line that is of no kind known here is kept as a whole."""
        odd = line.message is None and line.response is None and not line.done
        self._strays({"line": payload.decode(_OBJECT, frame)} if odd else line.strays or {}, None, out)

    def _strays(self, held: dict[str, Any], index: int | None, out: list[Event]) -> None:
        """What nobody knows of; it may come again with every line."""
        for kind, stray in held.items():
            if index is not None or self._seen.get(kind) != stray:
                self._seen[kind] = stray
                out.append(Other(kind, stray, index))

    def _finish(self, line: _Line, out: list[Event]) -> None:
        if line.prompt_eval_count is not None or line.eval_count is not None:
            self.usage = Usage(line.prompt_eval_count, line.eval_count)
        raw = line.done_reason or None
        reason = reason_for(REASONS, raw)
        self.ended = self.done = True
        self._parts.finish(Finish("tool_calls" if self._called and reason == "stop" else reason, raw, self.usage), out)


def _error(frame: bytes) -> ModelError:
    said = told(payload.decode(_OBJECT, frame))
    message = said.message or "Ollama reported an error without a message"
    return ModelError(message, code=said.code, type=said.type, retryable=said.code in RETRYABLE)


DIALECT = Dialect(
    name="ollama",
    root="",
    media_types=("application/x-ndjson", "application/json"),  # the cloud says the second, and so does a model being loaded
    framer=NDJSONFramer,
    call=call,
    decoder=OllamaDecoder,
    read_error=read_error,
    parse=parse,
    encoder=OllamaEncoder,
    encode_whole=encode_whole,
    encode_error=encode_error,
    paths=(PATH,),
)
"""Ollama's native API."""
