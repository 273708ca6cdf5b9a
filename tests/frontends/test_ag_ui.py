"""AG-UI: what its models accept, and what its client makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

import bourn
from bourn.frontends import to_sse
from bourn.frontends.ag_ui import AgUiEncoder
from bourn.frontends.base import Failure
from bourn.mock import other, text
from tests.frontends.answers import ALL, BROKEN, CUT_CALL, REFUSED, stream
from tests.frontends.browser import collected, read

RUN: dict[str, Any] = {"thread_id": "t", "run_id": "r"}


def events(data: list[bytes]) -> list[dict[str, Any]]:
    """What the bytes say."""
    lines = b"".join(data).split(b"\n\n")
    return [json.loads(line.removeprefix(b"data: ")) for line in lines if line]


def understood(data: list[bytes]) -> Any:
    """What AG-UI's client says of a run."""
    return read("ag_ui.cjs", "@ag-ui/client", to_sse(stream("unused"), "ag-ui"), data)


@pytest.mark.parametrize("scenario", [ALL, BROKEN, REFUSED, text("Hi") + other("citations", [1])])
async def test_its_models_accept_every_event(scenario: Any) -> None:
    """Every event is valid for the protocol's own models, with no field that they do not know."""
    core = pytest.importorskip("ag_ui.core")
    pydantic = pytest.importorskip("pydantic")
    adapter = pydantic.TypeAdapter(core.Event)
    for event in events(await collected(to_sse(stream(scenario), "ag-ui", **RUN, usage=True))):
        read_back = json.loads(adapter.validate_python(event).model_dump_json(by_alias=True, exclude_none=True))
        assert read_back == event


async def test_its_client_reads_the_whole_run() -> None:
    """Reasoning, text and calls come out as its messages; its checks of the order find nothing."""
    said = understood(await collected(to_sse(stream(ALL), "ag-ui", **RUN)))
    assert said["errors"] == []
    assert said["types"][0] == "RUN_STARTED"
    assert said["types"][-1] == "RUN_FINISHED"
    by_role = {message["role"]: message for message in said["messages"] if not message.get("toolCalls")}
    assert by_role["reasoning"]["content"] == "Let me think."
    assert by_role["reasoning"]["encryptedValue"] == "sig"
    assert by_role["assistant"]["content"] == "Hello, wörld!"
    calls = [call["function"] for message in said["messages"] for call in message.get("toolCalls", ())]
    assert [(call["name"], json.loads(call["arguments"])) for call in calls] == [
        ("get_weather", {"city": "Zürich"}),
        ("now", {}),
    ]


@pytest.mark.parametrize("broken", ["model", "cut call"])
async def test_its_client_is_told_of_a_failure(broken: str) -> None:
    """An error of the model, and an end in the middle of a call, are `RUN_ERROR`; what had come stays."""
    encoder = AgUiEncoder(**RUN)
    data = (
        await collected(to_sse(stream(BROKEN), "ag-ui", **RUN))
        if broken == "model"
        else [encoder.encode(event) for event in CUT_CALL]
    )
    said = understood(data)
    assert said["types"][-1] == "RUN_ERROR"
    assert said["errors"][0][1] == ("model_error" if broken == "model" else "incomplete_tool_call")


def test_what_it_has_no_events_for_is_custom() -> None:
    """Sources, files and the provider's own tools, without the provider's raw payload."""
    encoder = AgUiEncoder(**RUN)
    beside = [
        bourn.Citation(0, url="https://a.example/", raw={"secret": 1}),
        bourn.ServerToolCall("s1", "web_search", "{}"),
        bourn.ServerToolResult("s1", content=[1]),
        bourn.MediaStart(1, "image/png"),
        bourn.MediaDelta(1, b"abc"),
        bourn.MediaEnd(1),
    ]
    told = events([encoder.encode(event) for event in beside])
    assert {event["type"] for event in told} == {"CUSTOM"}
    assert [event["name"] for event in told] == ["citation", "server_tool_call", "server_tool_result", "media"]
    assert (told[0]["value"]["url"], told[3]["value"]["url"]) == ("https://a.example/", "data:image/png;base64,YWJj")
    assert "secret" not in str(told)


async def test_a_run_that_fails_at_once_was_begun() -> None:
    """The protocol wants a beginning before an end."""
    told = events([AgUiEncoder(**RUN).fail(Failure("No.", "no"))])
    assert [event["type"] for event in told] == ["RUN_STARTED", "RUN_ERROR"]
    assert told[0]["threadId"] == "t"


async def test_usage_is_told_when_asked_for() -> None:
    """Its counts are ours: parts are inside their wholes."""
    *_, last = events(await collected(to_sse(stream(ALL), "ag-ui", **RUN, usage=True)))
    (usage,) = last["usage"]
    assert (usage["inputTokens"], usage["outputTokens"], usage["model"]) == (11, 7, "any")
    *_, last = events(await collected(to_sse(stream(ALL), "ag-ui", **RUN)))
    assert "usage" not in last


async def test_ids_are_made_where_none_are_given() -> None:
    """Two runs never have the same name."""
    one, two = [events(await collected(to_sse(stream("Hi"), "ag-ui")))[0] for _ in range(2)]
    assert one["runId"] != two["runId"]
    assert one["threadId"] != two["threadId"]
