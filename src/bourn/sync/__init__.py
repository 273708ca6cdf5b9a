"""The synchronous face: plain iterators and context managers, for scripts and notebooks, with the promises of ``bourn.Stream``.

    with bourn.sync.stream("anthropic/claude-sonnet-5-5", "Why is the sky blue?") as stream:
        for piece in stream.text():
            print(piece, end="", flush=True)

House rule: what is promised is kept by the asynchronous stream, in a thread with a loop; here it is only waited for.
"""

from __future__ import annotations

from bourn.sync.client import Client, stream
from bourn.sync.stream import Stream, TextStream

__all__ = ["Client", "Stream", "TextStream", "stream"]
