"""``bourn chat``: one answer to a prompt, or a conversation on a terminal.

House rule: what this module does is what its ``--help`` says, and the answer is on standard output alone.
"""

from __future__ import annotations

import os
from argparse import Namespace

from bourn.cli import ask, loops, question
from bourn.cli.again import Remarks
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


def configure(parser: Parser) -> None:
    """The arguments of ``bourn chat``."""
    add = parser.add_argument
    add("prompt", metavar="PROMPT", nargs="?", help="what to ask")
    add("-m", "--model", metavar="MODEL", help="provider/model, for example anthropic/claude-sonnet-5-5")
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
    ask.configure(parser)
    question.configure(parser)


def run(arguments: Namespace) -> int:
    """Answer the prompt, or converse where there is none."""
    console = Console(os.environ, quiet=arguments.quiet)
    converses = arguments.prompt is None and console.out_is_terminal and question.is_terminal(console)
    if converses and arguments.show in ("json", "jsonl"):
        raise InputError(f"--{arguments.show} needs a prompt")
    prompt = "" if converses else question.prompt(arguments.prompt, console)
    asking = ask.asking(console, arguments, arguments.model)
    asking.check(console)
    if converses:
        return Conversation(console, asking, arguments.system, plain=arguments.show == "plain").run()
    return _answer(console, asking, question.messages(arguments.system, prompt), _show(arguments.show, console))


def _answer(console: Console, asking: Asking, messages: list[Message], show: Show) -> int:
    """One question, one answer."""
    client = ask.make_client(observers=[Remarks(console)])
    with loops.runner() as runner:
        try:
            turn = play(runner, asking.stream(client, messages), show)
        finally:
            runner.run(client.aclose())
    turn.report(asking.model, console)
    return turn.status


def _show(kind: str | None, console: Console) -> Show:
    if kind == "json":
        return JsonShow(console)
    if kind == "jsonl":
        return JsonLinesShow(console)
    return TextShow(console, plain=kind == "plain")
