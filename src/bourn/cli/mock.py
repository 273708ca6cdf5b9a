"""``bourn mock``: the mock as a process of its own, for clients in any language, and lists of what it can do.

House rule: what is wrong in the command line or a scenario file is found before anything listens.
"""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bourn import dialects
from bourn.cli import exits, loops
from bourn.cli.arguments import Parser, integer, near, number
from bourn.cli.serving import Log, addresses, serve
from bourn.cli.terminal import Console
from bourn.errors import InputError
from bourn.mock import MockServer, Scenario, faults, recording, scenario_file, text
from bourn.mock.faults import Fault
from bourn.mock.named import SCENARIOS
from bourn.mock.replay import Replay

EPILOG = """what to do:
  serve        run the server until Ctrl-C; it speaks every dialect
  faults       every fault: its name, what it does, its fields
  scenarios    the scenarios that are always there

  bourn mock serve --text "Hello world"
  bourn mock serve --scenario answers.toml --port 8080 --seed 7
  bourn mock serve --scenario slow --fault reset:event=3 --fault drip
  bourn mock serve --replay recordings --speed 10

--scenario takes a TOML file or the name of a scenario that is always there. The first scenario of a file answers every request;
each other one is asked for as the model mock/NAME, or at the base URL http://HOST:PORT/s/NAME/... --replay takes a folder
that `bourn record` wrote, or one with such folders in it. What happened is told at http://HOST:PORT/__bourn__/journal."""


def configure(parser: Parser) -> None:
    """The arguments of ``bourn mock``."""
    parser.add_argument("action", metavar="serve|faults|scenarios", help="what to do")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", metavar="N", type=integer, default=0, help="the port to listen on (a free one)")
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--scenario", metavar="FILE|NAME", help="what to answer (hello)")
    answer.add_argument("--text", metavar="TEXT", help="answer this text")
    answer.add_argument("--replay", metavar="FOLDER", help="answer what was recorded")
    parser.add_argument(
        "--speed", metavar="X", type=number, default=1.0, help="how much faster to replay (1); inf does not wait at all"
    )
    parser.add_argument(
        "--fault", metavar="NAME[:KEY=VALUE,...]", action="append", default=[], help="break every answer so; may be repeated"
    )
    parser.add_argument("--dialect", metavar="NAME", help="show the base URL of this dialect only (all are served)")
    parser.add_argument("--seed", metavar="SEED", default="0", help="the seed of all random choices (0)")
    parser.add_argument("-q", "--quiet", action="store_true", help="show the base URLs and nothing else")


def run(arguments: Namespace) -> int:
    """Do what was asked."""
    action = _ACTIONS.get(arguments.action)
    if action is None:
        known = ", ".join(_ACTIONS)
        raise InputError(f"unknown action {arguments.action!r}{near(arguments.action, _ACTIONS) or f'; there are {known}'}")
    return action(arguments, Console(os.environ, quiet=arguments.quiet))


def _serve(arguments: Namespace, console: Console) -> int:
    names = (arguments.dialect,) if arguments.dialect else tuple(dialects.DIALECTS)
    for name in names:
        dialects.get(name)
    log = Log(console)
    options = {"host": arguments.host, "port": arguments.port, "seed": arguments.seed, "observe": log.told}
    make = _scripted if arguments.replay is None else _replaying
    server = make(arguments, options)
    with loops.runner() as runner:
        return runner.run(serve(server, console, log, lambda url: addresses(url, names)))


def _scripted(arguments: Namespace, options: Mapping[str, Any]) -> MockServer:
    """A server of scenarios: those of the command line over those that are always there."""
    broken = [read_fault(each) for each in arguments.fault]
    scenarios = chosen(arguments.scenario, arguments.text)
    server = MockServer(next(iter(scenarios.values())), fault=broken, **options)
    for name, scenario in {**SCENARIOS, **scenarios}.items():
        server.add(scenario, name=name, fault=broken)
    return server


def _replaying(arguments: Namespace, options: Mapping[str, Any]) -> MockServer:
    if arguments.fault:
        raise InputError("--fault breaks a scenario; a recording is replayed as it is")
    return MockServer(Replay(recording.load(arguments.replay), speed=arguments.speed), **options)


def chosen(scenario: str | None, said: str | None) -> Mapping[str, Scenario]:
    """The scenarios that the command line means, by name; the first answers every request. Raises ``InputError``."""
    if said is not None:
        return {"text": text(said)}
    if scenario is None or (scenario in SCENARIOS and not Path(scenario).is_file()):
        name = scenario or "hello"
        return {name: SCENARIOS[name]}
    if not Path(scenario).exists() and not scenario.endswith(".toml"):
        known = near(scenario, SCENARIOS) or "; `bourn mock scenarios` lists those that are always there"
        raise InputError(f"there is no scenario and no file {scenario!r}{known}")
    found = scenario_file.load(scenario)
    if not found:
        raise InputError(f"{scenario} has no scenario in it: write a table [scenario.NAME]")
    return found


def read_fault(word: str) -> Fault:
    """A fault from ``NAME`` or ``NAME:KEY=VALUE,...``. Raises ``InputError`` that names the right ones."""
    name, _, rest = word.partition(":")
    fields: dict[str, Any] = {}
    for piece in rest.split(",") if rest else ():
        key, equals, value = piece.partition("=")
        if not equals:
            raise InputError(f"--fault {word}: {piece!r} is no field; write {name}:KEY=VALUE,KEY=VALUE")
        fields[key.strip()] = _value(value.strip())
    return faults.read({"name": name, **fields})


def _value(written: str) -> Any:
    """A number, ``true``, ``false`` or a quoted text as JSON has them; anything else is the text itself."""
    try:
        return json.loads(written)
    except ValueError:
        return written


def _faults(_arguments: Namespace, console: Console) -> int:
    for name, kind in faults.FAULTS.items():
        console.out(f"{name}\n    {faults.describe(kind)}\n")
        plain = kind()
        fields = [f"{field}={_written(getattr(plain, field))}" for field in kind.__struct_fields__]
        console.out(f"    fields: {', '.join(fields)}\n" if fields else "")
    return exits.OK


def _written(value: object) -> str:
    return repr(value) if isinstance(value, bytes) else json.dumps(value)


def _scenarios(_arguments: Namespace, console: Console) -> int:
    for name in SCENARIOS:
        console.out(f"{name}\n")
    return exits.OK


_ACTIONS: dict[str, Callable[[Namespace, Console], int]] = {"serve": _serve, "faults": _faults, "scenarios": _scenarios}
