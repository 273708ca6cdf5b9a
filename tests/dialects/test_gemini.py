"""The decoder of Gemini: what the objects of an answer become, one oddity at a time, in both framings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects import get
from bourn.dialects.gemini.decoder import DIALECT, GeminiDecoder
from bourn.events import (
    Event,
    Finish,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
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
from bourn.testing.strategies import chunkings, texts
from tests.dialects.gemini_wire import (
    ARRAY,
    HEAD,
    SPOKEN,
    STOPPED,
    TEXT,
    array,
    call,
    end,
    events,
    parts,
    piece,
    read,
    sse,
    text,
    thought,
)
from tests.recordings import decode


def test_the_dialect_is_found_by_its_name() -> None:
    """The table of dialects knows this one, and its two framings."""
    assert get("gemini") is DIALECT
    assert list(DIALECT.framings()) == ["text/event-stream", "application/json"]


# --- text and thoughts --------------------------------------------------------------------------------------------------------


def test_text_is_one_part_with_a_delta_an_object() -> None:
    """The empty text beside the reason says nothing."""
    assert events(*TEXT, end()) == [*SPOKEN, STOPPED]
    assert events(*TEXT[:1], {**TEXT[1], **parts({"text": "llo"}, finishReason="STOP")}) == [*SPOKEN, STOPPED]


def test_thoughts_are_reasoning() -> None:
    """A part ends where the model begins to think or to speak; an indexed candidate is the same."""
    said = [thought("a"), thought("b"), text("c"), thought("d"), parts({"text": "e"}, index=0), end()]
    assert events(*said)[:-1] == [
        ReasoningStart(0),
        ReasoningDelta(0, "a"),
        ReasoningDelta(0, "b"),
        ReasoningEnd(0),
        TextStart(1),
        TextDelta(1, "c"),
        TextEnd(1),
        ReasoningStart(2),
        ReasoningDelta(2, "d"),
        ReasoningEnd(2),
        TextStart(3),
        TextDelta(3, "e"),
        TextEnd(3),
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        # Gemini 3: on an empty text in the last object
        ([text("a"), text("", thoughtSignature="s")], [TextStart(0), TextDelta(0, "a"), TextEnd(0, "s")]),
        # Gemini 2.5 at Vertex: on the first of several
        (
            [text("a", thoughtSignature="s"), text("b")],
            [TextStart(0), TextDelta(0, "a"), TextEnd(0, "s"), TextStart(1), TextDelta(1, "b"), TextEnd(1)],
        ),
        # stopped while it was thinking: the signature is not that of the thought
        (
            [thought("a"), text("", thoughtSignature="s")],
            [ReasoningStart(0), ReasoningDelta(0, "a"), ReasoningEnd(0), TextStart(1), TextEnd(1, "s")],
        ),
        ([thought("a", thoughtSignature="s")], [ReasoningStart(0), ReasoningDelta(0, "a"), ReasoningEnd(0, "s")]),
        (
            [thought("a"), thought("", thoughtSignature="s")],
            [ReasoningStart(0), ReasoningDelta(0, "a"), ReasoningEnd(0, "s")],
        ),
        ([parts({"thoughtSignature": "s"})], [TextStart(0), TextEnd(0, "s")]),
        ([parts({"thoughtSignature": ""})], []),
        (
            [text("a", thoughtSignature="s"), text("", thoughtSignature="t")],
            [TextStart(0), TextDelta(0, "a"), TextEnd(0, "s"), TextStart(1), TextEnd(1, "t")],
        ),
    ],
)
def test_a_signature_ends_the_part_it_stands_on(said: list[Any], expected: list[Event]) -> None:
    """One on an empty text belongs to the text before it; where none is open it is kept as an empty text."""
    assert events(*said, end()) == [*expected, STOPPED]


@given(st.lists(texts, min_size=1, max_size=5), st.data())
def test_any_text_survives_both_framings_at_any_cut(said: list[str], data: st.DataObject) -> None:
    """Odd characters, brackets and line ends in the text change nothing."""
    objects = [*map(text, said), end()]
    for dialect, chunks in ((DIALECT, sse(*objects)), (ARRAY, array(*objects))):
        out = decode(dialect, data.draw(chunkings(b"".join(chunks))))
        assert [event.text for event in out.events if isinstance(event, TextDelta)] == said
        assert out.events[-1] == STOPPED


# --- function calls -----------------------------------------------------------------------------------------------------------


def called(index: int, name: str, arguments: str, id: str | None = None, signature: str | None = None) -> list[Event]:
    pieces = [ToolCallDelta(index, arguments)] if arguments else []
    return [ToolCallStart(index, id, name), *pieces, ToolCallEnd(index, signature)]


CALLS = Finish("tool_calls", "STOP")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([call("f", args={"a": 1})], called(0, "f", '{"a":1}')),
        ([call("f", args={"z": "é\u2028", "a": [1.5, None]}, id="i")], called(0, "f", '{"z":"é\u2028","a":[1.5,null]}', "i")),
        ([call("f", args={}, signature="s")], called(0, "f", "{}", signature="s")),
        ([call("f")], called(0, "f", "")),
        ([call("f", id="")], called(0, "f", "")),
        ([call("f"), call(args={"a": 1})], [*called(0, "f", ""), *called(1, "", '{"a":1}')]),
        (
            [parts({"functionCall": {"name": "f"}, "thoughtSignature": "s"}, {"functionCall": {"name": "f"}})],
            [*called(0, "f", "", signature="s"), *called(1, "f", "")],
        ),
        (
            [text("a"), call("f"), text("b")],
            [
                *(TextStart(0), TextDelta(0, "a"), TextEnd(0)),
                *called(1, "f", ""),
                *(TextStart(2), TextDelta(2, "b"), TextEnd(2)),
            ],
        ),
        ([call("f"), text("", thoughtSignature="s")], [*called(0, "f", ""), TextStart(1), TextEnd(1, "s")]),
    ],
)
def test_a_call_comes_whole(said: list[Any], expected: list[Event]) -> None:
    """Its arguments are compact JSON in the order in which they came; Gemini's plain stop then means calls."""
    assert events(*said, end()) == [*expected, CALLS]


