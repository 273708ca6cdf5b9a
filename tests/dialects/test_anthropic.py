"""The decoder of Anthropic's messages: every oddity by itself, and any cut. The recordings have a file of their own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given

from bourn import dialects
from bourn.dialects.anthropic.decoder import DIALECT, AnthropicDecoder
from bourn.errors import PayloadError
from bourn.events import (
    Citation,
    Event,
    Finish,
    Other,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
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
from bourn.testing.strategies import chunkings
from bourn.wire import sse
from tests.dialects.anthropic_wire import SPOKEN, STOPPED, TEXT, WIRE, begin, block, delta, end, events, frames, stop
from tests.recordings import Decoded, decode


def test_the_dialect_is_found_by_its_name() -> None:
    """``dialects.get`` gives it, with the key in ``x-api-key``, bare."""
    assert dialects.get("anthropic") is DIALECT
    assert (DIALECT.auth, DIALECT.root, DIALECT.paths) == (("x-api-key", ""), "", ("/v1/messages",))


def test_pings_are_invisible_wherever_they_come() -> None:
    """A ping gives no event, with or without a name, before the start as well."""
    ping = {"type": "ping"}
    assert events(ping, *TEXT, ping, *end()) == [*SPOKEN, STOPPED]
    out = decode(DIALECT, [*frames(ping), b'data: {"type":"ping"}\n\n', *frames(begin(), *TEXT, *end())])
    assert out.events[1:] == [*SPOKEN, STOPPED]


def test_thinking_ends_with_its_signature() -> None:
    """The signature comes as a delta; thinking that shows nothing but its signature is a part all the same."""
    assert events(
        block(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm."),
        delta(0, "signature_delta", signature="c2ln"),
        stop(0),
        block(1, type="thinking", thinking="", signature=""),
        delta(1, "signature_delta", signature="b25seQ=="),
        stop(1),
        *end(),
    ) == [
        ReasoningStart(0),
        ReasoningDelta(0, "Hm."),
        ReasoningEnd(0, "c2ln"),
        ReasoningStart(1),
        ReasoningEnd(1, "b25seQ=="),
        STOPPED,
    ]


def test_redacted_thinking_is_a_part_that_only_has_a_signature() -> None:
    """Its data is what must be sent back, so it is the signature."""
    assert events(block(0, type="redacted_thinking", data="RW5j"), stop(0), *end()) == [
        ReasoningStart(0),
        ReasoningEnd(0, "RW5j", redacted=True),
        STOPPED,
    ]


def test_a_tool_call_gives_its_input_as_it_came() -> None:
    """Pieces are kept as they are, an empty piece is none, and a call without arguments has no delta."""
    assert events(
        block(0, type="tool_use", id="toolu_1", name="f", input={}),
        delta(0, "input_json_delta", partial_json=""),
        delta(0, "input_json_delta", partial_json='{"a":'),
        delta(0, "input_json_delta", partial_json=" 1}"),
        stop(0),
        block(1, type="tool_use", id="toolu_2", name="g", input={}),
        delta(1, "input_json_delta", partial_json=""),
        stop(1),
        *end("tool_use"),
    ) == [
        ToolCallStart(0, "toolu_1", "f"),
        ToolCallDelta(0, '{"a":'),
        ToolCallDelta(0, " 1}"),
        ToolCallEnd(0),
        ToolCallStart(1, "toolu_2", "g"),
        ToolCallEnd(1),
        Finish("tool_calls", "tool_use"),
    ]


def test_input_that_comes_whole_is_compact_json() -> None:
    """A start that carries the input gives it in one piece, key order and letters kept; the caller beside it is kept too."""
    caller = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"b": "é", "a": [1, 2]}, "caller": caller}
    expected = [
        ToolCallStart(0, "toolu_1", "f"),
        ToolCallDelta(0, '{"b":"é","a":[1,2]}'),
        Other("caller", caller, 0),
        ToolCallEnd(0),
        Finish("tool_calls", "tool_use"),
    ]
    assert events(block(0, **call), stop(0), *end("tool_use")) == expected
    whole = decode(DIALECT, frames(begin(content=[call], stop_reason="tool_use"), {"type": "message_stop"}))
    assert whole.events[1:] == expected


def test_what_servers_run_is_given_whole_once() -> None:
    """The input of a server's tool, streamed in pieces, is whole at the block's stop; results come as they are."""
    result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"url": "x"}]}
    assert events(
        block(0, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json='{"query":'),
        delta(0, "input_json_delta", partial_json=' "q"}'),
        stop(0),
        block(1, **result),
        stop(1),
        block(2, type="mcp_tool_use", id="mcptoolu_1", name="ask", server_name="s", input={}),
        stop(2),
        *end("pause_turn"),
    ) == [
        ServerToolCall("srvtoolu_1", "web_search", '{"query": "q"}'),
        ServerToolResult("srvtoolu_1", "web_search", [{"url": "x"}]),
        ServerToolCall(
            "mcptoolu_1",
            "ask",
            raw={"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "ask", "server_name": "s", "input": {}},
        ),
        Finish("other", "pause_turn"),
    ]


@pytest.mark.parametrize(
    ("block_of", "result"),
    [
        ({"type": "mcp_tool_result", "is_error": False, "content": [1]}, ServerToolResult("s", None, [1])),
        ({"type": "mcp_tool_result", "is_error": True, "content": [1]}, ServerToolResult("s", None, [1], is_error=True)),
        (
            {"type": "web_fetch_tool_result", "content": {"type": "web_fetch_tool_error", "error_code": "unavailable"}},
            ServerToolResult("s", "web_fetch", {"type": "web_fetch_tool_error", "error_code": "unavailable"}, is_error=True),
        ),
        (
            {"type": "code_execution_tool_result", "content": 7, "caller": {"type": "direct"}},
            ServerToolResult("s", "code_execution", 7, raw=...),
        ),
        ({"type": "odd_tool_result", "tool_use_id": 7}, None),
    ],
)
def test_results_of_server_tools(block_of: dict[str, Any], result: ServerToolResult | None) -> None:
    """Named by the tool, with its failure; what the fields do not say is kept, and what has not the shape is an ``Other``."""
    content = {"tool_use_id": "s", **block_of}
    expected: Event = Other(content["type"], content) if result is None else result
    if isinstance(expected, ServerToolResult) and expected.raw is ...:
        expected = msgspec.structs.replace(expected, raw=content)
    assert events(block(0, **content), stop(0), *end()) == [expected, STOPPED]


def test_a_cut_input_of_a_server_tool_is_kept_as_text() -> None:
    """A block that the finish left open is given with as much of its input as came."""
    held, finish = events(
        block(0, type="server_tool_use", id="s", name="n", input={}),
        delta(0, "input_json_delta", partial_json='{"q'),
        *end("max_tokens"),
    )
    assert held == ServerToolCall("s", "n", '{"q')
    assert finish == Finish("length", "max_tokens")


def test_unknown_blocks_and_their_deltas_are_kept() -> None:
    """A compaction's summary is in its delta; a block that nobody knows yet is put together in the same way."""
    assert events(
        block(0, type="compaction", content=None),
        delta(0, "compaction_delta", content="Summary"),
        stop(0),
        block(1, type="hologram", text="a", depth=1),
        delta(1, "text_delta", text="b"),
        delta(1, "hologram_delta", depth=2),
        stop(1),
        *end("compaction"),
    ) == [
        Other("compaction", {"type": "compaction", "content": "Summary"}),
        Other("hologram", {"type": "hologram", "text": "ab", "depth": 2}),
        Finish("other", "compaction"),
    ]


