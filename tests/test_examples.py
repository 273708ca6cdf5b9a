"""Every script of `examples/` runs as it stands, without a network, and says what it promises."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bourn.messages import Request, ToolResult
from bourn.mock import Exchange, ThreadedServer, computed, faults, text, tool_call, turns
from tests.frontends.test_recipes import RECIPES

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = {path.stem: path for path in sorted((ROOT / "examples").glob("*.py")) if not path.stem.startswith("test_")}
WORKED = ROOT / "examples" / "test_async_iterator.py"


def start(name: str, *arguments: str, base_url: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script to its end, with warnings as errors and only a mock to talk to."""
    environ = os.environ | {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "mock-key", "PYTHONWARNINGS": "error"}
    command = [sys.executable, str(SCRIPTS[name]), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ)  # noqa: S603 - our own script


def run(name: str, *arguments: str, base_url: str = "") -> str:
    """What the script prints, if nothing goes wrong."""
    done = start(name, *arguments, base_url=base_url)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def table(printed: str) -> dict[str, list[str]]:
    """The rows of `many_at_once`, by model: ending, first, total, and what was said."""
    return {line.split()[0]: line.split(maxsplit=4)[1:] for line in printed.splitlines()}


def told(request: Request) -> str:
    """The results of tools that a request carries."""
    parts = [part for message in request.messages for part in message.parts]
    return " ".join(str(part.content) for part in parts if isinstance(part, ToolResult))


def test_quickstart_is_the_readme() -> None:
    """What the README's first block does is what the script does, to whatever model its argument names."""
    readme = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
    _, opening, does = readme.replace('"local/smollm2-135m"', "MODEL").partition("    async with ")
    body = (opening + does).partition("\n\n")[0]
    assert len(body.splitlines()) == 5
    assert body in SCRIPTS["quickstart"].read_text()


def test_quickstart() -> None:
    """It prints the answer as it comes, then why it ended and what it cost."""
    with ThreadedServer(text("Because of the air.")) as server:
        printed = run("quickstart", "openai/any", base_url=server.base_url())
    assert printed.startswith("Because of the air.stop Usage(input_tokens=")


def test_tools() -> None:
    """The call is run, its result sent back, and the answer printed."""
    said, called, answered = run("tools").splitlines()
    assert said == "Let me look."
    assert called.startswith('get_weather({"city":"Paris"}) -> {"city": "Paris"')
    assert answered == "Yes: it rains in Paris, at 11 degrees."


def test_tools_tells_the_model_of_its_mistakes() -> None:
    """Of a tool that is not there, and of arguments that are no JSON, the model is told, and it may go on."""
    wrong = (
        tool_call("get_tide", {"sea": "North"}) + tool_call("get_weather", "{broken") + tool_call("get_weather", {"town": "X"})
    )
    with ThreadedServer(turns(wrong, computed(told))) as server:
        printed = run("tools", "openai/any", base_url=server.base_url())
    assert re.findall(r"-> (\w+Error):", printed) == ["KeyError", "JSONDecodeError", "TypeError"]
    assert re.findall(r"\w+Error", printed.splitlines()[-1]) == ["KeyError", "JSONDecodeError", "TypeError"]


def test_tools_gives_up() -> None:
    """A model that calls and calls is left after some rounds."""
    with ThreadedServer(tool_call("get_weather", {"city": "Paris"})) as server:
        printed = run("tools", "openai/any", base_url=server.base_url())
    assert printed.endswith("no answer after 5 rounds of tools\n")


def test_many_at_once() -> None:
    """Each model has its row, in the order asked for, with what it said before it failed."""
    rows = table(run("many_at_once"))
    assert list(rows) == ["model", "openai/mock/quick", "openai/mock/slow", "openai/mock/cut", "openai/mock/busy"]
    assert rows["openai/mock/quick"][0] == rows["openai/mock/slow"][0] == "stop"
    assert rows["openai/mock/cut"][0::3] == ["ConnectionLostError", "Because air scatters blue light"]
    assert [rows["openai/mock/busy"][at] for at in (0, 1, 3)] == ["RateLimitError", "-", "Too many requests."]


def test_many_at_once_has_rows_for_what_is_never_sent() -> None:
    """A model id that means nothing is a row, too, and spoils nobody else's."""
    with ThreadedServer(text("Hello")) as server:
        rows = table(run("many_at_once", "openai/any", "nobody/any", base_url=server.base_url()))
    assert (rows["openai/any"][0], rows["nobody/any"][0]) == ("stop", "InputError")


