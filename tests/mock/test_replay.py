"""Recordings are found by what they answer, take turns, and are read by a client as they were read before."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import bourn
from bourn import dialects
from bourn.errors import BournError, InputError, ModelError, StatusError, TruncatedError
from bourn.mock import serve
from bourn.mock.recording import RecordedRequest, RecordedResponse, Recording, load
from bourn.mock.replay import Replay
from tests.mock.rawpeer import ask, hear, request_for
from tests.recordings import CORPUS, needs_corpus
from tests.recordings import Recording as Known

FORMATS = {
    "openai-chat": "openai",
    "openai-responses": "openai-responses",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
    "bedrock-converse": "bedrock",
    "cohere-v2": "cohere",
    "ollama": "ollama",
}
"""Format to the provider whose client half reads it."""


def said(name: str, body: bytes, asked: Any = None, path: str = "/v1/chat/completions", **told: Any) -> Recording:
    """A recording of a plain answer."""
    request = RecordedRequest(path=path, body=asked)
    return Recording(request=request, response=RecordedResponse(status=200, **told), body=body, name=name)


async def test_an_equal_request_gets_its_own_answer_and_others_take_turns():
    """The body decides where it is known; else the recordings of the dialect come one after the other, again and again."""
    asked = json.loads(dialects.get("openai-chat").call(bourn.Request("m", (bourn.Message("user", "that one"),))).body)
    kept = [said("1", b"one"), said("2", b"two", asked), said("3", b"three"), said("4", b"four", path="/v1/messages")]
    async with serve(Replay(kept)) as server:
        assert (await ask(server, "openai-chat", prompt="that one")).body == b"two"
        assert [(await ask(server, "openai-chat")).body for _ in range(4)] == [b"one", b"two", b"three", b"one"]
        assert (await ask(server, "anthropic")).body == b"four"
        assert server.journal.exchanges[0].notes == ["replays 2"]


async def test_a_request_that_nothing_answers_is_told_what_there_is():
    """A dialect without a recording is a 404 that names those that have one."""
    async with serve(Replay([said("1", b"one")])) as server:
        heard = await ask(server, "anthropic")
        assert heard.status == 404
        assert heard.body == b"no recording answers POST /v1/messages; there are some of: openai-chat\n"


async def test_the_base_url_does_not_matter():
    """What was recorded below one base URL answers below any other."""
    async with serve(Replay([said("1", b"one", path="/openai/deployments/x/chat/completions")])) as server:
        assert (await ask(server, "openai-chat")).body == b"one"


async def test_an_old_client_gets_no_chunks():
    """HTTP/1.0 knows none: the end of the connection is the end of the body."""
    async with serve(Replay([said("1", b"one", headers={"transfer-encoding": "chunked"}, reads=[(0.0, 3)])])) as server:
        request = request_for(dialects.get("openai-chat"), server).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        heard = await hear(server, request)
        assert (heard.rest, heard.end) == (b"one", "eof")
        assert "transfer-encoding" not in heard.headers


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_is_above_nothing(speed: float) -> None:
    with pytest.raises(InputError, match="the speed of a replay is above 0"):
        Replay([said("1", b"")], speed=speed)


def test_there_must_be_something_to_replay():
    with pytest.raises(InputError, match="no recording to replay"):
        Replay([])


def sample(name: str, count: int = 6) -> list[Path]:
    """Some recordings of a format and of its errors, the same ones every time."""
    found = sorted(path.parent for kind in (name, f"{name}-errors") for path in (CORPUS / kind).glob("*/expected.json"))
    cut = [path for path in found if (json.loads((path / "response.json").read_text()).get("chunk_sizes"))]
    dice = random.Random(name)
    return dice.sample(found, min(count, len(found))) + cut[:2]


@needs_corpus
@pytest.mark.parametrize("name", FORMATS)
async def test_recorded_traffic_of_real_services_is_read_as_expected(name: str) -> None:
    """A client that reads a replayed recording over real HTTP comes to the outcome that is known for it."""
    for folder in sample(name):
        known = Known(folder)
        async with serve(Replay(load(folder))) as server:
            async with bourn.Client() as client:
                dialect = dialects.get(load(folder)[0].kind)
                stream = client.stream(f"{FORMATS[name]}/m", "hi", base_url=server.base_url(dialect.name), api_key="k")
                error = await _failure(stream)
            assert len(server.journal.exchanges) == 1, folder
        _check(known, stream.response, error)


async def _failure(stream: bourn.Stream) -> BournError | None:
    try:
        await stream.collect()
    except BournError as error:
        return error
    return None


def _check(known: Known, response: bourn.Response, error: BournError | None) -> None:
    expected = known.expected
    if "class" in expected:
        assert isinstance(error, StatusError), known
        assert error.status == expected["status"], known
        return
    kinds = {"truncated": TruncatedError, "model_error": ModelError}
    wanted = kinds.get(expected["outcome"], type(None))
    assert isinstance(error, wanted) or expected["outcome"] == "unverified", (known, error)
    if not expected.get("doubtful"):
        assert response.text == expected["text"], known
        assert [call.name for call in response.tool_calls] == [call["name"] for call in expected["tool_calls"]], known


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"model": "\xff"}', b"{"])
async def test_a_request_that_is_no_json_is_answered_all_the_same(body: bytes) -> None:
    """It equals no recorded one, so those of its dialect take turns."""
    async with serve(Replay([said("1", b"one", asked={"model": "m"})])) as server:
        plain = request_for(dialects.get("openai-chat"), server)
        head, _, old = plain.partition(b"\r\n\r\n")
        sized = head.replace(b"content-length: %d" % len(old), b"content-length: %d" % len(body))
        assert (await hear(server, sized + b"\r\n\r\n" + body)).body == b"one"
