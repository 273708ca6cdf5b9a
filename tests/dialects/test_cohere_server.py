"""The server's half of Cohere's dialect: what it writes is read back the same, by our decoder and by the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.base import HttpCall, WireError
from bourn.dialects.cohere.decoder import DIALECT
from bourn.dialects.cohere.server import finish_word
from bourn.dialects.cohere.words import PLAN
from bourn.errors import ModelError
from bourn.events import (
    ChosenToken,
    Citation,
    Event,
    Finish,
    FinishReason,
    Logprobs,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.messages import Message, Request
from bourn.response import Response
from bourn.testing.strategies import Kind, event_runs, names, notes, settled, texts, usages
from bourn.wire.sse import SSEFramer
from tests.recordings import decode

REQUEST = Request("m", (Message("user", "hi"),))
CITATION = {
    "start": 0,
    "end": 1,
    "text": "a",
    "sources": [{"type": "document", "id": "d", "document": {"id": "d"}}],
    "type": "TEXT_CONTENT",
}
BILLED = {"billed_units": {"input_tokens": 2, "output_tokens": 3}}

ANSWER: list[Event] = [
    Start("i"),
    ReasoningStart(0),
    ReasoningDelta(0, "hm"),
    ReasoningEnd(0),
    TextStart(1),
    TextDelta(1, "a\u2028"),
    Citation(1, id="d", text="a", start=0, end=1),
    TextDelta(1, "b"),
    TextEnd(1),
    ReasoningStart(2, PLAN),
    ReasoningDelta(2, "I "),
    ReasoningDelta(2, "will"),
    ReasoningEnd(2),
    ToolCallStart(3, "c", "f"),
    ToolCallDelta(3, '{"x":'),
    ToolCallDelta(3, "1}"),
    ToolCallEnd(3),
    ToolCallStart(4, "d", "g"),
    Other("usage", BILLED),
    ToolCallEnd(4),
    Finish("tool_calls", "TOOL_CALL", Usage(7, 5, 2)),
]
"""Everything at once, in the order in which Cohere would say it."""


def encoded(events: list[Event]) -> bytes:
    encoder = DIALECT.encoder(REQUEST)
    return b"".join(encoder.encode(event) for event in events)


def written(events: list[Event]) -> list[dict[str, Any]]:
    """The payloads that the encoder wrote, each named by its type; the last is ``[DONE]``."""
    *frames, done = SSEFramer().feed(encoded(events))
    payloads: list[dict[str, Any]] = [json.loads(frame.data) for frame in frames]
    assert [frame.event for frame in frames] == [payload["type"] for payload in payloads]
    assert (done.event, done.data) == ("", b"[DONE]")
    return payloads


# --- both halves ------------------------------------------------------------------------------------------------------------

KINDS: tuple[Kind, ...] = ("text", "reasoning", "tool_call")
FINISHES: list[tuple[FinishReason, str | None]] = [
    ("stop", "COMPLETE"), ("stop", "STOP_SEQUENCE"), ("length", "MAX_TOKENS"), ("tool_calls", "TOOL_CALL"),
    ("other", "USER_CANCEL"), ("other", None)
]  # fmt: skip
FIELDS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
finishes = st.builds(
    lambda word, usage: Finish(word[0], word[1], None if usage == Usage() else usage),
    st.sampled_from(FINISHES),
    usages(FIELDS),
)


def runs(layout: Any, **more: Any) -> st.SearchStrategy[list[Event]]:
    """What the dialect can express: no model, refusals or signatures, every call with an id."""
    return event_runs(
        kinds=KINDS,
        layout=layout,
        custom_tools=False,
        reasoning_ids=False,
        signed=(),
        start=st.builds(Start, id=names),
        other=None,
        finish=finishes,
        **more,
    )


def _notes(index: int) -> st.SearchStrategy[Event]:
    said = st.none() | texts
    token = st.builds(ChosenToken, texts, st.floats(-9, 0))
    return st.one_of(
        st.builds(Citation, st.just(index), said, said, said, text=said, start=st.none() | st.integers(0, 9)),
        token.map(lambda one: Logprobs((one,), index, {"text": one.token, "token_ids": [1], "logprobs": [one.logprob]})),
        st.just(Other("logprobs", {"text": "ab", "token_ids": [], "logprobs": [0.5, 0.25]}, index)),
    )


@st.composite
def decorated(draw: st.DrawFn) -> list[Event]:
    """A run with citations and logprobs in its text, and with usage that has no place at its end."""
    out: list[Event] = []
    for event in draw(runs("one_by_one")):
        if isinstance(event, Finish) and draw(st.booleans()):
            out.append(Other("usage", {"billed_units": {"search_units": 1}, "tokens": {"image_tokens": 2}}))
        out.append(event)
        if isinstance(event, TextStart | TextDelta) and draw(st.booleans()):
            out.append(draw(_notes(event.index)))
    return settled(out)


@given(runs("one_by_one") | runs("interleaved", cut_calls=True) | decorated())
def test_what_is_written_is_read_back_the_same(events: list[Event]) -> None:
    """Every legal run that the dialect can express survives its wire, also parts that interleave."""
    out = decode(DIALECT, [encoded(events)])
    assert out.error is None
    assert out.events == events


def test_the_tool_plan_survives_the_wire() -> None:
    """Where something begins after it, or the message ends."""
    assert decode(DIALECT, [encoded(ANSWER)]).events == ANSWER
    last: list[Event] = [*ANSWER[9:13], Finish("stop", "COMPLETE")]
    moved = [ANSWER[0], ReasoningStart(0, PLAN), ReasoningDelta(0, "I "), ReasoningEnd(0), last[-1]]
    assert decode(DIALECT, [encoded(moved)]).events == moved


@given(event_runs(other=notes, cut_calls=True))
def test_every_legal_run_can_be_written(events: list[Event]) -> None:
    """Also what Cohere has no words for makes an answer, in which no text, reasoning or argument is missing."""
    finish = events[-1]
    assert isinstance(finish, Finish)
    out = decode(DIALECT, [encoded(events)], verified=finish.verified)
    expected = Response()
    for event in events:
        expected.fold(event)
    failed = finish.verified and finish.reason in ("error", "content_filter")
    assert isinstance(out.error, ModelError) == failed
    assert out.response.complete != failed
    assert out.response.reasoning == expected.reasoning
    assert sorted(out.response.text) == sorted(expected.text + (expected.refusal or ""))
    calls = [(call.name, call.arguments) for call in expected.tool_calls]
    assert [(call.name, call.arguments) for call in out.response.tool_calls] == calls
    ended = settled([*events[:-1], Finish("length")]) if failed else events  # a call in doubt stays so where it failed
    assert calls_ended(out.events) == calls_ended(ended)
    message = json.loads(DIALECT.encode_whole(REQUEST, events))["message"]
    assert [call["function"]["arguments"] for call in message.get("tool_calls", ())] == [call[1] for call in calls]
    assert len(message.get("content", ())) + len(calls) == len(expected.parts)


def calls_ended(events: list[Event]) -> list[bool]:
    """Of each call, in the order in which they began, whether it ended."""
    ended = {event.index for event in events if isinstance(event, ToolCallEnd)}
    return [event.index in ended for event in events if isinstance(event, ToolCallStart)]


def test_an_error_in_mid_stream_is_read_back() -> None:
    """It ends the message, after what came before."""
    encoder = DIALECT.encoder(REQUEST)
    body = b"".join(encoder.encode(event) for event in ANSWER[:6])
    out = decode(DIALECT, [body + encoder.error(WireError("no", "T"))])
    assert isinstance(out.error, ModelError)
    assert (out.error.message, out.error.type, out.response.text) == ("no", "T", "a\u2028")
    end, done = SSEFramer().feed(encoder.error(WireError("no")))
    assert json.loads(end.data)["delta"] == {"finish_reason": "ERROR", "usage": {}, "error": "no"}
    assert done.data == b"[DONE]"


# --- the bytes --------------------------------------------------------------------------------------------------------------


def test_an_answer_is_written_in_coheres_order() -> None:
    """Blocks and calls have numbers of their own, the plan has none, a citation is begun and ended at once."""
    payloads = written(ANSWER)
    assert [(payload["type"], payload.get("index")) for payload in payloads] == [
        ("message-start", None),
        ("content-start", 0),
        ("content-delta", 0),
        ("content-end", 0),
        ("content-start", 1),
        ("content-delta", 1),
        ("citation-start", 0),
        ("citation-end", 0),
        ("content-delta", 1),
        ("content-end", 1),
        ("tool-plan-delta", None),
        ("tool-plan-delta", None),
        ("tool-call-start", 0),
        ("tool-call-delta", 0),
        ("tool-call-delta", 0),
        ("tool-call-end", 0),
        ("tool-call-start", 1),
        ("tool-call-end", 1),
        ("message-end", None),
    ]
    assert payloads[1]["delta"] == {"message": {"content": {"type": "thinking", "thinking": ""}}}
    assert payloads[12]["delta"] == {
        "message": {"tool_calls": {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}}
    }
    twice = written([Start(), Other("citations", 7), Citation(url="u"), Finish("stop")])
    assert [payload.get("index") for payload in twice] == [None, 0, 0, 1, 1, None]
    assert payloads[-1]["delta"] == {
        "finish_reason": "TOOL_CALL",
        "usage": {**BILLED, "tokens": {"input_tokens": 7, "output_tokens": 5}, "cached_tokens": 2},
    }


def test_an_event_is_written_at_once() -> None:
    """Nothing waits for what comes later, but the rest of the usage; the plan's start and end have no bytes at all."""
    encoder = DIALECT.encoder(REQUEST)
    silent = [event for event in ANSWER if not encoder.encode(event)]
    assert silent == [ReasoningStart(2, PLAN), ReasoningEnd(2), Other("usage", BILLED)]


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        ("stop", None, "COMPLETE"),
        ("stop", "STOP_SEQUENCE", "STOP_SEQUENCE"),
        ("stop", "end_turn", "COMPLETE"),
        ("length", "length", "MAX_TOKENS"),
        ("tool_calls", "tool_use", "TOOL_CALL"),
        ("other", "pause_turn", "pause_turn"),
        ("other", None, None),
        ("other", "TIMEOUT", None),
        ("error", None, "ERROR"),
        ("content_filter", "refusal", "ERROR_TOXIC"),
    ],
)
def test_the_finish_reason_is_coheres_word(reason: FinishReason, raw: str | None, word: str | None) -> None:
    """The raw word is kept where it is Cohere's; another dialect's becomes the word of its reason."""
    assert finish_word(reason, raw) == word
    assert written([Start(), Finish(reason, raw)])[-1]["delta"]["finish_reason"] == word


