"""The server half of OpenAI chat writes what OpenAI writes: our decoder and the official SDK read the same in it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.base import HttpCall, WireError, reason_for
from bourn.dialects.openai_chat.beside import Beside
from bourn.dialects.openai_chat.decoder import DIALECT
from bourn.dialects.openai_chat.server import ChatEncoder, encode_whole
from bourn.dialects.openai_chat.words import FINISH_REASONS, REPEATED, ChoiceOthers, ChunkOthers, DeltaOthers
from bourn.errors import ModelError
from bourn.events import (
    ChosenToken,
    Citation,
    Event,
    Finish,
    Logprobs,
    MediaDelta,
    MediaEnd,
    MediaStart,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Safety,
    SafetyRating,
    ServerToolCall,
    ServerToolResult,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.messages import Message, Options, Request
from bourn.response import Response
from bourn.testing.strategies import (
    KINDS,
    chosen_tokens,
    event_runs,
    json_arguments,
    json_values,
    names,
    notes,
    safety,
    settled,
    texts,
    usages,
)
from tests.recordings import decode

ASKED = Request("m", (Message("user", "hi"),), Options(extra={"stream_options": {"include_usage": True}}))
UNASKED = Request("m", (Message("user", "hi"),))

ANSWER: list[Event] = [
    Start("i", "m"),
    ReasoningStart(0),
    ReasoningDelta(0, "hm"),
    ReasoningEnd(0),
    TextStart(1),
    TextDelta(1, "a\u2028"),
    TextDelta(1, "b"),
    TextEnd(1),
    ToolCallStart(2, "c", "f"),
    ToolCallDelta(2, '{"x":'),
    ToolCallStart(3, "d", "g"),
    ToolCallDelta(3, "{}"),
    ToolCallDelta(2, "1}"),
    ToolCallEnd(2),
    ToolCallEnd(3),
    Finish("tool_calls", "tool_calls", Usage(7, 5, 2, None, 3)),
]


def _encoded(events: list[Event], request: Request = ASKED) -> bytes:
    encoder = ChatEncoder(request)
    return b"".join(encoder.encode(event) for event in events)


def _payloads(body: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in body.decode().split("\n\n") if line.startswith("data: {")]


# --- both halves ------------------------------------------------------------------------------------------------------------

_SAID = {
    "text": (TextStart, TextDelta, TextEnd),
    "reasoning": (ReasoningStart, ReasoningDelta, ReasoningEnd),
    "refusal": (RefusalStart, RefusalDelta, RefusalEnd),
}
_LEVELS = (ChunkOthers, ChoiceOthers, DeltaOthers)
_KINDS = sorted({kind for level in _LEVELS for kind in level.__struct_fields__} - {kind for _, kind in Beside._NOTES})
_other_choices = st.fixed_dictionaries({"index": st.integers(1, 9), "delta": st.just({"content": "x"})})
_others = st.one_of(
    st.builds(Other, kind=st.sampled_from(_KINDS), payload=st.fixed_dictionaries({"a": json_values})),
    st.builds(Other, kind=st.just("reasoning_details"), payload=st.fixed_dictionaries({"data": texts}).map(lambda one: [one])),
    st.builds(Other, kind=st.just("choice"), payload=_other_choices),
)
_places = st.none() | st.integers(0, 99)
_notes: st.SearchStrategy[Event] = st.one_of(
    st.builds(Citation, url=texts, title=st.none() | texts, quote=st.none() | texts, start=_places, end=_places),
    st.builds(Logprobs, tokens=st.lists(chosen_tokens, min_size=1, max_size=2).map(tuple)),
    st.builds(ServerToolCall, id=st.integers(0, 9).map(str), name=names, arguments=json_arguments),
    st.builds(ServerToolResult, id=st.integers(0, 9).map(str), name=names, content=texts),
    safety.filter(lambda event: len({one.category for one in event.ratings}) == len(event.ratings)),
)
"""What is said beside the text, as far as this format has fields for it."""


class _Run:
    """Builds a run of events that this format can express: one text-like part open at a time, all calls ended at the end."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.events: list[Event] = [Start(draw(names), draw(names))]
        self.open: str | None = None
        self.index = 0
        self.parts = 0
        self.calls: list[int] = []
        self.last: dict[str, Any] = {}
        self.speech: int | None = None

    def next_index(self) -> int:
        self.parts += 1
        return self.parts - 1

    def hush(self) -> None:
        if self.open is not None:
            self.events.append(_SAID[self.open][2](self.index))
        self.open = None

    def say(self, kind: str) -> None:
        start, delta, _ = _SAID[kind]
        if kind != self.open:
            self.hush()
            self.open = kind
            self.index = self.next_index()
            self.events.append(start(self.index))
        self.events.append(delta(self.index, self.draw(texts)))

    def call(self) -> None:
        self.hush()
        index = self.next_index()
        id = None if self.draw(st.booleans()) else f"call_{index}"
        self.events.append(ToolCallStart(index, id, self.draw(names), self.draw(st.booleans())))
        self.calls.append(index)

    def more(self) -> None:
        if self.calls:
            self.events.append(ToolCallDelta(self.draw(st.sampled_from(self.calls)), self.draw(texts)))

    def note(self) -> None:
        event = self.draw(_notes)
        if isinstance(event, Citation | Logprobs) and self.open is not None:
            event = msgspec.structs.replace(event, index=self.index)
        if isinstance(event, Safety) and event.about == "answer":
            if self.last.get("safety") == event:
                return
            self.last["safety"] = event
        self.events.append(event)

    def speak(self) -> None:
        if self.speech is None:
            self.speech = self.next_index()
            self.events.append(MediaStart(self.speech, "audio", self.draw(st.none() | names)))
        data, words = self.draw(st.tuples(st.binary(max_size=4), st.text(max_size=3)))
        if data or words:
            self.events.append(MediaDelta(self.speech, data, words))

    def picture(self) -> None:
        at = self.next_index()
        data = self.draw(st.binary(min_size=1, max_size=4))
        address: list[Event] = [MediaStart(at, "image", url="https://a/b")]
        whole: list[Event] = [MediaStart(at, "image/png"), MediaDelta(at, data)]
        self.events += [*(whole if self.draw(st.booleans()) else address), MediaEnd(at)]

    def other(self) -> None:
        other = self.draw(_others)
        if other.kind not in REPEATED or self.last.get(other.kind) != other.payload:
            self.events.append(other)
        self.last[other.kind] = other.payload

    def finish(self) -> list[Event]:
        verified = self.draw(st.booleans())
        usage = self.draw(st.none() | usages().filter(lambda one: one != Usage()))
        word = self.draw(st.none() | st.sampled_from([*FINISH_REASONS, "odd"])) if verified else None
        ends: list[Event] = [ToolCallEnd(index) for index in self.calls] if verified else []
        if self.open is not None:
            ends.append(_SAID[self.open][2](self.index))
        if self.speech is not None:
            ends.append(MediaEnd(self.speech))
        ends.sort(key=lambda end: end.index)  # type: ignore[attr-defined]  # every end has an index
        if self.draw(st.booleans()):
            ends.append(Other("usage", {"cost": 0.5, "prompt_tokens_details": {"audio_tokens": 7}}))
            usage = usage or Usage()
        tier = self.draw(st.none() | names) if word is not None or usage is not None else None
        usage = None if usage == Usage() else usage
        return settled([*self.events, *ends, Finish(reason_for(FINISH_REASONS, word), word, usage, verified, tier)])


