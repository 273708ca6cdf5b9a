"""The server's half of Ollama's dialect: what it writes is read back the same, by our decoder and by the official SDK."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects import payload
from bourn.dialects.base import HttpCall, WireError
from bourn.dialects.ollama.decoder import DIALECT
from bourn.dialects.ollama.server import done_word
from bourn.dialects.ollama.words import LAST, REPEATED, LineOthers
from bourn.errors import ModelError
from bourn.events import (
    ChosenToken,
    Event,
    Finish,
    FinishReason,
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
from bourn.testing.strategies import event_runs, json_values, names, notes, texts, usages
from tests.recordings import decode

REQUEST = Request("m", (Message("user", "hi"),))

ANSWER: list[Event] = [
    Start(None, "m"),
    ReasoningStart(0),
    ReasoningDelta(0, "hm"),
    ReasoningEnd(0),
    TextStart(1),
    TextDelta(1, "a\u2028"),
    TextDelta(1, "<b>"),
    TextEnd(1),
    ToolCallStart(2, "c", "f"),
    ToolCallDelta(2, '{"x":"é"}'),
    ToolCallEnd(2),
    ToolCallStart(3, None, "g"),
    ToolCallDelta(3, "{}"),
    ToolCallEnd(3),
    Other("total_duration", 9),
    Other("load_duration", 2),
    Finish("tool_calls", "stop", Usage(7, 5)),
]
"""Everything at once, in the order in which Ollama would say it."""


def encoded(events: list[Event]) -> bytes:
    encoder = DIALECT.encoder(REQUEST)
    return b"".join(encoder.encode(event) for event in events)


def lines(events: list[Event]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in encoded(events).splitlines()]


# --- both halves ------------------------------------------------------------------------------------------------------------

_SAID = {"text": (TextStart, TextDelta, TextEnd), "reasoning": (ReasoningStart, ReasoningDelta, ReasoningEnd)}
_STREWN = [kind for kind in (*LineOthers.__struct_fields__, "images") if kind not in LAST | REPEATED]
_FINISHES: list[tuple[FinishReason, str | None]] = [
    ("stop", "stop"), ("length", "length"), ("other", "load"), ("other", "unload"), ("other", "mood"), ("other", None)
]  # fmt: skip
_arguments = st.dictionaries(names, json_values, max_size=3).map(lambda value: payload.dumps(value).decode())


def _said(draw: st.DrawFn, kind: str, index: int) -> list[Event]:
    start, delta, end = _SAID[kind]
    return [start(index), *(delta(index, text) for text in draw(st.lists(texts, min_size=1, max_size=3))), end(index)]


def _called(draw: st.DrawFn, index: int) -> list[Event]:
    """A call, and what may come while no part is open that it would have to wait for."""
    call: list[Event] = [ToolCallStart(index, draw(st.none() | names), draw(names)), ToolCallDelta(index, draw(_arguments))]
    others = [Other(kind, "?" if kind == "images" else {"a": draw(json_values)}) for kind in _STREWN if draw(st.booleans())]
    return [*call, ToolCallEnd(index), *others]


@st.composite
def runs(draw: st.DrawFn) -> list[Event]:
    """What the dialect can express: one part at a time, no two texts in a row, calls in one piece."""
    drawn = draw(st.lists(st.sampled_from(["text", "reasoning", "call"]), max_size=6))
    kinds = [kind for at, kind in enumerate(drawn) if kind == "call" or [kind] != drawn[at - 1 : at]]
    parts = [_called(draw, at) if kind == "call" else _said(draw, kind, at) for at, kind in enumerate(kinds)]
    last = [
        Other(kind, draw(st.integers(1, 9))) for kind in LineOthers.__struct_fields__ if kind in LAST and draw(st.booleans())
    ]
    reason, raw = draw(st.sampled_from(_FINISHES))
    usage = draw(st.none() | usages(("input_tokens", "output_tokens")).filter(lambda one: one != Usage()))
    finish = Finish("tool_calls" if "call" in kinds and reason == "stop" else reason, raw, usage)
    return [Start(None, draw(names)), *chain(*parts), *last, finish]


@given(runs())
def test_what_is_written_is_read_back_the_same(events: list[Event]) -> None:
    """Every legal run that the dialect can express survives its wire."""
    out = decode(DIALECT, [encoded(events)])
    assert out.error is None
    assert out.events == events


@given(event_runs(other=notes, cut_calls=True))
def test_every_legal_run_can_be_written(events: list[Event]) -> None:
    """Also what Ollama has no words for makes an answer, in which no text, thinking or whole call is missing."""
    finish = events[-1]
    assert isinstance(finish, Finish)
    out = decode(DIALECT, [encoded(events)], verified=finish.verified)
    expected = Response()
    for event in events:
        expected.fold(event)
    if out.error is not None:  # an answer of which nothing was written, and that has no end mark, never began
        assert (finish.verified, encoded(events)) == (False, b"")
        return
    assert out.response.complete
    whole = json.loads(DIALECT.encode_whole(REQUEST, events))
    for text, thinking in (
        (out.response.text, out.response.reasoning),
        (whole["message"]["content"], whole["message"].get("thinking", "")),
    ):
        assert sorted(text) == sorted(expected.text + (expected.refusal or ""))
        assert sorted(thinking) == sorted(expected.reasoning)
    ended = {event.index for event in events if isinstance(event, ToolCallEnd)}
    called = sorted(event.name for event in events if isinstance(event, ToolCallStart) and event.index in ended)
    assert sorted(call.name for call in out.response.tool_calls) == called
    kept = [call.name for call in expected.tool_calls if call.complete]
    assert [call["function"]["name"] for call in whole["message"].get("tool_calls", ())] == kept


def test_an_error_in_mid_stream_is_read_back() -> None:
    """As a line by itself, after what came before."""
    encoder = DIALECT.encoder(REQUEST)
    out = decode(DIALECT, [b"".join(encoder.encode(event) for event in ANSWER[:6]) + encoder.error(WireError("no"))])
    assert isinstance(out.error, ModelError)
    assert (out.error.message, out.response.text) == ("no", "a\u2028")


# --- the bytes --------------------------------------------------------------------------------------------------------------


def test_the_lines_are_ollamas() -> None:
    """A delta a line, calls whole with their number, the last line with reason, times and counts."""
    head = {"model": "m", "created_at": "1970-01-01T00:00:00Z"}

    def line(message: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return {**head, "message": {"role": "assistant", **message}, "done": False, **fields}

    def call(at: int, name: str, arguments: dict[str, Any], **id: str) -> dict[str, Any]:
        return {**id, "function": {"index": at, "name": name, "arguments": arguments}}

    assert lines(ANSWER) == [
        line({"content": "", "thinking": "hm"}),
        line({"content": "a\u2028"}),
        line({"content": "<b>"}),
        line({"content": "", "tool_calls": [call(0, "f", {"x": "é"}, id="c")]}),
        line({"content": "", "tool_calls": [call(1, "g", {})]}),
        line(
            {"content": ""},
            done=True,
            done_reason="stop",
            total_duration=9,
            load_duration=2,
            prompt_eval_count=7,
            eval_count=5,
        ),
    ]


def test_what_has_no_part_is_a_line_of_its_own() -> None:
    """Images in the message, other kinds beside it; what is not Ollama's is no line at all."""
    image: list[Event] = [MediaStart(0, "image/png"), MediaDelta(0, b"i"), MediaEnd(0)]
    token = Logprobs((ChosenToken("a", -0.5),))
    speech: list[Event] = [MediaStart(1, "audio"), MediaDelta(1, b"i"), MediaEnd(1)]
    images, logprobs, _ = lines([Start(), *image, token, *speech, Other("odd", 1), Finish("stop")])
    assert images["message"] == {"role": "assistant", "content": "", "images": ["aQ=="]}
    assert (logprobs["message"], logprobs["logprobs"]) == (
        {"role": "assistant", "content": ""},
        [{"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}],
    )
    whole = json.loads(DIALECT.encode_whole(REQUEST, [Start(), *image, token, Finish("stop")]))
    assert (whole["message"]["images"], len(whole["logprobs"])) == (["aQ=="], 1)


def test_letters_are_escaped_as_go_does() -> None:
    """Angle brackets, ampersands, and the separators at which Python's client would split a line."""
    assert b'"a\\u2028"' in encoded(ANSWER)
    assert b'"\\u003cb\\u003e"' in encoded(ANSWER)
    assert b"\\u0026\\u2029" in DIALECT.encode_error(400, WireError("&\u2029"))


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        ("stop", None, "stop"),
        ("stop", "end_turn", "stop"),
        ("length", "MAX_TOKENS", "length"),
        ("tool_calls", "stop", "stop"),
        ("tool_calls", "tool_use", "stop"),
        ("other", "load", "load"),
        ("other", "pause_turn", "pause_turn"),
        ("content_filter", None, None),
        ("error", "ERROR", None),
        ("other", None, None),
    ],
)
def test_the_done_reason_is_ollamas_word(reason: FinishReason, raw: str | None, word: str | None) -> None:
    """The raw word is kept where it is Ollama's; another dialect's becomes the word of its reason, if there is one."""
    assert done_word(reason, raw) == word
    assert lines([Start(), Finish(reason, raw)])[0].get("done_reason") == word