def test_citations_belong_to_their_text() -> None:
    """A citation comes before or between the text of its block and names the part."""
    citation = {"type": "char_location", "cited_text": "x", "document_index": 2, "document_title": "t"}
    web = {"type": "web_search_result_location", "url": "u", "title": "w", "cited_text": "x", "encrypted_index": "e"}
    odd = {"type": "citations_delta", "citation": {"cited_text": "x"}}
    assert events(
        *TEXT,
        block(1, type="text", text="", citations=[]),
        delta(1, "citations_delta", citation=citation),
        delta(1, "text_delta", text="cited"),
        delta(1, "citations_delta", citation={"cited_text": "x"}),
        stop(1),
        block(2, type="text", text="whole", citations=[web]),
        stop(2),
        *end(),
    ) == [
        *SPOKEN,
        TextStart(1),
        Citation(1, title="t", id="2", quote="x", raw=citation),
        TextDelta(1, "cited"),
        Other("citations_delta", odd, 1),
        TextEnd(1),
        *(TextStart(2), Citation(2, "u", "w", quote="x", raw=web), TextDelta(2, "whole"), TextEnd(2)),
        STOPPED,
    ]


def test_what_the_message_tells_besides_is_kept() -> None:
    """The matched stop sequence, the container, applied edits, the upstream's name and the bill, each as ``Other``."""
    out = decode(
        DIALECT,
        frames(
            begin(provider="Bedrock", container=None, usage={"input_tokens": 1, "service_tier": "standard"}),
            {
                "type": "message_delta",
                "delta": {
                    "stop_reason": "stop_sequence",
                    "stop_sequence": "is",
                    "container": {"id": "c"},
                    "stop_details": None,
                },
                "usage": {"output_tokens": 2, "cost": 0.5, "server_tool_use": None},
                "context_management": {"applied_edits": []},
            },
            {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"invocationLatency": 7}},
        ),
    )
    assert out.events[1:] == [
        Other("provider", "Bedrock"),
        Other("stop_sequence", "is"),
        Other("container", {"id": "c"}),
        Other("context_management", {"applied_edits": []}),
        Other("amazon-bedrock-invocationMetrics", {"invocationLatency": 7}),
        Other("usage", {"cost": 0.5}),
        Finish("stop", "stop_sequence", Usage(1, 2), service_tier="standard"),
    ]


