"""What stands beside the text of an answer in OpenAI's chat format, as each service was seen to send it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bourn.events import (
    ChosenToken,
    Citation,
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
from bourn.response import Media
from tests.dialects.openai_chat_wire import DONE, TOLD, chunk_of, decoded_from


def test_a_source_of_the_whole_answer_counts_once() -> None:
    """Perplexity repeats its sources with every word, and their addresses a second time."""
    found = [{"url": "u", "title": "U", "date": "2026-01-01"}]
    chunks = [
        {**chunk_of(content="a"), "search_results": found, "citations": cited} for cited in (["u"], ["u", "v"], ["u", "v"])
    ]
    assert decoded_from(*chunks, DONE).response.citations == [
        Citation(url="u", title="U", raw=found[0]),
        Citation(url="v", raw="v"),
    ]


@pytest.mark.parametrize(
    ("annotation", "citation"),
    [
        (
            {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 3, "end_index": 5}},
            Citation(0, "u", "t", start=3, end=5),
        ),
        (
            {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "content": "said", "x": 1}},
            Citation(0, "u", "t", quote="said", raw=...),
        ),
        (
            {"type": "url_citation", "url": "u", "title": "t", "summary": "said"},
            Citation(0, "u", "t", quote="said", raw=...),
        ),
    ],
)
def test_an_annotation_is_a_citation_of_the_text(annotation: dict[str, Any], citation: Citation) -> None:
    """As OpenAI, OpenRouter and Xiaomi have it; what the fields do not say is kept."""
    raw = annotation if citation.raw is ... else None
    decoded = decoded_from(chunk_of(content="a", annotations=[annotation]), DONE)
    assert decoded.response.citations == [msgspec.structs.replace(citation, raw=raw)]


ROW = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -1, "bytes": None}]}
TOKEN = ChosenToken("a", -0.5, b"a", (TokenLogprob("b", -1.0),))


@pytest.mark.parametrize(
    ("told", "tokens", "kept"),
    [
        ({"content": [ROW], "refusal": None}, (TOKEN,), False),
        ({"content": None, "refusal": [ROW]}, (TOKEN,), True),
        ({"reasoning_content": [ROW]}, (TOKEN,), True),
        ({"content": [{"token": "a", "id": 7}]}, (ChosenToken("a"),), True),
        (
            {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"b": -1.5}]},
            (ChosenToken("a", -0.5, top=(TokenLogprob("b", -1.5),)),),
            True,
        ),
        ({"tokens": ["a"], "token_logprobs": [None]}, (ChosenToken("a"),), True),
    ],
)
def test_log_probabilities_are_of_the_part_at_hand(told: dict[str, Any], tokens: tuple[ChosenToken, ...], kept: bool) -> None:
    """In the form of OpenAI, DeepSeek, llama.cpp and Together; equal ones are two tokens, no repetition."""
    chunk = {"id": "i", "choices": [{"delta": {"content": "a"}, "logprobs": told}]}
    event = Logprobs(tokens, 0, told if kept else None)
    decoded = decoded_from(chunk, chunk, DONE)
    assert [one for one in decoded.events if isinstance(one, Logprobs)] == [event, event]
    assert decoded.response.logprobs == tokens * 2


@pytest.mark.parametrize("told", [{"content": []}, {"content": None, "refusal": None}])
def test_log_probabilities_of_no_token_are_nothing(told: dict[str, Any]) -> None:
    """OpenAI and Snowflake send them with empty words."""
    decoded = decoded_from({"id": "i", "choices": [{"delta": {"content": "a"}, "logprobs": told}]}, DONE)
    assert [type(one) for one in decoded.events] == [Start, TextStart, TextDelta, TextEnd, Finish]


def test_speech_comes_in_pieces_beside_its_words() -> None:
    """OpenAI's audio is one part; how long it may be referred to is told at its end."""
    pieces = [{"id": "a1", "transcript": "Hel"}, {"data": "AQI="}, {"transcript": "lo", "data": "Aw=="}, {"expires_at": 7}]
    decoded = decoded_from(*(chunk_of(audio=piece) for piece in pieces), DONE)
    assert decoded.events[1:-1] == [
        MediaStart(0, "audio", "a1"),
        MediaDelta(0, transcript="Hel"),
        MediaDelta(0, b"\x01\x02"),
        MediaDelta(0, b"\x03", "lo"),
        Other("audio", {"expires_at": 7}, 0),
        MediaEnd(0),
    ]


def test_an_image_comes_whole() -> None:
    """As a data URL, or as an address."""
    images = [{"type": "image_url", "image_url": {"url": url}} for url in ("data:image/png;base64,AQI=", "https://a/b.png")]
    assert decoded_from(chunk_of(images=images), DONE).response.media == (
        Media("image/png", b"\x01\x02"),
        Media("image", url="https://a/b.png"),
    )


def test_a_tool_of_the_service_is_told_twice() -> None:
    """Groq tells a call, and again with its output."""
    called = {"index": 0, "type": "python", "arguments": "{}", "search_results": {"results": []}}
    found = {**called, "name": "py", "output": "7"}
    decoded = decoded_from(chunk_of(executed_tools=[called]), chunk_of(executed_tools=[found]), DONE)
    assert decoded.response.server_tools == [
        ServerToolCall("0", "python", "{}", called),
        ServerToolResult("0", "py", "7", raw=found),
    ]


def test_verdicts_on_the_answer_are_given_when_they_change() -> None:
    """Azure judges with every word."""
    safe, harm = ({"hate": {"filtered": bad, "severity": "safe"}, "jailbreak": {"detected": bad}} for bad in (False, True))
    chunks = [{"id": "i", "choices": [{"delta": {}, "content_filter_results": told}]} for told in (safe, safe, harm)]
    assert decoded_from(*chunks, DONE).response.safety == [
        Safety("answer", (SafetyRating("hate", "safe", blocked=bad), SafetyRating("jailbreak")), told)
        for bad, told in ((False, safe), (True, harm))
    ]


def test_the_service_tier_and_the_rest_of_the_usage_are_told() -> None:
    """The tier is in the finish; counts that have no place in the usage come before it, those of nothing do not."""
    usage = {**TOLD, "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 0}, "cost": 0.5, "queue_time": None}
    chunk = {**chunk_of(content="a"), "service_tier": "flex", "usage": usage}
    *_, rest, finish = decoded_from(chunk, chunk_of(content="b"), DONE).events
    assert rest == Other("usage", {"cost": 0.5})
    assert finish == Finish("other", None, Usage(3, 5, 1), service_tier="flex")


def test_a_service_tier_that_is_no_word_is_beside_the_answer() -> None:
    """It does not reach the finish, nor become a word there, and is not lost; told again, it is said once."""
    odd: dict[str, Any] = {"service_tier": {"id": {}}}
    events = decoded_from(chunk_of(content="a") | odd, chunk_of(content="b") | odd | {"usage": TOLD}, DONE).events
    assert [event for event in events if isinstance(event, Other)] == [Other("service_tier", {"id": {}})]
    assert events[-1] == Finish("other", None, Usage(3, 5))
