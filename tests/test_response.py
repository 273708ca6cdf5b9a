"""A response is the fold of what came: right at every prefix, honest about what is not whole, linear in cost."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Iterable
from types import FrameType
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.errors import RateLimitError
from bourn.events import (
    ENDS,
    STARTS,
    AnyEvent,
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
    Restart,
    Safety,
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
from bourn.messages import Message, Reasoning, Refusal, Text, ToolCall
from bourn.response import Attempt, Media, Response, ResponsePart
from bourn.testing.strategies import KINDS, event_runs, notes

runs = event_runs(kinds=KINDS, other=notes, indexes=st.integers(-5, 50), cut_calls=True)
prefixes = runs.flatmap(lambda run: st.sampled_from([run[:end] for end in range(len(run), -1, -1)]))


def folded(events: Iterable[Event]) -> Response:
    response = Response("groq", "llama")
    for event in events:
        response.fold(event)
    return response


def indexed(event: Event) -> int:
    index: int = event.index  # type: ignore[attr-defined]  # the caller asks only events of a part
    return index


def ended(events: list[Event]) -> dict[int, bool]:
    """The parts in the order of their starts: index to whether the end came."""
    ends = {indexed(event) for event in events if type(event) in ENDS}
    return {indexed(event): indexed(event) in ends for event in events if type(event) in STARTS}


def as_events(parts: Iterable[ResponsePart]) -> Iterable[Event]:
    """Parts said again as events, each in one piece."""
    for index, part in enumerate(parts):
        match part:
            case Text(text, signature):
                yield from (TextStart(index), TextDelta(index, text), TextEnd(index, signature))
            case Refusal(text):
                yield from (RefusalStart(index), RefusalDelta(index, text), RefusalEnd(index))
            case Reasoning(text, signature, redacted, id, complete):
                yield from (ReasoningStart(index, id), ReasoningDelta(index, text))
                if complete:
                    yield ReasoningEnd(index, signature, redacted)
            case ToolCall(id, name, arguments, complete, custom, signature):
                yield from (ToolCallStart(index, id, name, custom), ToolCallDelta(index, arguments))
                if complete:
                    yield ToolCallEnd(index, signature)
            case Media(media_type, data, url, transcript, id, signature, complete):
                yield from (MediaStart(index, media_type, id, url), MediaDelta(index, data, transcript))
                if complete:
                    yield MediaEnd(index, signature)


# at every prefix


@given(prefixes)
def test_text_is_the_join_of_its_deltas(events: list[Event]) -> None:
    """Text, reasoning and refusal are their own deltas joined, part after part, whatever was cut."""
    response = folded(events)
    order = list(ended(events))
    for kind, said in (
        (TextDelta, response.text),
        (ReasoningDelta, response.reasoning),
        (RefusalDelta, response.refusal or ""),
    ):
        deltas = sorted((e for e in events if isinstance(e, kind)), key=lambda e: order.index(e.index))
        assert said == "".join(delta.text for delta in deltas)


@given(prefixes)
def test_complete_only_after_finish(events: list[Event]) -> None:
    """Without Finish nothing is claimed: no reason, no usage, not complete."""
    response = folded(events)
    finish = events[-1] if events and isinstance(events[-1], Finish) else None
    assert response.complete is (finish is not None)
    claims = (response.finish_reason, response.raw_finish_reason, response.usage, response.verified)
    told = (finish.reason, finish.raw_reason, finish.usage, finish.verified) if finish else (None, None, None, False)
    assert claims == told


@given(prefixes)
def test_parts_stand_in_the_order_of_their_starts(events: list[Event]) -> None:
    """Each start becomes one part, and a part without its end is not complete."""
    response = folded(events)
    state = ended(events)
    kinds = {"text": Text, "refusal": Refusal, "reasoning": Reasoning, "tool_call": ToolCall, "media": Media}
    assert [type(part) for part in response.parts] == [kinds[STARTS[type(event)]] for event in events if type(event) in STARTS]
    ids = {event.index: event.id for event in events if isinstance(event, ReasoningStart | ToolCallStart | MediaStart)}
    for part, (index, whole) in zip(response.parts, state.items(), strict=True):
        if isinstance(part, Reasoning | ToolCall | Media):
            assert (part.complete, part.id) == (whole, ids[index])
        if not isinstance(part, Refusal) and not whole:
            assert part.signature is None


@given(prefixes)
def test_tool_calls_are_their_pieces_joined(events: list[Event]) -> None:
    """A call has the id and name of its start and the argument text that came, exactly."""
    response = folded(events)
    calls = [event for event in events if isinstance(event, ToolCallStart)]
    for call, start in zip(response.tool_calls, calls, strict=True):
        pieces = [event.arguments for event in events if isinstance(event, ToolCallDelta) and event.index == start.index]
        assert (call.id, call.name, call.custom, call.arguments) == (start.id, start.name, start.custom, "".join(pieces))


@given(prefixes)
def test_nothing_is_dropped(events: list[Event]) -> None:
    """What is said beside the parts is kept in order, each kind in its place."""
    response = folded(events)
    assert response.others == [event for event in events if isinstance(event, Other)]
    assert response.citations == [event for event in events if isinstance(event, Citation)]
    assert response.server_tools == [event for event in events if isinstance(event, ServerToolCall | ServerToolResult)]
    assert response.safety == [event for event in events if isinstance(event, Safety)]
    assert response.logprobs == tuple(token for event in events if isinstance(event, Logprobs) for token in event.tokens)


@given(prefixes)
def test_to_dict_is_json(events: list[Event]) -> None:
    """The plain data survives JSON, and says what the attributes say."""
    response = folded(events)
    data = response.to_dict()
    assert json.loads(json.dumps(data)) == data
    assert (data["text"], data["complete"], len(data["tool_calls"])) == (
        response.text,
        response.complete,
        len(response.tool_calls),
    )


@given(prefixes)
def test_the_message_can_be_turned_around(events: list[Event]) -> None:
    """The answer is a message of the assistant that survives JSON and has the same text."""
    response = folded(events)
    message = response.message
    assert message.role == "assistant"
    assert message.text == response.text
    assert message.parts == tuple(part for part in response.parts if not isinstance(part, Media))
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message


@given(prefixes)
def test_parts_said_again_fold_to_the_same_parts(events: list[Event]) -> None:
    """Folding is faithful: from the parts alone, events can be made that fold to them."""
    parts = folded(events).parts
    assert folded([Start(), *as_events(parts)]).parts == parts


@given(prefixes)
def test_looking_changes_nothing(events: list[Event]) -> None:
    """A response may be looked at after every event; it comes out the same."""
    looked_at = Response("groq", "llama")
    for event in events:
        looked_at.fold(event)
        assert repr(looked_at).startswith("<Response ")
        assert looked_at.to_dict() == looked_at.to_dict()
    assert (looked_at.parts, looked_at.to_dict()) == (folded(events).parts, folded(events).to_dict())


# single facts


def test_every_event_can_be_folded() -> None:
    """The table of folds has all events."""
    assert set(Response._FOLDS) == set(get_args(AnyEvent))


def test_before_anything_came() -> None:
    """A new response is empty and says so."""
    response = Response()
    assert (response.text, response.reasoning, response.refusal, response.parts, response.complete) == ("", "", None, (), False)
    assert (response.id, response.model, response.provider, response.warnings, response.usage) == (None, None, None, (), None)


@pytest.mark.parametrize(
    ("start", "who"),
    [(Start(), ("groq", "llama")), (Start(model="llama-3.3"), ("groq", "llama-3.3")), (Start(provider="x"), ("x", "llama"))],
)
def test_who_answered(start: Start, who: tuple[str, str]) -> None:
    """What Start tells replaces what was asked for; what it does not tell stays."""
    response = folded([start])
    assert (response.provider, response.model) == who


def test_start_brings_id_and_warnings() -> None:
    """The provider's id and what could not be expressed are there from the first event on."""
    response = folded([Start("id", warnings=("seed is not sent",))])
    assert (response.id, response.warnings) == ("id", ("seed is not sent",))
    assert response.to_dict()["warnings"] == ["seed is not sent"]


