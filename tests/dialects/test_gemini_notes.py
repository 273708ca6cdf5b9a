"""What Gemini says beside the text, read, and written by the server's half and read back."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects import payload
from bourn.dialects.gemini.decoder import DIALECT
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
    Safety,
    SafetyRating,
    ServerToolCall,
    ServerToolResult,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    TokenLogprob,
    Usage,
)
from bourn.messages import Message, Request
from bourn.response import Media
from bourn.testing.strategies import KINDS, event_runs, json_values, names, notes, safety, texts
from tests.dialects.gemini_wire import Json, end, events, parts, text
from tests.recordings import decode

REQUEST = Request("gemini-x", (Message("user", "hi"),))


def encode(run: list[Event]) -> bytes:
    encoder = DIALECT.encoder(REQUEST)
    return b"".join(encoder.encode(event) for event in run)


CHUNK, OTHER_CHUNK = {"web": {"uri": "u", "title": "t"}}, {"retrievedContext": {"uri": "v", "text": "said"}}
SUPPORT = {"segment": {"endIndex": 3, "text": "abc"}, "groundingChunkIndices": [0, 1], "confidenceScores": [0.5, 0.25]}


def test_each_source_with_the_words_it_stands_behind_is_a_citation() -> None:
    """Two lists become pairs; what is beside them is an Other; said again with the next object, nothing is said twice."""
    grounding = {"groundingChunks": [CHUNK, OTHER_CHUNK], "groundingSupports": [SUPPORT], "webSearchQueries": ["q"]}
    said = events(text("abc"), *[parts(groundingMetadata=grounding)] * 2, end())
    segment = SUPPORT["segment"]
    assert said[2:5] == [
        Citation(0, "u", "t", text="abc", raw={"chunk": CHUNK, "segment": segment, "confidenceScores": [0.5]}),
        Citation(0, "v", quote="said", text="abc", raw={"chunk": OTHER_CHUNK, "segment": segment, "confidenceScores": [0.25]}),
        Other("groundingMetadata", {"webSearchQueries": ["q"]}),
    ]
    assert len(said) == 7


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"groundingMetadata": {"groundingChunks": [CHUNK]}}, Citation(0, "u", "t")),
        (
            {"groundingMetadata": {"groundingSupports": [{"segment": {"text": "a"}}]}},
            Citation(0, text="a", raw={"chunk": {}, "segment": {"text": "a"}}),
        ),
        (
            {"groundingMetadata": {"groundingChunks": [7]}},
            Other("citation", {"chunk": 7}, 0),
        ),
        ({"groundingMetadata": 7}, Other("groundingMetadata", 7)),
        (
            {"citationMetadata": {"citationSources": [{"uri": "u", "startIndex": 1, "endIndex": 3}]}},
            Citation(0, "u", raw={"uri": "u", "startIndex": 1, "endIndex": 3}),
        ),
        ({"citationMetadata": {"citations": [{"uri": "u"}]}}, Citation(0, "u", raw={"uri": "u"})),
        ({"citationMetadata": {"odd": 1}}, Other("citationMetadata", {"odd": 1})),
        (
            {
                "logprobsResult": {
                    "chosenCandidates": [{"token": "a", "tokenId": 7, "logProbability": -0.5}],
                    "topCandidates": [{"candidates": [{"token": "b", "logProbability": -1}]}],
                }
            },
            Logprobs((ChosenToken("a", -0.5, top=(TokenLogprob("b", -1.0),)),), 0, ...),
        ),
        (
            {"safetyRatings": [{"category": 8, "probability": 1}, {"category": "HARM", "blocked": True}]},
            Safety("answer", (SafetyRating("8", "1"), SafetyRating("HARM", None, blocked=True)), ...),
        ),
        ({"safetyRatings": [7]}, Other("safetyRatings", [7])),
    ],
)
def test_fields_of_a_candidate_with_an_event_of_their_own(field: Json, expected: Event) -> None:
    """As far as they have the shape; what the fields of the event do not say is kept."""
    if getattr(expected, "raw", None) is ...:
        expected = msgspec.structs.replace(expected, raw=next(iter(field.values())))
    assert events(text("abc"), parts(**field), end())[2] == expected


def test_files_are_media() -> None:
    """An image comes whole with its signature; speech in pieces; a draft that is no part of the answer is an Other."""

    def inline(media_type: str, data: str, **more: object) -> Json:
        return {"inlineData": {"mimeType": media_type, "data": data}, **more}

    image = parts(inline("image/png", "AQI=", thoughtSignature="s"))
    speech = [parts(inline("audio/pcm", data)) for data in ("AQI=", "Aw==")]
    file = parts({"fileData": {"mimeType": "image/png", "fileUri": "gs://b/o"}})
    drafts = parts(inline("image/png", "AQI=", thought=True), inline("image/png", "?"), {"fileData": {"fileUri": 7}})
    assert events(image, *speech, file, drafts, end()) == [
        *(MediaStart(0, "image/png"), MediaDelta(0, b"\x01\x02"), MediaEnd(0, "s")),
        *(MediaStart(1, "audio/pcm"), MediaDelta(1, b"\x01\x02"), MediaDelta(1, b"\x03")),
        *(MediaStart(2, "image/png", url="gs://b/o"), MediaEnd(2)),
        Other("inlineData", inline("image/png", "AQI=", thought=True)),
        Other("inlineData", inline("image/png", "?")),
        Other("fileData", {"fileData": {"fileUri": 7}}),
        MediaEnd(1),
        Finish("stop", "STOP"),
    ]


def test_tools_of_googles_have_their_names() -> None:
    """Gemini 3 tells the call of a search and what it gave, each with an id and a signature."""
    called = {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["q"]}, "id": "t"}, "thoughtSignature": "s"}
    gave = {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "response": {"a": 1}, "id": "t"}}
    failed = {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "no"}}
    assert events(parts(called, gave, failed, {"toolCall": 7}), end())[:4] == [
        ServerToolCall("t", "GOOGLE_SEARCH_WEB", '{"queries":["q"]}', called),
        ServerToolResult("t", "GOOGLE_SEARCH_WEB", {"a": 1}),
        ServerToolResult(None, "code_execution", "no", is_error=True),
        Other("toolCall", {"toolCall": 7}),
    ]


_objects = st.dictionaries(names, json_values, max_size=2).map(lambda value: payload.dumps(value).decode())
_said: st.SearchStrategy[Event] = st.one_of(
    st.builds(Citation, st.just(0), texts, st.none() | texts, text=st.none() | texts),
    st.builds(
        lambda tokens: Logprobs(tokens, 0),
        st.lists(
            st.builds(ChosenToken, texts, st.floats(-9, 0), top=st.tuples(st.builds(TokenLogprob, texts, st.floats(-9, 0)))),
            min_size=1,
        ).map(tuple),
    ),
    st.builds(ServerToolCall, st.none() | names, st.just("code_execution"), texts),
    st.builds(ServerToolCall, st.none() | names, names, _objects),
    st.builds(ServerToolResult, st.none() | names, st.just("code_execution"), texts, st.booleans()),
    st.builds(ServerToolResult, st.none() | names, names, json_values),
    safety,
)


@given(st.lists(_said, max_size=5, unique_by=repr), st.lists(st.binary(min_size=1, max_size=5), max_size=3), st.none() | names)
def test_what_stands_beside_the_text_is_read_back(said: list[Event], images: list[bytes], tier: str | None) -> None:
    """Each kind, in any order; speech and images too."""
    verdicts: dict[object, Event] = {}
    run: list[Event] = [Start("r", "gemini-x"), TextStart(0), TextDelta(0, "a"), TextEnd(0, "s")]
    for event in said:
        if isinstance(event, Safety):  # it is told again with every object, so the same one twice is one
            if verdicts.get(event.about) == event:
                continue
            verdicts[event.about] = event
        run.append(event)
    for number, data in enumerate(images, 1):
        run += [MediaStart(number, "image/png"), MediaDelta(number, data), MediaEnd(number, "s" if number == 1 else None)]
    run += [
        MediaStart(len(images) + 1, "audio/pcm"),
        MediaDelta(len(images) + 1, b"\x01"),
        MediaDelta(len(images) + 1, b"\x02"),
    ]
    run += [MediaEnd(len(images) + 1), Finish("stop", "STOP", Usage(1, 2), service_tier=tier)]
    assert decode(DIALECT, [encode(run)]).events == run


@given(event_runs(kinds=KINDS, other=notes))
def test_any_run_with_notes_and_media_can_be_written(run: list[Event]) -> None:
    """Whatever has no place is left out."""
    out = decode(DIALECT, [encode(run)], verified=False)
    assert "".join(sorted(out.response.text)) == "".join(
        sorted("".join(event.text for event in run if type(event).__name__ in ("TextDelta", "RefusalDelta")))  # type: ignore[attr-defined]  # deltas
    )
    DIALECT.encode_whole(REQUEST, run)


def test_a_whole_answer_has_the_files() -> None:
    """As parts among the others."""
    run: list[Event] = [
        Start("r", "m"),
        MediaStart(0, "image/png"),
        MediaDelta(0, b"\x01"),
        MediaEnd(0),
        Finish("stop", "STOP"),
    ]
    assert decode(DIALECT, [encode(run)]).response.media == (Media("image/png", b"\x01"),)
    assert b'"inlineData":{"mimeType":"image/png","data":"AQ=="}' in DIALECT.encode_whole(REQUEST, run)
