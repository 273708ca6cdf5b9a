"""Whatever several readers of one stream do, each reads a part of the same answer without a gap: random programs, one model."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

import bourn
from bourn.testing.clock import run
from tests.plain import answer
from tests.steering.streams import make, paced

WORDS = tuple("abcdefgh")
ANSWER = [bourn.Start("id-1", "m", "openai"), *answer(*WORDS)[1:]]

Act = tuple[Literal["read", "poll", "sleep", "close"], float]

ACTS: st.SearchStrategy[Act] = st.tuples(
    st.sampled_from(["read", "read", "poll", "poll", "sleep", "close"]), st.sampled_from([0.0, 0.3, 1.0, 2.5])
)


class Consumer:
    """One branch, and how far in the answer it has come."""

    def __init__(self, branch: bourn.Branch[Any]) -> None:
        self.branch = branch
        self.at = 0
        self.closed = False
        self.ending: type[BaseException] | None = None

    async def do(self, acts: list[Act]) -> None:
        for act, seconds in acts:
            if act == "sleep":
                await asyncio.sleep(seconds)
            elif act == "close":
                await self.branch.aclose()
                self.closed = True
            elif self.ending is None:
                await self.read(seconds if act == "poll" else None)
        await asyncio.sleep(100 - asyncio.get_running_loop().time())  # some may be stuck behind one that does not read
        while self.ending is None:
            await self.read(None)

    async def read(self, patience: float | None) -> None:
        try:
            event = await asyncio.wait_for(anext(self.branch), patience)
        except TimeoutError:
            return
        except (StopAsyncIteration, bourn.ClosedError, bourn.LaggedError, bourn.ConnectionLostError) as error:
            self.ending = type(error)
            return
        if isinstance(event, bourn.Dropped):
            self.at += event.count
        else:
            assert event == ANSWER[self.at]
            self.at += 1


@settings(max_examples=150)
@given(
    programs=st.lists(st.lists(ACTS, max_size=14), min_size=1, max_size=4),
    slow=st.sampled_from(["wait", "drop", "fail"]),
    size=st.sampled_from([1, 2, 5, 100]),
    cut=st.booleans(),
)
def test_whatever_readers_do(programs: list[list[Act]], slow: Any, size: int, cut: bool) -> None:
    """No event is lost, doubled or out of order; each ends as it must; one request is sent, and its connection let go of."""
    whole = len(ANSWER) - 2 if cut else len(ANSWER)

    async def play() -> None:
        stream, transport = make(paced(*WORDS, tail=bourn.ConnectionLostError("cut") if cut else None))
        consumers = [Consumer(branch) for branch in bourn.tee(stream, len(programs), buffer=size, slow=slow)]
        async with asyncio.timeout(300):
            await asyncio.gather(*(each.do(acts) for each, acts in zip(consumers, programs, strict=True)))
        assert len(transport.calls) <= 1
        end = bourn.ConnectionLostError if cut else StopAsyncIteration
        for each in consumers:
            assert each.ending in ({end, bourn.LaggedError, bourn.ClosedError} if slow == "fail" else {end, bourn.ClosedError})
            assert each.closed or each.ending is not bourn.ClosedError
            assert each.ending is not end or each.at == whole
            await each.branch.aclose()
        assert all(wire.closed for wire in transport.wires)

    run(play())
