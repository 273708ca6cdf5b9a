"""The decoder of the Responses format: items and parts, in all the ways in which services depart from the description."""

from __future__ import annotations

import pytest

from bourn import dialects
from bourn.dialects.openai_responses.decoder import DIALECT
from bourn.events import (
    ChosenToken,
    Citation,
    Finish,
    Logprobs,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    ServerToolCall,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)
from bourn.messages import Reasoning
from tests.dialects.responses_wire import (
    CALL,
    COMPLETED,
    CREATED,
    FINISH,
    HELLO,
    START,
    Payload,
    added,
    done,
    event,
    message,
    run,
    said,
    text,
)


def test_the_dialect_is_found_by_its_name() -> None:
    """The table of dialects leads here."""
    assert dialects.get("openai-responses") is DIALECT


# --- texts and refusals ---


def test_a_text_is_given_as_it_comes() -> None:
    """Deltas are given at once; what repeats them, and obfuscation, gives nothing."""
    assert said(
        event("in_progress", response={"id": "r"}),
        added(0, **message(status="in_progress")),
        event("content_part.added", output_index=0, content_index=0, part=text("")),
        event("output_text.delta", output_index=0, content_index=0, delta="Hel", logprobs=[], obfuscation="xy"),
        event("output_text.delta", output_index=0, content_index=0, delta="lo", logprobs=[]),
        event("output_text.done", output_index=0, content_index=0, text="Hello"),
        event("content_part.done", output_index=0, content_index=0, part=text("Hello")),
        done(0, **message(text("Hello"), status="completed")),
    ) == [TextStart(0), TextDelta(0, "Hel"), TextDelta(0, "lo"), TextEnd(0)]


WHOLE = {
    "output_text.done": [added(0, **message()), event("output_text.done", output_index=0, content_index=0, text="Hello")],
    "content_part.done": [event("content_part.done", output_index=0, content_index=0, part=text("Hello"))],
    "output_item.done": [added(0, **message()), done(0, **message(text("Hello")))],
    "output_item.done alone": [done(0, **message(text("Hello")))],
}


@pytest.mark.parametrize("payloads", WHOLE.values(), ids=WHOLE)
def test_a_text_that_comes_whole_is_given_once(payloads: list[Payload]) -> None:
    """Whichever event is the only one to have the text, and whatever repeats it after that."""
    assert said(*payloads) == HELLO
    assert said(*payloads, done(0, **message(text("Hello")))) == HELLO


def test_an_answer_that_is_only_in_its_last_event_is_given() -> None:
    """A service that sends no item events at all still has answered."""
    call = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"}
    last = {"type": "response.completed", "response": {"status": "completed", "output": [message(text("Hello")), call]}}
    assert run(CREATED, last).events == [
        START,
        *HELLO,
        ToolCallStart(1, "c", "f"),
        ToolCallDelta(1, "{}"),
        ToolCallEnd(1),
        Finish("tool_calls", "completed"),
    ]


def test_deltas_count_where_the_whole_says_otherwise() -> None:
    """What was streamed was seen: it is not taken back (recorded of OpenAI's summaries)."""
    deltas = event("output_text.delta", output_index=0, content_index=0, delta="Hello")
    assert said(deltas, done(0, **message(text("Goodbye")))) == HELLO


def test_contents_are_matched_by_their_order() -> None:
    """Bedrock Mantle's deltas count the first content as 1; the item has it as 0, and a second one that was never streamed."""
    delta = event("output_text.delta", output_index=0, content_index=1, delta="Hello")
    second = [TextStart(1), TextDelta(1, "!"), TextEnd(1)]
    events = said(delta, done(0, **message(text("Hello"), text("!"))))
    assert events == [TextStart(0), TextDelta(0, "Hello"), *second[:2], TextEnd(0), TextEnd(1)]