@st.composite
def _runs(draw: st.DrawFn) -> list[Event]:
    run = _Run(draw)
    said = ["text", "text", "reasoning", "refusal", "call", "more", "note", "speak", "picture", "other"]
    for step in draw(st.lists(st.sampled_from(said), max_size=8)):
        if step in _SAID:
            run.say(step)
        else:
            getattr(run, step)()
    return run.finish()


@given(events=_runs())
def test_what_the_server_writes_the_client_reads_back(events: list[Event]) -> None:
    """decode(encode(events)) is events, for every run that this format can express."""
    finish = events[-1]
    assert isinstance(finish, Finish)
    decoded = decode(DIALECT, [_encoded(events)], verified=finish.verified)
    assert decoded.error is None
    assert decoded.events == events


@given(events=event_runs(kinds=KINDS, layout="one_by_one", other=notes))
def test_any_answer_at_all_says_the_same_after_the_wire(events: list[Event]) -> None:
    """Where parts cannot be told apart on the wire, or have signatures, what was said is still the same."""
    before, after = Response(), decode(DIALECT, [_encoded(events)], verified=False).response
    for event in events:
        before.fold(event)
    for name in ("text", "reasoning", "refusal"):
        assert getattr(after, name) == getattr(before, name)
    assert [(one.id, one.name, one.arguments, one.custom) for one in after.tool_calls] == [
        (one.id, one.name, one.arguments, one.custom) for one in before.tool_calls
    ]


def test_an_error_in_mid_stream_is_read_back() -> None:
    """Its words survive, and what came before it too."""
    encoder = ChatEncoder(ASKED)
    body = b"".join(encoder.encode(event) for event in ANSWER[:6]) + encoder.error(WireError("no", "t", "c"))
    decoded = decode(DIALECT, [body])
    assert isinstance(decoded.error, ModelError)
    assert (decoded.error.message, decoded.error.type, decoded.error.code) == ("no", "t", "c")
    assert decoded.response.text == "a\u2028"