def test_fallback() -> None:
    """A bad key is left at once, a short wait is waited, a long one is not; the next model answers."""
    answer, *attempts = run("fallback").splitlines()
    assert answer == "Because air scatters blue light more than red."
    assert [line.split(" after ")[0] for line in attempts] == [
        "mock/no-key: failed",
        "mock/busy: failed",
        "mock/busy: failed",
        "mock/good: complete",
    ]


def test_fallback_does_not_repeat_what_was_read() -> None:
    """An answer that breaks after its first words is an error, not the beginning of another."""
    seen: list[Exchange] = []
    with ThreadedServer(text("one two three"), fault=faults.Reset(event=3), observe=seen.append) as server:
        printed = run("fallback", "openai/a", "openai/b", base_url=server.base_url())
    assert printed.startswith("one twoConnectionLostError: ")
    assert len(seen) == 1


def test_objects() -> None:
    """The object is shown while it grows, and printed whole."""
    pytest.importorskip("jiter", reason="the extra `structured` is not installed")
    grown, whole = run("objects").splitlines()[-2:]
    assert grown.endswith("Pancakes: 2 steps")
    assert whole.startswith("Recipe(title='Pancakes', minutes=20, steps=['Whisk flour")


def test_tool_loop() -> None:
    """The function is run between two answers."""
    pytest.importorskip("docstring_parser", reason="the extra `structured` is not installed")
    said, called, answered = run("tool_loop").splitlines()
    assert said == "Let me look."
    assert called == 'get_weather -> {"city":"Paris","sky":"rain","days":"1"}'
    assert answered == "Yes: it rains in Paris."


def test_together() -> None:
    """The models' words come mixed, each with its name; one that breaks is told of, with what it had said."""
    lines = run("together").splitlines()
    quick, slow, cut = (f"openai/mock/{name}" for name in ("quick", "slow", "cut"))
    assert [line.partition(": ")[2] for line in lines if line.startswith(f"{slow}: ")] == ["Because", "of", "Rayleigh."]
    assert lines.index(f"{slow}: Because") < lines.index(f"{quick}: blue.") < lines.index(f"{slow}: Rayleigh.")
    assert any(line.startswith(f"{cut} failed: ") for line in lines)
    assert lines[-3:] == [
        f"{quick} said: 'Air scatters blue.', whole",
        f"{slow} said: 'Because of Rayleigh.', whole",
        f"{cut} said: 'Well, ', cut",
    ]


def test_many_prompts() -> None:
    """A row for each prompt, with what it took; the one that is refused is a row, and the busy one is asked again."""
    rows = sorted(run("many_prompts").splitlines())
    assert [row.partition("? ")[2].partition(".")[0] for row in rows] == [
        "France (1 requests)",
        "Peru (1 requests)",
        "Norway (2 requests)",
        "Kenya (1 requests)",
        "BadRequestError: There is no such city",
    ]


def test_shared() -> None:
    """Each consumer has the whole answer, of one request."""
    seen: list[Exchange] = []
    assert run("shared") == "Air scatters blue light most.\n9 pieces\nanswer.txt: Air scatters blue light most.\n"
    with ThreadedServer(text("Hello, ", "you."), observe=seen.append) as server:
        printed = run("shared", "openai/any", base_url=server.base_url())
    assert printed == "Hello, you.\n3 pieces\nanswer.txt: Hello, you.\n"
    assert len(seen) == 1


def test_without_async() -> None:
    """It prints the answer, and why it ended."""
    assert run("without_async") == "Because air scatters blue light more than red.\nstop\n"
    with ThreadedServer(text("Hello")) as server:
        assert run("without_async", "openai/any", base_url=server.base_url()) == "Hello\nstop\n"


def test_every_script_is_tested_here() -> None:
    """A new example gets a test; those that serve have theirs with the front ends."""
    names = {name for name in globals() if name.startswith("test_")}
    served = {f"serve_{name}" for name in RECIPES}
    assert set(SCRIPTS) - served == {script for script in SCRIPTS if any(name.startswith(f"test_{script}") for name in names)}


def test_the_worked_example_can_be_read_in_one_sitting() -> None:
    """It has fewer than 300 lines; each test has a docstring of one sentence and at most 16 lines with it."""
    source = WORKED.read_text()
    tests = [
        node for node in ast.parse(source).body if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    assert len(source.splitlines()) < 300
    assert len(tests) >= 14
    for test in tests:
        docstring = ast.get_docstring(test) or ""
        assert docstring.endswith("."), test.name
        assert "\n" not in docstring, test.name
        assert (test.end_lineno or 0) - test.lineno <= 16, test.name