def test_an_unverified_end_is_told_apart() -> None:
    """A body that merely ended is complete but not verified."""
    response = folded([Start(), Finish("other", verified=False)])
    assert (response.complete, response.verified) == (True, False)


def test_a_whole_answer() -> None:
    """Every kind of part, interleaved, and the usage."""
    usage = Usage(10, 5, reasoning_tokens=2)
    response = folded(
        [
            *(Start("id"), ReasoningStart(3, "rs"), ReasoningDelta(3, "hm"), TextStart(1), TextDelta(1, "Hel")),
            *(ReasoningEnd(3, "sig"), ToolCallStart(7, "call", "f"), TextDelta(1, "lo"), ToolCallDelta(7, "{"), Other("x")),
            *(
                TextEnd(1, "ts"),
                ToolCallDelta(7, "}"),
                ToolCallEnd(7, "cs"),
                RefusalStart(9),
                RefusalDelta(9, "no"),
                RefusalEnd(9),
            ),
            Finish("tool_calls", "tool_use", usage),
        ]
    )
    assert response.parts == (
        Reasoning("hm", "sig", id="rs"),
        Text("Hello", "ts"),
        ToolCall("call", "f", "{}", signature="cs"),
        Refusal("no"),
    )
    assert (response.text, response.reasoning, response.refusal) == ("Hello", "hm", "no")
    assert (response.finish_reason, response.raw_finish_reason, response.usage) == ("tool_calls", "tool_use", usage)
    assert response.to_dict()["usage"]["input_tokens"] == 10


