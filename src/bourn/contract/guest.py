"""``Guest``: a subject's stream as a check sees it. Every call is bounded, and every outcome is data.

House rule: an exception of the subject never leaves a guest; it is an ``Outcome``. Only a wait that took too long, which is a
broken rule whatever the rule is, and a cancellation from outside pass through.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import msgspec

from bourn.contract.subject import Partial, Subject
from bourn.contract.trace import Trace
from bourn.contract.verdict import Failed, require


class Outcome(msgspec.Struct, frozen=True):
    """What a call did: gave an ``item`` (or a value), signalled the end, or raised ``error``."""

    item: Any = None
    error: BaseException | None = None

    @property
    def ended(self) -> bool:
        """Whether it was ``StopAsyncIteration``."""
        return isinstance(self.error, StopAsyncIteration)

    @property
    def failed(self) -> bool:
        """Whether it raised anything else."""
        return self.error is not None and not self.ended

    def __str__(self) -> str:
        if self.error is None:
            return _short(said(repr, self.item))
        return "StopAsyncIteration" if self.ended else _short(f"{type(self.error).__name__}: {said(str, self.error)}")


class Reading(msgspec.Struct, frozen=True):
    """What came until an end, an error, or as many items as were asked for (then ``end`` is ``None``)."""

    items: list[Any]
    end: Outcome | None

    @property
    def clean(self) -> bool:
        """Whether it ended with ``StopAsyncIteration``."""
        return self.end is not None and self.end.ended

    @property
    def error(self) -> BaseException | None:
        """What it raised instead of ending."""
        return self.end.error if self.end is not None and self.end.failed else None


def said(how: Callable[[Any], str], value: Any) -> str:
    """What ``str`` or ``repr`` says of a stranger's object, which may raise instead."""
    try:
        return how(value)
    except Exception as error:  # noqa: BLE001 -- whatever a stranger raises
        return f"<{type(value).__name__}, whose {how.__name__}() raised {type(error).__name__}>"