def test_an_unverified_finish_leaves_no_end_mark() -> None:
    """A service that sends none is imitated in that, too."""
    events: list[Event] = [Start("i"), TextStart(0), TextDelta(0, "a"), TextEnd(0), Finish("other", verified=False)]
    assert decode(DIALECT, [encoded(events)], verified=False).events == events


def test_what_the_dialect_has_no_word_for_is_changed_as_documented() -> None:
    """A refusal is text, missing ids are made up, and kinds of other dialects are not written."""
    events: list[Event] = [RefusalStart(0), RefusalDelta(0, "No."), RefusalEnd(0), ToolCallStart(1, None, "f"), ToolCallEnd(1)]
    others: list[Event] = [Other("annotations", [1], 0), Other("logprobs", {}), Other("usage", 7)]
    out = decode(DIALECT, [encoded([Start(None, "x"), *events[:2], *others, *events[2:], Finish("stop")])])
    assert (out.response.text, out.response.model) == ("No.", None)
    assert out.response.id
    assert [call.id for call in out.response.tool_calls] == ["f_0"]
    assert out.response.others == []


def test_an_answer_is_written_whole_for_who_did_not_ask_for_a_stream() -> None:
    """One object with the same blocks, the plan and the calls under their own names."""
    logprobs = {"text": "a", "token_ids": [], "logprobs": [-1.0]}
    whole = json.loads(
        DIALECT.encode_whole(REQUEST, [*ANSWER[:-1], Logprobs((ChosenToken("a", -1.0),), 1, logprobs), ANSWER[-1]])
    )
    assert whole == {
        "id": "i",
        "message": {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a\u2028b"}],
            "tool_plan": "I will",
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
                {"id": "d", "type": "function", "function": {"name": "g", "arguments": ""}},
            ],
            "citations": [CITATION],
        },
        "finish_reason": "TOOL_CALL",
        "usage": {**BILLED, "tokens": {"input_tokens": 7, "output_tokens": 5}, "cached_tokens": 2},
        "logprobs": [logprobs],
    }


