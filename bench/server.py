"""The other side: a process that sends pre-rendered answers and does nothing else.

The bytes come from the dialects' server halves, once. The path of a request says what it wants: ``/N/PAUSE/...`` is an answer
of N deltas; with PAUSE 0 it comes as fast as the reader takes it, else one packet every PAUSE seconds.

House rule: the server must never be what is measured: no task, no coroutine, one timer an answer.
"""

from __future__ import annotations

import asyncio
import resource
import ssl
import sys
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from typing import cast

from bourn import dialects
from bourn.events import Event, Finish, Start, TextDelta, TextEnd, TextStart, Usage
from bourn.messages import Message, Options, Request

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n"
PACKET = 8192
"""Bytes of a chunk of an answer without pauses."""

RENDERED = 20_000
"""Deltas that are rendered at most; a longer answer repeats them."""

PADDED = "+padding"
"""A dialect's name with this has a random field in every payload, as OpenAI's ``obfuscation``: no two are alike."""


def answer(deltas: int) -> list[Event]:
    """A text answer of so many deltas, a word each."""
    words = (TextDelta(0, f" word{at % 1000}") for at in range(deltas))
    return [Start("chatcmpl-1", "bench"), TextStart(0), *words, TextEnd(0), Finish("stop", "stop", Usage(10, deltas))]


@cache
def packets(name: str, deltas: int) -> list[bytes]:
    """The answer in a dialect's bytes, one packet an event."""
    dialect, padded = name.removesuffix(PADDED), name.endswith(PADDED)
    extra = {"stream_options": {"include_usage": True}}
    encoder = dialects.get(dialect).encoder(Request("bench", (Message("user", "hi"),), Options(extra=extra)))
    rendered = [data for event in answer(deltas) if (data := encoder.encode(event))]
    return [_padded(data, at) for at, data in enumerate(rendered)] if padded else rendered


def _padded(data: bytes, at: int) -> bytes:
    noise = (f"{at * 2654435761 % 2**32:08x}" * 2)[: 5 + at % 11]
    return data.replace(b',"usage":null}', b',"usage":null,"obfuscation":"%s"}' % noise.encode())


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


@cache
def paced(name: str, deltas: int) -> list[bytes]:
    """The chunks of an answer that comes packet by packet."""
    return [chunk(data) for data in packets(name, deltas)]


def flooded(name: str, deltas: int) -> Iterator[bytes]:
    """The chunks of an answer that comes at once."""
    rest, unit = max(0, deltas - RENDERED), RENDERED // 2
    whole = packets(name, min(deltas, RENDERED))
    for body in (whole[:unit], *[whole[100 : 100 + unit]] * (rest // unit), whole[100 : 100 + rest % unit], whole[unit:]):
        data = b"".join(body)
        for at in range(0, len(data), PACKET):
            yield chunk(data[at : at + PACKET])


class Connection(asyncio.Protocol):
    """Answers one request after the other."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._head = HEAD % dialects.get(dialect.removesuffix(PADDED)).media_types[0].encode()
        self._asked = b""
        self._chunks: Iterator[bytes] = iter(())
        self._timer: asyncio.TimerHandle | None = None
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A reader came."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by their class
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """A request, or a piece of one."""
        self._asked += data
        head, end, body = self._asked.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0) if end else 0
        if not end or len(body) < length:
            return
        self._asked = body[length:]
        _, deltas, pause, *_ = head.split(b" ")[1].decode().split("/")
        self._answer(int(deltas), float(pause))

    def _answer(self, deltas: int, pause: float) -> None:
        self._transport.write(self._head)
        if pause:
            self._chunks = iter(paced(self._dialect, deltas)) if deltas <= RENDERED else self._endless()
            self._pause = pause
            self._step()
        else:
            self._chunks = flooded(self._dialect, deltas)
            self._pour()

    def _endless(self) -> Iterator[bytes]:
        first = paced(self._dialect, RENDERED)
        return cycle(first[100 : RENDERED - 100])

    def _step(self) -> None:
        data = next(self._chunks, b"0\r\n\r\n")
        self._transport.write(data)
        if data != b"0\r\n\r\n":
            self._timer = self._loop.call_later(self._pause, self._step)

    def _pour(self) -> None:
        while not self._full:
            data = next(self._chunks, b"0\r\n\r\n")
            self._transport.write(data)
            if data == b"0\r\n\r\n":
                break

    def pause_writing(self) -> None:
        """The reader is slow."""
        self._full = True

    def resume_writing(self) -> None:
        """The reader caught up."""
        self._full = False
        if self._timer is None:
            self._pour()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - whatever ended it
        """The reader left."""
        self._full = True
        if self._timer is not None:
            self._timer.cancel()


async def serve(dialect: str, *certificate: str) -> None:
    """Print the port and serve (over TLS, given a certificate and its key) until standard input ends."""
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
    if context is not None:
        context.load_cert_chain(*certificate)
    server = await loop.create_server(lambda: Connection(dialect), "127.0.0.1", 0, backlog=8192, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    over = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), over.set)
    await over.wait()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(*sys.argv[1:]))
    else:
        uvloop.run(serve(*sys.argv[1:]))
