"""Scenarios are read from TOML; a wrong file is refused with the place and the right words."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path

import pytest

from bourn.errors import InputError
from bourn.messages import Message, Request
from bourn.mock import faults, finish, http_error, ops, scenario_file, text, turns, usage
from bourn.mock.scenario import Answer, Computed
from bourn.mock.scenario_file import load, loads
from bourn.mock.scenarios import do, error, other, pause, reasoning, refusal, together, tool_call


def test_the_example_in_the_documentation_is_read_as_it_says():
    example = inspect.getdoc(scenario_file) or ""
    read = loads(textwrap.dedent(example.split("::\n")[1].split("House rule")[0]))
    hello = text("Hello world").paced(first=0.3, rate=40, jitter=0.2, burst=2)
    assert read["hello"] == hello
    weather = (
        reasoning("They want the weather.")
        + tool_call("get_weather", {"city": "Paris"})
        + pause(2)
        + together(tool_call("a"), tool_call("b"))
        + error("overloaded", type="overloaded_error", status=529)
        + usage(12, 7)
        + finish("tool_calls")
    )
    assert read["weather"] == weather.broken(faults.Drip(), faults.Reset(event=3))
    limited = http_error(429, retry_after=2)
    assert read["limited"] == limited
    assert read["flaky"] == turns(limited, hello)
    assert isinstance(read["parrot"], Computed)
    assert read["parrot"].pick(Request("m", (Message("user", "say this"),)), 0) == text("say this")


def test_every_kind_of_step_can_be_written():
    read = loads(
        """
        [scenario.all]
        steps = [
          { text = "one two", whole = true }, { reasoning = "r", signature = "s", redacted = true, id = "i" },
          { refusal = "no" }, { tool_call = "f", arguments = "raw", id = "c", custom = true }, { wait_for = "go" },
          { other = "citations", payload = [1, { a = 2 }] },
        ]
        """
    )
    assert read["all"] == (
        text("one two", whole=True)
        + reasoning("r", signature="s", redacted=True, id="i")
        + refusal("no")
        + tool_call("f", "raw", "c", custom=True)
        + do(ops.WaitFor("go"))
        + other("citations", [1, {"a": 2}])
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("x=", "f.toml is not TOML: Invalid value"),
        ("", r"f.toml must hold tables called \[scenario.NAME\]$"),
        ("[scenarios.x]", r"must hold tables called \[scenario.NAME\]; found \[scenarios\]"),
        ("[scenario.x]\ntxt = 'a'", "f.toml: scenario 'x': unknown key `txt`; did you mean 'text'?"),
        ("[scenario.x]\nfinish = 'stop'", "exactly one of text, steps, http_error, turns, echo here: found none"),
        ("[scenario.x]\ntext = 'a'\nsteps = []", "found text and steps"),
        ("[scenario.x]\nsteps = [{text = 'a'}, {tool_cal = 'b'}]", r"`tool_cal`, in `steps\[1\]`; did you mean 'tool_call'"),
        ("[scenario.x]\nsteps = [{text = 'a', pause = 1}]", "found text and pause"),
        ("[scenario.x]\ntext = 1", "Expected `str | null`, got `int`, in `text`"),
        ("[scenario.x]\ntext = 'a'\nfinish = 'stopp'", "'stopp', in `finish`; did you mean 'stop'"),
        ("[scenario.x]\ntext = 'a'\nusage = {input_token = 1}", "did you mean 'input_tokens'"),
        ("[scenario.x]\ntext = 'a'\ntiming = {rate = 0}", "> 0.0, in `timing.rate`"),
        ("[scenario.x]\ntext = 'a'\nfaults = ['rset']", "unknown fault 'rset'; did you mean 'reset'"),
        ("[scenario.x]\ntext = 'a'\nfaults = [{name = 'reset', evnt = 1}]", "the fault 'reset': .*its fields are: event, byte"),
        ("[scenario.x]\nhttp_error = 200", "from 300 to 599, not 200"),
        (
            "[scenario.x]\nturns = ['hell']\n[scenario.hello]\ntext = 'a'",
            "no scenario 'hell' in this file; did you mean 'hello'",
        ),
        ("[scenario.x]\nturns = ['y']\n[scenario.y]\nturns = ['x']", "the turns go round in a circle: x -> y -> x"),
        ("[scenario.x]\nturns = ['y']\n[scenario.y]\ntext = 1", "^f.toml: scenario 'y': Expected `str"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_right_words(wrong: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        loads(wrong, "f.toml")


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "hello.toml"
    path.write_text("[scenario.a]\ntext = 'Grüße'", "utf-8")
    assert load(path) == {"a": text("Grüße")}
    assert isinstance(load(str(path))["a"], Answer)
    with pytest.raises(InputError, match=r"cannot read the scenario file .*none\.toml: No such file"):
        load(tmp_path / "none.toml")
