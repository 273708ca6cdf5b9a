"""A provider's own wire format towards the front end: whatever model answers, its clients read it.

House rule: the bytes are the dialect's server half; nothing of a format is known here.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from bourn.dialects.base import Dialect, WireError
from bourn.events import Event, Finish
from bourn.frontends.base import Failure
from bourn.messages import Options, Request


class DialectEncoder:
    """Options: ``include_usage``, whether OpenAI chat's last chunk tells the usage (other dialects always do)."""

    says_restart: ClassVar[bool] = False

    def __init__(self, dialect: Dialect, *, include_usage: bool = False) -> None:
        extra = {"stream_options": {"include_usage": True}} if include_usage else {}
        self._encoder = dialect.encoder(Request("unknown", (), Options(extra=extra)))

    def encode(self, event: Event) -> bytes:
        """As the provider would write it; what its format cannot say becomes no bytes.

        The finish reason is the dialect's own word for ours: ``raw_reason`` may be another provider's.
        """
        if type(event) is Finish:
            event = msgspec.structs.replace(event, raw_reason=None)
        return self._encoder.encode(event)

    def fail(self, failure: Failure) -> bytes:
        """The dialect's error event, after which its own clients raise."""
        return self._encoder.error(WireError(failure.message, type=failure.code, code=failure.code))
