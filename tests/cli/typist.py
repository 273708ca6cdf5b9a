"""Somebody at a terminal: runs `bourn` on a pseudo-terminal, types, and waits for what appears."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self

PROGRAM = (
    "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "from bourn.cli.main import main; sys.exit(main(sys.argv[1:]))"
)
"""Makes the terminal its own, so that Ctrl-C is a signal, and runs `bourn`."""

PATIENCE = 30.0
"""Seconds until a test gives up waiting; nothing waits that long when all is well."""

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]")
CTRL_D = "\x04"


class Typist:
    """`bourn` with these words on a terminal of 80 columns. Use under `with`; the process is gone afterwards."""

    def __init__(self, *words: str) -> None:
        self._fd, terminal = os.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environ = {**os.environ, "INPUTRC": os.devnull}
        self._process = subprocess.Popen(  # noqa: S603  # our program
            [sys.executable, "-c", PROGRAM, *words],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            env=environ,
        )
        os.close(terminal)
        self._seen = ""
        self._read_to = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._fd)

    @property
    def screen(self) -> str:
        """Everything that appeared so far, without styles and with plain line feeds."""
        return ESCAPES.sub("", self._seen).replace("\r", "")

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._fd, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, once the program waits for something.

        Python's readline would keep a signal that comes between its last output and its next wait until the line is ended.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not self._waits():
            os.sched_yield()
        self.type("\x03")

    def enter(self, line: str) -> None:
        """Wait for the prompt, type a line, and press return."""
        self.expect("> ")
        self.type(line + "\r")
        self.expect(line.splitlines()[-1] if line else "")

    def expect(self, text: str) -> str:
        """Wait until `text` appears after what was waited for last; gives what came up to it."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.screen.find(text, self._read_to)) < 0:
            if not self._more(deadline):
                raise AssertionError(f"{text!r} did not appear; the screen has:\n{self.screen}")
        came = self.screen[self._read_to : at]
        self._read_to = at + len(text)
        return came

    def leave(self) -> int:
        """Wait for the end of the program; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._more(deadline):
            pass
        return self._process.wait(PATIENCE)

    def _waits(self) -> bool:
        """Whether the program's main thread sleeps, where the system tells (proc(5), stat, field 3)."""
        stat = Path(f"/proc/{self._process.pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "S"

    def _more(self, deadline: float) -> bool:
        """Read what appears next; false when nothing will."""
        ready, _, _ = select.select([self._fd], [], [], max(0.0, deadline - time.monotonic()))
        try:
            data = os.read(self._fd, 65536) if ready else b""
        except OSError:  # Linux: the other end is closed
            data = b""
        self._seen += data.decode("utf-8", "replace")
        return bool(data)
