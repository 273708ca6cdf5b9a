"""``Stage``: where one check runs: the subject, servers for it, the trace, the dice, and what nobody handled.

House rule: a stage is used once, in an event loop of its own; with the same seed it does the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from random import Random

from bourn import dialects
from bourn.contract import scripts
from bourn.contract.guest import Guest
from bourn.contract.place import Place
from bourn.contract.readers import guarded
from bourn.contract.registry import Clock
from bourn.contract.subject import Subject
from bourn.contract.trace import Trace, TracedServer
from bourn.contract.verdict import Evidence, skip
from bourn.mock.faults import Fault
from bourn.mock.mounts import Answering
from bourn.testing.disturbances import Disturbances

PATIENCE: dict[Clock, float] = {"virtual": 60.0, "real": 5.0}
"""Seconds after which a call that is still waiting has hung."""


class Stage:
    """What a check is given. Open streams with :meth:`open`; note what is not judged with :meth:`inform`.

    ``evidence.figures`` takes measured numbers, ``evidence.suspension`` the place of a cancellation. ``disturbances`` holds
    what was complained about so far.
    """

    def __init__(self, subject: Subject, seed: int, clock: Clock, disturbances: Disturbances) -> None:
        self.subject = guarded(subject)
        self.seed = seed
        self.dice = Random(seed)  # noqa: S311 -- dice that must fall the same way again
        self.clock = clock
        self.patience = PATIENCE[clock]
        self.disturbances = disturbances
        self.evidence = Evidence(seed=seed)
        self.notes: list[str] = []
        self.loop = asyncio.get_running_loop()
        self.began = self.loop.time()
        self.trace = Trace(lambda: self.loop.time() - self.began)
        self._exits = AsyncExitStack()
        self._places: list[Place] = []

    def now(self) -> float:
        """Seconds since the check began."""
        return self.loop.time() - self.began

    def inform(self, note: str) -> None:
        """Record something implementation-defined; it is shown and never failed."""
        self.notes.append(note)

    def needs_virtual_time(self) -> None:
        """Skip here unless the clock is virtual."""
        if self.clock != "virtual":
            skip("its waits do not go through the event loop's clock (virtual_time=False), so they cannot be checked in time")

    async def serve(
        self,
        answer: Answering = scripts.ANSWER,
        *,
        fault: Fault | str | Iterable[Fault | str] = (),
        send_buffer: int | None = None,
        seed: int | None = None,
    ) -> Place:
        """A server that answers so; equal seeds give equal bytes."""
        chosen = self.seed if seed is None else seed
        server = TracedServer(answer, fault=fault, seed=chosen, send_buffer=send_buffer)
        server.trace = self.trace
        await server.__aenter__()
        place = Place(self.subject, server, self.patience)
        self._exits.push_async_callback(place.aclose)
        self._places.append(place)
        self._tell(answer, fault)
        return place

    def change(self, place: Place, answer: Answering, *, fault: Fault | str | Iterable[Fault | str] = ()) -> None:
        """From its next request on the server answers so: for many answers to one client, which may be dear to make."""
        place.server.change(answer, fault)
        self._tell(answer, fault)

    def _tell(self, answer: Answering, fault: Fault | str | Iterable[Fault | str]) -> None:
        self.evidence.scenario = scripts.describe(answer, [fault] if isinstance(fault, str | Fault) else fault)

    async def open(
        self,
        answer: Answering | None = None,
        *,
        fault: Fault | str | Iterable[Fault | str] = (),
        send_buffer: int | None = None,
    ) -> Guest:
        """A stream of the subject: of its own ``factory`` where there is one and no answer is asked for, else of a server."""
        guest = await self.guest(answer, fault=fault, send_buffer=send_buffer)
        await guest.begin()
        return guest

    async def guest(
        self,
        answer: Answering | None = None,
        *,
        fault: Fault | str | Iterable[Fault | str] = (),
        send_buffer: int | None = None,
    ) -> Guest:
        """The same, not made yet."""
        if answer is None and not fault and self.subject.factory is not None:
            return Guest(self.subject, self.subject.factory, self.trace, self.patience)
        if self.subject.connect is None:
            skip("it was given no connect=, so it cannot be pointed at the kit's server")
        place = await self.serve(scripts.ANSWER if answer is None else answer, fault=fault, send_buffer=send_buffer)
        return await place.guest()

    def fits(self, fault: Fault) -> bool:
        """Whether a fault can be written in the subject's dialect."""
        return not fault.needs or dialects.get(self.subject.dialect).media_types[0] in fault.needs

    @property
    def can_fail(self) -> bool:
        """Whether :meth:`failing` can be called."""
        return self.subject.failing is not None or self.subject.connect is not None

    async def failing(self) -> Guest:
        """A stream that raises after some items: the declared ``failing``, else one whose connection is reset."""
        if self.subject.failing is not None:
            return Guest(self.subject, self.subject.failing, self.trace, self.patience)
        if self.subject.connect is None:
            skip("it was given neither failing= nor connect=, so it cannot be made to fail")
        return await self.guest(scripts.ANSWER, fault=scripts.BREAK)

    async def requests(self) -> int:
        """How many requests have come to the check's servers, those that are on their way included."""
        await asyncio.sleep(0.01)
        return sum(len(place.journal.exchanges) for place in self._places)

    async def aclose(self) -> None:
        """Close what the check left open, and keep the journals. Raises what a script of the check raised."""
        self.evidence.journals = [place.journal.to_dict() for place in self._places]
        await self._exits.aclose()

    def seal(self) -> Evidence:
        """The evidence, with everything that was collected."""
        self.evidence.trace = self.trace.lines()
        self.evidence.disturbances = [str(each) for each in self.disturbances.seen]
        return self.evidence


async def turns(count: int = 1) -> None:
    """Let everything else that is ready run, so many times."""
    for _ in range(count):
        await asyncio.sleep(0)