def test_an_unverified_finish_leaves_no_end_mark() -> None:
    """A service that sends none is imitated in that, too."""
    assert encoded([Start(), Finish("other", verified=False)]) == b""


def test_what_the_dialect_has_no_word_for_is_changed_as_documented() -> None:
    """A refusal is text, free text for a tool becomes an object, a cut call and other kinds are not written."""
    refusal: list[Event] = [RefusalStart(0), RefusalDelta(0, "No."), RefusalEnd(0)]
    custom: list[Event] = [ToolCallStart(1, "c", "f", custom=True), ToolCallDelta(1, "free"), ToolCallEnd(1)]
    cut: list[Event] = [ToolCallStart(2, "d", "g"), ToolCallDelta(2, '{"a')]
    out = decode(DIALECT, [encoded([Start("i", "m"), *refusal, *custom, *cut, Other("citations", [1]), Finish("length")])])
    assert (out.response.text, out.response.id) == ("No.", None)
    assert [(call.name, call.arguments) for call in out.response.tool_calls] == [("f", '{"input":"free"}')]
    assert out.response.others == []


def test_an_answer_without_a_model_gets_the_requests() -> None:
    """Ollama always names it."""
    assert lines([Start(), Finish("stop")])[0]["model"] == "m"


def test_an_answer_is_written_whole_for_who_did_not_ask_for_a_stream() -> None:
    """One object, without a line end, as Ollama sends it."""
    body = DIALECT.encode_whole(REQUEST, [*ANSWER[:-1], Other("logprobs", [1]), Other("odd", 1), ANSWER[-1]])
    assert json.loads(body) == {
        "model": "m",
        "created_at": "1970-01-01T00:00:00Z",
        "message": {
            "role": "assistant",
            "content": "a\u2028<b>",
            "thinking": "hm",
            "tool_calls": [
                {"id": "c", "function": {"index": 0, "name": "f", "arguments": {"x": "é"}}},
                {"function": {"index": 1, "name": "g", "arguments": {}}},
            ],
        },
        "done": True,
        "done_reason": "stop",
        "total_duration": 9,
        "load_duration": 2,
        "logprobs": [1],
        "prompt_eval_count": 7,
        "eval_count": 5,
    }
    assert not body.endswith(b"\n")
    assert decode(DIALECT, [body]).response.text == "a\u2028<b>"


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({}, b'{"error":"no"}', WireError("no")),
        ({"Retry-After": "2"}, b'{"error":"slow"}', WireError("slow", retry_after=2.0)),
        ({}, b'{"error":"unauthorized","signin_url":"https://x"}', WireError("unauthorized")),
        ({}, b'{"error":{"message":"no","type":"t","code":7}}', WireError("no", "t", "7")),
        ({}, b'{"message":"no"}', WireError("no")),
        ({}, b'{"detail":[{"msg":"no"}]}', WireError('[{"msg":"no"}]')),
        ({}, b"<html>Bad gateway</html>\n", WireError("<html>Bad gateway</html>")),
        ({}, b"\xff", WireError("\ufffd")),
        ({}, b"", WireError("")),
        ({}, b"[1]", WireError("[1]")),
    ],
)
def test_refusals_are_read_in_every_shape(headers: dict[str, str], body: bytes, expected: WireError) -> None:
    """Ollama's one sentence, a proxy's object, HTML, nothing."""
    assert DIALECT.read_error(500, headers, body) == expected


