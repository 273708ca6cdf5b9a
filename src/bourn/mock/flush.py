"""To know that a socket's bytes have left: none is unsent in the kernel.

Linux tells how many bytes of a connection were not yet sent (SIOCOUTQNSD), and with TCP_NOTSENT_LOWAT at 1 a socket counts as
writable only when there are none: so the event loop itself can wait for it, without a timer. Source: tcp(7), linux/sockios.h.

House rule: no polling. Where the kernel cannot tell, what it has taken counts as left.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import Any

_SIOCOUTQNSD = 0x894B
_TCP_NOTSENT_LOWAT = 25

if sys.platform == "linux":
    import fcntl

    def unsent(fd: int) -> int:
        """How many bytes of a TCP socket the kernel holds that it has not sent."""
        return int.from_bytes(fcntl.ioctl(fd, _SIOCOUTQNSD, bytes(4)), sys.byteorder)

else:

    def unsent(fd: int) -> int:  # noqa: ARG001 -- same signature everywhere
        """How many bytes of a TCP socket the kernel holds that it has not sent: not told on this system."""
        return 0


async def sent(sock: Any) -> None:
    """Wait until the kernel holds no unsent byte of a connection."""
    if not unsent(sock.fileno()):
        return
    loop = asyncio.get_running_loop()
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, 1)
    twin = os.dup(sock.fileno())  # a transport's own descriptor may not be watched
    try:
        while unsent(twin):
            writable = loop.create_future()
            loop.add_writer(twin, _settle, writable)
            try:
                await writable
            finally:
                loop.remove_writer(twin)
    finally:
        os.close(twin)
        if sock.fileno() >= 0:
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, 0)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
