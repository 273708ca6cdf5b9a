"""The conversation of ``bourn chat`` on a terminal: turns, history, and the commands that begin with a slash.

House rule: what was said stays: a stopped or broken answer is kept as far as it came. Nothing is written to disk unasked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from bourn.cli import ask, exits, loops
from bourn.cli.again import Remarks
from bourn.cli.arguments import near
from bourn.cli.ask import Asking
from bourn.cli.keyboard import Keyboard
from bourn.cli.shows import TextShow
from bourn.cli.terminal import Console
from bourn.cli.turn import Turn, play
from bourn.errors import BournError
from bourn.messages import Message, Reasoning, Text
from bourn.response import Response


class Conversation:
    """Make one with whom to ask and the system prompt, then :meth:`run` it; gives the exit code when the user leaves."""

    def __init__(self, console: Console, asking: Asking, system: str | None, *, plain: bool) -> None:
        self._console = console
        self._asking = asking
        self._system = system
        self._plain = plain
        self._history: list[Message] = []
        self._keyboard = Keyboard(console)

    def run(self) -> int:
        """Read, answer, and so on. Raises ``KeyboardInterrupt`` at a Ctrl-C that stops no answer."""
        self._console.note(f"bourn: talking with {self._asking.model}; /help lists the commands, Ctrl-D ends")
        self._client = ask.make_client(observers=[Remarks(self._console)])
        with loops.runner() as self._runner:
            try:
                while (line := self._keyboard.read()) is not None:
                    if not self._take(line):
                        break
            finally:
                self._runner.run(self._client.aclose())
        return exits.OK

    def _take(self, line: str) -> bool:
        """One thing the user entered; false to leave."""
        if not line.strip():
            return True
        if not line.startswith("/"):
            self._turn(line.strip())
            return True
        word, _, rest = line.partition(" ")
        if word not in self._COMMANDS:
            hint = near(word, self._COMMANDS) or "; /help lists the commands"
            self._console.complain(f"unknown command {word}{hint} (begin with a blank to send it as it is)")
            return True
        try:
            return self._COMMANDS[word][0](self, rest.strip())
        except KeyboardInterrupt:
            self._keyboard.warned = True
            return True
        except (BournError, OSError) as error:
            self._console.fail(error)
            return True

    def _turn(self, prompt: str) -> None:
        question = Message("user", prompt)
        try:
            stream = self._asking.stream(self._client, self._messages(question))
            turn = play(self._runner, stream, TextShow(self._console, plain=self._plain))
        except BournError as error:
            self._console.fail(error)
            return
        self._keyboard.warned = turn.stopped
        turn.report(self._asking.model, self._console)
        self._remember(question, turn)

    def _messages(self, question: Message) -> list[Message]:
        system = [Message("system", self._system)] if self._system else []
        return [*system, *self._history, question]

    def _remember(self, question: Message, turn: Turn) -> None:
        """Keep the turn if anything was said; a question without an answer is forgotten, since models want them in pairs."""
        answer = said(turn.response)
        if answer is not None:
            self._history += [question, answer]
        elif turn.status != exits.OK:
            self._console.note(
                "(nothing was answered, so the question is not part of the conversation; arrow up brings it back)"
            )

    # --- commands

    def _help(self, _rest: str) -> bool:
        """List the commands."""
        for word, (_, summary) in self._COMMANDS.items():
            self._console.complain(f"  {word:<10}{summary}")
        self._console.complain('  """       begin and end a text of several lines; a pasted one needs no marks')
        return True

    def _model(self, rest: str) -> bool:
        """Ask another model from now on, or say which one is asked."""
        if rest:
            asking = self._asking.of(rest)
            asking.check(self._console)
            self._asking = asking
            self._history = [as_text(message) for message in self._history]
        self._console.complain(f"talking with {self._asking.model}")
        return True

    def _change_system(self, rest: str) -> bool:
        """Set or remove the system prompt."""
        self._system = rest or None
        self._console.complain("the system prompt is set" if rest else "there is no system prompt")
        return True

    def _clear(self, _rest: str) -> bool:
        """Forget what was said."""
        self._history.clear()
        self._console.complain("the conversation begins anew")
        return True

    def _save(self, rest: str) -> bool:
        """Write the conversation to a file that is not there yet."""
        if not rest:
            self._console.complain("/save wants the name of a file")
            return True
        system = [Message("system", self._system)] if self._system else []
        messages = [{"role": message.role, "content": message.text} for message in [*system, *self._history]]
        with Path(rest).expanduser().open("xb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(messages)) + b"\n")
        self._console.complain(f"{len(messages)} messages are in {rest}")
        return True

    def _leave(self, _rest: str) -> bool:
        """End the conversation."""
        return False

    _COMMANDS: ClassVar[dict[str, tuple[Callable[[Any, str], bool], str]]] = {
        "/help": (_help, "show this"),
        "/model": (_model, "ask another model: /model PROVIDER/MODEL; alone, say which one is asked"),
        "/system": (_change_system, "set the system prompt: /system TEXT; alone, remove it"),
        "/clear": (_clear, "forget what was said; the system prompt stays"),
        "/save": (_save, "write the conversation to a new file, as JSON: /save FILE"),
        "/exit": (_leave, "leave, as Ctrl-D does"),
        "/quit": (_leave, "the same"),
    }
    """What the user can do, and its line in ``/help``."""


def said(response: Response) -> Message | None:
    """The answer as a turn that can be sent back, as far as it came; ``None`` if nothing was said.

    A cut thought is left out, since without its signature a provider refuses it; so are tool calls, which nobody here runs.
    """
    if not (response.text or response.refusal):
        return None
    parts = tuple(
        part
        for part in response.parts
        if (isinstance(part, Text) and part.text) or (isinstance(part, Reasoning) and part.complete)
    )
    return Message("assistant", parts if response.text else response.refusal or "")


def as_text(message: Message) -> Message:
    """The turn without what only the model that said it can use, such as signed thoughts."""
    return msgspec.structs.replace(message, content=message.text)
