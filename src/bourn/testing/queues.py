"""What the kernel holds of a server's loopback connections: bytes that one side has given it and the other has not taken.

So what a peer has really taken can be told from what the kernel's buffers, which grow as they please, took in its place.
Source: proc_net_tcp (Linux); other systems do not tell.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def queued(port: int) -> int | None:
    """Bytes on their way from the server at ``port``: unacknowledged on its side, unread on its peers'; ``None``: not told."""
    told, total = False, 0
    for table in _TABLES:
        with suppress(OSError):
            lines = table.read_text().splitlines()[1:]
            told = True
            total += sum(_on_its_way(line.split(), port) for line in lines)
    return total if told else None


def _on_its_way(fields: list[str], port: int) -> int:
    local, remote, sending, unread = (*(field.rpartition(":")[2] for field in fields[1:3]), *fields[4].split(":"))
    if int(local, 16) == port:
        return int(sending, 16)
    return int(unread, 16) if int(remote, 16) == port else 0
