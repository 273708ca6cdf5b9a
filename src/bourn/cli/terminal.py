"""What a terminal can show, and how text from outside is made harmless on it.

House rule: on a terminal no control character but line feed and tab is ever written that this package did not make itself; a
model's text, or a server's error message, could otherwise move the cursor, set the title or answer for the user. In a pipe the
text stays what it was.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from typing import TextIO

from bourn.cli import exits

CONTROLS: dict[int, int | None] = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"},
    0x0D: None,
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
}
"""Control characters to what stands for them: C0 to its Unicode picture, C1 to U+FFFD; carriage returns are dropped."""

WIDEST = 100
"""Columns; longer lines are hard to read."""
NARROWEST = 20
"""Columns; a terminal that claims less is not believed."""


def harmless(text: str) -> str:
    """``text`` with its control characters replaced, safe to write to a terminal; the same wherever the text is cut."""
    return text.translate(CONTROLS)


def styles(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether ``stream`` shows bold, dim and colour: a terminal that is not dumb, and nobody set ``NO_COLOR``."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def columns() -> int:
    """How wide a line of prose may be."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


class Console:
    """The three standard streams of a command: answers go out with :meth:`out`, remarks with :meth:`note`.

    ``quiet`` silences remarks, never errors. Make one for each command; it looks up the streams when it is made.
    """

    def __init__(self, environ: Mapping[str, str], *, quiet: bool = False) -> None:
        self.environ = environ
        self.quiet = quiet
        self.stdin, self.stdout, self.stderr = sys.stdin, sys.stdout, sys.stderr
        for stream in (self.stdout, self.stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="replace")  # a terminal that cannot show a character gets "?", not a traceback
        self.out_is_terminal = self.stdout.isatty()
        self.err_is_terminal = self.stderr.isatty()
        self.out_styles = styles(self.stdout, environ)
        self.err_styles = styles(self.stderr, environ)

    def out(self, text: str) -> None:
        """Write a piece of the answer, at once."""
        if text:
            self.stdout.write(text)
            self.stdout.flush()

    def aside(self, text: str) -> None:
        """Write a piece of text beside the answer (thinking, a tool call) to standard error, dim where that can be shown."""
        if text:
            safe = harmless(text) if self.err_is_terminal else text
            self.stderr.write(f"\x1b[2m{safe}\x1b[0m" if self.err_styles else safe)
            self.stderr.flush()

    def fresh_line(self) -> None:
        """Go back to the beginning of the line, over the ``^C`` that a terminal shows for Ctrl-C."""
        if self.err_is_terminal:
            self.stderr.write("\r")

    def note(self, line: str) -> None:
        """A remark of one line on standard error; nothing when quiet."""
        if not self.quiet:
            self.aside(f"{line}\n")

    def complain(self, line: str) -> None:
        """Say what went wrong: one line on standard error, also when quiet."""
        self.stderr.write(f"{harmless(line) if self.err_is_terminal else line}\n")
        self.stderr.flush()

    def fail(self, error: BaseException, hint: str = "") -> None:
        """Say what went wrong and what to do; with ``BOURN_DEBUG`` set, after the traceback."""
        if self.environ.get("BOURN_DEBUG"):
            import traceback

            self.complain("".join(traceback.format_exception(error)))
        self.complain(f"bourn: {exits.sentence(error)}{hint}")
