"""A server on the command line: it runs until Ctrl-C, tells each exchange in a line, and sums up at the end.

House rule: addresses go to standard output, for scripts; everything else is a remark. Ctrl-C is how a server ends: code 0.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress

from bourn import dialects
from bourn.cli import exits
from bourn.cli.terminal import Console
from bourn.mock import Exchange, MockServer
from bourn.mock.variables import base_urls

_ENDINGS = ("whole", "cut", "peer left", "failed", "server stopped")


class Log:
    """Give :meth:`told` to a server as ``observe``; :meth:`summary` says what it was told in all."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._endings: Counter[str] = Counter()
        self._bytes = 0

    def told(self, exchange: Exchange) -> None:
        """An exchange has ended: one line."""
        self._endings[exchange.ending] += 1
        self._bytes += exchange.bytes_sent
        self._console.note(line(exchange))

    def summary(self, connections: int) -> str:
        """All exchanges in one sentence."""
        ways = ", ".join(f"{self._endings[way]} {way}" for way in _ENDINGS if self._endings[way])
        count = _plural(self._endings.total(), "request")
        return f"bourn: {count} over {_plural(connections, 'connection')}; {self._bytes} bytes sent" + (
            f"; {ways}" if ways else ""
        )


def line(exchange: Exchange) -> str:
    """An exchange in one line: when, what was asked, who answered, how much was sent in which time, how it ended."""
    took = (exchange.ended_at if exchange.ended_at is not None else exchange.at) - exchange.at
    words = [f"{exchange.at:9.3f} s", exchange.method, exchange.path, *_answered(exchange)]
    sent = f"{exchange.bytes_sent} bytes in {took:.3f} s, {exchange.ending}"
    notes = [note for note in exchange.notes if not note.startswith("fault: ")]  # the faults are told already
    return "  ".join([*words, "; ".join([sent, *notes])])


def _answered(exchange: Exchange) -> list[str]:
    return [word for word in (exchange.dialect, exchange.scenario, *exchange.faults) if word]


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def addresses(url: str, names: Iterable[str]) -> str:
    """Lines to paste into a shell: the base URL's variable of each SDK, for the dialects called ``names``.

    Where no SDK reads a variable it is the base URLs alone.
    """
    named = [f"{variable}={value}" for variable, value in base_urls(url, names).items()]
    return "\n".join(named or dict.fromkeys(url + dialects.get(name).root for name in names)) + "\n"


async def serve(server: MockServer, console: Console, log: Log, shown: Callable[[str], str]) -> int:
    """Run a server until the program is told to stop; the exit code. ``shown`` makes lines to paste of the server's URL."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C cancels the task instead, which leaves the server too
            loop.add_signal_handler(number, stop.set)
    async with server:
        console.out(shown(server.url))
        console.note(f"bourn: listening on {server.origin}; Ctrl-C ends it")
        try:
            await stop.wait()
        except asyncio.CancelledError:
            pass  # Ctrl-C on Windows: an end like any other
        finally:
            server.errors.clear()  # each was told in its exchange's line
    console.fresh_line()
    console.note(log.summary(server.journal.opened))
    return exits.OK
