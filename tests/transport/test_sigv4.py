"""Signature Version 4: AWS's published vectors, botocore's own signer on a clock that stands, credentials from the chain."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("botocore", reason="botocore is the extra bourn[aws]")

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bourn.transport import sigv4
from bourn.transport.signing import CredentialsError
from tests.transport import sigv4_judge

MOMENT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/"
    "qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7"
    "ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
CREDENTIALS = Credentials("AKIDEXAMPLE", SECRET)
FORM = "application/x-www-form-urlencoded"
HOST = "https://example.amazonaws.com"

VECTORS = {
    "post-vanilla": (CREDENTIALS, {}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-sts-header-before": (
        Credentials("AKIDEXAMPLE", SECRET, TOKEN),
        {},
        b"",
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    ),
    "post-x-www-form-urlencoded": (
        CREDENTIALS,
        {"content-type": FORM},
        b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "post-x-www-form-urlencoded-parameters": (
        CREDENTIALS,
        {"content-type": f"{FORM}; charset=utf8"},
        b"Param1=value1",
        "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    ),
}
"""Name in AWS's test suite (aws-sig-v4-test-suite) to credentials, headers, body, and the signature that it publishes."""


@pytest.mark.parametrize(("credentials", "headers", "body", "expected"), VECTORS.values(), ids=VECTORS)
def test_the_published_vectors_are_signed_as_published(
    credentials: Any, headers: dict[str, str], body: bytes, expected: str
) -> None:
    """Key, scope, names and signature are AWS's; the second reading that the other tests use agrees."""
    added = sigv4.signature(credentials, "service", "us-east-1", "POST", f"{HOST}/", headers, body, MOMENT)
    said = sigv4_judge.claimed(added)
    assert (said["key"], said["scope"]) == ("AKIDEXAMPLE", "20150830/us-east-1/service/aws4_request")
    assert said["signature"] == expected
    received = {"host": "example.amazonaws.com", **headers, **added}
    assert sigv4_judge.signature(SECRET, "POST", "/", received, body) == expected


CALLS = {
    "plain": f"{HOST}/model/amazon.nova-lite-v1/converse-stream",
    "colon": f"{HOST}/model/us.anthropic.claude-sonnet-4-20250514-v1:0/converse-stream",
    "quoted colon": f"{HOST}/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/converse-stream",
    "ARN": f"{HOST}/model/arn:aws:bedrock:us-east-1:123456789012:inference-profile%2Fus.x.y-v1:0/invoke",
    "port": "http://127.0.0.1:8080/model/m/converse",
    "IPv6": "http://[::1]:8080/model/m/converse",
    "below a path": "https://gateway.example/bedrock/model/m/converse",
}


@pytest.mark.parametrize("url", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("token", [None, "session/token=="])
def test_a_call_is_signed_as_by_botocore(monkeypatch: pytest.MonkeyPatch, url: str, token: str | None) -> None:
    """Of the same headers at the same moment its own ``add_auth`` makes the same ``Authorization``."""
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: MOMENT)
    credentials, body = Credentials("AKID", SECRET, token), b'{"messages": []}'
    headers = {"content-type": "application/json"}
    theirs = AWSRequest("POST", url, headers=headers, data=body)
    SigV4Auth(credentials, "bedrock", "eu-central-1").add_auth(theirs)
    ours = sigv4.signature(credentials, "bedrock", "eu-central-1", "POST", url, headers, body, MOMENT)
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours.get("x-amz-security-token") == theirs.headers.get("X-Amz-Security-Token") == token


def test_only_what_no_proxy_changes_is_signed() -> None:
    """Of the headers of a call the content type alone, beside the host and what the signature brings."""
    headers = {"content-type": "application/json", "accept": "*/*", "user-agent": "bourn", "accept-encoding": "identity"}
    added = sigv4.signature(CREDENTIALS, "bedrock", "us-east-1", "POST", f"{HOST}/", headers, b"", MOMENT)
    assert sigv4_judge.claimed(added)["names"] == "content-type;host;x-amz-date"


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A machine without any credentials, and without a role that could be asked for."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    sigv4._found.cache_clear()
    yield monkeypatch
    sigv4._found.cache_clear()


