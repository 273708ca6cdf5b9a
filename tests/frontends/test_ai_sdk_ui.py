"""The AI SDK's protocol, and what the AI SDK itself makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

import bourn
from bourn.frontends import to_sse
from bourn.frontends.ai_sdk_ui import AiSdkUiEncoder
from bourn.mock import other, text
from tests.frontends.answers import ALL, BROKEN, CUT_CALL, REFUSED, stream
from tests.frontends.browser import collected, read


def chunks(events: Iterable[bourn.Event], **options: Any) -> list[dict[str, Any]]:
    """The chunks of events, without the end mark."""
    encoder = AiSdkUiEncoder(**options)
    lines = b"".join(encoder.encode(event) for event in events).split(b"\n\n")
    return [json.loads(line.removeprefix(b"data: ")) for line in lines if line and line != b"data: [DONE]"]


def understood(data: list[bytes]) -> Any:
    """What the AI SDK says of an answer."""
    return read("ai_sdk_ui.cjs", "ai", to_sse(stream("unused"), "ai-sdk-ui"), data)


async def test_useChat_reads_the_whole_answer() -> None:  # noqa: N802 - its name
    """Reasoning, text and calls come out as parts of one message that is done, with id and usage."""
    said = understood(await collected(to_sse(stream(ALL), "ai-sdk-ui", message_id="m7", usage=True)))
    message = said["message"]
    assert (message["id"], message["role"], said["errors"]) == ("m7", "assistant", [])
    assert message["metadata"]["usage"]["output_tokens"] == 7
    step, thought, answer, weather, now = message["parts"]
    assert step == {"type": "step-start"}
    assert (thought["type"], thought["text"], thought["state"]) == ("reasoning", "Let me think.", "done")
    assert thought["providerMetadata"]["bourn"]["signature"] == "sig"
    assert (answer["type"], answer["text"], answer["state"]) == ("text", "Hello, wörld!", "done")
    assert (weather["type"], weather["toolCallId"], weather["state"]) == ("tool-get_weather", "c1", "input-available")
    assert weather["input"] == {"city": "Zürich"}
    assert (now["type"], now["input"]) == ("tool-now", {})


async def test_useChat_is_told_of_a_failure() -> None:  # noqa: N802 - its name
    """What had come stays, and the error says so in words for people."""
    said = understood(await collected(to_sse(stream(BROKEN), "ai-sdk-ui")))
    assert said["message"]["parts"][-1]["text"] == "Hello"
    assert said["errors"] == ["The model reported an error. Please try again."]


async def test_useChat_sees_a_cut_call_as_open() -> None:  # noqa: N802 - its name
    """A call that the token limit cut never becomes one that is available."""
    encoder = AiSdkUiEncoder()
    (call,) = understood([encoder.encode(event) for event in CUT_CALL])["message"]["parts"][1:]
    assert (call["state"], call["input"]) == ("input-streaming", {"city": "Zü"})


async def test_a_refusal_is_text() -> None:
    """It has no refusals: people read the words."""
    refused = [event async for event in stream(REFUSED)]
    begun, *said, ended = [chunk for chunk in chunks(refused) if chunk.get("id") == "text-0"]
    assert (begun["type"], ended["type"]) == ("text-start", "text-end")
    assert "".join(chunk["delta"] for chunk in said) == "I will not."


def test_a_call_without_an_id_gets_one() -> None:
    """Some services name no calls; the front end must tell two of them apart."""
    events = [bourn.ToolCallStart(0, None, "a"), bourn.ToolCallStart(1, None, "a"), bourn.ToolCallEnd(1), bourn.ToolCallEnd(0)]
    first, second, second_end, first_end = chunks(events)
    assert first["toolCallId"] == first_end["toolCallId"] != second["toolCallId"] == second_end["toolCallId"]


@pytest.mark.parametrize(
    ("custom", "arguments", "told"),
    [
        (False, "", {"type": "tool-input-available", "input": {}}),
        (False, '{"a":', {"type": "tool-input-error", "input": '{"a":', "errorText": "The arguments are no JSON."}),
        (True, "x = 1", {"type": "tool-input-available", "input": "x = 1"}),
    ],
)
def test_the_input_of_a_call_that_ended(custom: bool, arguments: str, told: dict[str, Any]) -> None:
    """No arguments are an empty object, text stays text, and what is no JSON is an error of that call."""
    delta = [bourn.ToolCallDelta(0, arguments)] if arguments else []
    begun, *_, ended = chunks([bourn.ToolCallStart(0, "c", "run", custom), *delta, bourn.ToolCallEnd(0)])
    assert ended == {**told, "toolCallId": "c", "toolName": "run"}
    assert begun.get("inputEncoding") == ("text" if custom else None)


async def test_other_events_are_sent_when_asked_for() -> None:
    """What the provider sends beside the answer goes to people only if the program says so."""
    answer = text("Hi") + other("citations", [1])
    assert b"data-citations" not in b"".join(await collected(to_sse(stream(answer), "ai-sdk-ui")))
    assert chunks([bourn.Other("citations", [1])], others=True) == [{"type": "data-citations", "data": [1]}]
    assert chunks([bourn.Other("citations", [1])]) == []


BESIDE = [
    bourn.Citation(0, url="https://a.example/", title="A"),
    bourn.Citation(0, url="https://a.example/", title="A again"),
    bourn.Citation(0, id="doc-1"),
    bourn.Citation(0),
    bourn.MediaStart(1, "image/png"),
    bourn.MediaDelta(1, b"ab"),
    bourn.MediaDelta(1, b"c"),
    bourn.MediaEnd(1),
    bourn.MediaStart(2, "image", url="https://b.example/x"),
    bourn.MediaEnd(2),
    bourn.MediaStart(3, "audio"),
    bourn.MediaDelta(3, transcript="only words"),
    bourn.MediaEnd(3),
    bourn.MediaStart(4, "image/png"),
    bourn.MediaDelta(4, b"cut"),
]


async def test_useChat_shows_sources_and_files() -> None:  # noqa: N802 - its name
    """Each source once, each whole file as an address; a file that was cut is none."""
    encoder = AiSdkUiEncoder()
    events: list[bourn.Event] = [bourn.Start("m"), *BESIDE, bourn.Finish("stop")]
    parts = understood([encoder.encode(event) for event in events])["message"]["parts"][1:]
    assert [(part["type"], part.get("url"), part.get("title")) for part in parts] == [
        ("source-url", "https://a.example/", "A"),
        ("source-document", None, "doc-1"),
        ("file", "data:image/png;base64,YWJj", None),
        ("file", "https://b.example/x", None),
    ]


@pytest.mark.parametrize(
    ("reason", "theirs"),
    [("stop", "stop"), ("tool_calls", "tool-calls"), ("content_filter", "content-filter"), ("other", "other")],
)
def test_finish_reasons(reason: Any, theirs: str) -> None:
    """Its words for ours."""
    assert chunks([bourn.Finish(reason)])[-1] == {"type": "finish", "finishReason": theirs}
