"""The other side: a process that sends pre-rendered answers and does nothing else.

The bytes come from the dialects' server halves, once, before anybody is served. The path of a request says what it wants:
``/N/PAUSE/...`` is an answer of N deltas; with PAUSE 0 it comes as fast as the reader takes it, else one packet every PAUSE
seconds.
"""

from __future__ import annotations

import asyncio
import sys

from bourn import dialects
from bourn.dialects.base import HttpCall
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart, Usage
from bourn.messages import Message, Options, Request

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n"
PACKET = 8192


def answer(deltas: int) -> list[Event]:
    """A text answer of so many deltas, a word each."""
    words = (TextDelta(0, f" word{at % 1000}") for at in range(deltas))
    return [Start("chatcmpl-1", "bench"), TextStart(0), *words, TextEnd(0), Finish("stop", "stop", Usage(10, deltas))]


def packets(name: str, deltas: int) -> list[bytes]:
    """The answer in a dialect's bytes, one packet an event."""
    extra = {"stream_options": {"include_usage": True}}
    encoder = dialects.get(name).encoder(Request("bench", (Message("user", "hi"),), Options(extra=extra)))
    return [data for event in answer(deltas) if (data := encoder.encode(event))]


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class ByteServer:
    """Serves one dialect's answers on loopback; answers are rendered once for each number of deltas."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._head = HEAD % dialects.get(dialect).media_types[0].encode()
        self._rendered: dict[int, list[bytes]] = {}

    async def serve(self) -> None:
        """Serve until the process is ended; prints the port."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=8192)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                call = await _request(reader)
                _, deltas, pause, *_ = call.path.split("/")
                await self._answer(writer, int(deltas), float(pause))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, deltas: int, pause: float) -> None:
        if deltas not in self._rendered:
            self._rendered[deltas] = packets(self._dialect, deltas)
        rendered = self._rendered[deltas]
        writer.write(self._head)
        if pause:
            for packet in rendered:
                writer.write(chunk(packet))
                await asyncio.sleep(pause)
        else:
            body = b"".join(rendered)
            for at in range(0, len(body), PACKET):
                writer.write(chunk(body[at : at + PACKET]))
                await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _request(reader: asyncio.StreamReader) -> HttpCall:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return HttpCall(lines[0].split(" ")[1], body)


if __name__ == "__main__":
    asyncio.run(ByteServer(sys.argv[1]).serve())