# --- the official SDK -------------------------------------------------------------------------------------------------------

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def _sdk(events: list[Event], error: tuple[int, WireError] | None = None, broken: WireError | None = None) -> Any:
    """Ollama's own client, talking to our server half in memory."""
    ollama = pytest.importorskip("ollama", reason="the official SDK (dependency group `sdk`) is not installed")
    web = pytest.importorskip("httpx", reason="comes with the official SDK")

    def answer(http: Any) -> Any:
        request = DIALECT.parse(HttpCall(http.url.path, http.content))
        assert http.url.path == DIALECT.paths[0]
        assert request.messages == (Message("user", "hi"),)
        if error is not None:
            return web.Response(error[0], content=DIALECT.encode_error(*error), headers={"content-type": "application/json"})
        if not request.stream:
            whole = DIALECT.encode_whole(request, events)
            return web.Response(200, content=whole, headers={"content-type": "application/json"})
        encoder = DIALECT.encoder(request)
        body = b"".join(encoder.encode(event) for event in events) + (encoder.error(broken) if broken else b"")
        return web.Response(200, content=body, headers={"content-type": DIALECT.media_types[0]})

    return ollama.AsyncClient(host="http://mock:11434", transport=web.MockTransport(answer))


def _seen(last: Any, content: str, thinking: str, calls: list[Any]) -> tuple[Any, ...]:
    called = [(call.function.name, dict(call.function.arguments)) for call in calls]
    return last.model, content, thinking, called, last.done_reason, last.prompt_eval_count, last.eval_count, last.total_duration