def test_a_refusal_is_its_own_kind_of_part() -> None:
    """In deltas or whole, a refusal is not text."""
    refusal = {"type": "refusal", "refusal": "No."}
    expected = [RefusalStart(0), RefusalDelta(0, "No."), RefusalEnd(0)]
    assert said(done(0, **message(refusal))) == expected
    assert (
        said(
            event("content_part.added", output_index=0, content_index=0, part={"type": "refusal", "refusal": ""}),
            event("refusal.delta", output_index=0, content_index=0, delta="No."),
            event("refusal.done", output_index=0, content_index=0, refusal="No."),
            event("content_part.done", output_index=0, content_index=0, part=refusal),
            done(0, **message(refusal)),
        )
        == expected
    )


def test_a_content_of_another_type_is_not_lost() -> None:
    """A content that the vocabulary does not model is an ``Other`` of its type."""
    assert said(done(0, **message({"type": "output_audio", "data": "x"}))) == [
        Other("output_audio", {"type": "output_audio", "data": "x"})
    ]


# --- which item ---


def test_items_are_joined_on_their_place_since_ids_change() -> None:
    """Copilot gives every event of an item another id."""
    delta = event("output_text.delta", output_index=0, content_index=0, delta="Hello", item_id="b")
    assert said(added(0, **message(id="a")), delta, done(0, **message(text("Hello"), id="c"))) == HELLO


def test_interleaved_items_stay_apart() -> None:
    """Two calls at once: each delta goes to its own."""
    item = {"type": "function_call", "name": "f", "arguments": ""}
    delta = "function_call_arguments.delta"
    response = run(
        CREATED,
        added(0, **item, id="fc_a", call_id="a"),
        added(1, **item, id="fc_b", call_id="b"),
        event(delta, output_index=1, delta="[1"),
        event(delta, output_index=0, delta="[0"),
        event(delta, output_index=1, delta="]"),
        done(0, **{**item, "arguments": "[0]"}, id="fc_a", call_id="a"),
        done(1, **{**item, "arguments": "[1]"}, id="fc_b", call_id="b"),
        COMPLETED,
    ).response
    assert [(call.id, call.arguments) for call in response.tool_calls] == [("a", "[0"), ("b", "[1]")]


def test_without_places_ids_count() -> None:
    """llama.cpp sends no ``output_index``: items are told apart by item id, or by the call id where the item has none."""
    response = run(
        CREATED,
        added(None, **message(id="msg_1")),
        event("content_part.added", item_id="msg_1", part={"type": "output_text", "text": ""}),
        event("output_text.delta", item_id="msg_1", delta="He"),
        added(None, type="function_call", call_id="fc_x", name="f", arguments="", status="in_progress"),
        event("function_call_arguments.delta", item_id="fc_x", delta="{}"),
        event("output_text.delta", item_id="msg_1", delta="llo"),
        event("output_text.done", item_id="msg_1", text="Hello"),
        event("content_part.done", item_id="msg_1", part=text("Hello")),
        done(None, **message(text("Hello"), id="msg_1")),
        done(None, type="function_call", call_id="fc_x", name="f", arguments="{}", status="completed"),
        COMPLETED,
    ).response
    assert response.text == "Hello"
    assert [(call.id, call.arguments, call.complete) for call in response.tool_calls] == [("fc_x", "{}", True)]


def test_an_event_that_names_no_item_belongs_to_the_last_one() -> None:
    """Bare deltas, as home-made servers send them, are understood, with or without an announced item."""
    bare = event("output_text.delta", delta="Hello")
    assert said(bare) == HELLO
    assert said(added(None, **message()), bare, done(None, **message(text("Hello")))) == HELLO
    call = {"type": "function_call", "call_id": "c", "name": "f"}
    assert said(added(None, **call), event("function_call_arguments.delta", delta="{}"), done(None, **call)) == [
        ToolCallStart(0, "c", "f"),
        ToolCallDelta(0, "{}"),
        ToolCallEnd(0),
    ]


