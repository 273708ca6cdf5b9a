"""What the kernel holds between two sockets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bourn.testing import queues
from bourn.testing.queues import queued

linux = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells what its sockets hold")


@linux
def test_bytes_are_queued_until_they_are_read() -> None:
    """What was sent and not read is there, to the byte; what was read is not; other connections do not count."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        port = server.getsockname()[1]
        with (
            socket.create_connection(server.getsockname()) as peer,
            server.accept()[0] as sender,
            socket.create_connection(other.getsockname()) as stranger,
            other.accept()[0] as another,
        ):
            assert queued(port) == 0
            sender.sendall(b"x" * 5000)
            another.sendall(b"y" * 700)
            assert queued(port) == 5000
            peer.recv(2000, socket.MSG_WAITALL)
            assert queued(port) == 3000
            peer.sendall(b"z" * 10)  # the other way: the server's own reading does not count
            sender.recv(10, socket.MSG_WAITALL)
            assert queued(port) == 3000
            stranger.recv(700, socket.MSG_WAITALL)


def test_where_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is that it is not known."""
    monkeypatch.setattr(queues, "_TABLES", (Path("/no/such/table"),))
    assert queued(80) is None
