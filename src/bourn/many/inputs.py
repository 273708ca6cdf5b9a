"""The rows of a JSON Lines file as questions: a prompt each, and what a row says besides.

A row is a string, ``{"prompt": ...}`` or ``{"messages": [...]}``, with ``id``, ``model``, ``metadata`` and any option of
``bourn.stream`` beside it; or what OpenAI's batches are made of (``{"custom_id": ..., "body": {...}}``).

House rule: what is wrong with a row is said with its line and column; a row is in memory only while it is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, BinaryIO

import msgspec

from bourn.errors import InputError
from bourn.messages import Message, Options
from bourn.prompts import read_options, read_prompt

LONGEST = 64 * 1024 * 1024
"""Bytes of a line, at most."""

_BOM = b"\xef\xbb\xbf"
_BESIDE = ("id", "custom_id", "model", "metadata")
_OPTIONS = Options.__struct_fields__

_BODY_NAMES = {"max_completion_tokens": "max_tokens", "reasoning_effort": "reasoning", "response_format": "schema"}
"""OpenAI's names of options to ours."""
_BODY_LEFT = ("messages", "model", "stream", "stream_options")
"""What of a body is said elsewhere, or by us."""


class Entry(msgspec.Struct, frozen=True):
    """One row: ``index`` counts rows from 0, ``line`` lines from 1; ``digest`` is of the line's bytes.

    ``model`` is a model id, or, with ``bare``, a provider's name for a model; ``problem`` says why it cannot be asked.
    """

    index: int
    line: int
    digest: str
    id: str | None = None
    messages: tuple[Message, ...] = ()
    model: str | None = None
    bare: bool = False
    options: Mapping[str, Any] = {}
    metadata: Any = None
    problem: InputError | None = None


def lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1. Raises ``InputError`` for one that is too long."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        yield from numbered(number, line)


def numbered(number: int, line: bytes) -> Iterator[tuple[int, bytes]]:
    """The line with its number, unless it is blank. Raises ``InputError`` where it is too long."""
    if len(line) > LONGEST:
        raise InputError(f"line {number}: has more than {LONGEST // 1024**2} MiB")
    line = (line.removeprefix(_BOM) if number == 1 else line).strip()
    if line:
        yield number, line


def digest(line: bytes) -> str:
    """What tells a line from others: 16 hexadecimal digits."""
    return blake2b(line, digest_size=8).hexdigest()


def read(index: int, number: int, line: bytes) -> Entry:
    """The row that a line is. Raises ``InputError`` that begins with the line's number."""
    row = _decoded(number, line)
    entry = Entry(index, number, digest(line))
    try:
        if not isinstance(row, dict):
            return msgspec.structs.replace(entry, messages=read_prompt(row))
        shapes = [word for word in _SHAPES if word in row]
        if len(shapes) != 1:
            raise InputError("has to be a string, or to have one of 'prompt', 'messages' and 'body'")
        said = _SHAPES[shapes[0]](row)
        options = {name: value for name, value in said["options"].items() if value is not None}
        read_options(**options)
        named = row.get("id", row.get("custom_id"))
        return msgspec.structs.replace(
            entry,
            id=None if named is None else str(named),
            messages=read_prompt(said["prompt"]),
            model=_model(said["model"]),
            bare=shapes[0] == "body",
            options=options,
            metadata=row.get("metadata"),
        )
    except InputError as error:
        raise InputError(f"line {number}: {error.message}") from None


def unreadable(index: int, number: int, line: bytes, problem: InputError) -> Entry:
    """A row that can only be answered with what is wrong with it."""
    return Entry(index, number, digest(line), problem=problem)


def _decoded(number: int, line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problem = str(error)
    except RecursionError:
        raise InputError(f"line {number}: is nested too deeply") from None
    try:  # for the place; Python's own reader knows it
        json.loads(line)
    except json.JSONDecodeError as error:
        problem = f"column {error.colno}: {error.msg}"
    except UnicodeDecodeError as error:
        problem = f"column {error.start + 1}: is not UTF-8"
    raise InputError(f"line {number}, {problem}; each line has to be JSON")


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Our own shape: options lie beside the prompt."""
    word = "prompt" if "prompt" in row else "messages"
    beside = {name: value for name, value in row.items() if name != word}
    unknown = [name for name in beside if name not in _OPTIONS and name not in _BESIDE]
    if unknown:
        known = ", ".join((*_BESIDE, *_OPTIONS))
        raise InputError(f"unknown key {unknown[0]!r}; known are {known}; what is only to be kept goes into 'metadata'")
    options = {name: value for name, value in beside.items() if name in _OPTIONS}
    return {"prompt": row[word], "model": row.get("model"), "options": options}


def _openai(row: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's: the body of a request to its chat completions; what has no name here goes into the request as it is."""
    body, url = row["body"], row.get("url") or "/v1/chat/completions"
    if not isinstance(body, dict) or "messages" not in body or not str(url).endswith("/chat/completions"):
        raise InputError("body: only bodies for /v1/chat/completions can be sent, which have 'messages'")
    options: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    name: str
    for name, value in body.items():
        ours = _BODY_NAMES.get(name, name)
        if name in _BODY_LEFT:
            continue
        if ours in _OPTIONS and ours != "extra" and value != {"type": "json_object"}:
            options[ours] = value
        else:
            extra[name] = value
    return {"prompt": body["messages"], "model": body.get("model"), "options": {**options, "extra": extra or None}}


_SHAPES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {"prompt": _plain, "messages": _plain, "body": _openai}
"""The key that tells the shape of a row, to its reader."""


def _model(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise InputError("model: has to be a string that is not empty")
