"""The shared words of Cohere's dialect: usage both ways, errors both ways."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from bourn.dialects.base import WireError
from bourn.dialects.cohere.decoder import DIALECT
from bourn.dialects.cohere.words import FAILURES, FINISH_WORDS, REASONS, read_usage, rest_of_usage, write_usage
from bourn.events import Usage
from bourn.testing.strategies import usages

FIELDS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")


@pytest.mark.parametrize(
    ("raw", "usage", "rest"),
    [
        ({}, None, {}),
        ({"tokens": None, "billed_units": None, "cached_tokens": None}, None, {}),
        ({"tokens": {"input_tokens": 1, "output_tokens": 2.0}}, Usage(1, 2), {}),
        (
            {"tokens": {"input_tokens": 1, "reasoning_tokens": 3}, "billed_units": {"output_tokens": 2, "search_units": 1}},
            Usage(1, 2, reasoning_tokens=3),
            {"billed_units": {"output_tokens": 2, "search_units": 1}},
        ),
        ({"billed_units": {"input_tokens": 5}}, Usage(5), {"billed_units": {"input_tokens": 5}}),
        ({"tokens": {"input_tokens": float("inf"), "output_tokens": True}}, None, {}),
        ({"cached_tokens": 0}, Usage(cached_tokens=0), {}),
        ({"tokens": {"image_tokens": 9}, "news": 1}, None, {"tokens": {"image_tokens": 9}, "news": 1}),
    ],
)
def test_usage_is_read_as_far_as_it_goes(raw: dict[str, Any], usage: Usage | None, rest: dict[str, Any]) -> None:
    """Tokens go before billed units, count by count, and what has no place is told apart."""
    assert read_usage(raw) == usage
    assert rest_of_usage(raw) == rest


@given(usages(FIELDS))
def test_usage_survives_the_wire(usage: Usage) -> None:
    """Both ways agree; what nobody told is not written."""
    assert (read_usage(write_usage(usage, {})) or Usage()) == usage


def test_usage_and_its_rest_are_written_together() -> None:
    """As one object, as they came."""
    raw = {"billed_units": {"input_tokens": 1}, "tokens": {"input_tokens": 2, "image_tokens": 3}, "cached_tokens": 4}
    assert write_usage(read_usage(raw), rest_of_usage(raw)) == raw
    assert write_usage(None, {}) == {}


def test_every_reason_that_is_written_is_read_back() -> None:
    """The tables agree; the two without a finish make readers raise."""
    assert {
        reason: REASONS.get(word, "raised" if word in FAILURES else None) for reason, word in FINISH_WORDS.items() if word
    } == {
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "content_filter": "raised",
        "error": "raised",
    }


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({}, b'{"id":"r","message":"invalid api token"}', WireError("invalid api token", request_id="r")),
        ({"Retry-After": "2"}, b'{"message":"slow","error_type":"T"}', WireError("slow", "T", retry_after=2.0)),
        ({}, b'{"message":{"message":"no","type":"t","code":7}}', WireError("no", "t", "7")),
        ({}, b'{"message":{"message":null,"type":7},"id":7}', WireError("")),
        ({}, b'{"error":"no"}', WireError("no")),
        ({}, b'{"detail":[{"msg":"no"}]}', WireError('[{"msg":"no"}]')),
        ({}, b"<html>Bad gateway</html>\n", WireError("<html>Bad gateway</html>")),
        ({}, b"\xff", WireError("\ufffd")),
        ({}, b"", WireError("")),
        ({}, b"[1]", WireError("[1]")),
    ],
)
def test_refusals_are_read_in_every_shape(headers: dict[str, str], body: bytes, expected: WireError) -> None:
    """Cohere's own with the id of the request, a gateway's, HTML, nothing."""
    assert DIALECT.read_error(500, headers, body) == expected


@pytest.mark.parametrize("error", [WireError("No"), WireError("No", "T"), WireError("No", request_id="r")])
def test_a_refusal_is_written_as_it_is_read(error: WireError) -> None:
    """There is always an id."""
    body = DIALECT.encode_error(400, error)
    read = DIALECT.read_error(400, {}, body)
    assert (read.message, read.type) == (error.message, error.type)
    assert read.request_id == (error.request_id or "00000000-0000-0000-0000-000000000000")
    assert (b"error_type" in body) is (error.type is not None)
