"""The local model: llama.cpp in a child process, one server a model file, shared by everything in this process.

``server.acquire`` gives a ``Lease`` on a running server and ``LocalTransport`` talks to it; ``models`` knows the files, and
``fetch`` downloads them.

House rule: the library never downloads. Only ``fetch`` does, and only the command line calls it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bourn.transport.local.transport import LocalTransport as LocalTransport


def __getattr__(name: str) -> Any:
    """``LocalTransport``, loaded on first use: the command line looks at files without an event loop."""
    if name == "LocalTransport":
        from bourn.transport.local.transport import LocalTransport

        return LocalTransport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
