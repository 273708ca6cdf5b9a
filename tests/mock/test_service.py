"""Which scenario a request gets, in every dialect, streamed and whole; and what a wrong request is told."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest

from bourn import dialects
from bourn.errors import InputError
from bourn.mock import (
    MockServer,
    Reply,
    computed,
    echo,
    error,
    http_error,
    ops,
    pause,
    reasoning,
    serve,
    text,
    tool_call,
    turns,
)
from bourn.mock.routing import KEYLESS
from tests.mock.rawpeer import NAMES, Heard, ask, call_for, hear, request_for
from tests.recordings import decode

ALL = pytest.mark.parametrize("name", NAMES)
WITHOUT_THE_WORD = ("cloudflare", "huggingface-tgi")
"""Dialects that cannot say that an answer ended for its tool calls."""
SAID = reasoning("Hmm.") + text("Hello!") + tool_call("f", {"x": 1})


def said(name: str, heard: Heard) -> str:
    """The text of a streamed answer."""
    decoded = decode(dialects.get(name), [heard.body])
    assert decoded.error is None
    return decoded.response.text


def path_of(name: str) -> str:
    """The path of a streamed call, without its query."""
    dialect = dialects.get(name)
    return dialect.root + call_for(dialect).path.partition("?")[0]


def dialect_frames(name: str, data: bytes) -> int:
    """How many whole frames the client's half finds in some bytes."""
    return len(dialects.get(name).framer(1 << 20).feed(data))


def message(name: str, heard: Heard) -> str:
    """The sentence in an error body, as the client's half reads it."""
    assert heard.headers["content-type"] == "application/json"
    return dialects.get(name).read_error(heard.status, heard.headers, heard.body).message


@ALL
async def test_one_scenario_is_served_in_every_dialect(name: str) -> None:
    async with MockServer(SAID) as server:
        heard = await ask(server, name)
        decoded, parts = decode(dialects.get(name), [heard.body]), dialects.get(name).parts
        assert decoded.error is None
        assert decoded.response.text == "Hello!"
        assert decoded.response.reasoning == ("Hmm." if "reasoning" in parts else "")
        called = [("f", '{"x":1}')] if "tool_call" in parts else []
        assert [(call.name, call.arguments) for call in decoded.response.tool_calls] == called
        assert decoded.response.finish_reason == "tool_calls" or name in WITHOUT_THE_WORD
        assert heard.headers["content-type"].partition(";")[0] == dialects.get(name).media_types[0]
        assert heard.headers["request-id"].startswith("req_")


@ALL
async def test_a_request_without_stream_gets_one_json_document(name: str) -> None:
    async with MockServer(SAID.paced(first=3)) as server:
        heard = await ask(server, name, stream=False)
        assert (heard.headers["content-type"], heard.whole) == ("application/json", True)
        assert "Hello!" in json.dumps(json.loads(heard.body))
        assert server.journal.exchanges[0].ended_at == 3


@ALL
async def test_each_frame_is_a_chunk_of_its_own_at_its_own_time(name: str) -> None:
    async with MockServer(text("a b c").paced(first=2, rate=4)) as server:
        heard = await ask(server, name)
        assert [dialect_frames(name, piece) for piece in heard.chunks] == [1] * len(heard.chunks)
        (exchange,) = server.journal.exchanges
        assert exchange.ended_at == pytest.approx(2.5)


@ALL
async def test_an_http_error_has_the_dialects_body_and_its_headers(name: str) -> None:
    async with MockServer(http_error(429, "slow down", retry_after=2)) as server:
        heard = await ask(server, name)
        assert (heard.status, heard.headers["retry-after"], message(name, heard)) == (429, "2", "slow down")
        read = dialects.get(name).read_error(429, heard.headers, heard.body)
        assert (read.message, read.retry_after) == ("slow down", 2)


