"""Other people's clients, unchanged, against `bourn mock serve`: what the scenario says is what they understand.

They are programs of their own, in their own languages. Python's run in the interpreter that BOURN_CLIENTS_PYTHON names (they
want other versions of the SDKs than the tests), else in this one; JavaScript's find their packages in the folder that NODE_PATH
names (`npm install openai @anthropic-ai/sdk` makes its `node_modules`). Nothing is downloaded here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.serving_process import Running

HERE = Path(__file__).parent
PYTHON = os.environ.get("BOURN_CLIENTS_PYTHON", sys.executable)
NODE = shutil.which("node")

SCENARIOS = """
[scenario.all]
steps = [
  { reasoning = "Let me think." },
  { text = "Hello, wörld!" },
  { tool_call = "get_weather", arguments = { city = "Zürich" }, id = "c1" },
]
usage = { input_tokens = 11, output_tokens = 7 }

[scenario.limited]
http_error = 429

[scenario.call]
steps = [{ tool_call = "get_weather", arguments = { city = "Zürich" } }]

[scenario.sunny]
text = "It is sunny in Zürich."

[scenario.loop]
turns = ["call", "sunny"]
"""

ALL: dict[str, Any] = {
    "text": "Hello, wörld!",
    "calls": [["get_weather", '{"city":"Zürich"}']],
    "finish": "tool_calls",
    "usage": [11, 7],
    "whole": "Hello, wörld!",
    "refused": 429,
}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a Ctrl-C cannot be sent to one process on Windows")


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """`bourn mock serve` runs; the variables that it shows are set, and any key."""
    file = tmp_path_factory.mktemp("clients") / "scenarios.toml"
    file.write_text(SCENARIOS, "utf-8")
    with Running("mock", "serve", "--scenario", str(file)) as server:
        yield {**os.environ, **server.addresses, "OPENAI_API_KEY": "any", "ANTHROPIC_API_KEY": "any"}
        assert server.stop() == 0, server.said


def understood(command: list[str], environ: dict[str, str], missing: str) -> Any:
    """What a program printed last; skips where its library is not installed."""
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)  # noqa: S603 -- our own programs
    if "ModuleNotFoundError" in done.stderr or f"Cannot find module '{missing}'" in done.stderr:
        pytest.skip(f"{missing} is not installed for {command[0]}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_official_sdk_in_python(environ: dict[str, str]) -> None:
    """It reads the variables that the server shows, and nothing else is set."""
    pytest.importorskip("openai")
    program = (
        "from openai import OpenAI; import json, sys; client = OpenAI(max_retries=0)\n"
        "asked = {'model': 'mock/all', 'messages': [{'role': 'user', 'content': 'hi'}]}\n"
        "with client.chat.completions.stream(**asked) as stream: answer = stream.get_final_completion()\n"
        "whole = client.responses.create(model='mock/all', input='hi').output_text\n"
        "sys.stdout.write(json.dumps({'text': answer.choices[0].message.content, 'whole': whole}))"
    )
    assert understood([sys.executable, "-c", program], environ, "openai") == {"text": ALL["text"], "whole": ALL["whole"]}


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize(
    ("program", "package", "finish"),
    [("openai_js.cjs", "openai", "tool_calls"), ("anthropic_js.cjs", "@anthropic-ai/sdk", "tool_use")],
)
def test_the_official_sdks_in_javascript(environ: dict[str, str], program: str, package: str, finish: str) -> None:
    """Text, tool call, finish, usage and refusal come out right, streamed and not."""
    assert understood([NODE or "", str(HERE / program)], environ, package) == {**ALL, "finish": finish}


def test_litellm(environ: dict[str, str]) -> None:
    """Text, tool call, finish, usage and refusal come out right, streamed and not."""
    assert understood([PYTHON, str(HERE / "litellm_client.py")], environ, "litellm") == ALL


def test_pydantic_ai(environ: dict[str, str]) -> None:
    """An agent calls its tool and goes on with what the second turn says."""
    told = understood([PYTHON, str(HERE / "pydantic_ai_client.py")], environ, "pydantic_ai")
    assert told == {"calls": [["get_weather", "Zürich"]], "text": "It is sunny in Zürich.", "refused": 429}


def test_llm(environ: dict[str, str]) -> None:
    """The command line tool's library, with the mock as one more OpenAI model."""
    told = understood([PYTHON, str(HERE / "llm_client.py")], environ, "llm")
    assert told == {"text": ALL["text"], "whole": ALL["whole"]}
