"""The trace of a check: what the server sent and the reader got, with times, and a server that writes into it.

House rule: bounded: the first lines and the last ones are kept, and of each piece of data its beginning.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

from bourn.contract.verdict import Line
from bourn.mock import MockServer, ops
from bourn.mock.faults import Fault
from bourn.mock.http import HttpRequest
from bourn.mock.journal import Exchange
from bourn.mock.mounts import Answering
from bourn.mock.ops import Op, Script

_FIRST, _LAST = 150, 150
_SHOWN = 160


class Trace:
    """Lines with times, by the clock of the check's loop."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._first: list[Line] = []
        self._last: deque[Line] = deque(maxlen=_LAST)
        self._dropped = 0

    def add(self, who: str, what: str, data: object = "") -> None:
        """Write a line."""
        line = Line(round(self._now(), 6), who, what, _shown(data))
        if len(self._first) < _FIRST:
            self._first.append(line)
            return
        self._dropped += len(self._last) == _LAST
        self._last.append(line)

    def lines(self) -> list[Line]:
        """What was kept, with a line where some were dropped."""
        gap = [Line(self._last[0].at, "trace", f"{self._dropped} lines are left out here")] if self._dropped else []
        return [*self._first, *gap, *self._last]


def _shown(data: object) -> str:
    text = data if isinstance(data, str) else repr(data)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


class TracedServer(MockServer):
    """The mock, telling a trace each request that came and each op that it did."""

    trace: Trace

    def change(self, answer: Answering, fault: Fault | str | Iterable[Fault | str]) -> None:
        """What it answers from the next request on."""
        self._service.mounts.pop("", None)
        self._put("", answer, fault)

    async def script(self, request: HttpRequest, exchange: Exchange) -> Script:
        """The script that answers a request, each op of it traced when it is done next."""
        self.trace.add("server", f"got {request.method} {request.path}")
        script = await super().script(request, exchange)
        return self._async(script) if isinstance(script, AsyncIterable) else self._sync(script)

    def _sync(self, script: Iterable[Op]) -> Iterator[Op]:
        for op in script:
            self._tell(op)
            yield op

    async def _async(self, script: AsyncIterable[Op]) -> AsyncIterator[Op]:
        async for op in script:
            self._tell(op)
            yield op

    def _tell(self, op: Op) -> None:
        if isinstance(op, ops.Send):
            self.trace.add("server", f"sends {len(op.data)} bytes", op.data[:_SHOWN])
        else:
            self.trace.add("server", repr(op))
