"""OpenAI's legacy completions: a text goes in, its continuation comes out. Base models, and vLLM, Together, Hugging Face.

Sources: https://platform.openai.com/docs/api-reference/completions and recorded streams of six services.

A chunk is one of OpenAI chat with ``text`` where that has a ``delta``, and the end marks are the same. Writer sends bare
``{"value": "..."}`` and no end mark at all (its row says so).

House rule: what a text cannot say (a tool call, reasoning) becomes no bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from bourn.dialects import openai_errors, payload, plain_text
from bourn.dialects.base import Dialect, HttpCall, WireError
from bourn.dialects.logprobs import write_columns
from bourn.dialects.openai_chat.beside import Beside
from bourn.dialects.openai_chat.chunk import Choice, Chunk, Delta
from bourn.dialects.openai_chat.decoder import ChatDecoder
from bourn.dialects.openai_chat.notes import TEXT_LOGPROBS
from bourn.dialects.openai_chat.request import RENAMES, as_http, ask_for_stream, read_body
from bourn.dialects.openai_chat.words import DONE, FINISH_WORDS, write_usage
from bourn.errors import InputError
from bourn.events import Event, Finish, Logprobs, Other, RefusalDelta, Start, TextDelta
from bourn.messages import Request
from bourn.response import Response
from bourn.wire import sse
from bourn.wire.sse import SSEFramer

PATH = "/completions"

_KEYS = {name: name for name in ("max_tokens", "temperature", "top_p", "stop", "seed")}
"""Option to its key in the body."""

_ID = "cmpl-bourn"
"""The id of an answer whose ``Start`` has none."""


class _TextChoice(Choice, gc=False):
    text: str | None = None


class _TextChunk(Chunk, gc=False):
    choices: list[_TextChoice] | None = None  # type: ignore[assignment]  # each is read as a Choice, too
    value: str | None = None  # Writer


_CHUNK = msgspec.json.Decoder(_TextChunk)


class CompletionDecoder(ChatDecoder):
    """Chunks of one answer to events."""

    plain = _TextChunk(choices=[_TextChoice(delta=Delta())])
    plain_chunk = None

    def __init__(self) -> None:
        super().__init__()
        self._beside = Beside(self._parts, TEXT_LOGPROBS)

    def read(self, data: bytes) -> Chunk:
        """The data of an event as a chunk of OpenAI chat; raises ``PayloadError``."""
        chunk = payload.decode_all(_CHUNK, data)
        for choice in chunk.choices or ():
            choice.delta = Delta(content=choice.text)  # Together sends both, and both are the same
            choice.text = None
        if chunk.value is not None:
            chunk.choices = [_TextChoice(delta=Delta(content=chunk.value))]
            chunk.value = None
        return chunk


def call(request: Request) -> HttpCall:
    """The request as HTTP, asking for a stream with its usage at the end. Raises ``InputError`` where something is no JSON."""
    warnings: dict[str, None] = {}
    prompt = plain_text.write_prompt(request.messages, warnings.setdefault)
    body = {"model": request.model, "prompt": prompt, **plain_text.write_options(request.options, _KEYS, warnings.setdefault)}
    ask_for_stream(request, body)
    return as_http(PATH, body, warnings, stream=request.stream)


def parse(http: HttpCall) -> Request:
    """The request that a body holds, for the server half. Raises ``InputError``: answer it with status 400."""
    body = read_body(http.body)
    model, prompt, stream = body.pop("model", None), body.pop("prompt", None), body.pop("stream", None)
    if not isinstance(model, str):
        raise InputError("Missing required parameter: 'model'.")
    for old, new in RENAMES.values():
        if new in body:
            body.setdefault(old, body.pop(new))
    return msgspec.structs.replace(plain_text.read_text(model, prompt, body, _KEYS), stream=stream is True)


class CompletionEncoder:
    """Events of one answer to server-sent events; give it each event in order."""

    def __init__(self, request: Request) -> None:
        asked = request.options.extra.get("stream_options")
        self._tells_usage = isinstance(asked, dict) and asked.get("include_usage") is True
        self._head = _head(_ID, request.model)

    def encode(self, event: Event) -> bytes:
        """The bytes that the event becomes."""
        write = self._WRITERS.get(type(event))
        return b"" if write is None else write(self, event)

    def error(self, error: WireError) -> bytes:
        """An error in mid-stream."""
        return sse.encode(payload.dumps({"error": openai_errors.error_body(error)}))

    def _chunk(self, choices: list[dict[str, Any]], **others: Any) -> bytes:
        return sse.encode(payload.dumps({**self._head, "choices": choices, **others}))

    def _on_start(self, event: Start) -> bytes:
        self._head = _head(event.id or _ID, event.model or self._head["model"])
        return self._chunk([_choice("")])

    def _on_text(self, event: TextDelta | RefusalDelta) -> bytes:
        return self._chunk([_choice(event.text)])

    def _on_logprobs(self, event: Logprobs) -> bytes:
        return self._chunk([{**_choice(""), "logprobs": TEXT_LOGPROBS.give(event)}])

    def _on_other(self, event: Other) -> bytes:
        return self._chunk([{**_choice(""), "logprobs": event.payload}]) if event.kind == "logprobs" else b""

    def _on_finish(self, event: Finish) -> bytes:
        if not event.verified:
            return b""
        word = event.raw_reason or FINISH_WORDS.get(event.reason)
        last = self._chunk([_choice("", word)]) if word else b""
        if self._tells_usage and event.usage is not None:
            last += self._chunk([], usage=write_usage(event.usage))
        return last + sse.encode(DONE)

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], bytes]]] = {
        Start: _on_start,
        TextDelta: _on_text,
        RefusalDelta: _on_text,
        Logprobs: _on_logprobs,
        Other: _on_other,
        Finish: _on_finish,
    }


def encode_whole(request: Request, events: Iterable[Event]) -> bytes:
    """The whole answer as one ``text_completion``, for a request without ``stream``."""
    response = Response(model=request.model)
    for event in events:
        response.fold(event)
    word = response.raw_finish_reason or FINISH_WORDS.get(response.finish_reason or "other")
    choice = _choice(response.text + (response.refusal or ""), word)
    if response.logprobs:
        choice["logprobs"] = write_columns(response.logprobs)
    told = {} if response.usage is None else {"usage": write_usage(response.usage)}
    return payload.dumps({**_head(response.id or _ID, response.model), "choices": [choice], **told})


def _head(id: str, model: str | None) -> dict[str, Any]:
    return {"id": id, "object": "text_completion", "created": 0, "model": model}


def _choice(text: str, finish_reason: str | None = None) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish_reason}


DIALECT = Dialect(
    name="openai-completions",
    root="/v1",
    media_types=("text/event-stream",),
    framer=SSEFramer,
    call=call,
    decoder=CompletionDecoder,
    read_error=openai_errors.read_error,
    parse=parse,
    encoder=CompletionEncoder,
    encode_whole=encode_whole,
    encode_error=openai_errors.encode_error,
    paths=(PATH,),
    parts=frozenset({"text"}),
)
"""Continues a text. Chat models want ``openai-chat``."""
