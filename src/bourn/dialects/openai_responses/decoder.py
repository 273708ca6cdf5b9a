"""The Responses format of OpenAI, spoken also by Azure, xAI, OpenRouter, Bedrock Mantle, Copilot, DeepSeek, vLLM and llama.cpp.

Here is the decoder. Requests are written in ``request`` and read in ``parse``, answers are
written in ``server``, and the words that all share are in ``words``.
Source: https://platform.openai.com/docs/api-reference/responses-streaming, and recordings of nine services.

An answer is a list of *items*, each announced (``output_item.added``), said in deltas, and repeated whole when it is done. A
message's contents become text and refusal parts, a reasoning item becomes one reasoning part, a function or custom call one
tool call. Any other item is the service's own doing: a tool of its own (see ``notes``), or one ``Other``, named by its type; so
is every event that has no room in the vocabulary (progress of a search, a partial image). In the midst of it: ``Citation`` and
``Logprobs`` with the index of their text, ``Other("phase")`` before a message, ``Other("namespace")`` of a call.

House rule: deltas count, and what was only said whole is given once; a call ends when its item is done and not ``incomplete``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, ClassVar, TypeVar

import msgspec

from bourn.dialects import openai_errors, payload
from bourn.dialects.base import Dialect, reason_for, truncated
from bourn.dialects.counts import rest_of
from bourn.dialects.media import read_base64
from bourn.dialects.openai_responses import notes
from bourn.dialects.openai_responses.parse import parse
from bourn.dialects.openai_responses.request import PATH, call
from bourn.dialects.openai_responses.server import ResponsesEncoder, encode_whole
from bourn.dialects.openai_responses.words import (
    CONTENTS,
    CUSTOM_CALL,
    FUNCTION_CALL,
    MESSAGE,
    REASONING,
    REASONS,
    SPEECHES,
    SUMMARY,
    THOUGHT,
    USAGE_KNOWN,
    Content,
    Head,
    Item,
    Speech,
    TokenDetails,
    WireEvent,
    WireResponse,
    WireUsage,
    modelled,
)
from bourn.dialects.parts import Parts
from bourn.errors import PayloadError
from bourn.events import Event, Finish, Other, Start, Usage
from bourn.wire.sse import SSEFrame, SSEFramer

T = TypeVar("T")

_EVENT = msgspec.json.Decoder(WireEvent)
_OBJECT = msgspec.json.Decoder(dict[str, Any])

_SPOKEN: dict[str, tuple[Speech, bool]] = {
    **{f"{speech.stem}.delta": (speech, False) for speech in SPEECHES},
    **{f"{speech.stem}.done": (speech, True) for speech in SPEECHES},
}
"""Event type to what it says, and whether it says the whole of it."""

_THOUGHTS = {f"{speech.piece}.done": speech for speech in (THOUGHT, SUMMARY)}

_NOTES = ("phase", "namespace")
"""Fields of modelled items that the vocabulary lacks, each given as an ``Other`` of that name when the item begins."""


class _State:
    """An item of the answer: its type (empty for the service's own), which of its contents were said, whether it is done."""

    __slots__ = ("done", "noted", "raw", "said", "speech", "type")

    def __init__(self, type: str, raw: Any) -> None:
        self.type = type
        self.raw = raw
        self.said: dict[int, bool] = {}
        self.noted: set[int] = set()  # contents whose annotations were given
        self.speech: Speech | None = None  # of reasoning: raw or summary, whichever was said first
        self.done = False


class ResponsesDecoder:
    """Events of the Responses format to ours. Items are joined on ``output_index``: Copilot changes item ids between events.

    llama.cpp sends no ``output_index``; there the item's id counts, else the item that began last.
    """

    def __init__(self) -> None:
        self.ended = False
        self.done = False
        self.usage: Usage | None = None
        self._parts = Parts()
        self._data = b""  # of the frame at hand
        self._started = False
        self._called = False
        self._states: list[_State] = []
        self._named: dict[Hashable, _State] = {}  # by output index, item id, call id; under None the one that began last

    def feed(self, frame: SSEFrame) -> Iterable[Event]:
        """Take the next frame. Raises ``ModelError`` for a reported failure, ``PayloadError`` for what cannot be decoded."""
        if self.done:
            return ()
        self._data = frame.data
        try:
            event = _EVENT.decode(frame.data)
        except payload.UNREADABLE:
            return self._odd(frame)
        return self._take(event, frame)

    def close(self, *, verified: bool = True) -> Iterable[Event]:
        """The bytes ended. Raises ``TruncatedError`` unless the terminal event came, or none is expected."""
        if self.done:
            return ()
        if verified:
            raise truncated("response.completed")
        out: list[Event] = [] if self._started else [Start()]
        self._parts.end_all(out, but="tool_call")
        self.done = True
        self._parts.finish(Finish("other", None, self.usage, verified=False), out)
        return out

    def _take(self, event: WireEvent, frame: SSEFrame) -> list[Event]:
        out: list[Event] = []
        type = event.type or frame.event
        handler = self._HANDLERS.get(type, ResponsesDecoder._unknown)
        if not self._started and (handler is not ResponsesDecoder._quiet or event.response is not None or event.strays):
            self._started = True
            response = event.response or WireResponse()
            out.append(Start(response.id or None, response.model or None))
        if event.strays:
            out.extend(Other(kind, told) for kind, told in event.strays.items())
        event.type = type
        handler(self, event, out)
        return out

    def _odd(self, frame: SSEFrame) -> list[Event]:
        """A frame that the typed decode refuses: OpenRouter's ``[DONE]``, sloppy bytes, an unknown event of another shape."""
        if frame.data.strip() == b"[DONE]":
            return []
        type = str(payload.decode(_OBJECT, frame.data).get("type") or frame.event)
        event = payload.decode_all(_EVENT, frame.data) if type in self._HANDLERS else WireEvent(type)
        return self._take(event, frame)

    def _quiet(self, event: WireEvent, out: list[Event]) -> None:
        """An event that tells nothing new; ``keepalive`` is OpenAI's undocumented ping."""

    def _unknown(self, event: WireEvent, out: list[Event]) -> None:
        """The frame at hand as it is, for what the vocabulary does not model; but an error is one under any name."""
        value = payload.decode(_OBJECT, self._data)
        if value.get("error") and ("type" not in value or event.type.endswith("error")):
            raise openai_errors.in_stream(value)
        out.append(Other(event.type or "unknown", value))

    # Finding items

    def _find(self, type: str, index: int | None, *ids: str | None) -> _State | None:
        """The item of that type under its output index, else one of its ids, else, where no index was told, the last one."""
        for name in (index, *ids):
            state = self._named.get(name) if name is not None else None
            if state is not None and state.type == type:
                return state
        last = self._named.get(None) if index is None else None
        return last if last is not None and last.type == type else None

    def _spoken_of(self, type: str, event: WireEvent) -> _State:
        """The item that an event speaks of; one that nobody announced begins here."""
        index = event.output_index
        state = self._named.get(index) if index is not None else None
        if state is not None and state.type == type:
            return state
        return self._find(type, index, event.item_id) or self._begin(type, None, index, event.item_id)

    def _begin(self, type: str, raw: Any, *names: Hashable) -> _State:
        state = _State(type, raw)
        self._states.append(state)
        self._named.update({name: state for name in names if name is not None})
        self._named[None] = state
        return state

    # Items

    def _added(self, event: WireEvent, out: list[Event]) -> None:
        """An item is announced; what it holds already is repeated when it is done."""
        self._announce(event.item, self._read(event.item), event.output_index, out)

    def _announce(self, raw: Any, item: Item, index: int | None, out: list[Event]) -> _State:
        state = self._begin(item.type, raw, index, item.id, item.call_id)
        if item.type == REASONING:
            self._parts.start(state, "reasoning", out, item.id)
        elif item.type in (FUNCTION_CALL, CUSTOM_CALL):
            self._called = True
            custom = item.type == CUSTOM_CALL
            self._parts.start_tool(state, item.call_id or item.id, item.name or "", out, custom=custom)
        notes = ((name, getattr(item, name)) for name in _NOTES)
        out.extend(Other(name, value, self._parts.index(state)) for name, value in notes if value)
        return state

    def _done(self, event: WireEvent, out: list[Event]) -> None:
        """An item is whole: what of it was not said yet is given, and its parts end."""
        self._whole(event.item, event.output_index, out)

    def _whole(self, raw: Any, index: int | None, out: list[Event]) -> None:
        item = self._read(raw)
        state = self._find(item.type, index, item.id, item.call_id)
        elsewhere = index is not None and self._named.get(index) is not state
        if state is None or (state.done and elsewhere):  # an id used twice is two items
            state = self._announce(raw, item, index, out)
        if not state.done:
            state.done = True
            state.raw = raw
            self._CLOSERS[item.type](self, state, item, out)

    def _read(self, raw: Any) -> Item:
        """The fields of an item; the service's own have no type here."""
        head = self._converted(raw, Head)
        if modelled(head.type, head.call_id):
            return self._converted(raw, Item)
        return Item(id=head.id, call_id=head.call_id)

    def _converted(self, raw: Any, type_: type[T]) -> T:
        try:
            return msgspec.convert(raw, type_)
        except msgspec.ValidationError as error:
            raise PayloadError(f"a part of the answer has an unexpected shape: {error}", raw=self._data) from error

    def _message_done(self, state: _State, item: Item, out: list[Event]) -> None:
        """Contents are matched by their order: Bedrock Mantle's deltas count the first one as 1, its item as 0."""
        order = list(state.said)
        for number, raw in enumerate(item.content or ()):
            content = self._converted(raw, Content)
            if content.type in CONTENTS:
                self._whole_content(state, order[number] if number < len(order) else ~number, content, out)
            else:
                out.append(Other(content.type or "content", raw))
        for at in state.said:
            self._parts.end((state, at), out)

    def _reasoning_done(self, state: _State, item: Item, out: list[Event]) -> None:
        """The raw text counts, else the summary, as far as it was not said; the encrypted content is the signature."""
        contents = [self._converted(raw, Content) for raw in item.content or ()]
        speech = state.speech or (THOUGHT if any(content.text for content in contents) else SUMMARY)
        order = list(state.said)
        for number, content in enumerate(contents if speech is THOUGHT else item.summary or ()):
            self._say(state, speech, order[number] if number < len(order) else ~number, content.text, out, whole=True)
        self._parts.end(state, out, signature=item.encrypted_content or None)

    def _call_done(self, state: _State, item: Item, out: list[Event]) -> None:
        """OpenAI says ``done`` also of a call that ``max_output_tokens`` cut, and of its arguments: only its status tells."""
        speech = next(speech for speech in SPEECHES if speech.item == item.type)
        self._say(state, speech, 0, item.arguments or item.input, out, whole=True)
        if item.status != "incomplete":
            self._parts.end(state, out)

    def _own_done(self, state: _State, item: Item, out: list[Event]) -> None:
        del item
        raw = state.raw
        type = raw.get("type") or "item"
        if type not in notes.TOOLS:
            out.append(Other(type, raw))
            return
        out.append(notes.read_call(raw))
        picture = read_base64(raw.get("result") or None) if type == notes.IMAGE else None
        if picture:
            format = raw.get("output_format")
            media_type = f"image/{format}" if isinstance(format, str) else "image"
            self._parts.whole_media(media_type, out, data=picture, id=raw.get("id"))
        elif result := notes.read_result(raw):
            out.append(result)

    # What is said

    def _speak(self, event: WireEvent, out: list[Event]) -> None:
        """The hot path: more of a text, a thought or a call; or, at its end, the whole of it."""
        speech, whole = _SPOKEN[event.type]
        text = getattr(event, speech.field) if whole else event.delta
        if speech.part == "tool_call":
            self._speak_call(speech, event, text, out, whole=whole)
        elif speech.part == "reasoning":
            self._speak_thought(speech, event, text, out, whole=whole)
        else:
            state = self._spoken_of(MESSAGE, event)
            at = event.content_index or 0
            self._say(state, speech, at, text, out, whole=whole)
            if event.logprobs and not whole:
                out.append(notes.LOGPROBS.take(event.logprobs, self._parts.index((state, at))))

    def _speak_thought(self, speech: Speech, event: WireEvent, text: str | None, out: list[Event], *, whole: bool) -> None:
        """Raw or as a summary: the first to speak is the part's text, the other is given as it comes."""
        state = self._spoken_of(REASONING, event)
        if text:
            state.speech = state.speech or speech
        if state.speech in (None, speech):
            at = event.content_index if speech is THOUGHT else event.summary_index
            self._say(state, speech, at or 0, text, out, whole=whole)
        else:
            self._unknown(event, out)

    def _speak_call(self, speech: Speech, event: WireEvent, text: str | None, out: list[Event], *, whole: bool) -> None:
        state = self._find(speech.item, event.output_index, event.item_id)
        if state is None or state.done:
            self._unknown(event, out)
        else:
            self._say(state, speech, 0, text, out, whole=whole)

    def _say(self, state: _State, speech: Speech, at: int, text: str | None, out: list[Event], *, whole: bool = False) -> None:
        """More text of the item's content ``at``; the whole of it is given only if none of it was said."""
        if not text or (whole and state.said.get(at)):
            return
        state.said[at] = True
        if speech.part == "tool_call":
            self._parts.arguments(state, text, out)
        else:
            self._parts.delta(state if speech.part == "reasoning" else (state, at), speech.part, text, out)

    def _content_added(self, event: WireEvent, out: list[Event]) -> None:
        """A content is announced. vLLM announces reasoning as ``output_text``: that is no text."""
        content, at = event.part or Content(), event.content_index or 0
        if content.type in CONTENTS and not self._is_thought(event):
            self._open_content(self._spoken_of(MESSAGE, event), at, CONTENTS[content.type], out)

    def _open_content(self, state: _State, at: int, speech: Speech, out: list[Event]) -> None:
        if at not in state.said:
            state.said[at] = False
            self._parts.start((state, at), speech.part, out)

    def _content_done(self, event: WireEvent, out: list[Event]) -> None:
        """A content is whole."""
        content, at = event.part or Content(), event.content_index or 0
        if content.type == THOUGHT.content or self._is_thought(event):
            self._speak_thought(THOUGHT, event, content.text, out, whole=True)
        elif content.type in CONTENTS:
            state = self._spoken_of(MESSAGE, event)
            self._whole_content(state, at, content, out)
            self._parts.end((state, at), out)

    def _thought_done(self, event: WireEvent, out: list[Event]) -> None:
        """A piece of reasoning is whole."""
        content = event.part or Content()
        self._speak_thought(_THOUGHTS[event.type], event, content.text, out, whole=True)

    def _is_thought(self, event: WireEvent) -> bool:
        return self._find(REASONING, event.output_index, event.item_id) is not None

    def _whole_content(self, state: _State, at: int, content: Content, out: list[Event]) -> None:
        speech = CONTENTS[content.type]
        self._open_content(state, at, speech, out)
        self._say(state, speech, at, getattr(content, speech.field), out, whole=True)
        if at not in state.noted:
            state.noted.add(at)
            index = self._parts.index((state, at))
            out.extend(notes.CITATION.take(one, index) for one in content.annotations or ())

    def _annotated(self, event: WireEvent, out: list[Event]) -> None:
        """A citation or a file, in the midst of a text."""
        state, at = self._spoken_of(MESSAGE, event), event.content_index or 0
        state.noted.add(at)
        out.append(notes.CITATION.take(event.annotation, self._parts.index((state, at))))

    # The end

    def _terminal(self, event: WireEvent, out: list[Event]) -> None:
        """Nothing more is wanted. A completed answer has no cut calls, whether or not their items were done."""
        response = event.response or WireResponse()
        rest = self._note_usage(response)
        self._leftovers(response.output or [], out)
        for state in self._states:
            if event.type == "response.completed" and not state.done:
                self._parts.end(state, out)
        self._parts.end_all(out, but="tool_call")
        why = response.incomplete_details
        raw = (why and why.reason) or response.status or event.type.rpartition(".")[2]
        reason = reason_for(REASONS, raw)
        out.extend(map(notes.SAFETY.take, response.content_filters or ()))
        if event.copilot_usage:
            out.append(Other("copilot_usage", event.copilot_usage))
        if rest:
            out.append(Other("usage", rest))
        tier = response.service_tier
        if tier and not isinstance(tier, str):
            out.append(Other("service_tier", tier))
        reason = "tool_calls" if reason == "stop" and self._called else reason
        self._parts.finish(Finish(reason, raw, self.usage, service_tier=tier if isinstance(tier, str) else None), out)
        self.ended = self.done = True

    def _leftovers(self, output: Sequence[Any], out: list[Event]) -> None:
        """Items that only the terminal event has, and the service's own that were announced and never done."""
        if not self._states:
            for index, raw in enumerate(output):
                self._whole(raw, index, out)
        whole = {raw["id"]: raw for raw in output if isinstance(raw, dict) and isinstance(raw.get("id"), str)}
        for state in self._states:
            if not state.type and not state.done:
                state.raw = whole.get(state.raw.get("id"), state.raw)
                self._own_done(state, Item(), out)

    def _note_usage(self, response: WireResponse) -> dict[str, Any]:
        """Take the counts; what of the usage has no place in them."""
        if response.usage is not None:
            told = self._converted(response.usage, WireUsage)
            cached, thought = told.input_tokens_details or TokenDetails(), told.output_tokens_details or TokenDetails()
            counts = (cached.cached_tokens, cached.cache_write_tokens, thought.reasoning_tokens)
            self.usage = Usage(told.input_tokens, told.output_tokens, *counts)
        return rest_of(response.usage or {}, USAGE_KNOWN)

    def _failed(self, event: WireEvent, out: list[Event]) -> None:
        del out
        response = event.response or WireResponse()
        self._note_usage(response)
        raise openai_errors.in_stream({"error": response.error})

    def _error(self, event: WireEvent, out: list[Event]) -> None:
        """An error, flat as documented or nested as recorded; the flat one's ``type`` names the event."""
        del event, out
        value = payload.decode(_OBJECT, self._data)
        raise openai_errors.in_stream({name: held for name, held in value.items() if name != "type"})

    _CLOSERS: ClassVar[dict[str, Callable[[ResponsesDecoder, _State, Item, list[Event]], None]]] = {
        MESSAGE: _message_done,
        REASONING: _reasoning_done,
        FUNCTION_CALL: _call_done,
        CUSTOM_CALL: _call_done,
        "": _own_done,
    }
    _HANDLERS: ClassVar[dict[str, Callable[[ResponsesDecoder, WireEvent, list[Event]], None]]] = {
        **dict.fromkeys(_SPOKEN, _speak),
        "response.created": _quiet,
        "response.queued": _quiet,
        "response.in_progress": _quiet,
        "keepalive": _quiet,
        "response.output_item.added": _added,
        "response.output_item.done": _done,
        "response.content_part.added": _content_added,
        "response.content_part.done": _content_done,
        "response.output_text.annotation.added": _annotated,
        "response.reasoning_part.added": _quiet,
        "response.reasoning_summary_part.added": _quiet,
        **dict.fromkeys(_THOUGHTS, _thought_done),
        "response.completed": _terminal,
        "response.incomplete": _terminal,
        "response.failed": _failed,
        "error": _error,
    }


DIALECT = Dialect(
    name="openai-responses",
    root="/v1",
    media_types=("text/event-stream",),
    framer=SSEFramer,
    call=call,
    decoder=ResponsesDecoder,
    read_error=openai_errors.read_error,
    parse=parse,
    encoder=ResponsesEncoder,
    encode_whole=encode_whole,
    encode_error=openai_errors.encode_error,
    paths=(PATH,),
)
