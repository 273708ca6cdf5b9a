"""A recording: one request and the bytes that answered it, in a folder that people can read.

``request.json``, ``response.json`` and ``body.bin``. Beside status, headers and the like, ``response.json`` tells what happened
on the wire: ``head_at``, the seconds from the request to the end of the head; ``reads``, a pair ``[seconds, bytes]`` for every
read that brought bytes of the body; ``ending`` and ``ended_at``; and ``missing``, the bytes that the framing announced and that
never came. A folder without these (captured by other tools) can be read as well; ``chunk_sizes`` then says how it was cut.

House rule: the body is kept to the byte, except for secrets; a folder that contradicts itself is refused.
"""

from __future__ import annotations

import hashlib
import re
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from bourn import dialects
from bourn.errors import InputError

T = TypeVar("T")

Ending = Literal["whole", "cut", "reset", "open"]
"""The body came to its end; it was closed before that; it was broken by a reset; it was still open when the client left."""

FRAMINGS: dict[str, str] = {
    "text/event-stream": "sse",
    "application/x-ndjson": "ndjson",
    "application/stream+json": "ndjson",
    "application/vnd.amazon.eventstream": "aws-eventstream",
    "application/json": "json",
}
"""Media type to the word for how the body is cut into frames."""

_FORMATS = {"anthropic": "anthropic-messages", "cohere": "cohere-v2"}
"""Dialect to the name of its format in recordings, where it is another."""

_DIALECTS = {format_: dialect for dialect, format_ in _FORMATS.items()}


class RecordedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked. ``body`` is JSON where it was JSON, else the text."""

    method: str = "POST"
    url: str = ""
    path: str = ""
    query: str = ""
    headers: dict[str, str] = {}
    body: Any = None


class RecordedResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What answered; ``encoded`` names the content encoding that ``body.bin`` still has.

    A ``status`` of 0 says that no head of a response came: ``body.bin`` is then what came instead, perhaps part of one.
    """

    status: int
    headers: dict[str, str] = {}
    wire_format: str = ""
    framing: str = ""
    vendor: str = ""
    model: str | None = None
    stream_requested: bool = False
    fidelity: str = "wire"
    encoded: str = ""
    bytes: int = 0
    sha256: str = ""
    head_at: float = 0.0
    reads: list[tuple[float, int]] | None = None
    chunk_sizes: list[int] | None = None
    ending: Ending = "whole"
    ended_at: float = 0.0
    missing: int = 0


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer."""

    request: RecordedRequest
    response: RecordedResponse
    body: bytes
    name: str = ""

    @property
    def kind(self) -> str:
        """What it answers: a dialect, or else a path. Two recordings of a kind can stand for each other."""
        told = _DIALECTS.get(self.response.wire_format, self.response.wire_format)
        return told if told in dialects.DIALECTS else kind(self.request.path or self.request.url)

    @property
    def pieces(self) -> list[tuple[float, bytes]]:
        """The body as it was read: seconds since the request, and bytes."""
        reads = self.response.reads
        if reads is None:
            reads = [(0.0, size) for size in self.response.chunk_sizes or [len(self.body)] if size]
        ends = accumulate((size for _, size in reads), initial=0)
        return [(at, self.body[start:stop]) for (at, _), (start, stop) in zip(reads, pairwise(ends), strict=True)]

    def save(self, folder: Path) -> None:
        """Write it into a new folder. Raises ``OSError``, also where the folder exists."""
        folder.mkdir(parents=True)
        (folder / "request.json").write_bytes(_json(self.request))
        (folder / "body.bin").write_bytes(self.body)
        told = {"bytes": len(self.body), "sha256": hashlib.sha256(self.body).hexdigest()}
        (folder / "response.json").write_bytes(_json(msgspec.structs.replace(self.response, **told)))  # last: now it is whole


def load(folder: str | Path) -> list[Recording]:
    """The recording in a folder, or those in the folders below it, by name. Raises ``InputError`` that says what is wrong."""
    root = Path(folder)
    found = sorted(path.parent for path in root.rglob("response.json"))
    if not found:
        what = "has no recording in it" if root.is_dir() else "is no folder"
        raise InputError(f"{root} {what}: a recording is a folder with response.json, request.json and body.bin")
    return [_one(each, root) for each in found]


def kind(path: str) -> str:
    """The dialect that a path belongs to, below whatever base; the path itself where there is none."""
    plain = path.partition("?")[0]
    for name in dialects.DIALECTS:
        if any(re.search(f"(?:{pattern})$", plain) for pattern in dialects.get(name).paths):
            return name
    return plain


def wire_format(path: str) -> str:
    """The name that recordings give to a path's format; empty where no dialect knows it."""
    name = kind(path)
    return _FORMATS.get(name, name) if name in dialects.DIALECTS else ""


def _one(folder: Path, root: Path) -> Recording:
    request = _read(folder / "request.json", RecordedRequest)
    response = _read(folder / "response.json", RecordedResponse)
    try:
        body = (folder / "body.bin").read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {folder / 'body.bin'}: {error.strerror}") from None
    for field, sizes in (("reads", [size for _, size in response.reads or ()]), ("chunk_sizes", response.chunk_sizes or [])):
        if sizes and (sum(sizes) != len(body) or min(sizes) < 0):
            raise InputError(f"{folder}: body.bin has {len(body)} bytes, and the {field} in response.json say {sum(sizes)}")
    return Recording(
        request=request, response=response, body=body, name=str(folder.relative_to(root)) if folder != root else folder.name
    )


def _read(path: Path, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=type_)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from None


def _json(value: msgspec.Struct) -> bytes:
    """A line a field; what there is nothing to say about is left out."""
    told = {name: field for name, field in msgspec.to_builtins(value).items() if field is not None}
    lines = (msgspec.json.encode(name) + b":" + msgspec.json.encode(field) for name, field in told.items())
    return b"{" + b",\n".join(lines) + b"}\n"
