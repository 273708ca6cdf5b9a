"""The mock as a transport: a scenario in a dialect's bytes, through memory, without a socket.

It answers the model ids ``mock/NAME``, and calls that bring their answer along (``mock=``). The request is really written and
really read, by the two halves of the dialect. House rule: what the server would answer, this answers, as far as a socket is
not needed for it.
"""

from __future__ import annotations

from random import Random
from weakref import WeakSet

from bourn.dialects.base import Dialect, HttpCall, WireError
from bourn.errors import BournError, ConnectError
from bourn.mock import answering, named, reply, unframed
from bourn.mock.faults.heads import Refused
from bourn.mock.named import Named
from bourn.mock.scenario import Scenario
from bourn.providers import Endpoint
from bourn.transport.base import Reply
from bourn.transport.limits import Limits
from bourn.transport.memory import MemoryWire
from bourn.transport.watchdog import Watchdog


class MockTransport:
    """Answers each call with the scenario that the model's name asks for, or all with ``answer`` (a scenario or plain text).

    The dice fall the same way in every process. Raises ``InputError`` for an answer that is neither.
    """

    def __init__(self, *, pooled: bool = True, answer: Scenario | str | None = None) -> None:  # noqa: ARG002 -- nothing to pool
        self._answer = None if answer is None else Named("", named.as_scenario(answer))
        self._wires: WeakSet[MemoryWire] = WeakSet()

    async def connect(self, call: HttpCall, endpoint: Endpoint, watch: Watchdog, limits: Limits) -> Reply:
        """The head of the answer. Raises ``InputError`` for an unknown scenario, and what the scenario's faults mean."""
        asked = self._answer if self._answer is not None else named.get(endpoint.model)
        made = _reply(endpoint.dialect, call, asked)
        watch.enter("first_event")
        await unframed.head(made)
        wire = MemoryWire(unframed.body(made, limits.decoded_bytes))
        self._wires.add(wire)
        return Reply(made.status, made.headers, wire)

    async def aclose(self) -> None:
        """Cut what is still being told."""
        self.abort()

    def abort(self) -> None:
        """Cut what is still being told."""
        for wire in list(self._wires):
            wire.abort()


def _reply(dialect: Dialect, call: HttpCall, asked: Named) -> reply.Reply:
    """What the server would send for this call. Raises ``ConnectError`` under the fault ``refused``."""
    try:
        request = dialect.parse(call)
    except BournError as error:
        return answering.error_reply(dialect, 400, WireError(error.message, "invalid_request_error"))
    turn = asked.next_turn()
    answer = asked.scenario.pick(request, turn)
    if any(isinstance(fault, Refused) for fault in answer.faults):
        raise ConnectError("no connection (the mock was told to refuse it)")
    dice = Random(f"0/{asked.name}/{turn}")  # noqa: S311 -- as those of a server with the seed 0
    return answering.reply(dialect, request, answer, dice, "http://mock:80")
