"""Where an answer can fail, as scenarios of the mock; and a server with a client that asks them by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import bourn
from bourn.events import OrderCheck
from bourn.mock import MockServer, Scenario, error, faults, finish, http_error, serve, text, tool_call, turns

WORDS = "The sky is blue because of the air."
GOOD = text(WORDS)
DEAD = "http://127.0.0.1:9/v1"
"""The port of the discard service, on which nobody listens."""


class Stage(NamedTuple):
    """How an answer fails before its first content, and whether the same model may be asked again for it."""

    scenario: Scenario
    error: type[bourn.BournError]
    retryable: bool = True


BEFORE: dict[str, Stage] = {
    "status 429": Stage(http_error(429), bourn.RateLimitError),
    "status 503": Stage(http_error(503), bourn.OverloadedError),
    "status 401": Stage(http_error(401), bourn.AuthenticationError, retryable=False),
    "status 400": Stage(http_error(400), bourn.BadRequestError, retryable=False),
    "a head that drips": Stage(GOOD.broken(faults.SlowHeaders(seconds=1000)), bourn.FirstEventTimeout),
    "a head that is cut": Stage(GOOD.broken(faults.CutHead()), bourn.ConnectionLostError),
    "a page of HTML": Stage(GOOD.broken(faults.Html()), bourn.ContentTypeError, retryable=False),
    "an empty body": Stage(GOOD.broken(faults.Empty()), bourn.TruncatedError),
    "silence after the head": Stage(GOOD.broken(faults.Stall(event=0)), bourn.FirstEventTimeout),
    "pings and nothing else": Stage(GOOD.broken(faults.Pings(event=0)), bourn.FirstEventTimeout),
    "silence after the role": Stage(GOOD.broken(faults.Stall(event=1)), bourn.FirstEventTimeout),
    "a reset after the role": Stage(GOOD.broken(faults.Reset(event=1)), bourn.ConnectionLostError),
    "an end after the role": Stage(GOOD.broken(faults.CleanEnd(event=1)), bourn.TruncatedError),
    "broken JSON": Stage(GOOD.broken(faults.MalformedJson(event=0)), bourn.PayloadError, retryable=False),
    "an error event": Stage(error("The model failed."), bourn.ModelError, retryable=False),
    "an end that is an error": Stage(finish("error"), bourn.ModelError),
}
"""Failures that leave no trace in the events."""

AFTER: dict[str, Stage] = {
    "a reset in the text": Stage(GOOD.broken(faults.Reset(event=4)), bourn.ConnectionLostError),
    "an end in the text": Stage(GOOD.broken(faults.CleanEnd(event=4)), bourn.TruncatedError),
    "silence in the text": Stage(GOOD.broken(faults.Stall(event=4)), bourn.IdleTimeout),
    "an error event in the text": Stage(text("The sky") + error("The model failed."), bourn.ModelError),
}
"""Failures after content."""

CALL = text("Let me look. ") + tool_call("weather", {"city": "Paris", "unit": "Celsius"})
IN_CALL: dict[str, Scenario] = {
    "a reset in a call": CALL.broken(faults.Reset(event=7)),
    "an end after a call": CALL.broken(faults.NoFinish()),
}
"""Failures after a tool call had begun."""


class Service(NamedTuple):
    """A server whose scenarios have names, and a client that asks them."""

    server: MockServer
    client: bourn.Client

    def add(self, name: str, *scenarios: Scenario) -> str:
        """The model id of a scenario, or of one for each turn."""
        self.server.add(turns(*scenarios) if len(scenarios) > 1 else scenarios[0], name=name)
        return f"openai/mock/{name}"

    @property
    def asked(self) -> int:
        """Requests so far."""
        return len(self.server.journal.exchanges)


@asynccontextmanager
async def service(**options: Any) -> AsyncIterator[Service]:
    """A service; on leaving no connection may be left."""
    options.setdefault("timeouts", bourn.Timeouts(first_event=20, idle=10))
    async with serve() as server:
        async with bourn.Client(base_url=server.base_url(), api_key="k", **options) as client:
            yield Service(server, client)
        await server.journal.closed()


async def read(stream: bourn.Stream) -> tuple[list[bourn.Event], bourn.BournError | None]:
    """The events, which are in the legal order, and the error at the end, if there is one."""
    events: list[bourn.Event] = []
    order = OrderCheck()
    try:
        async for event in stream:
            order.feed(event)
            events.append(event)
    except bourn.BournError as failure:
        return events, failure.fresh()
    return events, None


def said(events: list[bourn.Event]) -> str:
    """The text of all events."""
    return "".join(event.text for event in events if isinstance(event, bourn.TextDelta))


def outcomes(stream: bourn.Stream) -> list[tuple[str, str]]:
    """Model and outcome of each attempt."""
    return [(attempt.model.removeprefix("mock/"), attempt.outcome) for attempt in stream.response.attempts]