def test_a_call_beside_its_reason() -> None:
    """Gemini 2.5 and older send both in one object."""
    assert events(parts({"functionCall": {"name": "f", "args": {}}}, finishReason="STOP")) == [*called(0, "f", "{}"), CALLS]


def test_only_the_plain_stop_means_calls() -> None:
    """Any other reason stays what it is."""
    assert events(call("f"), end("MAX_TOKENS"))[-1] == Finish("length", "MAX_TOKENS")


def test_arguments_come_value_by_value() -> None:
    """Vertex's ``streamFunctionCallArguments``: each piece is a delta, the last one says no more that the call continues."""
    said = [
        call("f", willContinue=True, signature="s"),
        piece("$.city", stringValue="San ", more=True),
        piece("$.city", stringValue='"José"', more=True),
        piece("$.city", stringValue=""),
        call(willContinue=True),
        piece("$.days", numberValue=2),
        call(),
        call("g", willContinue=True),
        call(partialArgs=[{"jsonPath": "$.a", "boolValue": True}]),
        end(),
    ]
    assert events(*said) == [
        ToolCallStart(0, None, "f"),
        ToolCallDelta(0, '{"city":"San '),
        ToolCallDelta(0, '\\"José\\"'),
        ToolCallDelta(0, '"'),
        ToolCallDelta(0, ',"days":2'),
        ToolCallDelta(0, "}"),
        ToolCallEnd(0, "s"),
        ToolCallStart(1, None, "g"),
        ToolCallDelta(1, '{"a":true'),
        ToolCallDelta(1, "}"),
        ToolCallEnd(1),
        CALLS,
    ]


@pytest.mark.parametrize("after", [[], [call("g", args={})], [text("x")]])
def test_a_call_that_was_to_continue_is_never_ended(after: list[Any]) -> None:
    """Neither by the finish nor by what follows it."""
    out = read(call("f", willContinue=True), piece("$.a", stringValue="b", more=True), *after, end("MAX_TOKENS"))
    first = out.response.tool_calls[0]
    assert (first.name, first.complete) == ("f", False)
    assert out.response.complete


def test_the_end_of_a_call_that_never_began_is_nothing() -> None:
    """An empty piece without a name."""
    assert events(call(), end()) == [STOPPED]


# --- the rest -----------------------------------------------------------------------------------------------------------------

CODE = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "s"}


def test_parts_without_a_place_are_given_whole() -> None:
    """Code, its result, a draft of an image: with their signatures, ending the text before them."""
    image = {"inlineData": {"mimeType": "image/png", "data": "AA=="}, "thought": True}
    assert events(text("a"), parts(CODE, {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}), parts(image), end()) == [
        TextStart(0),
        TextDelta(0, "a"),
        TextEnd(0),
        ServerToolCall(None, "code_execution", "1", CODE),
        ServerToolResult(None, "code_execution", None, raw={"codeExecutionResult": {"outcome": "OUTCOME_OK"}}),
        Other("inlineData", image),
        STOPPED,
    ]


def test_fields_beside_text_are_given() -> None:
    """A part's, the content's, the candidate's and the answer's, without ending the text."""
    odd = {
        "candidates": [
            {
                "content": {"parts": [{"text": "b", "partMetadata": {"n": 1}}], "role": "model", "mood": 1},
                "logprobsResult": {"top": [0]},
                "groundingMetadata": {},
                "citationMetadata": None,
                "finishMessage": "",
            }
        ],
        "modelStatus": {"stage": "STABLE"},
    }
    assert events(text("a"), odd, text("c"), end())[1:-2] == [
        TextDelta(0, "a"),
        Other("modelStatus", {"stage": "STABLE"}),
        TextDelta(0, "b"),
        Other("partMetadata", {"n": 1}),
        Other("mood", 1),
        Other("logprobsResult", {"top": [0]}, 0),
        TextDelta(0, "c"),
    ]


