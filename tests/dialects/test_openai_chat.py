"""The decoder of OpenAI chat completions: one table of chunks for everything that services were seen to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bourn.dialects import get
from bourn.dialects.openai_chat.decoder import DIALECT, ChatDecoder
from bourn.errors import TruncatedError
from bourn.events import (
    Finish,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Safety,
    SafetyRating,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.wire.sse import SSEFrame
from tests.dialects.openai_chat_wire import DONE, FINISHED, TOLD, chunk_of, decoded_from, piece_of
from tests.recordings import decode

# --- the end ----------------------------------------------------------------------------------------------------------------


def test_the_dialect_is_found_by_its_name() -> None:
    """The table of dialects knows this one."""
    assert get("openai-chat") is DIALECT


@pytest.mark.parametrize(
    ("chunks", "finish"),
    [
        ([FINISHED, DONE], Finish("stop", "stop")),
        ([FINISHED], Finish("stop", "stop")),
        ([DONE], Finish("other", None)),
        ([chunk_of(content=""), DONE], Finish("other", None)),
        ([FINISHED, FINISHED, DONE], Finish("stop", "stop")),
        ([FINISHED, {"choices": [{"index": 0, "finish_reason": "length"}]}, DONE], Finish("stop", "stop")),
        ([FINISHED, DONE, chunk_of(content="late"), DONE], Finish("stop", "stop")),
    ],
)
def test_either_end_mark_makes_an_answer_complete(chunks: list[Any], finish: Finish) -> None:
    """A finish reason, [DONE] or both; the first finish reason counts, and nothing counts after [DONE]."""
    decoded = decoded_from(*chunks)
    assert decoded.error is None
    assert decoded.events[-1] == finish
    assert decoded.response.text == ""


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("function_call", "tool_calls"),
        ("eos", "stop"),
        ("eos_token", "stop"),
        ("model_length", "length"),
        ("error", "error"),
        ("gone_fishing", "other"),
    ],
)
def test_the_services_word_for_the_end_is_kept_and_mapped(word: str, reason: str) -> None:
    """raw_reason is the word as sent; a word nobody knows is other."""
    finish = decoded_from({"choices": [{"index": 0, "delta": {}, "finish_reason": word}]}, DONE).events[-1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.raw_reason) == (reason, word)


def test_text_after_the_finish_reason_still_belongs_to_the_answer() -> None:
    """Baseten sends it: the part ends at [DONE]."""
    assert decoded_from(chunk_of(content="a"), FINISHED, chunk_of(content="b"), DONE).events == [
        Start("i", "m"),
        TextStart(0),
        TextDelta(0, "a"),
        TextDelta(0, "b"),
        TextEnd(0),
        Finish("stop", "stop"),
    ]


def test_without_an_end_mark_the_answer_is_truncated_and_its_parts_stay_open() -> None:
    """No end is made up, for text as little as for calls."""
    decoded = decoded_from(chunk_of(content="a"), piece_of(index=0, id="c", function={"name": "f", "arguments": "{"}))
    assert isinstance(decoded.error, TruncatedError)
    assert decoded.events[-1] == ToolCallDelta(1, "{")
    assert not decoded.response.complete
    assert not decoded.response.tool_calls[0].complete


def test_a_service_known_to_send_no_mark_ends_unverified_and_never_ends_a_call() -> None:
    """verified=False: text ends, the call stays open, the finish says so and has the usage."""
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    call = piece_of(index=0, id="c", function={"name": "f", "arguments": "{"})
    decoded = decoded_from(call, chunk_of(content="a"), usage, verified=False)
    assert decoded.error is None
    assert decoded.events[-2:] == [TextEnd(1), Finish("other", None, Usage(1, 2), verified=False)]
    assert not decoded.response.tool_calls[0].complete


def test_close_gives_its_events_once() -> None:
    """After Finish nothing comes of closing again, nor of feeding."""
    decoder = ChatDecoder()
    frame = SSEFrame("", json.dumps(FINISHED).encode())
    assert list(decoder.feed(frame)) == [Start("i", None)]
    assert (decoder.ended, decoder.done) == (True, False)
    assert list(decoder.close()) == [Finish("stop", "stop")]
    assert decoder.done
    assert list(decoder.close()) == list(decoder.close(verified=False)) == list(decoder.feed(frame)) == []


def test_an_empty_body_is_truncated_without_an_event() -> None:
    """Nothing came: not even a Start."""
    decoded = decode(DIALECT, [b""])
    assert isinstance(decoded.error, TruncatedError)
    assert decoded.events == []


# --- start ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chunks", "start"),
    [
        ([{"id": "", "model": "", "choices": []}, chunk_of(content="a")], Start("i", "m")),
        ([{"model": "m", "choices": []}, {"id": "i", "choices": []}, chunk_of(content="a")], Start("i", "m")),
        ([{"choices": [{"delta": {"content": "a"}}]}, chunk_of(content="b")], Start(None, None)),
        ([{"id": "i", "choices": []}, {"id": "j", "model": "m", "choices": []}], Start("i", None)),
        ([], Start(None, None)),
    ],
)
def test_the_start_has_the_first_id_and_model_known_by_then(chunks: list[Any], start: Start) -> None:
    """It comes with the first id or the first word, whichever is first; [DONE] alone gives an empty one."""
    decoded = decoded_from(*chunks, DONE)
    assert decoded.events[0] == start
    assert sum(isinstance(event, Start) for event in decoded.events) == 1


def test_what_comes_before_the_start_is_given_after_it() -> None:
    """Azure judges the prompt in a chunk without id."""
    told = {"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}
    filtered = {"id": "", "choices": [], "prompt_filter_results": [told]}
    verdict = Safety("prompt", (SafetyRating("hate", "safe"),))
    events = decoded_from(filtered, chunk_of(content="a"), DONE).events
    assert events[:3] == [Start("i", "m"), verdict, TextStart(0)]
    cut = decoded_from(filtered)
    assert cut.events == [Start(None, None), verdict]
    assert isinstance(cut.error, TruncatedError)


# --- text, reasoning, refusal -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "deltas",
    [
        [{"reasoning_content": "x"}, {"reasoning_content": "y", "content": None}],
        [{"reasoning": "x"}, {"reasoning": "y", "content": ""}],
        [{"reasoning_content": "x", "reasoning": "x"}, {"reasoning_content": "", "reasoning": "y"}],
        [{"reasoning": "x", "reasoning_details": [{"type": "reasoning.text", "text": "x", "index": 0}]}, {"reasoning": "y"}],
        [{"reasoning_details": [{"type": "reasoning.text", "text": "x"}, {"type": "reasoning.summary", "summary": "y"}]}],
        [{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "x"}]}]}, {"reasoning": "y"}],
        [{"content": [{"type": "thinking", "thinking": "x"}, {"type": "thinking", "thinking": ["y"]}]}],
    ],
)
def test_reasoning_is_read_under_all_its_names_and_never_twice(deltas: list[dict[str, Any]]) -> None:
    """One reasoning part, which ends when the text begins."""
    decoded = decoded_from(*(chunk_of(**delta) for delta in deltas), chunk_of(content="a"), FINISHED, DONE)
    assert decoded.response.reasoning == "xy"
    shape = [type(event) for event in decoded.events if not isinstance(event, ReasoningDelta)]
    assert shape == [Start, ReasoningStart, ReasoningEnd, TextStart, TextDelta, TextEnd, Finish]


def test_a_reasoning_detail_that_holds_more_than_text_is_kept() -> None:
    """Signatures and encrypted data are Others, beside the text they belong to."""
    signed = {"type": "reasoning.text", "text": "x", "signature": "s"}
    sealed = {"type": "reasoning.encrypted", "data": "d"}
    decoded = decoded_from(chunk_of(reasoning="x", reasoning_details=[signed, sealed, 3]), DONE)
    assert decoded.response.reasoning == "x"
    assert decoded.response.others == [Other("reasoning_details", [signed]), Other("reasoning_details", [sealed])]


def test_a_list_as_content_gives_text_and_keeps_what_else_is_in_it() -> None:
    """Mistral's reasoning models send lists: text is text, a reference is an Other."""
    reference = {"type": "reference", "reference_ids": [1]}
    decoded = decoded_from(chunk_of(content=[{"type": "text", "text": "a"}, reference, 3]), chunk_of(content="b"), DONE)
    assert decoded.response.text == "ab"
    assert decoded.response.others == [Other("reference", reference)]


