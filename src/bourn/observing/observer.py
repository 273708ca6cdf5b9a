"""What is told of a call, to whom, and when.

House rule: each call is told of once as opened, and once as finished or failed; between them, of whatever happened.
"""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Sequence

from bourn.errors import BournError
from bourn.events import Event, Finish, Start
from bourn.messages import Request


class Call:
    """One call, as observers see it; the same object from its opening to its end, so that it can be a key.

    ``provider`` and ``model`` are whom the caller asked, ``address`` is the host (and port) that is asked, ``request`` what is
    sent. ``start`` is the answer's ``Start`` once it came, ``request_id`` the provider's name for the call. Times are in
    seconds from the opening: ``seconds`` until now, or until the end; ``first_event_seconds`` until the first content.
    """

    def __init__(self, provider: str, model: str, address: str | None, request: Request) -> None:
        self.provider = provider
        self.model = model
        self.address = address
        self.request = request
        self.start: Start | None = None
        self.request_id: str | None = None
        self.first_event_seconds: float | None = None
        self._began = _now()
        self._ended: float | None = None

    @property
    def seconds(self) -> float:
        """Since the opening, until now or the end."""
        return (_now() if self._ended is None else self._ended) - self._began

    def end(self) -> None:
        """The call is over: its time stands still."""
        self._ended = _now()

    def __repr__(self) -> str:
        return f"<Call {self.provider}/{self.model}>"


class Observer:
    """Told of calls as they happen. Override what you want to know; each method returns at once and raises nothing.

    ``Client(observers=[...])`` takes any number. The methods are called in the event loop, in the order of what happened.
    """

    def opened(self, call: Call) -> None:
        """The request is about to be sent."""

    def first_event(self, call: Call, event: Event) -> None:
        """The first content came."""

    def retried(self, call: Call, error: BournError, wait: float) -> None:
        """An attempt failed with ``error``; the next one is made in ``wait`` seconds."""

    def finished(self, call: Call, finish: Finish) -> None:
        """The answer is whole."""

    def failed(self, call: Call, error: BournError) -> None:
        """The call ended without a whole answer; ``ClosedError`` where it was left early."""


class Observation:
    """One call and its observers: tells all of them, whatever one of them raises."""

    def __init__(self, call: Call, observers: Sequence[Observer]) -> None:
        self.call = call
        self._observers = observers

    def opened(self) -> None:
        """See ``Observer``."""
        self._tell("opened")

    def first_event(self, event: Event) -> None:
        """See ``Observer``."""
        self.call.first_event_seconds = self.call.seconds
        self._tell("first_event", event)

    def retried(self, error: BournError, wait: float) -> None:
        """See ``Observer``."""
        self._tell("retried", error, wait)

    def finished(self, finish: Finish) -> None:
        """See ``Observer``."""
        self.call.end()
        self._tell("finished", finish)

    def failed(self, error: BournError) -> None:
        """See ``Observer``."""
        self.call.end()
        self._tell("failed", error)

    def _tell(self, what: str, *words: object) -> None:
        for observer in self._observers:
            try:
                getattr(observer, what)(self.call, *words)
            except Exception as error:  # noqa: BLE001 - an observer changes no call
                _report(observer, what, error)


def _report(observer: Observer, what: str, error: Exception) -> None:
    """To the event loop's exception handler; where none runs, as a warning."""
    message = f"the observer {type(observer).__name__}.{what} raised"
    loop = asyncio._get_running_loop()  # noqa: SLF001 - the public one raises where none runs
    if loop is not None:
        loop.call_exception_handler({"message": message, "exception": error})
    else:
        warnings.warn(f"{message} {error!r}", RuntimeWarning, stacklevel=2)


def _now() -> float:
    """The event loop's time, which may be virtual; the system's where none runs."""
    loop = asyncio._get_running_loop()  # noqa: SLF001 - as above
    return time.monotonic() if loop is None else loop.time()
