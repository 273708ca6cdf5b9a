"""Scenarios become legal events, composed as they are written, at the times that were asked for; the seed decides the rest."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest

from bourn.dialects.base import WireError
from bourn.errors import InputError
from bourn.events import CONTENT_EVENTS, Event, Finish, OrderCheck, Other, TextDelta, ToolCallDelta, Usage
from bourn.messages import Message, Request, Text, ToolCall
from bourn.mock import (
    Answer,
    Scenario,
    computed,
    do,
    echo,
    empty,
    error,
    faults,
    finish,
    http_error,
    ops,
    other,
    pause,
    reasoning,
    refusal,
    text,
    together,
    tool_call,
    turns,
    usage,
)
from bourn.mock.play import Beat, play
from bourn.mock.steps import Failed
from bourn.response import Response

ASKED = Request("m", (Message("user", "three little words"),))


def played(scenario: Scenario, seed: int = 1, turn: int = 0, request: Request = ASKED) -> list[Beat]:
    return list(play(scenario.pick(request, turn), request, random.Random(seed)))


def folded(beats: Iterable[Beat]) -> Response:
    order, response = OrderCheck(), Response()
    for beat in beats:
        if isinstance(beat, Event):
            order.feed(beat)
            response.fold(beat)
    return response


def test_text_is_said_word_by_word_and_nothing_is_lost():
    said = "  Héllo\n\nworld,\tand a-very-long-word-that-has-no-end " * 3
    beats = played(text(said))
    assert folded(beats).text == said
    assert sum(isinstance(beat, TextDelta) for beat in beats) == 19
    assert [beat.text for beat in played(text("one two", "three", whole=True)) if isinstance(beat, TextDelta)] == [
        "one two",
        "three",
    ]


def test_an_answer_of_everything_is_legal_and_folds_to_what_was_written():
    everything = (
        reasoning("Let me think.", signature="sig", id="r1")
        + text("Hello")
        + other("citations", [1])
        + refusal("No.")
        + tool_call("f", {"a": [1, "ü"]}, id="c1")
        + tool_call("g", "not json", custom=True)
        + usage(3, 4, cached_tokens=2)
        + finish("length", "max_tokens")
    )
    response = folded(played(everything))
    assert (response.text, response.reasoning, response.refusal) == ("Hello", "Let me think.", "No.")
    first, second = response.tool_calls
    assert first == ToolCall("c1", "f", '{"a":[1,"ü"]}')
    assert (second.name, second.arguments, second.custom) == ("g", "not json", True)
    assert (response.finish_reason, response.raw_finish_reason) == ("length", "max_tokens")
    assert response.usage == Usage(3, 4, cached_tokens=2)
    assert response.others == [Other("citations", [1])]
    assert response.complete


def test_what_is_not_said_is_counted_or_follows_from_the_parts():
    said = folded(played(text("one two three")))
    assert (said.finish_reason, said.usage) == ("stop", Usage(3, 3))
    assert folded(played(text("Hm.") + tool_call("f"))).finish_reason == "tool_calls"
    assert folded(played(text("x") + usage())).usage is None
    nothing = folded(played(empty()))
    assert (nothing.text, nothing.complete, nothing.finish_reason) == ("", True, "stop")


def test_parts_said_together_interleave():
    beats = played(together(tool_call("f", {"a": 1}, id="1"), text("a b c"), tool_call("g", {"b": 22222222}, id="2")))
    response = folded(beats)
    assert [call.arguments for call in response.tool_calls] == ['{"a":1}', '{"b":22222222}']
    indexes = [beat.index for beat in beats if isinstance(beat, TextDelta | ToolCallDelta)]
    assert indexes != sorted(indexes)
    with pytest.raises(InputError, match="can be said together"):
        together(text("a"), pause(1))


def test_pauses_and_ops_stay_where_they_were_written():
    beats = played(text("a", 2.5, "b", ops.WaitFor("x")) + pause(3) + do(ops.Note("here")))
    kept = [
        beat.text if isinstance(beat, TextDelta) else beat
        for beat in beats
        if not isinstance(beat, Event) or isinstance(beat, TextDelta)
    ]
    assert kept == ["a", 2.5, "b", ops.WaitFor("x"), 3, ops.Note("here")]


def test_an_error_ends_the_answer_without_a_finish():
    beats = played(text("a") + error("no more", type="overloaded_error", code="x", status=529) + text("never"))
    assert beats[-1] == Failed(WireError("no more", "overloaded_error", "x"), 529)
    assert not any(isinstance(beat, Finish) for beat in beats)


def test_an_http_error_stands_alone():
    refused = http_error(429, "slow down", code="rate", retry_after=1.5)
    assert refused.error is not None
    assert (refused.error.status, refused.error.headers) == (429, {"retry-after": "1.5"})
    with pytest.raises(InputError, match="use turns"):
        text("a") + refused
    with pytest.raises(InputError, match="from 300 to 599, not 200"):
        http_error(200)


def waits(scenario: Scenario, seed: int = 1) -> list[float]:
    """The pause before each piece of content."""
    found, before = [], 0.0
    for beat in played(scenario, seed):
        if isinstance(beat, float):
            before += beat
        elif type(beat) in CONTENT_EVENTS:
            found.append(before)
            before = 0.0
    return found


def test_the_first_content_comes_after_its_delay_and_the_rest_at_the_rate():
    assert waits(text("a b c d").paced(first=2, rate=10)) == [2, 0.1, 0.1, 0.1]
    assert waits(text("a b").paced(first=2)) == [2, 0]


def test_bursts_keep_the_rate():
    assert waits(text("a b c d e f g").paced(rate=10, burst=3)) == pytest.approx([0, 0, 0, 0.3, 0, 0, 0.3])


def test_jitter_stays_within_its_bounds_and_follows_the_seed():
    jittered = text("a " * 200).paced(first=1, rate=10, jitter=0.5)
    times = waits(jittered)
    assert times == waits(jittered)
    assert times != waits(jittered, seed=2)
    assert all(0.05 <= time <= 0.15 for time in times[1:])
    assert max(times[1:]) > 0.14
    assert min(times[1:]) < 0.06


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"first": -1}, {"jitter": 2}, {"burst": 0}])
def test_a_pace_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="the pace of a scenario: .*" + next(iter(wrong))):
        text("a").paced(**wrong)


def test_joining_keeps_the_first_pace_and_all_faults():
    a, b = text("a").paced(rate=1).broken(faults.Bom()), text("b").paced(rate=2).broken(faults.Drip())
    assert isinstance(a, Answer)
    assert isinstance(b, Answer)
    joined = a + b
    assert joined.timing == a.timing
    assert joined.faults == (faults.Bom(), faults.Drip())
    with pytest.raises(TypeError):
        text("a") + "b"  # type: ignore[operator]  # that is the mistake


def test_turns_follow_each_other_and_one_too_many_is_an_error():
    two = turns(text("one").broken(faults.Bom()), turns(text("two"))).paced(rate=5).broken(faults.Drip())
    assert [folded(played(two, turn=turn)).text for turn in (0, 1)] == ["one", "two"]
    first = two.pick(ASKED, 0)
    assert first.faults == (faults.Drip(), faults.Bom())
    assert first.timing is not None
    with pytest.raises(InputError, match="has 2 turns, and this is request 3"):
        two.pick(ASKED, 2)
    with pytest.raises(InputError, match="at least one"):
        turns()


def test_an_answer_can_be_computed_from_the_request():
    def loop(request: Request) -> Scenario | str:
        if request.messages[-1].role == "tool":
            return "done"
        return tool_call("f", {"n": len(request.messages)})

    assert folded(played(computed(loop))).tool_calls[0].arguments == '{"n":1}'
    later = Request("m", (*ASKED.messages, Message("tool", (Text("42"),))))
    assert folded(played(computed(loop), request=later)).text == "done"
    assert folded(played(echo())).text == "three little words"
    with pytest.raises(InputError, match="must be a scenario or a string, not int"):
        played(computed(lambda _: 3))  # type: ignore[arg-type, return-value]  # that is the mistake


def test_ids_come_from_the_dice():
    first, again, another = (folded(played(tool_call("f"), seed)) for seed in (1, 1, 2))
    assert (first.id, first.tool_calls[0].id) == (again.id, again.tool_calls[0].id)
    assert first.id != another.id
    assert first.tool_calls[0].id != another.tool_calls[0].id
