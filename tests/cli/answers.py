"""Answers to feed the command line with: their events, their bytes, and a server that gives them to another process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from bourn import dialects
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart, Usage
from bourn.messages import Message, Options, Request
from bourn.mock import HttpRequest, MockServer, Reply, ops

MODEL = "openai/gpt-test"
USAGE = Usage(input_tokens=12, output_tokens=3)
STREAM_HEADERS = {"content-type": "text/event-stream"}


def text_events(*pieces: str, reason: str = "stop", usage: Usage | None = USAGE) -> list[Event]:
    """A whole answer of text."""
    deltas = [TextDelta(0, piece) for piece in pieces]
    finish = Finish(reason, reason, usage)  # type: ignore[arg-type]  # tests use the words that are both ours and OpenAI's
    return [Start("id-1", "gpt-test", "openai"), TextStart(0), *deltas, TextEnd(0), finish]


def wire(events: Iterable[Event]) -> list[bytes]:
    """The events as OpenAI chat writes them, one piece of bytes an event."""
    options = Options(extra={"stream_options": {"include_usage": True}})
    encoder = dialects.get("openai-chat").encoder(Request("gpt-test", (Message("user", "?"),), options))
    return [piece for piece in map(encoder.encode, events) if piece]


def answer(*pieces: str, **how: Any) -> list[bytes]:
    """A whole answer of text, as bytes."""
    return wire(text_events(*pieces, **how))


Steps = Sequence[bytes | ops.Op]
"""The body of an answer: bytes, and what happens between them."""


class Served:
    """A scripted server in a thread, for a `bourn` in another process. ``replies`` are given in order; ``asked`` fills up."""

    def __init__(self, *replies: Reply | Steps) -> None:
        self._replies = [reply if isinstance(reply, Reply) else Reply(200, STREAM_HEADERS, list(reply)) for reply in replies]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server = MockServer(self._next)
        self.asked: list[HttpRequest] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._server.__aenter__())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._run(self._server.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """The base URL for `--base-url`."""
        return f"{self._server.url}/v1"

    def signal(self, name: str) -> None:
        """Let one ``ops.WaitFor(name)`` pass."""
        self._loop.call_soon_threadsafe(self._server.signal, name)

    def _next(self, request: HttpRequest) -> Reply:
        self.asked.append(request)
        return self._replies.pop(0)

    def _run(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
