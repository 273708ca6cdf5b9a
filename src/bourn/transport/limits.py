"""The bounds of a stream: how long it may wait, how much it may hold.

House rule: every bound has a default that a person would choose, a unit in its name or its words, and an error of its own.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from bourn.errors import InputError


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds to wait for the provider; ``None`` waits for ever. Time that the consumer takes is never counted.

    ``connect``: until a connection stands (``ConnectTimeout``). ``first_event``: from there to the first content
    (``FirstEventTimeout``). ``idle``: between two signs of progress; a ping is none (``IdleTimeout``). ``idle_bytes``: between
    any two bytes, pings included (``IdleTimeout``). ``total``: all waiting together (``TotalTimeout``).
    """

    connect: float | None = 10.0
    first_event: float | None = 120.0
    idle: float | None = 60.0
    idle_bytes: float | None = None
    total: float | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            _positive("timeouts", name, getattr(self, name), optional=True)


class Limits(msgspec.Struct, frozen=True):
    """How much a stream may hold, and how long it lingers at its end.

    ``frame_bytes``: one frame; ``decoded_bytes``: a whole compressed body, decoded (both ``FrameTooLargeError``);
    ``error_bytes``: read of an error's body. ``settle_seconds``: after the end evidence, wait this long for usage that may
    still come; ``drain_seconds``: after the last mark, wait this long for the body's end, so that the connection can be reused.
    """

    frame_bytes: int = 16 * 1024 * 1024
    decoded_bytes: int = 1024 * 1024 * 1024
    error_bytes: int = 64 * 1024
    settle_seconds: float = 2.0
    drain_seconds: float = 0.1

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            _positive("limits", name, getattr(self, name))


def _positive(owner: str, name: str, value: Any, *, optional: bool = False) -> None:
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0 or math.isnan(value):
        raise InputError(f"{owner}.{name} must be a positive number{' or None' if optional else ''}, not {value!r}")
