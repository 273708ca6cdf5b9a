"""Hugging Face's text generation (TGI, and the Inference API's older routes): a text goes in, its tokens come out one by one.

Sources: https://huggingface.github.io/text-generation-inference/ (``/generate_stream``) and recorded streams of hf-inference.

An event is ``{"token": {"text", "special"}}``; special tokens (``</s>``) are not part of the text. The last event has the whole
``generated_text``, which is the end mark, and ``details`` with the finish reason and counts, if they were asked for.

House rule: the number of a token, which comes with every one unasked, is not passed on; its probability is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, ClassVar

import msgspec

from bourn.dialects import openai_errors, payload, plain_text
from bourn.dialects.base import Dialect, HttpCall, WireError
from bourn.dialects.openai_chat.beside import Beside
from bourn.dialects.openai_chat.chunk import Choice, Chunk, Delta
from bourn.dialects.openai_chat.decoder import ChatDecoder
from bourn.dialects.openai_chat.notes import TEXT_LOGPROBS
from bourn.dialects.openai_chat.request import as_http, read_body
from bourn.dialects.plain import Plain
from bourn.errors import InputError
from bourn.events import Event, Finish, FinishReason, RefusalDelta, TextDelta, Usage
from bourn.messages import Request
from bourn.response import Response
from bourn.wire import sse
from bourn.wire.sse import SSEFrame, SSEFramer

PATH = "/generate_stream"
WHOLE = "/generate"

_KEYS = {"max_tokens": "max_new_tokens", **{name: name for name in ("temperature", "top_p", "stop", "seed")}}
"""Option to its key in ``parameters``."""

_WORDS: dict[FinishReason, str] = {"stop": "eos_token", "length": "length"}
"""Our finish reason to the word for it; the other way is in the words of OpenAI chat, which TGI speaks too."""


class _Token(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    text: str = ""
    logprob: float | None = None
    special: bool = False
    id: Any = None


class _Details(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    finish_reason: str | None = None
    generated_tokens: int | None = None
    input_length: int | None = None
    strays: dict[str, Any] | None = msgspec.field(default=None, name=payload.STRAYS)


class _Generated(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    token: _Token | None = None
    top_tokens: list[_Token] | None = None
    generated_text: str | None = None
    details: _Details | None = None
    index: Any = None
    error: Any = None
    error_type: Any = None
    strays: dict[str, Any] | None = msgspec.field(default=None, name=payload.STRAYS)


class _PlainToken(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    text: str
    logprob: Annotated[float, msgspec.Meta(ge=0, le=0)] | None = None  # the server half has none, and writes 0
    special: bool = False
    id: msgspec.Raw = msgspec.Raw()


class _PlainGenerated(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A token's text and nothing else that could be told: see ``Plain``."""

    token: _PlainToken
    top_tokens: None = None
    generated_text: None = None
    details: None = None
    index: msgspec.Raw = msgspec.Raw()


_GENERATED = msgspec.json.Decoder(_Generated)
_PLAIN = msgspec.json.Decoder(_PlainGenerated)


class TokenDecoder(ChatDecoder):
    """Tokens of one answer to events."""

    marks = "generated_text"
    plain_chunk = None

    def __init__(self) -> None:
        super().__init__()
        self._beside = Beside(self._parts, TEXT_LOGPROBS)
        self._plain = Plain(_PLAIN)

    def feed(self, frame: SSEFrame) -> Iterable[Event]:
        """Take the next event of the stream; the one with the end mark is the last."""
        if self._key == "content" and not self.done and not frame.event and (words := self._token(frame.data)):
            return (TextDelta(self._index, words),)
        events = super().feed(frame)
        return self._and_close(events) if self.ended else events

    def _token(self, data: bytes) -> str:
        """The text of a payload that only goes on with it; ``""`` where it brings anything else."""
        told = self._plain.read(data)
        return "" if told is None or told.token.special else told.token.text

    def _and_close(self, events: Iterable[Event]) -> Iterator[Event]:
        yield from events
        yield from self.close()

    def read(self, data: bytes) -> Chunk:
        """The data of an event as a chunk of OpenAI chat; raises ``PayloadError``."""
        told = payload.decode_all(_GENERATED, data)
        self.ended = told.generated_text is not None
        chunk = Chunk(error=told.error, strays=told.strays)
        if told.token is not None:
            chunk.choices = [Choice(delta=Delta(content=None if told.token.special else told.token.text))]
            top = {one.text: one.logprob for one in told.top_tokens} if told.top_tokens else {}
            if told.token.logprob:  # the server half has none, and writes 0
                columns = {"tokens": [told.token.text], "token_logprobs": [told.token.logprob], "top_logprobs": [top]}
                chunk.choices[0].logprobs = columns
            if told.details is not None:
                chunk.choices[0].finish_reason = told.details.finish_reason
                counts = {"prompt_tokens": told.details.input_length, "completion_tokens": told.details.generated_tokens}
                chunk.usage = counts
                chunk.strays = {**(told.strays or {}), **(told.details.strays or {})} or None
        return chunk


