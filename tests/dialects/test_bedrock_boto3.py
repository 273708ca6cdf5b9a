"""AWS's own client, boto3, pointed at our server halves: it reads text, tools, reasoning, usage, stop reasons and errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from bourn import dialects
from bourn.dialects.base import HttpCall, WireError
from bourn.events import (
    Citation,
    Event,
    Finish,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from bourn.messages import Message, Request
from bourn.mock import HttpRequest, Reply, ThreadedServer, error, http_error, reasoning, text, tool_call, usage

boto3 = pytest.importorskip("boto3", reason="the official SDK is in the dependency group sdk")
exceptions = pytest.importorskip("botocore.exceptions", reason="the official SDK brings botocore")
config = pytest.importorskip("botocore.config", reason="the official SDK brings botocore").Config(
    retries={"total_max_attempts": 1}
)

CONVERSE, INVOKE = dialects.get("bedrock-converse"), dialects.get("bedrock-invoke")
REQUEST = Request("m", (Message("user", "hi"),))
ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x.y-v1:0"

ANSWER: list[Event] = [
    Start("msg_1", "claude-y"),
    ReasoningStart(0),
    ReasoningDelta(0, "Let me "),
    ReasoningDelta(0, "think."),
    ReasoningEnd(0, "c2lnbmVk"),
    ReasoningStart(1),
    ReasoningEnd(1, "b3BhcXVl", redacted=True),
    TextStart(2),
    TextDelta(2, "Grüße\u2028"),
    TextDelta(2, "!"),
    TextEnd(2),
    ToolCallStart(3, "tooluse_1", "weather"),
    ToolCallDelta(3, '{"city": "Sa'),
    ToolCallDelta(3, 'n José"}'),
    ToolCallEnd(3),
    ToolCallStart(4, "tooluse_2", "now"),
    ToolCallEnd(4),
    Finish("tool_calls", "tool_use", Usage(100, 20, 30, 40)),
]
CITED: list[Event] = [TextStart(0), Citation(0, title="facts"), TextDelta(0, "x"), TextEnd(0)]

Handler = Callable[[HttpRequest], Reply]


def made(url: str) -> Any:
    """A client of ``bedrock-runtime``; it signs its calls."""
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="AKID", aws_secret_access_key="s")
    return session.client("bedrock-runtime", endpoint_url=url, config=config)


@pytest.fixture(scope="module")
def boto() -> Iterator[Callable[[Handler], Any]]:
    """Gives the client, answered by a handler from now on."""
    answering: list[Handler] = []

    def pointed(handler: Handler) -> Any:
        answering[:] = [handler]
        return client

    with ThreadedServer(lambda request: answering[0](request)) as server:
        client = made(server.url)
        yield pointed
        client.close()


def streaming(dialect: dialects.base.Dialect, body: bytes) -> Handler:
    """A handler that reads the request as the server half does, and answers with a stream."""

    def handler(request: HttpRequest) -> Reply:
        asked = dialect.parse(HttpCall(request.target, request.body, request.headers))
        assert (asked.model, asked.stream, asked.messages[0].text) == (ARN, True, "hi")
        return Reply(200, {"content-type": dialect.media_types[0]}, [body[at : at + 700] for at in range(0, len(body), 700)])

    return handler


def whole(dialect: dialects.base.Dialect, events: list[Event]) -> Handler:
    """A handler that answers with one document."""

    def handler(request: HttpRequest) -> Reply:
        assert not dialect.parse(HttpCall(request.target, request.body, request.headers)).stream
        return Reply(200, {"content-type": "application/json"}, [dialect.encode_whole(REQUEST, events)], "length")

    return handler


def encode(dialect: dialects.base.Dialect, events: list[Event], error: WireError | None = None) -> bytes:
    encoder = dialect.encoder(REQUEST)
    said = b"".join(encoder.encode(event) for event in events)
    return said if error is None else said + encoder.error(error)


ASKED: dict[str, Any] = {"modelId": ARN, "messages": [{"role": "user", "content": [{"text": "hi"}]}]}
BODY = json.dumps(
    {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
).encode()
USAGE = {"inputTokens": 30, "outputTokens": 20, "totalTokens": 120, "cacheReadInputTokens": 30, "cacheWriteInputTokens": 40}


def test_converse_stream(boto: Any) -> None:
    """Every delta, with bytes as bytes; the calls' starts, the stop reason, and usage."""
    seen = list(boto(streaming(CONVERSE, encode(CONVERSE, ANSWER))).converse_stream(**ASKED)["stream"])
    deltas = [event["contentBlockDelta"]["delta"] for event in seen if "contentBlockDelta" in event]
    assert deltas == [
        {"reasoningContent": {"text": "Let me "}},
        {"reasoningContent": {"text": "think."}},
        {"reasoningContent": {"signature": "c2lnbmVk"}},
        {"reasoningContent": {"redactedContent": b"opaque"}},
        {"text": "Grüße\u2028"},
        {"text": "!"},
        {"toolUse": {"input": '{"city": "Sa'}},
        {"toolUse": {"input": 'n José"}'}},
    ]
    starts = [event["contentBlockStart"]["start"]["toolUse"]["name"] for event in seen if "contentBlockStart" in event]
    assert starts == ["weather", "now"]
    assert seen[-2:] == [
        {"messageStop": {"stopReason": "tool_use"}},
        {"metadata": {"usage": USAGE, "metrics": {"latencyMs": 0}}},
    ]