def test_a_whole_answer_without_words_says_so() -> None:
    """Neither usage nor a finish reason is invented."""
    whole = json.loads(DIALECT.encode_whole(REQUEST, [Start("i"), Finish("other")]))
    assert whole == {"id": "i", "message": {"role": "assistant"}, "finish_reason": None, "usage": {}}
    cut = json.loads(DIALECT.encode_whole(REQUEST, [Start(), ToolCallStart(0, None, "f")]))
    assert (cut["message"]["tool_calls"][0]["id"], cut["finish_reason"]) == ("f_0", None)
    assert cut["id"]


# --- the official SDK -------------------------------------------------------------------------------------------------------

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def _sdk(events: list[Event], error: tuple[int, WireError] | None = None, broken: WireError | None = None) -> Any:
    """Cohere's own client, talking to our server half in memory."""
    cohere = pytest.importorskip("cohere", reason="the official SDK (dependency group `sdk`) is not installed")
    web = pytest.importorskip("httpx", reason="comes with the official SDK")

    def answer(http: Any) -> Any:
        request = DIALECT.parse(HttpCall(http.url.path, http.content))
        assert http.url.path == DIALECT.paths[0]
        assert http.headers["authorization"] == "Bearer k"
        assert request.messages == (Message("user", "hi"),)
        if error is not None:
            return web.Response(error[0], content=DIALECT.encode_error(*error), headers={"content-type": "application/json"})
        if not request.stream:
            whole = DIALECT.encode_whole(request, events)
            return web.Response(200, content=whole, headers={"content-type": "application/json"})
        encoder = DIALECT.encoder(request)
        body = b"".join(encoder.encode(event) for event in events) + (encoder.error(broken) if broken else b"")
        return web.Response(200, content=body, headers={"content-type": "text/event-stream"})

    http_client = web.AsyncClient(transport=web.MockTransport(answer))
    return cohere.AsyncClientV2(api_key="k", base_url="http://mock", httpx_client=http_client)


