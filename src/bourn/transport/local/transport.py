"""The transport to local models: a lease on the model's server, and HTTP to it.

House rule: it knows no dialect; the server speaks OpenAI chat, OpenAI responses and Anthropic messages, each at its usual path.
"""

from __future__ import annotations

import asyncio

import msgspec

from bourn.dialects.base import HttpCall
from bourn.errors import ClosedError
from bourn.providers import Endpoint, Secret
from bourn.transport import offload
from bourn.transport.base import Reply, Transport
from bourn.transport.limits import Limits
from bourn.transport.local.server import SERVERS, Lease, Servers
from bourn.transport.watchdog import Watchdog


class LocalTransport:
    """Opens wires to the servers of local models, which are started on first use and stopped with the transport.

    With ``pooled=False``, for a stream that has the transport to itself, they stay until the interpreter ends: the next such
    stream need not load the model again.
    """

    def __init__(self, *, pooled: bool = True, servers: Servers = SERVERS) -> None:
        self._servers = servers
        self._keep = not pooled
        self._leases: dict[str, Lease] = {}
        self._http: Transport | None = None
        self._closed = False

    async def connect(self, call: HttpCall, endpoint: Endpoint, watch: Watchdog, limits: Limits) -> Reply:
        """Send the call once and give the head of the response; loading a model counts for ``timeouts.total`` only.

        Raises what ``Servers.acquire`` and the HTTP transport raise.
        """
        watch.enter("load")
        http = await self._over_http()
        lease = await self._lease(endpoint.model)
        watch.enter("connect")
        here = msgspec.structs.replace(endpoint, base_url=lease.base_url + endpoint.dialect.root, key=Secret(lease.key))
        return await http.connect(call, here, watch, limits)

    async def aclose(self) -> None:
        """Close every connection, give the leases back, and wait for servers that end with that."""
        self._closed = True
        leases, self._leases = self._leases, {}
        try:
            if self._http is not None:
                await self._http.aclose()
            await asyncio.gather(*(lease.aclose() for lease in leases.values()))
        finally:
            _release(leases)

    def abort(self) -> None:
        """Close every connection and give the leases back, from a place that cannot wait."""
        self._closed = True
        leases, self._leases = self._leases, {}
        if self._http is not None:
            self._http.abort()
        _release(leases)

    async def _over_http(self) -> Transport:
        """The HTTP transport. The server closes the connection after each answer while it says that it keeps it: no pool."""
        module = await offload.load("bourn.transport.http")
        http: Transport = self._http or module.HttpTransport(pooled=False)
        self._http = http
        return http

    async def _lease(self, model: str) -> Lease:
        """A lease on the model's server, held for later calls too; a server that died in the meantime is replaced."""
        lease = await self._servers.acquire(model, keep=self._keep)
        if self._closed:
            lease.release()
            raise ClosedError("the client was closed before the request was sent")
        before = self._leases.get(model)
        self._leases[model] = lease
        if before is not None:
            before.release()
        return lease


def _release(leases: dict[str, Lease]) -> None:
    for lease in leases.values():
        lease.release()
