"""What is asked: the prompt, out of an argument and standard input, and the options of the question.

House rule: every command that asks a model asks in the same words.
"""

from __future__ import annotations

import os
import select
import stat
from argparse import Namespace
from contextlib import suppress
from typing import Any

from bourn.cli import arguments as read
from bourn.cli.arguments import Parser
from bourn.cli.terminal import Console
from bourn.errors import InputError
from bourn.messages import Message

OPTIONS = ("max_tokens", "temperature", "top_p", "stop", "seed", "reasoning")
"""Arguments that are options of ``bourn.stream``."""

HINT_SECONDS = 1.0
"""Standard input that is silent so long is mentioned."""


def configure(parser: Parser) -> None:
    """The arguments that say what is asked, and how."""
    add = parser.add_argument
    add("-s", "--system", metavar="TEXT", help="the system prompt")
    add("--max-tokens", metavar="N", type=read.integer, help="at most so many tokens")
    add("--temperature", metavar="T", type=read.number, help="0 for the likeliest answer, more for variety")
    add("--top-p", metavar="P", type=read.number, help="sample from this share of the likeliest tokens")
    add("--stop", metavar="TEXT", action="append", help="end the answer before TEXT; may be given several times")
    add("--seed", metavar="N", type=read.integer, help="the same seed for the same answer, where the provider can")
    add(
        "--reasoning", metavar="EFFORT", type=read.effort, help="none, minimal, low, medium, high, xhigh, or a number of tokens"
    )
    add(
        "--timeout",
        metavar="SECONDS",
        type=read.time_limits,
        help="for the whole answer; or by name: connect=5,first_event=30,idle=15,total=300",
    )
    add("--retries", metavar="N", type=read.integer, help="ask again up to so often if an answer fails before its first word")
    add("--offline", action="store_true", help="never download the file of a local model")
    add("-q", "--quiet", action="store_true", help="no remarks on standard error, only errors")


def options(arguments: Namespace) -> dict[str, Any]:
    """The options of the question, ``None`` where one was not given."""
    return {name: getattr(arguments, name) for name in OPTIONS}


def messages(system: str | None, prompt: str) -> list[Message]:
    """The prompt as messages."""
    return [*([Message("system", system)] if system else []), Message("user", prompt)]


def prompt(given: str | None, console: Console) -> str:
    """The argument, standard input, or both; ``-`` is standard input."""
    if given is None or given == "-":
        parts = [_piped(console)]
    elif _has_piped(console):
        _tell_if_waiting(console)
        parts = [given, _piped(console)]
    else:
        parts = [given]
    prompt = "\n\n".join(part for part in parts if part.strip())
    if not prompt:
        raise InputError("there is no prompt: give one as an argument or on standard input")
    return prompt


def _piped(console: Console) -> str:
    """All of standard input, as text."""
    if console.stdin is None or console.stdin.closed:
        return ""
    if is_terminal(console):
        console.note("bourn: type the prompt, then Ctrl-D")
    raw = getattr(console.stdin, "buffer", None)
    if raw is None:
        return console.stdin.read()
    try:
        text: str = raw.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"standard input is not UTF-8 text (byte {error.start})") from error
    return text.replace("\r\n", "\n").rstrip("\n")


def _has_piped(console: Console) -> bool:
    """Whether somebody sends something: a pipe, a file or a socket; not a terminal, not /dev/null."""
    try:
        mode = os.fstat(console.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):  # no standard input, or none that is a file
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _tell_if_waiting(console: Console) -> None:
    """Who runs this with a pipe that nobody ends would wait for ever without knowing why."""
    with suppress(OSError, ValueError):  # Windows cannot look into a pipe
        if not select.select([console.stdin], [], [], HINT_SECONDS)[0]:
            console.note("bourn: reading standard input, too (start with < /dev/null if there is none)")


def is_terminal(console: Console) -> bool:
    """Whether a person types on standard input."""
    return console.stdin is not None and not console.stdin.closed and console.stdin.isatty()
