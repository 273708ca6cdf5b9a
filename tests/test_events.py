"""The vocabulary of events and the order in which they may come."""

from __future__ import annotations

import typing
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bourn.errors import EventOrderError
from bourn.events import (
    CONTENT_EVENTS,
    DELTAS,
    ENDS,
    LEGAL_ORDER,
    MAY_STAY_OPEN,
    NOTES,
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
    OrderCheck,
    Other,
    Phase,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    RefusalStart,
    Restart,
    Safety,
    SafetyRating,
    ServerToolCall,
    ServerToolResult,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    TokenLogprob,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.testing.strategies import KINDS, Layout, chosen_tokens, chunkings, event_runs, json_values, notes, usages

EVENTS: tuple[type[Event], ...] = get_args(AnyEvent)
SAMPLES: dict[type[Event], Event] = {
    Start: Start("id", "model", "provider", ("a warning",)),
    TextStart: TextStart(0),
    TextDelta: TextDelta(0, "x"),
    TextEnd: TextEnd(0, "sig"),
    RefusalStart: RefusalStart(0),
    RefusalDelta: RefusalDelta(0, "x"),
    RefusalEnd: RefusalEnd(0),
    ReasoningStart: ReasoningStart(0, "r"),
    ReasoningDelta: ReasoningDelta(0, "x"),
    ReasoningEnd: ReasoningEnd(0, "sig", redacted=True),
    ToolCallStart: ToolCallStart(0, "call", "tool", custom=True),
    ToolCallDelta: ToolCallDelta(0, "{}"),
    ToolCallEnd: ToolCallEnd(0, "sig"),
    MediaStart: MediaStart(0, "image/png", "m", "https://a/b.png"),
    MediaDelta: MediaDelta(0, b"\x89PNG", "x"),
    MediaEnd: MediaEnd(0, "sig"),
    Citation: Citation(0, "https://a/b", "title", "doc", "quote", "text", 1, 5, {"a": [1]}),
    Logprobs: Logprobs((ChosenToken("a", -0.5, b"a", (TokenLogprob("b", -1.5, b"b"),)),), 0, {"a": [1]}),
    ServerToolCall: ServerToolCall("call", "web_search", "{}", {"a": [1]}),
    ServerToolResult: ServerToolResult("call", "web_search", [1], is_error=True, raw={"a": [1]}),
    Safety: Safety("prompt", (SafetyRating("hate", "high", blocked=True),), {"a": [1]}),
    Other: Other("citation", {"a": [1]}, 0),
    Restart: Restart((0,), "cut"),
    Finish: Finish("stop", "end_turn", Usage(1, 2, 3, 4, 5), verified=False, service_tier="flex"),
}
runs = event_runs(kinds=KINDS, other=notes, indexes=st.integers(-5, 50), cut_calls=True)
every_event = pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)


def number(event: Event) -> int:
    """The index of an event that has one."""
    index: int = event.index  # type: ignore[attr-defined]  # all but Start and Finish have it
    return index


def any_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Events of one type with any values its annotations allow."""
    hints = typing.get_type_hints(kind)
    free = ("payload", "raw", "content")
    fields = {name: json_values if name in free else st.from_type(hints[name]) for name in kind.__struct_fields__}
    if kind is Logprobs:
        fields["tokens"] = st.lists(chosen_tokens, max_size=2).map(tuple)
    return st.builds(kind, **fields)


def check(events: typing.Iterable[Event]) -> OrderCheck:
    order = OrderCheck()
    for event in events:
        order.feed(event)
    return order


def is_legal(events: list[Event]) -> bool:
    """The order, said a second time, as sentences about the whole run."""
    if not events:
        return True
    restart = next((place for place, event in enumerate(events) if type(event) is Restart), None)
    if restart is not None:
        return _may_restart(events[:restart], events[restart]) and is_legal(events[restart + 1 :])
    if type(events[0]) is not Start or any(type(event) is Start for event in events[1:]):
        return False
    if any(type(event) is Finish for event in events[:-1]):
        return False
    for place, event in enumerate(events):
        index = getattr(event, "index", None) if type(event) in NOTES else None
        if index is not None and not any(type(e) in STARTS and number(e) == index for e in events[:place]):
            return False
    middle = [event for event in events if type(event) not in (Start, Finish, *NOTES)]
    stories = {number(event): [e for e in middle if number(e) == number(event)] for event in middle}
    over = type(events[-1]) is Finish
    return all(_is_legal_part(story, over) for story in stories.values())


def _may_restart(before: list[Event], restart: Event) -> bool:
    begun = [event for event in before if type(event) in STARTS]
    calls = [event for event in begun if type(event) is ToolCallStart]
    told = restart == Restart(tuple(map(number, begun)), getattr(restart, "reason", ""))
    return bool(before) and is_legal(before) and type(before[-1]) is not Finish and told and not calls


def _is_legal_part(story: list[Event], over: bool) -> bool:
    first, *rest = story
    part = STARTS.get(type(first))
    if part is None:
        return False
    ended = bool(rest) and ENDS.get(type(rest[-1])) == part
    deltas = rest[:-1] if ended else rest
    right = all(
        DELTAS.get(type(delta)) == part
        and any(getattr(delta, name, "") for name in ("text", "arguments", "data", "transcript"))
        for delta in deltas
    )
    return right and (ended or not over or part == "tool_call")


# the union and the tables


def test_any_event_lists_every_event() -> None:
    """AnyEvent is all subclasses of Event, and the samples below cover it."""
    assert set(EVENTS) == set(Event.__subclasses__()) == set(SAMPLES)


def test_names_on_the_wire_are_distinct_snake_case() -> None:
    """Each event's tag is its class name in snake case."""
    tags = {kind.__struct_config__.tag for kind in EVENTS}
    names = {"".join(f"_{char.lower()}" if char.isupper() else char for char in kind.__name__)[1:] for kind in EVENTS}
    assert tags == names