SEEN = {
    "id": "i",
    "content": [("thinking", "hm"), ("text", "a\u2028b")],
    "plan": "I will",
    "calls": [("c", "f", '{"x":1}'), ("d", "g", "")],
    "citations": [(0, 1, "a", "d")],
    "end": ("TOOL_CALL", 7, 5, 2, 2),
}


def _end(reason: str, usage: Any) -> tuple[Any, ...]:
    billed, tokens = usage.billed_units, usage.tokens
    return reason, tokens.input_tokens, tokens.output_tokens, usage.cached_tokens, billed.input_tokens


def _cited(citation: Any) -> tuple[Any, ...]:
    return citation.start, citation.end, citation.text, citation.sources[0].id


async def test_the_sdk_reads_the_whole_answer() -> None:
    """Thinking, text, plan, calls, citations, usage and reason."""
    async with _sdk(ANSWER) as client:
        whole = await client.chat(**ASK)
    message = whole.message
    assert {
        "id": whole.id,
        "content": [(block.type, getattr(block, block.type)) for block in message.content],
        "plan": message.tool_plan,
        "calls": [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls],
        "citations": [_cited(citation) for citation in message.citations],
        "end": _end(whole.finish_reason, whole.usage),
    } == SEEN


class _Seen:
    """Puts the SDK's events together again."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {"content": [], "plan": "", "calls": [], "citations": []}

    def take(self, event: Any) -> None:
        take = getattr(self, event.type.replace("-", "_"), None)
        if take is not None:
            take(event)

    def message_start(self, event: Any) -> None:
        self.told["id"] = event.id

    def content_start(self, event: Any) -> None:
        self.told["content"].append((event.delta.message.content.type, ""))

    def content_delta(self, event: Any) -> None:
        kind, before = self.told["content"][event.index]
        self.told["content"][event.index] = (kind, before + getattr(event.delta.message.content, kind))

    def tool_plan_delta(self, event: Any) -> None:
        self.told["plan"] += event.delta.message.tool_plan

    def tool_call_start(self, event: Any) -> None:
        call = event.delta.message.tool_calls
        self.told["calls"].append((call.id, call.function.name, call.function.arguments))

    def tool_call_delta(self, event: Any) -> None:
        id, name, before = self.told["calls"][event.index]
        self.told["calls"][event.index] = (id, name, before + event.delta.message.tool_calls.function.arguments)

    def citation_start(self, event: Any) -> None:
        self.told["citations"].append(_cited(event.delta.message.citations))

    def message_end(self, event: Any) -> None:
        self.told["end"] = _end(event.delta.finish_reason, event.delta.usage)


async def test_the_sdk_reads_the_same_in_the_stream() -> None:
    """Event by event, put together; each is one of the SDK's own classes."""
    seen, types = _Seen(), []
    async with _sdk(ANSWER) as client:
        async for event in client.chat_stream(**ASK):
            types.append(event.type)
            seen.take(event)
    assert seen.told == SEEN
    assert types == [payload["type"] for payload in written(ANSWER)]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "UnauthorizedError"),
        (403, "ForbiddenError"),
        (404, "NotFoundError"),
        (422, "UnprocessableEntityError"),
    ],
)
async def test_the_sdk_reads_our_refusals(status: int, name: str, stream: bool) -> None:
    """A refusal as we write it has the SDK's type and our words; those that it would try again are left alone here."""
    async with _sdk([], error=(status, WireError("not today", "T"))) as client:
        with pytest.raises(Exception, match="not today") as caught:
            await (_read(client) if stream else client.chat(**ASK))
    error: Any = caught.value
    assert (type(error).__name__, error.status_code) == (name, status)
    assert (error.body["message"], error.body["error_type"]) == ("not today", "T")
    assert error.body["id"]


async def _read(client: Any) -> list[Any]:
    return [event async for event in client.chat_stream(**ASK)]


async def test_the_sdk_reads_our_error_in_mid_stream() -> None:
    """It raises nothing: the message ends with the reason and the words, after the text that came."""
    async with _sdk(ANSWER[:6], broken=WireError("no")) as client:
        *_, text, last = await _read(client)
    assert text.delta.message.content.text == "a\u2028"
    assert (last.type, last.delta.finish_reason, last.delta.error) == ("message-end", "ERROR", "no")
