"""``bourn batch``: a question a line in, an answer a line out.

House rule: what can be known to be wrong is found before anything is sent, and a row that was written is never asked again.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from bourn import providers
from bourn.cli import arguments as read
from bourn.cli import ask, question
from bourn.cli.answering import Answering, Pipe
from bourn.cli.arguments import Parser
from bourn.cli.ask import Asking
from bourn.cli.terminal import Console
from bourn.errors import InputError
from bourn.many import inputs
from bourn.many.inputs import Entry
from bourn.many.journal import Done, Journal
from bourn.many.pace import Pace

EPILOG = """Each line of IN is a JSON string, or an object with "prompt" or "messages", and with what is to be different for
this row: "model", "max_tokens" and the other options; "id" and "metadata" come back with the answer. Rows of OpenAI's
batches ("custom_id" and "body") are taken, too. - is standard input, or standard output.

OUT gets a line for each row as it is answered: index (from 0), id, text, tool_calls, finish_reason, usage, error, ...
An error is a row as well. OUT is also the journal: the same command after a crash or Ctrl-C goes on with the rows that
are not in it. Errors stay; --retry-errors asks them again.

  bourn batch in.jsonl out.jsonl -m openai/gpt-6-luna --concurrency 32

Ctrl-C takes no more rows and waits for those that run; a second one ends at once."""

CONCURRENCY = 8


def configure(parser: Parser) -> None:
    """The arguments of ``bourn batch``."""
    add = parser.add_argument
    add("input", metavar="IN", help="the file of questions, a JSON value a line")
    add("output", metavar="OUT", help="the file of answers, one JSON object a line; it is added to")
    add("-m", "--model", metavar="MODEL", help="provider/model, for rows that name none")
    add("-c", "--concurrency", metavar="N", type=read.integer, default=CONCURRENCY, help=f"so many at a time ({CONCURRENCY})")
    add("--rpm", metavar="N", type=read.number, help="at most so many requests a minute, to each provider")
    add("--tpm", metavar="N", type=read.number, help="at most so many tokens a minute, to each provider")
    add("--ordered", action="store_true", help="write the answers in the order of the questions")
    add("--retry-errors", action="store_true", help="ask rows again that are errors in OUT")
    ask.configure(parser)
    question.configure(parser)


def run(arguments: Namespace) -> int:
    """Check everything, then answer what is not answered yet."""
    console = Console(os.environ, quiet=arguments.quiet)
    _check(arguments)
    arguments.pace = Pace(arguments.rpm, arguments.tpm)
    asking = ask.asking(console, arguments, arguments.model)
    asking.check(console)
    source = Questions(arguments.input, console, Models(asking, console))
    source.check()
    if arguments.output == "-":
        return Answering(console, arguments, source, Pipe(sys.stdout.fileno())).run()
    with Journal(Path(arguments.output), without_errors=arguments.retry_errors) as journal:
        source.check_done(journal.done, arguments)
        return Answering(console, arguments, source, journal).run()


def _check(arguments: Namespace) -> None:
    if arguments.concurrency < 1:
        raise InputError(f"--concurrency has to be at least 1, not {arguments.concurrency}")
    if arguments.retry_errors and arguments.ordered:
        raise InputError("--retry-errors adds the new answers at the end, which --ordered forbids; use one of them")
    if arguments.input != "-" and Path(arguments.output).exists() and Path(arguments.output).samefile(arguments.input):
        raise InputError("IN and OUT are the same file")


class Models:
    """Who is asked for a row: the command line's model, or the row's own."""

    def __init__(self, asking: Asking, console: Console) -> None:
        self._asking = asking
        self._console = console
        self._checked = {asking.model}

    def asking(self, entry: Entry) -> Asking:
        """Whom, and how. Raises ``InputError`` that names the line."""
        asking = self._asking
        if entry.model is not None:
            provider = providers.split_model_id(asking.model)[0]
            asking = asking.of(f"{provider}/{entry.model}" if entry.bare else entry.model)
        return replace(asking, options={**asking.options, **entry.options})

    def check(self, entry: Entry) -> None:
        """Find out whether the row's model can be asked at all; each is looked at once."""
        try:
            asking = self.asking(entry)
            if asking.model not in self._checked:
                asking.check(self._console)
                self._checked.add(asking.model)
        except InputError as error:
            error.args = (f"line {entry.line}: {error.message}", *error.args[1:])
            raise


class Questions:
    """The rows of IN, read as often as need be if it is a file. ``total`` is their number, ``None`` for a pipe."""

    def __init__(self, path: str, console: Console, models: Models) -> None:
        self._path = path
        self.models = models
        self.console = console
        self.total: int | None = None
        self.is_file = path != "-" and Path(path).is_file()
        self._pipe = None if self.is_file else self._opened()

    def _opened(self) -> BinaryIO:
        """A pipe, which is read to the end of the run. Raises ``InputError`` for what cannot be read."""
        if self._path == "-":
            stdin: BinaryIO = self.console.stdin.buffer
            return stdin
        try:
            return Path(self._path).open("rb")
        except OSError as error:
            raise InputError(f"{self._path}: {error.strerror}") from error

    @property
    def pipe(self) -> BinaryIO:
        """What a pipe is read from."""
        assert self._pipe is not None
        return self._pipe

    def check(self) -> None:
        """Read the whole file once, and say what is wrong with the first row that cannot be asked."""
        if self.is_file:
            self.total = 0
            for entry in self.entries():
                self.models.check(entry)
                self.total += 1

    def check_done(self, done: Done, arguments: Namespace) -> None:
        """Whether the rows of an output answer these questions. Raises ``InputError`` where not."""
        if not done.count:
            return
        if not self.is_file:
            raise InputError(f"{arguments.output} has answers already, and a pipe cannot be gone on with: name another output")
        if not done.answers(inputs.digest(line) for _, line in self._lines()):
            raise InputError(f"{arguments.output} has the answers to another input; name another output")
        if arguments.ordered and not done.in_order:
            raise InputError(f"{arguments.output} is not in order so far; go on without --ordered, or name another output")

    def entries(self, done: Done | None = None) -> Iterator[Entry]:
        """The rows of a file that are not done. Raises ``InputError`` that names the line."""
        for index, (number, line) in enumerate(self._lines()):
            if done is None or index not in done:
                yield inputs.read(index, number, line)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        with Path(self._path).open("rb") as file:
            yield from inputs.lines(file)
