"""Plays one answer to its end, whatever end that is.

House rule: the first Ctrl-C ends the turn and keeps what had arrived; a second one goes through.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from bourn.cli import exits
from bourn.cli.meter import Meter
from bourn.cli.terminal import Console
from bourn.errors import BournError
from bourn.events import Event
from bourn.response import Response
from bourn.streams import Stream


@dataclass(frozen=True)
class Turn:
    """How one answer went: the response as far as it came, and the error or the Ctrl-C that ended it."""

    response: Response
    meter: Meter
    error: BournError | None = None
    stopped: bool = False

    @property
    def status(self) -> int:
        """The exit code."""
        if self.stopped:
            return exits.STOPPED
        if self.error is not None:
            return exits.code(self.error)
        return exits.MODEL if self.response.finish_reason == "error" else exits.OK

    @property
    def complaint(self) -> str | None:
        """One sentence, if the answer is not what was wanted."""
        if self.stopped:
            return "stopped with Ctrl-C"
        if self.error is not None:
            return exits.sentence(self.error)
        if self.response.finish_reason == "error":
            return f"the provider ended the answer with an error ({self.response.raw_finish_reason}); ask again"
        return None

    def report(self, asked: str, console: Console) -> None:
        """The footer and the complaint, on standard error."""
        if self.stopped:
            console.fresh_line()
        if self.error is not None:
            console.fail(self.error)
            return
        console.note(self.meter.line(asked, self.response, stopped=self.stopped))
        if self.complaint and not self.stopped:
            console.complain(f"bourn: {self.complaint}")


class Show(Protocol):
    """Shows the events of one answer."""

    def event(self, event: Event) -> None:
        """Show one."""
        ...

    def end(self, turn: Turn) -> None:
        """The answer is over, one way or another."""
        ...


def play(runner: asyncio.Runner, stream: Stream, show: Show) -> Turn:
    """Ask, show the answer as it comes, and give how it went. Raises ``KeyboardInterrupt`` at the second Ctrl-C."""
    meter = Meter()
    try:
        turn = runner.run(_play(stream, show, meter))
    except KeyboardInterrupt:
        show.end(Turn(stream.response, meter, stopped=True))
        raise
    show.end(turn)
    return turn


async def _play(stream: Stream, show: Show, meter: Meter) -> Turn:
    await asyncio.sleep(0)  # in a conversation the loop stood still; now it learns which connections were closed meanwhile
    try:
        async with stream:
            async for event in stream:
                meter.see(event)
                show.event(event)
    except BournError as error:
        return Turn(stream.response, meter, error=error)
    except asyncio.CancelledError:  # the runner's answer to the first Ctrl-C
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        return Turn(stream.response, meter, stopped=True)
    return Turn(stream.response, meter)
