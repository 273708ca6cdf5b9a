"""The one asynchronous iterator, and the views of it: ``Stream`` gives events, ``TextStream`` text."""

from __future__ import annotations

from bourn.streams.stream import Stream
from bourn.streams.text import TextStream

__all__ = ["Stream", "TextStream"]
