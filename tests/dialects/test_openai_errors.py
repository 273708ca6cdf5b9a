"""The errors of the OpenAI family, read in every shape that real services send."""

from __future__ import annotations

import json

import pytest

from bourn.dialects.base import WireError
from bourn.dialects.openai_errors import encode_error, error_body, in_stream, read_error
from tests.recordings import Recording, needs_corpus, recordings

REFUSED = [one for one in recordings("openai-responses-errors", "openai-chat-errors") if "status" in one.expected]


@needs_corpus
@pytest.mark.parametrize("recording", REFUSED, ids=repr)
def test_a_refused_request_is_read_in_the_services_words(recording: Recording) -> None:
    """Message, type, code and wait of every recorded refusal are what the independent oracle says."""
    expected, response = recording.expected, recording.response
    said = read_error(response["status"], response["headers"], recording.body)
    assert {"message": said.message, "type": said.type, "code": said.code} == expected["error"]
    assert said.retry_after == expected["retry_after"]


@pytest.mark.parametrize(
    ("body", "message", "type", "code"),
    [
        (b'{"error":{"message":"no","type":"t","param":null,"code":"c"}}', "no", "t", "c"),
        (b'{"message":"no","type":"t","code":400}', "no", "t", "400"),
        (b'{"code":"c","error":"no"}', "no", None, "c"),
        (b'{"error":"no"}', "no", None, None),
        (b'{"detail":"no"}', "no", None, None),
        (b'{"detail":[{"msg":"a"},{"msg":"b"},"c"]}', "a; b; c", None, None),
        (b'{"errors":[{"code":7,"message":"no"}],"success":false}', "no", None, "7"),
        (b'{"errors":[],"message":"no"}', "no", None, None),
        (b'{"error":{"message":{"deep":1}}}', '{"deep": 1}', None, None),
        (b"{}", "", None, None),
        (b"Unauthorized\n", "Unauthorized", None, None),
        (b'"quoted"', '"quoted"', None, None),
        (b"\xff\xfe", "\ufffd\ufffd", None, None),
        (b"[" * 100_000, "[" * 100_000, None, None),
        (b"", "", None, None),
    ],
)
def test_every_shape_of_a_refusal_is_read(body: bytes, message: str, type: str | None, code: str | None) -> None:
    """Nested, flat, text, lists, HTML or nothing: what was said is read, what was not said is None."""
    assert read_error(400, {}, body) == WireError(message, type, code)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after": "1", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_read_from_the_headers(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds go before seconds; a date, and what is no sensible number, is left to others."""
    assert read_error(429, headers, b"{}").retry_after == seconds


@pytest.mark.parametrize(
    ("code", "retryable"), [("rate_limit_exceeded", True), ("server_error", True), (502, True), ("invalid_prompt", False)]
)
def test_an_error_in_a_stream_says_whether_to_try_again(code: object, retryable: bool) -> None:
    """Decided by the code, never by words in the message."""
    assert in_stream({"error": {"message": "no", "code": code}}).retryable is retryable


def test_the_request_id_in_a_body_is_read() -> None:
    """Beside the error or within a flat one, in a refusal and in a stream."""
    nested, flat = b'{"error":{"message":"no"},"request_id":"req_1"}', b'{"message":"no","request_id":"req_1"}'
    assert [read_error(400, {}, body).request_id for body in (nested, flat)] == ["req_1", "req_1"]
    assert in_stream(json.loads(nested)).request_id == "req_1"


def test_an_error_without_a_message_still_has_one() -> None:
    """An error that says nothing says that it says nothing."""
    assert "without a message" in str(in_stream({}))


def test_what_is_written_is_read_back() -> None:
    """The body of a refusal goes both ways."""
    error = WireError("no", "invalid_request_error", "model_not_found")
    assert read_error(404, {}, encode_error(404, error)) == error
    assert json.loads(encode_error(404, error)) == {"error": error_body(error)}
