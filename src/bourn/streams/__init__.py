"""The one asynchronous iterator, ``Stream``, and the views of it: ``TextStream`` gives text, ``ObjectStream`` objects."""

from __future__ import annotations

from bourn.streams.stream import Stream
from bourn.streams.text import TextStream

__all__ = ["Stream", "TextStream"]
