"""``bourn model``: the files of local models.

House rule: ``path`` prints a path and nothing else, for scripts.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable

from bourn.cli import exits
from bourn.cli.arguments import Parser, near
from bourn.cli.fetching import get
from bourn.cli.progress import megabytes
from bourn.cli.terminal import Console
from bourn.errors import InputError, ModelFileError
from bourn.providers import default_model
from bourn.transport.local import fetch, models

EPILOG = """what to do:
  list           every model that can be fetched: name, size, licence, where it lies
  get [NAME]     fetch a model's file; what is here already is checked
  path [NAME]    print where the file lies; exit code 2 if it is not here

NAME is smollm2-135m unless you say otherwise; `path` also takes the path of a .gguf file."""


def configure(parser: Parser) -> None:
    """The arguments of ``bourn model``."""
    parser.add_argument("action", metavar="get|list|path", help="what to do")
    parser.add_argument("name", metavar="NAME", nargs="?", help="the model's name")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress, no remarks")


def run(arguments: Namespace) -> int:
    """Do what was asked."""
    action = _ACTIONS.get(arguments.action)
    if action is None:
        known = ", ".join(_ACTIONS)
        raise InputError(f"unknown action {arguments.action!r}{near(arguments.action, _ACTIONS) or f'; there are {known}'}")
    name = (arguments.name or default_model({})[0]).removeprefix("local/")
    return action(name, Console(os.environ, quiet=arguments.quiet))


def _get(name: str, console: Console) -> int:
    plan = fetch.plan(name)
    if plan.present:
        models.verify(plan.path, plan.model.sha256)
        console.note(f"bourn: {name} is here already, and checked: {plan.path}")
    else:
        get(name, console)
    return exits.OK


def _list(_name: str, console: Console) -> int:
    rows = [(model.name, megabytes(model.size), model.licence, _where(model.name)) for model in models.CATALOGUE.values()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        console.out("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)) + "\n")
    return exits.OK


def _where(name: str) -> str:
    try:
        return str(models.find(name))
    except ModelFileError as error:
        return "not here" if not models.cached(models.lookup(name)).exists() else f"damaged: {error.message}"


def _path(name: str, _console: Console) -> int:
    print(models.find(name), file=sys.stdout)
    return exits.OK


_ACTIONS: dict[str, Callable[[str, Console], int]] = {"get": _get, "list": _list, "path": _path}
