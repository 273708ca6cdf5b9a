"""What a fault is, and where in an answer it may strike.

A fault is data; the function that carries it out is found by its type and turns a ``Reply`` into another one, lazily. Faults
compose: they are carried out in the order of their ``rank``, whatever the order they were given in.

House rule: a fault that could not strike says so; it never passes in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import msgspec

from bourn.errors import InputError
from bourn.mock.reply import Reply

Inside = Literal["character", "line", "frame", "chunk_header"]

CONTENT, FRAMES, CODING, PLACE, CUT, HEAD = range(6)
"""Ranks: what is said, how frames are written, content coding, faults at a place, how the bytes are cut up, the head."""


SSE: tuple[str, ...] = ("text/event-stream",)
TEXT: tuple[str, ...] = (*SSE, "application/x-ndjson", "application/stream+json")
STREAMS: tuple[str, ...] = (*TEXT, "application/vnd.amazon.eventstream")
"""Media types that a fault may need."""


class Scene(msgspec.Struct, frozen=True):
    """What a fault may know of the answer it breaks."""

    dialect: str
    media_type: str
    dice: Random
    origin: str = "http://127.0.0.1"


class Fault(msgspec.Struct, frozen=True, tag_field="name", forbid_unknown_fields=True):
    """Base of all faults. ``needs`` names the media types it works on; none means any."""

    rank: ClassVar[int] = CONTENT
    needs: ClassVar[tuple[str, ...]] = ()

    @property
    def label(self) -> str:
        """The fault's name with the fields that differ from their defaults."""
        told = msgspec.to_builtins(self)
        name = told.pop("name")
        plain = msgspec.to_builtins(type(self)())
        shown = ", ".join(f"{key}={value!r}" for key, value in told.items() if value != plain[key])
        return f"{name}({shown})" if shown else str(name)


class PlacedFault(Fault, frozen=True):
    """A fault that strikes at one place of the body.

    Before frame ``event`` (from 0); or after ``byte`` bytes of the body; or ``inside`` the first multi-byte character, the
    longest line, the frame (just before its end), or the chunk header of frame ``event``.
    """

    rank: ClassVar[int] = PLACE
    promises: ClassVar[bool] = True
    """Whether the framing still announces the bytes that do not come."""

    event: Annotated[int, msgspec.Meta(ge=0)] = 2
    byte: Annotated[int, msgspec.Meta(ge=0)] | None = None
    inside: Inside | None = None

    def __post_init__(self) -> None:
        if self.byte is not None and self.inside is not None:
            raise InputError("a fault strikes after a byte or inside something: give byte or inside, not both")


_PING_EVENTS = {"anthropic": b'event: ping\ndata: {"type": "ping"}\n\n'}


def ping_bytes(kind: str, scene: Scene) -> bytes:
    """A ping: a comment, or the dialect's own event, which is an event without data where the dialect has none."""
    return b": ping\n\n" if kind == "comment" else _PING_EVENTS.get(scene.dialect, b"event: ping\n\n")


F = TypeVar("F", bound=Fault)
Act = Callable[[Any, Reply, Scene], Reply]

ACTS: dict[type[Fault], Act] = {}
"""Fault to the function that carries it out."""


def act(kind: type[F]) -> Callable[[Callable[[F, Reply, Scene], Reply]], Callable[[F, Reply, Scene], Reply]]:
    """Register the function that carries out a fault."""

    def register(function: Callable[[F, Reply, Scene], Reply]) -> Callable[[F, Reply, Scene], Reply]:
        ACTS[kind] = function
        return function

    return register