def test_one_place_given_to_several_items_does_not_mix_them() -> None:
    """Proxies were seen to number every item 0: type and id tell them apart."""
    thought = {"type": "reasoning", "id": "rs", "summary": []}
    response = run(
        CREATED,
        added(0, **thought),
        added(0, **message(id="msg")),
        event("reasoning_text.delta", output_index=0, item_id="rs", delta="hm"),
        event("output_text.delta", output_index=0, item_id="msg", delta="Hello"),
        done(0, **thought, encrypted_content="E"),
        done(0, **message(text("Hello"), id="msg")),
        COMPLETED,
    ).response
    assert (response.text, response.reasoning) == ("Hello", "hm")
    assert response.parts[0] == Reasoning("hm", "E", id="rs")


def test_an_id_used_twice_is_two_items() -> None:
    """The place goes before the id; the same place told twice is one item."""
    item = done(0, **message(text("Hello"), id="same"))
    assert said(item, item) == HELLO
    twice = [*HELLO, TextStart(1), TextDelta(1, "!"), TextEnd(1)]
    assert said(item, done(1, **message(text("!"), id="same"))) == twice


def test_the_event_line_names_a_payload_without_type() -> None:
    """A type in the ``event:`` line will do."""
    assert said(b'event: response.output_text.delta\ndata: {"delta":"Hello"}') == HELLO


# --- reasoning ---


def test_reasoning_keeps_its_id_and_its_encrypted_content() -> None:
    """The id of the announced item and the encrypted content of the finished one are what must be sent back."""
    item = {"type": "reasoning", "summary": []}
    assert said(
        added(0, **item, id="rs_1", encrypted_content="early"),
        event("reasoning_summary_part.added", output_index=0, summary_index=0, part={"type": "summary_text", "text": ""}),
        event("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="a"),
        event("reasoning_summary_text.done", output_index=0, summary_index=0, text="a"),
        event("reasoning_summary_part.done", output_index=0, summary_index=0, part={"type": "summary_text", "text": "a"}),
        event("reasoning_summary_text.delta", output_index=0, summary_index=1, delta="b"),
        done(0, **item, id="rs_2", encrypted_content="late"),
    ) == [ReasoningStart(0, "rs_1"), ReasoningDelta(0, "a"), ReasoningDelta(0, "b"), ReasoningEnd(0, "late")]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"summary": [], "content": []}, []),
        ({"summary": [text("a"), text("b")]}, ["a", "b"]),
        ({"summary": [text("a")], "content": [text("raw")]}, ["raw"]),
        ({"summary": [text("a")], "content": None}, ["a"]),
    ],
)
def test_reasoning_that_comes_whole_is_raw_text_or_else_its_summary(item: Payload, words: list[str]) -> None:
    """An item without deltas: its raw text counts, else its summary, else it was silent."""
    deltas = [ReasoningDelta(0, word) for word in words]
    assert said(done(0, type="reasoning", id="rs", **item)) == [ReasoningStart(0, "rs"), *deltas, ReasoningEnd(0)]


@pytest.mark.parametrize("stem", ["reasoning_text", "reasoning_summary_text"])
def test_reasoning_said_only_by_its_done_event_is_given_once(stem: str) -> None:
    """Neither the event of the piece nor that of the item repeats it."""
    whole = [
        event(f"{stem}.done", output_index=0, text="hm"),
        event(f"{stem.removesuffix('_text')}_part.done", output_index=0, part=text("hm")),
        done(0, type="reasoning", id="rs", summary=[text("hm")], content=[text("hm")]),
    ]
    for first in range(3):
        expected = [ReasoningStart(0, "rs" if first == 2 else None), ReasoningDelta(0, "hm"), ReasoningEnd(0)]
        assert said(*whole[first:]) == expected


