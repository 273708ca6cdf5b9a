"""Arguments of a function call that Gemini streams value by value (``partialArgs``), written as one growing JSON text.

Each piece names where its value stands by a JSON path (``$.recipe.steps[0]``), strings come in several pieces, and the order is
that of the text. Source: https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1beta1/Content#PartialArg

House rule: the text only grows, so what would change it afterwards is refused.
"""

from __future__ import annotations

import re

import msgspec

_STEP = re.compile(
    r"""
      \. (?P<name> [^.\[\]]+ )
    | \[ (?P<at> \d+ ) \]
    | \[ (?P<quote> ['"] ) (?P<quoted> (?: (?!(?P=quote)) [^\\] | \\. )* ) (?P=quote) \]
    """,
    re.VERBOSE | re.DOTALL,
)

Step = str | int

_LEFT_OUT = 1000
"""The most elements before a value that may be left out: a path of ten bytes must not become gigabytes of ``null``."""


class PartialArg(msgspec.Struct, frozen=True, rename="camel"):
    """One piece: a value, or a piece of a string that goes on where ``will_continue``."""

    json_path: str = ""
    string_value: str | None = None
    number_value: float | int | None = None
    bool_value: bool | None = None
    will_continue: bool | None = None


class ArgumentWriter:
    """Give it pieces with :meth:`take`, end it with :meth:`close`; both give the text to append."""

    def __init__(self) -> None:
        self._path: list[Step] = []  # where the last value stands
        self._used: list[set[Step]] = []  # the names used so far in each object on the way to it
        self._in_string = False

    def take(self, piece: PartialArg) -> str:
        """The text that ``piece`` becomes. Raises ``ValueError`` where it cannot follow what was written."""
        path = _steps(piece.json_path)
        goes_on = self._in_string and path == self._path
        text = "" if goes_on else self._quote_end() + self._move(path)
        if piece.string_value is None and not goes_on:
            return text + _scalar(piece)
        text += ("" if goes_on else '"') + _escaped(piece.string_value or "")
        self._in_string = bool(piece.will_continue)
        return text if self._in_string else text + '"'

    def close(self) -> str:
        """The text that ends the arguments; empty where nothing was written."""
        return self._quote_end() + _closing(self._path)

    def _quote_end(self) -> str:
        text = '"' if self._in_string else ""
        self._in_string = False
        return text

    def _move(self, path: list[Step]) -> str:
        """The text between the last value and the one at ``path``."""
        before, self._path = self._path, path
        if not before:
            return self._open(path)
        shared = next((at for at, (old, new) in enumerate(zip(before, path, strict=False)) if old != new), None)
        if shared is None or type(before[shared]) is not type(path[shared]):
            raise ValueError(f"two values for {_shown(path)}")
        del self._used[shared + 1 :]
        return f"{_closing(before[shared + 1 :])},{self._step(path[shared], before[shared])}{self._open(path[shared + 1 :])}"

    def _open(self, path: list[Step]) -> str:
        """The brackets that ``path`` goes through, each with its first name or the elements before."""
        text = ""
        for step in path:
            self._used.append(set())
            text += ("{" if isinstance(step, str) else "[") + self._step(step, -1)
        return text

    def _step(self, step: Step, before: Step) -> str:
        """The name of a value in its object, or ``null`` for each element that was left out before it."""
        used = self._used[len(self._used) - 1]
        if step in used or (isinstance(step, int) and isinstance(before, int) and step < before):
            raise ValueError(f"{step!r} comes again after what follows it")
        used.add(step)
        if isinstance(step, str):
            return f'"{_escaped(step)}":'
        left_out = step - 1 - before if isinstance(before, int) else 0
        if left_out > _LEFT_OUT:
            raise ValueError(f"{left_out} elements before {step!r} are left out")
        return "null," * left_out


def _steps(path: str) -> list[Step]:
    """The steps of a JSON path. Raises ``ValueError`` for what is none."""
    steps: list[Step] = []
    at = 1
    while at < len(path) and (found := _STEP.match(path, at)):
        told = found.groupdict()
        name = told["name"] if told["quoted"] is None else re.sub(r"\\(.)", r"\1", told["quoted"])
        steps.append(int(told["at"]) if told["at"] else name)
        at = found.end()
    if not path.startswith("$") or at != len(path) or not steps:
        raise ValueError(f"{path!r} is no path of a value")
    return steps


def _scalar(piece: PartialArg) -> str:
    value = piece.number_value if piece.bool_value is None else piece.bool_value
    return msgspec.json.encode(value).decode()


def _closing(path: list[Step]) -> str:
    return "".join("}" if isinstance(step, str) else "]" for step in reversed(path))


def _escaped(text: str) -> str:
    return msgspec.json.encode(text)[1:-1].decode()


def _shown(path: list[Step]) -> str:
    return "$" + "".join(f"[{step!r}]" for step in path)
