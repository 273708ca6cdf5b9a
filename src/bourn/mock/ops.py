"""The ops that a connection's script is made of: bytes to send, waits, and ways to end.

A script is any iterable of ops, or an asynchronous one; the server takes one op, does it to its end, then takes the next, so
a generator may be endless and its code between two ops runs exactly between them.

House rule: an op is data, does one thing, and says in its docstring what is certain once it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable

import msgspec


class Op(msgspec.Struct, frozen=True, gc=False):
    """Base of all ops."""


class Send(Op, frozen=True, gc=False):
    """Send bytes. Done when the kernel took them all; a peer that does not read makes the script wait here."""

    data: bytes


class Flush(Op, frozen=True, gc=False):
    """Wait until no byte is left on this side: on Linux none is unsent in the kernel, elsewhere none in this process.

    Over loopback what was sent is in the peer's receive queue, so a ``Reset`` after it takes nothing back.
    """


class Wait(Op, frozen=True, gc=False):
    """Do nothing for some seconds of the event loop's time."""

    seconds: float


class WaitFor(Op, frozen=True, gc=False):
    """Wait for the test to call ``server.signal(name)``; a signal given earlier is kept, and each lets one wait pass."""

    name: str


class Stall(Op, frozen=True, gc=False):
    """Do nothing until the peer leaves or the server ends. No timer runs."""


class Note(Op, frozen=True, gc=False):
    """Write a line into the journal, under the exchange at hand; ``journal.noted(text)`` waits for it."""

    text: str


class Reset(Op, frozen=True, gc=False):
    """Break the connection with a TCP RST now. What the kernel had not sent is lost: ``Flush`` first to keep it."""


class HalfClose(Op, frozen=True, gc=False):
    """Send what is pending and a FIN, and go on reading."""


class Close(Op, frozen=True, gc=False):
    """Send what is pending, close the connection, and end the script."""


class StopReading(Op, frozen=True, gc=False):
    """Read nothing more from the peer (and so do not see it leave) until ``StartReading``."""


class StartReading(Op, frozen=True, gc=False):
    """Read from the peer again."""


Script = Iterable[Op] | AsyncIterable[Op]
"""What a connection runs."""
