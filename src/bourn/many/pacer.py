"""``Pacer``: lets requests pass one after the other, as fast as a ``Pace`` and the provider's own limits allow.

A request takes a ``Ticket`` before it is sent and gives it back when its answer is over. What the head of an answer tells of
the provider's limits is believed, less what was sent since and is not counted in it yet. The first request to a model goes
alone, until it is known what its provider tells.

House rule: one timer, while somebody waits; a waiter that is cancelled has taken nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque

from bourn.errors import BournError, ClosedError, OverloadedError, RateLimitError
from bourn.events import Usage
from bourn.many.pace import Cost, Pace
from bourn.transport.quota import Allowance, Quota, Unit

_USUAL_OUTPUT = 256.0
"""Tokens of an answer, as long as none was seen."""
_BACKOFF = (1.0, 60.0)
"""Seconds without requests after a refusal that tells no wait: the first, doubled with each in a row, and the most."""
_MINUTE = 60.0
_HARDLY = 1e-6
"""What rounding leaves of an amount or a wait."""


class _Tank:
    """What is left of one allowance, as far as it was told: it fills at ``rate`` a second, or whole at ``full_at``."""

    def __init__(self) -> None:
        self.limit = float("inf")
        self.level = float("inf")
        self.rate = 0.0
        self.full_at: float | None = None
        self.at = 0.0

    def told(self, allowance: Allowance, sent: float, now: float) -> None:
        """The provider says so, not counting ``sent``, which is under way."""
        remaining = allowance.remaining
        if remaining is None:
            return
        self.limit = allowance.limit or max(self.limit if self.limit < float("inf") else 0.0, remaining, 1.0)
        self.level, self.at = remaining - sent, now
        window = allowance.window or _MINUTE
        if not allowance.refills:
            self.full_at, self.rate = now + (allowance.reset if allowance.reset is not None else window), 0.0
        elif allowance.window is not None or not allowance.reset or remaining >= self.limit:
            self.rate = self.rate or self.limit / window
        else:
            self.rate = (self.limit - remaining) / allowance.reset

    def wait(self, amount: float, now: float) -> float:
        """Seconds until there is so much, or as much as there ever is."""
        self._fill(now)
        missing = min(amount, self.limit) - self.level
        if missing <= _HARDLY:
            return 0.0
        return self.full_at - now if self.full_at is not None else missing / self.rate

    def take(self, amount: float, now: float) -> None:
        """So much is used up."""
        self._fill(now)
        self.level -= amount

    def _fill(self, now: float) -> None:
        if self.full_at is not None and now >= self.full_at:
            self.level, self.full_at = self.limit, None
            self.rate, self.at = self.limit / _MINUTE, now  # until the provider says more
        self.level = min(self.limit, self.level + self.rate * (now - self.at))
        self.at = now


class _Model:
    """What one model's provider told, and who waits for it."""

    def __init__(self) -> None:
        self.tanks: dict[tuple[Unit, float | None], _Tank] = {}
        self.known = False  # the first answer's head came, or it failed
        self.probing = False
        self.open: dict[Ticket, None] = {}  # sent, and nothing was told since, in order
        self.newest = 0
        self.waiters: deque[Ticket] = deque()


class Ticket:
    """The leave to send one request; what happened to it is told here."""

    def __init__(self, pacer: Pacer, model: _Model, cost: Cost) -> None:
        self._pacer = pacer
        self.model = model
        self.cost = cost
        self.number = 0
        self.held = False
        self.passed: asyncio.Future[None] = pacer.loop.create_future()

    async def turn(self) -> None:
        """Wait until the request may be sent. Raises ``ClosedError`` when the ticket is given back meanwhile."""
        try:
            await self.passed
        except asyncio.CancelledError:
            self.leave()
            raise

    def told(self, quota: Quota) -> None:
        """The head of the answer came."""
        self._pacer.told(self, quota)

    def refused(self, error: BournError) -> None:
        """The request failed."""
        self._pacer.refused(self, error)

    def leave(self, usage: Usage | None = None) -> None:
        """The answer is over, or was left, from whichever thread; the second time is nothing."""
        loop = self._pacer.loop
        if loop.is_running() and asyncio._get_running_loop() is not loop:  # noqa: SLF001 - the public one raises where none runs
            loop.call_soon_threadsafe(self._pacer.leave, self, usage)
        else:
            self._pacer.leave(self, usage)


