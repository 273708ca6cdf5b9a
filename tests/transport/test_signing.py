"""Signed calls, from the row to the wire; real time, since a virtual loop cannot see the threads in which they are signed."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import bourn
from bourn import dialects, providers
from bourn.dialects.base import WireError
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart, Usage
from bourn.messages import Message, Request
from bourn.mock import HttpRequest, MockServer, Reply
from bourn.transport import offload, signing
from tests.transport import sigv4_judge

SECRET = "very-secret"
TOKEN = "very-secret-token=="
MODELS = ["us.amazon.nova-lite-v1:0", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x.y-v1:0", "a b+c"]
ANSWER: list[Event] = [Start(), TextStart(0), TextDelta(0, "Hi"), TextEnd(0), Finish("stop", "end_turn", Usage(1, 2))]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine in one region, without key, credentials or role."""
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.fixture
def signer(machine: pytest.MonkeyPatch) -> None:
    """Credentials of a session, and what can sign with them."""
    pytest.importorskip("botocore", reason="botocore is the extra bourn[aws]")
    machine.setenv("AWS_ACCESS_KEY_ID", "AKIDSESSION")
    machine.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    machine.setenv("AWS_SESSION_TOKEN", TOKEN)


def answering(seen: list[HttpRequest], refusal: WireError | None = None) -> Callable[[HttpRequest], Reply]:
    """A server that keeps what it received, and says hello, or refuses."""

    def handler(request: HttpRequest) -> Reply:
        seen.append(request)
        dialect = dialects.get("bedrock-converse")
        if refusal is not None:
            return Reply(403, dict(dialect.error_headers(403, refusal)), [dialect.encode_error(403, refusal)], "length")
        encoder = dialect.encoder(Request("m", (Message("user", "hi"),)))
        return Reply(200, {"content-type": dialect.media_types[0]}, [encoder.encode(event) for event in ANSWER])

    return handler


async def ask(script: Any, model: str = MODELS[0], **options: Any) -> bourn.Response:
    async with MockServer(script) as server:
        return await bourn.stream(f"bedrock/{model}", "hi", base_url=server.url, **options).collect()


def failure(coroutine: Coroutine[Any, Any, Any]) -> bourn.BournError:
    with pytest.raises(bourn.BournError) as caught:
        asyncio.run(coroutine)
    return caught.value


@pytest.mark.parametrize("model", MODELS)
def test_what_is_signed_is_what_arrives(signer: None, model: str) -> None:
    """A second reading of the signature, over path, headers and body as the server received them, agrees."""
    seen: list[HttpRequest] = []
    assert asyncio.run(ask(answering(seen), model)).text == "Hi"
    [request] = seen
    said = sigv4_judge.claimed(request.headers)
    assert (said["key"], said["region"], said["service"]) == ("AKIDSESSION", "eu-central-1", "bedrock")
    assert said["names"] == "content-type;host;x-amz-date;x-amz-security-token"
    assert request.headers["x-amz-security-token"] == TOKEN
    path = request.target
    assert sigv4_judge.signature(SECRET, request.method, path, request.headers, request.body) == said["signature"]
    assert sigv4_judge.signature(SECRET, request.method, path, request.headers, request.body + b" ") != said["signature"]


def test_a_bearer_key_goes_before_a_signature(signer: None, machine: pytest.MonkeyPatch) -> None:
    """With a key, from the call or from its variable, nothing is signed and nobody is asked for credentials."""
    machine.setattr(signing, "SIGNERS", {})
    seen: list[HttpRequest] = []
    asyncio.run(ask(answering(seen), api_key="k1"))
    machine.setenv("AWS_BEARER_TOKEN_BEDROCK", "k2")
    asyncio.run(ask(answering(seen)))
    assert [request.headers["authorization"] for request in seen] == ["Bearer k1", "Bearer k2"]
    assert not any("x-amz-date" in request.headers for request in seen)


def test_other_providers_are_not_signed(signer: None) -> None:
    """A row without the word, and a dialect of Bedrock's behind another row, want no signature."""
    assert providers.resolve("openai/m", base_url="http://h/v1", environ={}).sign == ()
    assert providers.resolve("openai/m", base_url="http://h", dialect="bedrock-converse", environ={}).sign == ()


