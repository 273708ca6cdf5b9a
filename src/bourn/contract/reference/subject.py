"""The reference as a subject, and as the base of saboteurs.

    class Deaf(ReferenceStream):
        async def take_turn(self) -> None: ...

    sabotage("7.2", "another task ran", reference("deaf", Deaf))

House rule: everything that can be declared is declared, so that the reference is skipped by no rule.
"""

from __future__ import annotations

from typing import Any

from bourn.contract.reference.client import ReferenceClient
from bourn.contract.reference.stream import ReferenceStream
from bourn.contract.subject import Call, Partial, Subject
from bourn.errors import BournError, ClosedError
from bourn.events import Finish, TextDelta
from bourn.messages import ToolCall

LIMITS: dict[str, Any] = {"idle": 40.0, "byte_idle": 15.0, "total": 300.0, "retries": 2, "event_bytes": 16 * 1024 * 1024}
"""What the reference client is made with."""


def reference(
    name: str = "reference",
    stream: Any = ReferenceStream,
    client: Any = ReferenceClient,
    *,
    dialect: str = "openai-chat",
    **declared: Any,
) -> Subject:
    """A subject of ``stream(client)``, where ``client`` is made as ``ReferenceClient`` is; ``declared`` overrides fields."""
    fields: dict[str, Any] = {
        "connect": stream,
        "client": lambda url: client(url, dialect, **LIMITS),
        "text": lambda event: event.text if isinstance(event, TextDelta) else None,
        "terminal": lambda event: isinstance(event, Finish),
        "partial": partial,
        "errors": (BournError,),
        "closed_errors": (ClosedError,),
        "cancel_safe": True,
        "max_event_bytes": LIMITS["event_bytes"],
        "max_held_bytes": 1024 * 1024,
        "pool_size": 2,
        "keeps_alive": True,
        "idle": LIMITS["idle"],
        "byte_idle": LIMITS["byte_idle"],
        "total": LIMITS["total"],
        "retries": LIMITS["retries"],
        "invalid_utf8": "replace",
    }
    return Subject(name=name, dialect=dialect, **{**fields, **declared})


def partial(stream: Any) -> Partial:
    """The answer so far of a stream that has ``response``, as ours and the reference have."""
    response = stream.response
    usage = response.usage
    return Partial(
        text=response.text,
        calls=tuple(Call(part.name, part.arguments, part.complete) for part in response.parts if isinstance(part, ToolCall)),
        input_tokens=None if usage is None else usage.input_tokens,
        output_tokens=None if usage is None else usage.output_tokens,
        complete=response.complete,
        finish_reason=response.finish_reason,
    )
