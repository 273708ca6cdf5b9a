"""Breaks section 7: the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from bourn.contract.reference import ReferenceClient, ReferenceStream, reference
from bourn.contract.registry import sabotage
from bourn.errors import BournError
from bourn.events import Event


class LoadsCertificates(ReferenceClient):
    """Does slow work each time that it is made."""

    def __init__(self, *args: Any, **limits: Any) -> None:
        super().__init__(*args, **limits)
        time.sleep(0.06)


class LooksUpNames(ReferenceStream):
    """Waits for something, and blocks the loop."""

    def judge_head(self) -> None:
        time.sleep(0.06)
        super().judge_head()


class ParsesAgain(ReferenceStream):
    """Computes for 6 ms at each of its first hundred events."""

    said = 0

    def give(self) -> Event:
        self.said += 1
        if self.said <= 100:
            until = time.thread_time() + 0.006
            while time.thread_time() < until:
                pass
        return super().give()


class EndsBadly(ReferenceStream):
    """Fails at its end."""

    async def release(self) -> None:
        await super().release()
        raise ValueError("nothing follows")


sabotage("7.1", "making it blocked the event loop for", reference("loads certificates", client=LoadsCertificates))
sabotage("7.1", "streaming blocked the event loop for", reference("looks up names", LooksUpNames))
sabotage("7.1", "blocked the event loop again and again", reference("parses again", ParsesAgain))
sabotage("7.1", "it could not be read to its end: ValueError", reference("ends badly", EndsBadly))


class NeverYields(ReferenceStream):
    """Gives all that is buffered before anybody else has a turn."""

    async def take_turn(self) -> None:
        pass


class HardOfHearing(ReferenceStream):
    """Lets others run, and is not to be disturbed itself."""

    async def take_turn(self) -> None:
        try:
            await super().take_turn()
        except asyncio.CancelledError:
            self.given = 0


sabotage("7.2", "items in a row while another task was ready", reference("never yields", NeverYields))
sabotage("7.2", "its reader was cancelled and got", reference("hard of hearing", HardOfHearing))


class LeavesTask(ReferenceStream):
    """Detaches a task when it is closed unfinished."""

    async def aclose(self) -> None:
        if not self.finished and self.error is None:
            self.detached = asyncio.ensure_future(asyncio.sleep(1000))
        await super().aclose()


class LeavesThread(ReferenceStream):
    """Leaves a thread behind that waits for more to do."""

    async def release(self) -> None:
        threading.Thread(target=time.sleep, args=(2,), name="worker", daemon=True).start()
        await super().release()


class LeavesRescuer(ReferenceStream):
    """Starts a task that would mend the connection."""

    def fail(self, error: BournError) -> None:
        super().fail(error)
        self.detached = asyncio.ensure_future(asyncio.sleep(1000))


sabotage("7.3", "closed midway, it left behind: task", reference("leaves a task", LeavesTask))
sabotage("7.3", "closed at its end, it left behind: thread worker", reference("leaves a thread", LeavesThread))
sabotage("7.3", "closed after an error, it left behind: task", reference("leaves a rescuer", LeavesRescuer))