def test_signing_needs_a_region_and_says_so() -> None:
    """The variables that AWS's tools read; without one the address cannot be known, nor the scope of a signature."""
    for environ, region in (({"AWS_REGION": "a"}, "a"), ({"AWS_DEFAULT_REGION": "b"}, "b")):
        endpoint = providers.resolve("bedrock/m", environ=environ)
        assert (endpoint.base_url, endpoint.sign) == (
            f"https://bedrock-runtime.{region}.amazonaws.com",
            ("aws-sigv4", "bedrock", region),
        )
    with pytest.raises(bourn.InputError, match="set AWS_REGION or AWS_DEFAULT_REGION, or pass base_url="):
        providers.resolve("bedrock/m", environ={})
    with pytest.raises(bourn.MissingKeyError, match=r"set AWS_BEARER_TOKEN_BEDROCK.*set AWS_REGION or AWS_DEFAULT_REGION"):
        providers.resolve("bedrock/m", base_url="http://h", environ={})
    with pytest.raises(bourn.InputError, match="AWS_REGION holds characters"):
        providers.resolve("bedrock/m", base_url="http://h", environ={"AWS_REGION": "a\r\nb"})
    assert providers.resolve("bedrock/m", base_url="http://h", api_key="k", environ={}).sign == ()


def test_without_credentials_the_error_names_both_ways() -> None:
    """One sentence: the key's variable, and where credentials were looked for; nothing was sent."""
    pytest.importorskip("botocore", reason="botocore is the extra bourn[aws]")
    seen: list[HttpRequest] = []
    error = failure(ask(answering(seen)))
    assert type(error) is bourn.MissingKeyError
    assert error.message == (
        "bedrock wants an API key (set AWS_BEARER_TOKEN_BEDROCK, or pass api_key=) or AWS credentials: "
        "none were found in the environment, in ~/.aws, or from the machine's role"
    )
    assert (error.provider, error.model, seen) == ("bedrock", MODELS[0], [])


def test_without_the_extra_the_error_names_it(machine: pytest.MonkeyPatch) -> None:
    """Where botocore is not installed a key will do, or the extra."""
    machine.delitem(sys.modules, "bourn.transport.sigv4", raising=False)
    machine.setitem(sys.modules, "botocore.auth", None)
    error = failure(ask(answering([])))
    assert type(error) is bourn.MissingKeyError
    assert "set AWS_BEARER_TOKEN_BEDROCK, or pass api_key=" in error.message
    assert "pip install 'bourn[aws]'" in error.message


def test_the_signer_works_beside_the_loop(machine: pytest.MonkeyPatch) -> None:
    """However long it takes to have credentials, the loop turns meanwhile."""
    gate = threading.Event()

    async def main() -> dict[str, str]:
        loop, asked = asyncio.get_running_loop(), asyncio.Event()

        def sign(*_: Any) -> dict[str, str]:
            loop.call_soon_threadsafe(asked.set)
            return {"authorization": "signed" if gate.wait(30) else "the loop stood still"}

        async def load(_: str) -> ModuleType:
            module = ModuleType("signer")
            module.__dict__["sign"] = sign
            return module

        machine.setattr(offload, "load", load)
        call = asyncio.create_task(signing.signed(providers.resolve("bedrock/m"), "POST", "http://h/", {"a": "b"}, b""))
        await asked.wait()
        gate.set()
        return await call

    assert asyncio.run(main()) == {"a": "b", "authorization": "signed"}


def test_no_secret_is_in_an_error(signer: None) -> None:
    """AWS refuses a signature with all that it should have covered; the session's token in it is blotted out."""
    canonical = f"'POST\n/model/m/converse\n\nhost:h\nx-amz-date:20260101T000000Z\nx-amz-security-token:{TOKEN}\n\nhost"
    words = "The request signature we calculated does not match. The Canonical String should have been\n" + canonical
    error = failure(ask(answering([], WireError(words, "InvalidSignatureException"))))
    assert type(error) is bourn.PermissionDeniedError
    assert (error.type, "x-amz-security-token:***" in error.message) == ("InvalidSignatureException", True)
    assert SECRET not in "".join(traceback.format_exception(error)) + repr(error)


def test_every_word_of_the_table_can_be_signed_with() -> None:
    """Each row that wants a signature names a way that there is, and a variable for those who have a key."""
    rows = [row for row in providers.PROVIDERS.values() if row.sign]
    assert {row.name for row in rows} == {"bedrock", "bedrock-invoke", "bedrock-openai", "bedrock-openai-responses"}
    assert all(row.sign[0] in signing.SIGNERS and row.key_env for row in rows)
