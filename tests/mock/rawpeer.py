"""A client that is nothing but a socket: what it sends is written down, and what it hears is kept to the byte.

It shares no code with the mock: responses are parsed here once more, by the letter of RFC 9112.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec

from bourn import dialects
from bourn.dialects.base import Dialect, HttpCall
from bourn.messages import Message, Request
from bourn.mock import MockServer, Mount
from bourn.mock.faults import Fault

NAMES = [name for name in dialects.DIALECTS if dialects.get(name).paths]
"""The dialects that have a server half."""


def names_for(fault: type[Fault]) -> list[str]:
    """The dialects in whose framing a fault can be written."""
    return [name for name in NAMES if not fault.needs or dialects.get(name).media_types[0] in fault.needs]


FOR_EVER = 100_000.0


class Heard:
    """What a peer heard: the raw bytes and how they ended: `eof`, `reset`, or `stalled` (nothing for a very long time)."""

    def __init__(self, raw: bytes, end: str) -> None:
        self.raw, self.end = raw, end
        self.head, found, self.rest = raw.partition(b"\r\n\r\n")
        self.head += found
        lines = self.head.decode("latin-1").split("\r\n")
        found = found if self.head.startswith(b"HTTP/") else b""
        self.status = int(lines[0].split(" ")[1]) if found else 0
        self.headers = dict(line.split(": ", 1) for line in lines[1:] if line) if found else {}
        self.chunks: list[bytes] = []
        self.whole = False
        self.after = b""
        if self.headers.get("transfer-encoding") == "chunked":
            self._read_chunks(self.rest)
        elif "content-length" in self.headers:
            length = int(self.headers["content-length"])
            self.chunks, self.after, self.whole = [self.rest[:length]], self.rest[length:], len(self.rest) >= length

    @property
    def body(self) -> bytes:
        """All that came of the body, of cut chunks too."""
        return b"".join(self.chunks)

    def _read_chunks(self, data: bytes) -> None:
        while data:
            line, found, data = data.partition(b"\r\n")
            if not found:
                return
            size = int(line, 16)
            if size == 0:
                assert data[:2] == b"\r\n"
                self.whole, self.after = True, data[2:]
                return
            self.chunks.append(data[:size])
            assert data[size : size + 2] in (b"\r\n", b"\r", b"")
            data = data[size + 2 :]


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


WHOLE_PATHS = {
    ":streamGenerateContent": ":generateContent",
    "/converse-stream": "/converse",
    ":streamRawPredict": ":rawPredict",
    "/invoke-with-response-stream": "/invoke",
}
"""Where the wish for a stream is in the path: its ending, and the one that wishes for none."""


def call_for(dialect: Dialect, *, model: str = "m", stream: bool = True, prompt: str = "hi there") -> HttpCall:
    call = dialect.call(Request(model, (Message("user", prompt),)))
    if stream:
        return call
    body: dict[str, Any] = json.loads(call.body)
    path = call.path.partition("?")[0]
    for streamed, whole in WHOLE_PATHS.items():
        if path.endswith(streamed):
            return msgspec.structs.replace(call, path=path.removesuffix(streamed) + whole)
    return msgspec.structs.replace(call, body=json.dumps(body | {"stream": False}).encode())


def request_for(
    dialect: Dialect, server: MockServer | Mount, *, close: bool = True, key: str = "sk-secret", **options: Any
) -> bytes:
    """A request in a dialect, as bytes."""
    call = call_for(dialect, **options)
    path = server.base_url(dialect.name).partition("://")[2].partition("/")
    headers = {
        "host": path[0],
        "content-type": "application/json",
        "content-length": str(len(call.body)),
        dialect.auth[0]: dialect.auth[1] + key,
        **call.headers,
        **({"connection": "close"} if close else {}),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path[1]}{path[2]}{call.path} HTTP/1.1\r\n{lines}\r\n".encode() + call.body


async def hear(server: MockServer | Mount, request: bytes, *, most: int = 1 << 40) -> Heard:
    """Send a request and listen until the connection ends, nothing comes for ever, or `most` bytes have come."""
    port = int(server.url.partition("://")[2].partition("/")[0].rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    pieces, size, end = [], 0, "enough"
    try:
        writer.write(request)
        while size < most:
            async with asyncio.timeout(FOR_EVER):
                piece = await reader.read(65536)
            if not piece:
                end = "eof"
                break
            pieces.append(piece)
            size += len(piece)
    except ConnectionResetError:
        end = "reset"
    except TimeoutError:
        end = "stalled"
    finally:
        writer.transport.abort()
    return Heard(b"".join(pieces), end)


async def ask(server: MockServer | Mount, name: str, *, most: int = 1 << 40, **options: Any) -> Heard:
    """Ask in a dialect, and hear the answer."""
    return await hear(server, request_for(dialects.get(name), server, **options), most=most)