def test_a_service_tier_that_is_no_word_is_beside_the_answer() -> None:
    """A gateway's object in its place does not reach the finish, and is not lost."""
    odd = {"input_tokens": 1, "service_tier": {"id": {}}}
    out = decode(DIALECT, frames(begin(usage=odd), {"type": "message_stop"}))
    assert out.events[1:] == [Other("usage", {"service_tier": {"id": {}}}), Finish("other", None, Usage(1))]


def test_citations_that_are_no_list_are_kept() -> None:
    """They are one source, as a block begins; nothing but a source is a citation."""
    out = decode(DIALECT, frames(begin(), block(0, type="text", text="", citations=1.5), {"type": "message_stop"}))
    assert [event for event in out.events if isinstance(event, Other)] == [Other("citations_delta", 1.5, 0)]


def test_unknown_events_are_kept() -> None:
    """An event that the API may invent tomorrow is an ``Other`` with its payload, and disturbs nothing."""
    news = {"type": "message_mood", "mood": "fine"}
    assert events(news, *TEXT, *end()) == [Other("message_mood", news), *SPOKEN, STOPPED]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "other"),
        ("something_new", "other"),
    ],
)
def test_every_stop_reason_has_its_shared_word(raw: str, reason: str) -> None:
    """The provider's word is kept beside the shared one; a word that nobody knows is ``other``."""
    finish = events(*end(raw))[-1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.raw_reason) == (reason, raw)


def test_usage_is_merged_and_the_last_count_wins() -> None:
    """Input includes what was read from and written to the cache; a null takes nothing back."""
    first = {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2, "output_tokens": 1}
    last = {"input_tokens": None, "output_tokens": 30, "output_tokens_details": {"thinking_tokens": 20}}
    out = decode(DIALECT, frames(begin(usage=first), *end(usage=last)))
    assert out.response.usage == Usage(17, 30, 5, 2, 20)


def test_usage_can_be_read_in_mid_stream() -> None:
    """What ``message_start`` tells is there at once, for those who cancel."""
    decoder = AnthropicDecoder()
    decoder.feed_payload(json.dumps(begin(usage={"input_tokens": 10, "output_tokens": 1})).encode())
    assert decoder.usage == Usage(10, 1)


def test_an_answer_without_usage_or_blocks_is_legal() -> None:
    """Zero blocks are an answer; usage that was not told is ``None``."""
    assert events(*end()) == [STOPPED]


def test_forgotten_starts_are_made_up_for() -> None:
    """An answer without ``message_start``, or a delta without its block, loses nothing."""
    out = decode(DIALECT, frames(*TEXT, *end()))
    assert out.events == [Start(), *SPOKEN, STOPPED]
    out = decode(DIALECT, frames(delta(0, "thinking_delta", thinking="Hm"), delta(1, "text_delta", text="Hi"), *end()))
    assert (out.response.reasoning, out.response.text, out.error) == ("Hm", "Hi", None)
    assert decode(DIALECT, frames(*end()[1:])).events == [Start(), Finish("other")]


def test_a_block_that_begins_again_ends_the_one_before() -> None:
    """Under the same index a new block is a new part; text before it is ended, a call before it is not."""
    assert events(TEXT[0], TEXT[1], *TEXT, *end())[:3] == [TextStart(0), TextDelta(0, "Hé"), TextEnd(0)]
    out = decode(DIALECT, frames(begin(), block(0, type="tool_use", id="t", name="f", input={}), *TEXT, *end()))
    assert [call.complete for call in out.response.tool_calls] == [False]


