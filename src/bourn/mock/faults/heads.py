"""Faults of the head and of the body as a whole: another type, another coding, another place, or no connection at all.

House rule: what would be large is made while it is sent.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar

import msgspec

from bourn.errors import InputError
from bourn.mock import ops
from bourn.mock.faults.base import CODING, HEAD, STREAMS, Fault, Scene, act
from bourn.mock.reply import Item, Piece, Reply

Size = Annotated[int, msgspec.Meta(ge=0)]
_BLOCK = 1024 * 1024
_LINE = 64 * 1024


class Html(Fault, frozen=True, tag="html"):
    """A 200 with a page of HTML, as proxies and captive portals send it."""

    body: str = "<!doctype html>\n<html><head><title>Welcome</title></head><body>Please sign in.</body></html>\n"


class Json(Fault, frozen=True, tag="json"):
    """A 200 with a JSON error where a stream was asked for."""

    body: str = '{"error":{"message":"The mock was told to fail.","type":"server_error","code":null}}'


class Empty(Fault, frozen=True, tag="empty"):
    """A 200 of the right type with nothing in it."""


class WrongContentType(Fault, frozen=True, tag="wrong-content-type"):
    """The right body under a wrong ``content-type``; an empty ``value`` leaves the header out."""

    rank: ClassVar[int] = HEAD
    value: str = "text/plain; charset=utf-8"


class Gzip(Fault, frozen=True, tag="gzip"):
    """The body is compressed, whether that was asked for or not."""

    rank: ClassVar[int] = CODING


class GzipBomb(Fault, frozen=True, tag="gzip-bomb"):
    """The compressed body unfolds to ``size`` more bytes of empty lines before its last frames."""

    rank: ClassVar[int] = CODING
    needs = STREAMS
    size: Size = 1024 * 1024 * 1024


class Redirect(Fault, frozen=True, tag="redirect"):
    """A redirect to another origin: the same server under the name ``localhost``, unless ``location`` says where."""

    location: str | None = None
    status: Annotated[int, msgspec.Meta(ge=300, le=399)] = 307


class SlowHeaders(Fault, frozen=True, tag="slow-headers"):
    """The response head comes byte by byte, over ``seconds``."""

    rank: ClassVar[int] = HEAD
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 60.0


class HugeHeader(Fault, frozen=True, tag="huge-header"):
    """The response head has ``size`` more bytes: one header line without an end in sight, or ``many`` short ones."""

    rank: ClassVar[int] = HEAD
    size: Size = 100 * 1024 * 1024
    many: bool = False


class CutHead(Fault, frozen=True, tag="cut-head"):
    """The connection is broken with a RST after ``byte`` bytes of the response head."""

    rank: ClassVar[int] = HEAD
    byte: Size = 20


class Refused(Fault, frozen=True, tag="refused"):
    """No connection comes about: the scenario's base URL names a port that refuses."""


@act(Html)
def _html(fault: Html, reply: Reply, _: Scene) -> Reply:
    return _instead(reply, "text/html; charset=utf-8", fault.body)


@act(Json)
def _json(fault: Json, reply: Reply, _: Scene) -> Reply:
    return _instead(reply, "application/json", fault.body)


@act(Empty)
def _empty(_: Empty, reply: Reply, __: Scene) -> Reply:
    return msgspec.structs.replace(reply, status=200, body=())


def _instead(reply: Reply, media_type: str, body: str) -> Reply:
    headers = {**reply.headers, "content-type": media_type}
    return msgspec.structs.replace(reply, status=200, headers=headers, body=(Piece(body.encode()),), framing="length")


@act(WrongContentType)
def _wrong_content_type(fault: WrongContentType, reply: Reply, _: Scene) -> Reply:
    headers = {name: value for name, value in reply.headers.items() if name != "content-type"}
    return msgspec.structs.replace(reply, headers=headers | ({"content-type": fault.value} if fault.value else {}))


@act(Gzip)
def _gzip(_: Gzip, reply: Reply, __: Scene) -> Reply:
    return _compressed(reply, 0)


@act(GzipBomb)
def _gzip_bomb(fault: GzipBomb, reply: Reply, _: Scene) -> Reply:
    return _compressed(reply, fault.size)


def _compressed(reply: Reply, more: int) -> Reply:
    def body() -> Iterator[Item]:
        packer = zlib.compressobj(wbits=31)
        packed_more = not more
        for item in reply.body:
            if type(item) is not Piece:
                yield item
                continue
            if item.mark == "finish" and not packed_more:
                packed_more = True
                yield from _empty_lines(packer, more)
            data = packer.compress(item.data) + packer.flush(zlib.Z_SYNC_FLUSH)
            yield msgspec.structs.replace(item, data=data)
        yield Piece(packer.flush(), mark="extra")

    return reply.with_headers({"content-encoding": "gzip"}).with_body(body)


def _empty_lines(packer: zlib._Compress, size: int) -> Iterator[Item]:
    block = b"\n" * _BLOCK
    for left in range(size, 0, -_BLOCK):
        yield Piece(packer.compress(block[:left]) + packer.flush(zlib.Z_SYNC_FLUSH), mark="extra")


@act(Redirect)
def _redirect(fault: Redirect, reply: Reply, scene: Scene) -> Reply:
    elsewhere = f"http://localhost:{scene.origin.rpartition(':')[2]}/elsewhere"
    headers = {"location": elsewhere if fault.location is None else fault.location}
    return msgspec.structs.replace(reply, status=fault.status, headers=headers, body=(), framing="length")


@act(SlowHeaders)
def _slow_headers(fault: SlowHeaders, reply: Reply, _: Scene) -> Reply:
    def head(data: bytes) -> Iterable[ops.Op]:
        pause = ops.Wait(fault.seconds / len(data))
        return (op for at in range(len(data)) for op in (pause, ops.Send(data[at : at + 1])))

    return msgspec.structs.replace(reply, head=head)


@act(HugeHeader)
def _huge_header(fault: HugeHeader, reply: Reply, _: Scene) -> Reply:
    def head(data: bytes) -> Iterator[ops.Op]:
        yield ops.Send(data[:-2] + (b"" if fault.many else b"x-huge: "))
        line = b"x-huge: " + b"*" * 54 + b"\r\n" if fault.many else b"*" * 64
        block = line * (_LINE // len(line))
        for left in range(fault.size, 0, -len(block)):
            yield ops.Send(block[:left] if not fault.many else block)
        yield ops.Send(b"\r\n" if fault.many else b"\r\n\r\n")

    return msgspec.structs.replace(reply, head=head)


@act(CutHead)
def _cut_head(fault: CutHead, reply: Reply, _: Scene) -> Reply:
    def head(data: bytes) -> Iterable[ops.Op]:
        return (ops.Send(data[: fault.byte]), ops.Note(f"fault: {fault.label}"), ops.Flush(), ops.Reset())

    return msgspec.structs.replace(reply, head=head)


@act(Refused)
def _refused(_: Refused, __: Reply, ___: Scene) -> Reply:
    raise InputError("the fault refused works on a base URL: use the url of server.add(scenario, fault=Refused())")