# --- the bytes --------------------------------------------------------------------------------------------------------------


def test_the_chunks_are_openais() -> None:
    """A role chunk, deltas, a chunk with the finish reason, a chunk of usage without choices, [DONE]."""
    body = _encoded([Start("i", "m"), TextStart(0), TextDelta(0, "a"), TextEnd(0), Finish("stop", None, Usage(1, 2))])
    head = {"id": "i", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    head |= {"service_tier": None, "system_fingerprint": None}

    def choice(delta: dict[str, Any], finish_reason: str | None = None) -> list[dict[str, Any]]:
        return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]

    assert _payloads(body) == [
        {**head, "choices": choice({"role": "assistant", "content": "", "refusal": None}), "usage": None},
        {**head, "choices": choice({"content": "a"}), "usage": None},
        {**head, "choices": choice({}, "stop"), "usage": None},
        {**head, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}},
    ]
    assert body.endswith(b"\n\ndata: [DONE]\n\n")


def test_usage_is_told_only_to_those_who_asked() -> None:
    """Without stream_options.include_usage there is neither a usage chunk nor the key."""
    assert b"usage" not in _encoded(ANSWER, UNASKED)


def test_an_answer_without_id_and_model_gets_the_requests_model() -> None:
    """OpenAI never sends a chunk without them."""
    first = _payloads(_encoded([Start(), Finish("stop")], UNASKED))[0]
    assert (first["id"], first["model"]) == ("chatcmpl-bourn", "m")


@pytest.mark.parametrize(
    ("finish", "ending"),
    [
        (Finish("stop"), [b"stop", b"[DONE]"]),
        (Finish("stop", "eos"), [b"eos", b"[DONE]"]),
        (Finish("other"), [b"[DONE]"]),
        (Finish("other", verified=False), []),
    ],
)
def test_the_end_marks_are_those_that_the_finish_claims(finish: Finish, ending: list[bytes]) -> None:
    """A reason that OpenAI has no word for leaves [DONE] alone; an unverified end leaves no mark."""
    body = _encoded([Start("i", "m"), finish])
    marks = [mark for mark in (b"stop", b"eos", b"[DONE]") if b'"finish_reason":"' + mark in body or b"data: " + mark in body]
    assert marks == ending


def test_what_this_format_cannot_say_becomes_no_bytes() -> None:
    """An Other of a kind that is not OpenAI's has no place."""
    assert ChatEncoder(ASKED).encode(Other("somebody_elses", {"a": 1})) == b""


