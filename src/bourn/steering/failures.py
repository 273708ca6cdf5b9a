"""The words for an end with several failures: why nothing was tried again, and what each model said.

House rule: the error that is raised is the last one, of its own class and with its own attributes; only its sentence grows.
"""

from __future__ import annotations

from collections.abc import Sequence

from bourn.errors import BournError

_LINE = 240
"""Characters of a model's error that are told among those of others."""


def said(error: BournError, message: str) -> BournError:
    """An equal error with another sentence."""
    twin = error.fresh()
    twin.args = (message, *error.args[1:])
    return twin


def given_up(error: BournError, why: str, what: str = "not tried again") -> BournError:
    """The error, with the reason for which it is raised now; itself where there is none to tell."""
    return said(error, f"{error.message} ({what}: {why})") if why else error


def none_answered(errors: Sequence[BournError]) -> BournError:
    """The last error, which names all models and what each said, a line for each."""
    lines = "".join(f"\n- {error.provider}/{error.model}: {type(error).__name__}: {_short(error.message)}" for error in errors)
    return said(errors[-1], f"none of {len(errors)} models answered:{lines}\n")


def _short(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= _LINE else f"{line[:_LINE]}…"