def call(request: Request) -> HttpCall:
    """The request as HTTP, asking for the finish reason and the counts. Raises ``InputError`` where something is no JSON."""
    warnings: dict[str, None] = {}
    prompt = plain_text.write_prompt(request.messages, warnings.setdefault)
    parameters = {**plain_text.write_options(request.options, _KEYS, warnings.setdefault), "details": True}
    body = {"model": request.model, "inputs": prompt, "parameters": parameters, "stream": request.stream}
    body |= request.options.extra
    return as_http(PATH, body, warnings, stream=request.stream)


def parse(http: HttpCall) -> Request:
    """The request that a body holds, for the server half; a server of one model need not be told which.

    Raises ``InputError``: answer it with status 422.
    """
    body = read_body(http.body)
    parameters = body.pop("parameters", None) or {}
    if not isinstance(parameters, dict):
        raise InputError("Input validation error: `parameters` must be an object")
    stream, model = body.pop("stream", None), body.pop("model", None) or "tgi"
    request = plain_text.read_text(str(model), body.pop("inputs", None), {**body, **parameters}, _KEYS)
    at_once = http.path.partition("?")[0].endswith(WHOLE)
    return msgspec.structs.replace(request, stream=stream is not False and not at_once)


class TokenEncoder:
    """Events of one answer to server-sent events; give it each event in order."""

    def __init__(self, request: Request) -> None:
        del request  # nothing of it is in the answer
        self._said: list[str] = []

    def encode(self, event: Event) -> bytes:
        """The bytes that the event becomes."""
        write = self._WRITERS.get(type(event))
        return b"" if write is None else write(self, event)

    def error(self, error: WireError) -> bytes:
        """An error in mid-stream."""
        return sse.encode(encode_error(500, error))

    def _token(self, text: str, *, special: bool = False, **end: Any) -> bytes:
        token = {"id": 0, "text": text, "logprob": 0.0, "special": special}
        self._said.append("" if special else text)
        head = {"index": len(self._said), "token": token, "generated_text": None, "details": None}
        return sse.encode(payload.dumps({**head, **end}))

    def _on_text(self, event: TextDelta | RefusalDelta) -> bytes:
        return self._token(event.text)

    def _on_finish(self, event: Finish) -> bytes:
        if not event.verified:
            return b""
        details = _details(event.reason, event.raw_reason, event.usage)
        return self._token("</s>", special=True, generated_text="".join(self._said), details=details)

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], bytes]]] = {
        TextDelta: _on_text,
        RefusalDelta: _on_text,
        Finish: _on_finish,
    }


def encode_whole(request: Request, events: Iterable[Event]) -> bytes:
    """The whole answer as one object, for a request without ``stream``."""
    response = Response(model=request.model)
    for event in events:
        response.fold(event)
    details = _details(response.finish_reason or "other", response.raw_finish_reason, response.usage)
    return payload.dumps({"generated_text": response.text + (response.refusal or ""), "details": details})


def encode_error(status: int, error: WireError) -> bytes:
    """The body of a refused request, and an error in mid-stream."""
    del status  # it is in the head of the answer
    return payload.dumps({"error": error.message, "error_type": error.type or "generation"})


def _details(reason: FinishReason, raw: str | None, usage: Usage | None) -> dict[str, Any] | None:
    """What is known of the end."""
    usage = usage or Usage()
    word = raw or _WORDS.get(reason)
    details = {"finish_reason": word, "generated_tokens": usage.output_tokens, "input_length": usage.input_tokens}
    return {name: value for name, value in details.items() if value is not None} or None


DIALECT = Dialect(
    name="huggingface-tgi",
    root="",
    media_types=("text/event-stream",),
    framer=SSEFramer,
    call=call,
    decoder=TokenDecoder,
    read_error=openai_errors.read_error,
    parse=parse,
    encoder=TokenEncoder,
    encode_whole=encode_whole,
    encode_error=encode_error,
    paths=(PATH, WHOLE),
    parts=frozenset({"text"}),
)
"""Speaks to a TGI server and to the text-generation routes of the Inference API."""