def test_a_whole_answer_is_one_chat_completion() -> None:
    """For a request without stream."""
    others: list[Event] = [
        Citation(1, "u", "t", start=1, end=2),
        Citation(url="v", raw="v"),
        Citation(url="w", raw={"url": "w", "date": None}),
        Logprobs((ChosenToken("a", -0.5),)),
        ServerToolCall("0", "python", "{}"),
        ServerToolResult("0", "python", "7"),
        Safety("prompt", (SafetyRating("hate", "safe"),)),
        Safety("answer", (SafetyRating("hate", blocked=True),)),
        *(MediaStart(8, "image/png"), MediaDelta(8, b"\x01"), MediaEnd(8)),
        *(MediaStart(9, "audio", "a1"), MediaDelta(9, b"\x01", "hi"), MediaEnd(9)),
        Other("timings", 3),
        Other("odd", 1),
    ]
    whole = json.loads(encode_whole(UNASKED, [*ANSWER[:-1], *others, ANSWER[-1]]))
    assert (whole["id"], whole["object"], whole["model"]) == ("i", "chat.completion", "m")
    assert whole["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "a\u2028b",
                "refusal": None,
                "reasoning_content": "hm",
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
                    {"id": "d", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                ],
                "annotations": [
                    {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 1, "end_index": 2}}
                ],
                "executed_tools": [
                    {"index": 0, "type": "python", "arguments": "{}"},
                    {"index": 0, "type": "python", "arguments": "", "output": "7"},
                ],
                "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AQ=="}}],
                "audio": {"id": "a1", "data": "AQ==", "transcript": "hi"},
            },
            "logprobs": {
                "content": [{"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}],
                "refusal": None,
            },
            "content_filter_results": {"hate": {"filtered": True}},
            "finish_reason": "tool_calls",
        }
    ]
    assert (whole["citations"], whole["search_results"]) == (["v"], [{"url": "w", "date": None}])
    assert whole["prompt_filter_results"] == [
        {"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}
    ]
    assert (whole["timings"], whole["service_tier"]) == (3, None)
    assert whole["usage"] == {
        "prompt_tokens": 7,
        "completion_tokens": 5,
        "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }


def test_a_whole_answer_without_words_says_so() -> None:
    """No text is null, and neither usage nor a finish reason is invented."""
    whole = json.loads(encode_whole(UNASKED, [Start(), Finish("other")]))
    assert whole["choices"][0]["message"] == {"role": "assistant", "content": None, "refusal": None}
    assert whole["choices"][0]["finish_reason"] is None
    assert "usage" not in whole


# --- the official SDK -------------------------------------------------------------------------------------------------------


def _sdk(events: list[Event], error: tuple[int, WireError] | None = None, broken: WireError | None = None) -> Any:
    """OpenAI's own client, talking to our server half in memory."""
    openai = pytest.importorskip("openai", reason="the official SDK (dependency group `sdk`) is not installed")
    web = pytest.importorskip("httpx2", reason="comes with the official SDK")

    def answer(http: Any) -> Any:
        request = DIALECT.parse(HttpCall(http.url.path, http.content))
        if error is not None:
            return web.Response(error[0], content=DIALECT.encode_error(*error), headers={"content-type": "application/json"})
        if not request.stream:
            whole = DIALECT.encode_whole(request, events)
            return web.Response(200, content=whole, headers={"content-type": "application/json"})
        encoder = DIALECT.encoder(request)
        body = b"".join(encoder.encode(event) for event in events) + (encoder.error(broken) if broken else b"")
        return web.Response(200, content=body, headers={"content-type": "text/event-stream"})

    http_client = web.AsyncClient(transport=web.MockTransport(answer))
    return openai.AsyncOpenAI(api_key="k", base_url="http://mock/v1", http_client=http_client, max_retries=0)


ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def _seen(completion: Any) -> tuple[Any, ...]:
    choice, usage = completion.choices[0], completion.usage
    calls = [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls]
    counts = (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, usage.prompt_tokens_details.cached_tokens)
    return completion.id, completion.model, choice.message.content, calls, choice.finish_reason, counts


SEEN = ("i", "m", "a\u2028b", [("c", "f", '{"x":1}'), ("d", "g", "{}")], "tool_calls", (7, 5, 12, 2))


async def test_the_sdk_reads_the_whole_answer() -> None:
    """Text, calls, usage and finish reason of a chat.completion."""
    async with _sdk(ANSWER) as client:
        assert _seen(await client.chat.completions.create(**ASK)) == SEEN


async def test_the_sdk_reads_the_same_in_the_stream() -> None:
    """What the SDK accumulates from our chunks is the answer, usage included."""
    async with (
        _sdk(ANSWER) as client,
        client.chat.completions.stream(**ASK, stream_options={"include_usage": True}) as stream,
    ):
        assert _seen(await stream.get_final_completion()) == SEEN


async def test_the_sdk_reads_our_chunks_one_by_one() -> None:
    """Deltas come in order under OpenAI's names; a refusal too."""
    events = [Start("i", "m"), RefusalStart(0), RefusalDelta(0, "I"), RefusalDelta(0, " won't"), RefusalEnd(0), Finish("stop")]
    async with _sdk(events) as client:
        chunks = [chunk async for chunk in await client.chat.completions.create(**ASK, stream=True)]
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant", None, None, None]
    assert [chunk.choices[0].delta.refusal for chunk in chunks] == [None, "I", " won't", None]
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize(("status", "name"), [(400, "BadRequestError"), (401, "AuthenticationError"), (429, "RateLimitError")])
async def test_the_sdk_reads_our_refusals(status: int, name: str) -> None:
    """Status, message, type and code arrive as OpenAI's own."""
    async with _sdk([], error=(status, WireError("no", "t", "c"))) as client:
        with pytest.raises(Exception, match="no") as caught:
            await client.chat.completions.create(**ASK)
    error: Any = caught.value
    assert (type(error).__name__, error.status_code, error.type, error.code) == (name, status, "t", "c")


async def test_the_sdk_reads_our_error_in_mid_stream() -> None:
    """After the words that came."""
    seen = []
    async with _sdk(ANSWER[:6], broken=WireError("no", "t", "c")) as client:
        with pytest.raises(Exception, match="no") as caught:
            async for chunk in await client.chat.completions.create(**ASK, stream=True):
                seen.append(chunk.choices[0].delta.content)
    error: Any = caught.value
    assert (type(error).__name__, error.type, error.code) == ("APIError", "t", "c")
    assert seen == ["", None, "a\u2028"]
