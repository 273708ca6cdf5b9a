"""``to_sse``, and the table of protocols that it writes.

House rule: a protocol is a row here; the dialects whose framing is server-sent events are protocols, too.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from bourn import dialects
from bourn.errors import InputError
from bourn.frontends.base import Explain, FrontEncoder
from bourn.frontends.base import explain as explained
from bourn.frontends.body import Events, SseBody


class Row(NamedTuple):
    """Where a protocol's encoder is, loaded on first use, and the headers that it adds."""

    module: str
    encoder: str
    headers: Mapping[str, str] = {}


PROTOCOLS: dict[str, Row] = {
    "bourn": Row("bourn.frontends.own", "OwnEncoder"),
    "ai-sdk-ui": Row("bourn.frontends.ai_sdk_ui", "AiSdkUiEncoder", {"x-vercel-ai-ui-message-stream": "v1"}),
    "ag-ui": Row("bourn.frontends.ag_ui", "AgUiEncoder"),
    **{
        name: Row("bourn.frontends.dialect", "DialectEncoder")
        for name in ("openai-chat", "openai-responses", "openai-completions", "anthropic", "gemini", "cohere")
    },
}
"""Name to row."""


def to_sse(
    events: Events, protocol: str = "bourn", *, explain: Explain = explained, ping: float | None = 15.0, **options: Any
) -> SseBody:
    """The answer as server-sent events in a front end's protocol; nothing is sent before the first bytes are asked for.

    Parameters
    ----------
    events:
        An unread ``bourn.Stream``, or any asynchronous iterator of events that has ``aclose``.
    protocol:
        ``"bourn"`` (our own events as JSON), ``"ai-sdk-ui"`` (Vercel's AI SDK, ``useChat``), ``"ag-ui"`` (CopilotKit and
        others), or a dialect: ``"openai-chat"``, ``"openai-responses"``, ``"anthropic"`` … for clients of that provider.
    explain:
        From a ``BournError`` to the ``Failure`` that people are told; the usual one says the kind and no more.
    ping:
        Seconds of silence after which a comment is sent; ``None`` for never.
    options:
        Of the protocol: see its encoder's class (``AiSdkUiEncoder``, ``AgUiEncoder``, ``DialectEncoder``).

    Raises ``InputError`` for an unknown protocol or option, a ping that is not positive, and events that are none.
    """
    if protocol not in PROTOCOLS:
        near = difflib.get_close_matches(str(protocol), PROTOCOLS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"unknown protocol {protocol!r}: known are {', '.join(PROTOCOLS)}{hint}")
    if ping is not None and not ping > 0:
        raise InputError(f"ping must be a positive number of seconds or None, not {ping!r}")
    if not (hasattr(events, "__anext__") and hasattr(events, "aclose")):
        raise InputError(
            f"events must be a bourn.Stream or another asynchronous iterator with aclose, not {type(events).__name__}"
        )
    row = PROTOCOLS[protocol]
    make = getattr(import_module(row.module), row.encoder)
    return SseBody(events, _encoder(make, protocol, options), row.headers, explain=explain, ping=ping)


def _encoder(make: Callable[..., FrontEncoder], protocol: str, options: Mapping[str, Any]) -> FrontEncoder:
    """An encoder with its options, of which those it does not have are refused."""
    known = [name for name in inspect.signature(make).parameters if name != "dialect"]
    for name in options:
        if name not in known:
            raise InputError(f"the protocol {protocol} has no option {name!r}; its options: {', '.join(known) or 'none'}")
    return make(**({"dialect": dialects.get(protocol)} if protocol in dialects.DIALECTS else {}), **options)
