"""How a provider is reached: from the word in its row to the transport, imported beside the loop with the dialect spoken.

House rule: what a first call imports takes longer than a loop may stand still, so the loop's thread does not import it.
"""

from __future__ import annotations

from collections.abc import Callable

from bourn import dialects
from bourn.transport import offload
from bourn.transport.base import Transport

TRANSPORTS: dict[str, tuple[str, str]] = {
    "http": ("bourn.transport.http", "HttpTransport"),
    "local": ("bourn.transport.local.transport", "LocalTransport"),
    "mock": ("bourn.mock.transport", "MockTransport"),
}
"""The word to the module and class."""


def modules(way: str, dialect: str) -> tuple[str, str]:
    """What a call needs: the module of the dialect of this name, and that of the transport."""
    return dialects.module(dialect), TRANSPORTS[way][0]


async def load(way: str, dialect: str) -> Callable[..., Transport]:
    """The class of the transport, once the modules were imported, if they were not yet."""
    spoken, reached = modules(way, dialect)
    await offload.load(spoken)
    found: Callable[..., Transport] = getattr(await offload.load(reached), TRANSPORTS[way][1])
    return found