def test_text_that_is_taken_up_again_is_a_part_of_its_own() -> None:
    """One text, reasoning or refusal is open at a time, and a tool call ends it."""
    chunks = [
        chunk_of(content="a"),
        chunk_of(reasoning="b"),
        chunk_of(content="c"),
        piece_of(index=0, id="i", function={"name": "f"}),
    ]
    assert [
        (type(event), getattr(event, "index", None)) for event in decoded_from(*chunks, chunk_of(content="d"), DONE).events
    ] == [
        (Start, None),
        (TextStart, 0),
        (TextDelta, 0),
        (TextEnd, 0),
        (ReasoningStart, 1),
        (ReasoningDelta, 1),
        (ReasoningEnd, 1),
        (TextStart, 2),
        (TextDelta, 2),
        (TextEnd, 2),
        (ToolCallStart, 3),
        (TextStart, 4),
        (TextDelta, 4),
        (ToolCallEnd, 3),
        (TextEnd, 4),
        (Finish, None),
    ]


def test_a_refusal_is_a_part_of_its_own_kind() -> None:
    """The model's words for not answering are no answer text."""
    events = decoded_from(chunk_of(content="", refusal="I"), chunk_of(refusal=" won't"), FINISHED, DONE).events
    assert events[1:-1] == [RefusalStart(0), RefusalDelta(0, "I"), RefusalDelta(0, " won't"), RefusalEnd(0)]