def key_of(added: dict[str, str]) -> str:
    return sigv4_judge.claimed(added)["key"]


def sign() -> dict[str, str]:
    return sigv4.sign(("bedrock", "us-east-1"), "POST", f"{HOST}/", {"content-type": "application/json"}, b"{}")


def test_credentials_come_from_the_environment_and_new_ones_are_noticed(nowhere: pytest.MonkeyPatch) -> None:
    """The variables that every AWS tool reads; other ones put there later count at once."""
    nowhere.setenv("AWS_ACCESS_KEY_ID", "AKIDONE")
    nowhere.setenv("AWS_SECRET_ACCESS_KEY", "one")
    nowhere.setenv("AWS_SESSION_TOKEN", "token")
    added = sign()
    assert (key_of(added), added["x-amz-security-token"]) == ("AKIDONE", "token")
    nowhere.setenv("AWS_ACCESS_KEY_ID", "AKIDTWO")
    nowhere.delenv("AWS_SESSION_TOKEN")
    added = sign()
    assert key_of(added) == "AKIDTWO"
    assert "x-amz-security-token" not in added


def test_credentials_come_from_the_profile_that_is_named(nowhere: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Profiles of ``~/.aws/credentials``, and those that a program gives."""
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = x\n"
        "[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = y\n"
    )
    said = '{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "z", "SessionToken": "t"}'
    (tmp_path / "said.json").write_text(said)
    (tmp_path / "config").write_text(f"[profile made]\ncredential_process = cat {tmp_path / 'said.json'}\n")
    assert key_of(sign()) == "AKIDDEFAULT"
    for profile, key in (("work", "AKIDWORK"), ("made", "AKIDPROCESS")):
        nowhere.setenv("AWS_PROFILE", profile)
        assert key_of(sign()) == key


def test_credentials_are_looked_up_once(nowhere: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The chain is walked for the first call of an identity, and not again; that nothing was found is not kept."""
    with pytest.raises(CredentialsError, match=r"environment, in ~/\.aws, or from the machine's role"):
        sign()
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = AKIDFOUND\naws_secret_access_key = x\n")
    assert key_of(sign()) == "AKIDFOUND"
    file.unlink()
    assert key_of(sign()) == "AKIDFOUND"


@pytest.mark.parametrize(
    ("environ", "config", "says"),
    [
        ({"AWS_PROFILE": "nobody"}, "", "nobody"),
        ({"AWS_ACCESS_KEY_ID": "AKID"}, "", "AWS_SECRET_ACCESS_KEY"),
        ({"AWS_PROFILE": "bad"}, "[profile bad]\ncredential_process = false\n", "custom-process"),
        ({}, "not a file of this kind", "config"),
    ],
)
def test_credentials_that_cannot_be_had_are_one_sentence(
    nowhere: pytest.MonkeyPatch, tmp_path: Path, environ: dict[str, str], config: str, says: str
) -> None:
    """A profile that is not there, half a pair, a program that fails, an unreadable file: botocore's reason, in one line."""
    (tmp_path / "config").write_text(config)
    for name, value in environ.items():
        nowhere.setenv(name, value)
    with pytest.raises(CredentialsError, match=says) as caught:
        sign()
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_no_secret_is_logged(nowhere: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Not even for those who log everything: botocore's signer alone would write the session's token down."""
    nowhere.setenv("AWS_ACCESS_KEY_ID", "AKID")
    nowhere.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    nowhere.setenv("AWS_SESSION_TOKEN", "very-secret-token")
    with caplog.at_level(logging.DEBUG):
        sign()
    assert "botocore" in caplog.text
    assert "very-secret" not in caplog.text
