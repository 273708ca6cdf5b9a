"""Cloudflare Workers AI in its own format, ``/ai/run/MODEL``; its OpenAI-compatible address speaks ``openai-chat``.

Sources: https://developers.cloudflare.com/workers-ai/ and recorded streams of five models. Requests are those of OpenAI chat
with the model in the path. An event is ``{"response": text}``, padded with ``p``; tool calls are OpenAI's deltas at its top.

End evidence is ``[DONE]`` alone: no finish reason is ever told, so a whole answer ends with ``Finish("other")``.

House rule: what this format cannot say (reasoning, a finish reason) becomes no bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from urllib.parse import quote, unquote

import msgspec

from bourn.dialects import openai_errors, payload
from bourn.dialects.base import Dialect, HttpCall, WireError
from bourn.dialects.openai_chat import request as openai_chat_request
from bourn.dialects.openai_chat.chunk import CallPiece, Choice, Chunk, Delta
from bourn.dialects.openai_chat.decoder import ChatDecoder
from bourn.dialects.openai_chat.words import DONE, write_usage
from bourn.dialects.plain import Plain
from bourn.events import Event, Finish, RefusalDelta, TextDelta, ToolCallDelta, ToolCallStart
from bourn.messages import Request, ToolCall
from bourn.response import Response
from bourn.wire import sse
from bourn.wire.sse import SSEFrame, SSEFramer

PATH = "/ai/run/"

_LEFT_OUT = {"stop": "stop sequences were left out", "tool_choice": "the choice of a tool was left out"}
"""Keys of OpenAI chat that are not in Cloudflare's schema of a text model, and the warning."""


class _Run(Chunk, gc=False):
    response: Any = None  # a text; an object where JSON was asked for
    tool_calls: list[CallPiece] | None = None


class _PlainRun(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Words and their padding: see ``Plain``."""

    response: str
    p: msgspec.Raw = msgspec.Raw()


_RUN = msgspec.json.Decoder(_Run)
_PLAIN = msgspec.json.Decoder(_PlainRun)


class RunDecoder(ChatDecoder):
    """Events of one answer to ours."""

    marks = "[DONE]"
    plain = _Run(choices=[Choice(delta=Delta())])
    plain_chunk = None

    def __init__(self) -> None:
        super().__init__()
        self._plain = Plain(_PLAIN)

    def feed(self, frame: SSEFrame) -> Iterable[Event]:
        """Take the next event of the stream."""
        if self._key == "content" and not self.done and not frame.event:
            told = self._plain.read(frame.data)
            if told is not None and told.response:
                return (TextDelta(self._index, told.response),)
        return super().feed(frame)

    def read(self, data: bytes) -> Chunk:
        """The data of an event as a chunk of OpenAI chat; raises ``PayloadError``."""
        run = payload.decode_all(_RUN, data)
        if run.response is not None or run.tool_calls:
            said = run.response
            text = said if said is None or isinstance(said, str) else payload.dumps(said).decode()
            run.choices = [Choice(delta=Delta(content=text, tool_calls=run.tool_calls))]
            run.response = run.tool_calls = None
        return run


def call(request: Request) -> HttpCall:
    """The request as HTTP, its model in the path. Raises ``InputError`` where something in it is no JSON."""
    warnings: dict[str, None] = {}
    body = openai_chat_request.write_body(request, warnings.setdefault)
    for key, sentence in _LEFT_OUT.items():
        if key in body and key not in request.options.extra:
            del body[key]
            warnings[f"{sentence}: Workers AI has no such option"] = None
    del body["model"]
    body.pop("stream_options", None)
    path = PATH + quote(request.model, safe="@/:")
    return openai_chat_request.as_http(path, body, warnings, stream=request.stream)


def parse(http: HttpCall) -> Request:
    """The request that a path and a body hold, for the server half. Raises ``InputError``: answer it with status 400."""
    body = openai_chat_request.read_body(http.body)
    body["model"] = unquote(http.path.removeprefix(PATH).partition("?")[0])
    if "prompt" in body:
        body.setdefault("messages", [{"role": "user", "content": body.pop("prompt")}])
    return openai_chat_request.parse(HttpCall(http.path, payload.dumps(body)))


class RunEncoder:
    """Events of one answer to server-sent events; give it each event in order."""

    def __init__(self, request: Request) -> None:
        del request  # nothing of it is in the answer
        self._calls: dict[int, int] = {}  # part index to the call's number

    def encode(self, event: Event) -> bytes:
        """The bytes that the event becomes."""
        write = self._WRITERS.get(type(event))
        return b"" if write is None else write(self, event)

    def error(self, error: WireError) -> bytes:
        """An error in mid-stream, in the shape of a refusal's body: none was ever seen."""
        return sse.encode(encode_error(500, error))

    def _on_text(self, event: TextDelta | RefusalDelta) -> bytes:
        return _event(response=event.text)

    def _on_call(self, event: ToolCallStart) -> bytes:
        at = self._calls[event.index] = len(self._calls)
        id = {} if event.id is None else {"id": event.id}
        return _event(tool_calls=[{**id, "type": "function", "index": at, "function": {"name": event.name}}])

    def _on_arguments(self, event: ToolCallDelta) -> bytes:
        return _event(tool_calls=[{"index": self._calls[event.index], "function": {"arguments": event.arguments}}])

    def _on_finish(self, event: Finish) -> bytes:
        told = b"" if event.usage is None else _event(response="", usage=write_usage(event.usage))
        return told + sse.encode(DONE) if event.verified else told

    _WRITERS: ClassVar[dict[type[Event], Callable[[Any, Any], bytes]]] = {
        TextDelta: _on_text,
        RefusalDelta: _on_text,
        ToolCallStart: _on_call,
        ToolCallDelta: _on_arguments,
        Finish: _on_finish,
    }


def encode_whole(request: Request, events: Iterable[Event]) -> bytes:
    """The whole answer as one ``result``, for a request without ``stream``."""
    response = Response(model=request.model)
    for event in events:
        response.fold(event)
    result: dict[str, Any] = {"response": response.text + (response.refusal or "")}
    if response.tool_calls:
        result["tool_calls"] = [_whole_call(call) for call in response.tool_calls]
    if response.usage is not None:
        result["usage"] = write_usage(response.usage)
    return payload.dumps({"result": result, "success": True, "errors": [], "messages": []})


def encode_error(status: int, error: WireError) -> bytes:
    """The body of a refused request. Cloudflare's codes are numbers; a code of another kind stays a word."""
    del status  # it is in the head of the answer
    code = int(error.code) if error.code and error.code.isdecimal() else error.code
    return payload.dumps(
        {"result": None, "success": False, "errors": [{"code": code, "message": error.message}], "messages": []}
    )


def _event(**fields: Any) -> bytes:
    return sse.encode(payload.dumps(fields))


def _whole_call(call: ToolCall) -> dict[str, Any]:
    """A call as Cloudflare tells it outside a stream: its arguments are an object, where they can be."""
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except payload.UNREADABLE:
        arguments = call.arguments
    return {"name": call.name, "arguments": arguments}


DIALECT = Dialect(
    name="cloudflare",
    root="",
    media_types=("text/event-stream",),
    framer=SSEFramer,
    call=call,
    decoder=RunDecoder,
    read_error=openai_errors.read_error,
    parse=parse,
    encoder=RunEncoder,
    encode_whole=encode_whole,
    encode_error=encode_error,
    paths=("/ai/run/.+",),
    parts=frozenset({"text", "tool_call"}),
)
"""Speaks to ``/ai/run`` of Workers AI."""