def test_converse(boto: Any) -> None:
    """The whole answer says the same; citations are in blocks of their own kind."""
    answer = boto(whole(CONVERSE, ANSWER)).converse(**ASKED)
    content = answer["output"]["message"]["content"]
    assert content[0]["reasoningContent"]["reasoningText"] == {"text": "Let me think.", "signature": "c2lnbmVk"}
    assert content[1] == {"reasoningContent": {"redactedContent": b"opaque"}}
    assert content[2] == {"text": "Grüße\u2028!"}
    assert content[3]["toolUse"] == {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "San José"}}
    assert (answer["stopReason"], answer["usage"], answer["metrics"]) == ("tool_use", USAGE, {"latencyMs": 0})
    cited = boto(whole(CONVERSE, [Start(), *CITED, Finish("stop")])).converse(**ASKED)
    assert cited["output"]["message"]["content"] == [
        {"citationsContent": {"content": [{"text": "x"}], "citations": [{"title": "facts"}]}}
    ]


def test_invoke_model_with_response_stream(boto: Any) -> None:
    """Anthropic's events, each in a chunk of bytes; boto3 knows no more of them."""
    client = boto(streaming(INVOKE, encode(INVOKE, ANSWER)))
    answer = client.invoke_model_with_response_stream(modelId=ARN, body=BODY)
    seen = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    assert seen[0]["message"]["model"] == "claude-y"
    pieces = [event["delta"] for event in seen if event["type"] == "content_block_delta"]
    assert "".join(piece.get("text", "") for piece in pieces) == "Grüße\u2028!"
    assert "".join(piece.get("partial_json", "") for piece in pieces) == '{"city": "San José"}'
    assert [event["type"] for event in seen[-2:]] == ["message_delta", "message_stop"]
    assert seen[-2]["delta"]["stop_reason"] == "tool_use"
    assert seen[-2]["usage"]["output_tokens"] == 20


def test_invoke_model(boto: Any) -> None:
    """The whole message."""
    answer = json.loads(boto(whole(INVOKE, ANSWER)).invoke_model(modelId=ARN, body=BODY)["body"].read())
    assert [block["type"] for block in answer["content"]] == ["thinking", "redacted_thinking", "text", "tool_use", "tool_use"]
    assert (answer["stop_reason"], answer["usage"]["input_tokens"]) == ("tool_use", 30)


@pytest.mark.parametrize("status", [400, 403, 404, 408, 424, 429, 500, 503])
def test_a_refusal_has_the_class_of_its_type(boto: Any, status: int) -> None:
    """The SDK's own class, and our words."""
    refusal = WireError("Not today")
    headers = dict(CONVERSE.error_headers(status, refusal))

    def handler(_: HttpRequest) -> Reply:
        body = CONVERSE.encode_error(status, refusal)
        return Reply(status, {"content-type": "application/json", **headers}, [body], "length")

    client = boto(handler)
    with pytest.raises(getattr(client.exceptions, headers["x-amzn-errortype"]), match="Not today") as refused:
        client.converse_stream(**ASKED)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize("dialect", [CONVERSE, INVOKE], ids=lambda one: one.name)
def test_an_exception_in_mid_stream_is_one(boto: Any, dialect: Any) -> None:
    """After the text that came before; its type is the code."""
    client = boto(streaming(dialect, encode(dialect, ANSWER[:9], WireError("Slow", "ThrottlingException"))))
    if dialect is CONVERSE:
        stream = client.converse_stream(**ASKED)["stream"]
    else:
        stream = client.invoke_model_with_response_stream(modelId=ARN, body=BODY)["body"]
    seen: list[Any] = []
    with closing(stream), pytest.raises(exceptions.EventStreamError, match="Slow") as failed:
        for event in stream:
            seen.append(event)
    said = b"".join(one.get("chunk", {}).get("bytes", b"") for one in seen).decode() + repr(seen)
    assert "Grüße" in said
    assert failed.value.response["Error"]["Code"] == "throttlingException"


SAID = reasoning("Hmm.", signature="sig") + text("Hello, wörld!") + tool_call("f", {"x": 1}, id="c1") + usage(11, 7)


def test_the_mock_serves_boto3() -> None:
    """A scenario, streamed and not, by calls that are signed."""
    with ThreadedServer(SAID) as server:
        client = made(server.base_url("bedrock-converse"))
        seen = list(client.converse_stream(**ASKED)["stream"])
        answer = client.converse(**ASKED)
        client.close()
    pieces = [event["contentBlockDelta"]["delta"] for event in seen if "contentBlockDelta" in event]
    assert "".join(piece.get("text", "") for piece in pieces) == "Hello, wörld!"
    assert "".join(piece.get("toolUse", {}).get("input", "") for piece in pieces) == '{"x":1}'
    assert answer["output"]["message"]["content"][1:] == [
        {"text": "Hello, wörld!"},
        {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"x": 1}}},
    ]
    assert (answer["stopReason"], answer["usage"]["inputTokens"], answer["usage"]["outputTokens"]) == ("tool_use", 11, 7)


def test_the_mock_fails_boto3_as_it_is_told() -> None:
    """A status, and an error in mid-stream."""
    with ThreadedServer(http_error(429, "slow down")) as server:
        client = made(server.base_url("bedrock-converse"))
        with pytest.raises(client.exceptions.ThrottlingException, match="slow down"):
            client.converse(**ASKED)
        client.close()
    with ThreadedServer(text("a") + error("broke")) as server:
        client = made(server.base_url("bedrock-converse"))
        stream = client.converse_stream(**ASKED)["stream"]
        with closing(stream), pytest.raises(exceptions.EventStreamError, match="broke"):
            list(stream)
        client.close()