class Pacer:
    """Of one provider and key, in one event loop."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.loop = asyncio.get_running_loop()
        self._models: dict[str, _Model] = {}
        self._under_way = 0
        self._sent = 0
        self._bounds: dict[Unit, float | None] = {"requests": pace.requests_per_minute, "tokens": pace.tokens_per_minute}
        self._free_at: dict[Unit, float] = dict.fromkeys(self._bounds, 0.0)
        self._closed_until = 0.0
        self._refusals = 0
        self._timer: asyncio.TimerHandle | None = None
        self.usual_output = _USUAL_OUTPUT

    def queue(self, model: str, cost: Cost) -> Ticket:
        """A ticket for a request; wait for its turn before it is sent."""
        ticket = Ticket(self, self._models.setdefault(model, _Model()), cost)
        ticket.model.waiters.append(ticket)
        self._pump()
        return ticket

    def told(self, ticket: Ticket, quota: Quota) -> None:
        """See ``Ticket``."""
        model, now = ticket.model, self.loop.time()
        model.open.pop(ticket, None)
        model.known = True
        self._refusals = 0
        newest = ticket.number > model.newest
        model.newest = max(model.newest, ticket.number)
        for allowance in quota.allowances:
            tank = model.tanks.setdefault((allowance.unit, allowance.window), _Tank())
            sent = sum(each.cost.of(allowance.unit) for each in model.open)
            before = tank.level
            tank.told(allowance, sent, now)
            if not newest:  # an older answer than the last one counts fewer requests
                tank.level = min(tank.level, before)
        self._pump()

    def refused(self, ticket: Ticket, error: BournError) -> None:
        """See ``Ticket``."""
        model = ticket.model
        model.open.pop(ticket, None)
        model.known = True
        wait = error.retry_after
        if isinstance(error, RateLimitError) or (isinstance(error, OverloadedError) and wait is not None):
            first, most = _BACKOFF
            wait = min(most, first * 2**self._refusals) if wait is None else wait
            self._refusals = min(self._refusals + 1, 10)
            self._closed_until = max(self._closed_until, self.loop.time() + wait)
        self._pump()

    def leave(self, ticket: Ticket, usage: Usage | None) -> None:
        """See ``Ticket``."""
        if not ticket.passed.done():
            ticket.passed.set_exception(ClosedError("closed while the request waited for its turn"))
            ticket.passed.exception()  # there may be nobody to be told
        if ticket.held:
            ticket.held = False
            self._under_way -= 1
            if ticket.model.open.pop(ticket, self) is None:  # its head never came
                ticket.model.probing = False
            self._settle(ticket, usage)
        self._pump()

    def _settle(self, ticket: Ticket, usage: Usage | None) -> None:
        """What the answer really used up, in the place of the guess."""
        if usage is not None and usage.output_tokens is not None:
            self.usual_output += (usage.output_tokens - self.usual_output) / 8
            used = (usage.input_tokens or ticket.cost.input_tokens) + usage.output_tokens
            if self._pace.tokens_per_minute is not None:
                self._free_at["tokens"] += (used - ticket.cost.of("tokens")) * _MINUTE / self._pace.tokens_per_minute

    def _pump(self) -> None:
        """Let pass who may, and set the timer for who comes next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.loop.is_closed():
            return
        soonest = float("inf")
        for model in self._models.values():
            while model.waiters:
                ticket = model.waiters[0]
                if ticket.passed.done():
                    model.waiters.popleft()
                    continue
                wait = self._wait(model, ticket.cost)
                if wait > _HARDLY:
                    soonest = min(soonest, wait)
                    break
                model.waiters.popleft()
                self._pass(model, ticket)
                ticket.passed.set_result(None)
        if soonest < float("inf"):
            self._timer = self.loop.call_later(soonest, self._pump)

    def _wait(self, model: _Model, cost: Cost) -> float:
        """Seconds until such a request may pass; endless where something has to happen first."""
        most = self._pace.concurrency
        if (model.probing and not model.known) or (most is not None and self._under_way >= most):
            return float("inf")
        now = self.loop.time()
        waits = [tank.wait(cost.of(unit), now) for (unit, _), tank in model.tanks.items()]
        return max(self._closed_until - now, *(at - now for at in self._free_at.values()), *waits)

    def _pass(self, model: _Model, ticket: Ticket) -> None:
        now = self.loop.time()
        self._sent += 1
        self._under_way += 1
        ticket.number, ticket.held = self._sent, True
        model.probing = True
        model.open[ticket] = None
        for (unit, _), tank in model.tanks.items():
            tank.take(ticket.cost.of(unit), now)
        for own, bound in self._bounds.items():
            if bound is not None:
                self._free_at[own] = max(now, self._free_at[own]) + ticket.cost.of(own) * _MINUTE / bound