def test_part_tables_speak_of_the_same_kinds() -> None:
    """Starts, deltas, ends and the checker know the same part kinds, one class each."""
    kinds = set(OrderCheck.PART_KINDS)
    assert set(STARTS.values()) == set(DELTAS.values()) == set(ENDS.values()) == kinds == set(KINDS)
    assert len(STARTS) == len(DELTAS) == len(ENDS) == len(kinds)
    assert kinds >= MAY_STAY_OPEN


def test_the_table_of_order_is_complete() -> None:
    """Every event has a place in the table, nothing is legal after the finish, and only a restart leads back."""
    assert {kind for _, kind in LEGAL_ORDER} == set(EVENTS)
    assert {phase for phase, _ in LEGAL_ORDER} == {"before", "open"}
    assert [kind for (phase, kind), after in LEGAL_ORDER.items() if after == "finished"] == [Finish]
    assert [kind for (phase, kind), after in LEGAL_ORDER.items() if after == "before"] == [Restart]


def test_content_events_give_a_piece_of_the_answer() -> None:
    """All deltas are content; what merely opens, closes or judges is not, but for names, addresses and a signed thought."""
    assert set(DELTAS) < CONTENT_EVENTS
    named = {ToolCallStart, MediaStart, ReasoningEnd, Citation, ServerToolCall, ServerToolResult}
    assert set(DELTAS) | named == CONTENT_EVENTS


# values


@every_event
def test_events_cannot_be_changed(kind: type[Event]) -> None:
    """Setting a field of an event is refused."""
    field = kind.__struct_fields__[0]
    with pytest.raises(AttributeError, match="immutable"):
        setattr(SAMPLES[kind], field, None)


@every_event
@given(data=st.data())
def test_json_round_trip(kind: type[Event], data: st.DataObject) -> None:
    """Written as JSON and read as AnyEvent, an event is the same again."""
    event = data.draw(any_of(kind))
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyEvent)
    again = decoder.decode(msgspec.json.encode(event))
    assert type(again) is kind
    assert again == event


@every_event
def test_json_carries_the_name(kind: type[Event]) -> None:
    """The JSON of an event says which one it is under `event`."""
    assert msgspec.json.decode(msgspec.json.encode(SAMPLES[kind]))["event"] == kind.__struct_config__.tag


@given(runs)
def test_json_lines_of_a_run(events: list[Event]) -> None:
    """A whole run survives the way through JSON."""
    decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[AnyEvent])
    assert decoder.decode(msgspec.json.encode(events)) == events


def test_unknown_counts_are_not_zero() -> None:
    """A usage that was not told is None throughout."""
    assert all(getattr(Usage(), name) is None for name in Usage.__struct_fields__)


# order


@given(runs)
def test_a_legal_run_passes(events: list[Event]) -> None:
    """What the strategy draws passes, at every prefix, and ends finished."""
    assert check(events).phase == "finished"
    assert all(is_legal(events[:end]) for end in range(len(events) + 1))


