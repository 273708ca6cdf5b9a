"""Anthropic at Vertex: path and body, both ways, the recordings, whose errors they are, and Anthropic's own client for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bourn import dialects
from bourn.dialects.anthropic.decoder import AnthropicDecoder
from bourn.dialects.anthropic.vertex import DIALECT
from bourn.dialects.base import HttpCall, WireError
from bourn.errors import InputError
from bourn.messages import Message, Options, Request
from bourn.mock import MockServer, error, http_error, reasoning, serve, text, tool_call, usage
from tests.recordings import Recording, needs_corpus, recordings

PATH = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@1:streamRawPredict"
BODY: dict[str, Any] = {
    "anthropic_version": "vertex-2023-10-16",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
}


def test_the_dialect_is_found_by_its_name() -> None:
    """It is Anthropic's, but for the key's header and the paths."""
    assert dialects.get("anthropic-vertex") is DIALECT
    assert (DIALECT.decoder, DIALECT.auth) == (AnthropicDecoder, ("authorization", "Bearer "))


@pytest.mark.parametrize(("stream", "operation"), [(True, "streamRawPredict"), (False, "rawPredict")])
def test_a_request_has_its_model_in_the_path(stream: bool, operation: str) -> None:
    """And its version in the body, not in a header; read again it is the same."""
    request = Request("claude-x@1", (Message("user", "hi"),), Options(max_tokens=9), stream=stream)
    call = DIALECT.call(request)
    assert call.path == f"/publishers/anthropic/models/claude-x@1:{operation}"
    assert "anthropic-version" not in call.headers
    assert json.loads(call.body) == {**BODY, "stream": stream}
    again = DIALECT.parse(call)
    assert (again.model, again.options, again.stream) == (request.model, request.options, stream)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (PATH, b"{", "not valid JSON"),
        (PATH, {**BODY, "anthropic_version": None}, "anthropic_version"),
        (PATH, {**BODY, "model": "claude-x"}, "model: Extra inputs"),
        (PATH, {**BODY, "max_tokens": None}, "max_tokens"),
        ("/v1/messages", BODY, "no model and operation"),
    ],
)
def test_a_wrong_request_is_refused(path: str, body: Any, words: str) -> None:
    """In one sentence."""
    with pytest.raises(InputError, match=words):
        DIALECT.parse(HttpCall(path, body if isinstance(body, bytes) else json.dumps(body).encode()))


GOOGLES = {"error": {"code": 404, "message": "Publisher Model was not found.", "status": "NOT_FOUND"}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (GOOGLES, WireError("Publisher Model was not found.", "NOT_FOUND", "404")),
        ([GOOGLES], WireError("Publisher Model was not found.", "NOT_FOUND", "404")),
        (
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            WireError("Overloaded", "overloaded_error"),
        ),
        ([], WireError("")),
    ],
)
def test_an_error_is_googles_or_anthropics(body: Any, said: WireError) -> None:
    """Whoever refused, in their words."""
    assert DIALECT.read_error(404, {}, json.dumps(body).encode()) == said


RECORDED = [one for one in recordings("anthropic-messages") if one.response["vendor"] == "vertex"]


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_request_is_read_and_written_the_same(recording: Recording) -> None:
    """Path and body, as Vertex took them."""
    path, body = recording.request["path"], recording.request["body"]
    call = DIALECT.call(DIALECT.parse(HttpCall(path, json.dumps(body).encode())))
    assert path.endswith(call.path)
    assert json.loads(call.body).keys() == body.keys()
    assert json.loads(call.body)["anthropic_version"] == body["anthropic_version"]


# --- Anthropic's own client for Vertex --------------------------------------------------------------------------------------


def client(server: MockServer) -> Any:
    """It adds project, region and model to the path by itself."""
    sdk = pytest.importorskip("anthropic")
    root = server.base_url("anthropic-vertex").partition("/projects")[0]
    return sdk.AsyncAnthropicVertex(region="global", project_id="PROJECT", access_token="t", base_url=root, max_retries=0)


ASKED: dict[str, Any] = {"model": "claude-x@1", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of google-auth's, where the client looks for it
async def test_the_sdk_reads_an_answer() -> None:
    """Thoughts with their signature, text, a call, usage and the reason, streamed and not."""
    said = reasoning("Hm.", signature="sig") + text("Hello, wörld!") + tool_call("f", {"x": 1}, id="c1") + usage(11, 7)
    async with serve(said) as server, client(server) as claude:
        async with claude.messages.stream(**ASKED) as stream:
            streamed = await stream.get_final_message()
        for answer in (streamed, await claude.messages.create(**ASKED)):
            thought, told, called = answer.content
            assert (thought.thinking, thought.signature, told.text) == ("Hm.", "sig", "Hello, wörld!")
            assert (called.id, called.name, called.input) == ("c1", "f", {"x": 1})
            assert (answer.stop_reason, answer.usage.input_tokens, answer.usage.output_tokens) == ("tool_use", 11, 7)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_the_sdk_raises_its_own_errors() -> None:
    """Of a refusal and in mid-stream."""
    sdk = pytest.importorskip("anthropic")
    async with serve(http_error(429, "no, thank you")) as server, client(server) as claude:
        with pytest.raises(sdk.RateLimitError, match="no, thank you"):
            await claude.messages.create(**ASKED)
    async with serve(text("Well") + error("no more")) as server, client(server) as claude:
        with pytest.raises(sdk.APIStatusError, match="no more"):
            async for _ in await claude.messages.create(**ASKED, stream=True):
                pass
