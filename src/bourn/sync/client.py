"""``Client``: the connections that synchronous calls share, from any thread; and ``stream``, for a call that shares nothing.

House rule: it takes what ``bourn.Client`` takes, and means the same.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, Unpack
from weakref import WeakSet

from bourn import calls, client
from bourn.client import CallOptions, Prompt
from bourn.errors import ClosedError
from bourn.sync.stream import Stream
from bourn.sync.thread import LoopThread


class Client:
    """Makes streams that share connections, keys and limits: ``with bourn.sync.Client() as client``.

    Parameters: see ``bourn.Client``. It may be used by several threads at once, each reading streams of its own. Its
    connections live in one thread, which starts with the first call and ends with :meth:`close`, or with the last reference to
    it and its streams.
    """

    def __init__(self, **options: Any) -> None:
        self._client = client.Client(**options)
        self._thread = LoopThread(self._client.aclose)
        self._open: WeakSet[Stream] = WeakSet()
        self._closed = False

    def stream(self, model: str, prompt: Prompt, **options: Unpack[CallOptions]) -> Stream:
        """The streaming answer of ``model`` to ``prompt``; sends nothing yet. Parameters and errors: see ``bourn.stream``."""
        if self._closed:
            raise ClosedError("the client is closed; make a new one")
        made = Stream(self._client.stream(model, prompt, **options), self._thread)
        self._open.add(made)
        return made

    def close(self) -> None:
        """Close every connection, and the streams that are still open. May be called at any time, any number of times."""
        self._closed = True
        try:
            for each in list(self._open):
                each.close()
        finally:
            self._thread.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


def stream(model: str, prompt: Prompt, **options: Unpack[CallOptions]) -> Stream:
    """The streaming answer of ``model`` to ``prompt``, over a connection of its own; sends nothing yet.

    Use it under ``with`` and iterate, or call ``collect()``. Parameters and errors: see ``bourn.stream``.
    """
    return Stream(calls.stream(model, prompt, **options))
