r"""A real HTTP server on loopback that speaks every dialect, says what it is told, and misbehaves to the byte.

::

    from bourn.mock import faults, ops, serve, text, tool_call

    async with serve(text("Hello")) as server:                       # in this event loop: virtual time works, too
        response = await bourn.stream("openai/any", "hi", base_url=server.base_url(), api_key="any").collect()

    serve(text("Let me look. ") + tool_call("weather", {"city": "Paris"}))      # scenarios are joined with +
    serve(turns(http_error(429, retry_after=2), text("at last")))               # one scenario a request
    serve(computed(lambda request: text(request.messages[-1].text.upper())))    # or one made from the request
    serve(text("slow").paced(first=1.5, rate=30, jitter=0.2, burst=3), seed=7)
    serve(text("a", ops.WaitFor("go"), "b"))                                    # server.signal("go") lets it pass
    serve(text("cut off"), fault=faults.Reset(event=3))                         # faults.FAULTS lists them all

``server.base_url("anthropic")`` is what an SDK of that dialect wants; ``ThreadedServer`` is the same for synchronous code.
Tests that share a server keep apart by ``mount = server.add(scenario)``: ``mount.base_url()``, or the model ``mount.model``.

Without a socket, for words and quick tests: ``bourn.stream("mock/hello", "hi")`` (a scenario of ``SCENARIOS``, or one that
``register`` gave a name), and ``bourn.stream("openai/any", "hi", mock="Hello")``.

Raw answers, for tests of a transport::

    async with serve([ops.Send(b"HTTP/1.1 200 OK\r\n\r\nhi"), ops.Flush(), ops.Reset()]) as server:
        ...                                  # every request gets these ops; server.url is http://127.0.0.1:PORT

    def handler(request: HttpRequest) -> Reply:
        return Reply(200, {"content-type": "text/event-stream"}, [b"data: 1\n\n", ops.WaitFor("go"), b"data: 2\n\n"])

    async with serve(handler) as server:         # a list or generator of ops may be returned instead of a Reply
        server.signal("go")                      # lets one ops.WaitFor("go") pass
        await server.journal.closed()            # every connection opened so far is gone
        server.journal.opened                    # connections so far
        record = server.journal.connections[0]   # .peer: "open", "eof", "reset"; .peer_at; .bytes_sent; .exchanges
        record.exchanges[0].ending               # "whole", "cut" (by the script), "peer left", "server stopped", "failed"

A ``Reply`` is framed ``"chunked"`` (each item of the body one chunk; the default), ``"length"`` or ``"close"``. Its body may
mix bytes and ops. A script that ends without ``Close`` or ``Reset`` leaves the connection open for the next request.
"""

from __future__ import annotations

from bourn.mock import faults, ops
from bourn.mock.faults import fault
from bourn.mock.http import HttpRequest
from bourn.mock.journal import ConnectionRecord, Exchange, Journal
from bourn.mock.mounts import Mount
from bourn.mock.named import SCENARIOS, Named, register
from bourn.mock.reply import Piece, Reply
from bourn.mock.scenario import Answer, Scenario, Timing
from bourn.mock.scenarios import (
    computed,
    do,
    echo,
    empty,
    error,
    finish,
    http_error,
    other,
    pause,
    reasoning,
    refusal,
    text,
    together,
    tool_call,
    turns,
    usage,
)
from bourn.mock.server import MockServer
from bourn.mock.threaded import ThreadedServer

serve = MockServer
"""``async with serve(text("Hello")) as server``: the server by the name of what it does."""

__all__ = [
    "SCENARIOS",
    "Answer",
    "ConnectionRecord",
    "Exchange",
    "HttpRequest",
    "Journal",
    "MockServer",
    "Mount",
    "Named",
    "Piece",
    "Reply",
    "Scenario",
    "ThreadedServer",
    "Timing",
    "computed",
    "do",
    "echo",
    "empty",
    "error",
    "fault",
    "faults",
    "finish",
    "http_error",
    "ops",
    "other",
    "pause",
    "reasoning",
    "refusal",
    "register",
    "serve",
    "text",
    "together",
    "tool_call",
    "turns",
    "usage",
]
