"""The recorder: a proxy that passes each request on, passes the answer back byte for byte as it comes, and saves what passed.

::

    async with serve(Recorder("https://api.openai.com", "recordings")) as server:
        ...                                    # clients that use server.base_url() are recorded

House rule: the client sees the service's own bytes at once, heads, chunks, resets and all; a client that leaves takes the
connection to the service with it. A request is changed only where this hop is concerned, and asks for an uncompressed body.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from bourn.mock import ops
from bourn.mock.http import HttpRequest
from bourn.mock.recording import Ending
from bourn.mock.reply import text_reply
from bourn.mock.scrubbing import Scrubber, secrets_in
from bourn.mock.taking import Take
from bourn.mock.upstream import connect, target

_NOT_PASSED_ON = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "accept-encoding", "expect"),
        *("connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "trailer", "upgrade"),
    }
)
"""Headers of a request that concern this hop only, or are written anew."""

_ENDS: dict[Ending, tuple[ops.Op, ...]] = {
    "whole": (),
    "cut": (ops.Close(),),
    "reset": (ops.Flush(), ops.Reset()),
    "open": (),
}
"""How a connection to a client ends after each ending."""


class Recorder:
    """A handler for a mock server. ``upstream`` is where requests go, ``folder`` where recordings come to lie.

    ``secrets`` are keys to star out wherever they occur, besides those that the requests carry. ``saved`` is called with the
    folder of each new recording. Raises ``InputError`` for an upstream that is no address.
    """

    def __init__(
        self,
        upstream: str,
        folder: str | Path,
        *,
        secrets: Iterable[str] = (),
        saved: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self._target = target(upstream)
        self._folder = Path(folder)
        self._secrets = frozenset(secrets)
        self._saved = saved
        self._number = 0

    def __call__(self, request: HttpRequest) -> AsyncIterator[ops.Op]:
        """The script that passes one request on."""
        return self._pass(request)

    async def _pass(self, request: HttpRequest) -> AsyncIterator[ops.Op]:
        try:
            upstream = await connect(self._target)
        except OSError as error:
            told = f"no connection to {self._target.netloc}: {error.strerror or error}"
            for op in (ops.Note(told), *text_reply(502, f"bourn record: {told}\n").script()):
                yield op
            return
        take = Take(request, asyncio.get_running_loop().time())
        try:
            upstream.send(self._sent(request))
            while not take.whole and (read := await upstream.next()) is not None:
                take.read(read)
                yield ops.Send(read.data)
            take.end(upstream)
            if take.problem is not None:
                yield ops.Note(f"not saved: {take.problem}")
            for op in _ENDS[take.ending] if not take.closes else (ops.HalfClose(),):
                yield op
        finally:
            upstream.abort()
            if take.problem is None:
                self._save(take)

    def _sent(self, request: HttpRequest) -> bytes:
        """The request as the service gets it."""
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_PASSED_ON}
        headers |= {"host": self._target.netloc, "accept-encoding": "identity", "connection": "close"}
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            headers["content-length"] = str(len(request.body))
        path = self._target.path.rstrip("/") + request.target
        lines = [f"{request.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1") + request.body

    def _save(self, take: Take) -> None:
        scrubber = Scrubber(self._secrets | secrets_in(take.request))
        recording = take.recording(self._target, scrubber)
        folder = self._next_folder(recording.response.wire_format or "other")
        recording.save(folder)
        self._saved(folder)

    def _next_folder(self, word: str) -> Path:
        """A folder that is not there yet, numbered in the order in which answers ended."""
        taken = {path.name.partition("-")[0] for path in self._folder.glob("*-*")}
        self._number += 1
        while f"{self._number:04}" in taken:
            self._number += 1
        return self._folder / f"{self._number:04}-{word}"
