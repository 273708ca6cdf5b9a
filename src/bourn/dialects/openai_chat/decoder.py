"""OpenAI chat completions, and the forty services that speak it: the decoder, and the dialect put together.

Sources: https://platform.openai.com/docs/api-reference/chat/streaming, and recorded streams of 39 vendors. The words that both
halves share are in ``words``, requests (both ways) in ``request``, the server's answers in
``server``.

End evidence is a finish reason of choice 0, or ``[DONE]``: services drop either one. Usage, and at Baseten even text, comes
after the finish reason, so parts are ended at the last mark that comes.

House rule: a chunk that brings nothing but more of the part at hand takes the straight line in ``ChatDecoder.feed``, and most
of those are not even read (see ``refrain``), or no more of them than the words (see ``plain``); all else goes through the
tables, and nothing that a service is known to send is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import msgspec
from msgspec.structs import astuple

from bourn.dialects import openai_errors, payload
from bourn.dialects.base import Dialect, reason_for, truncated
from bourn.dialects.openai_chat.beside import Beside
from bourn.dialects.openai_chat.chunk import CallPiece, Choice, Chunk, Delta, PlainChunk
from bourn.dialects.openai_chat.request import PATH, call, parse
from bourn.dialects.openai_chat.server import ChatEncoder, encode_whole
from bourn.dialects.openai_chat.words import (
    DONE,
    FINISH_REASONS,
    ChoiceOthers,
    ChunkOthers,
    DeltaOthers,
    read_usage,
    rest_of_usage,
)
from bourn.dialects.parts import Parts
from bourn.dialects.plain import Plain
from bourn.dialects.refrain import Refrain
from bourn.errors import BournError, PayloadError
from bourn.events import Event, Finish, Other, ReasoningDelta, RefusalDelta, Safety, Start, TextDelta, Usage
from bourn.wire.sse import SSEFrame, SSEFramer

_CHUNK = msgspec.json.Decoder(Chunk)
_PLAIN_CHUNK = msgspec.json.Decoder(PlainChunk)
_ANY = msgspec.json.Decoder()

_PLAIN = Chunk(choices=[Choice(delta=Delta())])
"""What remains of a chunk that only goes on with the part at hand, once its words and what all chunks say are taken out."""

_SAID: dict[str, tuple[str, Callable[[int, str], Event]]] = {
    "reasoning_content": ("reasoning", ReasoningDelta),  # DeepSeek, xAI, Alibaba, llama.cpp and most others
    "reasoning": ("reasoning", ReasoningDelta),  # Groq, Cerebras, Together, Ollama, OpenRouter
    "content": ("text", TextDelta),
    "refusal": ("refusal", RefusalDelta),
}
"""Key of a delta to the kind of part it adds to, and the event it becomes."""

_DETAIL_FRAME = frozenset({"type", "format", "index", "id", "provider", "text", "summary"})
"""Keys of a reasoning detail that say no more than its text; others (``signature``, ``data``) make it an ``Other``."""


_PART_FRAME = frozenset({"type", "text", "thinking", "closed"})
"""Keys of a text or a thought among the parts of a content."""


class _OpenCall:
    """A tool call being told; it begins when its name is known, and what came before waits in ``held``."""

    __slots__ = ("custom", "held", "id", "name")

    def __init__(self, id: str | None, custom: bool) -> None:
        self.id = id
        self.custom = custom
        self.name: str | None = None
        self.held: list[str] = []


class ChatDecoder:
    """Chunks of one answer to events: feed it frames, then close it. ``PayloadError`` and ``ModelError`` end the answer.

    A format that resembles this one is a subclass with a :meth:`read` of its own, its own words for the end ``marks``, what is
    ``plain`` there, and no ``plain_chunk``.
    """

    marks = "a finish reason or [DONE]"
    plain: ClassVar[Chunk] = _PLAIN
    plain_chunk: ClassVar[msgspec.json.Decoder[PlainChunk] | None] = _PLAIN_CHUNK

    def __init__(self) -> None:
        self.ended = False
        self.done = False
        self.usage: Usage | None = None
        self._id: str | None = None
        self._model: str | None = None
        self._started = False
        self._waiting: list[Event] = []  # what came before there was a Start
        self._parts = Parts()
        self._beside = Beside(self._parts)
        self._refrain = Refrain()
        self._chunks = None if self.plain_chunk is None else Plain(self.plain_chunk)
        self._calls: dict[int | str, _OpenCall] = {}
        self._last_call: int | str = 0
        self._raw_reason: str | None = None
        self._counts: dict[str, Any] = {}  # the last usage
        self._tier: str | None = None
        self._kind: str | None = None  # of the open text, reasoning or refusal: one at a time
        self._key: str | None = None  # of the delta that it grows from
        self._index = 0
        self._event: Callable[[int, str], Event] = TextDelta

    def feed(self, frame: SSEFrame) -> Iterable[Event]:
        """Take the next event of the stream; events that came with an error are given before it is raised."""
        data = frame.data
        if self.done or not data:
            return ()
        if frame.event == "error":
            raise openai_errors.in_stream(_error_value(data))
        words: str | None = self._refrain.words(data)
        if words:
            return (self._event(self._index, words),)
        if data == DONE:
            return self._finish()
        if self._key == "content" and self._chunks is not None and (told := self._chunks.read(data)) is not None:
            words = told.choices[0].delta.content
            if words:
                self._refrain.learn(data, words, self._reread)
                return (TextDelta(self._index, words),)
        chunk = self.read(data)
        words = self._words(chunk)
        if words:
            self._refrain.learn(data, words, self._reread)
            return (self._event(self._index, words),)
        return self._take(chunk, data)

    def read(self, data: bytes) -> Chunk:
        """The data of an event as a chunk; raises ``PayloadError``."""
        return payload.decode_all(_CHUNK, data)

    def close(self, *, verified: bool = True) -> Iterable[Event]:
        """The bytes ended: the last events if the end mark came or none is to be expected, ``TruncatedError`` otherwise."""
        if self.done:
            return ()
        if self.ended:
            return self._finish()
        out: list[Event] = []
        for open_call in self._calls.values():
            self._name_call(open_call, "", out)
        if verified:
            return _and_raise(self._opened(out, force=bool(out or self._waiting)), truncated(self.marks))
        self._parts.end_all(out, but="tool_call")
        self.ended = self.done = True
        if rest := rest_of_usage(self._counts):
            out.append(Other("usage", rest))
        self._parts.finish(Finish("other", usage=self.usage, verified=False, service_tier=self._tier), out)
        return self._opened(out)

    # --- one chunk ---

    def _words(self, chunk: Chunk) -> str | None:
        """The words of a chunk that only goes on with the part at hand; ``None`` where it brings anything else."""
        key = self._key
        if key is None or not chunk.choices or (delta := (choice := chunk.choices[0]).delta) is None:
            return None
        words = getattr(delta, key)
        if words.__class__ is not str:
            return None
        chunk.object = chunk.created = chunk.system_fingerprint = chunk.obfuscation = chunk.p = None
        choice.text = choice.message = delta.role = delta.name = delta.token_id = delta.type = None
        known = chunk.id, chunk.model, chunk.service_tier, chunk.provider
        setattr(delta, key, None)
        chunk.id = chunk.model = chunk.service_tier = chunk.provider = None
        if chunk == self.plain:
            return str(words)
        setattr(delta, key, words)
        chunk.id, chunk.model, chunk.service_tier, chunk.provider = known
        return None

    def _reread(self, data: bytes) -> str | None:
        """The words of a payload that was made up; ``None`` too where it cannot be read."""
        try:
            return self._words(self.read(data))
        except PayloadError:
            return None

    def _take(self, chunk: Chunk, data: bytes) -> Iterable[Event]:
        """Everything that a chunk can bring."""
        if not self._started:
            self._id = _word(chunk.id)
            self._model = self._model or _word(chunk.model)
        out: list[Event] = []
        usage = chunk.usage or (chunk.x_groq.get("usage") if isinstance(chunk.x_groq, dict) else None)
        if isinstance(usage, dict):
            self.usage = read_usage(usage) or self.usage
            self._counts = usage or self._counts
        if isinstance(chunk.service_tier, str):
            self._tier = chunk.service_tier or self._tier
        elif chunk.service_tier:
            self._beside.note(None, "service_tier", chunk.service_tier, None, out)
        if chunk.provider:
            self._beside.note(None, "provider", chunk.provider, None, out)
        for choice in chunk.choices or ():
            if choice.index:
                self._other_choice(choice.index, data, out)
            else:
                self._choice(choice, out)
        if astuple(chunk)[: len(_CHUNK_OTHERS)] != _NO_CHUNK_OTHERS:
            self._beside_it(chunk, ChunkOthers, out)
        error = _error_of(chunk, data)
        if error is not None:
            return _and_raise(self._opened(out), error)
        if chunk.strays:
            self._beside.strays(chunk.strays, None, out)
        return self._opened(out)

    def _opened(self, out: list[Event], *, force: bool = False) -> list[Event]:
        """The events behind ``Start``, which waits for an id or for anything that is said."""
        if self._started:
            return out
        if not (force or self._id) and all(isinstance(event, Other | Safety) for event in out):
            self._waiting += out
            return []
        self._started = True
        return [Start(self._id, self._model), *self._waiting, *out]

    def _choice(self, choice: Choice, out: list[Event]) -> None:
        delta = choice.delta
        if delta is not None:
            self._delta(delta, out)
        if astuple(choice)[: len(_CHOICE_OTHERS)] != _NO_CHOICE_OTHERS:
            self._beside_it(choice, ChoiceOthers, out)
        if choice.strays:
            self._beside.strays(choice.strays, None, out)
        if choice.finish_reason:
            self._raw_reason = self._raw_reason or choice.finish_reason
            self.ended = True

    def _delta(self, delta: Delta, out: list[Event]) -> None:
        key = "reasoning_content" if delta.reasoning_content else "reasoning"
        thoughts = delta.reasoning_content or delta.reasoning
        if thoughts:
            self._say(key, thoughts, out)
        if delta.reasoning_details:
            self._details(delta.reasoning_details, out, told=bool(thoughts))
        content = delta.content
        if content.__class__ is str:
            self._say("content", content, out)
        elif content:
            self._content_parts(content, out)
        if delta.refusal:
            self._say("refusal", delta.refusal, out)
        if delta.function_call is not None:
            self._call(CallPiece(id=None, function=delta.function_call), "function_call", out)
        for piece in delta.tool_calls or ():
            self._call(piece, self._slot(piece), out)
        if astuple(delta)[: len(_DELTA_OTHERS)] != _NO_DELTA_OTHERS:
            self._beside_it(delta, DeltaOthers, out)

    # --- text, reasoning, refusal ---

    def _say(self, key: str, text: Any, out: list[Event]) -> None:
        """More of what the model says under a key of the delta; a part of another kind that is open ends."""
        if not text:
            return
        if not isinstance(text, str):
            out.append(Other(key, text))
            return
        kind, event = _SAID[key]
        if kind != self._kind:
            self._hush(out)
            self._kind = kind
            self._index = self._parts.start(kind, kind, out)
        self._key, self._event = key, event
        out.append(event(self._index, text))

    def _hush(self, out: list[Event]) -> None:
        """End the open text, reasoning or refusal."""
        if self._kind is not None:
            self._parts.end(self._kind, out)
            self._refrain.forget()
        self._kind = self._key = None

    def _details(self, details: list[Any], out: list[Event], *, told: bool) -> None:
        """OpenRouter's, Vercel's and Snowflake's form of reasoning; where ``told``, the delta has its text already."""
        for detail in details:
            if not isinstance(detail, dict):
                continue
            if not told:
                self._say("reasoning", detail.get("text") or detail.get("summary"), out)
            if any(value for key, value in detail.items() if key not in _DETAIL_FRAME):
                out.append(Other("reasoning_details", [detail]))

    def _content_parts(self, parts: Any, out: list[Event]) -> None:
        """Content as a list, as Mistral's reasoning models send it: text, thinking that holds text, and references."""
        for part in parts:
            if not isinstance(part, dict):
                continue
            kind = part.get("type")
            if kind in ("text", "thinking"):
                self._beside.strays({name: told for name, told in part.items() if told and name not in _PART_FRAME}, None, out)
            if kind == "text":
                self._say("content", part.get("text"), out)
            elif kind == "thinking":
                thoughts = part.get("thinking")
                for thought in thoughts if isinstance(thoughts, list) else [thoughts]:
                    self._say("reasoning", thought.get("text") if isinstance(thought, dict) else thought, out)
            else:
                out.append(Other(str(kind), part))

    # --- tool calls ---

    def _slot(self, piece: CallPiece) -> int | str:
        """Which call a piece belongs to: its index says; without one, an id that is new or a name begins the next call."""
        if piece.index is not None:
            return piece.index
        last = self._calls.get(self._last_call)
        named = (piece.function is not None and piece.function.name) or (piece.custom is not None and piece.custom.name)
        if last is None or (named and (not piece.id or piece.id != last.id)):
            return len(self._calls)
        return self._last_call

    def _call(self, piece: CallPiece, slot: int | str, out: list[Event]) -> None:
        """A piece of a tool call: id and name count when they hold something, argument pieces are joined."""
        custom = piece.custom is not None
        name = piece.custom.name if piece.custom else piece.function.name if piece.function else None
        said = piece.custom.input if piece.custom else piece.function.arguments if piece.function else None
        open_call = self._calls.get(slot)
        if open_call is None or (name and piece.id and open_call.id and piece.id != open_call.id):
            open_call = self._calls[slot] = _OpenCall(piece.id or None, custom)
        self._last_call = slot
        open_call.id = open_call.id or piece.id or None
        if name:
            self._name_call(open_call, name, out)
        arguments = said if isinstance(said, str) else "" if said is None else payload.dumps(said).decode()
        if open_call.name is None:
            open_call.held.append(arguments)
        else:
            self._parts.arguments(open_call, arguments, out)
        if piece.strays:
            self._beside.strays(piece.strays, self._parts.index(open_call), out)

    def _name_call(self, open_call: _OpenCall, name: str, out: list[Event]) -> None:
        """Begin a call whose name is known at last; a name that is told again changes nothing."""
        if open_call.name is None:
            self._hush(out)
            open_call.name = name
            self._parts.start_tool(open_call, open_call.id, name, out, custom=open_call.custom)
            self._parts.arguments(open_call, "".join(open_call.held), out)

    # --- the rest ---

    def _beside_it(self, holder: msgspec.Struct, level: type[msgspec.Struct], out: list[Event]) -> None:
        self._beside.take(holder, level, None if self._kind is None else self._index, out)

    def _other_choice(self, index: int, data: bytes, out: list[Event]) -> None:
        """A choice other than the first (``n`` above 1) is given whole: the events speak of one answer."""
        choices = payload.decode(_ANY, data)["choices"]
        out += (Other("choice", choice) for choice in choices if choice.get("index") == index)

    def _finish(self) -> list[Event]:
        """The last mark came, or no more is to be expected after the finish reason."""
        out: list[Event] = []
        for open_call in self._calls.values():
            self._name_call(open_call, "", out)
        self._parts.end_all(out)
        if rest := rest_of_usage(self._counts):
            out.append(Other("usage", rest))
        self.ended = self.done = True
        reason = reason_for(FINISH_REASONS, self._raw_reason)
        self._parts.finish(Finish(reason, self._raw_reason, self.usage, service_tier=self._tier), out)
        return self._opened(out)


