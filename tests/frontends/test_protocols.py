"""The table of protocols, and what `to_sse` refuses."""

from __future__ import annotations

from typing import Any

import pytest

import bourn
from bourn import dialects
from bourn.frontends import PROTOCOLS, to_sse
from bourn.wire.sse import SSEFramer
from tests.frontends.answers import ALL, BROKEN, stream
from tests.frontends.browser import collected


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"protocol": "ai-sdk"}, "did you mean 'ai-sdk-ui'"),
        ({"protocol": "ollama"}, "known are bourn"),
        ({"ping": 0}, "ping must be a positive number"),
        ({"protocol": "ag-ui", "message_id": "m"}, "the protocol ag-ui has no option 'message_id'; its options: thread_id"),
        ({"protocol": "openai-chat", "dialect": "x"}, "no option 'dialect'; its options: include_usage"),
        ({"protocol": "bourn", "usage": True}, "its options: none"),
    ],
)
async def test_bad_input_is_refused_at_once(arguments: dict[str, Any], named: str) -> None:
    """One sentence that names what was wrong, before anything is sent."""
    unread = stream("Hello")
    with pytest.raises(bourn.InputError, match=named):
        to_sse(unread, **arguments)
    await unread.aclose()


async def test_what_is_no_stream_is_refused() -> None:
    """A response that was collected, or a list of events, is none."""
    with pytest.raises(bourn.InputError, match="another asynchronous iterator"):
        to_sse([bourn.Start()])  # type: ignore[arg-type]  # what is being tested


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_every_piece_is_whole_events(protocol: str) -> None:
    """Each item is one or more whole server-sent events, so nothing waits for the next one to be read."""
    for piece in await collected(to_sse(stream(ALL), protocol)):
        framer = SSEFramer(1 << 20)
        assert framer.feed(piece)
        assert framer.close()


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name in dialects.DIALECTS])
async def test_a_dialect_says_it_in_its_own_words(name: str) -> None:
    """Anthropic's answer, written in another dialect, is read back by it; with its finish reason, not Anthropic's."""
    data = b"".join(await collected(to_sse(stream("Hello, wörld!"), name)))
    assert b"end_turn" not in data or name == "anthropic"
    response = _read(name, data)
    assert (response.text, response.finish_reason, response.complete) == ("Hello, wörld!", "stop", True)


def _read(name: str, data: bytes) -> bourn.Response:
    dialect = dialects.get(name)
    decoder = dialect.decoder()
    response = bourn.Response()
    for frame in dialect.framer(1 << 20).feed(data):
        for event in decoder.feed(frame):
            response.fold(event)
    for event in decoder.close():
        response.fold(event)
    return response


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name in dialects.DIALECTS])
async def test_a_failure_is_the_dialects_error(name: str) -> None:
    """What a client of the dialect reads of a failed answer is an error, and not a word of the provider's."""
    data = b"".join(await collected(to_sse(stream(BROKEN), name)))
    assert b"own words" not in data
    with pytest.raises(bourn.BournError):
        _read(name, data)
