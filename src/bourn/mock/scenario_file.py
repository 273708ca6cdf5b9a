"""Scenarios from a TOML file: a table ``[scenario.NAME]`` each.

::

    [scenario.hello]
    text = "Hello world"
    timing = { first = 0.3, rate = 40, jitter = 0.2, burst = 2 }

    [scenario.weather]
    steps = [
      { reasoning = "They want the weather." },
      { tool_call = "get_weather", arguments = { city = "Paris" } },
      { pause = 2 },
      { together = [{ tool_call = "a" }, { tool_call = "b" }] },
      { error = "overloaded", type = "overloaded_error", status = 529 },
    ]
    finish = "tool_calls"
    usage = { input_tokens = 12, output_tokens = 7 }
    faults = ["drip", { name = "reset", event = 3 }]

    [scenario.limited]
    http_error = 429
    retry_after = 2

    [scenario.flaky]
    turns = ["limited", "hello"]

    [scenario.parrot]
    echo = true

House rule: a wrong file is refused as a whole, with the scenario, the place and the right words in the message.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

import msgspec

from bourn.errors import InputError
from bourn.events import FinishReason, Usage
from bourn.mock import faults, ops, scenarios
from bourn.mock.scenario import Answer, Scenario, Timing

T = TypeVar("T")


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of ``steps``: exactly one of the keys in ``_STEPS``, and what belongs to it."""

    text: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_call: str | None = None
    pause: float | None = None
    wait_for: str | None = None
    together: list[_Step] | None = None
    other: str | None = None
    error: str | None = None
    arguments: str | dict[str, Any] = ""
    id: str | None = None
    signature: str | None = None
    redacted: bool = False
    custom: bool = False
    whole: bool = False
    payload: Any = None
    type: str | None = None
    code: str | None = None
    status: int = 500


class _Usage(Usage, frozen=True, forbid_unknown_fields=True):
    """Usage whose misspelt fields are refused."""


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    """One scenario: exactly one of ``text``, ``steps``, ``http_error``, ``turns``, ``echo``, and what belongs to it."""

    text: str | None = None
    steps: list[_Step] | None = None
    http_error: int | None = None
    turns: list[str] | None = None
    echo: bool | None = None
    finish: FinishReason | None = None
    raw_finish: str | None = None
    usage: _Usage | None = None
    message: str = "the mock was told to refuse this request"
    type: str | None = None
    code: str | None = None
    retry_after: float | None = None
    timing: Timing | None = None
    faults: list[str | dict[str, Any]] = []


_STEPS: dict[str, Callable[[Any], Answer]] = {
    "text": lambda step: scenarios.text(step.text, whole=step.whole),
    "reasoning": lambda step: scenarios.reasoning(step.reasoning, signature=step.signature, redacted=step.redacted, id=step.id),
    "refusal": lambda step: scenarios.refusal(step.refusal),
    "tool_call": lambda step: scenarios.tool_call(step.tool_call, step.arguments, step.id, custom=step.custom),
    "pause": lambda step: scenarios.pause(step.pause),
    "wait_for": lambda step: scenarios.do(ops.WaitFor(step.wait_for)),
    "together": lambda step: scenarios.together(*(_step(each) for each in step.together)),
    "other": lambda step: scenarios.other(step.other, step.payload),
    "error": lambda step: scenarios.error(step.error, type=step.type, code=step.code, status=step.status),
}


def load(path: str | Path) -> dict[str, Scenario]:
    """The scenarios of a file, by name. Raises ``InputError`` that names the file, the scenario and what is wrong."""
    try:
        return loads(Path(path).read_text("utf-8"), str(path))
    except OSError as error:
        raise InputError(f"cannot read the scenario file {path}: {error.strerror}") from None