async def attempt(call: Callable[[], Any], within: float, what: str) -> Outcome:
    """Call something, await what it gives if that can be awaited, and say what came out.

    Raises ``Failed`` when it took longer than ``within`` seconds; ``what`` completes "... was not over within 5 s".
    """
    outcome = Outcome()
    limit = asyncio.timeout(within)
    try:
        async with limit:
            value = call()
            outcome = Outcome(await value if inspect.isawaitable(value) else value)
    except asyncio.CancelledError as error:
        if not limit.expired() and _cancelled_from_outside():
            raise
        outcome = Outcome(error=error)
    except BaseException as error:  # noqa: BLE001 -- whatever a stranger raises is what is judged
        outcome = Outcome(error=error)
    if limit.expired():
        raise Failed(f"{what} was not over within {within:g} s")
    return outcome


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Guest:
    """One stream. ``stream`` is what the factory gave, awaited and entered; ``iterator`` is what ``async for`` would use.

    It is made on the first call that needs it; an error in making it is the outcome of the first read, and of every later one.
    """

    def __init__(self, subject: Subject, make: Callable[[], Any], trace: Trace, patience: float) -> None:
        self.subject = subject
        self.patience = patience
        self.stream: Any = None
        self.iterator: Any = None
        self.broken: Outcome | None = None
        self.made = False  # whether the factory gave anything
        self._make = make
        self._trace = trace
        self._manager: Any = None
        self._begun = False
        self._count = 0

    async def begin(self) -> Outcome:
        """Make the stream; the outcome's item is the stream."""
        if not self._begun:
            self._begun = True
            outcome = await attempt(self._made, self.patience, "making the stream")
            if outcome.error is not None:
                self.broken = outcome
                self._trace.add("reader", f"could not make the stream: {outcome}")
        return self.broken or Outcome(self.stream)

    async def _made(self) -> None:
        made = await self.raw()
        if hasattr(made, "__aenter__") and not hasattr(made, "__aiter__"):
            self.stream = None  # what cannot be entered gives none, and need not be left
            manager, made = made, await made.__aenter__()
            self._manager = manager
        self.stream = made
        self.iterator = aiter(made)

    async def next(self, within: float | None = None) -> Outcome:
        """The outcome of one ``__anext__``. Raises ``Failed`` when it takes longer than ``within`` seconds."""
        broken = (await self.begin()).error
        if broken is not None:
            return Outcome(error=broken)
        what = f"waiting for item {self._count + 1}"
        outcome = await attempt(self.iterator.__anext__, self.patience if within is None else within, what)
        self._count += outcome.error is None
        self._trace.add("reader", "got", str(outcome))
        return outcome

    async def pull(self) -> Outcome:
        """One read, unbounded, for a check that cancels it: an end or an error is an outcome, a cancellation is raised."""
        broken = (await self.begin()).error
        if broken is not None:
            raise Failed(f"the stream could not be made: {Outcome(error=broken)}")
        try:
            return Outcome(await self.iterator.__anext__())
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 -- whatever a stranger raises is what is judged
            return Outcome(error=error)

    async def raw(self) -> Any:
        """What the factory gives, awaited if it must be, and not entered. The guest closes it as its own later."""
        made = self._make()
        self.made = True
        if inspect.isawaitable(made) and not hasattr(made, "__aiter__"):
            made = await made
        self._begun = True
        self.stream = made
        return made

    async def read(self, most: int | None = None, within: float | None = None) -> Reading:
        """Read ``most`` items, or to the end or the first error."""
        items: list[Any] = []
        while most is None or len(items) < most:
            outcome = await self.next(within)
            if outcome.error is not None:
                return Reading(items, outcome)
            items.append(outcome.item)
        return Reading(items, None)

    async def close(self, within: float | None = None) -> Outcome:
        """Close the stream in the best way it has. Raises ``Failed`` when that takes longer than ``within`` seconds."""
        if self.stream is None:
            return Outcome()
        outcome = await attempt(self.closing, self.patience if within is None else within, "closing the stream")
        self._trace.add("reader", f"closed the stream: {outcome if outcome.error else 'done'}")
        return outcome

    async def closing(self) -> None:
        """Close the stream, unbounded: by the declared ``close``, its ``aclose`` or ``close``, and the manager it came from."""
        stream, manager = self.stream, self._manager
        try:
            close = closer(stream, self.subject.close)
            value = close() if close is not None else None
            if inspect.isawaitable(value):
                await value
        finally:
            if manager is not None and manager is not stream:
                self._manager = None
                await manager.__aexit__(None, None, None)

    def forget(self) -> None:
        """Drop every reference to the stream."""
        self.stream = self.iterator = self._manager = self.broken = None
        self._make = _forgotten

    async def told(self, when: str) -> Partial | None:
        """What the stream tells of its answer so far; ``None`` where that is not declared, or there is no stream.

        Raises ``Failed`` where it cannot be read: "{when} its answer so far could not be read".
        """
        reader, stream = self.subject.partial, self.stream
        if reader is None or stream is None:
            return None
        outcome = await attempt(lambda: reader(stream), self.patience, "reading the partial answer")
        require(outcome.error is None, f"{when} its answer so far could not be read: {outcome.error}")
        found: Partial = outcome.item
        return found

    def text(self, items: list[Any]) -> str:
        """The answer text in items; needs ``subject.text``."""
        assert self.subject.text is not None
        return "".join(self.subject.text(item) or "" for item in items)


def closer(stream: Any, declared: Callable[[Any], Any] | None) -> Callable[[], Any] | None:
    """What closes a stream, if anything does."""
    if declared is not None:
        return lambda: declared(stream)
    for name in ("aclose", "close"):
        method = getattr(stream, name, None)
        if callable(method):
            return method  # type: ignore[no-any-return]  # a stranger's method
    leave = getattr(stream, "__aexit__", None)
    return None if leave is None else lambda: leave(None, None, None)


def _forgotten() -> Any:
    raise RuntimeError("this guest was forgotten")


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."
