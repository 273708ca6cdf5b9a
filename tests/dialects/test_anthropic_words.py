"""The shared words of Anthropic's dialect: usage both ways, errors both ways."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from bourn.dialects.anthropic.decoder import DIALECT
from bourn.dialects.anthropic.words import REASONS, STOP_WORDS, error_type, read_usage, write_usage
from bourn.dialects.base import WireError
from bourn.events import Usage
from bourn.testing.strategies import usages


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (
            529,
            {"retry-after": "3"},
            b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}',
            WireError("Overloaded", "overloaded_error", retry_after=3.0, request_id="req_1"),
        ),
        (
            429,
            {"Retry-After-Ms": "1500", "Retry-After": "9"},
            b'{"type":"error","error":{"type":"rate_limit_error","message":"Slow","details":{"error_code":"c"}}}',
            WireError("Slow", "rate_limit_error", "c", 1.5),
        ),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, b'{"error":"Slow"}', WireError("Slow")),
        (429, {"retry-after": "nan"}, b'{"message":"Slow"}', WireError("Slow")),
        (502, {}, b"<html>Bad gateway</html>\n", WireError("<html>Bad gateway</html>")),
        (500, {}, b"\xff", WireError("\ufffd")),
        (500, {}, b"", WireError("")),
        (400, {}, b'{"detail":[{"msg":"no"}]}', WireError('[{"msg":"no"}]')),
    ],
)
def test_refusals_are_read_in_every_shape(status: int, headers: dict[str, str], body: bytes, expected: WireError) -> None:
    """Anthropic's JSON, a gateway's, HTML, nothing; waits in seconds or milliseconds, but no dates, which need a clock."""
    assert DIALECT.read_error(status, headers, body) == expected


@given(usages(("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens"), optional=False))
def test_usage_survives_the_wire(usage: Usage) -> None:
    """Cached tokens are apart on the wire and inside the input in ``Usage``; both ways agree."""
    assert read_usage(write_usage(usage)) == usage


def test_usage_that_was_not_told_is_none_when_read_and_zero_when_written() -> None:
    """The API always tells input and output, so a server writes 0 where nobody knows."""
    assert read_usage({"input_tokens": None, "service_tier": "standard"}) is None
    assert write_usage(None) == {"input_tokens": 0, "output_tokens": 0}


def test_every_reason_that_is_written_is_read_back() -> None:
    """The two tables of stop reasons agree."""
    assert {reason: REASONS[word] for reason, word in STOP_WORDS.items() if word} == {
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "content_filter": "content_filter",
    }


@pytest.mark.parametrize(
    ("status", "type"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_a_refusal_is_written_as_it_is_read(status: int, type: str) -> None:
    """The type follows from the status where none is given; a code goes into the details."""
    assert error_type(status) == type
    body = DIALECT.encode_error(status, WireError("No", code="c"))
    assert json.loads(body) == {"type": "error", "error": {"type": type, "message": "No", "details": {"error_code": "c"}}}
    assert DIALECT.read_error(status, {}, body) == WireError("No", type, "c")
    assert DIALECT.read_error(status, {}, DIALECT.encode_error(status, WireError("No", "own"))) == WireError("No", "own")
