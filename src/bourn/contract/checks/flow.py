"""Section 6: flow.

Cost is measured in CPU time of the whole process, the server's share included, at one size and at four times that size: linear
work costs 4 times as much, quadratic work 16 times. They are tried again if that is too much; the least cost counts.
"""

from __future__ import annotations

import asyncio
import time

from bourn.contract import scripts
from bourn.contract.cutting import Pieces
from bourn.contract.guest import Guest
from bourn.contract.place import Place
from bourn.contract.registry import check
from bourn.contract.stage import Stage
from bourn.contract.verdict import require
from bourn.mock import ops, text
from bourn.testing.queues import queued

SEND_BUFFER = 16 * 1024
"""Bytes of the server's kernel buffer, so that an unread stream is felt early."""

KERNEL = 1024 * 1024
"""Bytes that the kernel may hold beside the stream, where it does not tell how many it holds."""

READ = 64 * 1024
"""Bytes of the two items that are read, with all that is around them."""

OFFERED = 8 * 1024 * 1024
"""Bytes that the server has for a stream that is not read."""

MOST = 4 * 1024 * 1024
"""Bytes of the largest event that must cost linear time."""

RATIO = 8.0
"""How much more four times the bytes may cost: 4 is linear, 16 quadratic."""

TRIES = 3

NO_DOUBT = 12.0
"""A ratio that no busy machine makes of linear work: it is not tried again."""

_MANY = 10_000_000


@check("6.1")
async def an_unread_stream_stops_the_server(stage: Stage) -> None:
    """Unread, it takes no more than what it declares to hold, however much the server has."""
    piece = "water " * 2_700
    place = await stage.serve(text(*[piece] * (OFFERED // len(piece)), whole=True), send_buffer=SEND_BUFFER)
    guest = await place.open()
    await guest.read(2)
    taken = await _plateau(stage, place)
    stage.evidence.figures["bytes taken unread"] = taken
    ended = place.journal.exchanges[0].ending != "open"
    require(not ended, f"unread, it took all {taken} bytes that the server had")
    held = stage.subject.max_held_bytes
    if held is not None:
        kernel = queued(place.server.port)
        own = taken - (KERNEL if kernel is None else kernel)
        stage.evidence.figures["bytes held by the kernel"] = kernel
        require(own <= held + READ, f"unread, it took {own} bytes, more than the {held} that it may hold")


async def _plateau(stage: Stage, place: Place) -> int:
    """How many bytes the server got rid of, once they have been the same for a while."""
    wait = 5.0 if stage.clock == "virtual" else 0.3
    same, taken = 0, -1
    while same < 3:
        await asyncio.sleep(wait)
        now = sum(exchange.bytes_sent for exchange in place.journal.exchanges)
        same = same + 1 if now == taken else 0
        taken = now
    return taken


@check("6.2", needs=("text",))
async def each_piece_before_the_next(stage: Stage) -> None:
    """In lockstep: the server sends a piece only after the one before it was read."""
    said: list[str | ops.Op] = []
    for word in scripts.WORDS:
        said += [word, ops.WaitFor("read")]
    place = await stage.serve(text(*said, whole=True))
    guest = await place.open(await place.client())
    expected = got = ""
    for number, word in enumerate(scripts.WORDS, 1):
        expected += word
        while len(got) < len(expected):
            got += await _piece(stage, guest, number)
        place.server.signal("read")
    rest = await guest.read(_MANY)
    require(rest.clean, f"when every piece had been read in lockstep, it ended with {rest.end}")


async def _piece(stage: Stage, guest: Guest, number: int) -> str:
    """The text of the next item, which must come though the server sends nothing more."""
    read = asyncio.ensure_future(guest.pull())
    await asyncio.wait({read}, timeout=stage.patience)
    sent = f"the server had sent piece {number} and waited for it to be read"
    require(read.done(), f"{sent}, and it was not given")
    outcome = read.result()
    require(outcome.error is None, f"{sent}, and in its place came {outcome}")
    return guest.text([outcome.item])


@check("6.3", deadline=60)
async def one_large_event_costs_linear_time(stage: Stage) -> None:
    """An event of 4 MB, in pieces of 2 kB, costs no more than so many times what one of 1 MB costs."""
    size = min(MOST, (stage.subject.max_event_bytes or 2 * MOST) // 2)
    ratio = await _ratio(stage, size, Pieces(2048), "one event")
    require(ratio <= RATIO, f"one event of four times the size cost {ratio:.1f} times the CPU time (linear: 4, quadratic: 16)")


@check("6.3", deadline=60)
async def byte_by_byte_costs_linear_time(stage: Stage) -> None:
    """An event of 256 kB in chunks of one byte costs no more than so many times what one of 64 kB costs."""
    ratio = await _ratio(stage, 256 * 1024, Pieces(1, 1024), "byte by byte")
    require(ratio <= RATIO, f"four times the chunks of one byte cost {ratio:.1f} times the CPU time (linear: 4, quadratic: 16)")


async def _ratio(stage: Stage, size: int, cut: Pieces, what: str) -> float:
    """How much more ``size`` bytes in one event cost than a quarter of them, the least of some tries."""
    small, large, ratio = [], [], 0.0
    await _cost(stage, size // 16, cut)  # what is done the first time only
    for _ in range(TRIES):
        small.append(await _cost(stage, size // 4, cut))
        large.append(await _cost(stage, size, cut))
        ratio = min(large) / min(small)
        if not RATIO < ratio < NO_DOUBT:
            break
    stage.evidence.figures |= {f"{what}: CPU s, a quarter": small, f"{what}: CPU s": large, f"{what}: ratio": ratio}
    return ratio


async def _cost(stage: Stage, size: int, cut: Pieces) -> float:
    """CPU seconds of reading an answer whose one event has ``size`` bytes."""
    place = await stage.serve(text("x" * size, whole=True), fault=cut)
    guest = await place.open()
    began = time.process_time()
    while (outcome := await guest.pull()).error is None:
        pass
    spent = time.process_time() - began
    require(outcome.ended, f"an answer with one event of {size} bytes ended with {outcome}")
    await guest.close()
    return spent


@check("6.3", needs=("max_event_bytes", "errors"))
async def an_event_too_large_is_an_error(stage: Stage) -> None:
    """An event larger than it takes is a typed error, and comes before much more than that was taken."""
    most = stage.subject.max_event_bytes or 0
    answer = text("x" * (2 * most + OFFERED), whole=True)
    place = await stage.serve(answer)
    guest = await place.open()
    while (outcome := await guest.pull()).error is None:
        pass
    told = f"an event of more than twice the {most} bytes that it takes"
    require(outcome.failed, f"{told} was no error")
    require(isinstance(outcome.error, stage.subject.errors), f"{told} came out as {outcome}, no error of its own")
    taken = place.journal.exchanges[0].bytes_sent
    stage.evidence.figures["bytes taken of an event too large"] = taken
    limit = most + (stage.subject.max_held_bytes or 0) + OFFERED  # the kernel's buffers are large here
    require(taken <= limit, f"{told} was refused only when {taken} bytes of it had been taken")
