"""The dialect of Gemini held to recorded traffic: every answer at every cut, every refusal, every request."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bourn.dialects.base import Dialect, HttpCall
from bourn.dialects.gemini.decoder import DIALECT, GeminiDecoder
from bourn.errors import TruncatedError
from bourn.events import Finish, OrderCheck, ToolCallStart
from bourn.messages import Message, Request
from bourn.response import Response
from bourn.wire.base import FRAME_LIMIT
from tests.recordings import (
    CORPUS,
    PAYLOADS,
    Recording,
    cuts,
    decode,
    expected_outcome,
    needs_corpus,
    needs_payloads,
    outcome,
    recordings,
)

RECORDED = recordings("gemini", "gemini-curated", "gemini-errors")
STREAMS = [one for one in RECORDED if "outcome" in one.expected]
REFUSED = [one for one in RECORDED if "status" in one.expected]
LINES = sorted((PAYLOADS / "google").glob("google*.chunks.txt"))

WAYS = ("whole", "bytes", "random")
CUTS = 12
"""Points at which each recording is cut off."""

UNENDED = "the body ends before the blank line of its last event, which the standard (and our contract, 10.3) drops"
DISPUTED: dict[str, tuple[dict[str, Any], str]] = {
    "google-gemini-2.0-flash-streaming-success-finish-message-8bd92c": (
        {"outcome": "truncated", "text": "Hello", "finish_reason": None, "raw_finish_reason": None},
        UNENDED,
    ),
    "google-unknown-streaming-failure-prompt-blocked-safety-5c106a": (
        {"outcome": "truncated", "finish_reason": None, "raw_finish_reason": None},
        UNENDED,
    ),
    "vertex-unknown-streaming-failure-prompt-blocked-safety-with-1b7f3e": (
        {"outcome": "truncated", "finish_reason": None, "raw_finish_reason": None},
        UNENDED,
    ),
    "vertex-unknown-streaming-failure-error-mid-stream-40958d": (
        {"finish_reason": None, "raw_finish_reason": None},
        "an error came after the finish reason, so there is no Finish, which alone would tell it",
    ),
}
"""Recordings, all of them edited by hand by their authors, of which we expect something else: what, and why."""


def dialect(recording: Recording) -> Dialect:
    """The dialect as a transport drives it for the recorded content type."""
    media_type = recording.response["headers"].get("content-type", "").partition(";")[0]
    return msgspec.structs.replace(DIALECT, framer=DIALECT.framings().get(media_type, DIALECT.framer))


@needs_corpus
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("recording", STREAMS, ids=repr)
def test_a_recorded_answer_is_decoded_as_the_oracle_says(recording: Recording, way: str) -> None:
    """Text, thoughts, calls, usage, reason and outcome of every recording hold, however the network cut it."""
    expected = expected_outcome(recording) | DISPUTED.get(recording.name, ({}, ""))[0]
    got = outcome(decode(dialect(recording), cuts(recording.body, way, recording.name)))
    assert {field: got[field] for field in expected} == expected


def evidence(recording: Recording) -> int:
    """How many bytes it takes until the end evidence is there."""
    framer, decoder = dialect(recording).framer(FRAME_LIMIT), GeminiDecoder()
    for at, byte in enumerate(cuts(recording.body, "bytes", "")):
        for frame in framer.feed(byte):
            decoder.feed(frame)
        if decoder.ended:
            return at + 1
    raise AssertionError("no end evidence")


COMPLETE = [one for one in STREAMS if one.expected["outcome"] == "complete" and one.name not in DISPUTED]


@needs_corpus
@pytest.mark.parametrize("recording", COMPLETE, ids=repr)
def test_a_recorded_answer_that_is_cut_off_is_never_complete(recording: Recording) -> None:
    """Cut anywhere before the end evidence, in either framing, it is truncated, and what arrived is the beginning of it."""
    body, last = recording.body, evidence(recording) - 1
    whole = decode(dialect(recording), [body]).response
    dice = random.Random(recording.name)
    for at in (0, last, *dice.sample(range(last), CUTS)):
        cut = decode(dialect(recording), cuts(body[:at], "random", recording.name))
        assert isinstance(cut.error, TruncatedError), at
        assert whole.text.startswith(cut.response.text)
        assert whole.reasoning.startswith(cut.response.reasoning)
        assert cut.response.tool_calls == whole.tool_calls[: len(cut.response.tool_calls)]
        assert not cut.response.complete


@needs_corpus
@pytest.mark.parametrize("recording", [one for one in COMPLETE if "curated" not in str(one.folder)], ids=repr)
def test_the_end_evidence_stands_in_the_last_object(recording: Recording) -> None:
    """In live traffic nothing but the end of the framing follows it: what the decoder would wait for never came."""
    assert recording.body[evidence(recording) :].strip() in (b"", b"]")


NAMES: dict[Callable[[Response], Any], tuple[str, ...]] = {
    lambda response: response.citations: ("groundingMetadata", "citationMetadata"),
    lambda response: response.safety: ("safetyRatings", "promptFeedback"),
    lambda response: response.server_tools: ("executableCode", "codeExecutionResult", "toolCall", "toolResponse"),
    lambda response: response.media: ("inlineData", "fileData"),
    lambda response: response.logprobs: ("logprobsResult",),
}
"""What is modelled, and under which names it was told."""


@needs_corpus
@pytest.mark.parametrize("recording", STREAMS, ids=repr)
def test_nothing_that_was_recorded_is_dropped(recording: Recording) -> None:
    """Every field and part of every object is in an event of its kind, or is an ``Other``."""
    objects = [frame if isinstance(frame, bytes) else frame.data for frame in _frames(recording)]
    response = decode(dialect(recording), [recording.body]).response
    kinds = {other.kind for other in response.others} | {
        name for event, names in NAMES.items() if event(response) for name in names
    }
    modelled = {"text", "thought", "thoughtSignature", "functionCall", "content", "finishReason", "index", "parts", "role"}
    for value in map(json.loads, filter(_is_json, objects)):
        candidates = value.get("candidates") or [{}]
        content = candidates[0].get("content") or {}
        told = [*value.items(), *candidates[0].items(), *content.items()]
        names = {name for name, held in told if held} | {name for part in content.get("parts") or () for name in part}
        assert names - modelled - {"candidates", "usageMetadata", "modelVersion", "responseId", "error"} <= kinds


def _frames(recording: Recording) -> Any:
    return dialect(recording).framer(FRAME_LIMIT).feed(recording.body)


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


@needs_corpus
@pytest.mark.parametrize("recording", REFUSED, ids=repr)
def test_a_recorded_refusal_is_read_in_the_providers_words(recording: Recording) -> None:
    """Message, status word and wait of every refused request are those of the oracle."""
    expected, response = recording.expected, recording.response
    error = DIALECT.read_error(response["status"], response["headers"], recording.body)
    assert {"message": error.message, "type": error.type, "code": error.code} == expected["error"]
    assert error.retry_after == expected["retry_after"]


RECIPE_STEPS = 10
STREAMED_CALLS: dict[str, list[tuple[str, Any]]] = {
    "google-reasoning-gemini3": [],
    "google-reasoning": [],
    "google-text": [],
    "google-tool-call-gemini3": [("weather", {"location": "San Francisco"})],
    "google-tool-call": [("weather", {"location": "San Francisco"})],
    "google-stream-no-args-tool-call": [("read_theme", None), *(("read_screen", {"id": id}) for id in "ABC")],
    "google-stream-tool-call-arguments": [
        ("getWeather", {"location": "Boston"}),
        ("getWeather", {"location": "San Francisco"}),
    ],
    "google-stream-tool-call-array-arguments-missing-terminal-function-call": [
        (
            "writeItems",
            {
                "operations": [
                    {"action": "add", "description": "Fresh red apple", "itemid": "apple_001", "price": 0.5},
                    {"action": "add", "description": "Ripe yellow banana", "itemid": "banana_001", "price": 0.3},
                ]
            },
        )
    ],
}
"""What each file of bare objects calls; the one that is not here is looked at by itself."""


def lines(name: str) -> tuple[Response, OrderCheck]:
    """The answer in a file of bare objects, held to the legal order."""
    decoder, response, order = GeminiDecoder(), Response(), OrderCheck()
    for line in (LINES[0].parent / f"{name}.chunks.txt").read_bytes().splitlines():
        for event in decoder.feed(line):
            order.feed(event)
            response.fold(event)
    for event in decoder.close():
        order.feed(event)
        response.fold(event)
    return response, order


@needs_payloads
@pytest.mark.parametrize("name", STREAMED_CALLS)
def test_recorded_objects_without_framing_are_decoded(name: str) -> None:
    """Calls whose arguments come value by value are whole, ended by the service, and their text is the JSON they mean."""
    response, order = lines(name)
    calls = [(one.name, json.loads(one.arguments) if one.arguments else None) for one in response.tool_calls]
    assert calls == STREAMED_CALLS[name]
    assert all(one.complete for one in response.tool_calls)
    assert (response.complete, order.open_parts) == (True, {})
    assert response.finish_reason == ("tool_calls" if calls else "stop")


@needs_payloads
def test_nested_arguments_come_in_order() -> None:
    """Objects in lists in objects: every bracket is closed, and no value is lost."""
    response, _ = lines("google-vertex-stream-tool-call-arguments-nested.1")
    recipe = json.loads(response.tool_calls[0].arguments)["recipe"]
    assert [list(recipe), len(recipe["ingredients"]), len(recipe["steps"])] == [
        ["ingredients", "name", "steps"],
        10,
        RECIPE_STEPS,
    ]
    assert recipe["ingredients"][9] == {"amount": "1/2 tsp", "name": "Pepper"}
    assert recipe["steps"][1].endswith("drain and set aside.")


@needs_payloads
def test_all_files_of_bare_objects_are_looked_at() -> None:
    """A new file is noticed."""
    seen = {path.name.removesuffix(".chunks.txt") for path in LINES}
    assert seen == {*STREAMED_CALLS, "google-vertex-stream-tool-call-arguments-nested.1"}


def asked(recording: Recording) -> HttpCall | None:
    """The request, where it was recorded."""
    body = recording.request.get("body")
    if not isinstance(body, dict) or "contents" not in body:
        return None
    return HttpCall(recording.request["path"], json.dumps(body).encode())


def elided(recording: Recording) -> bool:
    return "inlineData" in json.dumps(recording.request["body"])


ASKED = [one for one in STREAMS if asked(one) and not elided(one)]


def turns(request: Request) -> list[Message]:
    """The messages, those of one role merged as ``call`` merges them, without what every answer to a call repeats."""
    out: list[Message] = []
    for message in request.messages:
        if out and out[-1].role == message.role != "system":
            out[-1] = Message(message.role, (*out[-1].parts, *message.parts))
        else:
            out.append(Message(message.role, message.parts))
    return out


@needs_corpus
@pytest.mark.parametrize("recording", ASKED, ids=repr)
def test_a_recorded_request_survives_both_halves(recording: Recording) -> None:
    """What a service accepted is read, and written and read again it is the same request; nothing had to be left out."""
    http = asked(recording)
    assert http is not None
    request = DIALECT.parse(http)
    assert f"/{request.model}:" in http.path
    written = DIALECT.call(request)
    assert written.warnings == ()
    again = DIALECT.parse(written)
    assert turns(again) == turns(request)
    assert (again.model, again.options, again.stream) == (request.model, request.options, request.stream)


@needs_corpus
def test_a_finish_comes_last_and_calls_say_their_names() -> None:
    """Over all recordings: one ``Finish`` at most, at the end, and no call without a name."""
    for recording in STREAMS:
        events = decode(dialect(recording), [recording.body]).events
        assert [type(event) for event in events].count(Finish) == isinstance(events[-1], Finish) if events else True
        assert all(event.name for event in events if isinstance(event, ToolCallStart))


def test_the_corpus_paths_are_what_the_tests_expect() -> None:
    """Where the corpus is there, it has streams of both framings."""
    if not Path(CORPUS).is_dir():
        pytest.skip("the recorded traffic is not on this machine")
    assert {one.response["framing"] for one in STREAMS} == {"sse", "json-array"}
