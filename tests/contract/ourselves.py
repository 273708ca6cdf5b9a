"""Our own stream as a subject: ``bourn.Client`` pointed at the kit's server, in any dialect."""

from __future__ import annotations

import bourn
import bourn.transport.http  # now, or each check would import aiohttp in its own process
from bourn.contract import Subject
from bourn.contract.reference import partial
from bourn.transport.limits import Timeouts

TIMEOUTS = Timeouts(first_event=40, idle=40, idle_bytes=15, total=300)


def ours(dialect: str, pool: int | None = None) -> Subject:
    """The subject for one dialect, with everything declared; its client has ``pool`` connections, or as many as are needed."""

    def connect(client: bourn.Client) -> bourn.Stream:
        return client.stream("openai/mock", "Say something.", dialect=dialect)

    def client(url: str) -> bourn.Client:
        transport = None if pool is None else bourn.transport.http.HttpTransport(connections=pool)
        return bourn.Client(base_url=url, api_key="none", timeouts=TIMEOUTS, transport=transport)

    return Subject(
        name=f"bourn {dialect}",
        dialect=dialect,
        client=client,
        connect=connect,
        text=lambda event: event.text if isinstance(event, bourn.TextDelta) else None,
        terminal=lambda event: isinstance(event, bourn.Finish),
        partial=partial,
        errors=(bourn.BournError,),
        closed_errors=(bourn.ClosedError,),
        cancel_safe=True,
        max_event_bytes=16 * 1024 * 1024,
        max_held_bytes=1024 * 1024,
        pool_size=pool,
        keeps_alive=True,
        idle=40,
        byte_idle=15,
        total=300,
        invalid_utf8="replace",
    )
