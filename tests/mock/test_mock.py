"""The package as a whole: what its documentation shows works, and loading it loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import bourn.mock
from bourn.mock import MockServer, Scenario, computed, faults, http_error, ops, serve, text, tool_call, turns
from tests.mock.rawpeer import ask


def test_loading_the_mock_loads_no_http_client_and_no_dialect():
    code = "import sys, bourn.mock; print([name for name in sys.modules if name.startswith(%r)])"
    heavy = ("aiohttp", "bourn.dialects.", "bourn.transport", "bourn.client", "pytest")
    out = subprocess.run(  # noqa: S603 -- this interpreter
        [sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True
    ).stdout
    assert out.strip() == "['bourn.dialects.base']"


async def test_every_scenario_of_the_documentation_is_served():
    shown: list[Scenario] = [
        text("Let me look. ") + tool_call("weather", {"city": "Paris"}),
        turns(http_error(429, retry_after=2), text("at last")),
        computed(lambda request: text(request.messages[-1].text.upper())),
        text("slow").paced(first=1.5, rate=30, jitter=0.2, burst=3),
    ]
    for scenario in shown:
        async with serve(scenario, seed=7) as server:
            assert (await ask(server, "anthropic")).whole
    async with MockServer(text("a", ops.WaitFor("go"), "b")) as server:
        server.signal("go")
        assert (await ask(server, "anthropic")).whole
    async with serve(text("cut off"), fault=faults.Reset(event=3)) as server:
        assert (await ask(server, "anthropic")).end == "reset"


def test_every_public_name_is_there():
    assert [name for name in bourn.mock.__all__ if not hasattr(bourn.mock, name)] == []
