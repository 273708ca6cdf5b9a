"""``python -m bench.mock DIALECT CONNECTIONS``: events per second that the mock serves over so many connections, as JSON.

The peer is a process of its own that only reads and counts; the figure is what it saw.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import socket
import subprocess
import sys
import time

from bourn import dialects
from bourn.messages import Message, Request
from bourn.mock import MockServer, text

EVENTS = 100_000


def request(name: str, origin: str) -> bytes:
    """A streamed request in a dialect, whose answer ends the connection."""
    dialect = dialects.get(name)
    call = dialect.call(Request("m", (Message("user", "hi"),)))
    headers = {
        dialect.auth[0]: dialect.auth[1] + "k",
        **call.headers,
        "content-length": str(len(call.body)),
        "connection": "close",
    }
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    return f"POST {dialect.root}{call.path} HTTP/1.1\r\nhost: {origin}\r\n{lines}\r\n".encode() + call.body


def drain(port: int, connections: int, data: bytes) -> None:
    """Ask on so many connections at once, read all to the end, and print events and seconds."""
    selector, begun, events = selectors.DefaultSelector(), time.perf_counter(), 0
    for _ in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(data)
        selector.register(sock, selectors.EVENT_READ)
    while selector.get_map():
        for key, _ in selector.select():
            assert isinstance(key.fileobj, socket.socket)
            piece = key.fileobj.recv(262_144)
            events += piece.count(b"\n\n")
            if not piece:
                selector.unregister(key.fileobj)
                key.fileobj.close()
    print(json.dumps([events, time.perf_counter() - begun]))


async def serve(name: str, connections: int) -> None:
    """Serve one measurement and print it."""
    scenario = text(*["word "] * (EVENTS // connections), whole=True)
    async with MockServer(scenario) as server:
        data = request(name, server.origin)
        command = [sys.executable, "-m", "bench.mock", "drain", str(server.port), str(connections), data.hex()]
        peer = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        out, _ = await peer.communicate()
    events, seconds = json.loads(out)
    print(json.dumps({"per_second": events / seconds}))


def main(name: str, connections: str, *rest: str) -> None:
    """Serve a measurement, or be its peer."""
    if name == "drain":
        drain(int(connections), int(rest[0]), bytes.fromhex(rest[1]))
    else:
        asyncio.run(serve(name, int(connections)))


if __name__ == "__main__":
    main(*sys.argv[1:])
