"""Faults: what can go wrong on the wire, as data. ``FAULTS`` lists them all by name.

``scenario.broken(faults.Reset(event=3))``, ``MockServer(scenario, fault=faults.Drip())``, by name: ``fault("reset", event=3)``.
Faults compose with each other, with every scenario and with every dialect whose framing they can be written in.

House rule: a new fault is a struct, a function with ``@act``, and a row here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from bourn.errors import InputError
from bourn.mock.faults.base import ACTS, Fault, PlacedFault, Scene
from bourn.mock.faults.frames import (
    Bom,
    BytesAfterEnd,
    Comments,
    Cr,
    Crlf,
    DuplicateFinish,
    Endless,
    HugeLine,
    InvalidUtf8,
    MalformedJson,
    NoFinish,
    PingEvents,
    UnknownEvents,
)
from bourn.mock.faults.heads import (
    CutHead,
    Empty,
    Gzip,
    GzipBomb,
    Html,
    HugeHeader,
    Json,
    Redirect,
    Refused,
    SlowHeaders,
    WrongContentType,
)
from bourn.mock.faults.places import CleanEnd, Fin, Pings, Reset, Stall
from bourn.mock.faults.sizes import Drip, OneWrite, Rechunk
from bourn.mock.reply import Reply

__all__ = [
    "FAULTS",
    "Bom",
    "BytesAfterEnd",
    "CleanEnd",
    "Comments",
    "Cr",
    "Crlf",
    "CutHead",
    "Drip",
    "DuplicateFinish",
    "Empty",
    "Endless",
    "Fault",
    "Fin",
    "Gzip",
    "GzipBomb",
    "Html",
    "HugeHeader",
    "HugeLine",
    "InvalidUtf8",
    "Json",
    "MalformedJson",
    "NoFinish",
    "OneWrite",
    "PingEvents",
    "Pings",
    "PlacedFault",
    "Rechunk",
    "Redirect",
    "Refused",
    "Reset",
    "Scene",
    "SlowHeaders",
    "Stall",
    "UnknownEvents",
    "WrongContentType",
    "apply",
    "describe",
    "fault",
    "read",
]

_KINDS: tuple[type[Fault], ...] = (
    *(Reset, Fin, CleanEnd, NoFinish, Stall, Pings),
    *(Drip, OneWrite, Rechunk),
    *(Bom, Crlf, Cr, Comments, PingEvents, UnknownEvents),
    *(InvalidUtf8, MalformedJson, DuplicateFinish, BytesAfterEnd, HugeLine, Endless),
    *(Html, Json, Empty, WrongContentType, Gzip, GzipBomb, Redirect),
    *(SlowHeaders, HugeHeader, CutHead, Refused),
)

FAULTS: dict[str, type[Fault]] = {str(kind.__struct_config__.tag): kind for kind in _KINDS}
"""Name to fault."""


def describe(kind: type[Fault]) -> str:
    """What the fault does, in one sentence."""
    return (kind.__doc__ or "").partition("\n")[0]


def fault(name: str, **fields: Any) -> Fault:
    """The fault called ``name`` with these fields. Raises ``InputError`` that names the right ones."""
    return read({"name": name, **fields})


def read(given: str | Mapping[str, Any]) -> Fault:
    """A fault from its name, or from a table with ``name`` and fields, as a scenario file has it. Raises ``InputError``."""
    table = {"name": given} if isinstance(given, str) else dict(given)
    name = table.pop("name", None)
    kind = FAULTS.get(name) if isinstance(name, str) else None
    if kind is None:
        near = difflib.get_close_matches(str(name), FAULTS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(FAULTS)}."
        raise InputError(f"unknown fault {name!r}; {hint}")
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        fields = ", ".join(kind.__struct_fields__) or "none"
        raise InputError(f"the fault {name!r}: {error}; its fields are: {fields}") from None


def check(faults: Iterable[Fault], media_type: str) -> None:
    """Refuse faults that cannot be written in a media type. Raises ``InputError``."""
    for each in faults:
        if each.needs and media_type not in each.needs:
            raise InputError(f"the fault {each.label} needs {' or '.join(each.needs)}, and this answer is {media_type}")


def apply(faults: Iterable[Fault], reply: Reply, scene: Scene) -> Reply:
    """The reply with all faults, in the order of their ranks. Raises ``InputError`` for a fault that does not fit."""
    ordered = sorted(faults, key=lambda each: each.rank)
    check(ordered, scene.media_type)
    for each in ordered:
        reply = ACTS[type(each)](each, reply, scene)
    return reply
