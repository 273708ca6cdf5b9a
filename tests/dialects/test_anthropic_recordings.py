"""The dialect of Anthropic held to recorded traffic: every answer at every cut, every refusal, every request."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from bourn.dialects.anthropic.decoder import DIALECT, AnthropicDecoder
from bourn.dialects.base import HttpCall
from bourn.errors import InputError, TruncatedError
from bourn.messages import Part, Request
from bourn.response import Response
from tests.recordings import (
    PAYLOADS,
    Recording,
    cuts,
    decode,
    expected_outcome,
    needs_corpus,
    needs_payloads,
    outcome,
    recordings,
)

RECORDED = recordings("anthropic-messages")
REFUSED = recordings("anthropic-messages-errors")
LINES = sorted((PAYLOADS / "anthropic").glob("*.chunks.txt"))

WAYS = ("whole", "bytes", "random")
CUTS = 12
"""Points at which each recording is cut off."""


@needs_corpus
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_answer_is_decoded_as_the_oracle_says(recording: Recording, way: str) -> None:
    """Text, reasoning, calls, usage, reason and outcome of every recording hold, however the network cut it."""
    expected = expected_outcome(recording)
    got = outcome(decode(DIALECT, cuts(recording.body, way, recording.name)))
    assert {field: got[field] for field in expected} == expected


@needs_corpus
@pytest.mark.parametrize("recording", RECORDED, ids=repr)
def test_a_recorded_answer_that_is_cut_off_is_never_complete(recording: Recording) -> None:
    """Cut anywhere before the stop reason, an answer is truncated, and what arrived is the beginning of what was said."""
    body, whole = recording.body, decode(DIALECT, [recording.body]).response
    end = body.index(b"\n", body.rindex(b'"stop_reason"'))
    dice = random.Random(recording.name)
    for at in sorted(dice.sample(range(end), CUTS)):
        cut = decode(DIALECT, cuts(body[:at], "random", recording.name))
        assert isinstance(cut.error, TruncatedError), at
        assert whole.text.startswith(cut.response.text)
        assert whole.reasoning.startswith(cut.response.reasoning)
        assert not cut.response.complete


@needs_corpus
@pytest.mark.parametrize("recording", REFUSED, ids=repr)
def test_a_recorded_refusal_is_read_in_the_providers_words(recording: Recording) -> None:
    """Message, type and wait of every refused request are those of the oracle."""
    expected, response = recording.expected, recording.response
    error = DIALECT.read_error(response["status"], response["headers"], recording.body)
    assert {"message": error.message, "type": error.type, "code": error.code} == expected["error"]
    assert error.retry_after == expected["retry_after"]


@needs_payloads
@pytest.mark.parametrize("path", LINES, ids=lambda path: path.name.removesuffix(".chunks.txt"))
def test_payloads_without_framing_are_decoded(path: Path) -> None:
    """Bare payloads, the way Bedrock sends them, give whole answers; two answers spliced into one body give an error."""
    decoder, response = AnthropicDecoder(), Response()

    def run() -> None:
        for line in path.read_bytes().splitlines():
            for event in decoder.feed_payload(line):
                response.fold(event)

    if path.name.startswith("spliced-message-start"):
        with pytest.raises(TruncatedError, match="msg_first was cut off: message msg_second"):
            run()
        assert [call.complete for call in response.tool_calls] == [False]
        return
    run()
    assert response.complete
    assert decoder.done
    assert all(call.complete for call in response.tool_calls)


UNREADABLE = {
    "anthropic-claude-3-5-sonnet-20240620-test-anthropic-instrumentation-image-input-m-2339b4": "the image's data is elided",
    "anthropic-claude-opus-5-genstreammultimodal-image-jpg-inline-ffc58c": "the image's data is elided",
    "anthropic-claude-3-opus-20240229-anthropic-completion-tools-call-with-tool-re-bf8252": (
        "its tool_result answers a call of another recording, which only a replaying test server lets pass"
    ),
}
"""Recorded requests that the server half refuses, and why it is right."""


def asked(recording: Recording) -> dict[str, Any] | None:
    """The request's body, where it was recorded and names its model (Vertex has it in the path)."""
    body = recording.request.get("body")
    return body if isinstance(body, dict) and "model" in body and "b64" not in body else None


def turns(request: Request) -> list[tuple[str, list[Part]]]:
    """Who said what, turns of one side merged, as ``call`` merges them."""
    out: list[tuple[str, list[Part]]] = []
    for message in request.messages:
        if out and out[-1][0] == message.role != "system":
            out[-1][1].extend(message.parts)
        else:
            out.append((message.role, list(message.parts)))
    return out


@needs_corpus
@pytest.mark.parametrize("recording", [one for one in RECORDED if asked(one)], ids=repr)
def test_a_recorded_request_survives_both_halves(recording: Recording) -> None:
    """What a service accepted is read, and written and read again it is the same request."""
    body = json.dumps(asked(recording)).encode()
    if recording.name in UNREADABLE:
        with pytest.raises(InputError):
            DIALECT.parse(HttpCall("/v1/messages", body))
        return
    request = DIALECT.parse(HttpCall("/v1/messages", body))
    again = DIALECT.parse(DIALECT.call(request))
    assert turns(again) == turns(request)
    assert (again.model, again.options, again.stream) == (request.model, request.options, request.stream)


WORDED = [one for one in REFUSED if one.expected["status"] == 400 and asked(one)]
JUDGED_BY_OTHERS = {
    "genstream-json-05ff7e": "the schema's own rules",
    "boolean-true-subschema-is-rejected-by-strict-4700a6": "the schema's own rules",
    "sixteen-union-parameters-in-one-schema-hit-i-add464": "the schema's own rules",
}
"""Recorded refusals (ends of their names) of requests that the server half accepts: it does not compile schemas."""


@needs_corpus
@pytest.mark.parametrize("recording", WORDED, ids=repr)
def test_a_refusal_is_worded_as_recorded(recording: Recording) -> None:
    """A body that the service refused is refused in the same words."""
    call = HttpCall("/v1/messages", json.dumps(asked(recording)).encode())
    if any(recording.name.endswith(name) for name in JUDGED_BY_OTHERS):
        assert DIALECT.parse(call).model
        return
    with pytest.raises(InputError) as refused:
        DIALECT.parse(call)
    assert refused.value.message == recording.expected["error"]["message"]
