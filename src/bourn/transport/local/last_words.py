"""What a child process said before it ended, as the end of one sentence."""

from __future__ import annotations

import os
import re
import signal
from typing import IO

_LOGGED = re.compile(r"^[\d.]+ E +\S+ +(.+)$", re.MULTILINE)
"""An error in llama.cpp's log: time since the start, level, place, words."""

_TAIL = 16_384
_LONGEST = 300


def last_words(stderr: IO[bytes], status: int) -> str:
    """The cause that the child gave: the first error of llama.cpp's log, else its last line; without any, how it ended."""
    stderr.seek(max(0, stderr.seek(0, os.SEEK_END) - _TAIL))
    said = stderr.read().decode("utf-8", "replace")
    logged = _LOGGED.search(said)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    words = logged.group(1).strip() if logged else lines[-1] if lines else ""
    return words[:_LONGEST] or f"it said nothing and ended with {_status(status)}"


def _status(status: int) -> str:
    try:
        return f"status {status}" if status >= 0 else signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