@ALL
async def test_an_error_in_mid_stream_is_a_status_where_nothing_is_streamed(name: str) -> None:
    async with MockServer(text("Well") + error("overloaded", type="overloaded_error", status=529)) as server:
        streamed = decode(dialects.get(name), [(await ask(server, name)).body])
        assert streamed.response.text == "Well"
        assert streamed.error is not None
        assert "overloaded" in str(streamed.error)
        whole = await ask(server, name, stream=False)
        assert (whole.status, message(name, whole)) == (529, "overloaded")


@ALL
async def test_turns_and_computed_answers_follow_the_requests(name: str) -> None:
    async with MockServer(turns(text("one"), computed(lambda request: request.messages[0].text.upper()), echo())) as server:
        assert [said(name, await ask(server, name, prompt="hi you")) for _ in range(3)] == ["one", "HI YOU", "hi you"]


@ALL
async def test_a_scenario_is_found_by_its_token_or_by_the_models_name(name: str) -> None:
    async with MockServer(text("default")) as server:
        cat, dog = server.add(text("miaow"), name="cat"), server.add(text("woof"))
        assert said(name, await ask(server, name)) == "default"
        assert said(name, await ask(cat, name)) == "miaow"
        assert said(name, await ask(dog, name)) == "woof"
        assert said(name, await ask(server, name, model="cat")) == "miaow"
        assert said(name, await ask(server, name, model=cat.model)) == "miaow"
        assert said(name, await ask(dog, name, model="mock/cat")) == "miaow"
        assert [exchange.scenario for exchange in server.journal.exchanges] == ["", "cat", dog.name, "cat", "cat", "cat"]
        assert len(cat.exchanges) == 4
        assert cat.base_url(name) == f"{server.origin}/s/cat{dialects.get(name).root}"


@ALL
async def test_a_scenario_that_is_not_there_is_named_with_those_that_are(name: str) -> None:
    async with MockServer() as server:
        server.add(text("miaow"), name="cat")
        unknown = await ask(server, name, model="mock/cow")
        assert (unknown.status, message(name, unknown)) == (
            404,
            "the model 'mock/cow' does not exist: the scenarios of this server are cat",
        )
        lost = await hear(server, _post(name, "/s/dog" + path_of(name)))
        assert (lost.status, message(name, lost)) == (404, "no scenario 'dog' was added to this server: known are cat")


async def test_mounts_with_a_bad_or_a_taken_name_are_refused():
    async with MockServer(text("x")) as server:
        server.add(text("a"), name="cat")
        with pytest.raises(InputError, match="'cat' was added before"):
            server.add(text("a"), name="cat")
        with pytest.raises(InputError, match="'c/t' has others"):
            server.add(text("a"), name="c/t")
        with pytest.raises(InputError, match="unknown fault 'rset'; did you mean 'reset'"):
            server.add(text("a"), fault="rset")
        with pytest.raises(InputError, match="a fault breaks a scenario"):
            server.add(Reply(), fault="reset")
        with pytest.raises(InputError, match="a generator can answer only one request"):
            server.add(iter([ops.Close()]))
        with pytest.raises(InputError, match="unknown dialect 'klingon'"):
            server.base_url("klingon")


async def test_a_handler_answers_any_path_below_its_token():
    async with MockServer(text("x")) as server:
        mount = server.add(lambda request: Reply(201, {}, [request.path.encode()], "length"), name="raw")
        heard = await hear(server, b"GET /s/raw/any/where HTTP/1.1\r\nconnection: close\r\n\r\n")
        assert (heard.status, heard.body) == (201, b"/s/raw/any/where")
        assert len(mount.exchanges) == 1


def _post(
    name: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None, method: str = "POST"
) -> bytes:
    dialect = dialects.get(name)
    body = call_for(dialect).body if body is None else body
    default = {dialect.auth[0]: dialect.auth[1] + "k", "anthropic-version": "2023-06-01", "content-type": "application/json"}
    fields = {**default, **(headers or {}), "content-length": str(len(body)), "connection": "close"}
    lines = "".join(f"{key}: {value}\r\n" for key, value in fields.items() if value)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def refused(name: str, path: str | None = None, keys: Any = None, **wrong: Any) -> tuple[int, str]:
    async with MockServer(SAID, keys=keys) as server:
        heard = await hear(server, _post(name, path_of(name) if path is None else path, **wrong))
        (exchange,) = server.journal.exchanges
        assert (exchange.dialect, len(exchange.notes)) == (name, 1)
        return heard.status, message(name, heard).replace(server.origin, "ORIGIN")


