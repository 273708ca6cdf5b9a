"""``Subject``: somebody's stream, how to make one, and what is declared about it.

House rule: what is not declared is never guessed: the rules that need it are skipped, with the sentence in ``DECLARE``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from bourn import dialects
from bourn.errors import InputError


class Call(msgspec.Struct, frozen=True):
    """A tool call as a stream reports it: its argument text, and whether the stream says that it is complete."""

    name: str
    arguments: str
    complete: bool


class Partial(msgspec.Struct, frozen=True):
    """What a stream can tell of its answer so far. ``complete`` says whether it claims to be whole; tokens as told."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    complete: bool | None = None
    finish_reason: str | None = None


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A stream to be judged. At least one of ``factory`` and ``connect`` is needed; the more is declared, the more is judged.

    How to make one:

    - ``factory()`` gives a stream. ``failing()`` gives one that raises after some items.
    - ``connect(base_url)`` gives a stream that asks the kit's server, in ``dialect``. Where ``client(base_url)`` is declared,
      ``connect(client)`` is called with what it gave, so that several streams share it.

    A stream is an asynchronous iterator, iterable or generator, a context manager that gives one, or an awaitable of any of
    these. A client with ``aclose`` or ``close``, or a context manager, is closed by the kit.

    How to read it:

    - ``text(event)`` is the answer text in an event (``None`` or ``""`` where there is none); ``view(event)`` what of an event
      is compared when two runs must be equal (by default the whole event).
    - ``terminal(event)`` says whether an event is the last one: the finish.
    - ``partial(stream)`` gives a ``Partial``: the answer so far, as the stream itself tells it.
    - ``close(stream)`` closes it, for a stream without ``aclose``.

    What it promises:

    - ``errors``: its own exception types; ``closed_errors``: those with which it says that it was closed.
    - ``reiterable``: each ``async for`` begins anew. ``cancel_safe``: a cancelled read loses nothing.
    - ``max_event_bytes``: the largest event it takes. ``max_held_bytes``: what an unread stream takes from the network.
    - ``pool_size``: connections of one client. ``keeps_alive``: connections are used again.
    - ``idle``, ``byte_idle``, ``total``: seconds without progress, without any byte, and in all, after which a stream of this
      subject gives up. ``retries``: how often it sends a request again.
    - ``invalid_utf8``: ``"replace"`` or ``"error"``.
    - ``virtual_time``: false where the stream's waits do not go through the event loop's clock.
    """

    name: str
    factory: Callable[[], Any] | None = None
    failing: Callable[[], Any] | None = None
    connect: Callable[[Any], Any] | None = None
    client: Callable[[str], Any] | None = None
    dialect: str = "openai-chat"

    text: Callable[[Any], str | None] | None = None
    view: Callable[[Any], Any] | None = None
    terminal: Callable[[Any], bool] | None = None
    partial: Callable[[Any], Partial] | None = None
    close: Callable[[Any], Awaitable[Any]] | None = None

    errors: tuple[type[BaseException], ...] = ()
    closed_errors: tuple[type[BaseException], ...] = ()
    reiterable: bool = False
    cancel_safe: bool = False
    max_event_bytes: int | None = None
    max_held_bytes: int | None = None
    pool_size: int | None = None
    keeps_alive: bool = False
    idle: float | None = None
    byte_idle: float | None = None
    total: float | None = None
    retries: int | None = None
    invalid_utf8: str | None = None
    virtual_time: bool = True

    def __post_init__(self) -> None:
        if self.factory is None and self.connect is None:
            raise InputError(f"the subject {self.name!r} cannot be made: give factory=, connect=, or both")
        if self.client is not None and self.connect is None:
            raise InputError(f"the subject {self.name!r} has client= but no connect=: say how a client makes a stream")
        dialects.get(self.dialect)
        for name, (fits, wanted) in _WANTED.items():
            value = getattr(self, name)
            if value is not None and not fits(value):
                raise InputError(f"the subject {self.name!r} has {name}={value!r}: {wanted} is needed")

    def lacks(self, capability: str) -> bool:
        """Whether a capability was not declared."""
        value = getattr(self, capability)
        return value is None or value is False or value == ()


Wanted = tuple[Callable[[Any], bool], str]

_CALL: Wanted = (callable, "something that can be called")
_NUMBER: Wanted = (lambda value: isinstance(value, int | float) and value > 0, "a number above 0")
_KINDS: Wanted = (
    lambda value: isinstance(value, tuple) and all(isinstance(one, type) and issubclass(one, BaseException) for one in value),
    "a tuple of exception types",
)

_WANTED: dict[str, Wanted] = {
    **dict.fromkeys(("factory", "failing", "connect", "client", "text", "view", "terminal", "partial", "close"), _CALL),
    **dict.fromkeys(("errors", "closed_errors"), _KINDS),
    **dict.fromkeys(("max_event_bytes", "max_held_bytes", "pool_size", "idle", "byte_idle", "total"), _NUMBER),
    "retries": (lambda value: isinstance(value, int) and value >= 0, "a whole number"),
    "invalid_utf8": (lambda value: value in ("replace", "error"), '"replace" or "error"'),
}
"""Field to what it may be, where it is given."""

DECLARE: dict[str, str] = {
    "connect": "it was given no connect=, so it cannot be pointed at the kit's server",
    "client": "it declares no client=, so no two of its streams share anything",
    "text": "it declares no text=, so what its events say cannot be read",
    "terminal": "it declares no terminal=, so its last event cannot be told from the others",
    "partial": "it declares no partial=, so its answer so far cannot be read",
    "errors": "it declares no errors=, so its own exceptions cannot be told from others'",
    "cancel_safe": "it does not declare cancel_safe, so a cancelled read may lose an item",
    "max_event_bytes": "it declares no max_event_bytes",
    "max_held_bytes": "it declares no max_held_bytes",
    "pool_size": "it declares no pool_size",
    "keeps_alive": "it does not declare keeps_alive",
    "idle": "it declares no idle= limit",
    "byte_idle": "it declares no byte_idle= limit",
    "total": "it declares no total= limit",
    "retries": "it declares no retries=",
    "invalid_utf8": "it does not declare invalid_utf8=, what it does with bytes that are no UTF-8",
}
"""Capability to the reason for which rules that need it are skipped."""
