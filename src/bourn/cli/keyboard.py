"""What the user types: line editing, recall of earlier lines, several lines at once.

House rule: the recalled lines live in memory only.
"""

from __future__ import annotations

import contextlib

from bourn.cli.terminal import Console

PROMPT = "> "
MORE = ". "
QUOTES = '"""'
"""Begins and ends a text of several lines."""


class Keyboard:
    """Reads what the user enters with :meth:`read`. ``warned`` says that a Ctrl-C came just now: the next one goes through."""

    def __init__(self, console: Console) -> None:
        self.warned = False
        self._console = console
        _edit_lines()

    def read(self) -> str | None:
        """The next thing entered, perhaps of several lines; ``None`` at Ctrl-D.

        A Ctrl-C drops what was typed; the next one, with nothing entered between, raises ``KeyboardInterrupt``.
        """
        while True:
            try:
                line = self._line(PROMPT)
                whole = self._lines(line) if line is not None and line.startswith(QUOTES) else line
            except KeyboardInterrupt:
                self._console.out("\n")
                if self.warned:
                    raise
                self.warned = True
                self._console.complain("(Ctrl-C again or Ctrl-D ends)")
            except UnicodeDecodeError:
                self._console.complain("that is not UTF-8 text")
            else:
                self.warned = False
                return whole

    def _lines(self, first: str) -> str | None:
        """A text in triple quotes."""
        lines, line = [], first.removeprefix(QUOTES)
        while not line.rstrip().endswith(QUOTES):
            lines.append(line)
            following = self._line(MORE)
            if following is None:
                return None
            line = following
        return "\n".join([*lines, line.rstrip().removesuffix(QUOTES)]).strip("\n")

    def _line(self, prompt: str) -> str | None:
        try:
            return input(prompt)
        except EOFError:
            self._console.out("\n")
            return None


def _edit_lines() -> None:
    """Editing and recall of lines, where Python has them."""
    with contextlib.suppress(ImportError):
        import readline

        readline.parse_and_bind("set enable-bracketed-paste on")  # a pasted text of several lines stays one entry