@ALL
async def test_a_request_without_a_key_or_with_a_wrong_one_is_refused(name: str) -> None:
    header, word = dialects.get(name).auth
    if name not in KEYLESS:
        status, told = await refused(name, headers={header: ""})
        assert (status, told) == (401, f"no API key: send one in the header {header}: {word}KEY; this server takes any")
        assert (await refused(name, headers={header: word}))[0] == 401
    status, told = await refused(name, keys={"sk-right"}, headers={header: word + "sk-wrong"})
    assert status == 401
    assert "sk-" not in told
    async with MockServer(SAID, keys={"sk-right"}) as server:
        assert (await ask(server, name, key="sk-right")).status == 200


async def test_keys_are_taken_where_each_provider_takes_them():
    sigv4 = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=f"
    async with MockServer(SAID, keys={"right", "AKIDEXAMPLE"}) as server:
        gemini = path_of("gemini") + "?alt=sse&key=right"
        bearer = {"x-api-key": "", "authorization": "Bearer right"}
        bedrock = {"authorization": sigv4}
        for request in (
            _post("gemini", gemini, {"x-goog-api-key": ""}),
            _post("anthropic", "/v1/messages", bearer),
            _post("bedrock-converse", path_of("bedrock-converse"), bedrock),
            _post("ollama", "/api/chat", {"authorization": ""}),
        ):
            assert (await hear(server, request)).status == 200
        assert (await hear(server, _post("gemini", gemini.replace("right", "wrong"), {"x-goog-api-key": ""}))).status == 401


@ALL
async def test_a_wrong_method_type_or_body_is_refused(name: str) -> None:
    assert await refused(name, method="GET", body=b"") == (405, f"{path_of(name)} is called with POST, not GET")
    status, told = await refused(name, headers={"content-type": "text/plain"})
    assert (status, told) == (415, "the content type must be application/json, not text/plain")
    for body in (b"", b"{", b"[]", b"{}", b'{"model": 3, "contents": 3}'):
        status, told = await refused(name, body=body)
        assert status == 400
        assert told


async def test_anthropic_insists_on_its_version_header():
    status, told = await refused("anthropic", headers={"anthropic-version": ""})
    assert (status, told) == (400, "anthropic-version: header is required; send for example anthropic-version: 2023-06-01")


@pytest.mark.parametrize(
    ("name", "path", "right"),
    [
        ("openai-chat", "/chat/completions", "ORIGIN/v1, and its clients add /chat/completions"),
        ("openai-chat", "/v1/v1/chat/completions", "ORIGIN/v1, and its clients add /chat/completions"),
        ("openai-chat", "/openai/chat/completions", "ORIGIN/v1, and its clients add /chat/completions"),
        ("openai-chat", "/s/cat/chat/completions", "ORIGIN/s/cat/v1, and its clients add /chat/completions"),
        ("openai-responses", "/responses", "ORIGIN/v1, and its clients add /responses"),
        ("anthropic", "/v1/v1/messages", "ORIGIN, and its clients add /v1/messages"),
        ("anthropic", "/messages", "ORIGIN, and its clients add /v1/messages"),
    ],
)
async def test_an_sdk_pointed_at_a_wrong_path_is_told_the_right_base_url(name: str, path: str, right: str) -> None:
    shown = path.removeprefix("/s/cat")
    assert await refused(name, path) == (404, f"wrong path {shown}: the base URL for {name} is {right}")


