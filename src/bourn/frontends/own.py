"""Our own protocol: each event as it is, under its own name.

``event: text_delta`` and ``data: {"event": "text_delta", "index": 0, "text": "…"}``; a failed answer ends with ``event: error``
and ``data: {"event": "error", "message": "…", "code": "…"}``. An ``EventSource`` listens to each name; a program reads
``event`` in the data. ``bourn.events`` says what there is.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from bourn.dialects import payload
from bourn.events import Event
from bourn.frontends.base import Failure
from bourn.wire import sse


class OwnEncoder:
    """Has no options."""

    says_restart: ClassVar[bool] = True

    def encode(self, event: Event) -> bytes:
        """The event as JSON, under its name."""
        return sse.encode(payload.dumps(event), str(event.__struct_config__.tag))

    def fail(self, failure: Failure) -> bytes:
        """An ``error`` event."""
        return sse.encode(payload.dumps({"event": "error", **msgspec.to_builtins(failure)}), "error")