def test_what_is_repeated_is_given_when_it_changes() -> None:
    """Ratings and the time of an answer come with every object; logprobs are each object's own."""
    low, high = [{"category": "HARM", "probability": "LOW"}], [{"category": "HARM", "probability": "HIGH"}]
    said = [parts({"text": "a"}, safetyRatings=ratings, logprobsResult={"n": 1}) for ratings in (low, low, high)]
    assert [event for event in events(*said, end()) if isinstance(event, Other | Safety)] == [
        Safety("answer", (SafetyRating("HARM", "LOW"),)),
        Other("logprobsResult", {"n": 1}, 0),
        Other("logprobsResult", {"n": 1}, 0),
        Safety("answer", (SafetyRating("HARM", "HIGH"),)),
        Other("logprobsResult", {"n": 1}, 0),
    ]
    timed = [{**one, "createTime": time} for one, time in zip([*TEXT, text("!"), end()], "ttuu", strict=True)]
    assert [event.payload for event in events(*timed) if isinstance(event, Other)] == ["t", "u"]


def test_candidates_after_the_first_are_given_whole() -> None:
    """With ``candidateCount`` above 1, by their index or by their place."""
    second = {"content": {"parts": [{"text": "b"}]}, "finishReason": "SAFETY", "index": 1}
    third: dict[str, Any] = {"content": {"parts": [{"text": "c"}]}}
    both = {"candidates": [*text("a")["candidates"], third], **HEAD}
    fourth = parts({"text": "d"}, index=1)
    assert events({"candidates": [second], **HEAD}, both, fourth, end()) == [
        Other("candidate", second),
        TextStart(0),
        TextDelta(0, "a"),
        Other("candidate", third),
        Other("candidate", fourth["candidates"][0]),
        TextEnd(0),
        STOPPED,
    ]


@pytest.mark.parametrize(
    "nothing",
    [
        {"candidates": [{"content": {"role": "model"}}]},
        {"candidates": [{"content": {"parts": None}}]},
        {"candidates": [{"content": None}]},
        {"candidates": [{}]},
        {"candidates": []},
        {"candidates": None, "usageMetadata": None, "promptFeedback": None, "error": None},
        {"candidates": [{"content": {"parts": [{}]}}]},
        {"candidates": [{"finishReason": "FINISH_REASON_UNSPECIFIED"}]},
        {"candidates": [{"finishReason": 0}]},
        {"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}},
        {},
    ],
)
def test_objects_that_say_nothing_change_nothing(nothing: dict[str, Any]) -> None:
    """A candidate without content, content without parts, an unspecified reason: none of it is an end."""
    got = events(*TEXT, nothing, end())
    assert [event for event in got if not isinstance(event, Other | Safety)] == [*SPOKEN, STOPPED]


# --- usage --------------------------------------------------------------------------------------------------------------------


def test_the_last_usage_counts_as_a_whole() -> None:
    """It is cumulative; an object that only names the kind of traffic does not replace it."""
    counts = {"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "toolUsePromptTokenCount": 7}
    told = [
        {**text("a"), "usageMetadata": {"promptTokenCount": 5, "cachedContentTokenCount": 4}},
        {**text("b"), "usageMetadata": {**counts, "totalTokenCount": 17, "serviceTier": "standard"}},
        {**end(), "usageMetadata": {"trafficType": "ON_DEMAND"}},
    ]
    assert events(*told)[-2:] == [
        Other("usageMetadata", {"toolUsePromptTokenCount": 7}),
        Finish("stop", "STOP", Usage(12, 5, reasoning_tokens=3), service_tier="standard"),
    ]


def test_a_service_tier_that_is_no_word_is_beside_the_answer() -> None:
    """A gateway's object in its place does not reach the finish, and is not lost."""
    told = {**end(), "usageMetadata": {"promptTokenCount": 5, "serviceTier": {"id": {}}}}
    assert events(*TEXT, told) == [
        *SPOKEN,
        Other("usageMetadata", {"serviceTier": {"id": {}}}),
        Finish("stop", "STOP", Usage(5)),
    ]


def test_usage_is_there_before_the_end() -> None:
    """It may be asked for after any object."""
    decoder = GeminiDecoder()
    assert decoder.usage is None
    for frame in (b'{"usageMetadata":{"promptTokenCount":5}}', b'{"usageMetadata":{"promptTokenCount":5,"x":1}}'):
        decoder.feed(frame)
        assert decoder.usage == Usage(5)


def test_the_answer_begins_with_the_first_object() -> None:
    """Its id and model are in ``Start``; old recordings have neither."""
    assert read(*TEXT).events[0] == Start("r", "gemini-x")
    assert read({"candidates": [{"finishReason": "STOP"}]}).events == [Start(), Finish("stop", "STOP")]
