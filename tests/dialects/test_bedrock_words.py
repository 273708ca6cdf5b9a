"""What Bedrock's two dialects share: refusals in every shape, and words of usage."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.base import WireError
from bourn.dialects.bedrock.converse_words import join_blobs, read_usage, write_usage
from bourn.dialects.bedrock.words import path, read_error, read_path
from bourn.testing.strategies import usages


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"x-amzn-errortype": "ThrottlingException"}, b'{"message":"Slow"}', WireError("Slow", "ThrottlingException")),
        (
            {"X-Amzn-ErrorType": "X:http://internal.amazon.com/coral/com.amazon.bedrock/"},
            b'{"message":"No"}',
            WireError("No", "X"),
        ),
        ({}, b'{"Message":"No"}', WireError("No")),
        ({}, b'{"__type":"com.amazon.coral#AccessDeniedException","message":"No"}', WireError("No", "AccessDeniedException")),
        ({}, b'{"code":"Y","message":"No"}', WireError("No", "Y")),
        ({}, b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}',
         WireError("", "UnknownOperationException")),
        ({}, b'{"type":"error","error":{"type":"rate_limit_error","message":"Slow"}}', WireError("Slow", "rate_limit_error")),
        ({"retry-after": "7"}, b'{"message":"Slow"}', WireError("Slow", retry_after=7.0)),
        ({}, b"<html>Bad gateway</html>\n", WireError("<html>Bad gateway</html>")),
        ({}, b"", WireError("")),
        ({}, b'{"message":["a","b"]}', WireError('["a","b"]')),
        ({}, b'["a"]', WireError('["a"]')),
        ({}, b'{"__type":7,"message":"No"}', WireError("No")),
        ({}, b"\xff", WireError("\ufffd")),
    ],
)  # fmt: skip
def test_a_refusal_is_read_in_every_shape(headers: dict[str, str], body: bytes, expected: WireError) -> None:
    """Bedrock's own, its gateways', and what is no JSON at all."""
    assert read_error(400, headers, body) == expected


def test_a_sessions_token_is_cut_out_of_a_refusal() -> None:
    """A signature that does not fit is refused with the canonical request, as it should have been."""
    body = b'{"message":"The Canonical String should have been\\nX-Amz-Security-Token:secret==\\nhost:h"}'
    message = read_error(403, {}, body).message
    assert message == "The Canonical String should have been\nX-Amz-Security-Token:***\nhost:h"


@given(st.text(min_size=1), st.sampled_from(["converse", "converse-stream", "invoke", "invoke-with-response-stream"]))
def test_a_path_is_read_as_it_was_written(model: str, operation: str) -> None:
    """Whatever the model's id holds."""
    assert read_path(path(model, operation)) == (model, operation)
    assert path(model, operation).count("/") == 3


@given(usages(("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens"), optional=False))
def test_usage_is_read_as_it_was_written(usage: object) -> None:
    """Cached tokens apart on the wire, and in the input here."""
    assert read_usage(write_usage(usage)) == usage  # type: ignore[arg-type]  # the strategy gives usages
    assert write_usage(None) == {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}


@given(st.lists(st.binary(), min_size=1))
def test_blobs_are_joined_as_bytes(pieces: list[bytes]) -> None:
    """Base64 of the whole, not of the pieces one after the other."""
    joined = join_blobs([base64.b64encode(piece).decode() for piece in pieces])
    assert base64.b64decode(joined) == b"".join(pieces)


def test_blobs_that_are_no_blobs_are_joined_as_text() -> None:
    """Neither letters beyond base64's, nor those beyond ASCII, raise anything."""
    assert join_blobs(["YQ==", "?"]) == "YQ==?"
    assert join_blobs(["YQ==", "\u00e9"]) == "YQ==\u00e9"