def test_a_delta_of_another_kind_than_its_block_is_kept() -> None:
    """Strays become ``Other``, with the part they came for; empty ones are nothing."""
    stray = {"type": "thinking_delta", "thinking": "?"}
    assert events(*TEXT[:3], delta(0, "thinking_delta", thinking="?"), delta(0, "signature_delta", signature=""), *end()) == [
        *SPOKEN[:3],
        Other("thinking_delta", stray, 0),
        TextEnd(0),
        STOPPED,
    ]
    assert events(delta(7, "input_json_delta", partial_json="{"), *end())[0] == Other(
        "input_json_delta", {"type": "input_json_delta", "partial_json": "{"}
    )


def test_blocks_that_overlap_are_kept_apart() -> None:
    """Anthropic's blocks never overlap, but each has its index, so they may."""
    assert events(
        block(0, type="text", text=""),
        block(1, type="text", text=""),
        delta(0, "text_delta", text="a"),
        delta(1, "text_delta", text="b"),
        stop(0),
        stop(1),
        *end(),
    ) == [TextStart(0), TextStart(1), TextDelta(0, "a"), TextDelta(1, "b"), TextEnd(0), TextEnd(1), STOPPED]


def test_bad_bytes_become_replacement_characters() -> None:
    """Invalid UTF-8 and lone surrogates inside a delta cost a letter, not the answer."""
    out = decode(
        DIALECT,
        [
            *frames(begin(), TEXT[0]),
            b'event: content_block_delta\ndata: {"index":0,"delta":{"type":"text_delta","text":"a\xff"}}\n\n',
            b'event: content_block_delta\ndata: {"index":0,"delta":{"type":"text_delta","text":"b\\ud83d"}}\n\n',
            *frames(*end()),
        ],
    )
    assert out.error is None
    assert out.response.text == "a\ufffdb\ufffd"


def test_names_do_not_matter_where_the_payload_has_its_type() -> None:
    """Without ``event`` lines, or with wrong ones, the answer is the same."""
    payloads = [begin(), *TEXT, *end()]
    for name in ("", "message", "data"):
        chunks = [sse.encode(json.dumps(payload).encode(), name) for payload in payloads]
        assert decode(DIALECT, chunks).events[1:] == [*SPOKEN, STOPPED]


def test_fields_may_come_in_any_order() -> None:
    """Scrubbers and gateways sort keys: the type may come last."""
    chunks = [sse.encode(json.dumps(payload, sort_keys=True).encode(), payload["type"]) for payload in [begin(), *TEXT, *end()]]
    assert decode(DIALECT, chunks).events[1:] == [*SPOKEN, STOPPED]


@given(chunkings(WIRE))
def test_the_cuts_of_the_network_change_nothing(chunks: list[bytes]) -> None:
    """The same events come out of the same bytes, wherever they were cut, also inside a letter."""
    assert decode(DIALECT, chunks).events == decode(DIALECT, [WIRE]).events


def test_every_event_is_folded_into_a_response() -> None:
    """The response holds the parts in their order, thinking with its signature, ready to be sent back."""
    out: Decoded = decode(DIALECT, frames(begin(), *both(), *end()))
    assert [type(part).__name__ for part in out.response.message.parts] == ["Reasoning", "Text"]


def both() -> Iterable[dict[str, Any]]:
    yield block(0, type="thinking", thinking="Hm")
    yield delta(0, "signature_delta", signature="s")
    yield stop(0)
    yield from ({**payload, "index": 1} for payload in TEXT)


def test_a_held_block_without_a_start_of_the_message_has_a_start() -> None:
    """Where ``message_start`` was forgotten, the first thing that is given makes up for it."""
    out = decode(DIALECT, frames(block(0, type="mood", tone="x"), stop(0), *end()))
    assert out.error is None
    assert out.events == [Start(), Other("mood", {"type": "mood", "tone": "x"}), STOPPED]


@pytest.mark.parametrize("signature", [None, 5, {}])
def test_a_signature_that_is_none_is_none(signature: object) -> None:
    """A gateway's ``signature_delta`` without a text, or without the field, leaves the thought unsigned."""
    told = {} if signature is None else {"signature": signature}
    out = events(block(0, type="thinking", thinking="x"), delta(0, "signature_delta", **told), stop(0), *end())
    assert out[2] == ReasoningEnd(0)


@pytest.mark.parametrize("index", [True, 0])
@pytest.mark.parametrize("text", [5, {}])
def test_a_stray_delta_of_a_wrong_shape_raises_nothing_foreign(index: Any, text: Any) -> None:
    """Text that is a number, before its block began, or an index that is a boolean."""
    out = decode(DIALECT, frames(begin(), delta(index, "text_delta", text=text), *end()))
    assert out.error is None or isinstance(out.error, PayloadError)