LAYOUTS: tuple[Layout, ...] = get_args(Layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(data=st.data())
def test_layouts_keep_their_word(layout: Layout, data: st.DataObject) -> None:
    """Indexes count up as parts begin; one part at a time, or all ends together, where that was asked for."""
    events = data.draw(event_runs(layout=layout, other=None, finish=st.just(Finish("stop"))))
    check(events)
    begun = [number(event) for event in events if type(event) in STARTS]
    assert begun == list(range(len(begun)))
    if layout == "one_by_one":
        indexes = [number(event) for event in events[1:-1]]
        assert indexes == sorted(indexes)
    if layout == "ends_last":
        assert [number(event) for event in events if type(event) in ENDS] == begun
        assert all(type(event) in ENDS for event in events[len(events) - 1 - len(begun) : -1])


@given(
    event_runs(
        kinds=["text", "tool_call"], once=["text"], empty=(), signed=(), custom_tools=False, tool_ids=False, max_deltas=1
    )
)
def test_the_strategy_can_be_narrowed(events: list[Event]) -> None:
    """Only the allowed kinds and fields are drawn."""
    parts = [STARTS[type(event)] for event in events if type(event) in STARTS]
    assert set(parts) <= {"text", "tool_call"}
    assert parts.count("text") <= 1
    assert sum(type(event) in DELTAS for event in events) == len(parts)
    for event in events:
        if isinstance(event, ToolCallStart):
            assert (event.id, event.custom) == (None, False)
        if isinstance(event, TextEnd | ToolCallEnd):
            assert event.signature is None


@given(usages())
def test_drawn_usage_agrees_with_itself(usage: Usage) -> None:
    """Cached tokens are part of the input, reasoning tokens of the output."""
    if usage.input_tokens is not None:
        assert usage.input_tokens >= (usage.cached_tokens or 0) + (usage.cache_write_tokens or 0)
    if usage.output_tokens is not None:
        assert usage.output_tokens >= (usage.reasoning_tokens or 0)


@given(st.binary(max_size=50).flatmap(lambda data: st.tuples(st.just(data), chunkings(data))))
def test_chunks_join_to_the_whole(case: tuple[bytes, list[bytes]]) -> None:
    """However bytes are cut, the pieces joined are the bytes."""
    data, chunks = case
    assert b"".join(chunks) == data


@given(
    st.lists(st.sampled_from(EVENTS).flatmap(any_of).map(lambda event: _near(event)), max_size=8).map(
        lambda body: [Start(), *body]
    )
)
def test_agrees_with_the_sentences(events: list[Event]) -> None:
    """A random run passes exactly when the sentences about whole runs allow it."""
    assert _passes(events) == all(is_legal(events[:end]) for end in range(len(events) + 1))


def _near(event: Event) -> Event:
    """The event with an index that collides."""
    index = getattr(event, "index", None)
    return event if index is None else msgspec.structs.replace(event, index=index % 2)


def _passes(events: list[Event]) -> bool:
    try:
        check(events)
    except EventOrderError:
        return False
    return True


def begun_anew(discard: tuple[int, ...] = (3, 1)) -> list[Event]:
    """An answer that broke off in its second part, and another one with the same indexes."""
    return [
        *(Start(), TextStart(3), TextDelta(3, "x"), TextStart(1), Restart(discard, "cut")),
        *(Start(), TextStart(1), TextDelta(1, "y"), TextEnd(1), Finish("stop")),
    ]


def test_after_a_restart_the_order_begins_anew() -> None:
    """What was open is void, its indexes are free, and the next event is a start."""
    assert check(begun_anew()).phase == "finished"
    assert is_legal(begun_anew())
    with pytest.raises(EventOrderError, match="not legal in the phase 'before'"):
        check([*begun_anew()[:5], TextStart(5)])


@pytest.mark.parametrize("discard", [(), (3,), (1, 3), (3, 1, 2)])
def test_a_restart_says_all_that_is_void(discard: tuple[int, ...]) -> None:
    """It lists the parts that had begun, in the order in which they did."""
    with pytest.raises(EventOrderError, match=r"must discard the parts \(3, 1\)"):
        check(begun_anew(discard))


@pytest.mark.parametrize("end", [[], [ToolCallEnd(0)]])
def test_nothing_begins_anew_after_a_tool_call(end: list[Event]) -> None:
    """A call that had begun, ended or not, forbids a restart: somebody may have run it."""
    with pytest.raises(EventOrderError, match="after a tool call"):
        check([Start(), ToolCallStart(0, "id", "f"), *end, Restart((0,), "cut")])


class Mutation(typing.NamedTuple):
    """One way to spoil a legal run: the events it picks, what stands in their place, and the error's words."""

    picks: tuple[type[Event], ...]
    becomes: typing.Callable[[Event], list[Event]]
    message: str


STARTED, CONTINUED, ENDED = tuple(STARTS), tuple(DELTAS), tuple(ENDS)

MUTATIONS: dict[str, Mutation] = {
    "no start of the run": Mutation((Start,), lambda event: [], r"is not legal in the phase 'before'"),
    "two starts of the run": Mutation((Start,), lambda event: [event, event], r"Start is not legal in the phase 'open'"),
    "two finishes": Mutation((Finish,), lambda event: [event, event], r"Finish is not legal in the phase 'finished'"),
    "a delta after the finish": Mutation(
        (Finish,), lambda event: [event, TextDelta(0, "x")], r"TextDelta is not legal in the phase 'finished'"
    ),
    "an Other after the finish": Mutation(
        (Finish,), lambda event: [event, Other("x")], r"Other is not legal in the phase 'finished'"
    ),
    "an Other before the start": Mutation(
        (Start,), lambda event: [Other("x"), event], r"Other is not legal in the phase 'before'"
    ),
    "a part never started": Mutation(STARTED, lambda event: [], r"no open \w+ part -?\d+"),
    "a part started twice": Mutation(STARTED, lambda event: [event, event], r"part -?\d+ was started before"),
    "an index used again": Mutation(ENDED, lambda event: [event, TextStart(number(event))], r"part -?\d+ was started before"),
    "a part ended twice": Mutation(ENDED, lambda event: [event, event], r"no open \w+ part -?\d+"),
    "a delta after the end": Mutation(ENDED, lambda event: [event, TextDelta(number(event), "x")], r"no open text part -?\d+"),
    "a delta of another kind": Mutation(
        (TextStart,),
        lambda event: [event, RefusalDelta(number(event), "x")],
        r"no open refusal part -?\d+",
    ),
    "an end of another kind": Mutation(
        (ReasoningStart,),
        lambda event: [event, TextEnd(number(event))],
        r"no open text part -?\d+",
    ),
    "an empty text delta": Mutation(
        (TextDelta, RefusalDelta, ReasoningDelta),
        lambda event: [msgspec.structs.replace(event, text="")],
        r"empty delta: \w+Delta",
    ),
    "an empty argument delta": Mutation(
        (ToolCallDelta,), lambda event: [msgspec.structs.replace(event, arguments="")], r"empty delta: ToolCallDelta"
    ),
    "an empty piece of media": Mutation((MediaDelta,), lambda event: [MediaDelta(number(event))], r"empty delta: MediaDelta"),
    "a note of a part that has not begun": Mutation(
        (Finish,), lambda event: [Citation(999), event], r"part 999 has not begun: Citation"
    ),
    "a part left open": Mutation(
        (TextEnd, RefusalEnd, ReasoningEnd, MediaEnd),
        lambda event: [],
        r"Finish came while (text|refusal|reasoning|media) part -?\d+ was open",
    ),
}


ONE_OF_EACH: list[Event] = [
    msgspec.structs.replace(SAMPLES[kind], index=100 + place)
    for place, kinds in enumerate(zip(STARTS, DELTAS, ENDS, strict=True))
    for kind in kinds
]


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
@settings(max_examples=40)
@given(data=st.data())
def test_one_wrong_event_fails(mutation: Mutation, data: st.DataObject) -> None:
    """A legal run, spoilt in one place, is refused in words that name the place."""
    start, *rest = data.draw(event_runs(max_parts=2, indexes=st.integers(-5, 50)))
    events = [start, *ONE_OF_EACH, *rest]
    at = data.draw(st.sampled_from([at for at, event in enumerate(events) if type(event) in mutation.picks]))
    with pytest.raises(EventOrderError, match=mutation.message):
        check([*events[:at], *mutation.becomes(events[at]), *events[at + 1 :]])


PHASES: dict[Phase, list[Event]] = {"before": [], "open": [Start()], "finished": [Start(), Finish("stop")]}
ILLEGAL = [(phase, kind) for phase in PHASES for kind in EVENTS if (phase, kind) not in LEGAL_ORDER]


@pytest.mark.parametrize(("phase", "kind"), ILLEGAL)
def test_what_is_not_in_the_table_is_refused(phase: Phase, kind: type[Event]) -> None:
    """Each pair of phase and event that the table lacks is an error that names both."""
    order = check(PHASES[phase])
    with pytest.raises(EventOrderError, match=f"{kind.__name__} is not legal in the phase '{phase}'"):
        order.feed(SAMPLES[kind])


def test_a_refused_event_changes_nothing() -> None:
    """After an error the checker stands where it stood, so that it can go on."""
    order = check([Start(), TextStart(0)])
    for wrong in (Finish("stop"), TextDelta(0, ""), TextEnd(1), TextStart(0), Start()):
        with pytest.raises(EventOrderError):
            order.feed(wrong)
    for event in (TextDelta(0, "x"), TextEnd(0), Finish("stop")):
        order.feed(event)
    assert order.phase == "finished"


def test_a_cut_call_may_stay_open() -> None:
    """Finish may leave a tool call open, since only the provider ends one."""
    assert check([Start(), ToolCallStart(0, "a", "f"), ToolCallDelta(0, "{"), Finish("length")]).phase == "finished"


def test_a_large_event_is_cut_in_the_message() -> None:
    """An error stays short however long the event."""
    with pytest.raises(EventOrderError) as caught:
        OrderCheck().feed(TextDelta(0, "x" * 100_000))
    assert len(str(caught.value)) < 250
