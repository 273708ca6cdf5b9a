"""The recorded traffic of real services, and what a decoder makes of it, in the words of its `expected.json`.

The recordings lie beside the project, not in it; where they are absent the tests that want them skip and say so.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bourn.dialects.base import Dialect
from bourn.errors import BournError, ModelError, TruncatedError
from bourn.events import Event, OrderCheck
from bourn.messages import ToolCall
from bourn.response import Response
from bourn.wire.base import FRAME_LIMIT

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the recorded traffic (../shared/corpus) is not on this machine")

PAYLOADS = CORPUS.with_name("corpus-vercel")
"""Payloads without their framing, from another project's tests."""
needs_payloads = pytest.mark.skipif(
    not PAYLOADS.is_dir(), reason="the recorded payloads (../shared/corpus-vercel) are not on this machine"
)


class Recording:
    """One folder of the corpus: the body's bytes, the request, the response's head, the expected outcome."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    def __repr__(self) -> str:
        return self.name

    @property
    def body(self) -> bytes:
        return (self.folder / "body.bin").read_bytes()

    @property
    def expected(self) -> dict[str, Any]:
        return self._json("expected.json")

    @property
    def response(self) -> dict[str, Any]:
        return self._json("response.json")

    @property
    def request(self) -> dict[str, Any]:
        return self._json("request.json")

    def _json(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.folder / name).read_text())
        return value


def recordings(*formats: str) -> list[Recording]:
    """All recordings of the formats that say what is expected; an empty list where there is no corpus."""
    folders = [folder for name in formats for folder in sorted((CORPUS / name).glob("*")) if CORPUS.is_dir()]
    return [Recording(folder) for folder in folders if (folder / "expected.json").exists()]


def cuts(body: bytes, way: str, seed: str) -> Iterator[bytes]:
    """The body in pieces: `whole`, `bytes` (one at a time), or `random` (seeded)."""
    if way == "whole":
        yield body
    elif way == "bytes":
        for at in range(len(body)):
            yield body[at : at + 1]
    else:
        dice = random.Random(seed)
        at = 0
        while at < len(body):
            size = dice.choice((1, 2, 3, 7, 50, 400, 3000))
            yield body[at : at + size]
            at += size


class Decoded:
    """What came of a body: the events, the response folded from them, and the error, if any."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.response = Response()
        self.error: BournError | None = None
        self.usage: Any = None


def decode(dialect: Dialect, chunks: Iterable[bytes], *, verified: bool = True) -> Decoded:
    """Feed chunks through the dialect as a transport would, holding the events to the legal order."""
    out = Decoded()
    order = OrderCheck()
    framer, decoder = dialect.framer(FRAME_LIMIT), dialect.decoder()

    def take(events: Iterable[Event]) -> None:
        for event in events:
            order.feed(event)
            out.events.append(event)
            out.response.fold(event)

    try:
        for chunk in chunks:
            for frame in framer.feed(chunk):
                take(decoder.feed(frame))
                if decoder.done:
                    return out
        framer.close()
        take(decoder.close(verified=verified))
    except BournError as error:
        out.error = error
    finally:
        out.usage = out.response.usage or decoder.usage
    return out


def outcome(decoded: Decoded) -> dict[str, Any]:
    """The decoded answer in the fields of `expected.json`."""
    response, error = decoded.response, decoded.error
    usage = decoded.usage
    return {
        "text": response.text,
        "reasoning": response.reasoning,
        "refusal": response.refusal,
        "tool_calls": [_call(call) for call in response.tool_calls],
        "finish_reason": response.finish_reason if response.raw_finish_reason is not None else None,
        "raw_finish_reason": response.raw_finish_reason,
        "usage": None if usage is None else {name: getattr(usage, name) for name in usage.__struct_fields__},
        "model": response.model,
        "id": response.id,
        "outcome": _outcome_word(response, error),
        "error": _error_words(error),
    }


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "name": call.name, "arguments": call.arguments}


def _outcome_word(response: Response, error: BournError | None) -> str:
    if isinstance(error, ModelError):
        return "model_error"
    if isinstance(error, TruncatedError):
        return "truncated"
    if error is not None:
        return type(error).__name__
    return "complete" if response.verified else "unverified"


def _error_words(error: BournError | None) -> dict[str, Any] | None:
    if not isinstance(error, ModelError):
        return None
    return {"message": error.message, "type": error.type, "code": error.code}


def expected_outcome(recording: Recording, *, but: Iterable[str] = ()) -> dict[str, Any]:
    """The fields of `expected.json` that a decoder is held to; doubtful ones, and those in `but`, are left out."""
    expected = recording.expected
    doubtful = {field.split(".")[0] for field in expected.get("doubtful_fields") or ()} if expected.get("doubtful") else set()
    fields = outcome(Decoded()).keys() - doubtful - set(but)
    return {field: expected.get(field) for field in fields}