async def test_a_path_that_means_nothing_is_told_all_base_urls_in_the_shape_of_its_key():
    status, told = await refused("anthropic", "/nothing")
    assert status == 404
    assert told.startswith("nothing is served at POST /nothing; the base URLs are: ORIGIN/v1 for openai-chat, ")
    assert "ORIGIN for anthropic" in told


async def test_an_http_1_0_peer_gets_a_body_that_ends_with_the_connection():
    async with MockServer(text("hi")) as server:
        request = _post("anthropic", "/v1/messages").replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        heard = await hear(server, request)
        assert heard.headers["connection"] == "close"
        assert "transfer-encoding" not in heard.headers
        assert decode(dialects.get("anthropic"), [heard.rest]).response.text == "hi"


async def test_a_signal_can_be_given_at_a_url():
    async with MockServer(text("a", ops.WaitFor("go"), "b")) as server:
        asking = asyncio.create_task(ask(server, "openai-chat"))
        await server.journal.requests()
        await asyncio.sleep(5)
        assert not asking.done()
        post = b"POST /__bourn__/signal/go HTTP/1.1\r\nconnection: close\r\n\r\n"
        assert (await hear(server, post)).status == 200
        assert said("openai-chat", await asking) == "ab"
        assert (await hear(server, b"GET /__bourn__/what HTTP/1.1\r\nconnection: close\r\n\r\n")).status == 404


@ALL
async def test_the_same_seed_gives_the_same_bytes_and_times(name: str) -> None:
    scenario = (SAID + pause(1)).paced(first=1, rate=20, jitter=0.9).broken(*_dice())
    runs = []
    for seed in (5, 5, 6):
        async with MockServer(scenario, seed=seed) as server:
            heard = [await ask(server, name) for _ in range(2)]
            runs.append(([each.raw for each in heard], [each.ended_at for each in server.journal.exchanges]))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert runs[0][0][0] != runs[0][0][1]


def _dice() -> Any:
    from bourn.mock import faults

    return [faults.Rechunk(most=9)]


async def test_five_hundred_streams_on_one_server_do_not_mix():
    async with MockServer(echo().paced(first=0.5, rate=50)) as server:
        dice = random.Random(3)
        prompts = [f"{number}: " + " ".join(str(dice.random()) for _ in range(10)) for number in range(500)]
        heard = await asyncio.gather(*(ask(server, NAMES[n % 3], prompt=prompt) for n, prompt in enumerate(prompts)))
        assert [said(NAMES[n % 3], each) for n, each in enumerate(heard)] == prompts
        await server.journal.closed(500)
        exchanges = server.journal.exchanges
        assert {exchange.ending for exchange in exchanges} == {"whole"}
        first_end = min(exchange.ended_at or 0 for exchange in exchanges)
        assert sum(exchange.at < first_end for exchange in exchanges) > 50  # all, but for a system that is slow to connect them


async def test_one_stalled_and_one_broken_stream_do_not_hold_up_the_others():
    async with MockServer(text("fine")) as server:
        stalled = server.add(text("no"), fault="stall")
        broken = server.add(text("no"), fault="reset")
        waiting = asyncio.create_task(ask(stalled, "anthropic"))
        assert (await ask(broken, "anthropic")).end == "reset"
        assert said("anthropic", await ask(server, "anthropic")) == "fine"
        assert asyncio.get_running_loop().time() < 1
        waiting.cancel()


@ALL
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"model": "\xff"}', b""])
async def test_a_body_that_cannot_be_read_is_refused(name: str, body: bytes) -> None:
    """Nested without end, no text, nothing at all: status 400 in the dialect's own shape, and the next request is answered."""
    async with serve(text("Hello!")) as server:
        plain = request_for(dialects.get(name), server)
        head, _, old = plain.partition(b"\r\n\r\n")
        sized = head.replace(b"content-length: %d" % len(old), b"content-length: %d" % len(body))
        heard = await hear(server, sized + b"\r\n\r\n" + body)
        assert heard.status == 400
        assert message(name, heard)
        assert said(name, await ask(server, name)) == "Hello!"