def loads(text: str, source: str = "the scenario file") -> dict[str, Scenario]:
    """The scenarios of a TOML text, by name. Raises ``InputError``."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source} is not TOML: {error}") from None
    strange = [name for name in tables if name != "scenario"]
    if strange or not isinstance(tables.get("scenario"), dict):
        found = f"; found [{strange[0]}]" if strange else ""
        raise InputError(f"{source} must hold tables called [scenario.NAME]{found}")
    return _Reading(source, tables["scenario"]).all()


class _Reading:
    """One file at hand: its tables, the scenarios made of them so far, and the names that are being made."""

    def __init__(self, source: str, tables: dict[str, Any]) -> None:
        self._source = source
        self._tables = tables
        self._made: dict[str, Scenario] = {}
        self._making: list[str] = []

    def all(self) -> dict[str, Scenario]:
        return {name: self._scenario(name) for name in self._tables}

    def _scenario(self, name: str) -> Scenario:
        if name in self._made:
            return self._made[name]
        if name in self._making:
            raise InputError(f"{self._source}: the turns go round in a circle: {' -> '.join([*self._making, name])}")
        self._making.append(name)
        try:
            made = self._made[name] = self._make(_convert(self._tables[name], _Table))
        except InputError as error:
            if error.message.startswith(self._source):
                raise  # of another scenario, which this one has among its turns
            raise InputError(f"{self._source}: scenario {name!r}: {error}") from None
        finally:
            self._making.remove(name)
        return made

    def _make(self, table: _Table) -> Scenario:
        kind = _one_of(table, ("text", "steps", "http_error", "turns", "echo"))
        made = self._KINDS[kind](self, table)
        made = msgspec.structs.replace(made, timing=table.timing) if table.timing is not None else made
        return made.broken(*(faults.read(each) for each in table.faults))

    def _answer(self, table: _Table) -> Answer:
        made = scenarios.text(table.text) if table.text is not None else scenarios.empty()
        for step in table.steps or ():
            made += _step(step)
        if table.usage is not None:
            made += scenarios.usage(**{k: v for k, v in msgspec.to_builtins(table.usage).items() if v is not None})
        return made + scenarios.finish(table.finish, table.raw_finish) if table.finish is not None else made

    def _http_error(self, table: _Table) -> Answer:
        status = table.http_error or 0
        return scenarios.http_error(status, table.message, type=table.type, code=table.code, retry_after=table.retry_after)

    def _turns(self, table: _Table) -> Scenario:
        for name in table.turns or ():
            if name not in self._tables:
                raise InputError(f"no scenario {name!r} in this file{_hint(name, list(self._tables))}")
        return scenarios.turns(*(self._scenario(name) for name in table.turns or ()))

    def _echo(self, _: _Table) -> Scenario:
        return scenarios.echo()

    _KINDS: ClassVar[dict[str, Callable[[Any, _Table], Scenario]]] = {
        "text": _answer,
        "steps": _answer,
        "http_error": _http_error,
        "turns": _turns,
        "echo": _echo,
    }


def _step(step: _Step) -> Answer:
    return _STEPS[_one_of(step, tuple(_STEPS))](step)


def _one_of(value: msgspec.Struct, names: tuple[str, ...]) -> str:
    given = [name for name in names if getattr(value, name) is not None]
    if len(given) != 1:
        found = f"found {' and '.join(given)}" if given else "found none"
        raise InputError(f"there must be exactly one of {', '.join(names)} here: {found}")
    return given[0]


def _convert(value: Any, type_: type[T]) -> T:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise InputError(_explained(str(error))) from None


def _explained(message: str) -> str:
    """A validation message in the file's own words: without ``$.``, and with the key that was probably meant."""
    message = message.replace("Object contains unknown field", "unknown key").replace(" - at `$.", ", in `")
    wrong = re.match(r"(?:unknown key|Invalid enum value) [`'](.*?)[`']", message)
    fields = (*_Table.__struct_fields__, *_Step.__struct_fields__, *Timing.__struct_fields__, *Usage.__struct_fields__)
    known = [*fields, *get_args(FinishReason)]
    return message + _hint(wrong[1], known) if wrong else message


def _hint(wrong: str, known: list[str]) -> str:
    near = difflib.get_close_matches(wrong, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