def test_media_is_its_pieces_joined() -> None:
    """Bytes and spoken words come in pieces of their own; speech that was cut is not complete."""
    speech = [
        MediaStart(0, "audio", "a1"),
        MediaDelta(0, b"\x01", "Hel"),
        MediaDelta(0, transcript="lo"),
        MediaDelta(0, b"\x02"),
    ]
    picture: list[Event] = [MediaStart(1, "image/png", url="https://a/b.png"), MediaEnd(1, "sig")]
    response = folded([Start(), *speech, *picture])
    cut = Media("audio", b"\x01\x02", None, "Hello", "a1", complete=False)
    assert response.media == response.parts == (cut, Media("image/png", url="https://a/b.png", signature="sig"))
    assert response.to_dict()["media"][0]["data"] == "AQI="


def test_what_is_beside_the_text_is_in_the_plain_data() -> None:
    """Citations, server tools, log probabilities, verdicts and the service tier are told under their names."""
    notes: list[Event] = [Citation(url="u"), ServerToolCall("s", "search"), ServerToolResult("s"), Safety("prompt")]
    data = folded([Start(), *notes, Logprobs((ChosenToken("a", -0.5),)), Finish("stop", service_tier="flex")]).to_dict()
    assert [event["event"] for event in (*data["citations"], *data["server_tools"], *data["safety"])] == [
        "citation", "server_tool_call", "server_tool_result", "safety",
    ]  # fmt: skip
    assert (data["logprobs"][0]["token"], data["service_tier"]) == ("a", "flex")


def test_a_restart_leaves_nothing_of_what_came_before() -> None:
    """Parts, others, usage and ids of the answer that broke off are gone; the attempts stay."""
    before: list[Event] = [Start("1", "m", "p", ("w",)), TextStart(0), TextDelta(0, "gone"), Other("x"), ReasoningStart(1, "r")]
    response = folded([*before, Restart((0, 1), "cut")])
    response.attempts = (Attempt(provider="p", model="m", outcome="failed"),)
    assert (response.parts, response.others, response.id, response.warnings) == ((), [], None, ())
    for event in [
        Start("2"),
        TextStart(0),
        TextDelta(0, "new"),
        Restart((0,), "cut"),
        Start("3"),
        TextStart(0),
        Finish("stop"),
    ]:
        response.fold(event)
    assert (response.text, response.id, response.complete, len(response.attempts)) == ("", "3", True, 1)


def test_an_attempt_is_plain_data() -> None:
    """`to_dict` names the error and leaves the response out; a response lists its attempts."""
    error = RateLimitError("slow down", provider="p", model="m")
    attempt = Attempt(
        provider="p", model="m", outcome="failed", error=error, response=Response(), usage=Usage(1), waited=2.0004
    )
    told = attempt.to_dict()
    assert told["error"] == {"type": "RateLimitError", "message": "slow down"}
    assert (told["usage"]["input_tokens"], told["waited"], told["outcome"]) == (1, 2.0, "failed")
    assert "response" not in told
    response = Response()
    response.attempts = (attempt,)
    assert json.loads(json.dumps(response.to_dict()))["attempts"] == [told]


def test_redacted_thinking_keeps_its_signature() -> None:
    """Thinking that was withheld is a part without text that must be sent back."""
    response = folded([Start(), ReasoningStart(0), ReasoningEnd(0, "secret", redacted=True)])
    assert response.parts == (Reasoning("", "secret", redacted=True),)


def test_repr_stays_short() -> None:
    """A response of a million characters prints as one line."""
    response = folded([Start(), TextStart(0), TextDelta(0, "x" * 1_000_000)])
    assert len(repr(response)) < 200
    assert "complete=False" in repr(response)


# cost


def memory(count: int) -> int:
    """Bytes that a response of so many deltas holds."""
    tracemalloc.start()
    try:
        response = folded([Start(), TextStart(0)])
        for number in range(count):
            response.fold(TextDelta(0, f"{number:08}"))
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_memory_is_linear() -> None:
    """Twice the deltas take twice the memory, under 100 bytes for each of eight characters."""
    once, twice = memory(20_000), memory(40_000)
    assert once < 20_000 * 100
    assert twice < 2.2 * once


def calls(response: Response, event: Event) -> int:
    made = 0

    def count(frame: FrameType, what: str, arg: object) -> None:
        nonlocal made
        made += what in {"call", "c_call"}

    sys.setprofile(count)
    try:
        response.fold(event)
    finally:
        sys.setprofile(None)
    return made


def test_a_late_event_costs_what_an_early_one_did() -> None:
    """The first delta and the hundred-thousandth take the same few calls, and no copy of what came before."""
    response = folded([Start(), TextStart(0)])
    early = min(calls(response, TextDelta(0, "x")) for _ in range(3))
    for _ in range(100_000):
        response.fold(TextDelta(0, "x"))
    assert min(calls(response, TextDelta(0, "x")) for _ in range(3)) == early <= 6
    assert min(allocated(response, TextDelta(0, "x")) for _ in range(10)) < 500


def allocated(response: Response, event: Event) -> int:
    """The most bytes that folding the event takes for a moment."""
    tracemalloc.start()
    try:
        response.fold(event)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