# --- tool calls -------------------------------------------------------------------------------------------------------------

ONE_CALL = {
    "id and name, then pieces": [
        {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": "{}"}},
    ],
    "all at once": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}],
    "name with the first piece": [
        {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}},
        {"index": 0, "function": {"arguments": "}"}},
    ],
    "empty id later": [
        {"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "id": "", "function": {"name": "", "arguments": "{}"}},
    ],
    "null name and type later": [
        {"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "id": None, "type": "function", "function": {"name": None, "arguments": "{}"}},
    ],
    "id on every piece": [
        {"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "id": "c", "function": {"arguments": "{"}},
        {"index": 0, "id": "c", "function": {"name": "f", "arguments": "}"}},
    ],
    "null arguments first": [
        {"index": 0, "id": "c", "function": {"name": "f", "arguments": None}},
        {"index": 0, "function": {"arguments": "{}"}},
    ],
    "no arguments first": [
        {"index": 0, "id": "c", "function": {"name": "f"}},
        {"index": 0, "function": {"arguments": "{}"}},
    ],
    "name after id and arguments": [
        {"index": 0, "id": "c"},
        {"index": 0, "function": {"arguments": "{"}},
        {"index": 0, "function": {"name": "f", "arguments": "}"}},
    ],
    "no index": [
        {"id": "c", "function": {"name": "f", "arguments": "{"}},
        {"function": {"arguments": ""}},
        {"id": "c", "function": {"name": "f", "arguments": "}"}},
    ],
    "arguments as an object": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": {}}}],
}


@pytest.mark.parametrize("pieces", ONE_CALL.values(), ids=ONE_CALL)
def test_a_tool_call_is_read_however_a_service_tells_it(pieces: list[dict[str, Any]]) -> None:
    """Id and name count when they hold something, pieces of arguments are joined, and the call ends with the answer."""
    decoded = decoded_from(*(piece_of(**piece) for piece in pieces), FINISHED, DONE)
    assert decoded.events[:2] == [Start("i", "m"), ToolCallStart(0, "c", "f")]
    assert decoded.events[-2:] == [ToolCallEnd(0), Finish("stop", "stop")]
    assert decoded.response.tool_calls[0].arguments == "{}"


@pytest.mark.parametrize(
    "chunks",
    [
        [piece_of(index=at, id=id, function={"name": "f", "arguments": "{}"}) for at, id in enumerate("ab")],
        [piece_of(index=0, id=id, function={"name": "f", "arguments": "{}"}) for id in "ab"],
        [chunk_of(tool_calls=[{"id": id, "function": {"name": "f", "arguments": "{}"}} for id in "ab"])],
        [
            chunk_of(tool_calls=[{"index": at, "id": id, "function": {"name": "f"}} for at, id in enumerate("ab")]),
            piece_of(index=1, function={"arguments": "{"}),
            piece_of(index=0, function={"arguments": "{}"}),
            piece_of(index=1, function={"arguments": "}"}),
        ],
    ],
    ids=["by index", "always index 0", "no index", "interleaved"],
)
def test_parallel_calls_are_told_apart(chunks: list[Any]) -> None:
    """By index, by a new id with a name where the index does not say, and with pieces in any order."""
    calls = decoded_from(*chunks, FINISHED, DONE).response.tool_calls
    assert [(call.id, call.name, call.arguments, call.complete) for call in calls] == [
        ("a", "f", "{}", True),
        ("b", "f", "{}", True),
    ]


@pytest.mark.parametrize(
    ("delta", "call"),
    [
        ({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}, ToolCallStart(0, None, "f")),
        ({"tool_calls": [{"function": {"name": "f"}}]}, ToolCallStart(0, None, "f")),
        ({"function_call": {"name": "f", "arguments": ""}}, ToolCallStart(0, None, "f")),
        (
            {"tool_calls": [{"index": 0, "id": "c", "custom": {"name": "f", "input": ""}}]},
            ToolCallStart(0, "c", "f", custom=True),
        ),
    ],
    ids=["no id", "no id, no index", "before tools", "custom"],
)
def test_a_call_without_arguments_has_none(delta: dict[str, Any], call: ToolCallStart) -> None:
    """Nothing came, so nothing is given: no delta, and no id where there is none."""
    assert decoded_from(chunk_of(**delta), DONE).events[1:-1] == [call, ToolCallEnd(0)]


def test_a_call_that_never_told_its_name_is_given_at_the_end() -> None:
    """What came of it is not dropped; cut off, it stays open."""
    pieces = [piece_of(index=0, id="c", function={"arguments": "{"}), piece_of(index=0, function={"arguments": "}"})]
    assert decoded_from(*pieces, DONE).events[1:-1] == [ToolCallStart(0, "c", ""), ToolCallDelta(0, "{}"), ToolCallEnd(0)]
    cut = decoded_from(*pieces)
    assert isinstance(cut.error, TruncatedError)
    assert cut.events[1:] == [ToolCallStart(0, "c", ""), ToolCallDelta(0, "{}")]


# --- usage ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chunks",
    [
        [FINISHED, {"choices": [], "usage": TOLD}, DONE],
        [{**FINISHED, "usage": TOLD}, DONE],
        [{**FINISHED, "usage": TOLD}],
        [FINISHED, {**FINISHED, "usage": TOLD}, DONE],
        [{"choices": [], "usage": TOLD}, DONE],
        [{**chunk_of(content="a"), "usage": {"prompt_tokens": 3, "completion_tokens": 1}}, {**FINISHED, "usage": TOLD}, DONE],
        [{**FINISHED, "x_groq": {"id": "r", "usage": TOLD}}, DONE],
        [{**FINISHED, "usage": TOLD}, {"choices": [], "usage": {}}, {"choices": [], "usage": None}, DONE],
        [{"choices": [], "usage": TOLD}, {"choices": [], "moderation": {}}, DONE],
    ],
)
def test_usage_is_found_wherever_a_service_puts_it(chunks: list[Any]) -> None:
    """Before, on or after the finish, once or on every chunk: the last one counts, and it is inside Finish."""
    finish = decoded_from(*chunks).events[-1]
    assert isinstance(finish, Finish)
    assert finish.usage == Usage(3, 5)


def test_usage_that_came_is_known_when_the_answer_is_cut() -> None:
    """The decoder has it although there is no Finish."""
    assert decoded_from({**chunk_of(content="a"), "usage": TOLD}).usage == Usage(3, 5)


# --- other things -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chunk", "others"),
    [
        ({"id": "i", "choices": [], "moderation": {"a": 1}}, [Other("moderation", {"a": 1})]),
        ({**chunk_of(content="a"), "provider": "Google"}, [Other("provider", "Google")]),
        (chunk_of(content="a", annotations=[{"uri": "u"}]), [Other("annotations", {"uri": "u"}, 0)]),
        (chunk_of(audio={"id": "a", "data": "?"}), [Other("audio", {"id": "a", "data": "?"})]),
        (chunk_of(images=[{"image_url": 1}, 2]), [Other("image", {"image_url": 1}), Other("image", 2)]),
        (chunk_of(executed_tools=[{}]), [Other("executed_tools", {})]),
        (
            {"id": "i", "choices": [{"delta": {"content": "a"}, "logprobs": {"content": [1]}}]},
            [Other("logprobs", {"content": [1]}, 0)],
        ),
        ({"id": "i", "choices": [], "prompt_filter_results": [7]}, [Other("prompt_filter_results", 7)]),
        (chunk_of(content="a", annotations=[], audio=None), []),
    ],
)
def test_what_the_vocabulary_does_not_model_is_an_other(chunk: dict[str, Any], others: list[Other]) -> None:
    """The provider's word and its decoded JSON; what is empty is nothing."""
    assert decoded_from(chunk, DONE).response.others == others


def test_what_is_repeated_on_every_chunk_is_given_when_it_changes() -> None:
    """Venice tells the cost with every word."""
    chunks = [{**chunk_of(content="a"), "cost": cost} for cost in (1, 1, 2, 2)]
    assert decoded_from(*chunks, DONE).response.others == [Other("cost", 1), Other("cost", 2)]


def test_only_the_first_choice_speaks() -> None:
    """With n above 1 the other choices are given as they came, and their end is not the answer's."""
    second = {"index": 1, "delta": {"content": "b"}, "finish_reason": "stop", "extra": 7}
    decoded = decoded_from(chunk_of(content="a"), {"id": "i", "choices": [second]})
    assert isinstance(decoded.error, TruncatedError)
    assert decoded.response.text == "a"
    assert decoded.response.others == [Other("choice", second)]


@pytest.mark.parametrize(
    ("delta", "other"),
    [
        ({"content": [{"type": "text", "text": 5}]}, Other("content", 5)),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": {"a": 1}}]}]}, Other("reasoning", {"a": 1})),
        ({"content": [{"type": "thinking", "thinking": 5}]}, Other("reasoning", 5)),
        ({"reasoning_details": [{"type": "reasoning.text", "text": ["a"]}]}, Other("reasoning", ["a"])),
    ],
)
def test_what_is_no_text_where_text_belongs_is_an_other(delta: dict[str, Any], other: Other) -> None:
    """No delta holds anything but text, and nothing is dropped."""
    decoded = decoded_from(chunk_of(**delta), chunk_of(content="b"), DONE)
    assert (decoded.response.text, decoded.response.others) == ("b", [other])
