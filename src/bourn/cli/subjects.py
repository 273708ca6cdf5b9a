"""From ``package.module:name`` to the stream that ``bourn verify`` judges.

House rule: whatever is wrong with the name or with what it stands for is said in one sentence, before anything is judged.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from bourn.cli.arguments import near
from bourn.contract import Subject
from bourn.errors import InputError

WANTED = (
    "a contract.Subject is needed, a function without arguments (or with one named dialect) that gives one, "
    "an asynchronous generator function, or connect(base_url), which gives a stream"
)


def find(name: str, dialect: str | None) -> Subject:
    """The subject that ``name`` stands for, in ``dialect`` where one is given. Raises ``InputError`` where there is none.

    What takes one argument is ``connect(base_url)``; what takes none gives a ``Subject``, or is a stream's own function.
    """
    found = _look_up(name)
    if isinstance(found, Subject):
        return _speaking(found, dialect)
    needed = _needed(name, found)
    if needed == ["dialect"]:
        return _made(name, found, dialect or "openai-chat")
    if len(needed) == 1:
        return _speaking(Subject(name=name, connect=found), dialect)
    if needed:
        raise InputError(f"{name} needs {len(needed)} arguments ({', '.join(needed)}); {WANTED}")
    if inspect.isasyncgenfunction(found) or inspect.iscoroutinefunction(found):
        return _speaking(Subject(name=name, factory=found), dialect)
    return _speaking(_made(name, found), dialect)


def _speaking(subject: Subject, dialect: str | None) -> Subject:
    return subject if dialect is None else msgspec.structs.replace(subject, dialect=dialect)


def _look_up(name: str) -> Any:
    module, colon, path = name.partition(":")
    if not (module and colon and path):
        raise InputError(f"{name!r} names no stream: write package.module:name; {WANTED}")
    found = _import(module)
    for at, word in enumerate(words := path.split(".")):
        if not hasattr(found, word):
            where = ".".join([module, *words[:at]])
            raise InputError(f"{where} has no {word!r}{near(word, [each for each in dir(found) if each[0] != '_'])}")
        found = getattr(found, word)
    return found


def _import(name: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise InputError(f"there is no module {error.name!r}, neither in {here} nor installed") from None
        raise InputError(f"importing {name} failed: {error}") from error
    except (Exception, SystemExit) as error:  # whatever somebody's module does
        raise InputError(f"importing {name} failed: {type(error).__name__}: {error}") from error


def _needed(name: str, found: Any) -> list[str]:
    """The names of the arguments without which it cannot be called."""
    if not callable(found):
        raise InputError(f"{name} is {type(found).__name__!r}, which cannot be called; {WANTED}")
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        raise InputError(f"{name} does not tell which arguments it takes; {WANTED}") from None
    optional = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    return [each.name for each in parameters if each.default is each.empty and each.kind not in optional]


def _made(name: str, function: Callable[..., Any], *arguments: str) -> Subject:
    try:
        made = function(*arguments)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody's function does
        raise InputError(f"calling {name} failed: {type(error).__name__}: {error}") from error
    if not isinstance(made, Subject):
        raise InputError(f"{name} gave {type(made).__name__!r}; {WANTED}")
    return made
