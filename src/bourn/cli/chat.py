"""``bourn chat``: one answer to a prompt, or a conversation on a terminal.

House rule: what this module does is what its ``--help`` says, and the answer is on standard output alone.
"""

from __future__ import annotations

import asyncio
import os
import select
import stat
from argparse import Namespace
from contextlib import suppress

from bourn.cli import arguments as read
from bourn.cli import ask
from bourn.cli.arguments import Parser
from bourn.cli.ask import Asking
from bourn.cli.converse import Conversation
from bourn.cli.shows import JsonLinesShow, JsonShow, TextShow
from bourn.cli.terminal import Console
from bourn.cli.turn import Show, play
from bourn.errors import InputError
from bourn.messages import Message

EPILOG = """Without PROMPT, or with -, the prompt is read from standard input; on a terminal you talk with the model.
With both, the prompt comes first and standard input after a blank line: bourn chat "sum this up" < text

Without -m the model is BOURN_MODEL, else that of the first provider whose key is set, else local/smollm2-135m.
A model is PROVIDER/MODEL; any server that speaks a dialect is reached with --base-url and the provider of that dialect.

Ctrl-C stops the answer; a second one ends the program. Set NO_COLOR for an answer without styles."""

OPTIONS = ("max_tokens", "temperature", "top_p", "stop", "seed", "reasoning")
"""Arguments that are options of ``bourn.stream``."""

HINT_SECONDS = 1.0
"""Standard input that is silent so long is mentioned."""


def configure(parser: Parser) -> None:
    """The arguments of ``bourn chat``."""
    add = parser.add_argument
    add("prompt", metavar="PROMPT", nargs="?", help="what to ask")
    add("-m", "--model", metavar="MODEL", help="provider/model, for example anthropic/claude-sonnet-4-5")
    add("-s", "--system", metavar="TEXT", help="the system prompt")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", dest="show", action="store_const", const="json", help="one JSON object at the end")
    output.add_argument("--jsonl", dest="show", action="store_const", const="jsonl", help="one JSON event a line, as it comes")
    output.add_argument(
        "--plain",
        "--no-markdown",
        dest="show",
        action="store_const",
        const="plain",
        help="markdown as it came, on a terminal too",
    )
    add("--max-tokens", metavar="N", type=read.integer, help="at most so many tokens")
    add("--temperature", metavar="T", type=read.number, help="0 for the likeliest answer, more for variety")
    add("--top-p", metavar="P", type=read.number, help="sample from this share of the likeliest tokens")
    add("--stop", metavar="TEXT", action="append", help="end the answer before TEXT; may be given several times")
    add("--seed", metavar="N", type=read.integer, help="the same seed for the same answer, where the provider can")
    add(
        "--reasoning", metavar="EFFORT", type=read.effort, help="none, minimal, low, medium, high, xhigh, or a number of tokens"
    )
    add("--base-url", metavar="URL", help="where the provider's dialect is spoken")
    add("--api-key-env", metavar="VARIABLE", help="the environment variable that holds the key")
    add("--dialect", metavar="NAME", help="the wire format, if not the provider's usual one")
    add(
        "--timeout",
        metavar="SECONDS",
        type=read.time_limits,
        help="for the whole answer; or by name: connect=5,first_event=30,idle=15,total=300",
    )
    add("--offline", action="store_true", help="never download the file of a local model")
    add("-q", "--quiet", action="store_true", help="no remarks on standard error, only errors")


def run(arguments: Namespace) -> int:
    """Answer the prompt, or converse where there is none."""
    console = Console(os.environ, quiet=arguments.quiet)
    converses = arguments.prompt is None and console.out_is_terminal and _is_terminal(console)
    if converses and arguments.show in ("json", "jsonl"):
        raise InputError(f"--{arguments.show} needs a prompt")
    prompt = "" if converses else _prompt(arguments.prompt, console)
    asking = ask.asking(
        console,
        model=arguments.model,
        base_url=arguments.base_url,
        api_key_env=arguments.api_key_env,
        dialect=arguments.dialect,
        time_limits=arguments.timeout,
        options={name: getattr(arguments, name) for name in OPTIONS},
        offline=arguments.offline,
    )
    asking.check(console)
    if converses:
        return Conversation(console, asking, arguments.system, plain=arguments.show == "plain").run()
    return _answer(console, asking, _messages(arguments.system, prompt), _show(arguments.show, console))


def _answer(console: Console, asking: Asking, messages: list[Message], show: Show) -> int:
    """One question, one answer."""
    client = ask.make_client()
    with asyncio.Runner() as runner:
        try:
            turn = play(runner, asking.stream(client, messages), show)
        finally:
            runner.run(client.aclose())
    turn.report(asking.model, console)
    return turn.status


def _messages(system: str | None, prompt: str) -> list[Message]:
    return [*([Message("system", system)] if system else []), Message("user", prompt)]


def _show(kind: str | None, console: Console) -> Show:
    if kind == "json":
        return JsonShow(console)
    if kind == "jsonl":
        return JsonLinesShow(console)
    return TextShow(console, plain=kind == "plain")


def _prompt(given: str | None, console: Console) -> str:
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
    if _is_terminal(console):
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


def _is_terminal(console: Console) -> bool:
    return console.stdin is not None and not console.stdin.closed and console.stdin.isatty()
