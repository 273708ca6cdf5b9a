"""``bourn``: finds the command, runs it, and turns whatever goes wrong into one sentence and an exit code.

House rule: this module imports nothing heavy; a command's module is loaded when the command is run, so that
``bourn --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NamedTuple

import bourn
from bourn.cli import exits
from bourn.cli.arguments import Parser, near
from bourn.cli.terminal import Console
from bourn.errors import InputError


class Command(NamedTuple):
    """A command: ``module`` has ``configure(parser)`` and ``run(arguments) -> exit code``; ``summary`` is its line of help."""

    module: str
    summary: str


COMMANDS: dict[str, Command] = {
    "chat": Command("bourn.cli.chat", "ask a model, or talk with it"),
    "compare": Command("bourn.cli.compare", "ask several models at once, side by side"),
    "batch": Command("bourn.cli.batch", "answer every row of a file, and go on where a run was stopped"),
    "providers": Command("bourn.cli.providers", "list the services, and which of them are configured"),
    "mock": Command("bourn.cli.mock", "a server that says what it is told in every dialect, and misbehaves on purpose"),
    "record": Command("bourn.cli.record", "a proxy that saves what passes, to replay it"),
    "verify": Command("bourn.cli.verify", "hold any asynchronous stream to the stream contract"),
    "model": Command("bourn.cli.model", "fetch and find the files of local models"),
}
"""Name to command, in the order of the help. A new command is a module and a row."""

_VERSION_OPTIONS = ("-V", "--version")
_HELP_OPTIONS = ("-h", "--help", "help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``bourn`` with ``argv`` (``sys.argv`` without the program if none) and give the exit code; never raises."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _dispatch(words)
        sys.stdout.flush()
    except SystemExit as end:  # argparse has shown its help
        status = end.code if isinstance(end.code, int) else exits.OK
    except KeyboardInterrupt:
        status = exits.STOPPED
    except BrokenPipeError:
        _forget_stdout()
        status = exits.NO_READER
    except Exception as error:  # noqa: BLE001  # the border: nothing may become a traceback here
        status = complain(error)
    return status


def complain(error: BaseException) -> int:
    """Say on standard error what went wrong; the exit code."""
    status = exits.code(error)
    unforeseen = type(error) not in exits.FAILURES and status == exits.BUG and not isinstance(error, OSError)
    hint = f"; this is a bug ({type(error).__name__}), BOURN_DEBUG=1 shows where" if unforeseen else ""
    with suppress(OSError):  # nobody reads standard error
        Console(os.environ).fail(error, hint)
    return status


def _dispatch(words: list[str]) -> int:
    name = words[0] if words else ""
    if name in _VERSION_OPTIONS:
        return _version()
    if name in _HELP_OPTIONS and len(words) > 1:
        return _dispatch([words[1], "--help"])
    if name in _HELP_OPTIONS:
        print(_help())
        return exits.OK
    if not name:
        print(_help(), file=sys.stderr)
        return exits.INPUT
    if name not in COMMANDS:
        kind = "option" if name.startswith("-") else "command"
        known = ", ".join(COMMANDS)
        raise InputError(f"unknown {kind} {name.partition('=')[0]!r}{near(name, COMMANDS) or f'; the commands are {known}'}")
    command = COMMANDS[name]
    module = import_module(command.module)
    parser = Parser(f"bourn {name}", command.summary.capitalize() + ".", getattr(module, "EPILOG", ""))
    module.configure(parser)
    status: int = module.run(parser.read(words[1:]))
    return status


def _help() -> str:
    commands = "\n".join(f"  {name:<12}{command.summary}" for name, command in COMMANDS.items())
    return (
        "usage: bourn COMMAND [...]\n\n"
        "The streaming answers of any LLM, on the command line.\n\n"
        f"commands:\n{commands}\n\n"
        "options:\n  -h, --help     show this, or the help of a command: bourn COMMAND --help\n"
        f"  -V, --version  show the version\n\n{exits.table()}"
    )


def _version() -> int:
    print(f"bourn {bourn.__version__}")
    return exits.OK


def _forget_stdout() -> None:
    """Nobody reads: point standard output at nothing, or the interpreter complains when it flushes at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # a stream that is not a file has nothing to flush
        return