def test_the_second_voice_of_an_item_is_not_mixed_into_the_first() -> None:
    """Raw text and a summary of one item: the first to speak is the reasoning, the other is there as an ``Other``."""
    second = event("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="in short")
    events = said(event("reasoning_text.delta", output_index=0, content_index=0, delta="hm"), second)
    assert events == [ReasoningStart(0), ReasoningDelta(0, "hm"), Other(second["type"], second), ReasoningEnd(0)]


def test_reasoning_announced_as_text_is_no_text() -> None:
    """The content of a reasoning item is announced as ``output_text`` by vLLM, as ``reasoning_text`` by OpenRouter."""
    for type in ("output_text", "reasoning_text"):
        part = {"type": type, "text": ""}
        assert said(
            added(0, type="reasoning", id="rs"),
            event("content_part.added", output_index=0, content_index=0, part=part),
            event("reasoning_text.delta", output_index=0, content_index=0, delta="hm"),
            event("content_part.done", output_index=0, content_index=0, part={**part, "text": "hm"}),
            done(0, type="reasoning", id="rs", content=[text("hm")]),
        ) == [ReasoningStart(0, "rs"), ReasoningDelta(0, "hm"), ReasoningEnd(0)]


# --- calls ---


ARGUMENTS = [
    [event("function_call_arguments.delta", output_index=0, delta="{}")],
    [event("function_call_arguments.done", output_index=0, arguments="{}")],
    [],
]


@pytest.mark.parametrize("events", ARGUMENTS)
def test_arguments_are_given_once_however_they_come(events: list[Payload]) -> None:
    """In deltas, in the event that ends them, or only in the finished item."""
    expected = [ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{}"), ToolCallEnd(0)]
    assert said(added(0, **CALL, arguments=""), *events, done(0, **CALL, arguments="{}")) == expected
    assert said(*events, done(0, **CALL, arguments="{}"))[-3:] == expected


def test_a_call_without_arguments_has_none() -> None:
    """Nothing is invented for a call whose arguments never come."""
    assert said(added(0, **CALL), done(0, **CALL, arguments="")) == [ToolCallStart(0, "c", "f"), ToolCallEnd(0)]


def test_a_custom_call_carries_text() -> None:
    """Its input is given as arguments, marked as custom."""
    item = {"type": "custom_tool_call", "call_id": "c", "name": "f"}
    assert said(
        added(0, **item, input=""),
        event("custom_tool_call_input.delta", output_index=0, delta="go"),
        event("custom_tool_call_input.done", output_index=0, input="go"),
        done(0, **item, input="go"),
    ) == [ToolCallStart(0, "c", "f", custom=True), ToolCallDelta(0, "go"), ToolCallEnd(0)]


def test_a_call_that_the_token_limit_cut_is_never_ended() -> None:
    """OpenAI sends ``.done`` for it all the same; the item's status tells (recorded of gpt-5-mini)."""
    limit = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    decoded = run(
        CREATED,
        added(0, **CALL, arguments=""),
        event("function_call_arguments.delta", output_index=0, delta='{"a'),
        event("function_call_arguments.done", output_index=0, arguments='{"a'),
        done(0, **CALL, arguments='{"a', status="incomplete"),
        event("incomplete", response=limit),
    )
    assert decoded.events[1:] == [ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"a'), Finish("length", "max_output_tokens")]
    assert not decoded.response.tool_calls[0].complete


@pytest.mark.parametrize(("terminal", "complete"), [("completed", True), ("incomplete", False)])
def test_a_call_whose_item_was_never_done_ends_with_a_completed_answer(terminal: str, complete: bool) -> None:
    """A completed answer has no cut calls; of an incomplete one nobody knows."""
    response = run(CREATED, added(0, **CALL), event(terminal, response={"status": terminal})).response
    assert response.tool_calls[0].complete is complete


def test_a_call_that_the_service_answers_itself_is_no_tool_call() -> None:
    """A search of X is sent by xAI as a custom call with an id of its own kind: nobody here has to run it."""
    item = {"type": "custom_tool_call", "call_id": "xs_call_1", "name": "x_keyword_search", "input": "{}"}
    delta = event("custom_tool_call_input.delta", output_index=0, delta="{}")
    decoded = run(CREATED, added(0, **item), delta, done(0, **item), COMPLETED)
    call = ServerToolCall(None, "x_keyword_search", "{}", item)
    assert decoded.events == [START, Other(delta["type"], delta), call, FINISH]


# --- others ---


def test_an_item_of_the_services_own_is_given_once_and_its_events_as_they_are() -> None:
    """A search: its progress by the events' types, then its call, which is known when the item is done."""
    progress = event("web_search_call.searching", output_index=0, item_id="ws")
    item = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"query": "q"}}
    assert said(added(0, type="web_search_call", id="ws"), progress, done(0, **item)) == [
        Other("response.web_search_call.searching", progress),
        ServerToolCall("ws", "web_search", '{"query":"q"}'),
    ]


def test_an_item_that_was_announced_and_never_done_is_not_lost() -> None:
    """Its last state is in the terminal event, or else what was announced is all there is (recorded of mcp_list_tools)."""
    first, second = {"type": "mcp_list_tools", "id": "a", "tools": []}, {"type": "mcp_list_tools", "id": "b", "tools": []}
    whole = {**first, "tools": [1]}
    last = {"type": "response.completed", "response": {"status": "completed", "output": [whole]}}
    decoded = run(CREATED, added(0, **first), added(1, **second), last)
    assert decoded.events[1:-1] == [Other("mcp_list_tools", whole), Other("mcp_list_tools", second)]


def test_annotations_are_given_once_with_the_part_they_belong_to() -> None:
    """As events where they come as events, else from the finished content."""
    note = {"type": "url_citation", "url": "u"}
    delta = event("output_text.delta", output_index=0, content_index=0, delta="Hello")
    noted = event("output_text.annotation.added", output_index=0, content_index=0, annotation_index=0, annotation=note)
    whole = event("content_part.done", output_index=0, content_index=0, part=text("Hello", annotations=[note]))
    item = done(0, **message(text("Hello", annotations=[note])))
    expected = [TextStart(0), TextDelta(0, "Hello"), Citation(0, "u", raw=note), TextEnd(0)]
    for events in ([delta, noted, whole, item], [delta, whole, item], [delta, item], [whole, item], [item]):
        assert said(*events) == expected


def test_what_has_no_room_in_a_part_is_told_beside_it() -> None:
    """Log probabilities, where asked for; a message's phase; a call's namespace."""
    assert said(event("output_text.delta", output_index=0, delta="a", logprobs=[{"token": "a"}])) == [
        TextStart(0),
        TextDelta(0, "a"),
        Logprobs((ChosenToken("a"),), 0, [{"token": "a"}]),
        TextEnd(0),
    ]
    assert said(added(0, **message(phase="commentary"))) == [Other("phase", "commentary")]
    assert said(done(0, **CALL, namespace="crm"))[:2] == [ToolCallStart(0, "c", "f"), Other("namespace", "crm", 0)]


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "response.quantum.delta", "delta": {"not": "text"}, "response": 3},
        {"type": "response.image_generation_call.partial_image", "partial_image_b64": "iVBO"},
        {"type": "codex.rate_limits", "item": "x"},
        {"neither": "type", "nor": "error"},
        {"type": ["a", "list"]},
        {"type": {"an": "object"}, "response": 3},
    ],
)
def test_an_event_that_nobody_knows_is_passed_on(payload: Payload) -> None:
    """Whatever its fields are."""
    assert said(payload) == [Other(str(payload.get("type", "unknown")), payload)]


def test_pings_are_no_events() -> None:
    """Comments and OpenAI's undocumented ``keepalive`` are nobody's progress, not even the beginning of the answer."""
    ping: Payload = {"type": "keepalive", "sequence_number": 3}
    assert run(b": keepalive", ping, CREATED, ping, COMPLETED).events == [START, FINISH]