SEEN = ("m", "a\u2028<b>", "hm", [("f", {"x": "é"}), ("g", {})], "stop", 7, 5, 9)


async def test_the_sdk_reads_the_whole_answer() -> None:
    """Text, thinking, calls, counts, reason and times."""
    async with _sdk(ANSWER) as client:
        whole = await client.chat(**ASK)
    assert _seen(whole, whole.message.content, whole.message.thinking, whole.message.tool_calls) == SEEN


async def test_the_sdk_reads_the_same_in_the_stream() -> None:
    """Line by line, put together."""
    async with _sdk(ANSWER) as client:
        parts = await _read(client)
    content = "".join(part.message.content or "" for part in parts)
    thinking = "".join(part.message.thinking or "" for part in parts)
    calls = [call for part in parts for call in part.message.tool_calls or ()]
    assert _seen(parts[-1], content, thinking, calls) == SEEN
    assert [part.done for part in parts] == [False] * 5 + [True]


async def _read(client: Any) -> list[Any]:
    return [part async for part in await client.chat(**ASK, stream=True)]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [400, 404, 429, 500])
async def test_the_sdk_reads_our_refusals(status: int, stream: bool) -> None:
    """Status and message arrive as Ollama's own."""
    async with _sdk([], error=(status, WireError("model 'm' not found"))) as client:
        with pytest.raises(Exception, match="model 'm' not found") as caught:
            await (_read(client) if stream else client.chat(**ASK))
    error: Any = caught.value
    assert (type(error).__name__, error.error, error.status_code) == ("ResponseError", "model 'm' not found", status)


async def test_the_sdk_reads_our_error_in_mid_stream() -> None:
    """After the words that came."""
    seen = []
    async with _sdk(ANSWER[:6], broken=WireError("no")) as client:
        with pytest.raises(Exception, match="no") as caught:
            async for part in await client.chat(**ASK, stream=True):
                seen.append(part.message.content)
    assert type(caught.value).__name__ == "ResponseError"
    assert seen == ["", "a\u2028"]
