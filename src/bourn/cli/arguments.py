"""Reading a command line: argparse, with mistakes answered in one sentence.

House rule: a value that was typed after an unknown option is never repeated; it could be a key.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from bourn.cli import exits
from bourn.errors import InputError

SECRETS = ("--api-key", "--key", "--token")
"""What people try in order to pass a key."""


def near(word: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` if something known is close to ``word``."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises ``InputError`` instead of ending the program, and whose help shows the exit codes."""

    def __init__(self, prog: str, description: str, epilog: str = "") -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog="\n\n".join(part for part in (epilog, exits.table()) if part),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """One sentence and where to read on."""
        raise InputError(f"{message} (see {self.prog} --help)")

    def read(self, argv: Sequence[str]) -> argparse.Namespace:
        """The arguments. Raises ``InputError`` with a suggestion for what is not known."""
        arguments, unknown = self.parse_known_args(argv)
        if unknown:
            self.error(self._unknown(unknown[0]))
        return arguments

    def _unknown(self, word: str) -> str:
        option, _, _ = word.partition("=")
        if option in SECRETS:
            return (
                "a key is not taken on the command line, where other users can see it: "
                "put it into a variable and name that with --api-key-env"
            )
        if not word.startswith("-"):
            return f"{word!r} is one argument too many; put a text of several words in quotes"
        return f"unknown option {option}{near(option, self._option_string_actions)}"


def number(text: str) -> float:
    """A number, as argparse's ``type``."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def integer(text: str) -> int:
    """A whole number, as argparse's ``type``."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def effort(text: str) -> str | int:
    """How much to think: a word, or a number of tokens."""
    return int(text) if text.isdecimal() else text


TIME_LIMITS = ("connect", "first_event", "idle", "idle_bytes", "total")
"""What ``--timeout`` can limit; the fields of ``bourn.Timeouts``."""


def time_limits(text: str) -> dict[str, Any]:
    """``60`` limits the whole answer; ``connect=5,idle=15`` limits what it names; ``none`` lifts a limit."""
    limits: dict[str, Any] = {}
    for piece in text.split(","):
        name, given, seconds = piece.rpartition("=")
        name = name.strip().replace("-", "_") if given else "total"
        if name not in TIME_LIMITS:
            raise argparse.ArgumentTypeError(f"{name!r} is not a time limit; there are {', '.join(TIME_LIMITS)}")
        limits[name] = None if seconds.strip() == "none" else number(seconds)
    return limits
