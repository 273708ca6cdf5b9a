"""What is a secret, and where it is starred out."""

from __future__ import annotations

import base64
import json

import pytest

from bourn.mock.http import HttpRequest
from bourn.mock.scrubbing import Scrubber, secrets_in

KEY = "sk-0123456789"


def asked(headers: dict[str, str] | None = None, query: dict[str, str] | None = None, body: bytes = b"") -> HttpRequest:
    """A request."""
    return HttpRequest("POST", "/v1/x", "/v1/x", query or {}, headers or {}, body)


@pytest.mark.parametrize(
    "request_",
    [
        asked({"authorization": f"Bearer {KEY}"}),
        asked({"x-api-key": KEY}),
        asked({"x-goog-api-key": KEY}),
        asked({"x-amz-security-token": KEY}),
        asked({"cookie": f"a=b; session={KEY}"}),
        asked({"authorization": "Basic " + base64.b64encode(f"me:{KEY}".encode()).decode()}),
        asked(query={"key": KEY}),
        asked(body=json.dumps({"tools": [{"headers": {"Authorization": f"Bearer {KEY}"}}]}).encode()),
        asked(body=json.dumps({"api_key": KEY}).encode()),
    ],
)
def test_a_key_is_known_wherever_a_request_may_carry_one(request_: HttpRequest) -> None:
    """In headers, cookies, the query, and fields of the body."""
    assert KEY in secrets_in(request_)


def test_innocent_words_are_no_secrets():
    """Neither the words around a signature, nor what is too short to be looked for, nor a body that is not JSON."""
    signed = "AWS4-HMAC-SHA256 Credential=AKID/20250101/eu/bedrock/aws4_request, SignedHeaders=content-type;host, Signature=ab"
    found = secrets_in(asked({"authorization": signed, "x-api-key": "any", "idempotency-key": "12345678"}, body=b"{not json"))
    assert not {"content-type", "Credential", "SignedHeaders", "any", "12345678"} & found
    assert secrets_in(asked({"authorization": "Basic ???"})) == {"Basic ???"}


@pytest.mark.parametrize("secret", [KEY, 'quo"ted/and+slashed', "schlüssel-42"])
def test_a_secret_is_starred_out_as_it_stands_in_json_and_in_urls(secret: str) -> None:
    """Byte for byte, so that nothing moves."""
    scrubber = Scrubber([secret])
    for said in (secret.encode(), json.dumps({"x": secret}).encode(), json.dumps(secret, ensure_ascii=False).encode()):
        clean = scrubber.data(b"<" + said + b">")
        assert len(clean) == len(said) + 2
        assert secret.encode() not in clean
        assert secret not in (json.loads(clean[1:-1]) if said.startswith(b'"') else ())


def test_headers_that_carry_keys_are_left_out_and_counts_of_tokens_are_not():
    """A request's by their names; an answer's too, but `x-ratelimit-remaining-tokens` is no token."""
    scrubber = Scrubber([KEY])
    headers = {"authorization": "x", "X-API-Key": "x", "cookie": "x", "openai-organization": "org-1", "user-agent": f"me {KEY}"}
    assert scrubber.asked(headers) == {"user-agent": "me *************"}
    answer = {"set-cookie": "x", "x-ratelimit-remaining-tokens": "9", "openai-organization": "org-1", "x-request-id": "r"}
    assert scrubber.answered(answer) == {"x-ratelimit-remaining-tokens": "9", "openai-organization": "***", "x-request-id": "r"}


def test_a_query_keeps_its_words_but_not_its_keys():
    """By name, and by value."""
    assert Scrubber([]).query("alt=sse&key=short&a=") == "alt=sse&key=***&a="
    assert Scrubber([KEY]).query(f"alt=sse&note={KEY}") == "alt=sse&note=*************"
    assert Scrubber([]).query("alt=sse&x=%20y") == "alt=sse&x=%20y"


def test_bytes_that_are_no_text_stay_what_they_are():
    """Only the secret in them changes."""
    assert Scrubber([KEY]).data(b"\xff\x00" + KEY.encode() + b"\xfe") == b"\xff\x00*************\xfe"
    assert Scrubber(["short"]).data(b"short") == b"short"


def test_a_key_at_the_bottom_of_a_deep_body_is_found() -> None:
    """As deep as JSON can be read; what is deeper, or no text at all, holds no fields and breaks nothing."""
    deep = f'{"[" * 400}{{"api_key": "{KEY}"}}{"]" * 400}'.encode()
    assert KEY in secrets_in(asked(body=deep))
    assert secrets_in(asked(body=b"[" * 100_000)) == set()
    assert secrets_in(asked(body=b'{"api_key": "\xff"}')) == set()
