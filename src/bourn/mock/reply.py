"""An HTTP response as data: a head, a body that is a timeline of pieces and ops, and the framing that carries it.

A body may hold ``Piece``s, plain bytes (a piece each) and ops, which pass between the pieces untouched. In a chunked body each
piece is one chunk. House rule: nothing here waits; a reply becomes a script of ops, lazily, so an endless body costs no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Literal

import msgspec

from bourn.mock.ops import Close, Op, Send, Wait

Framing = Literal["chunked", "length", "close"]


class Piece(msgspec.Struct, frozen=True, gc=False):
    """Bytes of a body that belong together: one frame of the dialect, unless a fault cut it.

    ``pause`` is waited before it. ``mark`` is ``"start"``, ``"event"``, ``"finish"`` (the dialect's end evidence) or
    ``"extra"`` (put in by a fault, no frame of the answer). ``said`` is the text in it, where it carries some. ``missing``
    bytes are announced by the framing and never come.
    """

    data: bytes
    pause: float = 0.0
    mark: str = "event"
    said: str = ""
    missing: int = 0


class Rest(msgspec.Struct, frozen=True, gc=False):
    """In a body: the bytes that a piece before it was ``missing``, or that a ``ChunkHeader`` announced."""

    data: bytes


class ChunkHeader(msgspec.Struct, frozen=True, gc=False):
    """In a body: the size line of a chunk of ``size`` bytes, from its byte ``start`` to ``stop``; other framings have none."""

    size: int
    start: int = 0
    stop: int | None = None


Item = Piece | Rest | ChunkHeader | Op | bytes
"""What a body is made of."""


class Lazy:
    """A body made anew by a function each time it is walked."""

    def __init__(self, make: Callable[[], Iterator[Item]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Item]:
        return self._make()


def _one_send(head: bytes) -> Iterable[Op]:
    return (Send(head),)


class Reply(msgspec.Struct, frozen=True):
    """A response: ``status``, ``headers``, ``body`` (items in order) and ``framing``.

    ``length`` frames need a body that can be walked twice (a list); ``close`` ends the body with the connection. ``head`` (the
    head's bytes to ops) and ``after`` (bytes that follow the body) are there for faults.
    """

    status: int = 200
    headers: dict[str, str] = {}
    body: Iterable[Item] = ()
    framing: Framing = "chunked"
    reason: str | None = None
    head: Callable[[bytes], Iterable[Op]] = _one_send
    after: tuple[bytes, ...] = ()

    def script(self) -> Iterator[Op]:
        """The whole response as ops."""
        yield from self.head(self.head_bytes())
        yield from _FRAMINGS[self.framing](self.body)
        for data in self.after:
            yield Send(data)

    def with_body(self, make: Callable[[], Iterator[Item]]) -> Reply:
        """The same with another body, made when it is sent."""
        return msgspec.structs.replace(self, body=Lazy(make))

    def with_headers(self, headers: Mapping[str, str]) -> Reply:
        """The same with these headers over its own."""
        return msgspec.structs.replace(self, headers={**self.headers, **headers})

    def promised(self) -> Reply:
        """The same, with its content length written down, if it has one: what happens to the body now does not change it."""
        return self.with_headers({"content-length": str(_length(self.body))}) if self.framing == "length" else self

    def head_bytes(self) -> bytes:
        """Status line and headers, to the blank line."""
        headers = dict(self.headers)
        if self.framing == "chunked":
            headers.setdefault("transfer-encoding", "chunked")
        elif self.framing == "length":
            headers.setdefault("content-length", str(_length(self.body)))
        else:
            headers.setdefault("connection", "close")
        return head_bytes(self.status, headers, self.reason)


def head_bytes(status: int, headers: dict[str, str], reason: str | None = None) -> bytes:
    """A response head, to the blank line; the headers are written as they are."""
    lines = [f"HTTP/1.1 {status} {reason if reason is not None else _reason(status)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Data as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def text_reply(status: int, text: str) -> Reply:
    """A short plain-text response."""
    return Reply(status, {"content-type": "text/plain; charset=utf-8"}, [Piece(text.encode())], "length")


def json_reply(status: int, body: bytes, headers: dict[str, str] | None = None) -> Reply:
    """A JSON response of a known length."""
    return Reply(status, {"content-type": "application/json", **(headers or {})}, [Piece(body)], "length")


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unnamed"


def _length(body: Iterable[Item]) -> int:
    return sum(
        len(item) if isinstance(item, bytes) else len(item.data) for item in body if isinstance(item, bytes | Piece | Rest)
    )


def _chunked(body: Iterable[Item]) -> Iterator[Op]:
    for item in body:
        if type(item) is Piece:
            if item.pause:
                yield Wait(item.pause)
            if item.missing:
                yield Send(b"%x\r\n%b" % (len(item.data) + item.missing, item.data))
            elif item.data:
                yield Send(b"%x\r\n%b\r\n" % (len(item.data), item.data))
        elif isinstance(item, bytes):
            if item:
                yield Send(chunk(item))
        elif isinstance(item, ChunkHeader):
            yield Send((b"%x\r\n" % item.size)[item.start : item.stop])
        elif isinstance(item, Rest):
            yield Send(item.data + b"\r\n")
        else:
            assert isinstance(item, Op)
            yield item
    yield Send(LAST_CHUNK)


def _plain(body: Iterable[Item]) -> Iterator[Op]:
    for item in body:
        if isinstance(item, Piece):
            if item.pause:
                yield Wait(item.pause)
            if item.data:
                yield Send(item.data)
        elif isinstance(item, bytes | Rest):
            yield Send(item if isinstance(item, bytes) else item.data)
        elif isinstance(item, Op):
            yield item


def _until_close(body: Iterable[Item]) -> Iterator[Op]:
    yield from _plain(body)
    yield Close()


_FRAMINGS: dict[Framing, Callable[[Iterable[Item]], Iterator[Op]]] = {
    "chunked": _chunked,
    "length": _plain,
    "close": _until_close,
}
