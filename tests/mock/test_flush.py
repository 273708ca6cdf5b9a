"""Flush returns when no byte is unsent, and not before."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from bourn.mock import flush

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many bytes it has not sent")


async def test_flush_waits_for_a_peer_that_does_not_read_and_then_knows():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
    ours.settimeout(0)
    sent = 0
    try:
        while True:
            sent += ours.send(b"x" * 65536)
    except BlockingIOError:
        pass
    assert flush.unsent(ours.fileno()) > 0
    flushing = asyncio.create_task(flush.sent(ours))
    await asyncio.sleep(10)
    assert not flushing.done()
    theirs.settimeout(0)
    while sent:
        sent -= len(await asyncio.get_running_loop().sock_recv(theirs, 65536))
    await flushing
    assert flush.unsent(ours.fileno()) == 0
    for each in (listener, ours, theirs):
        each.close()


async def test_flush_that_is_given_up_leaves_nothing_behind():
    listener = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listener.getsockname())
    ours.settimeout(0)
    try:
        while True:
            ours.send(b"x" * 65536)
    except BlockingIOError:
        pass
    loop = asyncio.get_running_loop()
    watched = len(loop._selector.get_map())  # type: ignore[attr-defined]  # a selector loop
    flushing = asyncio.create_task(flush.sent(ours))
    await asyncio.sleep(1)
    assert len(loop._selector.get_map()) == watched + 1  # type: ignore[attr-defined]  # a selector loop
    flushing.cancel()
    await asyncio.wait([flushing])
    assert len(loop._selector.get_map()) == watched  # type: ignore[attr-defined]  # a selector loop
    ours.close()
    listener.close()