_CHUNK_OTHERS, _CHOICE_OTHERS, _DELTA_OTHERS = (kind.__struct_fields__ for kind in (ChunkOthers, ChoiceOthers, DeltaOthers))
_NO_CHUNK_OTHERS, _NO_CHOICE_OTHERS, _NO_DELTA_OTHERS = (astuple(kind()) for kind in (ChunkOthers, ChoiceOthers, DeltaOthers))


def _word(value: Any) -> str | None:
    return str(value) if value else None


def _error_of(chunk: Chunk, data: bytes) -> BournError | None:
    """The error that a chunk brings: under ``error``, at Groq deeper, or flat where there is nothing else."""
    if chunk.error:
        return openai_errors.in_stream(_error_value(data))
    if isinstance(chunk.x_groq, dict) and chunk.x_groq.get("error"):
        return openai_errors.in_stream(chunk.x_groq)
    if chunk.choices is None and chunk.usage is None:
        value = _error_value(data)
        if value.get("object") == "error" or any(value.get(key) for key in ("message", "detail", "errors")):
            return openai_errors.in_stream(value)
    return None


def _error_value(data: bytes) -> dict[str, Any]:
    """The object of an error event; a service may also just send words."""
    value: Any
    try:
        value = payload.decode(_ANY, data)
    except PayloadError:
        value = data.decode("utf-8", "replace")
    return value if isinstance(value, dict) else {"error": value}


def _and_raise(events: list[Event], error: BournError) -> Iterable[Event]:
    """Give the events, then raise: what arrived before an error is handed out before it."""
    if not events:
        raise error
    return _then(events, error)


def _then(events: list[Event], error: BournError) -> Iterator[Event]:
    yield from events
    raise error


DIALECT = Dialect(
    name="openai-chat",
    root="/v1",
    media_types=("text/event-stream",),
    framer=SSEFramer,
    call=call,
    decoder=ChatDecoder,
    read_error=openai_errors.read_error,
    parse=parse,
    encoder=ChatEncoder,
    encode_whole=encode_whole,
    encode_error=openai_errors.encode_error,
    paths=(PATH,),
)
"""Speaks to OpenAI and to every service with a ``/chat/completions``; quirks are listed in ``request``."""
