"""``bourn compare``: one question to several models at once.

House rule: a model that fails is a column that says so; the others go on.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import msgspec

from bourn import providers
from bourn.cli import again, ask, exits, loops, question
from bourn.cli.again import Remarks
from bourn.cli.arguments import Parser
from bourn.cli.ask import Asking
from bourn.cli.side_by_side.columns import column_width, rows_of, side_by_side, wrap
from bourn.cli.side_by_side.entry import Entry
from bourn.cli.side_by_side.figures import table, timeline
from bourn.cli.side_by_side.live import Live, head
from bourn.cli.side_by_side.page import page
from bourn.cli.terminal import Console, columns, harmless
from bourn.errors import InputError
from bourn.messages import Message
from bourn.transport import ways

EPILOG = """The models answer side by side, in columns where the terminal has room; then come their figures, and when the pieces
of each answer came. In a pipe the answers stand below each other.

  bourn compare "Why is the sky blue?" -m openai/gpt-6-luna -m anthropic/claude-sonnet-5-5 -m local/smollm2-135m

Without PROMPT, or with -, the prompt is read from standard input. Ctrl-C stops all answers and shows what had come.
The exit code is that of the first model, in the order given, whose answer is not whole."""


def configure(parser: Parser) -> None:
    """The arguments of ``bourn compare``."""
    add = parser.add_argument
    add("prompt", metavar="PROMPT", nargs="?", help="what to ask")
    add("-m", "--model", metavar="MODEL", action="append", default=[], help="provider/model; give it once for each model")
    add("--html", metavar="FILE", type=Path, help="write the comparison as a page, too")
    add("--json", action="store_true", help="one JSON array at the end, an object for each model")
    question.configure(parser)


def run(arguments: Namespace) -> int:
    """Ask them all, show what comes, and tell how they did."""
    console = Console(os.environ, quiet=arguments.quiet)
    models: list[str] = arguments.model
    _check(models)
    prompt = question.prompt(arguments.prompt, console)
    askings = [_asking(model, arguments, console) for model in models]
    if arguments.html is not None:
        _check_writable(arguments.html)
    entries, stopped = _compare(console, askings, question.messages(arguments.system, prompt), live=not arguments.json)
    if arguments.json:
        console.out(msgspec.json.encode([entry.to_dict() for entry in entries]).decode() + "\n")
    else:
        _show(console, entries)
    if arguments.html is not None:
        arguments.html.write_text(page(prompt, entries), "utf-8")
        console.note(f"bourn: wrote {arguments.html}")
    return exits.STOPPED if stopped else next((entry.status for entry in entries if entry.status), exits.OK)


def _check(models: Sequence[str]) -> None:
    if len(models) < 2:
        raise InputError("a comparison needs at least two models: -m A -m B")
    for at, model in enumerate(models):
        if model in models[:at]:
            raise InputError(f"the model {model} is named twice; name each once")


def _asking(model: str, arguments: Namespace, console: Console) -> Asking:
    asking = ask.asking(console, arguments, model)
    asking.check(console)
    return asking


def _check_writable(path: Path) -> None:
    """Found out before anything is asked: an answer that cannot be kept was paid for in vain."""
    with path.open("a"):
        pass


def _compare(
    console: Console, askings: Sequence[Asking], messages: Sequence[Message], *, live: bool
) -> tuple[list[Entry], bool]:
    """The entries, read to their ends or to a Ctrl-C; whether there was one."""
    for asking in askings:  # what has to be loaded is no model's time
        row = providers.get(providers.split_model_id(asking.model)[0])
        for module in ways.modules(row.way, asking.dialect or row.dialect):
            import_module(module)
    drawn = live and console.out_is_terminal and console.out_styles
    client = ask.make_client(observers=[] if drawn else [Remarks(console)])  # a remark would spoil the picture
    entries = [Entry(asking.model, asking.stream(client, messages)) for asking in askings]
    with loops.runner() as runner:
        try:
            runner.run(_read(console, entries, live=drawn))
        except (KeyboardInterrupt, asyncio.CancelledError):
            console.fresh_line()
            return entries, True
        finally:
            runner.run(client.aclose())
            for entry in entries if drawn else ():
                again.recount(console, entry.model, entry.stream.response.attempts)
    return entries, False


async def _read(console: Console, entries: Sequence[Entry], *, live: bool) -> None:
    drawing = asyncio.ensure_future(Live(console, entries).run()) if live else None
    try:
        async with asyncio.TaskGroup() as group:
            for entry in entries:
                group.create_task(entry.read())
    finally:
        if drawing is not None:
            drawing.cancel()
            with suppress(asyncio.CancelledError):
                await drawing


def _show(console: Console, entries: Sequence[Entry]) -> None:
    width = columns() if not console.out_is_terminal else _terminal_width()
    lines = _columns(entries, width) if console.out_is_terminal else _sections(entries)
    lines += ["", *table(entries), "", *timeline(entries, width)]
    text = "\n".join(lines).rstrip() + "\n"
    console.out(harmless(text) if console.out_is_terminal else text)
    for entry in entries:
        if entry.error is not None:
            console.complain(f"bourn: {exits.sentence(entry.error)}")


def _terminal_width() -> int:
    return shutil.get_terminal_size().columns - 1


def _columns(entries: Sequence[Entry], width: int) -> list[str]:
    """The whole answers beside each other."""
    lines: list[str] = []
    at = 0
    for count in rows_of(len(entries), width):
        each = column_width(count, width)
        shown = [[*head(entry, each), "", *wrap(harmless(entry.text), each)] for entry in entries[at : at + count]]
        lines += [*side_by_side(shown, width), ""]
        at += count
    return lines


def _sections(entries: Sequence[Entry]) -> list[str]:
    """The whole answers below each other, as they came."""
    return [line for entry in entries for line in (f"== {entry.model}", entry.text, "")]
