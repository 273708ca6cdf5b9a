"""A server command as a process of its own, as people run it: its addresses are read, a signal ends it, no time is guessed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from types import TracebackType


class Running:
    """`bourn WORDS...` under `with`: :attr:`said` has its lines, :attr:`addresses` the variables it shows.

    It is up when it has said :attr:`ready`.
    """

    def __init__(self, *words: str, **environ: str) -> None:
        self._command = [sys.executable, "-m", "bourn", *words]
        self._environ = {**os.environ, **environ}
        self.ready = "listening on"
        self.said: list[str] = []
        self.status: int | None = None

    def __enter__(self) -> Running:
        self._process = subprocess.Popen(  # noqa: S603 -- our own program
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self._environ
        )
        self.wait_for(self.ready)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()

    @property
    def addresses(self) -> dict[str, str]:
        """Variable to base URL."""
        return dict(re.findall(r"^([A-Z_]+)=(\S+)$", "".join(self.said), re.MULTILINE))

    @property
    def port(self) -> str:
        """Where it listens."""
        return self.addresses["OPENAI_BASE_URL"].partition("//")[2].partition("/")[0].rpartition(":")[2]

    def wait_for(self, words: str) -> str:
        """The next line that has these words; without one before its end, what it said instead."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line)
            if words in line:
                return line
        raise AssertionError("".join(self.said))

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it; its exit code."""
        if self.status is None:
            self._process.send_signal(how)
            self.said += self._process.communicate()[0].splitlines(keepends=True)
            self.status = self._process.returncode
        return self.status
