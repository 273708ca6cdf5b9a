"""A mock's reply without a socket: what its ops mean to a reader that is given the body and not the framing.

A pause stays a pause; a broken connection is the error that the HTTP transport raises for it; bytes after the body are for
nobody. House rule: an op that cannot mean anything without a socket says so; none is passed over that could be seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from bourn.errors import BournError, ConnectionLostError, InputError, ProtocolError
from bourn.mock import ops
from bourn.mock.reply import Item, Piece, Reply, Rest
from bourn.transport.inflate import Inflater
from bourn.transport.memory import Step

HEAD_LIMIT = 64 * 1024
"""Bytes of a response head that are read."""

_FAIR_SHARE = 64
"""Reads after which the event loop gets a turn: a body that is there at once, perhaps without an end, must not keep it."""


class _Ended(Exception):
    """The script closed the connection."""


def _close(_: ops.Op) -> Step:
    raise _Ended


def _reset(_: ops.Op) -> Step:
    return ConnectionLostError("the connection was lost")


def _wait_for(op: Any) -> Step:
    return InputError(f"ops.WaitFor({op.name!r}) waits for server.signal: use a server, `async with bourn.mock.serve(...)`")


_MEANINGS: dict[type[ops.Op], Callable[[Any], Step]] = {
    ops.Wait: lambda op: op.seconds,
    ops.Stall: lambda _: float("inf"),
    ops.Reset: _reset,
    ops.Close: _close,
    ops.HalfClose: _close,
    ops.WaitFor: _wait_for,
}
"""What a reader notices of an op; of the others it notices nothing."""


async def head(reply: Reply) -> None:
    """Wait as long as the head takes. Raises ``ConnectionLostError`` (it is cut), ``ProtocolError`` (it is too large)."""
    size = 0
    for op in reply.head(reply.head_bytes()):
        if isinstance(op, ops.Send):
            size += len(op.data)
        elif type(op) in _MEANINGS:
            await _notice(op)
        if size > HEAD_LIMIT:
            raise ProtocolError("the answer is not HTTP that can be read")


async def _notice(op: ops.Op) -> None:
    try:
        step = _MEANINGS[type(op)](op)
    except _Ended:
        raise ConnectionLostError("the server closed the connection without an answer") from None
    if isinstance(step, BaseException):
        raise step
    assert isinstance(step, int | float)
    await (asyncio.sleep(step) if step < float("inf") else asyncio.get_running_loop().create_future())


def body(reply: Reply, decoded_limit: int) -> Iterator[Step]:
    """The body as steps of a memory wire, decompressed up to ``decoded_limit`` bytes."""
    encoding = reply.headers.get("content-encoding", "identity")
    steps = _with_turns(_steps(reply))
    return steps if encoding == "identity" else _inflated(steps, Inflater(encoding, decoded_limit))


def _steps(reply: Reply) -> Iterator[Step]:
    promised = int(reply.headers.get("content-length", 0))
    given = 0
    try:
        for item in reply.body:
            for step in _meaning(item):
                given += len(step) if isinstance(step, bytes) else 0
                yield step
    except _Ended:
        if reply.framing == "chunked":
            yield _cut()
    if given < promised:
        yield _cut()


def _with_turns(steps: Iterator[Step]) -> Iterator[Step]:
    for number, step in enumerate(steps, 1):
        yield step
        if number % _FAIR_SHARE == 0:
            yield 0.0


def _meaning(item: Item) -> Iterator[Step]:
    if isinstance(item, Piece):
        if item.pause:
            yield item.pause
        if item.data:
            yield item.data
    elif isinstance(item, bytes | Rest):
        yield item if isinstance(item, bytes) else item.data
    elif isinstance(item, ops.Op) and type(item) in _MEANINGS:
        yield _MEANINGS[type(item)](item)


def _inflated(steps: Iterator[Step], inflater: Inflater) -> Iterator[Step]:
    for step in steps:
        if not isinstance(step, bytes):
            yield step
            continue
        inflater.feed(step)
        while piece := inflater.take():
            yield piece
    if not inflater.finished:
        yield ConnectionLostError("the compressed body ended in the middle")


def _cut() -> BournError:
    return ConnectionLostError("the connection ended in the middle of the body")
